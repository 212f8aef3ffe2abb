"""Analysis's doors for workers: three stages of the response, each passing the baton on."""

from __future__ import annotations

from uuid import UUID

from apps.acquisition.stages import stage
from apps.analysis import services


@stage
def assess(batch_id: str) -> str:
    """Has the networks weigh what the tools found."""
    services.assess(UUID(batch_id))
    return batch_id


@stage
def correlate(batch_id: str) -> str:
    """Brings the findings into incidents."""
    services.correlate(UUID(batch_id))
    return batch_id


@stage
def match(batch_id: str) -> str:
    """Holds the incidents against expert knowledge."""
    services.match(UUID(batch_id))
    return batch_id
