"""Acquisition's door for workers."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.acquisition import receiving, services, storage
from apps.acquisition.stages import stage


@stage
def parse(batch_id: str) -> str:
    """Turns a received batch into records; the first stage of the pipeline."""
    services.parse(UUID(batch_id))
    return batch_id


@shared_task
def make_days() -> None:
    """Makes the partitions of today and the days to come."""
    storage.make_days_ahead()


@shared_task
def forget_keys() -> int:
    """Deletes what is kept to know deliveries again, once it holds no more."""
    return receiving.forget_keys()
