"""Decisions: a plan is approved, refused or undone by a person; manual tasks are ticked off."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.analysis.models import Remedy, Task
from apps.center import incidents, pipeline
from apps.center.forms import RefuseForm
from apps.center.views.doors import actor, attempt, deed
from apps.center.views.incidents import UNDO_ASKED
from apps.protection.permissions import Capability


def _back(remedy: Remedy) -> HttpResponse:
    response = redirect("incident", remedy.incident_id)
    response["Location"] += "#plan"
    return response


@deed(Capability.APPROVE_REMEDIES)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """The digest says which commands were on the page: no others can be approved by it."""
    remedy = get_object_or_404(Remedy, pk=pk)
    if not request.POST.get("read"):
        messages.error(request, _("Say that you have read the commands."))
        return _back(remedy)
    digest = request.POST.get("digest", "")
    attempt(
        request,
        lambda: pipeline.approve(pk, actor(request), digest),
        _("The plan is approved and on its way."),
    )
    return _back(remedy)


@deed(Capability.APPROVE_REMEDIES)
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    remedy = get_object_or_404(Remedy, pk=pk)
    form = RefuseForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        attempt(
            request,
            lambda: pipeline.refuse(pk, actor(request), reason),
            _("The plan is refused."),
        )
    else:
        messages.error(request, _("Say why you refuse the plan."))
    return _back(remedy)


@deed(Capability.APPROVE_REMEDIES)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    remedy = get_object_or_404(Remedy, pk=pk)
    asked = timezone.now().timestamp()
    if attempt(
        request, lambda: pipeline.undo(pk, actor(request)), _("The plan is being taken back.")
    ):
        request.session[UNDO_ASKED] = {str(pk): asked}
    return _back(remedy)


@deed(Capability.WORK_INCIDENTS)
def tick(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Task, pk=pk)
    done = request.POST.get("done") == "1"
    task = incidents.tick(task_id=pk, done=done, actor=actor(request))
    return _back(task.remedy)
