"""The only writers of analysis: the stages of the response, and what people decide."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.acquisition.models import Batch
from apps.acquisition.selectors import frame_of
from apps.acquisition.stages import claimed
from apps.analysis import assess as networks
from apps.analysis.incidents import correlate_batch as correlate
from apps.analysis.incidents import renew
from apps.analysis.models import Assessment, Handover, Incident, Remedy
from apps.analysis.proposals import match_batch as match
from apps.analysis.proposals import propose_again
from apps.analysis.proposals import propose_batch as propose
from apps.analysis.serialise import assessment_json
from apps.analysis.transmission import hand_over
from apps.contracts import Refused
from apps.detection.models import Finding
from apps.detection.selectors import as_contracts
from apps.protection.services import audit, seal

__all__ = [
    "assess",
    "close",
    "correlate",
    "decide",
    "forget_demonstration",
    "hand_over",
    "match",
    "model_folder",
    "propose",
    "propose_again",
    "renew",
]

_AT_WORK = (Remedy.State.APPROVED, Remedy.State.APPLYING, Remedy.State.UNDOING)


def model_folder() -> Path | None:
    """The folder of model files that the operator named; None for the shipped ones."""
    named = settings.TOCSIN["models"]
    return Path(named) if named else None


def assess(batch_id: UUID) -> None:
    """Has the networks weigh the findings of a searched batch, all of them at once."""
    with claimed(batch_id, Batch.State.DETECTED) as claim:
        if claim is None:
            return
        found = list(Finding.objects.filter(batch_id=batch_id).exclude(network=""))
        rows = []
        if found:
            verdicts = networks.assess(frame_of(batch_id), as_contracts(found), model_folder())
            rows = [
                Assessment(finding=finding, **assessment_json(verdict))
                for finding, verdict in zip(found, verdicts, strict=True)
                if verdict is not None
            ]
        with transaction.atomic():
            Assessment.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
            claim.finish(Batch.State.ASSESSED)


@transaction.atomic
def decide(
    *, remedy_id: int, actor: str, approve: bool, reason: str = "", digest: str = ""
) -> Remedy:
    """A person approves or refuses a waiting remedy.

    An approval names the digest of the commands that were shown, and holds for these alone.
    Raises `Refused` where the remedy waits no longer, was made anew, or has nothing to run.
    """
    incident_id = Remedy.objects.values_list("incident_id", flat=True).get(pk=remedy_id)
    incident = Incident.objects.select_for_update().get(pk=incident_id)
    remedy = Remedy.objects.select_for_update().get(pk=remedy_id)
    if remedy.state != Remedy.State.PROPOSED:
        raise Refused(
            _("This plan is no longer waiting for a decision: it is %(state)s.")
            % {"state": remedy.get_state_display()}
        )
    if approve:
        if incident.state == Incident.State.CLOSED:
            raise Refused(_("The incident is closed. Reopen it first."))
        if not remedy.digest:
            raise Refused(
                _("None of the steps can be carried out, so there is nothing to approve.")
            )
        if digest != remedy.digest:
            raise Refused(_("The commands have changed since they were shown. Read them again."))
        seal(kind="remedy", subject=str(remedy.pk), digest=remedy.digest)
    remedy.state = Remedy.State.APPROVED if approve else Remedy.State.REFUSED
    remedy.decided_by, remedy.decided_at = actor, timezone.now()
    remedy.decision_reason = reason
    remedy.save(
        update_fields=["state", "decided_by", "decided_at", "decision_reason", "updated_at"]
    )
    if incident.state == Incident.State.AWAITING_APPROVAL:
        incident.state = Incident.State.REPAIRING if approve else Incident.State.OPEN
        incident.save(update_fields=["state", "updated_at"])
    audit(
        actor=actor,
        action="remedy.approved" if approve else "remedy.refused",
        object=f"incident:{incident.pk}",
        detail={"remedy": remedy.pk, "digest": remedy.digest, "reason": reason},
    )
    return remedy


@transaction.atomic
def close(*, incident_id: int, actor: str, reason: str) -> Incident:
    """Ends an incident; plans that wait are dropped. `Refused` while a repair is at work."""
    incident = Incident.objects.select_for_update().get(pk=incident_id)
    if incident.state == Incident.State.CLOSED:
        return incident
    if incident.remedies.filter(state__in=_AT_WORK).exists():
        raise Refused(_("A repair is at work. Wait until it has ended."))
    waiting = incident.remedies.filter(state=Remedy.State.PROPOSED)
    waiting.update(state=Remedy.State.SUPERSEDED)
    incident.state, incident.closed_reason = Incident.State.CLOSED, reason
    incident.save(update_fields=["state", "closed_reason", "updated_at"])
    audit(
        actor=actor,
        action="incident.closed",
        object=f"incident:{incident.pk}",
        detail={"reason": reason},
    )
    return incident


@transaction.atomic
def forget_demonstration() -> int:
    """Deletes the demonstration's incidents and all made from them; returns how many there were.

    The seals of their packages stay; a seal of each removal says that nothing was lost by chance.
    """
    gone = Incident.objects.filter(is_demonstration=True)
    packages = Handover.objects.filter(incident__in=gone).order_by("id")
    for key, digest in list(packages.values_list("id", "digest")):
        seal(kind="removal", subject=str(key), digest=digest)
    count = gone.count()
    gone.delete()
    Finding.objects.filter(batch__source__is_demonstration=True).delete()
    return count
