"""Incidents: the list, and the one page an analyst works on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from apps.acquisition.models import Source
from apps.analysis.models import Incident
from apps.analysis.words import is_address
from apps.center import clues, incidents, pipeline, plans, selectors, verdicts, words
from apps.center.forms import CloseForm, HandOverForm, HoldForm, LiftHoldForm, NoteForm
from apps.center.views.doors import actor, attempt, deed, page, paged
from apps.protection import selectors as protection
from apps.protection.permissions import Capability

FILTERS = ("state", "kind", "level", "text")
UNDO_ASKED = "undo_asked"
"""Where the session keeps when its owner asked for which plan to be taken back: until a worker
says so itself, the page must not look as if nothing had happened."""


@page(Capability.VIEW_INCIDENTS)
def listing(request: HttpRequest) -> HttpResponse:
    asked = {name: request.GET.get(name, "").strip() for name in FILTERS}
    if "state" not in request.GET:
        asked["state"] = "active"
    found = selectors.incidents(**asked)
    return render(
        request,
        "center/incidents.html",
        {
            "page": paged(request, found.order_by("-last", "-id"), 25),
            "asked": asked,
            "states": Incident.State.choices,
            "kinds": [(name, str(word)) for name, word in words.KINDS.items()],
            "levels": [(name, str(word)) for _least, name, word in words.LEVELS],
            "filtered": any(asked[name] for name in FILTERS if name != "state"),
        },
    )


@page(Capability.VIEW_INCIDENTS)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    incident = get_object_or_404(Incident, pk=pk)
    root = clues.tree(incident.clue_tree)
    found = list(selectors.findings_of(incident).defer("records"))
    views = verdicts.verdicts(found)
    weighed = [view for view in views if view.assessment]
    return render(
        request,
        "center/incident.html",
        {
            **_plan(request, incident),
            "incident": incident,
            "sentence": told(incident, [finding.kind for finding in found]),
            "tree": root,
            "lanes": clues.lanes(root),
            "story": clues.story(root),
            "attacker": incident.attacker,
            "findings": found,
            "verdicts": weighed,
            "weighed": verdicts.told(weighed),
            "unweighed": [view for view in views if not view.assessment],
            "matches": incident.matches.all(),
            "handovers": incident.handovers.prefetch_related(
                "deliveries__responder", "shares", "advice"
            ),
            "history": protection.trail(incidents.name_of(pk))[:100],
            "sources": Source.objects.filter(batches__findings__in=found).distinct(),
            "people": _people(),
            "note_form": NoteForm(),
            "close_form": CloseForm(),
            "hand_over_form": HandOverForm(),
            "hold_form": HoldForm(auto_id="hold_%s"),
            "lift_hold_form": LiftHoldForm(auto_id="lift_%s"),
        },
    )


@page(Capability.VIEW_INCIDENTS)
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """The plan alone, for a page that watches it being carried out."""
    incident = get_object_or_404(Incident, pk=pk)
    return render(
        request, "center/incident/plan.html", {"incident": incident, **_plan(request, incident)}
    )


def _plan(request: HttpRequest, incident: Incident) -> dict[str, Any]:
    asked = {
        int(pk): datetime.fromtimestamp(when, UTC)
        for pk, when in request.session.get(UNDO_ASKED, {}).items()
    }
    made = plans.plans(selectors.remedies_of(incident), asked)
    shown = [plan for plan in made if plan.remedy.state != "superseded"]
    return {
        "plans": shown,
        "may_propose": plans.may_propose(incident, shown),
        "is_partial": any(plan.is_partial for plan in made),
        "is_moving": any(plan.is_moving for plan in made),
    }


def told(incident: Incident, kinds: list[str] | None = None) -> str:
    """The incident in one sentence."""
    busiest = [seen["value"] for seen in incident.attacker.get("addresses", ())]
    actors = [who for who in incident.subjects if is_address(who)]  # a file left does not act
    return words.sentence(
        [incident.kind, *(kind for kind in kinds or () if kind != incident.kind)],
        sorted(
            actors,
            key=lambda who: busiest.index(who) if who in busiest else len(busiest),
        ),
        incident.hosts or incident.targets,
        incident.attacker.get("accounts_taken", ()),
    )


def _people() -> QuerySet[User]:
    """Who an incident may be given to: responders see what was handed over, and no incident."""
    return User.objects.filter(is_active=True).exclude(groups__name="responder")


def _back(pk: int, part: str = "") -> HttpResponse:
    response = redirect("incident", pk)
    if part:
        response["Location"] += f"#{part}"
    return response


@deed(Capability.WORK_INCIDENTS)
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Incident, pk=pk)
    name = request.POST.get("assignee", "")
    if name:
        get_object_or_404(_people(), username=name)
    incidents.assign(incident_id=pk, assignee=name, actor=actor(request))
    return _back(pk)


@deed(Capability.WORK_INCIDENTS)
def note(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Incident, pk=pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        incidents.note(incident_id=pk, text=form.cleaned_data["text"], actor=actor(request))
    return _back(pk, "history")


@deed(Capability.WORK_INCIDENTS)
def close(request: HttpRequest, pk: int) -> HttpResponse:
    from apps.analysis import services as analysis

    get_object_or_404(Incident, pk=pk)
    form = CloseForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        attempt(
            request,
            lambda: analysis.close(incident_id=pk, actor=actor(request), reason=reason),
            _("The incident is closed."),
        )
    return _back(pk)


@deed(Capability.WORK_INCIDENTS)
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks for the plan again, after an undo or a refusal."""
    get_object_or_404(Incident, pk=pk)
    attempt(
        request,
        lambda: pipeline.propose_again(pk, actor(request)),
        _("The plan waits for a decision again."),
    )
    return _back(pk, "plan")


@deed(Capability.WORK_INCIDENTS)
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Incident, pk=pk)
    attempt(
        request,
        lambda: incidents.reopen(incident_id=pk, actor=actor(request)),
        _("The incident is open again."),
    )
    return _back(pk)


@deed(Capability.HOLD_EVIDENCE)
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Incident, pk=pk)
    form = HoldForm(request.POST)
    if form.is_valid():
        attempt(
            request,
            lambda: incidents.hold(incident_id=pk, actor=actor(request), **form.cleaned_data),
            _("Its records are kept until the hold is lifted."),
        )
    else:
        messages.error(request, _("A legal hold needs a reason."))
    return _back(pk)


@deed(Capability.HOLD_EVIDENCE)
def lift_hold(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Incident, pk=pk)
    form = LiftHoldForm(request.POST)
    if form.is_valid():
        attempt(
            request,
            lambda: incidents.lift_hold(incident_id=pk, actor=actor(request), **form.cleaned_data),
            _("The hold is lifted: its records go when their time comes."),
        )
    else:
        messages.error(request, _("Lifting a hold needs a reason."))
    return _back(pk)
