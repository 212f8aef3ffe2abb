"""Who may do what: four roles, each a set of capabilities. Nothing is allowed by default."""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group


class Capability(StrEnum):
    VIEW_INCIDENTS = "view_incidents"
    WORK_INCIDENTS = "work_incidents"  # assign, note, close, tick tasks, propose, hand over
    APPROVE_REMEDIES = "approve_remedies"  # approve, refuse, undo
    HOLD_EVIDENCE = "hold_evidence"  # keep an incident's records for as long as it takes
    MANAGE_SOURCES = "manage_sources"
    MANAGE_HOSTS = "manage_hosts"
    MANAGE_RESPONDERS = "manage_responders"
    MANAGE_ACCOUNTS = "manage_accounts"
    VIEW_AUDIT = "view_audit"
    READ_HANDOVERS = "read_handovers"
    GIVE_ADVICE = "give_advice"


class Role(StrEnum):
    ANALYST = "analyst"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"
    RESPONDER = "responder"


_C = Capability
_ANALYST = frozenset({_C.VIEW_INCIDENTS, _C.WORK_INCIDENTS, _C.READ_HANDOVERS})
_APPROVER = _ANALYST | {_C.APPROVE_REMEDIES, _C.HOLD_EVIDENCE, _C.VIEW_AUDIT}

ROLES: dict[Role, frozenset[Capability]] = {
    Role.ANALYST: _ANALYST,
    Role.APPROVER: _APPROVER,
    Role.ADMINISTRATOR: frozenset(Capability),
    Role.RESPONDER: frozenset({_C.READ_HANDOVERS, _C.GIVE_ADVICE}),
}


def roles_of(user: AbstractBaseUser | AnonymousUser) -> frozenset[Role]:
    """The user's roles; asked of the database once in the life of the object."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    known = user.__dict__.get("_tocsin_roles")
    if known is None:
        names = set(Group.objects.filter(user=user.pk).values_list("name", flat=True))
        known = frozenset(role for role in Role if role in names)
        if getattr(user, "is_superuser", False):
            known |= {Role.ADMINISTRATOR}
        user.__dict__["_tocsin_roles"] = known
    return known


def may(user: AbstractBaseUser | AnonymousUser, capability: Capability) -> bool:
    return any(capability in ROLES[role] for role in roles_of(user))


def roles_with(capability: Capability) -> tuple[Role, ...]:
    """The roles a person could be given to be allowed this: what a refusal page names."""
    return tuple(role for role, granted in ROLES.items() if capability in granted)
