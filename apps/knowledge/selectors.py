"""What is asked of the knowledge database."""

from __future__ import annotations

from apps.contracts import ExpertRecord
from apps.knowledge.services import records


def record(slug: str) -> ExpertRecord | None:
    """The expert record of this slug, None if there is none."""
    return next((each for each in records() if each.slug == slug), None)
