"""From captured frames to IP packets: link layer, IPv4 and IPv6, TCP, UDP and ICMP, as arrays.

Every step works on all frames at once. Lengths found in packets are never trusted: nothing is read
beyond the bytes that were captured, and no array is larger than the number of frames.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import DTypeLike, NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
PORTED = (TCP, UDP, 33, 132, 136)  # also DCCP, SCTP and UDP-Lite begin with two ports

ETHERNET, RAW, LINUX_SLL, LINUX_SLL2 = 1, 101, 113, 276
_VERSION_AT = {0: 4, 108: 4, RAW: 0, 12: 0, 14: 0, 228: 0, 229: 0}  # link type → offset of IP
_ETHERTYPE_AT = {ETHERNET: (12, 14), LINUX_SLL: (14, 16), LINUX_SLL2: (0, 20)}
LINK_TYPES = frozenset(_VERSION_AT) | frozenset(_ETHERTYPE_AT)

_IPV4_TYPE, _IPV6_TYPE = 0x0800, 0x86DD
_TAGS = (0x8100, 0x88A8, 0x9100)
_MOST_TAGS = 4
_MOST_EXTENSIONS = 8
_EXTENSIONS = (0, 43, 44, 51, 60, 135, 139, 140)
_MAPPED = np.uint64(0xFFFF << 32)  # ::ffff:0:0/96 holds IPv4


def _layout(*names_and_types: str) -> np.dtype[np.void]:
    return np.dtype([tuple(field.split(":")) for field in names_and_types])


_IPV4 = _layout(
    *("version:u1", "tos:u1", "length:>u2", "id:>u2", "fragment:>u2", "ttl:u1", "protocol:u1"),
    *("sum:>u2", "source:>u4", "target:>u4"),
)
_IPV6 = _layout("version:>u4", "length:>u2", "next:u1", "hops:u1", "source:2>u8", "target:2>u8")
_TCP = _layout(
    *("source:>u2", "target:>u2", "sequence:>u4", "acknowledged:>u4", "offset:u1", "flags:u1"),
    *("window:>u2", "sum:>u2", "urgent:>u2"),
)
_FRAGMENT = _layout("next:u1", "reserved:u1", "fragment:>u2", "id:>u4")


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """What a capture file holds before it is decoded; F frames in the order of the file.

    Attributes:
        data: the whole capture, uint8.
        start, captured, wire: int64[F], offset of a frame in `data`, bytes kept of it (they lie
            inside `data`), bytes it had on the wire.
        time: int64[F], nanoseconds since 1970 UTC.
        link: int64[F], link type (tcpdump.org/linktypes.html).
        truncated: frames that the file announces and does not hold.
        broken_at: offset of the byte where the file stops making sense, None if it never does.
    """

    data: Bytes
    start: Ints
    captured: Ints
    wire: Ints
    time: Ints
    link: Ints
    truncated: int = 0
    broken_at: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Packets:
    """The IP packets of a capture, N of them in the order of the file.

    Attributes:
        data: the whole capture, uint8, into which `payload_start` points.
        time: int64[N], nanoseconds since 1970 UTC.
        source, destination: uint64[N, 2], address as high and low half; IPv4 as ::ffff:a.b.c.d.
        source_port, destination_port: uint16[N], 0 where the protocol has none.
        protocol: uint8[N], IANA's number, of the last header that could be read.
        tcp_flags, tcp_window, tcp_sequence: uint8[N], uint16[N], uint32[N], 0 unless TCP.
        icmp_type, icmp_code: int16[N], -1 unless ICMP or ICMPv6.
        length: int64[N], bytes of the IP packet, header included, as sent.
        header_length, payload_length: int64[N], bytes of the transport header and after it.
        payload_start, payload_captured: int64[N], where the payload lies in `data`, and how much
            of it was captured.
        fragment: bool[N], part of a fragmented packet.
        frames, other, malformed, truncated, broken_at: frames in the file, those that carry no IP,
            those whose IP header is cut or contradicts itself, those the file announces and does
            not hold, and where the file stops making sense (None: nowhere).
    """

    data: Bytes
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
    fragment: NDArray[np.bool_]
    frames: int
    other: int
    malformed: int
    truncated: int
    broken_at: int | None

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Packets:
        """The packets at `rows` (indices or a mask), in that order; the counts stay."""
        columns: dict[str, Any] = {
            field.name: value[rows]
            for field in fields(self)
            if field.name != "data" and isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return replace(self, **columns)


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


def decode(frames: Frames) -> Packets:
    """Decode all frames; what is no IP or is malformed is counted and left out."""
    ip_start, ethertype = _network_layer(frames)
    end = frames.start + frames.captured
    version = np.zeros(len(end), np.uint8)
    inside = (ethertype != 0) & (ip_start + 20 <= end)
    version[inside] = frames.data[ip_start[inside]] >> 4
    v4 = inside & (ethertype == _IPV4_TYPE) & (version == 4)
    v6 = inside & (ethertype == _IPV6_TYPE) & (version == 6) & (ip_start + 40 <= end)
    v4, ip4 = _ipv4(frames, v4, ip_start)
    ip6 = _ipv6(frames, v6, ip_start)
    rows = np.concatenate([np.flatnonzero(v4), np.flatnonzero(v6)])
    order = np.argsort(rows, kind="stable")
    ip = {name: np.concatenate([ip4[name], ip6[name]])[order] for name in ip4}
    rows = rows[order]
    transport = _transport(frames, end[rows], ip)
    _lend_ports(ip, transport)
    return Packets(
        data=frames.data,
        time=frames.time[rows],
        source=ip["source"],
        destination=ip["target"],
        protocol=ip["protocol"].astype(np.uint8),
        length=ip["length"],
        fragment=ip["offset"] + ip["more"] > 0,
        **transport,
        frames=len(end),
        other=int(np.count_nonzero(ethertype == 0)),
        malformed=int(np.count_nonzero(ethertype)) - len(rows),
        truncated=frames.truncated,
        broken_at=frames.broken_at,
    )


def gather(data: Bytes, dtype: DTypeLike, at: Ints) -> NDArray[np.void]:
    """Read one structure of `dtype` at each byte offset; the caller keeps them inside `data`."""
    dtype = np.dtype(dtype)
    if len(at) == 0:
        return np.zeros(0, dtype)
    return np.ndarray((len(data) - dtype.itemsize + 1,), dtype, data, strides=(1,))[at]


def _network_layer(frames: Frames) -> tuple[Ints, Ints]:
    """Offset of the IP header and ethertype of each frame; ethertype 0 where it is not IP."""
    start = frames.start.copy()
    ethertype = np.zeros(len(start), np.int64)
    end = frames.start + frames.captured
    for link in np.unique(frames.link).tolist():
        here = frames.link == link
        if link in _VERSION_AT:
            start[here] += _VERSION_AT[link]
            rows = np.flatnonzero(here & (start < end))
            version = frames.data[start[rows]] >> 4
            ethertype[rows] = np.select([version == 4, version == 6], [_IPV4_TYPE, _IPV6_TYPE])
        elif link in _ETHERTYPE_AT:
            type_at, header = _ETHERTYPE_AT[link]
            rows = np.flatnonzero(here & (frames.captured >= header))
            ethertype[rows] = gather(frames.data, ">u2", start[rows] + type_at)
            start[rows] += header
    for _ in range(_MOST_TAGS):
        rows = np.flatnonzero(np.isin(ethertype, _TAGS) & (start + 4 <= end))
        if not len(rows):
            break
        ethertype[rows] = gather(frames.data, ">u2", start[rows] + 2)
        start[rows] += 4
    ethertype[(ethertype != _IPV4_TYPE) & (ethertype != _IPV6_TYPE)] = 0
    return start, ethertype


def _ipv4(
    frames: Frames, rows: NDArray[np.bool_], start: Ints
) -> tuple[NDArray[np.bool_], Columns]:
    """Decode IPv4 headers at `rows`; returns the mask of those that hold together, and columns."""
    at = np.flatnonzero(rows)
    header = gather(frames.data, _IPV4, start[at])
    header_length = (header["version"] & 15).astype(np.int64) * 4
    length = header["length"].astype(np.int64)
    # segmentation offload leaves 0 in the header of packets captured on the sending host
    offloaded = frames.wire[at] - (start[at] - frames.start[at])
    length = np.where(length == 0, offloaded, length)
    good = (header_length >= 20) & (length >= header_length)
    at, header = at[good], header[good]
    header_length, length = header_length[good], length[good]
    kept = np.zeros(len(rows), np.bool_)
    kept[at] = True
    fragment = header["fragment"].astype(np.int64)
    return kept, {
        "source": _mapped(header["source"]),
        "target": _mapped(header["target"]),
        "protocol": header["protocol"].astype(np.int64),
        "length": length,
        "start": start[at] + header_length,
        "size": length - header_length,
        "id": header["id"].astype(np.int64),
        "offset": fragment & 0x1FFF,
        "more": (fragment >> 13) & 1,
    }


def _mapped(address: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return np.stack([np.zeros(len(address), np.uint64), address.astype(np.uint64) | _MAPPED], 1)


def _ipv6(frames: Frames, rows: NDArray[np.bool_], start: Ints) -> Columns:
    """Decode IPv6 headers at `rows` and walk their extension headers."""
    at = np.flatnonzero(rows)
    header = gather(frames.data, _IPV6, start[at])
    length = header["length"].astype(np.int64) + 40
    length = np.where(length == 40, frames.wire[at] - (start[at] - frames.start[at]), length)
    length = np.maximum(length, 40)
    protocol = header["next"].astype(np.int64)
    here, packet_end = start[at] + 40, start[at] + length
    end = np.minimum(frames.start[at] + frames.captured[at], packet_end)
    fragment, identity = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
    for _ in range(_MOST_EXTENSIONS):
        # behind the header of a later fragment there are no headers, only data
        walk = np.isin(protocol, _EXTENSIONS) & (here + 8 <= end) & (fragment >> 3 == 0)
        step = np.flatnonzero(walk)
        if not len(step):
            break
        option = gather(frames.data, _FRAGMENT, here[step])
        kind = protocol[step]
        size = (option["reserved"].astype(np.int64) + 1) * 8
        size = np.where(kind == 51, (option["reserved"].astype(np.int64) + 2) * 4, size)
        is_fragment = kind == 44
        size = np.where(is_fragment, 8, size)
        fragment[step[is_fragment]] = option["fragment"][is_fragment]
        identity[step[is_fragment]] = option["id"][is_fragment]
        protocol[step] = option["next"]
        here[step] = np.minimum(here[step] + size, packet_end[step])
    return {
        "source": header["source"].astype(np.uint64),
        "target": header["target"].astype(np.uint64),
        "protocol": protocol,
        "length": length,
        "start": here,
        "size": packet_end - here,
        "id": identity,
        "offset": fragment >> 3,
        "more": fragment & 1,
    }


def _transport(frames: Frames, end: Ints, ip: Columns) -> Columns:
    """Decode TCP, UDP and ICMP headers behind IP; the columns of `Packets` from there up."""
    start, size, protocol = ip["start"], ip["size"], ip["protocol"]
    n = len(start)
    readable = np.where(ip["offset"] == 0, np.minimum(size, end - start), 0)
    out: Columns = {
        "source_port": np.zeros(n, np.uint16),
        "destination_port": np.zeros(n, np.uint16),
        "tcp_flags": np.zeros(n, np.uint8),
        "tcp_window": np.zeros(n, np.uint16),
        "tcp_sequence": np.zeros(n, np.uint32),
        "icmp_type": np.full(n, -1, np.int16),
        "icmp_code": np.full(n, -1, np.int16),
    }
    header_length = np.zeros(n, np.int64)

    rows = np.flatnonzero(np.isin(protocol, PORTED) & (readable >= 4))
    ports = gather(frames.data, ">u2,>u2", start[rows])
    out["source_port"][rows], out["destination_port"][rows] = ports["f0"], ports["f1"]

    rows = np.flatnonzero((protocol == TCP) & (readable >= 20))
    tcp = gather(frames.data, _TCP, start[rows])
    out["tcp_flags"][rows] = tcp["flags"]
    out["tcp_window"][rows] = tcp["window"]
    out["tcp_sequence"][rows] = tcp["sequence"]
    header_length[rows] = np.maximum((tcp["offset"] >> 4).astype(np.int64) * 4, 20)

    rows = np.flatnonzero(np.isin(protocol, (ICMP, ICMPV6)) & (readable >= 2))
    icmp = gather(frames.data, "u1,u1", start[rows])
    out["icmp_type"][rows], out["icmp_code"][rows] = icmp["f0"], icmp["f1"]

    eight = np.isin(protocol, (UDP, ICMP, ICMPV6)) & (ip["offset"] == 0)
    header_length[eight] = 8
    header_length = np.minimum(header_length, size)
    out["header_length"] = header_length
    out["payload_length"] = size - header_length
    out["payload_start"] = start + header_length
    out["payload_captured"] = np.clip(end - start - header_length, 0, size - header_length)
    return out


def _lend_ports(ip: Columns, transport: Columns) -> None:
    """Give later fragments the ports of the first fragment of their packet, where it was seen."""
    later = np.flatnonzero(np.isin(ip["protocol"], PORTED) & (ip["offset"] > 0))
    first = np.flatnonzero(np.isin(ip["protocol"], PORTED) & (ip["offset"] == 0) & (ip["more"] > 0))
    if not len(later) or not len(first):
        return

    def packet_keys(rows: Ints) -> pl.DataFrame:
        source, target = ip["source"][rows], ip["target"][rows]
        return pl.DataFrame(
            {"a": source[:, 0], "b": source[:, 1], "c": target[:, 0], "d": target[:, 1]}
            | {"protocol": ip["protocol"][rows], "id": ip["id"][rows]}
        )

    keys = ["a", "b", "c", "d", "protocol", "id"]
    lenders = packet_keys(first).with_columns(first=pl.Series(first)).unique(keys, keep="last")
    found = packet_keys(later).with_columns(later=pl.Series(later)).join(lenders, on=keys)
    lent, borrowed = found["first"].to_numpy(), found["later"].to_numpy()
    for port in ("source_port", "destination_port"):
        transport[port][borrowed] = transport[port][lent]
