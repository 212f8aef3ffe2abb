"""Brings findings into incidents and keeps each incident true to its findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from uuid import UUID

from django.db import connection, transaction

from apps.acquisition.models import Batch
from apps.acquisition.stages import claimed
from apps.analysis import case, correlate, selectors
from apps.analysis.campaign import Campaign, describe
from apps.analysis.models import Handover, Incident, IncidentBatch, IncidentFinding, Remedy
from apps.analysis.serialise import attacker_json, clue_json
from apps.contracts import Json
from apps.detection.models import Finding
from apps.detection.selectors import as_contracts
from apps.protection.services import audit

ACTOR = "platform"

_UNTOUCHED = (
    Incident.State.OPEN,
    Incident.State.AWAITING_APPROVAL,
    Incident.State.HANDED_OVER,
)
_UNDECIDED = (Remedy.State.PROPOSED, Remedy.State.BY_HAND, Remedy.State.SUPERSEDED)


def correlate_batch(batch_id: UUID) -> None:
    """Brings an assessed batch's findings into new or open incidents, and renews these.

    Findings of screening alone that the network calls normal stay outside. Placing is done by
    one worker at a time, so that two batches of one attack do not open two incidents; the
    costly part, renewing, is not.
    """
    with claimed(batch_id, Batch.State.ASSESSED) as claim:
        if claim is None:
            return
        with transaction.atomic():
            _one_at_a_time()
            _place(batch_id)
        for incident_id in selectors.incidents_of(batch_id).values_list("id", flat=True):
            renew(incident_id)
        claim.finish(Batch.State.CORRELATED)


@transaction.atomic
def renew(incident_id: int) -> None:
    """Makes an incident anew from all its findings: what it is, its clue tree, its attacker.

    The incident's row stays locked meanwhile: two batches that renew it do so in turn, and the
    later one sees the findings of both.
    """
    incident = Incident.objects.select_for_update().get(pk=incident_id)
    rows = selectors.findings_of(incident_id)
    if not rows:
        return
    findings = as_contracts(rows)
    verdicts = [selectors.assessment_of(row) for row in rows]
    because = [row.membership.because for row in rows]
    campaign = describe(findings, verdicts, range(len(rows)), because, incident_id)
    made = case.build(selectors.evidence_frame(rows), findings, verdicts, campaign)
    _write(incident, campaign)
    incident.clue_tree = clue_json(made.clue, [row.pk for row in rows])
    incident.attacker = attacker_json(made.attacker)
    incident.facts = dict(made.facts)
    incident.assets = {
        "files": [asdict(file) for file in made.files],
        "accounts": [asdict(account) for account in made.accounts],
        "names": list(made.names),
    }
    incident.save()


def _write(incident: Incident, campaign: Campaign) -> None:
    incident.kind, incident.risk = campaign.kind, campaign.risk
    incident.title, incident.severity = campaign.title, campaign.severity
    incident.confidence = campaign.confidence
    incident.subjects, incident.targets = list(campaign.subjects), list(campaign.targets)
    incident.hosts = list(campaign.hosts)
    incident.first, incident.last = campaign.first, campaign.last


def _one_at_a_time() -> None:
    """Waits until no other worker is placing findings; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('tocsin correlate'))")


def _place(batch_id: UUID) -> None:
    rows = list(
        Finding.objects.filter(batch_id=batch_id, membership=None)
        .select_related("assessment")
        .order_by("first", "id")
    )
    if not rows:
        return
    batch = Batch.objects.select_related("source").get(pk=batch_id)
    findings = as_contracts(rows)
    verdicts = [selectors.assessment_of(row) for row in rows]
    known = selectors.open_campaigns(findings, is_demonstration=batch.source.is_demonstration)
    campaigns = correlate.correlate(findings, verdicts, known)
    joined = _join([c for c in campaigns if c.incident is not None])
    opened = _open([c for c in campaigns if c.incident is None], batch)
    members = [
        IncidentFinding(finding=rows[i], incident=incident, because=why)
        for incident, campaign in [*opened, *joined]
        for i, why in zip(campaign.findings, campaign.because, strict=True)
    ]
    IncidentFinding.objects.bulk_create(members, batch_size=2000, ignore_conflicts=True)
    IncidentBatch.objects.bulk_create(
        [IncidentBatch(incident=incident, batch=batch) for incident, _ in [*opened, *joined]],
        ignore_conflicts=True,
    )
    # The audit trail lets one transaction write at a time: last, so that nobody waits for us
    # who holds an incident that we wait for.
    for incident, _ in opened:
        _note(incident, "incident.opened", title=incident.title, batch=str(batch.pk))
    for incident, campaign in joined:
        _absorb(incident, campaign.absorbs)


def _open(campaigns: Sequence[Campaign], batch: Batch) -> list[tuple[Incident, Campaign]]:
    made = []
    for campaign in campaigns:
        incident = Incident(is_demonstration=batch.source.is_demonstration)
        _write(incident, campaign)
        made.append(incident)
    Incident.objects.bulk_create(made, batch_size=1000)
    return list(zip(made, campaigns, strict=True))


def _join(campaigns: Sequence[Campaign]) -> list[tuple[Incident, Campaign]]:
    """The incidents that findings join, widened at once: the next batch may follow in a moment.

    Locks them and those they absorb, in order of id."""
    ids = {key for c in campaigns for key in (c.incident, *c.absorbs) if key is not None}
    locked = Incident.objects.select_for_update().filter(pk__in=ids).order_by("id")
    known = {incident.pk: incident for incident in locked}
    pairs = [(known[c.incident], c) for c in campaigns if c.incident in known]
    for incident, campaign in pairs:
        incident.subjects = _union(incident.subjects, campaign.subjects)
        incident.targets = _union(incident.targets, campaign.targets)
        incident.hosts = _union(incident.hosts, campaign.hosts)
        incident.first = min(incident.first, campaign.first)
        incident.last = max(incident.last, campaign.last)
    Incident.objects.bulk_update(
        [incident for incident, _ in pairs], ["subjects", "targets", "hosts", "first", "last"]
    )
    return pairs


def _absorb(incident: Incident, ids: Sequence[int]) -> None:
    """Brings the findings of other incidents into this one and closes those.

    One that a person works on, decided about or handed over is left alone."""
    if not ids:
        return
    untouched = Incident.objects.filter(pk__in=ids, state__in=_UNTOUCHED, assignee="")
    decided = Remedy.objects.filter(incident__in=ids).exclude(state__in=_UNDECIDED)
    handed = Handover.objects.filter(incident__in=ids).exclude(created_by=ACTOR)
    for other in untouched.exclude(remedies__in=decided).exclude(handovers__in=handed):
        other.memberships.update(incident=incident)
        waiting = other.remedies.filter(state=Remedy.State.PROPOSED)
        waiting.update(state=Remedy.State.SUPERSEDED)
        other.state = Incident.State.CLOSED
        other.closed_reason = f"It is part of incident #{incident.pk}."
        other.save(update_fields=["state", "closed_reason", "updated_at"])
        _note(other, "incident.absorbed", by=incident.pk)
        _note(incident, "incident.widened", absorbed=other.pk)


def _note(incident: Incident, action: str, **detail: Json) -> None:
    audit(actor=ACTOR, action=action, object=f"incident:{incident.pk}", detail=detail)


def _union(known: Iterable[str], more: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*known, *more]))
