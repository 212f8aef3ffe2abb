"""Watches for programs: what an administrator's form does, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.test import Client

from apps.acquisition import watches
from apps.acquisition.models import Source, Watch, WatchBaseline
from apps.center.api import Watches
from apps.protection import vault
from apps.protection.models import AuditEntry
from tests.center.world import World

Enter = Callable[[User], Client]
Sent = list[tuple[str, tuple[object, ...]]]
LIST = "/api/v1/watches/"
NEW = {"name": "shop", "kind": "page", "target": "https://shop.example/"}
JSON = "application/json"


def made(**changes: Any) -> Watch:
    return watches.create_watch(**{**NEW, "every": 3600, "actor": "ada", **changes})


def test_a_program_has_a_page_watched(world: World, enter: Enter, sent: Sent) -> None:
    client = enter(world.administrator)
    asked = {**NEW, "every": 900, "options": {"seconds": 9}, "networks": ["10.1.0.0/16"]}
    answer = client.post(LIST, {**asked, "secret": "Bearer s3cret"}, content_type=JSON)
    assert answer.status_code == 201
    watch, said = Watch.objects.get(), answer.json()
    assert client.get(f"{LIST}{watch.pk}/").json() == said
    assert client.get(LIST).json()["results"] == [said]
    assert (said["every"], said["options"]["seconds"], said["has_secret"]) == (900, 9, True)
    assert (said["networks"], said["source"]) == (["10.1.0.0/16"], watch.source_id)
    assert watch.source.name == "shop"  # a source of its own
    assert "s3cret" not in answer.content.decode()
    assert "secret" not in said
    assert vault.decrypt(bytes(watch.secret)).decode() == "Bearer s3cret"
    assert AuditEntry.objects.get(action="watch.created").actor == world.administrator.username
    assert sent == [("apps.center.tasks.watch", ())]


def test_a_change_keeps_what_it_does_not_name(world: World, enter: Enter, sent: Sent) -> None:
    watch = made(secret="s3cret", options={"seconds": 9}, networks=["10.1.0.0/16"])
    WatchBaseline.objects.create(watch=watch, content=b"")
    client, address = enter(world.administrator), f"{LIST}{watch.pk}/"
    said = client.patch(address, {"name": "store", "every": 300}, content_type=JSON).json()
    assert (said["name"], said["every"], said["has_secret"]) == ("store", 300, True)
    assert (said["target"], said["options"]["seconds"]) == (watch.target, 9)
    assert (said["networks"], said["source"]) == (["10.1.0.0/16"], watch.source_id)
    assert WatchBaseline.objects.exists()
    moved = {"target": "https://store.example/"}
    answer = client.patch(address, moved, content_type=JSON)
    assert (answer.status_code, "type it again" in answer.json()["detail"]) == (409, True)
    said = client.patch(address, {**moved, "secret": ""}, content_type=JSON).json()
    assert (said["target"], said["has_secret"]) == ("https://store.example/", False)
    assert not WatchBaseline.objects.exists()
    assert sent == [("apps.center.tasks.watch", ())] * 2
    for nothing in ({"kind": "dns"}, {"enabled": False}, {}):
        assert client.patch(address, nothing, content_type=JSON).status_code == 400
    assert len(sent) == 2  # and nothing ran for it


def test_two_changes_of_one_watch_do_not_undo_each_other(
    world: World, enter: Enter, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, change = made(), watches.change_watch

    def changed(**asked: Any) -> Watch:
        """Another's change comes between the reading of this one and its turn."""
        change(watch_id=watch.pk, every=300, networks=["10.1.0.0/16"], actor="bob")
        return change(**asked)

    monkeypatch.setattr(watches, "change_watch", changed)
    client, address = enter(world.administrator), f"{LIST}{watch.pk}/"
    said = client.patch(address, {"name": "store"}, content_type=JSON).json()
    assert (said["name"], said["every"], said["networks"]) == ("store", 300, ["10.1.0.0/16"])


def test_an_option_that_is_no_more_does_not_stand_in_the_way_of_another_name(
    world: World, enter: Enter, sent: Sent
) -> None:
    watch = made()
    Watch.objects.update(options={"depth": 1})
    client, address = enter(world.administrator), f"{LIST}{watch.pk}/"
    assert client.patch(address, {"name": "store"}, content_type=JSON).json()["name"] == "store"
    again = client.patch(address, {"options": {"seconds": 9}}, content_type=JSON).json()
    assert again["options"]["seconds"] == 9


@pytest.mark.parametrize(
    ("method", "deed"),
    [("patch", ""), ("delete", ""), ("post", "enable/"), ("post", "disable/"), ("post", "run/")],
)
def test_what_another_deleted_meanwhile_is_not_found(
    world: World, enter: Enter, sent: Sent, monkeypatch: pytest.MonkeyPatch, method: str, deed: str
) -> None:
    watch, found = made(), Watches.get_object

    def looked_up(door: Watches) -> Watch:
        known: Watch = found(door)
        Watch.objects.all().delete()
        return known

    monkeypatch.setattr(Watches, "get_object", looked_up)
    call = getattr(enter(world.administrator), method)
    answer = call(f"{LIST}{watch.pk}/{deed}", {"name": "store"}, content_type=JSON)
    assert answer.status_code == 404
    assert sent == []


def test_a_name_that_another_takes_at_the_same_moment_is_refused(
    world: World, enter: Enter, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    made()
    other = made(name="store")
    client = enter(world.administrator)
    answer = client.patch(f"{LIST}{other.pk}/", {"name": "shop"}, content_type=JSON)
    assert (answer.status_code, "watch of this name" in answer.json()["detail"]) == (409, True)
    monkeypatch.setattr(QuerySet, "exists", lambda _: False)  # neither is seen yet
    for asked, taken in ((NEW, "source"), ({**NEW, "source": other.source_id}, "watch")):
        answer = client.post(LIST, asked, content_type=JSON)
        assert answer.status_code == 409
        assert f"{taken} of this name" in answer.json()["detail"]


def test_a_watch_is_rested_run_and_deleted(world: World, enter: Enter, sent: Sent) -> None:
    watch, client = made(), enter(world.administrator)
    address = f"{LIST}{watch.pk}/"
    assert client.post(f"{address}disable/").status_code == 204
    assert client.get(address).json()["enabled"] is False
    answer = client.post(f"{address}run/")
    assert (answer.status_code, "enable it first" in answer.json()["detail"]) == (409, True)
    assert client.post(f"{address}enable/").status_code == 204
    assert client.post(f"{address}run/").status_code == 202
    assert sent == [("apps.center.tasks.watch", ())]
    assert client.delete(address).status_code == 204
    assert not Watch.objects.exists()
    assert Source.objects.filter(name="shop").exists()  # what it brought stays
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"target": "ftp://x/"}, 409),
        ({"kind": "pigeon"}, 409),
        ({"networks": ["10.0.0.0/77"]}, 409),
        ({"options": {"seconds": "nine"}}, 409),
        ({"options": {"depth": 1}}, 409),
        ({"options": {"browser": ["a", {"b": "\0"}]}}, 409),
        ({"options": {"browser": "\0"}}, 400),
        ({"options": {"browser": "\ud800"}}, 400),
        ({"options": [1]}, 400),
        ({"name": "shop\u200b"}, 409),
        ({"name": "web-01 logs"}, 409),  # a source has it
        ({"name": ""}, 400),
        ({"target": "\0"}, 400),
        ({"every": 59}, 400),
        ({"every": 10**30}, 400),
        ({"source": 10**30}, 400),
        ({"source": "demonstration range"}, 400),
        ({"kind": "dns", "target": "a.example", "secret": "s"}, 409),
    ],
)
def test_what_the_form_refuses_is_refused_with_a_reason(
    world: World, enter: Enter, sent: Sent, changes: dict[str, Any], status: int
) -> None:
    answer = enter(world.administrator).post(LIST, {**NEW, **changes}, content_type=JSON)
    assert answer.status_code == status, answer.content
    assert answer.json()
    assert not Watch.objects.exists()
    assert sent == []


def test_a_source_of_the_demonstration_is_not_fed(world: World, enter: Enter) -> None:
    source = Source.objects.get(is_demonstration=True).pk
    answer = enter(world.administrator).post(LIST, {**NEW, "source": source}, content_type=JSON)
    assert (answer.status_code, "demonstration" in answer.json()["detail"]) == (409, True)


def test_only_administrators_change_watches_and_others_see_them(
    world: World, enter: Enter, sent: Sent
) -> None:
    watch = made()
    address = f"{LIST}{watch.pk}/"
    for person, sees in ((world.analyst, 200), (world.approver, 200), (world.responder, 403)):
        client = enter(person)
        assert client.get(LIST).status_code == sees
        assert client.get(address).status_code == sees
        for method, path in (
            ("post", LIST), ("patch", address), ("delete", address), ("put", address),
            *(("post", f"{address}{deed}/") for deed in ("enable", "disable", "run")),
            *(("delete", f"{address}{deed}/") for deed in ("enable", "disable", "run")),
        ):  # fmt: skip
            answer = getattr(client, method)(path, {**NEW, "name": "x"}, content_type=JSON)
            assert answer.status_code in (403, 405), (person, method, path)
    assert (Watch.objects.get().name, Watch.objects.get().enabled) == ("shop", True)
    assert sent == []


def test_a_form_of_another_site_changes_no_watch(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.administrator, "django.contrib.auth.backends.ModelBackend")
    watch = made()
    assert client.delete(f"{LIST}{watch.pk}/").status_code == 403
    assert client.patch(f"{LIST}{watch.pk}/", {}, content_type=JSON).status_code == 403


def test_a_capture_is_as_often_as_its_batches(
    world: World, enter: Enter, sent: Sent, settings: Any
) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "capture": ["eth7"]}
    asked = {"name": "uplink", "kind": "capture", "target": "eth7", "options": {"seconds": 60}}
    answer = enter(world.administrator).post(LIST, asked, content_type=JSON)
    assert answer.json()["every"] == 60


def test_the_description_tells_what_a_watch_takes(world: World, enter: Enter) -> None:
    schema = enter(world.analyst).get("/api/v1/schema/?format=json").json()
    assert set(schema["paths"][LIST]) == {"get", "post"}
    assert set(schema["paths"][LIST + "{id}/"]) == {"get", "patch", "delete"}
    said = schema["components"]["schemas"]
    assert set(said["NewWatch"]["required"]) == {"name", "kind", "target"}
    assert "required" not in said["PatchedWatchChange"]
    assert not {"secret", "claimed_at"} & set(said["Watch"]["properties"])
