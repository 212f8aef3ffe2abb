"""What is asked of the chains."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from apps.protection.chain import GENESIS, breaks
from apps.protection.models import AuditEntry, Link, Seal

CONTENT: dict[type[Link], tuple[str, ...]] = {
    Seal: ("kind", "subject", "digest"),
    AuditEntry: ("actor", "action", "object", "detail"),
}


def verify() -> list[str]:
    """What is wrong with the chains: one sentence each, none where all links hold."""
    return [
        f"{model._meta.verbose_name} {problem}"
        for model, names in CONTENT.items()
        for problem in breaks(
            (
                link.pk,
                link.previous,
                link.hash,
                {**{name: getattr(link, name) for name in names}, "at": link.at.isoformat()},
            )
            for link in model._default_manager.order_by("id").iterator(2000)
        )
    ]


def heads() -> dict[str, str]:
    """The last hash of each chain. Noted elsewhere, it shows later that nothing was cut off."""
    return {
        model._meta.model_name or "": (
            model._default_manager.order_by("-id").values_list("hash", flat=True).first() or GENESIS
        )
        for model in CONTENT
    }


def sealed_digests(kind: str) -> Iterator[tuple[str, str]]:
    """(subject, digest) of every seal of a kind, newest first: of two for the same subject the
    first one made is the last one met, so that sealing an altered thing again hides nothing."""
    yield from (
        Seal.objects.filter(kind=kind).order_by("-id").values_list("subject", "digest").iterator()
    )


def last_sealed(kind: str, subject: str) -> str:
    """The digest of the newest seal of a subject; empty where it has none."""
    seals = Seal.objects.filter(kind=kind, subject=subject).order_by("-id")
    return seals.values_list("digest", flat=True).first() or ""


def trail(object: str = "") -> QuerySet[AuditEntry]:
    """The audit trail, newest first; of one object where it is named, e.g. "incident:7"."""
    entries = AuditEntry.objects.order_by("-id")
    return entries.filter(object=object) if object else entries


def has_seal(hash: str) -> bool:
    """Whether a link of this hash, noted earlier, is still in one of the chains."""
    return any(model._default_manager.filter(hash=hash).exists() for model in CONTENT)


def counts() -> dict[str, int]:
    return {model._meta.model_name or "": model._default_manager.count() for model in CONTENT}
