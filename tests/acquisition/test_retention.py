"""What is old goes whole days at a time, what is held stays, and seals tell why."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction

from apps.acquisition import retention, search, selectors, services, storage
from apps.acquisition.models import Batch, BatchContent, Block, Record, Source
from apps.acquisition.questions import Question
from apps.center import verification
from apps.protection.models import AuditEntry, Seal
from tests.acquisition.samples import ACCESS, FAILED

NOW = datetime(2040, 6, 15, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return services.create_source(name="shipper", actor="test")[0]


def came(source: Source, days: int, content: str, done: bool = True) -> Batch:
    """A batch received so many days before NOW."""
    batch = services.receive(source=source, protocol="lines", content=content.encode()).batch
    Batch.objects.filter(pk=batch.pk).update(received_at=NOW - timedelta(days=days))
    services.parse(batch.pk)
    if done:
        Batch.objects.filter(pk=batch.pk).update(state=Batch.State.DONE)
    batch.refresh_from_db()
    return batch


def remove(held: tuple[Batch, ...] = (), days: int = 30) -> list[retention.Removed]:
    ids = {batch.pk for batch in held}
    found = retention.remove_old(days=days, held=lambda day: ids, now=NOW)
    return [day for day in found if day.batches or day.kept]


def tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '^acquisition_.*_2040'")
        return {name for (name,) in cursor.fetchall() if name.count("_") == 2}


def left() -> Iterator[tuple[int, str]]:
    for record in Record.objects.order_by("id"):
        yield record.pk, str(record.event_original)


def test_days_that_are_over_go_with_their_bytes_and_the_others_stay(source: Source) -> None:
    old = came(source, 31, f"{ACCESS}\n{FAILED}")
    older = came(source, 45, "long ago")
    edge = came(source, 30, "the last day that is kept")
    new = came(source, 0, "today")
    gone = remove()
    assert [(day.batches, day.records, day.kept) for day in gone] == [(1, 1, 0), (1, 2, 0)]
    assert set(Record.objects.values_list("batch", flat=True)) == {edge.pk, new.pk}
    assert set(BatchContent.objects.values_list("batch", flat=True)) == {edge.pk, new.pk}
    assert Block.objects.count() == 2
    assert {f"acquisition_record_{at:%Y%m%d}" for at in (edge.received_at, new.received_at)} == {
        name for name in tables() if "record" in name
    }
    for batch in (old, older):
        kept = Batch.objects.get(pk=batch.pk)
        assert kept.removed_at is not None
        assert (kept.stored, kept.digest) == (batch.stored, batch.digest)
        assert Seal.objects.filter(
            kind="removal", subject=str(batch.pk), digest=batch.digest
        ).exists()
    assert AuditEntry.objects.filter(action="records.removed", actor="platform").count() == 2
    assert list(verification.problems()) == []
    assert remove() == []  # nothing is left to do


def test_zero_days_keep_everything_for_ever(source: Source) -> None:
    came(source, 5000, "very old")
    assert remove(days=0) == []
    assert Record.objects.count() == 1


def test_what_is_held_stays_with_its_ids_and_seals(source: Source) -> None:
    batches = [came(source, 40, f"{name} {ACCESS}\n{FAILED}") for name in "abc"]
    held = batches[1]
    before = [row for row in left() if held.first_record <= row[0] <= held.last_record]
    (day,) = remove(held=(held,))
    assert (day.batches, day.records, day.kept) == (2, 4, 1)
    assert list(left()) == before
    assert list(Block.objects.values_list("pk", flat=True)) == [held.first_record]
    assert selectors.content_of(held.pk).startswith(b"b ")
    assert selectors.raw_line(held.last_record) == FAILED
    assert [r.pk for r in search.find(Question(text="oracle")).records] == [held.last_record]
    assert list(verification.problems()) == []
    # held for longer, nothing more goes; lifted, it goes at the next time
    assert [(day.batches, day.kept) for day in remove(held=(held,))] == [(0, 1)]
    assert list(left()) == before
    assert [day.batches for day in remove()] == [1]
    assert not Record.objects.exists()
    assert list(verification.problems()) == []


def test_a_batch_still_on_its_way_is_not_taken_from_under_the_response(source: Source) -> None:
    waiting = came(source, 40, ACCESS, done=False)
    came(source, 40, "done")
    (day,) = remove()
    assert (day.batches, day.kept) == (1, 1)
    assert set(Record.objects.values_list("batch", flat=True)) == {waiting.pk}


def test_records_from_before_there_were_days_go_by_the_day_they_came(source: Source) -> None:
    batch = came(source, 40, ACCESS)
    storage.forget(batch)
    Record.objects.create(id=5, batch=batch, event_sequence=0, event_dataset="unparsed")
    Batch.objects.filter(pk=batch.pk).update(first_record=5, last_record=5)
    assert [day.batches for day in remove()] == [1]
    assert not Record.objects.exists()


def test_a_day_that_is_removed_can_be_received_again(source: Source) -> None:
    came(source, 40, ACCESS)
    remove()
    came(source, 40, FAILED)
    assert Record.objects.count() == 1


def test_what_was_removed_by_hand_is_not_explained(source: Source) -> None:
    batch = came(source, 40, ACCESS)
    BatchContent.objects.filter(batch=batch).delete()
    assert any(str(batch.pk) in problem for problem in verification.problems())


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_is_storing_meanwhile_is_not_lost() -> None:
    source = services.create_source(name="shipper", actor="test")[0]
    came(source, 40, ACCESS)
    late = services.receive(source=source, protocol="lines", content=b"still coming").batch
    Batch.objects.filter(pk=late.pk).update(received_at=NOW - timedelta(days=40))
    stored, may_end = threading.Event(), threading.Event()

    def work() -> None:
        with transaction.atomic():
            services.parse(late.pk)
            stored.set()
            may_end.wait(20)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    assert stored.wait(20)
    threading.Timer(1, may_end.set).start()
    day = storage.day_of(NOW - timedelta(days=40))
    storage.drop_day(day, [late.pk])  # waits for the worker
    worker.join(20)
    assert list(Record.objects.values_list("event_original", flat=True)) == ["still coming"]
    storage.drop_day(day)


def test_many_batches_go_in_several_transactions(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    batches = [came(source, 40, f"line {number}\n{ACCESS}") for number in range(6)]
    held = batches.pop(2)
    (gone,) = remove((held,))
    assert (gone.batches, gone.records, gone.kept) == (5, 10, 1)
    assert set(Record.objects.values_list("batch", flat=True)) == {held.pk}
    entries = AuditEntry.objects.filter(action="records.removed").order_by("id")
    assert [(entry.detail["batches"], entry.detail["kept"]) for entry in entries] == [
        *((2, 1), (2, 1), (1, 1)),
    ]
    assert Seal.objects.filter(kind="removal").count() == 5
    assert list(verification.problems()) == []


def test_a_day_that_a_reader_did_not_let_go_goes_the_next_time(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    came(source, 40, FAILED)
    held = came(source, 40, ACCESS)
    with monkeypatch.context() as busy:

        def away(*_: object) -> None:
            raise OperationalError("lock timeout")

        busy.setattr(storage, "drop_day", away)
        with pytest.raises(OperationalError):
            remove((held,))
    assert Record.objects.count() == 2
    remove((held,))
    assert Record.objects.get().batch_id == held.pk
    with monkeypatch.context() as watched:
        watched.setattr(storage, "drop_day", lambda *_: pytest.fail("nothing is left to drop"))
        remove((held,))
