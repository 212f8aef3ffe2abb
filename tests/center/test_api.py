"""The interface for programs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.views import View
from pytest_django import DjangoAssertNumQueries

from apps.center import api
from tests.center.world import World

Enter = Callable[[User], Client]
Sent = list[tuple[str, tuple[object, ...]]]


def test_liveness_says_what_does_not_answer(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.center import health

    monkeypatch.setattr(health, "ping_broker", lambda: None)
    assert Client().get("/health").json() == {"status": "ok", "database": "ok", "broker": "ok"}

    def gone() -> None:
        raise OSError("refused")

    monkeypatch.setattr(health, "ping_broker", gone)
    answer = Client().get("/health")
    assert (answer.status_code, answer.json()["broker"]) == (503, "unreachable")


def test_the_api_tells_an_incident_as_the_page_does(world: World, enter: Enter) -> None:
    client, pk = enter(world.analyst), world.incident.pk
    rows = client.get("/api/v1/incidents/?state=active").json()["results"]
    assert len(rows) == 5
    assert client.get(f"/api/v1/incidents/{pk}/").json()["matches"][0]["slug"] == "web-shell"
    assert client.get(f"/api/v1/incidents/{pk}/clue_tree/").json()["severity"] == 94
    assert client.get(f"/api/v1/incidents/{pk}/attacker/").json()["accounts_taken"] == ["deploy"]
    findings = client.get(f"/api/v1/incidents/{pk}/findings/").json()
    assert [bool(finding["assessment"]) for finding in findings] == [False, True, True, False]
    steps = client.get(f"/api/v1/incidents/{pk}/remedies/").json()[0]["steps"]
    assert steps[0]["commands"]["act"][0]["argv"][0] == "/usr/sbin/nft"
    assert "token_digest" not in client.get("/api/v1/sources/").content.decode()


def test_a_list_of_incidents_asks_no_question_for_each(
    world: World, enter: Enter, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = enter(world.analyst)
    client.get("/api/v1/incidents/")
    with django_assert_max_num_queries(4):  # session, account, its roles, and the incidents
        assert len(client.get("/api/v1/incidents/").json()["results"]) > 4


def test_the_api_refuses_with_a_reason(world: World, enter: Enter, sent: Sent) -> None:
    client = enter(world.approver)
    answer = client.post(f"/api/v1/remedies/{world.remedy.pk}/approve/", {"digest": "00" * 32})
    assert answer.status_code == 409
    assert "changed" in answer.json()["detail"]


def test_a_route_that_is_not_there_is_told_in_json(world: World, enter: Enter) -> None:
    for client in (Client(), enter(world.analyst)):
        answer = client.get("/api/v1/nowhere/")
        assert (answer.status_code, answer.json()) == (404, {"detail": "There is nothing here."})
        page = client.get("/nowhere/")
        assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert enter(world.analyst).get("/api/v1/incidents").status_code == 301


def test_the_api_describes_itself(world: World, enter: Enter) -> None:
    client = enter(world.analyst)
    schema = client.get("/api/v1/schema/?format=json").json()
    assert "/api/v1/remedies/{id}/approve/" in schema["paths"]
    assert "/api/v1/remedies/{id}/approve/" in client.get("/api/v1/docs/").content.decode()


def test_states_have_names_of_their_own(world: World, enter: Enter) -> None:
    schemas = (
        enter(world.analyst).get("/api/v1/schema/?format=json").json()["components"]["schemas"]
    )
    assert {name for name in schemas if name.endswith("StateEnum")} == {
        "BatchStateEnum",
        "IncidentStateEnum",
        "RemedyStateEnum",
        "StepStateEnum",
    }


@pytest.mark.parametrize("path", ["", "1/", "1/archive/", "1/delete/"])
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_other_method_does_what_a_route_is_for(
    world: World, enter: Enter, path: str, method: str
) -> None:
    client = enter(world.analyst)
    answer = getattr(client, method)(
        f"/api/v1/sources/{path}", {"name": "x"}, content_type="application/json"
    )
    assert answer.status_code in (403, 405)


def test_no_deed_is_called_like_a_method() -> None:
    for _prefix, view, _name in api.router.registry:
        deeds = {deed.__name__ for deed in view.get_extra_actions()}
        assert not deeds & {*View.http_method_names}, view


@pytest.mark.parametrize("kind", ["incidents", "batches"])
@pytest.mark.parametrize("position", ["2026", "x", "\0", "9" * 40])
def test_a_cursor_of_no_position_is_no_fault(
    world: World, enter: Enter, kind: str, position: str
) -> None:
    cursor = b64encode(f"p={position}".encode()).decode()
    answer = enter(world.analyst).get(f"/api/v1/{kind}/", {"cursor": cursor})
    assert answer.status_code in (200, 404)


def test_json_that_is_nested_too_deep_is_a_bad_request(world: World, enter: Enter) -> None:
    answer = enter(world.approver).post(
        f"/api/v1/remedies/{world.remedy.pk}/refuse/",
        "[" * 100_000 + "]" * 100_000,
        content_type="application/json",
    )
    assert answer.status_code == 400
