"""The people who use the dashboard: accounts, their one role, their passwords."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.contracts import Refused
from apps.protection.names import checked_name
from apps.protection.permissions import Role
from apps.protection.services import audit


def role_word(role: str) -> str:
    return {
        Role.ANALYST: pgettext("role", "analyst"),
        Role.APPROVER: pgettext("role", "approver"),
        Role.ADMINISTRATOR: pgettext("role", "administrator"),
        Role.RESPONDER: pgettext("role", "responder"),
    }[Role(role)]


def people() -> QuerySet[User]:
    return User.objects.prefetch_related("groups").order_by("-is_active", "username")


@transaction.atomic
def create(*, name: str, role: Role, actor: str) -> tuple[User, str]:
    """A new account and its first password, which nobody keeps. Raises `Refused`."""
    name = checked_name(name, most=150)
    if User.objects.filter(username__iexact=name).exists():
        raise Refused(_("There is an account called %(name)s already.") % {"name": name})
    password = secrets.token_urlsafe(12)
    user = User.objects.create_user(name, password=password)
    user.groups.set([Group.objects.get(name=role.value)])
    audit(actor=actor, action="account.created", object=_name(user), detail={"role": role.value})
    return user, password


@transaction.atomic
def give_role(*, user: User, role: Role, actor: str) -> None:
    """Raises `Refused` where it would leave the platform without an administrator."""
    if role is not Role.ADMINISTRATOR:
        _keep_one(user)
    user.groups.set([Group.objects.get(name=role.value)])
    audit(actor=actor, action="account.role_given", object=_name(user), detail={"role": role.value})


@transaction.atomic
def reset_password(*, user: User, actor: str) -> str:
    """A new password, shown once."""
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    audit(actor=actor, action="account.password_reset", object=_name(user))
    return password


@transaction.atomic
def enable(*, user: User, enabled: bool, actor: str) -> None:
    """Raises `Refused` where it would leave the platform without an administrator."""
    if not enabled:
        _keep_one(user)
    user.is_active = enabled
    user.save(update_fields=["is_active"])
    audit(
        actor=actor,
        action="account.enabled" if enabled else "account.disabled",
        object=_name(user),
    )


def _keep_one(user: User) -> None:
    others = User.objects.select_for_update().filter(
        is_active=True, groups__name=Role.ADMINISTRATOR.value
    )
    if not others.exclude(pk=user.pk).exists():
        raise Refused(_("This is the last administrator: make someone else one first."))


def _name(user: User) -> str:
    return f"account:{user.get_username()}"
