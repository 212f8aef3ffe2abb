"""Open batches: small deliveries gathered for about a second, then closed and sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import zstandard
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.acquisition import copying, reading
from apps.acquisition.arrivals import UNFOLDED, Arrival, Group
from apps.acquisition.models import Batch, BatchContent, Piece
from apps.protection.services import seal_many

_MOST_ITEMS = 100_000  # of a gathered batch: it is parsed in one go
_BEHIND = 4  # closed batches that may wait before open ones are left open longer


@dataclass(slots=True)
class Open:
    """An open batch of this process. `items` are the sequence numbers taken so far."""

    batch: Batch
    closes_at: float  # on the clock of time.monotonic
    size: int = 0
    unfolded: int = 0
    items: int = 0
    is_ended: bool = True  # the last line has its line end

    def takes(self, arrival: Arrival) -> bool:
        most = settings.TOCSIN["gather_bytes"]
        return (
            self.size + arrival.size <= most
            and self.unfolded + arrival.unfolded <= UNFOLDED * most
            and self.items < _MOST_ITEMS
        )


@dataclass(slots=True)
class Gathering:
    """The open batches of one process: those that may grow, and when each is to be closed."""

    open: dict[Group, Open] = field(default_factory=dict)
    due: dict[UUID, float] = field(default_factory=dict)

    def prolong(self, now: float) -> None:
        """Leaves what is due open for longer while closed batches wait to be parsed: fewer and
        larger ones take less time, so that many small sources cannot outrun the workers."""
        longest, more = settings.TOCSIN["gather_longest"], settings.TOCSIN["gather_seconds"]
        due = [
            one.batch.pk
            for one in self.open.values()
            if 0 < self.due.get(one.batch.pk, 0.0) <= now < one.closes_at + longest
        ]
        if due and is_behind():
            self.due |= dict.fromkeys(due, now + more)

    def forget(self, batch_id: UUID) -> None:
        """A batch that is closed grows no more."""
        self.due.pop(batch_id, None)
        self.open = {group: one for group, one in self.open.items() if one.batch.pk != batch_id}


def close(batch_ids: Iterable[UUID]) -> list[UUID]:
    """Closes open batches: their pieces become their content, sealed. Returns those that were
    closed by this call; of two that close at once, one does it."""
    return [batch_id for batch_id in batch_ids if _close(batch_id)]


@transaction.atomic
def _close(batch_id: UUID) -> bool:
    waiting = Batch.objects.select_for_update().filter(pk=batch_id, state=Batch.State.OPEN)
    batch = waiting.first()
    if batch is None:
        return False
    bodies, sizes = [], []
    for piece in batch.pieces.order_by("pk"):
        bodies.append(zstandard.decompress(piece.content))
        sizes += piece.sizes
    content = b"".join(bodies)
    batch.digest, batch.size = hashlib.sha256(content).hexdigest(), len(content)
    batch.state = Batch.State.RECEIVED
    batch.save(update_fields=["digest", "size", "state"])
    kinds = {"batch_id": "uuid", "content": "bytea", "sizes": "int4[]"}
    cut = sizes if batch.protocol in reading.CUT and len(sizes) > 1 else None
    row = (batch.pk, zstandard.compress(content, 3), cut)
    copying.put_rows(BatchContent._meta.db_table, kinds, [row])
    Piece.objects.filter(batch=batch)._raw_delete(using="default")
    seal_many(kind="batch", digests={str(batch.pk): batch.digest})
    return True


def is_behind() -> bool:
    """Whether the workers are slower than what comes: several closed batches wait for them."""
    waits = Batch.objects.filter(state=Batch.State.RECEIVED, claimed_at=None).order_by()
    return waits[: _BEHIND + 1].count() > _BEHIND


def close_overdue() -> list[UUID]:
    """Closes what a process left open that was killed. Returns the batches closed."""
    patience = timedelta(seconds=5 + 2 * settings.TOCSIN["gather_seconds"])
    left = Batch.objects.filter(state=Batch.State.OPEN, received_at__lt=timezone.now() - patience)
    return close(left.order_by("received_at").values_list("pk", flat=True)[:1000])
