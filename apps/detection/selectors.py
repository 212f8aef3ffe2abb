"""What is asked about findings and habits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
import polars as pl
from django.db.models import Count, Q

from apps import contracts
from apps.detection import habits, run
from apps.detection.habits import CELLS, LEAST, TRAITS, Habits
from apps.detection.models import Finding, Habit


def as_contracts(findings: Iterable[Finding]) -> list[contracts.Finding]:
    """Stored findings in the words the pure code speaks; `records` are record ids."""
    return [
        contracts.Finding(
            tool=row.tool,
            kind=contracts.Kind(row.kind),
            risk=contracts.Risk(row.risk),
            title=row.title,
            subject=row.subject,
            target=row.target,
            severity=row.severity,
            first=row.first,
            last=row.last,
            records=tuple(row.records),
            host=row.host,
            network=row.network,
            techniques=tuple(row.techniques),
            parameters=row.parameters,
        )
        for row in findings
    ]


def tools() -> list[tuple[str, str, str]]:
    """(name, title, description) of every tool, in name order."""
    return [(tool.name, tool.title, tool.description) for tool in run.tools().values()]


def habits_of(things: pl.DataFrame, day: date, *, lock: bool = False) -> Habits:
    """What is known on that day at the keys of these things (`key`, `site`); `lock` keeps others
    from adding to it until the transaction ends.

    A batch of countless keys is answered with all that is known of its sites, which is less.
    """
    keys, sites = things["key"].unique(), things["site"].unique()
    few = len(keys) <= habits.HABITS * len(sites)
    asked = Q(key__in=keys.to_list()) if few else Q(site__in=sites.to_list())
    chosen = Habit.objects.filter(asked).order_by("key")
    rows = list((chosen.select_for_update() if lock else chosen).values_list(*_HABIT))
    found, seen, days, counts, given = zip(*rows, strict=True) if rows else ((),) * len(_HABIT)
    today = np.array([each >= day for each in days], np.uint8)
    return Habits(
        np.array(found, np.int64),
        np.array(seen, np.float32),
        np.frombuffer(b"".join(counts), "<f4").reshape(-1, TRAITS),
        np.frombuffer(b"".join(given), np.uint8).reshape(-1, CELLS) * today[:, None],
    )


_HABIT = ("key", "seen", "day", "counts", "given")


def known_habits() -> tuple[int, int, int]:
    """How many sites have habits, how many habits are known well enough to judge by, and how many
    there are."""
    told = Habit.objects.aggregate(
        sites=Count("site", distinct=True),
        known=Count("key", filter=Q(seen__gte=LEAST)),
        kept=Count("key"),
    )
    return told["sites"], told["known"], told["kept"]
