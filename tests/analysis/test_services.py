"""The stages on a real database: what is kept, what is done once, what people decide."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.acquisition.models import Batch
from apps.acquisition.stages import claimed, free_lost
from apps.analysis import proposals, selectors, services
from apps.analysis.models import Handover, Incident, IncidentFinding, Match, Remedy, Step
from apps.analysis.serialise import node_at, records_of
from apps.contracts import ExpertRecord, Kind, Refused
from apps.protection.models import AuditEntry, Seal
from apps.protection.selectors import verify
from tests.analysis.made import MALLORY, SHOP, TRUDY, expert, finding, knock, login, request
from tests.analysis.stored import batch

pytestmark = pytest.mark.django_db

GUESSES = [login(i, "root") for i in range(6)] + [login(9, "anna", "success")]


@pytest.fixture(autouse=True)
def knowledge(monkeypatch: pytest.MonkeyPatch) -> list[ExpertRecord]:
    """What knowledge holds in these tests; a test may change it."""
    known = [expert()]
    monkeypatch.setattr(proposals, "records", lambda: tuple(known))
    return known


def guessing(subject: str = MALLORY, **more: Any) -> Any:
    given = {"target": "shop", "host": "shop", "records": range(7), **more}
    return finding(Kind.BRUTE_FORCE, subject, **given)


def respond(made: Batch) -> list[int]:
    services.assess(made.pk)
    services.correlate(made.pk)
    services.match(made.pk)
    return services.propose(made.pk)


def shown(remedy_id: int, digest: str = "d" * 64) -> str:
    """As assistance does when it has made the commands."""
    Remedy.objects.filter(pk=remedy_id).update(digest=digest)
    return digest


def audited() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_a_batch_becomes_an_incident_with_tree_attacker_match_and_plan() -> None:
    made = batch(GUESSES, [guessing()])
    (remedy_id,) = respond(made)
    incident = Incident.objects.get()
    assert incident.title == f"Brute force on shop by {MALLORY}"
    assert incident.state == Incident.State.AWAITING_APPROVAL
    assert (incident.subjects, incident.hosts) == ([MALLORY], ["shop"])
    assert incident.attacker["accounts_taken"] == ["anna"]
    assert incident.assets["accounts"] == [{"name": "anna", "host": "shop"}]
    assert incident.clue_tree["record_count"] == 7
    assert incident.clue_tree["findings"] == [made.findings.get().pk]
    first_login = made.records.order_by("id").first()
    account = node_at(incident.clue_tree, "0-0-0")
    assert account
    assert first_login.pk in records_of(account)
    assert [m.slug for m in incident.matches.all()] == ["ssh-brute-force"]
    steps = Remedy.objects.get(pk=remedy_id).steps.all()
    assert [(s.action, s.host, s.parameters) for s in steps] == [
        ("block_address", "shop", {"address": MALLORY, "hours": 24}),
        ("disable_account", "shop", {"account": "anna"}),
    ]
    made.refresh_from_db()
    assert (made.state, made.claimed_at) == (Batch.State.DONE, None)
    assert audited() == ["incident.opened", "remedy.proposed"]


def test_any_stage_may_be_called_again_and_changes_nothing() -> None:
    made = batch(GUESSES, [guessing()])
    (remedy_id,) = respond(made)
    before = Incident.objects.values().get()
    assert respond(made) == [remedy_id]  # its commands were never made: they may be asked again
    shown(remedy_id)
    assert respond(made) == []
    assert Incident.objects.values().get() == before
    assert Remedy.objects.count() == Match.objects.count() == 1


def test_a_worker_killed_between_placing_and_renewing_is_made_up_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from apps.analysis import incidents

    made = batch(GUESSES, [guessing()])
    services.assess(made.pk)
    with monkeypatch.context() as broken:
        broken.setattr(incidents, "renew", _dies)
        with pytest.raises(RuntimeError):
            services.correlate(made.pk)
    assert Incident.objects.get().clue_tree == {}
    services.correlate(made.pk)
    assert Incident.objects.get().clue_tree["record_count"] == 7
    assert IncidentFinding.objects.count() == 1


def _dies(_: int) -> None:
    raise RuntimeError("killed")


def test_a_worker_that_lost_its_session_yields_to_the_next_one() -> None:
    made = batch([], [])
    with claimed(made.pk, Batch.State.DETECTED) as late:
        with claimed(made.pk, Batch.State.DETECTED) as second:
            assert second is None
        assert free_lost() == [made.pk]  # one session may lock twice: as if the lock had gone
        with claimed(made.pk, Batch.State.DETECTED) as third:
            assert third is not None
            third.finish(Batch.State.ASSESSED)
        assert late is not None
        late.finish(Batch.State.ASSESSED)  # raises Overtaken, which ends the block quietly
        pytest.fail("the late worker went on")
    made.refresh_from_db()
    assert made.state == Batch.State.ASSESSED


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_on_one_batch_one_does_the_work() -> None:
    made = batch(GUESSES, [guessing()])
    services.assess(made.pk)
    _together(2, lambda _: services.correlate(made.pk))
    assert Incident.objects.count() == 1
    assert audited() == ["incident.opened"]


@pytest.mark.django_db(transaction=True)
def test_two_batches_of_one_attack_at_once_make_one_incident_with_both() -> None:
    made = [batch(GUESSES, [guessing(t=i)]) for i in range(4)]
    for each in made:
        services.assess(each.pk)
    _together(4, lambda i: services.correlate(made[i].pk))
    incident = Incident.objects.get()
    assert incident.memberships.count() == 4
    assert incident.clue_tree["record_count"] == 28
    assert audited() == ["incident.opened"]


def _together(count: int, act: Callable[[int], object]) -> None:
    gate = Barrier(count)

    def begin(number: int) -> None:
        gate.wait(10)
        try:
            act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(begin, range(count)))


def test_a_later_batch_joins_the_incident_and_replaces_the_waiting_plan() -> None:
    (first,) = respond(batch(GUESSES, [guessing()]))
    shown(first)
    same = batch(GUESSES, [guessing(t=60)])
    assert respond(same) == []
    flood = [knock(i, 80, TRUDY) for i in range(5)]
    more = batch([*GUESSES, *flood], [guessing(t=90), guessing(TRUDY, t=90, records=range(7, 12))])
    (second,) = respond(more)
    incident = Incident.objects.get()
    assert incident.subjects == [MALLORY, TRUDY]
    assert incident.memberships.count() == 4
    states = dict(Remedy.objects.values_list("id", "state"))
    assert states == {first: "superseded", second: "proposed"}
    assert Remedy.objects.get(pk=second).steps.count() == 3


SHELL = {"t": 60, "file.path": "/srv/up/shell.php", "host.name": "shop"}
CALL = {"host": "shop", "records": (0,), "parameters": {"paths": ["/up/shell.php"]}}


def shell_and_guessing() -> tuple[Incident, Incident]:
    respond(batch(GUESSES, [guessing()]))
    respond(batch([SHELL], [finding(Kind.WEB_SHELL, "/srv/up/shell.php", "shop", host="shop")]))
    old, young = Incident.objects.order_by("id")
    return old, young


def test_incidents_that_prove_to_be_one_become_one_in_any_order_of_batches() -> None:
    old, young = shell_and_guessing()
    respond(batch([request(90, "GET", "/up/shell.php")], [finding(Kind.WEB_SHELL, t=90, **CALL)]))
    old.refresh_from_db()
    young.refresh_from_db()
    assert (young.state, young.closed_reason) == ("closed", f"It is part of incident #{old.pk}.")
    assert old.memberships.count() == 3
    assert old.kind == Kind.WEB_SHELL
    assert old.clue_tree["record_count"] == 9
    assert "incident.absorbed" in audited()


def test_a_file_found_today_joins_the_requests_of_last_week_whichever_is_told_first() -> None:
    week = 7 * 24 * 3600
    shell = finding(Kind.WEB_SHELL, "/srv/up/shell.php", "shop", host="shop", t=60 + week)
    respond(batch([SHELL | {"t": 60 + week}], [shell]))
    respond(batch([request(90, "GET", "/up/shell.php")], [finding(Kind.WEB_SHELL, t=90, **CALL)]))
    assert Incident.objects.get().memberships.count() == 2


def test_an_incident_that_somebody_works_on_is_not_absorbed() -> None:
    old, young = shell_and_guessing()
    Incident.objects.filter(pk=young.pk).update(assignee="ada")
    respond(batch([request(90, "GET", "/up/shell.php")], [finding(Kind.WEB_SHELL, t=90, **CALL)]))
    young.refresh_from_db()
    assert young.state != Incident.State.CLOSED
    assert (old.memberships.count(), young.memberships.count()) == (2, 1)


def test_a_decided_plan_is_left_alone_and_only_what_is_new_is_proposed() -> None:
    (first,) = respond(batch(GUESSES, [guessing()]))
    services.decide(remedy_id=first, actor="ada", approve=True, digest=shown(first))
    Remedy.objects.filter(pk=first).update(state=Remedy.State.APPLIED)
    Incident.objects.update(state=Incident.State.REPAIRED)
    assert respond(batch(GUESSES, [guessing(t=60)])) == []
    assert Incident.objects.get().state == Incident.State.REPAIRED
    (second,) = respond(batch(GUESSES, [guessing(TRUDY, t=90)]))
    steps = Remedy.objects.get(pk=second).steps.all()
    assert [s.parameters["address"] for s in steps] == [TRUDY]
    assert Remedy.objects.get(pk=first).steps.count() == 2
    assert Incident.objects.get().state == Incident.State.AWAITING_APPROVAL


def test_what_was_refused_is_not_asked_again() -> None:
    (first,) = respond(batch(GUESSES, [guessing()]))
    services.decide(remedy_id=first, actor="ada", approve=False, reason="a test")
    assert Incident.objects.get().state == Incident.State.OPEN
    assert respond(batch(GUESSES, [guessing(t=60)])) == []


def test_approval_is_of_what_was_shown_and_of_nothing_else() -> None:
    (first,) = respond(batch(GUESSES, [guessing()]))
    with pytest.raises(Refused, match="nothing to approve"):
        services.decide(remedy_id=first, actor="ada", approve=True, digest="")
    digest = shown(first)
    with pytest.raises(Refused, match="changed since"):
        services.decide(remedy_id=first, actor="ada", approve=True, digest="e" * 64)
    made = services.decide(remedy_id=first, actor="ada", approve=True, digest=digest, reason="yes")
    assert (made.state, made.decided_by, made.decision_reason) == ("approved", "ada", "yes")
    assert Incident.objects.get().state == Incident.State.REPAIRING
    assert Seal.objects.get(kind="remedy").digest == digest
    with pytest.raises(Refused, match="no longer waiting"):
        services.decide(remedy_id=first, actor="bob", approve=False)
    assert audited()[-1] == "remedy.approved"
    assert verify() == []


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_decide_at_once_one_is_heard() -> None:
    (first,) = respond(batch(GUESSES, [guessing()]))
    digest = shown(first)

    def choose(number: int) -> str:
        try:
            services.decide(remedy_id=first, actor=str(number), approve=bool(number), digest=digest)
        except Refused:
            return "refused"
        return "heard"

    answers: list[str] = []
    _together(2, lambda i: answers.append(choose(i)))
    assert sorted(answers) == ["heard", "refused"]


def test_without_a_record_the_incident_goes_to_the_responder_once(
    knowledge: list[ExpertRecord],
) -> None:
    knowledge.clear()
    assert respond(batch(GUESSES, [guessing()])) == []
    incident = Incident.objects.get()
    assert incident.state == Incident.State.HANDED_OVER
    package = Handover.objects.get()
    content = json.loads(bytes(package.package))
    assert content["reason"] == proposals.NO_MATCH
    assert not content["knowledge"]["matched"]
    assert len(content["evidence"]["records"]) == 7
    assert content["prediction"][0]["network"] is None
    assert content["attacker"]["accounts_taken"] == ["anna"]
    assert Seal.objects.get(kind="handover").subject == str(package.pk)
    assert list(selectors.handover_digests()) == [(str(package.pk), package.digest)]
    respond(batch(GUESSES, [guessing(t=60)]))
    assert Handover.objects.count() == 1


def test_knowledge_that_comes_later_brings_the_incident_back(
    knowledge: list[ExpertRecord],
) -> None:
    known = knowledge.pop()
    respond(batch(GUESSES, [guessing()]))
    knowledge.append(known)
    respond(batch(GUESSES, [guessing(t=60)]))
    assert Incident.objects.get().state == Incident.State.AWAITING_APPROVAL


def test_a_package_made_again_without_news_is_the_same() -> None:
    respond(batch(GUESSES, [guessing()]))
    incident = Incident.objects.get()
    given = {"incident_id": incident.pk, "reason": "please look", "actor": "ada"}
    one, two = services.hand_over(**given), services.hand_over(**given)
    assert one.pk == two.pk
    incident.refresh_from_db()
    assert incident.state == Incident.State.AWAITING_APPROVAL  # a plan still waits for someone


def test_unfamiliar_traffic_asks_for_nothing(knowledge: list[ExpertRecord]) -> None:
    knowledge.clear()
    assert respond(batch([knock(0, 9)], [finding(Kind.ANOMALY, severity=70)])) == []
    incident = Incident.objects.get()
    assert (incident.state, incident.severity) == (Incident.State.OPEN, 25)
    assert Handover.objects.count() == 0


def test_a_doubtful_incident_gets_tasks_and_nothing_to_approve(
    knowledge: list[ExpertRecord],
) -> None:
    knowledge[:] = [expert(kinds=(Kind.ANOMALY,))]
    assert respond(batch([knock(0, 9)], [finding(Kind.ANOMALY)])) == []
    remedy = Remedy.objects.get()
    assert (remedy.state, remedy.steps.count()) == (Remedy.State.BY_HAND, 0)
    assert remedy.tasks.first().title == "Decide by hand whether to repair"
    assert Incident.objects.get().state == Incident.State.OPEN


def test_closing_drops_the_waiting_plan_and_later_findings_open_anew() -> None:
    (first,) = respond(batch(GUESSES, [guessing()]))
    incident = services.close(incident_id=Incident.objects.get().pk, actor="ada", reason="drill")
    assert incident.state == Incident.State.CLOSED
    assert Remedy.objects.get(pk=first).state == Remedy.State.SUPERSEDED
    services.close(incident_id=incident.pk, actor="ada", reason="drill")
    assert audited().count("incident.closed") == 1
    respond(batch(GUESSES, [guessing(t=60)]))
    assert Incident.objects.exclude(state=Incident.State.CLOSED).count() == 1


@pytest.mark.parametrize("ended", [Remedy.State.REFUSED, Remedy.State.UNDONE])
def test_a_person_may_ask_for_a_settled_plan_again(ended: Remedy.State) -> None:
    (first,) = respond(batch(GUESSES, [guessing()]))
    incident = Incident.objects.get()
    ask = {"incident_id": incident.pk, "actor": "ada"}
    with pytest.raises(Refused, match="waiting"):
        services.propose_again(**ask)
    Remedy.objects.update(state=Remedy.State.APPLYING)
    with pytest.raises(Refused, match="at work"):
        services.propose_again(**ask)
    Remedy.objects.update(state=ended)
    Step.objects.update(state=Step.State.UNDONE)
    Incident.objects.update(state=Incident.State.OPEN)
    (second,) = services.propose_again(**ask)
    made = Remedy.objects.get(pk=second)
    assert (made.state, made.digest) == (Remedy.State.PROPOSED, "")
    as_before = Remedy.objects.get(pk=first).steps.values_list("action", "host", "parameters")
    assert list(made.steps.values_list("action", "host", "parameters")) == list(as_before)
    incident.refresh_from_db()
    assert incident.state == Incident.State.AWAITING_APPROVAL
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.actor) == ("remedy.proposed", "ada")
    # What the platform finds later is no other plan: the waiting one stays.
    assert respond(batch(GUESSES, [guessing(t=60)])) == [second]
    assert Remedy.objects.count() == 2
    (third,) = respond(batch(GUESSES, [guessing(t=90), guessing(TRUDY, t=90)]))
    assert Remedy.objects.get(pk=third).steps.count() == 3


def test_a_plan_asked_for_again_leaves_out_what_still_holds() -> None:
    (first,) = respond(batch(GUESSES, [guessing()]))
    ask = {"incident_id": Incident.objects.get().pk, "actor": "ada"}
    Remedy.objects.update(state=Remedy.State.FAILED)
    Step.objects.filter(remedy=first, action="block_address").update(state=Step.State.APPLIED)
    (second,) = services.propose_again(**ask)
    assert [step.action for step in Remedy.objects.get(pk=second).steps.all()] == [
        "disable_account"
    ]
    Remedy.objects.update(state=Remedy.State.APPLIED)
    Step.objects.update(state=Step.State.APPLIED)
    with pytest.raises(Refused, match="nothing more"):
        services.propose_again(**ask)


def test_an_incident_is_not_closed_under_a_repair_at_work() -> None:
    (first,) = respond(batch(GUESSES, [guessing()]))
    services.decide(remedy_id=first, actor="ada", approve=True, digest=shown(first))
    with pytest.raises(Refused, match="at work"):
        services.close(incident_id=Incident.objects.get().pk, actor="ada", reason="")


def test_the_demonstration_keeps_to_itself_and_goes_as_a_whole(
    knowledge: list[ExpertRecord],
) -> None:
    knowledge.clear()
    respond(batch(GUESSES, [guessing()], is_demonstration=True))
    respond(batch(GUESSES, [guessing(t=60)]))
    assert Incident.objects.filter(is_demonstration=True).count() == 1
    assert Incident.objects.filter(is_demonstration=False).count() == 1
    assert services.forget_demonstration() == 1
    assert Incident.objects.get().is_demonstration is False
    assert Seal.objects.filter(kind="removal").count() == 1
    assert verify() == []


def test_many_findings_take_no_more_queries_than_few() -> None:
    def asked(count: int) -> int:
        seen = [
            finding(Kind.PORT_SCAN, f"203.0.{i // 200}.{i % 200}", SHOP, t=i, records=(i % 50,))
            for i in range(count)
        ]
        made = batch([knock(i, i) for i in range(50)], seen)
        with CaptureQueriesContext(connection) as context:
            respond(made)
        Incident.objects.update(state=Incident.State.CLOSED)
        return len(context)

    assert asked(600) == asked(3)
