"""Sources that are given up: put into the archive, taken back, deleted with what they brought.

In the archive a source has left the lists and nobody can write for it; what it brought stays, is
found, and goes by retention. Deleting is for what no incident stands on, and leaves the seals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.acquisition import storage
from apps.acquisition.models import (
    Batch,
    BatchContent,
    Delivery,
    Listening,
    Piece,
    Source,
)
from apps.contracts import Refused
from apps.protection.services import audit, seal_many

MOST_RECORDS, MOST_BATCHES = 200_000, 20_000
"""What is deleted while somebody waits for it; more goes by retention."""

Evidence = Callable[[int], int]
"""How many batches of a source incidents stand on, which this module knows nothing of: it is asked
in the transaction of the deletion."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a source: its batches, and the records that are not removed yet."""

    batches: int
    records: int


def kept_of(source_id: int) -> Kept:
    found = Batch.objects.filter(source=source_id).aggregate(
        batches=Count("pk"), records=Sum("stored", filter=Q(removed_at=None), default=0)
    )
    return Kept(found["batches"], found["records"])


@transaction.atomic
def archive_source(*, source_id: int, actor: str) -> None:
    """Takes a source out of the lists and away from its senders: its token is void at once, and so
    is who may write for it without one. Raises `Refused` with a sentence."""
    source = _locked(source_id)
    if source.archived_at:
        return  # since when it is there does not change
    if source.is_demonstration:
        raise Refused(_("A source of the demonstration goes away with it."))
    if source.kind == Source.Kind.UPLOAD:
        raise Refused(_("Files that are brought by hand belong to this source: it stays."))
    _not_fed(source)
    Listening.objects.filter(source=source).delete()
    Source.objects.filter(pk=source_id).update(
        enabled=False, token_digest=None, archived_at=timezone.now()
    )
    _noted(actor, "source.archived", source)


@transaction.atomic
def restore_source(*, source_id: int, actor: str) -> None:
    """Brings a source back from the archive: disabled, and without a token. Raises `Refused`."""
    source = _locked(source_id)
    if Source.objects.filter(pk=source_id).exclude(archived_at=None).update(archived_at=None):
        _noted(actor, "source.restored", source)


@transaction.atomic
def delete_source(*, source_id: int, name: str, actor: str, evidence: Evidence) -> Kept:
    """Deletes a source of the archive with all it brought; a seal of each removal says that nothing
    was lost by chance. `name` is what the person typed. Raises `Refused` with a sentence."""
    source = _locked(source_id)
    if source.archived_at is None:
        raise Refused(_("Put the source into the archive first."))
    if name != source.name:
        raise Refused(_("The name that was typed is not that of the source: nothing was deleted."))
    _not_fed(source)
    batches = Batch.objects.filter(source=source)
    if batches.exclude(state__in=(Batch.State.DONE, Batch.State.FAILED)).exists():
        raise Refused(_("Some of its batches are still on their way. Wait until they are through."))
    if needed := evidence(source_id):
        raise Refused(
            _(
                "Incidents stand on %(n)d of its batches: it stays in the archive, and its records"
                " go by retention."
            )
            % {"n": needed}
        )
    kept = kept_of(source_id)
    if kept.records > MOST_RECORDS or kept.batches > MOST_BATCHES:
        raise Refused(
            _(
                "It has more than can be deleted at once: %(b)d batches, %(r)d records. They go by retention."
            )
            % {"b": kept.batches, "r": kept.records}
        )
    remove(batches)
    _noted(actor, "source.deleted", source, batches=kept.batches, records=kept.records)
    source.delete()
    return kept


def remove(batches: QuerySet[Batch]) -> int:
    """Deletes batches with all that is kept of them, and seals that; returns how many. What other
    modules derived from them goes too, but for incidents, which must not stand on them."""
    sealed = batches.filter(removed_at=None).exclude(state=Batch.State.OPEN)
    gone = dict(sealed.order_by("received_at", "pk").values_list("pk", "digest"))
    count = batches.count()
    storage.forget_all(batches.filter(removed_at=None))
    for model in (BatchContent, Piece, Delivery):
        model._default_manager.filter(batch__in=batches)._raw_delete(using="default")
    batches.delete()
    seal_many(kind="removal", digests={str(key): digest for key, digest in gone.items()})
    return count


def _locked(source_id: int) -> Source:
    """The source, ours until the transaction ends. Raises `Refused` where somebody deleted it."""
    source = Source.objects.select_for_update().filter(pk=source_id).first()
    if source is None:
        raise Refused(_("The source is deleted."))
    return source


def _not_fed(source: Source) -> None:
    if watch := source.watches.values_list("name", flat=True).first():
        raise Refused(_("The watch “%(name)s” feeds it: delete that first.") % {"name": watch})


def _noted(actor: str, action: str, source: Source, **detail: int) -> None:
    audit(
        actor=actor,
        action=action,
        object=f"source:{source.pk}",
        detail={"name": source.name, **detail},
    )
