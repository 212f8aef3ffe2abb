"""Every address, walked as each kind of person: nothing opens by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.acquisition import watches
from apps.acquisition.models import WrittenParser
from apps.protection.permissions import ROLES, Capability, Role
from tests.acquisition.written.test_written import GATE
from tests.center.world import PASSWORD, World, handover, person

Enter = Callable[[User], Client]

OPEN = {"login", "logout", "health", "favicon", "shared", "shared-download"}
"""Doors for people who are not logged in."""
EVERYONE = {"overview", "profile"}
"""Doors for whoever is logged in."""


def doors(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[URLPattern]:
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            yield from doors(pattern.url_patterns)
        else:
            yield pattern


def pages() -> dict[str, Capability]:
    return {
        door.name: door.callback.capability
        for door in doors()
        if door.name and hasattr(door.callback, "capability") and not door.name.startswith("api-")
    } | {"api-docs": Capability.VIEW_INCIDENTS}


def watch(world: World) -> int:
    found = world.source.watches.first()
    return (found or watches.create_watch(
        name="shop", kind="page", target="https://shop.example/", every=60, actor="ada",
        source=world.source,
    )).pk  # fmt: skip


def written() -> WrittenParser:
    return WrittenParser.objects.get_or_create(name="acme_gate", defaults={"text": GATE})[0]


def address(name: str, world: World) -> str:
    package = world.incident.handovers.first() or handover(world.incident)
    keys = {
        "incident": [world.incident.pk],
        "clue-records": [world.incident.pk, "0-0"],
        "remedy": [world.remedy.pk],
        "task": [world.remedy.tasks.first().pk],
        "finding": [world.incident.memberships.first().finding_id],
        "record": [world.batch.records.first().pk],
        "batch": [world.batch.pk],
        "source": [world.source.pk],
        "host": [world.host.pk],
        "responder": [1],
        "handover": [package.pk],
        "share": [1],
        "knowledge-record": ["web-shell"],
        "account": [world.analyst.pk],
        "watch": [watch(world)],
        "parser": [written().name],
    }
    made_new = {"source-new", "host-new", "host-confirm", "watch-new", "parser-new"}
    for key in (name, name.split("-")[0]):
        if key in keys and name not in made_new:
            return reverse(name, args=keys[key])
    return reverse(name)


def test_every_page_names_the_capability_it_needs() -> None:
    unnamed = {
        door.name
        for door in doors()
        if door.name
        and not hasattr(door.callback, "capability")
        and not (door.name.startswith("api-") and hasattr(door.callback, "cls"))
    }
    assert unnamed == OPEN | EVERYONE


def test_an_outsider_is_led_to_the_log_in_from_every_page(world: World) -> None:
    outsider = Client()
    for name in (*pages(), *EVERYONE):
        answer = outsider.get(address(name, world))
        assert answer.status_code == 302, name
        assert answer["Location"].startswith(reverse("login")), name


def test_an_outsider_gets_nothing_from_the_api(world: World) -> None:
    outsider = Client()
    for name in (
        *("incidents", "remedies", "findings", "batches", "records", "sources", "watches"),
        "handovers",
    ):
        assert outsider.get(f"/api/v1/{name}/").status_code == 403, name
    assert outsider.get("/api/v1/schema/").status_code == 403


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_its_own_doors_and_no_others(
    role: Role, world: World, enter: Enter
) -> None:
    client = enter(person(f"the {role}", role))
    for name, needed in pages().items():
        status = client.get(address(name, world)).status_code
        if needed in ROLES[role]:
            assert status in (200, 405, 404), name  # a deed answers GET with 405
        else:
            assert status == 403, name


def test_a_responder_sees_handovers_and_nothing_else(world: World, enter: Enter) -> None:
    client = enter(world.responder)
    assert client.get("/").headers["Location"] == reverse("handovers")
    assert client.get(reverse("incident", args=[world.incident.pk])).status_code == 403
    answers = {
        name: client.get(f"/api/v1/{name}/").status_code
        for name in ("handovers", "incidents", "sources")
    }
    assert answers == {"handovers": 200, "incidents": 403, "sources": 403}


def test_the_refusal_names_the_roles_that_may(world: World, enter: Enter) -> None:
    page = enter(world.analyst).get(reverse("accounts"))
    assert page.status_code == 403
    assert "administrator" in page.content.decode()
    assert (
        "approver or administrator" in enter(world.analyst).get(reverse("audit")).content.decode()
    )


def test_deeds_are_not_done_by_get_nor_without_a_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.administrator, "django.contrib.auth.backends.ModelBackend")
    approve = reverse("remedy-approve", args=[world.remedy.pk])
    assert client.get(approve).status_code == 405
    assert client.post(approve, {"digest": world.remedy.digest, "read": "1"}).status_code == 403
    api = client.post(f"/api/v1/remedies/{world.remedy.pk}/approve/", {"digest": "x"})
    assert api.status_code == 403


def test_what_is_not_there_is_a_404(world: World, enter: Enter) -> None:
    client = enter(world.administrator)
    for path in ("/incidents/999999/", "/findings/999999/", "/records/999999/", "/hosts/999999/",
                 "/sources/999999/", "/knowledge/no-such/", "/shared/nothing/",
                 f"/incidents/{world.incident.pk}/clues/0-9-9/", "/records/?after=x"):  # fmt: skip
        assert client.get(path).status_code == 404, path


def test_five_wrong_passwords_lock_the_name_out(world: World) -> None:
    client = Client()
    wrong = {"username": "ana", "password": "guess"}
    answers = [client.post("/login/", wrong).status_code for _ in range(5)]
    assert answers[-1] == 429
    locked = client.post("/login/", {"username": "ana", "password": PASSWORD})
    assert locked.status_code == 429
    assert "Too many attempts" in locked.content.decode()
    assert client.post("/login/", {"username": "otto", "password": PASSWORD}).status_code == 302


def test_every_answer_carries_the_policy(world: World, enter: Enter) -> None:
    for path in ("/login/", "/", "/no-such-page"):
        policy = enter(world.analyst).get(path).headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
