"""The platform itself: knowledge, audit trail, module health, accounts, one's own profile."""

from __future__ import annotations

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django.views.defaults import page_not_found

from apps.center import accounts, health, verification
from apps.center.forms import AccountForm
from apps.center.views.doors import actor, attempt, deed, form, page, paged
from apps.contracts import Refused
from apps.knowledge import services as knowledge
from apps.protection import selectors as protection
from apps.protection.permissions import Capability, Role, roles_of
from apps.protection.services import audit


@page(Capability.VIEW_INCIDENTS)
def records(request: HttpRequest) -> HttpResponse:
    return render(request, "center/knowledge.html", {"records": knowledge.records()})


@page(Capability.VIEW_INCIDENTS)
def record(request: HttpRequest, slug: str) -> HttpResponse:
    found = knowledge.record(slug)
    if found is None:
        raise Http404
    return render(request, "center/knowledge_record.html", {"record": found})


@page(Capability.VIEW_AUDIT)
def trail(request: HttpRequest) -> HttpResponse:
    entries = protection.trail()
    asked = {name: request.GET.get(name, "").strip() for name in ("actor", "object", "action")}
    for name, value in asked.items():
        if value:
            entries = entries.filter(**{f"{name}__icontains": value})
    context = {"page": paged(request, entries, 60), "asked": asked}
    return render(request, "center/audit.html", context)


# ── Health ───────────────────────────────────────────────────────────────────────────────


@page(Capability.VIEW_INCIDENTS)
def status(request: HttpRequest) -> HttpResponse:
    seen = {"modules": health.modules(), "fresh": health.FRESH}
    return render(request, "center/status.html", seen)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such page; programs are told in JSON."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": _("There is nothing here.")}, status=404)
    return page_not_found(request, exception)


@page(Capability.VIEW_INCIDENTS)
def strip(request: HttpRequest) -> HttpResponse:
    return render(request, "center/_health_strip.html", {"modules": health.modules()})


@deed(Capability.VIEW_AUDIT)
def verify(request: HttpRequest) -> HttpResponse:
    """Goes through every seal now, and writes down what came of it."""
    problems = list(verification.problems())
    audit(
        actor=actor(request),
        action="chain.verified",
        object="chain",
        detail={"problems": len(problems), "first": problems[:5]},
    )
    health.forget()
    return render(request, "center/verified.html", {"problems": problems})


@login_not_required
@never_cache
@require_safe
def liveness(request: HttpRequest) -> JsonResponse:
    """For the supervisor and for load balancers: 200 while database and broker answer."""
    answers = {}
    for name, ping in (("database", health.ping_database), ("broker", health.ping_broker)):
        try:
            ping()
            answers[name] = "ok"
        except Exception:  # whatever is wrong, the answer is that it does not answer
            answers[name] = "unreachable"
    well = set(answers.values()) == {"ok"}
    return JsonResponse(
        {"status": "ok" if well else "failing", **answers}, status=200 if well else 503
    )


# ── Accounts ─────────────────────────────────────────────────────────────────────────────


@form(Capability.MANAGE_ACCOUNTS)
def people(request: HttpRequest) -> HttpResponse:
    asked = AccountForm(request.POST or None)
    if request.method == "POST" and asked.is_valid():
        name, role = asked.cleaned_data["name"], Role(asked.cleaned_data["role"])
        try:
            _user, password = accounts.create(name=name, role=role, actor=actor(request))
        except Refused as refusal:
            asked.add_error("name", str(refusal))
        else:
            return _password(request, name, password)
    context = {"form": asked, "people": accounts.people(), "roles": _roles()}
    return render(request, "center/accounts.html", context)


def _roles() -> list[tuple[str, str]]:
    return [(role.value, accounts.role_word(role)) for role in Role]


def _password(request: HttpRequest, name: str, password: str) -> HttpResponse:
    return render(
        request,
        "center/shown_once.html",
        {
            "title": _("The password of %(name)s") % {"name": name},
            "explanation": _("Hand it over in person; it cannot be shown again."),
            "secret": password,
            "back": reverse("accounts"),
        },
    )


@deed(Capability.MANAGE_ACCOUNTS)
def give_role(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    try:
        role = Role(request.POST.get("role", ""))
    except ValueError:
        raise Http404 from None
    attempt(
        request,
        lambda: accounts.give_role(user=user, role=role, actor=actor(request)),
        _("%(name)s has a new role.") % {"name": user.get_username()},
    )
    return redirect("accounts")


@deed(Capability.MANAGE_ACCOUNTS)
def reset(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    password = accounts.reset_password(user=user, actor=actor(request))
    return _password(request, user.get_username(), password)


@deed(Capability.MANAGE_ACCOUNTS)
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    enabled = request.POST.get("enabled") == "1"
    attempt(
        request,
        lambda: accounts.enable(user=user, enabled=enabled, actor=actor(request)),
        _("Saved."),
    )
    return redirect("accounts")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """One's own roles and password: open to whoever is logged in."""
    assert request.user.is_authenticated  # the middleware lets nobody else through
    asked = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and asked.is_valid():
        user = asked.save()
        update_session_auth_hash(request, user)
        audit(actor=actor(request), action="account.password_changed", object=f"account:{user}")
        return redirect(reverse("profile") + "?changed=1")
    roles = [accounts.role_word(role) for role in sorted(roles_of(request.user))]
    context = {"form": asked, "roles": roles, "changed": "changed" in request.GET}
    return render(request, "center/profile.html", context)
