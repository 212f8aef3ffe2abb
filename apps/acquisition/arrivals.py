"""What came, made ready for its commit: told apart by its key, counted, compressed or to be gathered."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import zstandard
from django.conf import settings

from apps.acquisition import documents, journal_export, plain_text, reading
from apps.acquisition.models import Batch, Source

GATHERED = ("lines", *reading.CUT)
"""Protocols whose small bodies may share a batch."""
UNFOLDED = 8
"""Times its bytes that a gathered body may take, once labels that were said once stand in each of
its documents."""

_LINE = re.compile(rb"[^\s][^\n]*")

Name = tuple[int, bytes]
"""What tells deliveries apart: source and key."""

Group = tuple[int, str, str, str]
"""What deliveries of one open batch have in common: source, protocol, file name, host name."""


class KeyReused(ValueError):
    """The sender gave a key to one content that it had given to another."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery: its batch and place there, and whether it had not come before.

    `start` and `size` are bytes, `first` is the `event.sequence` of its first item.
    """

    batch: Batch
    is_new: bool
    start: int = 0
    size: int = 0
    first: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery that is ready to be stored. `content` is compressed unless it is gathered.

    `items` is None where they can only be counted by parsing.
    """

    source: Source
    protocol: str
    content: bytes
    size: int
    file_name: str
    host_name: str
    key: bytes
    digest: bytes
    is_named: bool
    items: int | None
    unfolded: int  # bytes its documents take once they are cut apart
    is_gathered: bool

    @property
    def name(self) -> Name:
        return self.source.pk, self.key

    @property
    def group(self) -> Group:
        return self.source.pk, self.protocol, self.file_name, self.host_name


def arrive(
    *,
    source: Source,
    protocol: str,
    content: bytes,
    file_name: str = "",
    host_name: str = "",
    key: str = "",
    found: documents.Documents | None = None,
    gather: bool = False,
) -> Arrival:
    """What came, made ready for its commit. `found`: the documents in it, where it was cut;
    `gather`: where it is small, it may share a batch. Raises as `receive` does."""
    if protocol == "auto":
        content, protocol = reading.recognise(content, settings.TOCSIN["max_body"])
    if protocol == "lines" and journal_export.is_export(content):
        protocol = "journal"
    if protocol not in reading.PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}")
    if not content and protocol != "file":
        raise reading.Unreadable("The content is empty.")
    if reason := reading.overfull(content, protocol):
        raise reading.Unreadable(reason)
    items = found.items if found else None
    # UTF-16 cannot be joined with other deliveries by a line end
    if protocol == "lines" and not plain_text.wide_encoding(content):
        items = len(_LINE.findall(content))
    unfolded = max(len(content), found.size if found else 0)
    file_name = _short(file_name)
    host_name = _short(host_name) or source.host_name
    digest = hashlib.sha256(content).digest()
    small = len(content) < settings.TOCSIN["gather_below"]
    small = small and unfolded < UNFOLDED * settings.TOCSIN["gather_below"]
    gather = gather and small and items is not None and protocol in GATHERED
    return Arrival(
        source=source,
        protocol=protocol,
        content=content if gather else zstandard.compress(content, 3),
        size=len(content),
        file_name=file_name,
        host_name=host_name,
        key=named_key(key) if key else content_key(protocol, file_name, host_name, digest),
        digest=digest,
        is_named=bool(key),
        items=items,
        unfolded=unfolded,
        is_gathered=gather,
    )


def content_key(protocol: str, file_name: str, host_name: str, digest: bytes) -> bytes:
    """The key of a delivery whose sender gave it none."""
    names = "\0".join((protocol, file_name, host_name)).encode()
    return hashlib.sha256(b"content\0" + names + b"\0" + digest).digest()


def named_key(key: str) -> bytes:
    return hashlib.sha256(b"named\0" + key.encode("utf-8", "surrogatepass")).digest()


def _short(name: str) -> str:
    return name.encode("utf-8", "replace").decode().replace("\0", "")[-255:]
