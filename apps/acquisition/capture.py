"""Read packet captures, pcap and pcapng, into arrays.

Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng (IETF). A capture comes from a stranger:
its lengths are checked against the bytes that are there before anything is read, and a file that
breaks off or stops making sense gives what came before that point.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from apps.acquisition.packets import LINK_TYPES, Bytes, Frames, Ints, Packets, decode, gather

LONGEST_FRAME = 262_144
"""Bytes of the longest frame believed, libpcap's own limit."""

_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_SECTION_MAGIC = b"\x0a\x0d\x0d\x0a"
_BYTE_ORDER = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_TSRESOL, _TSOFFSET = 9, 14
_LATEST = 2**62  # nanoseconds: the year 2116, and sums of two times do not overflow


class CaptureError(ValueError):
    """The bytes are no capture that can be read; the message is one sentence for the sender."""


def is_capture(head: bytes) -> bool:
    """Whether a file that begins with `head` (four bytes suffice) calls itself a capture."""
    return head[:4] in _PCAP or head[:4] == _SECTION_MAGIC


def read_capture(source: bytes | memoryview | str | os.PathLike[str]) -> Packets:
    """Read a capture, given as its bytes or as the path of a file (which is mapped, not copied).

    Raises:
        CaptureError: it is neither pcap nor pcapng, its first record is damaged, or it holds no
            link type that can be decoded.
        OSError: the file cannot be opened.
    """
    data = _bytes_of(source)
    magic = data[:4].tobytes()
    if magic in _PCAP:
        frames = _read_pcap(data, *_PCAP[magic])
    elif magic == _SECTION_MAGIC:
        frames = _read_pcapng(data)
    else:
        raise CaptureError("This is neither a pcap nor a pcapng file.")
    links = set(np.unique(frames.link).tolist())
    if links and not links & LINK_TYPES:
        named = ", ".join(str(link) for link in sorted(links))
        raise CaptureError(f"Link type {named} is not supported.")
    return decode(frames)


def _bytes_of(source: bytes | memoryview | str | os.PathLike[str]) -> Bytes:
    if isinstance(source, bytes | memoryview):
        return np.frombuffer(source, np.uint8)
    with Path(source).open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise CaptureError("The file is empty.")
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)


# ---------------------------------------------------------------------------------------- pcap


def _read_pcap(data: Bytes, order: str, tick: int) -> Frames:
    if len(data) < 24:
        raise CaptureError("The pcap file ends inside its header.")
    snap, link = struct.unpack_from(order + "II", data.data, 16)
    scan = _PcapScan(data, order, max(LONGEST_FRAME, min(snap, 1 << 24)))
    start = np.fromiter(scan, np.int64)
    if scan.broken_at is not None and not len(start):
        raise CaptureError("The first record of the pcap file is damaged.")
    record = gather(data, [(name, f"{order}u4") for name in ("s", "f", "c", "w")], start)
    seconds, fraction, captured, wire = (record[name].astype(np.int64) for name in "sfcw")
    return Frames(
        data=data,
        start=start + 16,
        captured=captured,
        wire=np.maximum(wire, captured),
        time=np.minimum(seconds * 1_000_000_000 + fraction * tick, _LATEST),
        # the upper bits say whether and how long a frame check sequence follows each frame
        link=np.full(len(start), link & 0x03FF_FFFF, np.int64),
        truncated=scan.truncated,
        broken_at=scan.broken_at,
    )


class _PcapScan:
    """Offsets of the records of a pcap file; what ended the walk is known when it is over."""

    def __init__(self, data: Bytes, order: str, longest: int) -> None:
        self.data, self.order, self.longest = data, order, longest
        self.truncated = 0
        self.broken_at: int | None = None

    def __iter__(self) -> Iterator[int]:
        data, size, longest = self.data.data, len(self.data), self.longest
        captured_at = struct.Struct(self.order + "I").unpack_from
        at = 24
        while at + 16 <= size:
            (captured,) = captured_at(data, at + 8)
            if captured > longest:
                self.broken_at = at
                return
            if at + 16 + captured > size:
                self.truncated = 1
                return
            yield at
            at += 16 + captured
        if at < size:
            self.truncated = 1


# -------------------------------------------------------------------------------------- pcapng


def _read_pcapng(data: Bytes) -> Frames:
    scan = _PcapngScan(data)
    scan.walk()
    if scan.broken_at == 0 or not scan.orders:
        raise CaptureError("The section header of the pcapng file is damaged.")
    block = np.array(scan.blocks, np.int64).reshape(-1, 3)
    at, kind, section = block[:, 0], block[:, 1], block[:, 2]
    fields = np.zeros((len(at), 6), np.int64)  # block length, then the five words of a packet
    for order in ("<", ">"):
        rows = np.flatnonzero(np.array([o == order for o in scan.orders], np.bool_)[section])
        words = gather(data, (f"{order}u4", 3), at[rows])
        fields[rows, 0], fields[rows, 1] = words[:, 1], words[:, 2]
        rows = rows[kind[rows] != _SIMPLE_PACKET]
        fields[rows, 2:] = gather(data, (f"{order}u4", 4), at[rows] + 12)
        rows = rows[kind[rows] == _OLD_PACKET]
        fields[rows, 1] = gather(data, f"{order}u2", at[rows] + 8)
    simple = kind == _SIMPLE_PACKET
    length, interface, high, low, captured, wire = fields.T
    wire = np.where(simple, interface, wire)
    interface = np.where(simple, 0, interface)
    known = interface < np.array(scan.interface_count, np.int64)[section]
    interface = np.where(known, interface + np.array(scan.interface_base, np.int64)[section], -1)

    table = np.array([*scan.interfaces, (-1, 0, 6, 0)], np.int64)  # the last row: unknown interface
    link, snap, resolution, offset = table[interface].T
    captured = np.where(simple, np.where(snap > 0, np.minimum(wire, snap), wire), captured)
    captured = np.minimum(captured, length - np.where(simple, 16, 32))
    return Frames(
        data=data,
        start=at + np.where(simple, 12, 28),
        captured=np.maximum(captured, 0),
        wire=np.maximum(wire, captured),
        time=_nanoseconds(high, low, resolution, offset),
        link=link,
        truncated=scan.truncated,
        broken_at=scan.broken_at,
    )


def _nanoseconds(high: Ints, low: Ints, resolution: Ints, offset: Ints) -> Ints:
    """Timestamps in units of their interface (`if_tsresol`, `if_tsoffset`) → ns since 1970."""
    ticks = high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)
    time = np.zeros(len(ticks), np.int64)
    for code in np.unique(resolution).tolist():
        rows = resolution == code
        exponent, binary = code & 0x7F, bool(code & 0x80)
        if binary or exponent > 9:
            units = 2.0**exponent if binary else 10.0**exponent
            seconds = np.floor(ticks[rows] / units)
            rest = np.maximum(ticks[rows] - seconds * units, 0) / units
            exact = np.minimum(seconds, 4e9).astype(np.int64) * 1_000_000_000
            time[rows] = exact + (rest * 1e9).astype(np.int64)
        else:
            unit = 10 ** (9 - exponent)
            most = np.uint64(_LATEST // unit)
            time[rows] = np.minimum(ticks[rows], most).astype(np.int64) * unit
    seconds_offset = np.clip(offset, -4_000_000_000, 4_000_000_000)
    return np.clip(np.minimum(time, _LATEST) + seconds_offset * 1_000_000_000, 0, _LATEST)


class _PcapngScan:
    """Walk the blocks of a pcapng file: where packets lie, which sections and interfaces there are.

    Attributes:
        blocks: of each packet block its offset, its kind and the number of its section.
        orders, interface_base, interface_count: per section, its byte order, the number of its
            first interface in `interfaces`, and how many it has.
        interfaces: link type, snap length, if_tsresol and if_tsoffset.
    """

    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.blocks: list[tuple[int, int, int]] = []
        self.orders: list[str] = []
        self.interface_base: list[int] = []
        self.interface_count: list[int] = []
        self.interfaces: list[tuple[int, int, int, int]] = []
        self.truncated = 0
        self.broken_at: int | None = None

    def walk(self) -> None:
        data, size, keep = self.data.data, len(self.data), self.blocks.append
        at, section, head = 0, -1, struct.Struct("<II").unpack_from
        least = {_OLD_PACKET: 32, _SIMPLE_PACKET: 16, _PACKET: 32, _INTERFACE: 20, _SECTION: 28}
        while at + 12 <= size:
            if data[at : at + 4] == _SECTION_MAGIC:
                order = _BYTE_ORDER.get(bytes(data[at + 8 : at + 12]))
                if order is None:
                    self.broken_at = at
                    return
                head = struct.Struct(order + "II").unpack_from
                self._begin(order)
                section += 1
            kind, length = head(data, at)
            if length % 4 or length < least.get(kind, 12):
                self.broken_at = at
                return
            if at + length > size:
                self.truncated = 1
                return
            if kind in (_PACKET, _SIMPLE_PACKET, _OLD_PACKET):
                keep((at, kind, section))
            elif kind == _INTERFACE:
                self._interface(data[at + 8 : at + length - 4])
            at += length
        if at < size:
            self.truncated = 1

    def _begin(self, order: str) -> None:
        self.orders.append(order)
        self.interface_base.append(len(self.interfaces))
        self.interface_count.append(0)

    def _interface(self, body: memoryview) -> None:
        order = self.orders[-1]
        link, _, snap = struct.unpack_from(order + "HHI", body)
        resolution, offset, at = 6, 0, 8
        option = struct.Struct(order + "HH").unpack_from
        while at + 4 <= len(body):
            code, length = option(body, at)
            value = bytes(body[at + 4 : at + 4 + length])
            if code == _TSRESOL and len(value) == 1:
                resolution = value[0]
            elif code == _TSOFFSET and len(value) == 8:
                (offset,) = struct.unpack(order + "q", value)
            at += 4 + (length + 3 & ~3)
        self.interfaces.append((link, snap, resolution, offset))
        self.interface_count[-1] += 1
