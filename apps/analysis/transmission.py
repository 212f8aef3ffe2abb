"""Makes the sealed package for a remote responder out of what is stored."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from apps.acquisition.models import Record
from apps.acquisition.selectors import lines_at
from apps.analysis import handover, selectors
from apps.analysis.evidence import spread
from apps.analysis.models import Handover, Incident, Remedy
from apps.analysis.serialise import assessment_json
from apps.contracts import RECORD_COLUMNS, ColumnType, Json
from apps.detection.models import Finding
from apps.protection import chain
from apps.protection.models import Seal
from apps.protection.services import audit, seal

MOST_FINDINGS = 1000

_LINES = ("lines", "flows")
_SHOWN = [
    column
    for column in RECORD_COLUMNS
    if column.stored and column.type is not ColumnType.BYTES and column.name != "event.original"
]


@transaction.atomic
def hand_over(*, incident_id: int, reason: str, actor: str) -> Handover:
    """Composes, seals and keeps an incident's package. An open incident is then with the
    responder. Where nothing changed since the last package, that one is returned."""
    incident = Incident.objects.select_for_update().get(pk=incident_id)
    content = handover.canonical(_package(incident, reason))
    digest = chain.digest(content)
    if incident.state == Incident.State.OPEN:
        incident.state = Incident.State.HANDED_OVER
        incident.save(update_fields=["state", "updated_at"])
    last = incident.handovers.first()
    if last is not None and last.digest == digest:
        return last
    made = Handover.objects.create(
        incident=incident, package=content, digest=digest, reason=reason, created_by=actor
    )
    seal(kind="handover", subject=str(made.pk), digest=digest)
    audit(
        actor=actor,
        action="incident.handed_over",
        object=f"incident:{incident.pk}",
        detail={"handover": made.pk, "digest": digest, "reason": reason},
    )
    return made


def _package(incident: Incident, reason: str) -> dict[str, Json]:
    findings = selectors.findings_of(incident.pk)
    rows = _evidence(findings)
    seals = Seal.objects.filter(
        kind__in=("batch", "records"), subject__in={str(row.batch_id) for row in rows}
    )
    return handover.compose(
        incident=_incident(incident),
        reason=reason,
        prediction=[_prediction(finding) for finding in findings[:MOST_FINDINGS]],
        clue_tree=incident.clue_tree,
        attacker=incident.attacker,
        records=_records(rows),
        seals=[
            {"kind": s.kind, "subject": s.subject, "digest": s.digest, "hash": s.hash}
            for s in seals.order_by("id")
        ],
        matches=[
            {
                "record": match.slug,
                "version": match.version,
                "digest": match.digest,
                "title": match.title,
                "score": match.score,
                "reasons": match.reasons,
            }
            for match in incident.matches.all()
        ],
        remedies=_remedies(incident),
    )


def _incident(incident: Incident) -> dict[str, Json]:
    return {
        "id": incident.pk,
        "title": incident.title,
        "kind": incident.kind,
        "risk": incident.risk,
        "severity": incident.severity,
        "confidence": incident.confidence,
        "first": incident.first.isoformat(),
        "last": incident.last.isoformat(),
        "subjects": incident.subjects,
        "targets": incident.targets,
        "hosts": incident.hosts,
        "facts": incident.facts,
        "is_demonstration": incident.is_demonstration,
    }


def _prediction(finding: Finding) -> dict[str, Json]:
    """What a tool said of a finding and what the network made of it; null where none reads it."""
    verdict = selectors.assessment_of(finding)
    return {
        "tool": finding.tool,
        "kind": finding.kind,
        "title": finding.title,
        "subject": finding.subject,
        "target": finding.target,
        "host": finding.host,
        "severity": finding.severity,
        "first": finding.first.isoformat(),
        "last": finding.last.isoformat(),
        "techniques": finding.techniques,
        "parameters": finding.parameters,
        "because": finding.membership.because,
        "record_count": len(finding.records),
        "network": assessment_json(verdict) if verdict else None,
    }


def _remedies(incident: Incident) -> list[dict[str, Json]]:
    """Every remedy with its steps, what their commands did, and its tasks; oldest first."""
    found = incident.remedies.exclude(state=Remedy.State.SUPERSEDED).order_by("id")
    return [
        {
            "state": remedy.state,
            "digest": remedy.digest,
            "decided_by": remedy.decided_by,
            "reason": remedy.decision_reason,
            "steps": [
                {
                    "action": step.action,
                    "host": step.host,
                    "parameters": step.parameters,
                    "why": step.reason,
                    "state": step.state,
                    "effect": step.effect,
                    "refusal": step.refusal,
                    "commands": step.commands,
                    "outcomes": [_outcome(outcome) for outcome in step.outcomes.all()],
                }
                for step in remedy.steps.all()
            ],
            "tasks": [
                {"title": task.title, "detail": task.detail, "done": task.done_at is not None}
                for task in remedy.tasks.all()
            ],
        }
        for remedy in found.prefetch_related("steps__outcomes", "tasks")
    ]


def _outcome(outcome: Any) -> dict[str, Json]:
    """`assistance` keeps outcomes and comes after us: we see them only from their step."""
    return {
        "phase": outcome.phase,
        "command": outcome.command,
        "exit_status": outcome.exit_status,
        "stdout": outcome.stdout,
        "stderr": outcome.stderr,
    }


# ── Evidence ─────────────────────────────────────────────────────────────────────────────


def _evidence(findings: Sequence[Finding]) -> list[Record]:
    """Records of every finding, evenly spread, at most `handover.MOST_RECORDS` in all."""
    each = max(2, handover.MOST_RECORDS // max(len(findings), 1))
    ids: dict[int, None] = {}
    for finding in findings:
        for i in spread(len(finding.records), each).tolist():
            ids.setdefault(finding.records[i])
    chosen = list(ids)[: handover.MOST_RECORDS]
    found = Record.objects.filter(pk__in=chosen).select_related("batch").defer("tocsin_features")
    return list(found.order_by("timestamp", "id"))


def _records(rows: Sequence[Record]) -> list[dict[str, Json]]:
    lines = _lines(rows)
    return [
        {
            "id": row.pk,
            "batch": str(row.batch_id),
            "sequence": row.event_sequence,
            "dataset": row.event_dataset,
            "timestamp": row.timestamp.isoformat() if row.timestamp else None,
            "line": lines.get(row.pk) or _as_text(row),
        }
        for row in rows
    ]


def _lines(rows: Iterable[Record]) -> dict[int, str]:
    """The items as they came: from the record, else from the sealed content, read once a batch."""
    found: dict[int, str] = {}
    wanted: dict[Any, list[Record]] = defaultdict(list)
    for row in rows:
        if row.event_original is not None:
            found[row.pk] = row.event_original
        elif row.batch.protocol in _LINES:
            wanted[row.batch_id].append(row)
    for batch_id, without in wanted.items():
        lines = lines_at(batch_id, (row.event_sequence for row in without))
        for row in without:
            if row.event_sequence in lines:
                found[row.pk] = lines[row.event_sequence]
    return found


def _as_text(row: Record) -> str:
    """What is known of a record that is no line (a flow, a file), as JSON with ECS names."""
    fields: Mapping[str, Json] = {
        column.name: str(value) if column.type is ColumnType.TIMESTAMP else value
        for column in _SHOWN
        if (value := getattr(row, column.attribute)) is not None
    }
    return json.dumps(fields, ensure_ascii=False, sort_keys=True)
