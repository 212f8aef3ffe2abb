"""The only writer of sources, batches and records."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl
import zstandard
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from apps.acquisition import copying, frames, reading, selectors, storage
from apps.acquisition.models import Batch, BatchContent, Source, WrittenParser
from apps.acquisition.parsing import parsers
from apps.acquisition.stages import Claim, claimed
from apps.acquisition.written import store
from apps.acquisition.written.checking import load
from apps.acquisition.written.document import Broken
from apps.protection.services import audit, seal

_SHOWN_REJECTIONS = 50


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a content: its batch, and whether it had not come before."""

    batch: Batch
    is_new: bool


# ── Sources ──────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def create_source(
    *,
    name: str,
    kind: str = Source.Kind.SHIPPER,
    actor: str,
    host_name: str = "",
    is_demonstration: bool = False,
) -> tuple[Source, str]:
    """A new source and its token, which is shown now and kept only as a digest."""
    token = secrets.token_urlsafe(32)
    source = Source.objects.create(
        name=name,
        kind=kind,
        host_name=host_name,
        is_demonstration=is_demonstration,
        token_digest=selectors.digest_of_token(token),
    )
    audit(actor=actor, action="source.created", object=f"source:{source.pk}", detail={"name": name})
    return source, token


@transaction.atomic
def rotate_token(*, source_id: int, actor: str) -> str:
    """A new token for a source; the one before is void from now on."""
    token = secrets.token_urlsafe(32)
    digest = selectors.digest_of_token(token)
    Source.objects.filter(pk=source_id).update(token_digest=digest)
    audit(actor=actor, action="source.token_rotated", object=f"source:{source_id}")
    return token


@transaction.atomic
def enable_source(*, source_id: int, enabled: bool, actor: str) -> None:
    """Lets a source send, or refuses what it sends from now on."""
    Source.objects.filter(pk=source_id).update(enabled=enabled)
    action = "source.enabled" if enabled else "source.disabled"
    audit(actor=actor, action=action, object=f"source:{source_id}")


# ── Batches ──────────────────────────────────────────────────────────────────────────────


def receive(
    *,
    source: Source,
    protocol: str,
    content: bytes,
    file_name: str = "",
    host_name: str = "",
) -> Receipt:
    """Store and seal what a source sent. When this returns, it is durable.

    The same content from the same source adds nothing: the receipt names the batch it became.
    `protocol` is one of `reading.PROTOCOLS`, or "auto" to find out. Raises ValueError (or its
    child `reading.Unreadable`) for an unknown protocol or empty content.
    """
    if protocol == "auto":
        content, protocol = reading.recognise(content)
    if protocol not in reading.PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}")
    if not content and protocol != "file":
        raise reading.Unreadable("The content is empty.")
    if reason := reading.overfull(content, protocol):
        raise reading.Unreadable(reason)
    key = {
        "source": source,
        "protocol": protocol,
        "digest": hashlib.sha256(content).hexdigest(),
        "file_name": _short(file_name),
        "host_name": _short(host_name) or source.host_name,
    }
    packed = zstandard.compress(content, 3)
    with transaction.atomic():
        if known := Batch.objects.select_for_update().filter(**key).first():
            return _repeated(known)
        try:
            with transaction.atomic():
                batch = Batch.objects.create(**key, size=len(content), received_at=timezone.now())
        except IntegrityError:  # it came twice at once, and the other one was first
            return _repeated(Batch.objects.select_for_update().get(**key))
        copying.put_bytes(BatchContent._meta.db_table, batch.pk, packed)
        Source.objects.filter(pk=source.pk).update(last_seen_at=batch.received_at)
        seal(kind="batch", subject=str(batch.pk), digest=batch.digest)
    return Receipt(batch, is_new=True)


def _short(name: str) -> str:
    return name.replace("\0", "")[-255:]


def _repeated(batch: Batch) -> Receipt:
    """Counts a content that came again. A batch not parsed yet has no items to count: `parse`
    catches up from `repeats`."""
    batch.repeats += 1
    batch.save(update_fields=["repeats"])
    Source.objects.filter(pk=batch.source_id).update(
        last_seen_at=timezone.now(), doubled=F("doubled") + batch.items
    )
    return Receipt(batch, is_new=False)


def parse(batch_id: UUID) -> None:
    """Turn a received batch into records; its state becomes parsed, or failed with a reason.

    A batch past that, or in the hands of another worker, is left alone. Doing it again after a
    crash gives the same records once.
    """
    with claimed(batch_id, Batch.State.RECEIVED) as claim:
        if claim is None:
            return
        batch = Batch.objects.get(pk=batch_id)
        try:
            read = reading.read(
                selectors.content_of(batch_id),
                protocol=batch.protocol,
                file_name=batch.file_name,
                host_name=batch.host_name,
                max_line=settings.TOCSIN["max_line"],
                received_at=batch.received_at,
                written=store.current().parsers,
            )
        except reading.Unreadable as reason:
            # the content as a whole is the one item that came, and it is rejected
            read = reading.Reading(frames.empty(), 1, [(0, str(reason))], 0)
            _store(claim, read, error=str(reason))
        else:
            _store(claim, read)


@transaction.atomic
def _store(claim: Claim, read: reading.Reading, error: str = "") -> None:
    batch_id = claim.batch_id
    batch = Batch.objects.select_for_update().get(pk=batch_id)
    kept = storage.store(batch, read.frame)
    before = {name: getattr(batch, name) for name in ("items", "stored", "rejected", "unparsed")}
    batch.first_record, batch.last_record = kept.first, kept.last
    batch.items = read.items
    batch.stored = read.frame.height
    batch.rejected = len(read.rejected)
    batch.unparsed = read.unparsed
    batch.first_at, batch.last_at = _span(read.frame["@timestamp"])
    batch.summary = _summary(read)
    batch.error = error
    batch.save()
    claim.finish(Batch.State.FAILED if error else Batch.State.PARSED)
    # differences, so that parsing a batch anew corrects what was counted
    Source.objects.filter(pk=batch.source_id).update(
        received=F("received") + batch.items - before["items"],
        stored=F("stored") + batch.stored - before["stored"],
        rejected=F("rejected") + batch.rejected - before["rejected"],
        unparsed=F("unparsed") + batch.unparsed - before["unparsed"],
        doubled=F("doubled") + batch.repeats * (batch.items - before["items"]),
    )
    seal(kind="records", subject=str(batch_id), digest=kept.digest)


def _span(times: pl.Series) -> tuple[datetime | None, datetime | None]:
    first, last = times.min(), times.max()
    if isinstance(first, datetime) and isinstance(last, datetime):
        return first, last
    return None, None


def _summary(read: reading.Reading) -> dict[str, Any]:
    counts = read.frame["event.dataset"].value_counts(sort=True)
    return {
        "datasets": dict(counts.iter_rows()),
        "rejections": [
            {"sequence": sequence, "reason": reason}
            for sequence, reason in read.rejected[:_SHOWN_REJECTIONS]
        ],
        "notes": list(read.notes),
        "parsers": [
            {"name": choice.parser, "sniff": round(choice.sniff, 3), "lines": choice.lines}
            for choice in read.choices
        ],
    }


# ── Parsers that users write ─────────────────────────────────────────────────────────────


def save_parser(*, text: str, actor: str, replaces: str = "") -> WrittenParser:
    """Keep a parser; from the next batch on it reads. `replaces` is the name it had before.

    Raises `Broken`, one line that names the place, where it does not keep what its examples promise
    or carries the name of another parser.
    """
    parser = load(text, "the parser")
    others = {*parsers(), *(each.name for each in store.of_home().parsers)}
    kept = WrittenParser.objects.exclude(name=replaces).values_list("name", flat=True)
    if parser.name in others or parser.name in kept:
        raise Broken(f"the parser: name: there is a parser called {parser.name} already")
    with transaction.atomic():
        known = WrittenParser.objects.select_for_update().filter(name=replaces).first()
        saved = known or WrittenParser()
        saved.name, saved.text, saved.changed_by = parser.name, text, actor
        try:
            with transaction.atomic():
                saved.save()
        except IntegrityError as error:
            raise Broken(
                f"the parser: name: there is a parser called {parser.name} already"
            ) from error
        audit(actor=actor, action="parser.saved", object=f"parser:{parser.name}",
              detail={"sha256": hashlib.sha256(text.encode()).hexdigest()})  # fmt: skip
    return saved


@transaction.atomic
def remove_parser(*, name: str, actor: str) -> None:
    """Forget a parser; what it read stays as it was read."""
    if WrittenParser.objects.filter(name=name).delete()[0]:
        audit(actor=actor, action="parser.removed", object=f"parser:{name}")


# ── The demonstration ────────────────────────────────────────────────────────────────────


@transaction.atomic
def forget_demonstration() -> int:
    """Delete what demonstration sources brought, and them; returns how many batches there were.

    The seals stay, as all seals do; a seal of each removal says that nothing was lost by chance.
    What other modules derived from these batches must be gone before.
    """
    batches = Batch.objects.filter(source__is_demonstration=True)
    gone = list(batches.values_list("pk", "digest"))
    for batch in batches.iterator():
        storage.forget(batch)
    BatchContent.objects.filter(batch__in=batches)._raw_delete(using="default")
    batches.delete()
    Source.objects.filter(is_demonstration=True).delete()
    for batch_id, digest in gone:
        seal(kind="removal", subject=str(batch_id), digest=digest)
    return len(gone)
