"""What a capture holds: frames as they lie in the file, packets as they are decoded, and counts.

Everything is an array over all frames or packets of one part of a capture.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
PORTED = (TCP, UDP, 33, 132, 136)  # also DCCP, SCTP and UDP-Lite begin with two ports


@dataclass(slots=True)
class Counts:
    """What a capture held beside whole packets.

    Attributes:
        frames: records of the file.
        other, malformed: of these, those that carry no IP, and those whose IP header is cut or
            contradicts itself.
        truncated: frames that the file announces and does not hold.
        broken_at: offset of the byte where the file stops making sense, None if it never does.
        fragments, orphans: packets that are a fragment, and later fragments whose first fragment
            was not found, so that they have no ports.
        late: packets that came so late in the file that their time was moved forward.
        steps: how often the clock of the capture went back by more than two minutes.
        evicted: flows that were ended early because too many were open.
        tunnels: name of a tunnel → packets found in it.
    """

    frames: int = 0
    other: int = 0
    malformed: int = 0
    truncated: int = 0
    broken_at: int | None = None
    fragments: int = 0
    orphans: int = 0
    late: int = 0
    steps: int = 0
    evicted: int = 0
    tunnels: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, eq=False)
class Frames:
    """F frames of a part of a capture, in the order of the file, before they are decoded.

    Attributes:
        data: the part of the file in memory, uint8.
        start, captured, wire: int64[F], where a frame begins in `data`, bytes kept of it (they lie
            inside `data`), bytes it had on the wire.
        time: int64[F], nanoseconds since 1970 UTC.
        link: int64[F], link type (tcpdump.org/linktypes.html).
        base, end: where `data` begins in the file, and up to where the file was read.
    """

    data: Bytes
    start: Ints
    captured: Ints
    wire: Ints
    time: Ints
    link: Ints
    base: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Packets:
    """N IP packets of a part of a capture.

    Attributes:
        data, base, end: the part of the file in memory, where it begins in the file, and up to
            where the file was read.
        at: int64[N], where the frame lies in the file.
        time: int64[N], nanoseconds since 1970 UTC.
        source, destination: uint64[N, 2], address as high and low half; IPv4 as ::ffff:a.b.c.d.
        source_port, destination_port: uint16[N], 0 where the protocol has none.
        protocol: uint8[N], IANA's number, of the last header that could be read.
        tcp_flags, tcp_window, tcp_sequence: uint8[N], uint16[N], uint32[N], 0 unless TCP.
        icmp_type, icmp_code: int16[N], -1 unless ICMP or ICMPv6.
        length: int64[N], bytes of the IP packet, header included, as sent.
        header_length, payload_length: int64[N], bytes of the transport header and after it.
        payload_start, payload_captured: int64[N], where the payload lies in the file, and how much
            of it was captured.
        fragment, later: bool[N], part of a fragmented packet, and not its first part.
        datagram: uint32[N], the identification that the fragments of a packet share, 0 for others.
    """

    data: Bytes
    base: int
    end: int
    at: Ints
    time: Ints
    source: NDArray[np.uint64]
    destination: NDArray[np.uint64]
    source_port: NDArray[np.uint16]
    destination_port: NDArray[np.uint16]
    protocol: NDArray[np.uint8]
    tcp_flags: NDArray[np.uint8]
    tcp_window: NDArray[np.uint16]
    tcp_sequence: NDArray[np.uint32]
    icmp_type: NDArray[np.int16]
    icmp_code: NDArray[np.int16]
    length: Ints
    header_length: Ints
    payload_length: Ints
    payload_start: Ints
    payload_captured: Ints
    fragment: Mask
    later: Mask
    datagram: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Ints | Mask | slice) -> Packets:
        """The packets at `rows`, in that order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def behind(self, earlier: Packets) -> Packets:
        """`earlier` packets of the same capture, then these."""
        if not len(earlier):
            return self
        both: dict[str, Any] = {
            name: np.concatenate([getattr(earlier, name), getattr(self, name)]) for name in _COLUMNS
        }
        return replace(self, **both)

    def payload(self, row: int, most: int | None = None) -> bytes:
        """What was captured of a packet's payload, at most `most` bytes of it."""
        size = int(self.payload_captured[row])
        start = int(self.payload_start[row]) - self.base
        return self.data[start : start + (size if most is None else min(size, most))].tobytes()


_COLUMNS: Sequence[str] = [
    each.name for each in fields(Packets) if each.name not in ("data", "base", "end")
]


def address_text(addresses: NDArray[np.uint64]) -> list[str]:
    """uint64[N, 2] as in `Packets` → N addresses as people write them."""
    high, low = addresses[:, 0], addresses[:, 1]
    v4 = (high == 0) & (low >> np.uint64(32) == np.uint64(0xFFFF))
    raw = addresses.astype(">u8").tobytes()
    return [
        socket.inet_ntoa(raw[16 * i + 12 : 16 * i + 16])
        if is_v4
        else socket.inet_ntop(socket.AF_INET6, raw[16 * i : 16 * i + 16])
        for i, is_v4 in enumerate(v4.tolist())
    ]


def gather(data: Bytes, dtype: DTypeLike, at: Ints) -> NDArray[Any]:
    """Read one structure of `dtype` at each byte offset; the caller keeps them inside `data`."""
    dtype = np.dtype(dtype)
    if len(at) == 0:
        return np.zeros(0, dtype)
    return np.ndarray((len(data) - dtype.itemsize + 1,), dtype, data, strides=(1,))[at]
