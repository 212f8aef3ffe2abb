"""From captured frames to IP packets: IPv4 and IPv6, TCP, UDP and ICMP, as arrays.

Every step works on all frames at once. Lengths found in packets are never trusted: nothing is read
beyond the bytes that were captured, and no array is larger than the number of frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.acquisition.traffic import tunnels
from apps.acquisition.traffic.link_layers import IPV4, IPV6, network_layer, strip
from apps.acquisition.traffic.packets import (
    ICMP,
    ICMPV6,
    PORTED,
    TCP,
    UDP,
    Bytes,
    Counts,
    Frames,
    Ints,
    Packets,
    gather,
)

MOST_DEPTH = 4
"""Tunnels in tunnels that are opened."""
LONGEST = 1 << 20
"""Bytes of the longest IP packet believed where its header leaves the length open."""

Columns = dict[str, NDArray[Any]]

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


def decode(frames: Frames, counts: Counts | None = None) -> Packets:
    """Decode all frames. Of tunnels the innermost packet is taken; what is no IP or is malformed is
    counted and left out."""
    counts = Counts() if counts is None else counts
    start, kind = network_layer(frames, counts)
    end = frames.start + frames.captured
    ip = _ip(frames.data, np.arange(len(end)), start, kind, end, frames.start + frames.wire)
    counts.other += int(np.count_nonzero(kind == 0))
    counts.malformed += int(np.count_nonzero(kind)) - len(ip["frame"])
    transport = _transport(frames.data, ip)
    level = ip | transport
    columns = level
    for _ in range(MOST_DEPTH):
        level = _inner(frames.data, level, counts)
        if not len(level["frame"]):
            break
        outside = ~np.isin(columns["frame"], level["frame"])
        both = {name: np.concatenate([columns[name][outside], level[name]]) for name in columns}
        order = np.argsort(both["frame"], kind="stable")
        columns = {name: values[order] for name, values in both.items()}
    frame = columns["frame"]
    fragment = columns["offset"] + columns["more"] > 0
    counts.fragments += int(np.count_nonzero(fragment))
    return Packets(
        data=frames.data,
        base=frames.base,
        end=frames.end,
        at=frames.start[frame] + frames.base,
        time=frames.time[frame],
        source=columns["source"],
        destination=columns["target"],
        protocol=columns["protocol"].astype(np.uint8),
        length=columns["length"],
        fragment=fragment,
        later=columns["offset"] > 0,
        datagram=np.where(fragment, columns["id"], 0).astype(np.uint32),
        payload_start=columns["payload_start"] + frames.base,
        **{name: columns[name] for name in transport if name != "payload_start"},
    )


def _inner(data: Bytes, outer: Columns, counts: Counts) -> Columns:
    """The packets inside the tunnels among `outer`, where they hold together."""
    whole = outer["offset"] == 0
    found = tunnels.inside(
        data,
        np.where(whole, outer["protocol"], 0),
        outer["destination_port"],
        outer["start"],
        outer["payload_start"],
        np.minimum(outer["end"], outer["start"] + outer["size"]),
    )
    if not len(found.row):
        return {name: values[:0] for name, values in outer.items()}
    order = np.argsort(found.row, kind="stable")
    row, tunnel = found.row[order], found.tunnel[order]
    start = found.start[order].copy()
    limit = outer["start"][row] + outer["size"][row]
    end = np.minimum(outer["end"][row], limit)
    kind = strip(data, start, end, found.kind[order], counts)
    ip = _ip(data, outer["frame"][row], start, kind, end, limit)
    inner = ip | _transport(data, ip)
    good = np.isin(outer["frame"][row], inner["frame"])
    for number, times in zip(*np.unique(tunnel[good], return_counts=True), strict=True):
        counts.tunnels[tunnels.name_of(int(number))] += int(times)
    return inner


def _ip(data: Bytes, frame: Ints, start: Ints, kind: Ints, end: Ints, limit: Ints) -> Columns:
    """Decode the IP headers at `start`, those that hold together, in the same order.

    `end` is that of what was captured, `limit` that of what was there on the wire.
    """
    inside = (kind != 0) & (start + 20 <= end)
    version = np.zeros(len(end), np.uint8)
    version[inside] = data[start[inside]] >> 4
    v4 = np.flatnonzero(inside & (kind == IPV4) & (version == 4))
    v6 = np.flatnonzero(inside & (kind == IPV6) & (version == 6) & (start + 40 <= end))
    parts = []
    if len(v4) or not len(v6):
        parts.append(_ipv4(data, *(values[v4] for values in (frame, start, end, limit))))
    if len(v6):
        parts.append(_ipv6(data, *(values[v6] for values in (frame, start, end, limit))))
    if len(parts) == 1:
        return parts[0]
    both = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(both["frame"], kind="stable")
    return {name: values[order] for name, values in both.items()}


def _ipv4(data: Bytes, frame: Ints, start: Ints, end: Ints, limit: Ints) -> Columns:
    header = gather(data, _IPV4, start)
    header_length = (header["version"] & 15).astype(np.int64) * 4
    length = header["length"].astype(np.int64)
    # segmentation offload leaves 0 in the header of packets captured on the sending host
    length = np.where(length == 0, np.minimum(limit - start, LONGEST), length)
    good = (header_length >= 20) & (length >= header_length)
    if not good.all():
        frame, start, end, header = frame[good], start[good], end[good], header[good]
        header_length, length = header_length[good], length[good]
    fragment = header["fragment"].astype(np.int64)
    return {
        "frame": frame,
        "end": end,
        "source": _mapped(header["source"]),
        "target": _mapped(header["target"]),
        "protocol": header["protocol"].astype(np.int64),
        "length": length,
        "start": start + header_length,
        "size": length - header_length,
        "id": header["id"].astype(np.int64),
        "offset": fragment & 0x1FFF,
        "more": (fragment >> 13) & 1,
    }


def _mapped(address: NDArray[np.uint32]) -> NDArray[np.uint64]:
    both = np.zeros((len(address), 2), np.uint64)
    both[:, 1] = address
    both[:, 1] |= _MAPPED
    return both


def _ipv6(data: Bytes, frame: Ints, start: Ints, end: Ints, limit: Ints) -> Columns:
    """Decode IPv6 headers and walk their extension headers."""
    header = gather(data, _IPV6, start)
    length = header["length"].astype(np.int64) + 40
    length = np.where(length == 40, np.minimum(limit - start, LONGEST), length)
    length = np.maximum(length, 40)
    protocol = header["next"].astype(np.int64)
    here, packet_end = start + 40, start + length
    readable = np.minimum(end, packet_end)
    fragment, identity = np.zeros(len(start), np.int64), np.zeros(len(start), np.int64)
    for _ in range(_MOST_EXTENSIONS):
        # behind the header of a later fragment there are no headers, only data
        walk = np.isin(protocol, _EXTENSIONS) & (here + 8 <= readable) & (fragment >> 3 == 0)
        step = np.flatnonzero(walk)
        if not len(step):
            break
        option = gather(data, _FRAGMENT, here[step])
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
        "frame": frame,
        "end": end,
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


def _transport(data: Bytes, ip: Columns) -> Columns:
    """Decode TCP, UDP and ICMP headers behind IP; the columns of `Packets` from there up."""
    start, size, protocol, end = ip["start"], ip["size"], ip["protocol"], ip["end"]
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

    rows = np.flatnonzero((protocol == TCP) & (readable >= 20))
    tcp = gather(data, _TCP, start[rows])
    out["source_port"][rows], out["destination_port"][rows] = tcp["source"], tcp["target"]
    out["tcp_flags"][rows] = tcp["flags"]
    out["tcp_window"][rows] = tcp["window"]
    out["tcp_sequence"][rows] = tcp["sequence"]
    header_length[rows] = np.maximum((tcp["offset"] >> 4).astype(np.int64) * 4, 20)

    ported = np.isin(protocol, PORTED) & (readable >= 4)
    ported[rows] = False
    rows = np.flatnonzero(ported)
    ports = gather(data, ">u2,>u2", start[rows])
    out["source_port"][rows], out["destination_port"][rows] = ports["f0"], ports["f1"]

    icmp_like = (protocol == ICMP) | (protocol == ICMPV6)
    rows = np.flatnonzero(icmp_like & (readable >= 2))
    icmp = gather(data, "u1,u1", start[rows])
    out["icmp_type"][rows], out["icmp_code"][rows] = icmp["f0"], icmp["f1"]

    header_length[(icmp_like | (protocol == UDP)) & (ip["offset"] == 0)] = 8
    header_length = np.minimum(header_length, size)
    out["header_length"] = header_length
    out["payload_length"] = size - header_length
    out["payload_start"] = start + header_length
    out["payload_captured"] = np.clip(end - start - header_length, 0, size - header_length)
    return out
