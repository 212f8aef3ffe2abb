"""What is asked of analysis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import polars as pl
from django.db.models import Q, QuerySet

from apps import contracts
from apps.acquisition.models import Batch, Record
from apps.acquisition.selectors import frame_of_records
from apps.acquisition.storage import FIRST_DAY_ID, date_of, ids_of
from apps.analysis.correlate import SAME_SUBJECT, OpenCampaign, is_file
from apps.analysis.evidence import spread
from apps.analysis.models import Handover, Incident, IncidentBatch
from apps.analysis.words import is_address
from apps.contracts import Kind
from apps.detection.models import Finding
from apps.protection.chain import digest

MOST_RECORDS = 20_000
"""Records of one incident that its clue tree and attacker are derived from. Where it has more,
each finding gives an equal share, evenly spread; the tree still leads to all of them."""
LEAST_RECORDS = 20
MOST_LOGINS = 5_000
LOGINS_AFTER = timedelta(hours=24)


def findings_of(incident_id: int) -> list[Finding]:
    """An incident's findings in time order, each with its verdict and its membership."""
    found = Finding.objects.filter(membership__incident_id=incident_id)
    return list(found.select_related("assessment", "membership").order_by("first", "id"))


def assessment_of(finding: Finding) -> contracts.Assessment | None:
    """The stored verdict on a finding, None where no network weighed it."""
    row = getattr(finding, "assessment", None)
    if row is None:
        return None
    return contracts.Assessment(
        network=row.network,
        model=row.model,
        label=row.label,
        probability=row.probability,
        p_attack=row.p_attack,
        unsure=row.unsure,
        probabilities=row.probabilities,
        reasons=tuple(contracts.Reason(**reason) for reason in row.reasons),
        steps=tuple(row.steps),
        scored=row.scored,
    )


def incidents_of(batch_id: UUID) -> QuerySet[Incident]:
    """The incidents that a batch touched and nobody has closed, oldest first."""
    touched = Incident.objects.filter(batches__batch_id=batch_id)
    return touched.exclude(state=Incident.State.CLOSED).order_by("id")


_LEFT_BEHIND = (Kind.WEB_SHELL, Kind.MALWARE)


def open_campaigns(
    findings: Sequence[contracts.Finding], *, is_demonstration: bool
) -> list[OpenCampaign]:
    """The incidents that findings may join: not closed, and near in time; a file that was found
    may belong to one of long ago. The demonstration keeps to itself."""
    # a file lies where it was left until somebody looks: the requests behind it may be told later
    early = Q(first__lte=max(f.last for f in findings) + SAME_SUBJECT) | Q(kind__in=_LEFT_BEHIND)
    near = Incident.objects.exclude(state=Incident.State.CLOSED).filter(
        early, is_demonstration=is_demonstration
    )
    if not any(is_file(f) for f in findings):
        near = near.filter(last__gte=min(f.first for f in findings) - SAME_SUBJECT)
    rows = near.order_by("first", "id").values_list(
        "id", "kind", "subjects", "targets", "hosts", "first", "last", "assets__names"
    )
    return [
        OpenCampaign(
            key,
            Kind(kind),
            tuple(subjects),
            tuple(targets),
            tuple(hosts),
            begin,
            end,
            tuple(names or ()),
        )
        for key, kind, subjects, targets, hosts, begin, end, names in rows
    ]


def evidence_frame(findings: Sequence[Finding]) -> pl.DataFrame:
    """The records behind an incident's findings, and the log-ins that guessers tried since."""
    each = max(LEAST_RECORDS, MOST_RECORDS // max(len(findings), 1))
    ids: set[int] = set()
    for finding in findings:
        ids.update(finding.records[i] for i in spread(len(finding.records), each).tolist())
        if len(ids) >= MOST_RECORDS:
            break
    return frame_of_records(sorted(ids | set(_logins(findings))))


def _logins(findings: Sequence[Finding]) -> Iterable[int]:
    guessing = [f for f in findings if f.kind == Kind.BRUTE_FORCE and is_address(f.subject)]
    addresses = sorted({f.subject for f in guessing})[:1000]
    if not addresses:
        return ()
    since, until = min(f.first for f in guessing), max(f.last for f in guessing)
    tried = Record.objects.filter(
        source_ip__in=addresses,
        timestamp__gte=since,
        timestamp__lte=until + LOGINS_AFTER,
        event_category="authentication",
    )
    return tried.order_by("timestamp").values_list("id", flat=True)[:MOST_LOGINS]


def held_batches(day: int) -> set[UUID]:
    """The batches received on a day (`storage.day_of`) that incidents under hold stand on: those
    of their findings, and those of records before them that the findings name too."""
    findings = Finding.objects.filter(membership__incident__held_at__isnull=False)
    begin = datetime.combine(date_of(day), time(), UTC)
    of_day = Batch.objects.filter(received_at__gte=begin, received_at__lt=begin + timedelta(days=1))
    touched = IncidentBatch.objects.filter(incident__held_at__isnull=False)
    held = set(
        of_day.filter(
            Q(pk__in=findings.values("batch")) | Q(pk__in=touched.values("batch"))
        ).values_list("pk", flat=True)
    )
    first, end = ids_of(day)
    for records in findings.values_list("records", flat=True).iterator(100):
        ids = [number for number in records if first <= number < end or number < FIRST_DAY_ID]
        of_records = Record.objects.filter(pk__in=ids).exclude(batch__in=held)
        held.update(of_records.values_list("batch_id", flat=True).distinct())
    return held


def evidence_of(source_id: int) -> int:
    """How many batches of a source incidents stand on, under hold or not."""
    standing = Q(pk__in=IncidentBatch.objects.values("batch")) | Q(
        findings__membership__isnull=False
    )
    return Batch.objects.filter(standing, source=source_id).distinct().count()


def handover_digests() -> Iterator[tuple[str, str]]:
    """(id, digest recomputed from the bytes) of every package, oldest first."""
    for key, package in Handover.objects.order_by("id").values_list("id", "package").iterator(50):
        yield str(key), digest(bytes(package))
