"""What is asked of assistance."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.analysis.models import Remedy
from apps.assistance.hosts import obstacle
from apps.assistance.models import Attempt, Delivery, Host, Responder
from apps.assistance.previews import digest_of

__all__ = ["attempts", "decided_plans", "deliveries", "hosts", "obstacles", "responders"]


def hosts() -> QuerySet[Host]:
    return Host.objects.order_by("name")


def responders() -> QuerySet[Responder]:
    return Responder.objects.order_by("name")


def obstacles(remedy: Remedy) -> list[str]:
    """Why a remedy cannot be applied from here, a sentence each; empty where it can be tried.

    A host that did not answer the last time is named too: it may answer by now.
    """
    names = sorted({step.host for step in remedy.steps.all() if step.commands})
    known = {host.name: host for host in Host.objects.filter(name__in=names)}
    found = []
    for name in names:
        host = known.get(name)
        if why := obstacle(host, name):
            found.append(why)
        elif host is not None and host.trouble:
            found.append(
                _("%(host)s could not be reached the last time: %(why)s")
                % {"host": name, "why": host.trouble}
            )
    return found


def decided_plans() -> Iterator[tuple[int, str]]:
    """(id, digest of the commands as they are kept today) of every remedy a person approved."""
    states = (
        Remedy.State.APPROVED,
        Remedy.State.APPLYING,
        Remedy.State.APPLIED,
        Remedy.State.UNDOING,
        Remedy.State.UNDONE,
    )
    for remedy in Remedy.objects.filter(state__in=states).order_by("id").iterator(200):
        yield remedy.pk, digest_of(remedy)


def attempts(remedy: Remedy) -> QuerySet[Attempt]:
    """What was tried with a remedy, oldest first, each with its sentence."""
    return Attempt.objects.filter(remedy=remedy)


def deliveries(incident_id: int) -> QuerySet[Delivery]:
    """An incident's packages on their way, newest first."""
    found = Delivery.objects.filter(handover__incident_id=incident_id)
    return found.select_related("responder", "handover")
