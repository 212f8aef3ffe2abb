"""TCP streams: the payload of captured segments put back in order, one direction at a time.

What was lost, or cut by a snap length, splits a stream into pieces; nothing is made up for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

_HALF = 1 << 31

Segment = tuple[int, bool, bytes, int]
"""A TCP segment: its sequence number, whether it carries a SYN, what was captured of its payload, and
when, in nanoseconds since 1970."""


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


def reassemble(segments: Iterable[Segment]) -> list[Piece]:
    """Put together segments of one direction, which are in order of time.

    Of bytes sent twice the first that was captured stands. A SYN with a new sequence number begins
    a new stream.
    """
    pieces: list[Piece] = []
    for stream in _streams(segments):
        offsets, contents, moments = zip(*stream, strict=True) if stream else ((), (), ())
        *places, _ = accumulate(map(len, contents), initial=0)
        if offsets and offsets[0] == 0 and list(offsets) == places:  # as it nearly always is
            pieces.append(Piece(b"".join(contents), places, list(moments)))
            continue
        data, starts, times = bytearray(), list[int](), list[int]()
        position = 0
        for offset, content, time in stream:
            if offset > position or not starts:
                if data:
                    pieces.append(Piece(bytes(data), starts, times))
                data, starts, times = bytearray(), [], []
                position = offset
            known = position - offset
            if known < len(content):
                starts.append(len(data))
                times.append(time)
                data += content[known:]
                position = offset + len(content)
        if data:
            pieces.append(Piece(bytes(data), starts, times))
    return pieces


def _streams(segments: Iterable[Segment]) -> list[list[tuple[int, bytes, int]]]:
    """Per stream its segments by place: offset from the first, content, time."""
    streams: list[list[tuple[int, bytes, int]]] = []
    base: int | None = None
    for sequence, opens, data, time in segments:
        first = (sequence + 1) & 0xFFFF_FFFF if opens else sequence
        if base is None or (opens and first != base):
            base = first
            streams.append([])
        if data:
            offset = (first - base + _HALF) % (1 << 32) - _HALF
            streams[-1].append((offset, data, time))
    for stream in streams:
        stream.sort(key=lambda segment: segment[0])
    return streams
