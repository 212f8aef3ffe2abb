"""What a watch brings, run after run, as the detection tools get it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from apps.acquisition.collecting import Baseline, Collected, compare, lines_of
from apps.acquisition.reading import read
from apps.contracts import Finding
from apps.detection import run
from apps.detection.evidence import ready

START = datetime(2026, 11, 29, 6, tzinfo=UTC)


def told(runs: Iterable[Collected], host: str = "") -> list[tuple[Finding, ...]]:
    """What all tools find in each run of one watch, a day apart."""
    known: Baseline = {}
    found = []
    for day, collected in enumerate(runs):
        documents, known = compare(known, collected, START + timedelta(days=day))
        batch = (
            read(lines_of(documents), protocol="observed", host_name=host) if documents else None
        )
        search = run.search(ready(batch.frame)) if batch else run.Search((), {})
        assert not search.failures
        found.append(search.findings)
    return found


def last(*runs: Collected, host: str = "") -> tuple[Finding, ...]:
    """What the last run tells; those before it are an ordinary day."""
    *before, now = told(runs, host)
    assert not any(before)
    return now
