"""Who may pass: every page names the capability it needs, and nothing opens without one."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.center.accounts import role_word
from apps.contracts import Refused
from apps.protection.permissions import Capability, may, roles_with

View = Callable[..., HttpResponse]


def insist(user: AbstractBaseUser | AnonymousUser, capability: Capability) -> None:
    """Raises PermissionDenied, naming the roles that would open this door."""
    if not may(user, capability):
        roles = [role_word(role) for role in roles_with(capability)]
        raise PermissionDenied(_("This needs the role %(roles)s.") % {"roles": either(roles)})


def either(names: list[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return _("%(several)s or %(last)s") % {"several": ", ".join(names[:-1]), "last": names[-1]}


def _door(capability: Capability, methods: list[str]) -> Callable[[View], View]:
    def opened(view: View) -> View:
        answering = require_http_methods(methods)(view)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            insist(request.user, capability)
            return answering(request, *args, **kwargs)

        door = never_cache(guarded)
        door.capability = capability  # type: ignore[attr-defined]  # a test walks every door
        return door

    return opened


def page(capability: Capability) -> Callable[[View], View]:
    """A page to be read."""
    return _door(capability, ["GET", "HEAD"])


def form(capability: Capability) -> Callable[[View], View]:
    """A page with a form that posts to itself."""
    return _door(capability, ["GET", "HEAD", "POST"])


def deed(capability: Capability) -> Callable[[View], View]:
    """Something that changes the state: POST only."""
    return _door(capability, ["POST"])


def attempt(request: HttpRequest, act: Callable[[], object], done: str) -> bool:
    """Does something that may be refused, and tells the person either way."""
    try:
        act()
    except Refused as refusal:
        messages.error(request, str(refusal))
        return False
    messages.success(request, done)
    return True


def site(request: HttpRequest) -> str:
    """Where this platform is reached: as the operator says, else as this browser reached it."""
    if os.environ.get("TOCSIN_PUBLIC_URL"):
        return str(settings.TOCSIN["public_url"]).rstrip("/")
    return request.build_absolute_uri("/").rstrip("/")


def actor(request: HttpRequest) -> str:
    return request.user.get_username()


def paged(request: HttpRequest, items: QuerySet[Any] | list[Any], size: int = 50) -> Page[Any]:
    return Paginator(items, size).get_page(request.GET.get("page"))
