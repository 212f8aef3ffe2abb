"""How long records and raw bytes are kept: day by day they go, but for what is held.

A day goes whole, by dropping its partitions. Where batches of it are held (for an incident, which
this module knows nothing of: it is told their ids), what is held is put into new partitions that
take the place of the old ones; ids stay. The batches themselves stay as rows, with their counters
and digests and with `removed_at`; a seal of each removal tells `tocsin verify` why they are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Min, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.acquisition import storage
from apps.acquisition.models import Batch, BatchContent, Piece
from apps.protection.services import audit, seal_many

ACTOR = "platform"
_ENDED = (Batch.State.DONE, Batch.State.FAILED)
_LOCK_TIMEOUT = "10s"  # for the moment in which a partition is taken out

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


@transaction.atomic
def remove_day(*, day: int, held: Held, actor: str = ACTOR) -> Removed:
    """Removes the records and raw bytes of a day's batches, but for those that are held and those
    that are not through the response yet."""
    begin = _begin(day)
    batches = Batch.objects.filter(
        removed_at=None, received_at__gte=begin, received_at__lt=begin + timedelta(days=1)
    )
    stay = set(held(day))
    keeping = list(
        batches.filter(Q(pk__in=stay) | ~Q(state__in=_ENDED)).values_list("pk", flat=True)
    )
    going = batches.exclude(pk__in=keeping)
    gone = dict(going.order_by("received_at", "pk").values_list("pk", "digest"))
    records = sum(going.values_list("stored", flat=True))
    if gone:
        _forget_contents(going)
        going.update(removed_at=timezone.now())
        seal_many(kind="removal", digests={str(key): digest for key, digest in gone.items()})
        audit(
            actor=actor,
            action="records.removed",
            object=f"day:{storage.date_of(day)}",
            detail={"batches": len(gone), "records": records, "kept": len(keeping)},
        )
    if gone or not keeping:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        storage.drop_day(day, keeping)
    return Removed(day, len(gone), records, len(keeping))


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


def last_removal() -> datetime | None:
    found: datetime | None = Batch.objects.aggregate(at=Max("removed_at"))["at"]
    return found
