"""The only writers of the two chains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db import connection, transaction
from django.utils import timezone

from apps.protection.chain import GENESIS, link_hash
from apps.protection.models import AuditEntry, Link, Seal

T = TypeVar("T", bound=Link)


@transaction.atomic
def seal(*, kind: str, subject: str, digest: str) -> Seal:
    """Seals the digest of something kept, e.g. kind "batch", subject its id."""
    return _append(Seal, [{"kind": kind, "subject": subject, "digest": digest}])[0]


@transaction.atomic
def seal_many(*, kind: str, digests: Mapping[str, str]) -> None:
    """Seals several things at the price of one. `digests` are by subject, in their order."""
    if digests:
        told = [{"kind": kind, "subject": s, "digest": digest} for s, digest in digests.items()]
        _append(Seal, told)


@transaction.atomic
def audit(*, actor: str, action: str, object: str, detail: Mapping[str, Any] | None = None) -> None:
    """Writes who did what to what. `action` is a dotted verb: "remedy.approved"."""
    content = {"actor": actor, "action": action, "object": object, "detail": dict(detail or {})}
    _append(AuditEntry, [content])


def _append(model: type[T], contents: Sequence[Mapping[str, Any]]) -> list[T]:
    """Adds links. The lock lasts to the end of the transaction: one writer at a time, so that
    no two links can follow the same one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [model._meta.db_table])
    last = model._default_manager.order_by("-id").values_list("hash", flat=True).first()
    previous = last or GENESIS
    now = timezone.now()
    links = []
    for content in contents:
        written = link_hash(previous, {**content, "at": now.isoformat()})
        links.append(model(at=now, previous=previous, hash=written, **content))
        previous = written
    return model._default_manager.bulk_create(links)
