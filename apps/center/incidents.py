"""The life of an incident in people's hands: assigned, noted, closed, reopened.

A note is an entry of the audit trail: it cannot be edited afterwards, by anyone.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.analysis.models import Incident, Task
from apps.contracts import Refused
from apps.protection.services import audit


def name_of(incident_id: int) -> str:
    """An incident's name in the audit trail."""
    return f"incident:{incident_id}"


@transaction.atomic
def assign(*, incident_id: int, assignee: str, actor: str) -> None:
    """Gives an incident to someone; an empty assignee gives it back to everyone."""
    Incident.objects.select_for_update().filter(pk=incident_id).update(assignee=assignee)
    audit(
        actor=actor,
        action="incident.assigned",
        object=name_of(incident_id),
        detail={"assignee": assignee},
    )


@transaction.atomic
def note(*, incident_id: int, text: str, actor: str) -> None:
    audit(actor=actor, action="incident.noted", object=name_of(incident_id), detail={"text": text})


@transaction.atomic
def reopen(*, incident_id: int, actor: str) -> None:
    """Raises `Refused` unless the incident is closed."""
    changed = Incident.objects.filter(pk=incident_id, state=Incident.State.CLOSED).update(
        state=Incident.State.OPEN, closed_reason=""
    )
    if not changed:
        raise Refused(_("This incident is not closed."))
    audit(actor=actor, action="incident.reopened", object=name_of(incident_id))


@transaction.atomic
def hold(*, incident_id: int, reason: str, actor: str) -> None:
    """Keeps the records and raw bytes of an incident, whatever the retention says, until the hold
    is lifted. Raises `Refused` where it is held already."""
    changed = Incident.objects.filter(pk=incident_id, held_at=None).update(
        held_at=timezone.now(), held_by=actor, held_reason=reason
    )
    if not changed:
        raise Refused(_("This incident is held already."))
    audit(
        actor=actor,
        action="incident.held",
        object=name_of(incident_id),
        detail={"reason": reason},
    )


@transaction.atomic
def lift_hold(*, incident_id: int, reason: str, actor: str) -> None:
    """Lets the retention have the records of an incident. Raises `Refused` where nothing holds
    them."""
    changed = Incident.objects.filter(pk=incident_id, held_at__isnull=False).update(
        held_at=None, held_by="", held_reason=""
    )
    if not changed:
        raise Refused(_("This incident is not held."))
    audit(
        actor=actor,
        action="incident.hold_lifted",
        object=name_of(incident_id),
        detail={"reason": reason},
    )


@transaction.atomic
def tick(*, task_id: int, done: bool, actor: str) -> Task:
    """Ticks a manual task off, or takes the tick back."""
    task = Task.objects.select_for_update().select_related("remedy").get(pk=task_id)
    task.done_by, task.done_at = (actor, timezone.now()) if done else ("", None)
    task.save(update_fields=["done_by", "done_at"])
    audit(
        actor=actor,
        action="task.done" if done else "task.reopened",
        object=name_of(task.remedy.incident_id),
        detail={"task": task.title},
    )
    return task
