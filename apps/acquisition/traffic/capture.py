"""Read packet captures, pcap and pcapng, a bounded part of the file at a time.

Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng (IETF). A capture comes from a stranger:
its lengths are checked against the bytes that are there before anything is read, and a file that
breaks off or stops making sense gives what came before that point.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import numpy as np

from apps.acquisition.traffic.link_layers import LINK_NAMES, LINK_TYPES
from apps.acquisition.traffic.packets import Bytes, Counts, Frames, Ints, gather


class Readable(Protocol):
    """A file opened for reading bytes; a pipe will do."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


Source = bytes | memoryview | str | os.PathLike[str] | Readable
"""A capture: its bytes, the path of its file, or a file opened for reading."""

CHUNK = 16 << 20
"""Bytes of a capture that are looked at together."""
BEHIND = 10 << 20
"""Bytes in front of those that stay in memory: packets put in order may lie so far back."""
LONGEST_FRAME = 262_144
"""Bytes of the longest frame believed, libpcap's own limit."""
MOST_BLOCKS = 32_768
"""Records or blocks looked at together, however short they are."""
MOST_INTERFACES = 4_096
"""Interfaces of one section of a pcapng file; packets of further ones are left out."""

_LONGEST_ANYWHERE = 1 << 24  # where the snap length of a file says more
_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_LEAST = {_OLD_PACKET: 32, _SIMPLE_PACKET: 16, _PACKET: 32, _INTERFACE: 20, _SECTION: 28}
_PACKETS = (_PACKET, _SIMPLE_PACKET, _OLD_PACKET)
_SECTION_MAGIC = b"\x0a\x0d\x0d\x0a"
_BYTE_ORDER = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_TSRESOL, _TSOFFSET = 9, 14
_MOST_OPTIONS = 4_096  # bytes of an interface's description that are read
_LATEST = 2**62  # nanoseconds: the year 2116, and sums of two times do not overflow


class CaptureError(ValueError):
    """The bytes are no capture that can be read; the message is one sentence for the sender."""


def is_capture(head: bytes) -> bool:
    """Whether a file that begins with `head` (four bytes suffice) calls itself a capture."""
    return head[:4] in _PCAP or head[:4] == _SECTION_MAGIC


def read_frames(
    source: Source, counts: Counts | None = None, chunk: int = CHUNK
) -> Iterator[Frames]:
    """The frames of a capture in the order of the file, those of about `chunk` bytes at a time; the
    bytes of some are good until the next are asked for. What is no frame is told in `counts`.

    Raises:
        CaptureError: it is neither pcap nor pcapng, its first record is damaged, or it holds no
            link type that can be decoded.
        OSError: the file cannot be opened or read.
    """
    counts = Counts() if counts is None else counts
    with ExitStack() as stack:
        part: _Part
        if isinstance(source, bytes | memoryview):
            part = _Memory(np.frombuffer(source, np.uint8))
        elif isinstance(source, str | os.PathLike):
            part = _File(stack.enter_context(Path(source).open("rb", buffering=0)))
        else:
            part = _File(source)
        part.move(0, max(chunk, 28))
        scan = _scanner(part.data)
        at, any_frame, any_link = scan.at, False, False
        while True:
            frames, behind = scan.frames(part.data, at - part.base, part.ended)
            frames.base = part.base
            counts.frames += len(frames.start)
            any_frame |= len(frames.start) > 0
            any_link |= bool(np.isin(frames.link, list(LINK_TYPES)).any())
            progress, at = behind + part.base > at, behind + part.base
            frames.end = at
            yield frames
            if scan.broken or (part.ended and not progress):
                break
            part.move(max(at - BEHIND, 0), chunk + (at if progress else part.base + len(part.data)))
        if at == 0 or (scan.broken and at == scan.at):
            raise CaptureError(scan.damaged)
        if scan.broken:
            counts.broken_at = at
        elif at != part.base + len(part.data):
            counts.truncated += 1
        if any_frame and not any_link:
            raise CaptureError(_unsupported(scan.links))


def _unsupported(links: set[int]) -> str:
    links = links - LINK_TYPES
    if not links:
        return "No packet is of an interface that the pcapng file describes."
    named = (f"{n} ({LINK_NAMES[n]})" if n in LINK_NAMES else str(n) for n in sorted(links))
    return f"Link type {', '.join(named)} is not supported."


# ------------------------------------------------------------------------ the part in memory


class _Part(Protocol):
    """The part of a capture that is in memory: `data`, which begins at offset `base`."""

    data: Bytes
    base: int
    ended: bool

    def move(self, keep: int, until: int) -> None:
        """Forget what lies before offset `keep`, and have what lies before `until`."""


class _Memory:
    def __init__(self, whole: Bytes) -> None:
        self.whole, self.base, self.ended = whole, 0, False
        self.data = whole[:0]

    def move(self, keep: int, until: int) -> None:
        size = len(self.whole)
        end = min(max(self.base + len(self.data), until), size)
        self.base = min(keep, size)
        self.data = self.whole[self.base : end]
        self.ended = end == size


class _File:
    """Reads into one buffer, again and again."""

    def __init__(self, file: Readable) -> None:
        self.file, self.base, self.ended = file, 0, False
        self._buffer = np.zeros(0, np.uint8)
        self.data = self._buffer

    def move(self, keep: int, until: int) -> None:
        while keep > self.base + len(self.data) and not self.ended:  # a long block to pass over
            self.base += len(self.data)
            self._fill(0, min(keep - self.base, CHUNK))
        keep = min(keep, self.base + len(self.data))
        kept, self.base = self.data[keep - self.base :], keep
        size = max(until - keep, len(kept))
        if size > len(self._buffer):
            self._buffer = np.concatenate([kept, np.zeros(size - len(kept), np.uint8)])
        else:
            self._buffer[: len(kept)] = kept
        self._fill(len(kept), size)

    def _fill(self, at: int, size: int) -> None:
        """Read up to `size` bytes of the buffer, from `at` on."""
        if size > len(self._buffer):
            self._buffer = np.zeros(size, np.uint8)
        view = self._buffer.data
        while at < size and not self.ended:
            count = self.file.readinto(view[at:size]) or 0
            self.ended = not count
            at += count
        self.data = self._buffer[:at]


class _Scanner(Protocol):
    """Attributes:
    at: where the first record begins.
    broken: the file stopped making sense at the offset returned last.
    damaged: the sentence for a file in which nothing made sense.
    links: the link types met.
    """

    at: int
    broken: bool
    damaged: str
    links: set[int]

    def frames(self, data: Bytes, at: int, ended: bool) -> tuple[Frames, int]:
        """The frames that lie whole in `data` from `at` on, and the offset behind the last (which
        may lie behind `data`, where a block is passed over). `ended`: nothing comes after `data`."""


def _scanner(data: Bytes) -> _Scanner:
    magic = data[:4].tobytes()
    if magic in _PCAP:
        return _Pcap(data, *_PCAP[magic])
    if magic == _SECTION_MAGIC:
        return _Pcapng()
    raise CaptureError(
        "This is neither a pcap nor a pcapng file." if len(data) else "The file is empty."
    )


# ---------------------------------------------------------------------------------------- pcap


class _Pcap:
    damaged = "The first record of the pcap file is damaged."

    def __init__(self, data: Bytes, order: str, tick: int) -> None:
        if len(data) < 24:
            raise CaptureError("The pcap file ends inside its header.")
        snap, link = struct.unpack_from(order + "II", data.data, 16)
        self.order, self.tick, self.at, self.broken = order, tick, 24, False
        self.longest = max(LONGEST_FRAME, min(snap, _LONGEST_ANYWHERE))
        # the upper bits say whether and how long a frame check sequence follows each frame
        self.link = link & 0x03FF_FFFF
        self.links = {self.link}

    def frames(self, data: Bytes, at: int, ended: bool) -> tuple[Frames, int]:
        where, at = self._walk(data, at)
        start = np.array(where, np.int64)
        record = gather(data, [(name, f"{self.order}u4") for name in ("s", "f", "c", "w")], start)
        seconds, fraction, captured, wire = (record[name].astype(np.int64) for name in "sfcw")
        time = np.minimum(seconds * 1_000_000_000 + fraction * self.tick, _LATEST)
        link = np.full(len(start), self.link, np.int64)
        return Frames(data, start + 16, captured, np.maximum(wire, captured), time, link), at

    def _walk(self, data: Bytes, at: int) -> tuple[list[int], int]:
        raw, last, longest = data.data, len(data) - 16, self.longest
        captured_at = struct.Struct(self.order + "8xI").unpack_from
        size, where = len(raw), list[int]()
        keep = where.append
        for _ in range(MOST_BLOCKS):
            if at > last:
                break
            (captured,) = captured_at(raw, at)
            if captured > longest:
                self.broken = True
                break
            behind = at + 16 + captured
            if behind > size:
                break
            keep(at)
            at = behind
        return where, at


# -------------------------------------------------------------------------------------- pcapng


class _Pcapng:
    """Walks the blocks of a pcapng file.

    Attributes:
        order: the byte order of the section.
        interfaces: link type, snap length, if_tsresol and if_tsoffset of those of the section,
            behind those of earlier sections in the same part of the file; `section` is where its
            own begin.
        runs: of packets without a declaration between them the number of the first, whether the
            byte order is big, `section`, and how many interfaces there were.
    """

    damaged = "The section header of the pcapng file is damaged."

    def __init__(self) -> None:
        self.at, self.broken, self.order, self.section = 0, False, "<", 0
        self.links: set[int] = set()
        self.interfaces: list[tuple[int, int, int, int]] = []
        self.runs: list[tuple[int, bool, int, int]] = []

    def frames(self, data: Bytes, at: int, ended: bool) -> tuple[Frames, int]:
        self.interfaces, self.section = self.interfaces[self.section :], 0
        self.runs = []
        self._run(0)
        where, kinds, at = self._walk(data, at, ended)
        return self._packets(data, np.array(where, np.int64), np.array(kinds, np.int64)), at

    def _run(self, first: int) -> None:
        known = len(self.interfaces) - self.section
        self.runs.append((first, self.order == ">", self.section, known))

    def _walk(self, data: Bytes, at: int, ended: bool) -> tuple[list[int], list[int], int]:
        raw, size, least = data.data, len(data), _LEAST
        order, head = self.order, struct.Struct(self.order + "II").unpack_from
        where: list[int] = []
        kinds: list[int] = []
        for _ in range(MOST_BLOCKS):
            if at + 12 > size:
                break
            kind, length = head(raw, at)
            if kind == _SECTION:  # reads alike in either byte order
                order = _BYTE_ORDER.get(bytes(raw[at + 8 : at + 12]), "")
                if not order:
                    self.broken = True
                    break
                head = struct.Struct(order + "II").unpack_from
                kind, length = head(raw, at)
            if length % 4 or length < least.get(kind, 12):
                self.broken = True
                break
            if kind in _PACKETS:
                if length > _LONGEST_ANYWHERE:
                    self.broken = True
                    break
                if at + length > size:
                    break
                where.append(at)
                kinds.append(kind)
            elif kind in (_SECTION, _INTERFACE):
                if at + min(length, _MOST_OPTIONS) > size:
                    break
                if kind == _SECTION:
                    self.order, self.section = order, len(self.interfaces)
                else:
                    self._interface(raw[at + 8 : at + min(length - 4, _MOST_OPTIONS)])
                self._run(len(where))
            at += length
        return where, kinds, at

    def _interface(self, body: memoryview) -> None:
        if len(self.interfaces) - self.section >= MOST_INTERFACES:
            return
        link, _, snap = struct.unpack_from(self.order + "HHI", body)
        resolution, offset, at = 6, 0, 8
        option = struct.Struct(self.order + "HH").unpack_from
        while at + 4 <= len(body):
            code, length = option(body, at)
            value = bytes(body[at + 4 : at + 4 + length])
            if code == _TSRESOL and len(value) == 1:
                resolution = value[0]
            elif code == _TSOFFSET and len(value) == 8:
                (offset,) = struct.unpack(self.order + "q", value)
            at += 4 + (length + 3 & ~3)
        if len(self.links) < 16:
            self.links.add(link)
        self.interfaces.append((link, snap, resolution, offset))

    def _packets(self, data: Bytes, at: Ints, kind: Ints) -> Frames:
        first, big, section, known = np.array(self.runs, np.int64).T
        run = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(at))))
        fields = np.zeros((len(at), 6), np.int64)  # block length, then the five words of a packet
        for order, rows in (
            ("<", np.flatnonzero(big[run] == 0)),
            (">", np.flatnonzero(big[run] == 1)),
        ):
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
        interface = np.where(interface < known[run], interface + section[run], -1)

        unknown = (-1, 0, 6, 0)  # the last row
        link, snap, resolution, offset = np.array([*self.interfaces, unknown], np.int64)[
            interface
        ].T
        captured = np.where(simple, np.where(snap > 0, np.minimum(wire, snap), wire), captured)
        captured = np.clip(captured, 0, length - np.where(simple, 16, 32))
        time = _nanoseconds(high, low, resolution, offset)
        start = at + np.where(simple, 12, 28)
        return Frames(data, start, captured, np.maximum(wire, captured), time, link)


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
