"""What is asked of assistance."""

from __future__ import annotations

from collections.abc import Iterator

from apps.analysis.models import Remedy
from apps.assistance.previews import digest_of


def decided_plans() -> Iterator[tuple[int, str]]:
    """(id, digest of the commands as they are kept today) of every remedy a person approved."""
    states = (
        Remedy.State.APPROVED,
        Remedy.State.APPLYING,
        Remedy.State.APPLIED,
        Remedy.State.UNDOING,
        Remedy.State.UNDONE,
    )
    for remedy in Remedy.objects.filter(state__in=states).order_by("id").iterator(200):
        yield remedy.pk, digest_of(remedy)
