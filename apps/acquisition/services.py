"""The only writer of sources, batches and records."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.acquisition import counting, frames, leaving, reading, selectors, storage
from apps.acquisition.arrivals import Receipt as Receipt
from apps.acquisition.models import Batch, Source, WrittenParser
from apps.acquisition.parsers._http import networks
from apps.acquisition.parsing import parsers
from apps.acquisition.receiving import receive as receive
from apps.acquisition.stages import Claim, claimed
from apps.acquisition.written import store
from apps.acquisition.written.checking import load
from apps.acquisition.written.document import Broken
from apps.contracts import Refused
from apps.protection.names import checked_name
from apps.protection.services import audit, seal

MOST_PROXIES = 100

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
    """A new source and its token, which is shown now and kept only as a digest.

    Raises `Refused` for names that cannot be read, and for a name that is another's.
    """
    name = checked_name(name)
    host_name = host_name and checked_name(host_name, most=255)
    token = secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            source = Source.objects.create(
                name=name,
                kind=kind,
                host_name=host_name,
                is_demonstration=is_demonstration,
                token_digest=selectors.digest_of_token(token),
            )
    except IntegrityError as taken:
        raise Refused(_("There is a source of this name already, or in the archive.")) from taken
    audit(actor=actor, action="source.created", object=f"source:{source.pk}", detail={"name": name})
    return source, token


@transaction.atomic
def rotate_token(*, source_id: int, actor: str) -> str:
    """A new token for a source; the one before is void from now on."""
    token = secrets.token_urlsafe(32)
    digest = selectors.digest_of_token(token)
    _working(source_id).update(token_digest=digest)
    audit(actor=actor, action="source.token_rotated", object=f"source:{source_id}")
    return token


@transaction.atomic
def limit_source(
    *,
    source_id: int,
    events_per_s: int | None = None,
    bytes_per_s: int | None = None,
    bytes_per_day: int | None = None,
    actor: str,
) -> None:
    """What a source may send from now on; None is without limit."""
    limits = {
        "events_per_s": events_per_s,
        "bytes_per_s": bytes_per_s,
        "bytes_per_day": bytes_per_day,
    }
    Source.objects.filter(pk=source_id).update(**limits)
    audit(actor=actor, action="source.limited", object=f"source:{source_id}", detail=limits)


@transaction.atomic
def enable_source(*, source_id: int, enabled: bool, actor: str) -> None:
    """Lets a source send, or refuses what it sends from now on."""
    _working(source_id).update(enabled=enabled)
    action = "source.enabled" if enabled else "source.disabled"
    audit(actor=actor, action=action, object=f"source:{source_id}")


def _working(source_id: int) -> QuerySet[Source]:
    """The source. Raises `Refused` where it is in the archive."""
    if not (found := Source.objects.filter(pk=source_id, archived_at=None)):
        raise Refused(_("The source is in the archive: take it back first."))
    return found


@transaction.atomic
def tell_about_logs(
    *, source_id: int, time_zone: str, trusted_proxies: Sequence[str], actor: str
) -> None:
    """What a source's lines do not say themselves: the zone of times without one, and which
    proxies tell the truth about whom they forward. It counts from the next batch that is parsed.

    Raises Refused for a zone that there is not, and for what is no address or network.
    """
    try:
        if time_zone:
            ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refused(f"There is no time zone called {time_zone!r}.") from error
    try:
        proxies = [str(network) for network in networks(tuple(trusted_proxies))]
    except ValueError as error:
        raise Refused(f"No address or network: {error}") from error
    if len(proxies) > MOST_PROXIES:
        raise Refused(f"A source may trust at most {MOST_PROXIES} networks.")
    told = {"time_zone": time_zone, "trusted_proxies": proxies}
    Source.objects.filter(pk=source_id).update(**told)
    audit(actor=actor, action="source.told", object=f"source:{source_id}", detail=told)


# ── Batches ──────────────────────────────────────────────────────────────────────────────


def parse(batch_id: UUID) -> None:
    """Turn a received batch into records; its state becomes parsed, or failed with a reason.

    A batch past that, or in the hands of another worker, is left alone. Doing it again after a
    crash gives the same records once.
    """
    with claimed(batch_id, Batch.State.RECEIVED) as claim:
        if claim is None:
            return
        batch = Batch.objects.select_related("source").get(pk=batch_id)
        try:
            content, sizes = selectors.bodies_of(batch_id)
            read = reading.read(
                content,
                protocol=batch.protocol,
                file_name=batch.file_name,
                host_name=batch.host_name,
                max_line=settings.TOCSIN["max_line"],
                received_at=batch.received_at,
                written=store.current().parsers,
                zone=batch.source.time_zone,
                proxies=batch.source.trusted_proxies,
                sizes=sizes,
            )
        except reading.Unreadable as reason:
            # the content as a whole is the one item that came, and it is rejected
            read = reading.Reading(frames.empty(), 1, [(0, str(reason))], 0)
            _store(claim, read, error=str(reason))
        else:
            # it lives in the sealed batch, and whatever is done to a frame may copy what is in it
            read.frame.drop_in_place("file.content")
            _store(claim, read)


@transaction.atomic
def _store(claim: Claim, read: reading.Reading, error: str = "") -> None:
    batch_id = claim.batch_id
    batch = Batch.objects.select_for_update().get(pk=batch_id)
    kept = storage.store(batch, read.frame)
    batch.first_record, batch.last_record = kept.first, kept.last
    counting.count(batch, read, error)
    claim.finish(Batch.State.FAILED if error else Batch.State.PARSED)
    seal(kind="records", subject=str(batch_id), digest=kept.digest)


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
    gone = leaving.remove(Batch.objects.filter(source__is_demonstration=True))
    Source.objects.filter(is_demonstration=True).delete()
    return gone
