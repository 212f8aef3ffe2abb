"""Stores what the tools find in a batch, and what it says of its sites' habits. The only writer
of both."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from uuid import UUID

import numpy as np
import polars as pl
from django.db import connection, transaction

from apps import contracts
from apps.acquisition.models import Batch
from apps.acquisition.selectors import frame_of
from apps.acquisition.stages import claimed
from apps.detection import evidence, habits, run, selectors
from apps.detection.models import Finding, Habit
from apps.detection.tools import strange_requests

log = logging.getLogger(__name__)

MOST_HABITS = 500_000  # of all sites
UNUSED = timedelta(days=90)  # after which a habit is forgotten


def detect(batch_id: UUID) -> int:
    """Run every tool over a parsed batch and store its findings; returns how many there are.

    A batch that is not waiting for detection, or that another worker is at, is left alone: a
    task delivered twice adds nothing. The names of tools that failed, with their reasons, are
    kept in the batch's summary under `failed_tools`.
    """
    with claimed(batch_id, Batch.State.PARSED) as claim:
        if claim is None:
            return 0
        batch = Batch.objects.select_related("source").get(pk=batch_id)
        frame = evidence.ready(frame_of(batch_id), batch.received_at)
        day = batch.received_at.date()
        things, failures = _things(frame)
        if batch.source.is_demonstration:  # it must leave nothing behind
            things = things.clear()
        judgement = habits.judged(things, selectors.habits_of(things, day))
        found = run.search(habits.marked(frame, judgement))
        failures |= found.failures
        rows = stored(batch_id, found.findings)
        with transaction.atomic():
            Finding.objects.bulk_create(rows, batch_size=2000, ignore_conflicts=True)
            summary = {k: v for k, v in batch.summary.items() if k != "failed_tools"}
            if failures:
                summary["failed_tools"] = failures
            Batch.objects.filter(pk=batch_id).update(summary=summary)
            learn(habits.harmless(judgement, found.findings), day)
            claim.finish(Batch.State.DETECTED)
        return len(rows)


def stored(batch_id: UUID, findings: Sequence[contracts.Finding]) -> list[Finding]:
    """Findings as rows, not yet saved, each with its fingerprint."""
    return [
        Finding(
            batch_id=batch_id,
            fingerprint=fingerprint,
            tool=finding.tool,
            kind=finding.kind,
            risk=finding.risk,
            title=finding.title,
            subject=finding.subject,
            target=finding.target,
            host=finding.host,
            severity=finding.severity,
            first=finding.first,
            last=finding.last,
            records=list(finding.records),
            network=finding.network,
            techniques=list(finding.techniques),
            parameters=dict(finding.parameters),
        )
        for finding, fingerprint in zip(findings, fingerprints(batch_id, findings), strict=True)
    ]


def fingerprints(batch_id: UUID, findings: Iterable[contracts.Finding]) -> list[str]:
    """What makes each finding the same one when its batch is searched again.

    The batch, the tool, what it saw and between whom; where a tool saw several such, also their
    place among each other. Counts and times are left out: more context may have come since.
    """
    before: Counter[tuple[str, ...]] = Counter()
    digests = []
    for finding in findings:
        who = (finding.subject, finding.target, finding.host)
        identity = (str(batch_id), finding.tool, finding.kind, finding.network, *who)
        place = before[identity]
        before[identity] += 1
        digests.append(hashlib.sha256(json.dumps([*identity, place]).encode()).hexdigest())
    return digests


# ── Habits ───────────────────────────────────────────────────────────────────────────────


def _things(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """`habits.things`; nothing, and why, where it fails: as a tool, it costs no other its findings."""
    try:
        return habits.things(frame), {}
    except Exception as error:
        log.exception("what is asked of sites could not be read")
        why = f"{type(error).__name__}: {error}"
        return habits.things(evidence.ready(frame.clear())), {strange_requests.TOOL.name: why}


def learn(judgement: pl.DataFrame, day: date) -> None:
    """Adds things (`habits.judged`) to the habits of their sites, at most HABITS new ones. Inside a
    transaction."""
    if judgement.is_empty():
        return
    is_new = pl.col("seen") == 0
    made = judgement.filter(is_new).group_by("key").len().sort("len", "key", descending=True)
    learned = judgement.filter(
        ~is_new | pl.col("key").is_in(made["key"].head(habits.HABITS).implode())
    )
    sites = learned.select("key", "site").unique("key").sort("key")
    before = selectors.habits_of(sites, day, lock=True).over(sites["key"].to_numpy())
    after = habits.taught(before, learned)
    told = np.flatnonzero((after.given != before.given).any(axis=1))
    columns = (
        after.keys[told].tolist(),
        sites["site"].gather(told).to_list(),
        [day] * len(told),
        after.seen[told].tolist(),
        [row.tobytes() for row in after.counts[told].astype("<f4")],
        [row.tobytes() for row in after.given[told]],
    )
    with connection.cursor() as cursor:
        cursor.execute(_LEARN, columns)
        if (before.seen[told] == 0).any():
            cursor.execute(_MAKE_ROOM, [sites["site"].unique().to_list(), habits.HABITS])


def forget(today: date) -> int:
    """Removes the habits that nothing was added to for long, and of too many the oldest; returns
    how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [today - UNUSED, MOST_HABITS])
        return int(cursor.rowcount)


_TABLE = Habit._meta.db_table
_LEARN = f"""
    INSERT INTO {_TABLE} (key, site, day, seen, counts, given)
    SELECT * FROM unnest(
        %s::bigint[], %s::text[], %s::date[], %s::float8[], %s::bytea[], %s::bytea[])
    ON CONFLICT (key) DO UPDATE SET day = greatest({_TABLE}.day, excluded.day),
        seen = excluded.seen, counts = excluded.counts, given = excluded.given"""  # noqa: S608
_MAKE_ROOM = f"""
    DELETE FROM {_TABLE} WHERE key IN (
        SELECT key FROM (
            SELECT key, row_number() OVER (PARTITION BY site ORDER BY seen DESC, key) AS place
            FROM {_TABLE} WHERE site = ANY(%s)
        ) AS ranked WHERE place > %s)"""  # noqa: S608
_FORGET = f"""
    DELETE FROM {_TABLE} WHERE day < %s OR key IN (
        SELECT key FROM {_TABLE} ORDER BY day DESC, seen DESC OFFSET %s)"""  # noqa: S608
