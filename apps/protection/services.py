"""The only writers of the two chains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import connection, transaction
from django.utils import timezone

from apps.protection.chain import GENESIS, link_hash
from apps.protection.models import AuditEntry, Link, Seal

T = TypeVar("T", bound=Link)


@transaction.atomic
def seal(*, kind: str, subject: str, digest: str) -> Seal:
    """Seals the digest of something kept, e.g. kind "batch", subject its id."""
    return _append(Seal, {"kind": kind, "subject": subject, "digest": digest})


@transaction.atomic
def audit(*, actor: str, action: str, object: str, detail: Mapping[str, Any] | None = None) -> None:
    """Writes who did what to what. `action` is a dotted verb: "remedy.approved"."""
    content = {"actor": actor, "action": action, "object": object, "detail": dict(detail or {})}
    _append(AuditEntry, content)


def _append(model: type[T], content: Mapping[str, Any]) -> T:
    """Adds a link. The lock lasts to the end of the transaction: one writer at a time, so that
    no two links can follow the same one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [model._meta.db_table])
    last = model._default_manager.order_by("-id").values_list("hash", flat=True).first()
    previous = last or GENESIS
    now = timezone.now()
    written = link_hash(previous, {**content, "at": now.isoformat()})
    return model._default_manager.create(at=now, previous=previous, hash=written, **content)
