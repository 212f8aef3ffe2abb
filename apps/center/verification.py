"""`tocsin verify`: every chain, and everything sealed against what is kept today."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from apps.acquisition import selectors as acquisition
from apps.analysis import selectors as analysis
from apps.assistance import selectors as assistance
from apps.protection import selectors as protection

KEPT: Mapping[str, Callable[[], Iterator[tuple[str, str]]]] = {
    "batch": acquisition.content_digests,  # recomputed from the bytes, not read from a column
    "records": acquisition.record_digests,
    "handover": analysis.handover_digests,
}


def problems(head: str = "") -> Iterator[str]:
    """One sentence for each thing that does not hold."""
    yield from protection.verify()
    if head and not protection.has_seal(head):
        yield f"the seal {head[:16]}… noted earlier is gone: the chain was cut or replaced"
    removed = dict(protection.sealed_digests("removal"))
    for kind, kept in KEPT.items():
        sealed = dict(protection.sealed_digests(kind))
        for subject, digest in kept():
            # What came while we were looking has its seal by now, and what went has one too.
            expected = sealed.pop(subject, "") or protection.last_sealed(kind, subject)
            if not expected:
                yield f"{kind} {subject} was never sealed"
            elif expected != digest:
                yield f"{kind} {subject} is not what was sealed"
        for subject in sealed:
            if subject not in removed and not protection.last_sealed("removal", subject):
                yield f"{kind} {subject} was sealed and is gone"
    for remedy_id, digest in assistance.decided_plans():
        if protection.last_sealed("remedy", str(remedy_id)) != digest:
            yield f"the commands of remedy {remedy_id} are not those that were approved"


def removals() -> int:
    """How many things were taken away, each with a seal that says so."""
    return len(dict(protection.sealed_digests("removal")))
