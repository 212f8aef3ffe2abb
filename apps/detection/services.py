"""Stores what the tools find in a batch. The only writer of findings."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction

from apps import contracts
from apps.acquisition.models import Batch
from apps.acquisition.selectors import frame_of
from apps.acquisition.stages import claimed
from apps.detection import run
from apps.detection.models import Finding


def detect(batch_id: UUID) -> int:
    """Run every tool over a parsed batch and store its findings; returns how many there are.

    A batch that is not waiting for detection, or that another worker is at, is left alone: a
    task delivered twice adds nothing. The names of tools that failed, with their reasons, are
    kept in the batch's summary under `failed_tools`.
    """
    with claimed(batch_id, Batch.State.PARSED) as claim:
        if claim is None:
            return 0
        batch = Batch.objects.get(pk=batch_id)
        found = run.search(frame_of(batch_id), batch.received_at)
        rows = stored(batch_id, found.findings)
        with transaction.atomic():
            Finding.objects.bulk_create(rows, batch_size=2000, ignore_conflicts=True)
            summary = {k: v for k, v in batch.summary.items() if k != "failed_tools"}
            if found.failures:
                summary["failed_tools"] = dict(found.failures)
            Batch.objects.filter(pk=batch_id).update(summary=summary)
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
