"""The same small stories as in `made`, kept in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from apps import contracts
from apps.acquisition.models import Batch, Record, Source
from apps.contracts import RECORD_COLUMNS
from apps.detection.models import Finding
from apps.detection.services import stored
from tests.analysis.made import START, at


def source(*, is_demonstration: bool = False) -> Source:
    name = "range" if is_demonstration else "shop"
    return Source.objects.get_or_create(name=name, is_demonstration=is_demonstration)[0]


def batch(
    rows: Sequence[Mapping[str, Any]],
    findings: Sequence[contracts.Finding],
    *,
    is_demonstration: bool = False,
) -> Batch:
    """A batch that the tools have searched. A finding's `records` are places in `rows`."""
    seen = Batch.objects.count()
    made = Batch.objects.create(
        source=source(is_demonstration=is_demonstration),
        protocol="ndjson",
        digest=hashlib.sha256(str(seen).encode()).hexdigest(),
        size=1,
        received_at=START,
        state=Batch.State.DETECTED,
        items=len(rows),
        stored=len(rows),
    )
    attributes = {column.name: column.attribute for column in RECORD_COLUMNS}
    kept = Record.objects.bulk_create(
        Record(
            batch=made,
            event_sequence=place,
            timestamp=at(row.get("t", 0)),
            **{attributes[name]: value for name, value in row.items() if name != "t"},
        )
        for place, row in enumerate({"event.dataset": "test", **row} for row in rows)
    )
    found = stored(made.pk, findings)
    for finding in found:
        finding.records = [kept[place].pk for place in finding.records]
    Finding.objects.bulk_create(found)
    return made
