"""What every stage of the response needs: its claim on a batch, and another try.

A stage claims its batch by compare-and-set and moves it on in the transaction of its results, so
that nothing is done twice or lost. While it is at it its database session holds a lock, which goes
when the worker dies: a claim without one is given back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.db import OperationalError
from django.db.models import QuerySet
from django.utils import timezone

from apps.acquisition.models import Batch
from apps.protection.locks import held

stage = shared_task(
    autoretry_for=(OperationalError,),  # a deadlock, or a database that was restarted
    retry_backoff=1,
    retry_backoff_max=30,
    max_retries=6,
)
"""A task of the pipeline; it takes the baton and returns it."""


class Overtaken(Exception):
    """Another worker took the batch while this one was slow: its results are thrown away."""


class Claim:
    """A batch that this worker is at. `finish` belongs into the transaction of the results."""

    def __init__(self, batch_id: UUID, before: Batch.State, since: datetime) -> None:
        self.batch_id, self.before, self.since = batch_id, before, since

    def finish(self, after: Batch.State) -> None:
        """Moves the batch on. Raises `Overtaken` where it is no longer ours."""
        if not self._ours().update(state=after, claimed_at=None):
            raise Overtaken(str(self.batch_id))

    def release(self) -> None:
        self._ours().update(claimed_at=None)

    def _ours(self) -> QuerySet[Batch]:
        return Batch.objects.filter(pk=self.batch_id, state=self.before, claimed_at=self.since)


@contextmanager
def claimed(batch_id: UUID, before: Batch.State) -> Iterator[Claim | None]:
    """The claim, or None where the batch is not in that state or another worker is, or was, at it.

    Work that fails gives the batch back at once; that of a worker that died, `free_lost`.
    """
    with held(_lock(batch_id), wait=1) as ours:  # `free_lost` holds it for a moment
        now = timezone.now()
        waiting = Batch.objects.filter(pk=batch_id, state=before, claimed_at=None)
        if not ours or not waiting.update(claimed_at=now):
            yield None
            return
        claim = Claim(batch_id, before, now)
        try:
            yield claim
        except Overtaken:
            return
        except BaseException:
            claim.release()
            raise


def free_lost() -> list[UUID]:
    """Gives back the batches whose worker died at them, and returns them."""
    lost = []
    for batch in Batch.objects.exclude(claimed_at=None).only("claimed_at"):
        with held(_lock(batch.pk)) as ours:
            same = Batch.objects.filter(pk=batch.pk, claimed_at=batch.claimed_at)
            if ours and same.update(claimed_at=None):
                lost.append(batch.pk)
    return lost


def _lock(batch_id: UUID) -> str:
    return f"batch {batch_id}"
