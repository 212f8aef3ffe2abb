"""The pipeline: one recorded attack from bytes to plan, and what happens when workers die."""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connections, transaction
from django.utils import timezone

from apps.acquisition import services as acquisition
from apps.acquisition.models import Batch, Source
from apps.acquisition.services import parse
from apps.analysis import services as analysis
from apps.analysis.models import Incident, Remedy
from apps.assistance import services as assistance
from apps.center import demonstration, pipeline, tasks, verification
from apps.contracts import Refused
from apps.detection.services import detect

STAGES = (parse, detect, analysis.assess, analysis.correlate, analysis.match, tasks.plan)


@pytest.fixture
def source() -> Source:
    made, _ = acquisition.create_source(
        name="range", kind=Source.Kind.SENSOR, actor="test", is_demonstration=True
    )
    return made


def received(source: Source, shipment: demonstration.Shipment) -> UUID:
    zipped = shipment.headers.get("Content-Encoding") == "gzip"
    receipt = acquisition.receive(
        source=source,
        protocol=shipment.route,
        content=gzip.decompress(shipment.content) if zipped else shipment.content,
        file_name=shipment.parameters.get("path") or shipment.parameters.get("name", ""),
        host_name=demonstration.VICTIM,
    )
    return receipt.batch.id


def carried_through(batch_id: UUID, times: int = 1) -> None:
    for stage in STAGES:
        for _ in range(times):
            stage(str(batch_id) if stage is tasks.plan else batch_id)  # type: ignore[operator]


def shipments(*names: str) -> list[demonstration.Shipment]:
    found = {s.title: s for s in demonstration.shipments()}
    return [found[name] for name in names]


@pytest.mark.django_db(transaction=True)
def test_the_recorded_attack_becomes_one_incident_with_a_plan_to_read(source: Source) -> None:
    for shipment in shipments("auth.log", "access.log", "status.php"):
        carried_through(received(source, shipment))
    attacks = Incident.objects.filter(subjects__contains=["10.77.0.66"])
    incident = attacks.get()
    assert incident.is_demonstration
    assert incident.hosts == [demonstration.VICTIM]
    assert incident.state == Incident.State.AWAITING_APPROVAL
    assert incident.matches.exists()
    assert incident.clue_tree["children"]
    assert "intern" in incident.attacker["accounts_taken"]
    plan = incident.remedies.get(state=Remedy.State.PROPOSED)
    actions = {step.action for step in plan.steps.all()}
    assert "block_address" in actions
    assert list(verification.problems()) == []


@pytest.mark.django_db(transaction=True)
def test_stages_run_twice_add_nothing(source: Source) -> None:
    (shipment,) = shipments("auth.log")
    carried_through(received(source, shipment), times=2)
    counted = Incident.objects.count(), Remedy.objects.count()
    carried_through(received(source, shipment))  # the same bytes come again
    assert (Incident.objects.count(), Remedy.objects.count()) == counted
    assert Batch.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_batches_worked_on_side_by_side_all_reach_their_end_in_one_incident(
    source: Source,
) -> None:
    (whole,) = shipments("auth.log")
    lines = gzip.decompress(whole.content).splitlines(keepends=True)
    parts = [b"".join(lines[at :: len(lines) // 100 + 1]) for at in range(8)]
    batches = [
        received(source, demonstration.Shipment("x", "lines", {"name": f"{n}"}, part, {}))
        for n, part in enumerate(parts)
    ]

    def work(batch_id: UUID) -> None:
        try:
            carried_through(batch_id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, batches))  # raises what a stage raised: a deadlock, say
    assert set(Batch.objects.values_list("state", flat=True)) == {Batch.State.DONE}
    assert Incident.objects.filter(subjects__contains=["10.77.0.66"]).count() == 1


@pytest.mark.django_db(transaction=True)
def test_matching_waits_for_whoever_holds_the_incident(source: Source) -> None:
    """Matches are written before plans name them: without the lock, the two can deadlock."""
    (whole,) = shipments("auth.log")
    lines = gzip.decompress(whole.content).splitlines(keepends=True)
    first, second = (
        received(source, demonstration.Shipment("x", "lines", {"name": str(n)}, b"".join(part), {}))
        for n, part in enumerate((lines[::2], lines[1::2]))
    )
    carried_through(first)
    for stage in STAGES[:4]:
        stage(second)  # type: ignore[operator]
    incident = Incident.objects.get()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Incident.objects.select_for_update().get(pk=incident.pk)
            held.set()
            done.wait(30)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SET lock_timeout = '500ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            analysis.match(second)
    finally:
        with connections["default"].cursor() as cursor:
            cursor.execute("RESET lock_timeout")
        done.set()
        holder.join()
    analysis.match(second)
    assert Batch.objects.get(pk=second).state == Batch.State.MATCHED


@pytest.mark.django_db(transaction=True)
def test_removing_the_demonstration_leaves_nothing_but_the_seals(source: Source) -> None:
    (shipment,) = shipments("auth.log")
    carried_through(received(source, shipment))
    gone = demonstration.remove(actor="ada")
    assert gone["batches"] == 1
    assert gone["incidents"] >= 1
    assert not Incident.objects.exists()
    assert not Source.objects.exists()
    assert list(verification.problems()) == []


@pytest.mark.django_db(transaction=True)
def test_bytes_altered_after_sealing_are_found(source: Source) -> None:
    from apps.acquisition.models import BatchContent, Record

    (shipment,) = shipments("auth.log")
    batch_id = received(source, shipment)
    parse(batch_id)
    Record.objects.filter(batch_id=batch_id, user_name="intern").update(user_name="nobody")
    assert any(f"records {batch_id}" in problem for problem in verification.problems())
    other = received(source, demonstration.Shipment("x", "lines", {"name": "x"}, b"a line\n", {}))
    content = bytes(BatchContent.objects.get(pk=other).content)
    BatchContent.objects.filter(pk=batch_id).update(content=content)
    assert any(f"batch {batch_id}" in problem for problem in verification.problems())


@pytest.mark.django_db(transaction=True)
def test_commands_altered_after_their_approval_are_found(source: Source) -> None:
    assistance.register_recorded_host(
        name=demonstration.VICTIM, facts=demonstration.facts(), actor="test"
    )
    (shipment,) = shipments("auth.log")
    carried_through(received(source, shipment))
    plan = Remedy.objects.get(state=Remedy.State.PROPOSED)
    analysis.decide(remedy_id=plan.pk, actor="ada", approve=True, digest=plan.digest)
    assert list(verification.problems()) == []
    step = plan.steps.exclude(commands={}).first()
    assert step is not None
    step.commands["act"][0]["argv"].append("--more")
    step.save()
    (problem,) = verification.problems()
    assert f"remedy {plan.pk}" in problem


@pytest.mark.django_db(transaction=True)
def test_a_refused_plan_can_be_put_forward_again_and_only_once(source: Source) -> None:
    (shipment,) = shipments("auth.log")
    carried_through(received(source, shipment))
    plan = Remedy.objects.get(state=Remedy.State.PROPOSED)
    with pytest.raises(Refused):
        pipeline.propose_again(plan.incident_id, "ian")  # it waits already
    pipeline.refuse(plan.pk, "ada", "not now")
    pipeline.propose_again(plan.incident_id, "ian")
    again = Remedy.objects.get(state=Remedy.State.PROPOSED)
    assert again.pk != plan.pk
    assert [s.action for s in again.steps.all()] == [s.action for s in plan.steps.all()]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Batches whose chain was started, instead of a broker."""
    started: list[str] = []

    class Chain:
        def __init__(self, batch_id: str) -> None:
            self.batch_id = batch_id

        def delay(self) -> None:
            started.append(self.batch_id)

    monkeypatch.setattr(pipeline, "respond", Chain)
    return started


def aged(source: Source, minutes: float, **fields: Any) -> Batch:
    then = timezone.now() - timedelta(minutes=minutes)
    return Batch.objects.create(
        source=source,
        protocol="lines",
        digest=f"{minutes}{fields}"[:64],
        size=1,
        received_at=then,
        **fields,
    )


@pytest.mark.django_db
def test_a_batch_that_lost_its_worker_is_started_again(source: Source, sent: list[str]) -> None:
    lost = aged(source, 3)
    aged(source, 1)  # too young
    aged(source, 3, state=Batch.State.DONE)
    aged(source, 3, attempts=1)  # started again not long ago
    aged(source, 300, attempts=1, restarted_at=timezone.now())  # nor this one, however old
    assert pipeline.sweep() == 1
    assert sent == [str(lost.id)]
    assert pipeline.sweep() == 0  # it has its time now


@pytest.mark.django_db
def test_a_batch_whose_worker_died_is_started_again_at_once(
    source: Source, sent: list[str]
) -> None:
    lost = aged(source, 0, claimed_at=timezone.now())
    assert pipeline.sweep() == 1
    assert sent == [str(lost.id)]
    lost.refresh_from_db()
    assert (lost.claimed_at, lost.attempts) == (None, 1)
    assert pipeline.sweep() == 0
    Batch.objects.update(attempts=pipeline.ATTEMPTS, claimed_at=timezone.now())
    assert pipeline.sweep() == 0  # it has killed too many
    lost.refresh_from_db()
    assert lost.state == Batch.State.FAILED


@pytest.mark.django_db
def test_a_batch_that_kills_every_worker_is_given_up_with_a_reason(
    source: Source, sent: list[str]
) -> None:
    poison = aged(source, 65, attempts=pipeline.ATTEMPTS)
    assert pipeline.sweep() == 0
    poison.refresh_from_db()
    assert poison.state == Batch.State.FAILED
    assert "attempts" in poison.error
    assert sent == []
