"""Acquisition's door for workers."""

from __future__ import annotations

from uuid import UUID

from apps.acquisition import services
from apps.acquisition.stages import stage


@stage
def parse(batch_id: str) -> str:
    """Turns a received batch into records; the first stage of the pipeline."""
    services.parse(UUID(batch_id))
    return batch_id
