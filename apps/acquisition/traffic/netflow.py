"""NetFlow v5, NetFlow v9 and IPFIX: datagrams → records of flows.

Formats: Cisco, "NetFlow Export Datagram Format"; RFC 3954; RFC 7011 and IANA's "IPFIX Information
Elements". Records of one template are cut by numpy all at once; only fields of variable length
are taken one by one.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.acquisition import frames

MOST_TEMPLATES = 4096
"""Templates that are kept of one exporter."""
_MOST_FIELDS = 256
_LONGEST_RECORD = 8192
_MOST_RECORDS = 100_000  # of variable length in one call
_VARIABLE = 0xFFFF
_REVERSE = 29305  # RFC 5103: the same element, of the flow back
_BOOTED = 160  # systemInitTimeMilliseconds
_NTP = (154, 155, 156, 157)
_NTP_EPOCH = 2_208_988_800

Ints = NDArray[np.int64]
Field = tuple[int, int, int]  # enterprise, element, length

_V5 = np.dtype(
    [
        *(("src", ">u4"), ("dst", ">u4"), ("hop", ">u4"), ("in", ">u2"), ("out", ">u2")),
        *(("packets", ">u4"), ("bytes", ">u4"), ("first", ">u4"), ("last", ">u4")),
        *(("sport", ">u2"), ("dport", ">u2"), ("pad", "u1"), ("flags", "u1"), ("proto", "u1")),
        *(("tos", "u1"), ("rest", "V8")),
    ]
)
_V5_NAMES = {
    **{"src": 8, "dst": 12, "in": 10, "out": 14, "packets": 2, "bytes": 1, "first": 22},
    **{"last": 21, "sport": 7, "dport": 11, "flags": 6, "proto": 4, "tos": 5},
}
_TRANSPORT = {
    **{1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 17: "udp", 41: "ipv6", 47: "gre", 50: "esp"},
    **{51: "ah", 58: "ipv6-icmp", 89: "ospf", 103: "pim", 132: "sctp"},
}
_LABELS = {6: "tcp_flags", 10: "input", 14: "output", 5: "tos", 136: "end_reason", 58: "vlan"}
_DIRECTION = {0: "inbound", 1: "outbound"}


@dataclass(frozen=True, slots=True)
class Template:
    """How the records of a data set are laid out; of options, whose records are no flows."""

    fields: tuple[Field, ...]
    options: bool = False

    @property
    def length(self) -> int:
        return sum(length for _, _, length in self.fields if length != _VARIABLE)

    @property
    def variable(self) -> bool:
        return any(length == _VARIABLE for _, _, length in self.fields)


@dataclass(slots=True)
class Exporter:
    """What is known of one exporter between its datagrams: templates by (domain, id), and when a
    domain was booted (milliseconds since 1970), which IPFIX may tell in options.

    Counts what could not be read: `malformed` datagrams or sets, and sets whose template has not
    been seen (`early`).
    """

    templates: dict[tuple[int, int], Template] = field(default_factory=dict)
    booted: dict[int, int] = field(default_factory=dict)
    malformed: int = 0
    early: int = 0

    def learn(self, domain: int, number: int, template: Template) -> None:
        known = (domain, number)
        self.templates.pop(known, None)
        if len(self.templates) >= MOST_TEMPLATES:
            self.templates.pop(next(iter(self.templates)))  # the one not renewed for longest
        self.templates[known] = template


@dataclass(slots=True)
class _Data:
    """Bytes of records of one layout, with the clocks of the datagrams they came in."""

    pieces: list[bytes] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    clocks: list[tuple[int, int, int]] = field(default_factory=list)
    """When sent, the exporter's uptime (of IPFIX: when it was booted; 0 if untold), version; ms."""


def is_netflow(datagram: bytes) -> bool:
    return len(datagram) >= 16 and datagram[:2] in (b"\0\x05", b"\0\x09", b"\0\x0a")


def pack(datagrams: Iterable[bytes]) -> bytes:
    """Datagrams as the content of a batch: each behind its length, two bytes, big-endian."""
    return b"".join(len(datagram).to_bytes(2, "big") + datagram for datagram in datagrams)


def unpack(content: bytes) -> Iterator[bytes]:
    """The datagrams of a batch; one that is cut short comes as it is."""
    at = 0
    while at + 2 <= len(content):
        size = int.from_bytes(content[at : at + 2], "big")
        yield content[at + 2 : at + 2 + size]
        at += 2 + size


def read(datagrams: Iterable[bytes], exporter: Exporter) -> pl.DataFrame:
    """Datagrams of one exporter, in their order → records of flows, as `frames.SCHEMA` has them.

    Never raises. What templates say is kept in `exporter` for the datagrams that come after.
    """
    data: dict[Template | None, _Data] = {}
    for datagram in datagrams:
        try:
            _take(datagram, exporter, data)
        except (struct.error, IndexError, ValueError):
            exporter.malformed += 1
    parts = [frames.empty()]
    for template, gathered in data.items():
        columns = _fixed(template, gathered)
        if columns:
            parts.append(_records(columns))
    return pl.concat(parts)


def _take(datagram: bytes, exporter: Exporter, data: dict[Template | None, _Data]) -> None:
    version = int.from_bytes(datagram[:2], "big")
    if version == 5:
        _, count, uptime, seconds, nanoseconds = struct.unpack_from(">HHIII", datagram)
        body = datagram[24:]
        whole = len(body) // _V5.itemsize
        exporter.malformed += whole < count
        _keep(
            data, None, body, min(count, whole), (seconds * 1000 + nanoseconds // 10**6, uptime, 5)
        )
    elif version == 9:
        _, _, uptime, seconds, _, domain = struct.unpack_from(">HHIIII", datagram)
        _sets(datagram, 20, 9, (seconds * 1000, uptime, 9), domain, exporter, data)
    elif version == 10:
        _, length, seconds, _, domain = struct.unpack_from(">HHIII", datagram)
        exporter.malformed += length > len(datagram)
        _sets(datagram[:length], 16, 10, (seconds * 1000, 0, 10), domain, exporter, data)
    else:
        exporter.malformed += 1


def _sets(
    datagram: bytes,
    at: int,
    version: int,
    clock: tuple[int, int, int],
    domain: int,
    exporter: Exporter,
    data: dict[Template | None, _Data],
) -> None:
    templates, options = (0, 1) if version == 9 else (2, 3)
    while at + 4 <= len(datagram):
        number, length = struct.unpack_from(">HH", datagram, at)
        if length < 4 or at + length > len(datagram):
            exporter.malformed += 1
            return
        body = datagram[at + 4 : at + length]
        at += length
        if number in (templates, options):
            for known, template in _templates(body, version, number == options):
                exporter.learn(domain, known, template)
        elif number >= 256:
            found = exporter.templates.get((domain, number))
            if found is None:
                exporter.early += 1
            elif found.options:
                _note_boot(found, body, domain, exporter)
            elif found.length:
                if version == 10:
                    clock = (clock[0], exporter.booted.get(domain, 0), 10)
                if found.variable:
                    fixed, body = _unrolled(found, body)
                    _keep(data, fixed, body, len(body) // fixed.length, clock)
                else:
                    _keep(data, found, body, len(body) // found.length, clock)


def _note_boot(template: Template, body: bytes, domain: int, exporter: Exporter) -> None:
    at = 0
    for enterprise, element, length in template.fields:
        if length == _VARIABLE:
            return
        if (enterprise, element, length) == (0, _BOOTED, 8) and at + 8 <= len(body):
            exporter.booted.pop(domain, None)
            if len(exporter.booted) < MOST_TEMPLATES:
                exporter.booted[domain] = min(int.from_bytes(body[at : at + 8], "big"), 2**53)
            return
        at += length


def _keep(
    data: dict[Template | None, _Data],
    template: Template | None,
    body: bytes,
    count: int,
    clock: tuple[int, int, int],
) -> None:
    if count:
        size = _V5.itemsize if template is None else template.length
        gathered = data.setdefault(template, _Data())
        gathered.pieces.append(body[: count * size])
        gathered.counts.append(count)
        gathered.clocks.append(clock)


def _templates(body: bytes, version: int, options: bool) -> Iterator[tuple[int, Template]]:
    at = 0
    while at + 4 <= len(body):
        number, count = struct.unpack_from(">HH", body, at)
        at += 4
        if number < 256:
            return  # padding
        if options:
            # v9 tells the bytes of scope and options, IPFIX how many of the fields are scope
            (second,) = struct.unpack_from(">H", body, at)
            at += 2
            count = (count + second) // 4 if version == 9 else count
        if count > _MOST_FIELDS:
            raise ValueError("too many fields")
        fields = []
        for _ in range(count):
            element, length = struct.unpack_from(">HH", body, at)
            at += 4
            enterprise = 0
            if version == 10 and element & 0x8000:
                (enterprise,) = struct.unpack_from(">I", body, at)
                at, element = at + 4, element & 0x7FFF
            fields.append((enterprise, element, length))
        template = Template(tuple(fields), options)
        if template.length <= _LONGEST_RECORD:
            yield number, template


def _unrolled(template: Template, body: bytes) -> tuple[Template, bytes]:
    """Records whose fields vary in length → the same records without these fields."""
    fixed = Template(tuple(f for f in template.fields if f[2] != _VARIABLE))
    records: list[bytes] = []
    at = 0
    while at < len(body) and len(records) < _MOST_RECORDS:
        record = b""
        for _, _, length in template.fields:
            if length != _VARIABLE:
                record += body[at : at + length]
                at += length
            elif at < len(body):
                size = body[at]
                at += 1
                if size == 255:
                    size, at = int.from_bytes(body[at : at + 2], "big"), at + 2
                at += size
        if len(record) < fixed.length or at > len(body):
            break
        records.append(record)
    return fixed, b"".join(records)


def _fixed(template: Template | None, data: _Data) -> dict[Any, Any]:
    """Element → values of all records of a layout; "sent", "uptime" and "version" of each."""
    clocks = np.repeat(np.array(data.clocks, dtype=np.int64), data.counts, axis=0)
    columns: dict[Any, Any] = dict(zip(("sent", "uptime", "version"), clocks.T, strict=True))
    raw = b"".join(data.pieces)
    if template is None:
        rows = np.frombuffer(raw, dtype=_V5)
        return columns | {number: rows[name].astype(np.int64) for name, number in _V5_NAMES.items()}
    table = np.frombuffer(raw, dtype=np.uint8).reshape(-1, template.length)
    at = 0
    for enterprise, element, length in template.fields:
        key = element if not enterprise else ("back", element) if enterprise == _REVERSE else None
        if key is not None and key not in columns and 0 < length <= 16:
            cells = np.ascontiguousarray(table[:, at : at + length])
            columns[key] = cells if length > 8 else _integers(cells, key in _NTP)
        at += length
    return columns


def _integers(cells: NDArray[np.uint8], every_bit: bool) -> Ints:
    """Big-endian numbers of up to eight bytes; what is beyond 63 bits becomes the largest."""
    wide = np.zeros((len(cells), 8), dtype=np.uint8)
    wide[:, 8 - cells.shape[1] :] = cells
    whole = wide.view(">u8").ravel().astype(np.uint64)
    numbers: Ints = (whole if every_bit else np.minimum(whole, np.uint64(2**63 - 1))).view(np.int64)
    return numbers


def _records(columns: dict[Any, Any]) -> pl.DataFrame:
    height = len(columns["sent"])

    def first(*elements: Any) -> pl.Series:
        for element in elements:
            if element in columns and columns[element].ndim == 1:
                return pl.Series(columns[element], dtype=pl.Int64)
        return pl.Series([None], dtype=pl.Int64).new_from_index(0, height)

    start, end = (
        _moments(columns, (22, 150, 152, 154, 156)),
        _moments(columns, (21, 151, 153, 155, 157)),
    )
    sent = pl.Series(columns["sent"]).cast(pl.Datetime("ms", "UTC")).cast(frames.INSTANT)
    when = start.fill_null(end).fill_null(sent)
    sent_bytes, sent_packets = first(1, 85, 231, 23), first(2, 86, 298, 24)
    back_bytes = first(("back", 1), ("back", 85), 232)
    back_packets = first(("back", 2), ("back", 86), 299)
    protocol = first(4)
    ported = protocol.is_in([6, 17, 132, 33, 136])
    labels = pl.DataFrame(
        [first(number).alias(name) for number, name in _LABELS.items() if number in columns]
        + [pl.Series("version", columns["version"])]
    )
    constant = {
        "event.dataset": "netflow.flow",
        "event.category": "network",
        "event.action": "network_flow",
    }
    frame = pl.DataFrame(
        {
            "@timestamp": when,
            "event.duration": (end - start).dt.total_microseconds() * 1000,
            "source.ip": _addresses(columns, 8, 27, height),
            "source.port": first(7).set(~ported, None),
            "source.bytes": sent_bytes,
            "source.packets": sent_packets,
            "destination.ip": _addresses(columns, 12, 28, height),
            "destination.port": first(11).set(~ported, None),
            "destination.bytes": back_bytes,
            "destination.packets": back_packets,
            "network.transport": protocol.replace_strict(
                _TRANSPORT, default=protocol.cast(pl.String), return_dtype=pl.String
            ),
            "network.bytes": sent_bytes + back_bytes.fill_null(0),
            "network.packets": sent_packets + back_packets.fill_null(0),
            "network.direction": first(61).replace_strict(
                _DIRECTION, default=None, return_dtype=pl.String
            ),
            "labels": labels.select(
                pl.struct(pl.all()).struct.json_encode().alias("labels")
            ).to_series(),
        }
    ).with_columns(pl.lit(value).alias(name) for name, value in constant.items())
    return frames.conform(frame)


def _moments(columns: dict[Any, Any], elements: tuple[int, ...]) -> pl.Series:
    """When flows began or ended, by whichever clock the exporter tells; null where by none."""
    uptime, seconds, milliseconds, micro, nano = elements
    height = len(columns["sent"])
    values: Any
    if milliseconds in columns:
        values = columns[milliseconds] * 1000
    elif seconds in columns:
        values = columns[seconds] * 1_000_000
    elif micro in columns or nano in columns:  # NTP: seconds since 1900, and their fractions
        stamp = columns[micro if micro in columns else nano].view(np.uint64)
        whole, part = (stamp >> np.uint64(32)).astype(np.int64), stamp & np.uint64(0xFFFFFFFF)
        values = (whole - _NTP_EPOCH) * 1_000_000 + (
            (part * np.uint64(1_000_000)) >> np.uint64(32)
        ).astype(np.int64)
    elif uptime in columns and _BOOTED in columns:
        values = (columns[_BOOTED] + columns[uptime]) * 1000
    elif uptime in columns and (columns["version"] == 10).all() and columns["uptime"].all():
        values = (columns["uptime"] + columns[uptime]) * 1000
    elif uptime in columns and (columns["version"] < 10).all():
        # the clock of the exporter begins anew every fifty days
        ago = (columns["uptime"] - columns[uptime] + 2**31) % 2**32 - 2**31
        values = (columns["sent"] - ago) * 1000
    else:
        return pl.Series([None], dtype=frames.INSTANT).new_from_index(0, height)
    values = np.where(np.abs(values) < 2**62, values, 0)
    return frames.believable(pl.Series(values, dtype=pl.Int64).cast(frames.INSTANT))


def _addresses(columns: dict[Any, Any], four: int, six: int, height: int) -> pl.Series:
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    wide = columns.get(six)
    narrow = columns.get(four)
    whole = nothing
    if wide is not None and wide.ndim == 2 and wide.shape[1] == 16:
        whole = _texts(wide)
    if narrow is not None and narrow.ndim == 1:
        quads = narrow.astype(">u4").view(np.uint8).reshape(-1, 4)
        told = _texts(quads)
        # an exporter with one template for both leaves the other at zero
        whole = told.zip_with((whole.is_null() | pl.Series(narrow != 0)), whole)
    return whole


def _texts(cells: NDArray[np.uint8]) -> pl.Series:
    """Addresses as text; each distinct one is written once."""
    distinct, which = np.unique(cells, axis=0, return_inverse=True)
    texts = pl.Series([_text(bytes(cell)) for cell in distinct], dtype=pl.String)
    return texts.gather(pl.Series(which.ravel(), dtype=pl.UInt32))


def _text(cell: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(cell) == 4 else socket.AF_INET6, cell)
