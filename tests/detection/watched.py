"""What a watch brings, run after run, as the detection tools get it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import polars as pl

from apps.acquisition.collecting import Baseline, Collected, compare, lines_of
from apps.acquisition.reading import read
from apps.contracts import Finding
from apps.detection import run
from apps.detection.evidence import ready

START = datetime(2026, 11, 29, 6, tzinfo=UTC)


def told(runs: Iterable[Collected], host: str = "") -> list[tuple[Finding, ...]]:
    """What all tools find in each run of one watch, a day apart. As context they find none of it."""
    known: Baseline = {}
    found = []
    for day, collected in enumerate(runs):
        documents, known = compare(known, collected, START + timedelta(days=day))
        if not documents:  # nothing changed of a host
            found.append(())
            continue
        frame = ready(read(lines_of(documents), protocol="observed", host_name=host).frame)
        search = run.search(frame)
        assert not search.failures
        assert not run.search(frame.with_columns(pl.lit(False).alias("tocsin.fresh"))).findings
        found.append(search.findings)
    return found


def last(*runs: Collected, host: str = "") -> tuple[Finding, ...]:
    """What the last run tells; those before it are an ordinary day."""
    *before, now = told(runs, host)
    assert not any(before)
    return now
