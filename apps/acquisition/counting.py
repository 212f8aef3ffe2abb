"""What is counted of each batch and each source, so that every item that came is accounted for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from django.conf import settings
from django.db.models import F

from apps.acquisition.models import Batch, Source
from apps.acquisition.reading import Reading

_SHOWN_REJECTIONS = 50
_COUNTED = ("items", "stored", "rejected", "unparsed", "late")


def count(batch: Batch, read: Reading, error: str = "") -> None:
    """Writes what was read of a batch that the caller has locked, and adds it to its source.

    Differences are added, so that reading a batch anew corrects what was counted. `received` is
    `stored` and `rejected` together in this very statement: it holds at every moment.
    """
    before = {name: getattr(batch, name) for name in _COUNTED}
    batch.items = read.items
    batch.stored = read.frame.height
    batch.rejected = len(read.rejected)
    batch.unparsed = read.unparsed
    times = read.frame["@timestamp"]
    batch.late = late(times, batch.received_at, settings.TOCSIN["late_after"])
    batch.first_at, batch.last_at = _span(times)
    batch.summary = _summary(read)
    batch.error = error
    batch.save()
    more = {name: getattr(batch, name) - before[name] for name in _COUNTED}
    delay = median_delay(times, batch.received_at)
    found = {} if delay is None else {"delay": delay}
    Source.objects.filter(pk=batch.source_id).update(
        received=F("received") + more["items"],
        stored=F("stored") + more["stored"],
        rejected=F("rejected") + more["rejected"],
        unparsed=F("unparsed") + more["unparsed"],
        late=F("late") + more["late"],
        doubled=F("doubled") + batch.repeats * more["items"],
        **found,
    )


def late(times: pl.Series, received_at: datetime, after: float) -> int:
    """How many records tell of something more than `after` seconds before they came."""
    return int((times < received_at - timedelta(seconds=after)).sum())


def median_delay(times: pl.Series, received_at: datetime) -> float | None:
    """Seconds from event to receipt at the median; negative where a clock is ahead of ours.
    None where no record has a time."""
    middle = times.cast(pl.Int64).median()
    if not isinstance(middle, float):
        return None
    return received_at.timestamp() - middle / 1e6


def _span(times: pl.Series) -> tuple[datetime | None, datetime | None]:
    first, last = times.min(), times.max()
    if isinstance(first, datetime) and isinstance(last, datetime):
        return first, last
    return None, None


def _summary(read: Reading) -> dict[str, Any]:
    counts = read.frame["event.dataset"].value_counts(sort=True)
    return {
        "datasets": dict(counts.iter_rows()),
        "rejections": [
            {"sequence": sequence, "reason": reason}
            for sequence, reason in read.rejected[:_SHOWN_REJECTIONS]
        ],
        "notes": list(read.notes),
        "parsers": [
            {"name": choice.parser, "sniff": round(choice.sniff, 3), "lines": choice.lines}
            for choice in read.choices
        ],
    }
