"""Handovers: what went to remote responders, how, and what they wrote back."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.analysis.models import Handover, Incident
from apps.assistance import services as assistance
from apps.assistance.models import Responder, Share
from apps.center import clues, pipeline
from apps.center.forms import AdviceForm, HandOverForm, ResponderForm, ShareForm
from apps.center.views.doors import actor, attempt, deed, form, page, paged, site
from apps.protection.models import Seal
from apps.protection.permissions import Capability
from apps.protection.services import audit


@page(Capability.READ_HANDOVERS)
def listing(request: HttpRequest) -> HttpResponse:
    found = Handover.objects.select_related("incident").defer("package").order_by("-id")
    return render(request, "center/handovers.html", {"page": paged(request, found, 30)})


@page(Capability.READ_HANDOVERS)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    handover = get_object_or_404(Handover.objects.select_related("incident"), pk=pk)
    return render(
        request,
        "center/handover.html",
        {
            **_package(handover),
            "deliveries": handover.deliveries.select_related("responder"),
            "shares": handover.shares.order_by("-id"),
            "responders": Responder.objects.filter(enabled=True),
            "share_form": ShareForm(),
            "advice_form": AdviceForm(initial={"author": actor(request)}),
        },
    )


def _package(handover: Handover) -> dict[str, Any]:
    """The package made ready to be read, by us and by strangers alike."""
    package = json.loads(bytes(handover.package))
    return {
        "handover": handover,
        "package": package,
        "prediction": sorted(
            package.get("prediction", ()), key=lambda said: not said.get("network")
        ),
        "tree": clues.tree(package.get("clue_tree") or {}),
        "attacker": package.get("attacker") or {},
        "evidence": package.get("evidence", {}).get("records", [])[:100],
        "evidence_total": package.get("evidence", {}).get("record_count", 0),
        "advice": handover.advice.all(),
        "seal": Seal.objects.filter(kind="handover", digest=handover.digest).first(),
    }


def _download(handover: Handover) -> HttpResponse:
    response = HttpResponse(bytes(handover.package), content_type="application/json")
    name = f"tocsin-handover-{handover.pk}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@page(Capability.READ_HANDOVERS)
def download(request: HttpRequest, pk: int) -> HttpResponse:
    handover = get_object_or_404(Handover, pk=pk)
    audit(actor=actor(request), action="handover.downloaded", object=f"handover:{pk}")
    return _download(handover)


@deed(Capability.GIVE_ADVICE)
def advise(request: HttpRequest, pk: int) -> HttpResponse:
    handover = get_object_or_404(Handover, pk=pk)
    asked = AdviceForm({"author": actor(request), "text": request.POST.get("text", "")})
    if asked.is_valid():
        assistance.add_advice(
            handover_id=handover.pk, author=actor(request), text=asked.cleaned_data["text"]
        )
        messages.success(request, _("Thank you: your advice is with the analysts."))
    return redirect("handover", pk)


def _reached() -> bool:
    """Whether a package goes to anybody by itself."""
    return Responder.objects.filter(enabled=True).exclude(webhook_url="").exists()


def _nobody() -> str:
    if Responder.objects.filter(enabled=True).exists():
        return _("No responder has a webhook: make a link and send it to them.")
    return _("No responder is registered: make a link, or add one.")


@deed(Capability.WORK_INCIDENTS)
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Incident, pk=pk)
    asked = HandOverForm(request.POST)
    if asked.is_valid():
        reason = asked.cleaned_data["reason"]
        attempt(
            request,
            lambda: pipeline.hand_over(pk, actor(request), reason),
            _("The package is made and on its way to the responders.")
            if _reached()
            else _("The package is made. %(why)s") % {"why": _nobody()},
        )
    response = redirect("incident", pk)
    response["Location"] += "#handover"
    return response


@deed(Capability.WORK_INCIDENTS)
def deliver(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Handover, pk=pk)
    if _reached():
        attempt(
            request,
            lambda: pipeline.deliver_again(pk),
            _("The package is on its way to the responders."),
        )
    else:
        messages.error(request, _nobody())
    return redirect("handover", pk)


@deed(Capability.WORK_INCIDENTS)
def share(request: HttpRequest, pk: int) -> HttpResponse:
    """An expiring link, shown once."""
    handover = get_object_or_404(Handover, pk=pk)
    asked = ShareForm(request.POST)
    if not asked.is_valid():
        return redirect("handover", pk)
    token = assistance.create_share(
        handover_id=handover.pk, actor=actor(request), hours=int(asked.cleaned_data["hours"])
    )
    return render(
        request,
        "center/shown_once.html",
        {
            "title": _("A link to package %(pk)d") % {"pk": pk},
            "explanation": _(
                "Send it to the responder. Whoever has it can read the package until it expires; "
                "it is not kept, and cannot be shown again."
            ),
            "secret": site(request) + reverse("shared", args=[token]),
            "back": reverse("handover", args=[pk]),
        },
    )


@deed(Capability.WORK_INCIDENTS)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    share = get_object_or_404(Share, pk=pk)
    attempt(
        request,
        lambda: assistance.revoke_share(share_id=pk, actor=actor(request)),
        _("The link opens nothing any more."),
    )
    return redirect("handover", share.handover_id)


# ── For strangers with a link ────────────────────────────────────────────────────────────


def _shared(token: str) -> Share:
    """The share a link opens; 404 alike for one that never was, expired or was revoked."""
    share = assistance.open_share(token)
    if share is None:
        raise Http404
    return share


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The package as a page, and a form to write back."""
    share = _shared(token)
    asked = AdviceForm(request.POST or None)
    if request.method == "POST" and asked.is_valid():
        given = asked.cleaned_data
        # Who holds the link may call themselves anything: the trail names the link.
        assistance.add_advice(
            handover_id=share.handover_id,
            author=_("%(name)s, by link") % {"name": given["author"]},
            text=given["text"],
            actor="link",
        )
        messages.success(request, _("Thank you: your advice is with the analysts."))
        return redirect("shared", token)
    return render(
        request,
        "center/shared.html",
        {**_package(share.handover), "share": share, "token": token, "advice_form": asked},
    )


@login_not_required
@never_cache
@require_safe
def shared_download(request: HttpRequest, token: str) -> HttpResponse:
    return _download(_shared(token).handover)


# ── Responders ───────────────────────────────────────────────────────────────────────────


@form(Capability.MANAGE_RESPONDERS)
def responders(request: HttpRequest) -> HttpResponse:
    asked = ResponderForm(request.POST or None)
    if request.method == "POST" and asked.is_valid():
        made: list[tuple[Responder, str]] = []

        def register() -> None:
            made.append(assistance.register_responder(actor=actor(request), **asked.cleaned_data))

        if attempt(request, register, _("The responder is registered.")):
            _responder, secret = made[0]
            return render(
                request,
                "center/shown_once.html",
                {
                    "title": _("The secret of %(name)s") % {"name": asked.cleaned_data["name"]},
                    "explanation": _(
                        "Every package is signed with it (HMAC-SHA256). Give it to the responder "
                        "over another channel; it cannot be shown again."
                    ),
                    "secret": secret,
                    "back": reverse("responders"),
                },
            )
    return render(
        request,
        "center/responders.html",
        {"form": asked, "responders": Responder.objects.prefetch_related("deliveries")},
    )


@deed(Capability.MANAGE_RESPONDERS)
def enable_responder(request: HttpRequest, pk: int) -> HttpResponse:
    responder = get_object_or_404(Responder, pk=pk)
    enabled = request.POST.get("enabled") == "1"
    attempt(
        request,
        lambda: assistance.enable_responder(
            name=responder.name, enabled=enabled, actor=actor(request)
        ),
        _("Saved."),
    )
    return redirect("responders")
