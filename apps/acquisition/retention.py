"""How long records and raw bytes are kept: day by day they go, but for what is held.

A day goes whole, by dropping its partitions. Where batches of it are held (for an incident, which
this module knows nothing of: it is told their ids), what is held is put into new partitions that
take the place of the old ones; ids stay. The batches themselves stay as rows, with their counters
and digests and with `removed_at`; a seal of each removal tells `tocsin verify` why they are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.acquisition import storage
from apps.acquisition.models import Batch, BatchContent, Piece, Record
from apps.protection.services import audit, seal_many

ACTOR = "platform"
_ENDED = (Batch.State.DONE, Batch.State.FAILED)
_LOCK_TIMEOUT = "10s"  # for the moment in which a partition is taken out

AT_ONCE = 2000
"""Batches that go in one transaction: while they are sealed all other sealing waits, and with it
whoever sends."""

Held = Callable[[int], Collection[UUID]]
"""The ids of batches that must stay, asked anew for each day, in the transaction of its removal."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What went of a day, and what stayed because it is held or still on its way."""

    day: int
    batches: int
    records: int
    kept: int


def remove_old(*, days: int, held: Held, now: datetime | None = None) -> list[Removed]:
    """Removes the days that are older than `days` full days; 0 keeps everything for ever.

    OperationalError where a reader would not let go of a day: it is tried again the next time.
    """
    if days <= 0:
        return []
    last = storage.day_of(now or timezone.now()) - days
    return [remove_day(day=day, held=held) for day in old_days(last)]


def old_days(before: int) -> list[int]:
    """The days before `before` of which something may go, the oldest first."""
    kept = Batch.objects.filter(removed_at=None, received_at__lt=_begin(before))
    days = {
        storage.day_of(datetime.combine(date, time(), UTC))
        for date in kept.annotate(date=TruncDate("received_at", tzinfo=UTC))
        .values_list("date", flat=True)
        .order_by()
        .distinct()
    }
    return sorted(days | {day for day in storage.days() if day < before})


def _begin(day: int) -> datetime:
    return datetime.combine(storage.date_of(day), time(), UTC)


def remove_day(*, day: int, held: Held, actor: str = ACTOR) -> Removed:
    """Removes the records and raw bytes of a day's batches, but for those that are held and those
    that are not through the response yet."""
    batches = records = 0
    while part := _remove_some(day, held, actor):
        batches, records = batches + len(part), records + sum(part)
    return Removed(day, batches, records, _drop(day, must=bool(batches)))


def _of_day(day: int) -> QuerySet[Batch]:
    return Batch.objects.filter(received_at__gte=_begin(day), received_at__lt=_begin(day + 1))


@transaction.atomic
def _remove_some(day: int, held: Held, actor: str) -> list[int]:
    """Removes the raw bytes of at most `AT_ONCE` batches and marks them; their numbers of records."""
    batches = _of_day(day).filter(removed_at=None)
    staying = Q(pk__in=set(held(day))) | ~Q(state__in=_ENDED)
    going = batches.exclude(staying).order_by("received_at", "pk")[:AT_ONCE]
    gone = {
        key: (digest, stored) for key, digest, stored in going.values_list("pk", "digest", "stored")
    }
    if not gone:
        return []
    records = [stored for _, stored in gone.values()]
    detail = {
        "batches": len(gone),
        "records": sum(records),
        "kept": batches.filter(staying).count(),
    }
    _forget_contents(Batch.objects.filter(pk__in=list(gone)))
    Batch.objects.filter(pk__in=list(gone)).update(removed_at=timezone.now())
    seal_many(kind="removal", digests={str(key): digest for key, (digest, _) in gone.items()})
    audit(
        actor=actor,
        action="records.removed",
        object=f"day:{storage.date_of(day)}",
        detail=detail,
    )
    return records


@transaction.atomic
def _drop(day: int, *, must: bool) -> int:
    """Drops the records of a day's removed batches; returns how many batches are kept."""
    keeping = list(_of_day(day).filter(removed_at=None).values_list("pk", flat=True))
    if must or not keeping or _is_left_over(day):
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        storage.drop_day(day, keeping)
    return len(keeping)


def _is_left_over(day: int) -> bool:
    """Whether records of removed batches are there: a reader would not let go of the day then."""
    removed = _of_day(day).filter(removed_at__isnull=False, first_record__isnull=False)
    last = removed.order_by("-removed_at").values_list("first_record", flat=True).first()
    return last is not None and Record.objects.filter(pk=last).exists()


def _forget_contents(batches: QuerySet[Batch]) -> None:
    for model in (BatchContent, Piece):
        model._default_manager.filter(batch__in=batches)._raw_delete(using="default")
    # stored before there were days: not in the partition of its day
    storage.forget_all(batches.filter(first_record__lt=storage.FIRST_DAY_ID))


# ── What is asked ────────────────────────────────────────────────────────────────────────


def oldest() -> datetime | None:
    """When the oldest batch that is kept came."""
    found: datetime | None = Batch.objects.filter(removed_at=None).aggregate(at=Min("received_at"))[
        "at"
    ]
    return found
