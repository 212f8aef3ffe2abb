"""TCP streams: the payload of captured segments put back in order, one direction at a time.

What was lost, or cut by a snap length, splits a stream into pieces; nothing is made up for it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from apps.acquisition.flow_split import SYN
from apps.acquisition.packets import Ints, Packets

MOST_BYTES = 16 << 20
"""Bytes put together of one direction of one connection; what follows is left out."""

_HALF = 1 << 31


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of a stream.

    Attributes:
        data: the bytes.
        starts, times: where each segment's new bytes begin in `data`, ascending, and when they
            were captured, in nanoseconds since 1970.
    """

    data: bytes
    starts: list[int]
    times: list[int]

    def time_at(self, offset: int) -> int:
        """When the byte at `offset` was captured."""
        return self.times[bisect_right(self.starts, offset) - 1]

    def next_start(self, offset: int) -> int:
        """Where the first segment behind `offset` begins, the length of the piece if none does."""
        following = bisect_right(self.starts, offset)
        return self.starts[following] if following < len(self.starts) else len(self.data)


def reassemble(packets: Packets, rows: Ints) -> list[Piece]:
    """Put together the segments at `rows`, which are those of one direction in order of time.

    Of bytes sent twice the first that was captured stands. A SYN with a new sequence number begins
    a new stream.
    """
    raw = packets.data.data
    pieces: list[Piece] = []
    for segments in _streams(packets, rows):
        data, starts, times = bytearray(), list[int](), list[int]()
        position = total = 0
        for offset, at, captured, time in segments:
            if offset > position or not starts:
                if data:
                    pieces.append(Piece(bytes(data), starts, times))
                data, starts, times = bytearray(), [], []
                position = offset
            known = position - offset
            if known < captured and total < MOST_BYTES:
                starts.append(len(data))
                times.append(time)
                data += raw[at + known : at + captured]
                total += captured - known
                position = offset + captured
        if data:
            pieces.append(Piece(bytes(data), starts, times))
    return pieces


def _streams(packets: Packets, rows: Ints) -> list[list[tuple[int, int, int, int]]]:
    """Per stream its segments by place: offset from the first, where in the capture, how much of it
    is there, and when."""
    opens = packets.tcp_flags[rows] & SYN > 0
    columns = zip(
        *(packets.tcp_sequence[rows].tolist(), opens.tolist()),
        packets.payload_start[rows].tolist(),
        packets.payload_captured[rows].tolist(),
        packets.time[rows].tolist(),
        strict=True,
    )
    streams: list[list[tuple[int, int, int, int]]] = []
    base: int | None = None
    for sequence, opening, at, captured, time in columns:
        first = (sequence + 1) & 0xFFFF_FFFF if opening else sequence
        if base is None or (opening and first != base):
            base = first
            streams.append([])
        if captured:
            offset = (first - base + _HALF) % (1 << 32) - _HALF
            streams[-1].append((offset, at, captured, time))
    for segments in streams:
        segments.sort(key=lambda segment: segment[0])
    return streams


def data_rows(packets: Packets, order: Ints) -> Ints:
    """Indices into `order` of the TCP segments that carry data or open a connection."""
    data = (packets.payload_captured[order] > 0) | (packets.tcp_flags[order] & SYN > 0)
    whole = (packets.protocol[order] == 6) & ~packets.fragment[order]
    return np.flatnonzero(data & whole)
