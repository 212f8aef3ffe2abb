"""When a sender must wait: too much is received and not yet parsed, or a source exceeds its limits.

Decided before a body is read, so that a full platform costs its senders time and never data.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock

from django.conf import settings
from django.db.models import Count, Min, Sum

from apps.acquisition.models import Batch, Source

_FRESH = 1.0  # seconds for which the backlog is not asked for again
_SOON = 5  # seconds after which a backlog may have shrunk
_LONGEST = 3600  # seconds a sender is told to wait at most


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is received and not yet parsed; `since` is when the oldest of it came."""

    batches: int = 0
    size: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a source must not send now, and for how many seconds."""

    reason: str
    seconds: int


def backlog() -> dict[int, Waiting]:
    """What waits to be parsed, by source."""
    waits = Batch.objects.filter(state__in=(Batch.State.OPEN, Batch.State.RECEIVED))
    found = (
        waits.order_by()
        .values_list("source")
        .annotate(Count("pk"), Sum("size"), Min("received_at"))
    )
    return {source: Waiting(batches, size, since) for source, batches, size, since in found}


class Backlog:
    """The backlog as this process knows it: asked for once a second, what came since added."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked = float("-inf")
        self._batches: Counter[int] = Counter()
        self._sizes: Counter[int] = Counter()

    def is_stale(self) -> bool:
        return time.monotonic() - self._asked > _FRESH

    def refresh(self) -> None:
        """Asks the database, unless another thread has just done so."""
        with self._lock:
            if not self.is_stale():
                return
            found = backlog()
            self._batches = Counter({source: one.batches for source, one in found.items()})
            self._sizes = Counter({source: one.size for source, one in found.items()})
            self._asked = time.monotonic()

    def add(self, source_id: int, size: int) -> None:
        self._sizes[source_id] += size

    def pause(self, source_id: int) -> Pause | None:
        """Why this source must wait; None where it may send."""
        bound = settings.TOCSIN
        for size, batches, whose in (
            (self._sizes.total(), self._batches.total(), "backlog"),
            (self._sizes[source_id], self._batches[source_id], "source_backlog"),
        ):
            if size >= bound[f"{whose}_bytes"] or batches >= bound[f"{whose}_batches"]:
                return Pause(
                    f"{batches} batches with {size} bytes wait to be parsed: send it again later.",
                    _SOON,
                )
        return None


@dataclass(slots=True)
class Bucket:
    """A token bucket that may be overdrawn: whoever took too much waits until it is made up."""

    rate: float  # tokens a second, and how many it holds
    level: float = field(default=0.0)
    at: float = field(default=0.0)

    def wait(self, now: float) -> float:
        """Seconds until something may be taken again; 0 where it may be now."""
        self.level = min(self.rate, self.level + (now - self.at) * self.rate)
        self.at = now
        return 0.0 if self.level > 0 else (1 - self.level) / self.rate

    def take(self, many: float) -> None:
        self.level -= many


class Allowances:
    """What each source may send a second, in this process, and a day."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[int, str], Bucket] = {}

    def pause(self, source: Source) -> Pause | None:
        """Why this source must wait; None where it may send."""
        now = time.monotonic()
        for what, bucket in self._of(source, now):
            if wait := bucket.wait(now):
                reason = f"This source may send {bucket.rate:.0f} {what} a second."
                return Pause(reason, min(_LONGEST, int(wait) + 1))
        today = datetime.now(UTC)
        most = source.bytes_per_day
        if most is not None and source.day == today.date() and source.day_bytes >= most:
            midnight = (today + timedelta(days=1)).replace(hour=0, minute=0, second=0)
            left = int((midnight - today).total_seconds()) + 1
            reason = f"This source has sent its {most} bytes of today."
            return Pause(reason, min(_LONGEST, left))
        return None

    def take(self, source: Source, items: int, size: int) -> None:
        now = time.monotonic()
        for what, bucket in self._of(source, now):
            bucket.take(items if what == "events" else size)

    def _of(self, source: Source, now: float) -> list[tuple[str, Bucket]]:
        found = []
        for what, rate in (("events", source.events_per_s), ("bytes", source.bytes_per_s)):
            if not rate:
                self._buckets.pop((source.pk, what), None)
                continue
            bucket = self._buckets.get((source.pk, what))
            if bucket is None or bucket.rate != rate:
                bucket = self._buckets[source.pk, what] = Bucket(rate, rate, now)
            found.append((what, bucket))
        return found
