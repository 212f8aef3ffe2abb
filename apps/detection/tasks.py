"""Detection's door for workers."""

from __future__ import annotations

from uuid import UUID

from apps.acquisition.stages import stage
from apps.detection import services


@stage
def detect(batch_id: str) -> str:
    """Search a parsed batch; passes the baton on."""
    services.detect(UUID(batch_id))
    return batch_id
