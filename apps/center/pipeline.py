"""The order of an emergency, as two sentences.

`respond` runs by itself, up to the point where a person decides; its baton is the batch.
`carry_out` runs once the plan is approved; its baton is the remedy. Every stage keeps its own
result and claims its work by compare-and-set: a task that is delivered twice does nothing, and
`sweep` starts again what a killed worker left.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from celery import chain
from celery.canvas import Signature
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from apps.acquisition import open_batches, stages
from apps.acquisition.models import Batch
from apps.acquisition.tasks import parse
from apps.analysis import services as analysis
from apps.analysis.models import Handover, Remedy
from apps.analysis.tasks import assess, correlate, match
from apps.assistance import services as assistance
from apps.assistance.tasks import apply_remedy, transmit, undo_remedy, verify
from apps.center.tasks import deliver, plan
from apps.contracts import Refused
from apps.detection.tasks import detect

log = logging.getLogger(__name__)

STALE = timedelta(minutes=2)
"""A batch that nobody has been at for so long has lost its task, or it was never sent."""

ATTEMPTS = 5
"""Times a batch is started again; one that kills every worker must not do so for ever."""


def respond(batch_id: str) -> Signature:
    return chain(parse.s(batch_id), detect.s(), assess.s(), correlate.s(), match.s(), plan.s())


def carry_out(remedy_id: int) -> Signature:
    return chain(apply_remedy.s(remedy_id), verify.s(), transmit.s())


# ── What starts them ─────────────────────────────────────────────────────────────────────


async def start(batch_id: UUID) -> None:
    """Called when a batch is durable. A broker that is away costs time, never the batch."""
    try:
        await asyncio.to_thread(respond(str(batch_id)).delay)
    except Exception:
        log.exception("batch %s waits for the next sweep: the broker cannot be reached", batch_id)


def approve(remedy_id: int, actor: str, digest: str, reason: str = "") -> Remedy:
    """A person says yes to exactly the commands that `digest` stands for.

    The decision is kept even where the broker is away; `sweep` then has it carried out.
    """
    remedy = analysis.decide(
        remedy_id=remedy_id, actor=actor, approve=True, digest=digest, reason=reason
    )
    try:
        carry_out(remedy_id).delay()
    except OperationalError:
        log.exception("remedy %s waits for the next sweep: the broker cannot be reached", remedy_id)
    return remedy


def refuse(remedy_id: int, actor: str, reason: str) -> Remedy:
    return analysis.decide(remedy_id=remedy_id, actor=actor, approve=False, reason=reason)


def propose_again(incident_id: int, actor: str) -> None:
    """Puts a settled plan forward anew; its commands are made from what the host is now.

    Raises `Refused` where there is nothing to propose.
    """
    for remedy_id in analysis.propose_again(incident_id=incident_id, actor=actor):
        assistance.preview(remedy_id)


def undo(remedy_id: int, actor: str) -> None:
    """Has a repair taken back. Raises `Refused` where no worker can be told."""
    try:
        undo_remedy.delay(remedy_id, actor)
    except OperationalError as away:
        raise Refused(
            _("The workers cannot be reached now; nothing was undone. Try again.")
        ) from away


def deliver_again(handover_id: int) -> None:
    """Has a package sent to whom has not got it. Raises `Refused` where no worker can be told."""
    try:
        deliver.delay(handover_id)
    except OperationalError as away:
        raise Refused(_("The workers cannot be reached now. Try again.")) from away


def hand_over(incident_id: int, actor: str, reason: str) -> Handover:
    """Makes an incident's package and has it sent to the responders."""
    package = analysis.hand_over(incident_id=incident_id, reason=reason, actor=actor)
    try:
        deliver.delay(package.pk)
    except OperationalError:  # it is delivered when its time comes
        log.exception("handover %s waits: the broker cannot be reached", package.pk)
    return package


def sweep() -> int:
    """Starts again what stands still: batches before their end, approved remedies not begun.

    Batches that a killed web process left open are closed first; those whose worker was killed at
    them need not wait.
    """
    for batch_id in open_batches.close_overdue():
        respond(str(batch_id)).delay()
    now = timezone.now()
    waiting = Batch.objects.filter(claimed_at=None).exclude(
        state__in=(Batch.State.OPEN, Batch.State.DONE, Batch.State.FAILED)
    )
    # Each time it is given twice as long: behind a long queue a batch is late, not lost.
    due = (Q(attempts=tried, since__lt=now - STALE * 2**tried) for tried in range(ATTEMPTS + 1))
    still = waiting.annotate(since=Coalesce("restarted_at", "received_at")).filter(
        reduce(or_, due, Q(pk__in=stages.free_lost()))
    )
    still.filter(attempts=ATTEMPTS).update(
        state=Batch.State.FAILED,
        error=f"No stage could finish it in {ATTEMPTS} attempts; the worker's log says why.",
    )
    batches = list(still.order_by("received_at").values_list("id", flat=True)[:500])
    Batch.objects.filter(id__in=batches).update(attempts=F("attempts") + 1, restarted_at=now)
    for batch_id in batches:
        respond(str(batch_id)).delay()
    remedies = Remedy.objects.filter(
        state__in=(Remedy.State.APPROVED, Remedy.State.APPLYING), updated_at__lt=now - STALE
    )
    for remedy_id in remedies.values_list("id", flat=True):
        carry_out(remedy_id).delay()
    halfway = Remedy.objects.filter(state=Remedy.State.UNDOING, updated_at__lt=now - STALE)
    for remedy_id in halfway.values_list("id", flat=True):
        undo_remedy.delay(remedy_id, "platform")
    return len(batches)
