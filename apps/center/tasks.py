"""The center's own tasks: planning spans two modules, and sweeping spans all."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from apps.acquisition import retention
from apps.acquisition.stages import stage
from apps.analysis import services as analysis
from apps.analysis.selectors import held_batches
from apps.assistance import services as assistance
from apps.detection import services as detection


@stage
def plan(batch_id: str) -> str:
    """Turns what was matched into remedies, and remedies into the commands a person reads."""
    for remedy_id in analysis.propose(UUID(batch_id)):
        assistance.preview(remedy_id)
    return batch_id


@shared_task
def sweep() -> int:
    from apps.center import pipeline  # it names this module's `plan`

    return pipeline.sweep()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=60, max_retries=5)
def remove_old() -> int:
    """Removes the records and raw bytes whose time is over, and the habits that nobody has; returns
    of how many batches."""
    detection.forget(timezone.now().date())
    days = settings.TOCSIN["retention_days"]
    return sum(gone.batches for gone in retention.remove_old(days=days, held=held_batches))


@shared_task
def deliver(handover_id: int | None = None) -> int:
    """Sends a package to whom has not got it; where none is named, those whose time has come."""
    return assistance.deliver_due() if handover_id is None else assistance.deliver(handover_id)


@shared_task
def watch() -> int:
    """Starts the watches that are due."""
    from apps.center import watching

    return watching.start_due()


@shared_task
def collect(watch_id: int, claim: str) -> None:
    """One run of a watch that was claimed at `claim`, an ISO 8601 time."""
    from apps.center import watching

    watching.collect(watch_id, datetime.fromisoformat(claim))
