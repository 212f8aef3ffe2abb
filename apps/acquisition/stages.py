"""What every stage of the response needs: its claim on a batch, and another try.

A stage claims its batch by compare-and-set and moves it on in the transaction of its results, so
that nothing is done twice or lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from celery import shared_task
from django.db import OperationalError
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.acquisition.models import Batch

stage = shared_task(
    autoretry_for=(OperationalError,),  # a deadlock, or a database that was restarted
    retry_backoff=1,
    retry_backoff_max=30,
    max_retries=6,
)
"""A task of the pipeline; it takes the baton and returns it."""

STALE = timedelta(minutes=10)
"""A claim so old belongs to a worker that died."""


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
    """The claim, or None where the batch is not in that state or another worker is at it.

    Work that fails gives the batch back at once; a worker that dies, after ten minutes.
    """
    now = timezone.now()
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - STALE)
    waiting = Batch.objects.filter(free, pk=batch_id, state=before)
    if not waiting.update(claimed_at=now):
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
