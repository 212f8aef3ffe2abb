"""What IP packets carry inside: GRE, ERSPAN, VXLAN, Geneve, and IP in IP.

A tunnel is believed only where its header holds together; the caller looks whether an IP packet
lies behind it, and keeps the outer one where none does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.acquisition.traffic.link_layers import IPV4, IPV6, TRANSPARENT_ETHERNET
from apps.acquisition.traffic.packets import UDP, Bytes, Ints, gather

IP_IN_IP, IPV6_IN_IP, GRE = 4, 41, 47
VXLAN_PORTS = (4789, 8472)
"""RFC 7348, and what Linux and flannel use where nobody says otherwise."""
GENEVE_PORT = 6081
_ERSPAN_2, _ERSPAN_3 = 0x88BE, 0x22EB

_NAMES = ("IP in IP", "IPv6 in IP", "GRE", "ERSPAN", "VXLAN", "Geneve")


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """What may lie in a tunnel, M times: the row of the outer packet, where the inner part begins,
    its ethertype, and the tunnel's number in `_NAMES`."""

    row: Ints
    start: Ints
    kind: Ints
    tunnel: Ints


def name_of(tunnel: int) -> str:
    return _NAMES[tunnel]


def inside(
    data: Bytes, protocol: Ints, port: Ints, start: Ints, payload: Ints, end: Ints
) -> Inside:
    """Look for tunnels.

    `protocol` and destination `port` of the packets, where the `payload` of IP and of UDP begins,
    `start` and `payload`, and the `end` of what was captured of them; whole packets only.
    """
    found = [
        _plain(np.flatnonzero(protocol == IP_IN_IP), start, IPV4, 0),
        _plain(np.flatnonzero(protocol == IPV6_IN_IP), start, IPV6, 1),
        _gre(data, np.flatnonzero((protocol == GRE) & (start + 4 <= end)), start, end),
    ]
    udp = protocol == UDP
    rows = np.flatnonzero(udp & np.isin(port, VXLAN_PORTS) & (payload + 8 <= end))
    if len(rows):
        found.append(_vxlan(data, rows, payload))
    rows = np.flatnonzero(udp & (port == GENEVE_PORT) & (payload + 8 <= end))
    if len(rows):
        found.append(_geneve(data, rows, payload))
    return Inside(
        *(
            np.concatenate([getattr(part, name) for part in found])
            for name in ("row", "start", "kind", "tunnel")
        )
    )


def _plain(rows: Ints, start: Ints, kind: int, tunnel: int) -> Inside:
    return Inside(rows, start[rows], np.full(len(rows), kind), np.full(len(rows), tunnel))


def _gre(data: Bytes, rows: Ints, start: Ints, end: Ints) -> Inside:
    """RFC 2784 and 2890: checksum, key and sequence number, each there if its bit says so."""
    head = gather(data, ">u2,>u2", start[rows])
    flags, kind = head["f0"].astype(np.int64), head["f1"].astype(np.int64)
    header = 4 + 4 * sum((flags >> bit & 1 for bit in (15, 13, 12)), np.zeros(len(rows), np.int64))
    plain = flags & 0x4FFF == 0  # version 0, no routing
    mirrored = np.isin(kind, (_ERSPAN_2, _ERSPAN_3))
    # the first kind of ERSPAN has no header of its own, and no sequence number
    header += np.select([(kind == _ERSPAN_2) & (flags & 0x1000 > 0), kind == _ERSPAN_3], [8, 12])
    third = np.flatnonzero((kind == _ERSPAN_3) & (start[rows] + header <= end[rows]))
    header[third] += np.where(data[start[rows[third]] + header[third] - 1] & 1 > 0, 8, 0)
    tunnel = np.where(mirrored, 3, 2)
    kind = np.where(mirrored, TRANSPARENT_ETHERNET, kind)
    return Inside(rows[plain], (start[rows] + header)[plain], kind[plain], tunnel[plain])


def _vxlan(data: Bytes, rows: Ints, start: Ints) -> Inside:
    """RFC 7348: a flag that says there is a network number, which has three bytes; the rest zero."""
    head = gather(data, ">u4,>u4", start[rows])
    rows = rows[(head["f0"] == 0x0800_0000) & (head["f1"] & 0xFF == 0)]
    return _plain(rows, start + 8, TRANSPARENT_ETHERNET, 4)


def _geneve(data: Bytes, rows: Ints, start: Ints) -> Inside:
    """RFC 8926, version 0."""
    head = gather(data, "u1,u1,>u2", start[rows])
    rows, head = rows[head["f0"] < 64], head[head["f0"] < 64]
    options = (head["f0"] & 63).astype(np.int64) * 4
    kind = head["f2"].astype(np.int64)
    return Inside(rows, start[rows] + 8 + options, kind, np.full(len(rows), 5))
