"""The only writer, and the reader, of what listening keeps: who may write, which files are
followed and how far, what exporters taught, how the listening processes are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from django.db import close_old_connections, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.acquisition import arrivals
from apps.acquisition.listeners import senders
from apps.acquisition.models import (
    Batch,
    Delivery,
    FlowExporter,
    FollowedFile,
    Listener,
    Listening,
    Source,
)
from apps.contracts import Refused
from apps.protection.services import audit

T = TypeVar("T")

SILENT = timedelta(seconds=20)
"""A process that has not reported for so long is gone."""

_FORGET = timedelta(days=30)
_FOLDER = re.compile(r"^\w[\w .-]{0,99}$")
_MOST = 1000  # networks, names or patterns of one source


# ── Settings of a source ─────────────────────────────────────────────────────────────────


@transaction.atomic
def listen_for(
    *,
    source: Source,
    networks: Sequence[str] = (),
    certificates: Sequence[str] = (),
    files: Sequence[str] = (),
    folder: str = "",
    allowed: Sequence[Path] = (),
    actor: str,
) -> None:
    """Says who may write for a source and which files it follows. `allowed` are the folders files
    may lie in. Raises `Refused` with a sentence where that cannot be meant."""
    if source.archived_at:
        raise Refused(_("The source is in the archive: take it back first."))
    try:
        nets = list(dict.fromkeys(_written(senders.network(text)) for text in networks))
        names = list(dict.fromkeys(senders.certificate_name(text) for text in certificates))
    except ValueError as wrong:
        raise Refused(str(wrong)) from wrong
    for pattern in files:
        _check_pattern(pattern, allowed)
    if folder and (not _FOLDER.match(folder) or folder.endswith(" ")):
        raise Refused(_("A folder's name has letters, digits, spaces, dots and hyphens."))
    if max(map(len, (nets, names, files))) > _MOST:
        raise Refused(_("More than %(most)d entries.") % {"most": _MOST})
    others = Listening.objects.select_for_update().exclude(source=source)
    for taken, field in ((nets, "networks"), (names, "certificates")):
        other = others.filter(**{f"{field}__overlap": taken}).select_related("source").first()
        if other:
            both = next(each for each in taken if each in getattr(other, field))
            raise Refused(
                _("%(what)s belongs to %(source)s already.")
                % {"what": both, "source": other.source.name}
            )
    if folder and others.filter(folder=folder).exists():
        raise Refused(_("Another source has the folder %(folder)s.") % {"folder": folder})
    said: dict[str, Any] = {
        "networks": nets,
        "certificates": names,
        "files": list(dict.fromkeys(files)),
        "folder": folder or None,
    }
    Listening.objects.update_or_create(source=source, defaults=said)
    audit(actor=actor, action="source.listening", object=f"source:{source.pk}", detail=said)


def _written(network: senders.Network) -> str:
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _check_pattern(pattern: str, allowed: Sequence[Path]) -> None:
    path = PurePosixPath(pattern)
    if not path.is_absolute() or ".." in path.parts or "\0" in pattern or len(pattern) > 1000:
        raise Refused(
            _("%(pattern)s is no path: write it whole, from the slash on, without “..”.")
            % {"pattern": pattern}
        )
    if not any(folder in map(Path, path.parents) for folder in allowed):
        raise Refused(
            _("%(pattern)s lies in no folder that TOCSIN_TAIL names.") % {"pattern": pattern}
        )


def all_listening() -> list[Listening]:
    """Of all enabled sources."""
    return list(Listening.objects.filter(source__enabled=True).select_related("source"))


def senders_of(rows: Iterable[Listening]) -> senders.Senders:
    """Who may write, by these settings."""
    return senders.Senders(
        senders.Sender(
            row.source_id,
            row.source.name,
            row.source.host_name,
            tuple(row.networks),
            tuple(row.certificates),
        )
        for row in rows
    )


def count(accepted: Mapping[int, int], dropped: Mapping[int, int]) -> None:
    """Adds to the counters of sources."""
    rows = [
        (accepted.get(source, 0), dropped.get(source, 0), source)
        for source in sorted({*accepted, *dropped})
    ]
    if rows:
        table = connection.ops.quote_name(Listening._meta.db_table)
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE {table} SET accepted = accepted + %s, dropped = dropped + %s "  # noqa: S608 - the name of our own table
                "WHERE source_id = %s",
                rows,
            )


# ── Files that are followed ──────────────────────────────────────────────────────────────


def followed(source_id: int, machine: str) -> list[FollowedFile]:
    """Files of one machine that have not ended, in the order they were found."""
    files = FollowedFile.objects.filter(source_id=source_id, machine=machine, ended=False)
    return list(files.order_by("found_at"))


def ended_file(source_id: int, machine: str, identity: str) -> FollowedFile | None:
    """What is known of a file that was read from and has ended."""
    files = FollowedFile.objects.filter(
        source_id=source_id, machine=machine, identity=identity, ended=True, offset__gt=0
    )
    return files.order_by("-seen_at").first()


def waiting(source_id: int) -> int:
    """Batches of a source that nobody has parsed yet; counted up to a hundred."""
    received = Batch.objects.filter(source_id=source_id, state=Batch.State.RECEIVED)
    return received.order_by()[:100].count()


def came_before(source_id: int, key: str) -> bool:
    """Whether a delivery under this key was stored."""
    named = arrivals.named_key(key)
    return Delivery.objects.filter(source_id=source_id, key=named).exists()


def keep_position(file: FollowedFile) -> None:
    """Keeps what is known of a file, new or not."""
    file.seen_at = timezone.now()
    file.save()


def forget_files() -> None:
    """Forgets files that ended a month ago."""
    FollowedFile.objects.filter(ended=True, seen_at__lt=timezone.now() - _FORGET).delete()


# ── Exporters of flows ───────────────────────────────────────────────────────────────────


def lessons() -> dict[tuple[int, str], bytes]:
    """(source, address:port) → what the exporter taught."""
    rows = FlowExporter.objects.values_list("source_id", "address", "lessons")
    return {(source, address): bytes(taught) for source, address, taught in rows}


def keep_lessons(*, source_id: int, address: str, taught: bytes) -> None:
    FlowExporter.objects.update_or_create(
        source_id=source_id,
        address=address,
        defaults={"lessons": taught, "updated_at": timezone.now()},
    )


# ── The processes ────────────────────────────────────────────────────────────────────────


def report(name: str, said: Mapping[str, Any]) -> None:
    """Keeps how a listening process is."""
    Listener.objects.update_or_create(
        name=name, defaults={"seen_at": timezone.now(), "report": dict(said)}
    )


def retire(name: str) -> None:
    """A listening process ended in order."""
    Listener.objects.filter(name=name).delete()


def listeners() -> Iterable[tuple[Listener, bool]]:
    """The listening processes, and whether each reported lately."""
    since: datetime = timezone.now() - SILENT
    return [(row, row.seen_at >= since) for row in Listener.objects.order_by("name")]


def with_connection(function: Callable[..., T], *words: Any, **named: Any) -> T:
    """Calls a function from a thread that serves no request: stale connections are closed."""
    close_old_connections()
    try:
        return function(*words, **named)
    finally:
        close_old_connections()
