"""From a captured frame to the IP packet in it: link layers, VLAN tags, MPLS labels, PPPoE.

Every step works on all frames at once, and none reads beyond what was captured.
"""

from __future__ import annotations

import numpy as np

from apps.acquisition.traffic.packets import Bytes, Counts, Frames, Ints, gather

ETHERNET, RAW, WIFI, LINUX_SLL, RADIOTAP, LINUX_SLL2 = 1, 101, 105, 113, 127, 276
_VERSION_AT = {0: 4, 108: 4, RAW: 0, 12: 0, 14: 0, 228: 0, 229: 0}  # link type → offset of IP
_ETHERTYPE_AT = {ETHERNET: (12, 14), LINUX_SLL: (14, 16), LINUX_SLL2: (0, 20)}
LINK_TYPES = frozenset(_VERSION_AT) | frozenset(_ETHERTYPE_AT) | {WIFI, RADIOTAP}
"""Those that can be decoded: Ethernet, Linux cooked 1 and 2, raw IP, BSD null and loop, 802.11."""
LINK_NAMES = {
    **{9: "PPP", 50: "PPP over HDLC", 104: "Cisco HDLC", 119: "Prism 802.11"},
    **{163: "AVS 802.11", 187: "Bluetooth", 189: "USB", 192: "PPI", 195: "802.15.4"},
    **{201: "Bluetooth", 220: "USB", 227: "CAN", 249: "USB", 253: "netlink", 251: "Bluetooth LE"},
}
"""Names of some that cannot."""

IPV4, IPV6, TRANSPARENT_ETHERNET = 0x0800, 0x86DD, 0x6558
_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
_MPLS = (0x8847, 0x8848)
_PPPOE = 0x8864
_SNAP = 0xFFFF  # ours: an LLC header follows
_MOST_LAYERS = 8
_ALL = (*_TAGS, *_MPLS, _PPPOE, _SNAP, TRANSPARENT_ETHERNET)


def network_layer(frames: Frames, counts: Counts) -> tuple[Ints, Ints]:
    """Offset of the IP header and ethertype of each frame; ethertype 0 where it is not IP."""
    data, start = frames.data, frames.start.copy()
    kind = np.zeros(len(start), np.int64)
    end = frames.start + frames.captured
    for link in np.unique(frames.link).tolist():
        here = frames.link == link
        if link in _VERSION_AT:
            start[here] += _VERSION_AT[link]
            rows = np.flatnonzero(here & (start < end))
            kind[rows] = _by_version(data, start[rows])
        elif link in _ETHERTYPE_AT:
            type_at, header = _ETHERTYPE_AT[link]
            rows = np.flatnonzero(here & (frames.captured >= header))
            kind[rows] = gather(data, ">u2", start[rows] + type_at)
            start[rows] += header
        elif link in (WIFI, RADIOTAP):
            rows = np.flatnonzero(here)
            start[rows], kind[rows] = _wifi(data, start[rows], end[rows], link == RADIOTAP)
    return start, strip(data, start, end, kind, counts)


def strip(data: Bytes, start: Ints, end: Ints, kind: Ints, counts: Counts) -> Ints:
    """Pass over what lies between an ethertype and IP: `start` moves, the ethertype that is found
    comes back, 0 where it is not IP."""
    kind = kind.copy()
    seen = {name: np.zeros(len(kind), np.bool_) for name in ("VLAN", "MPLS", "PPPoE")}
    for _ in range(_MOST_LAYERS):
        open_ = np.isin(kind, _ALL)
        if not open_.any():
            break
        rows = np.flatnonzero(np.isin(kind, _TAGS) & (start + 4 <= end))
        kind[rows] = gather(data, ">u2", start[rows] + 2)
        start[rows] += 4
        seen["VLAN"][rows] = True

        rows = np.flatnonzero(open_ & np.isin(kind, _MPLS) & (start + 5 <= end))
        label = gather(data, ">u4", start[rows])
        start[rows] += 4
        bottom = rows[label & 0x100 > 0]
        kind[bottom] = _by_version(data, start[bottom])
        seen["MPLS"][rows] = True

        rows = np.flatnonzero(open_ & (kind == _PPPOE) & (start + 8 <= end))
        protocol = gather(data, ">u2", start[rows] + 6)
        kind[rows] = np.select([protocol == 0x21, protocol == 0x57], [IPV4, IPV6])
        start[rows] += 8
        seen["PPPoE"][rows] = True

        rows = np.flatnonzero(open_ & (kind == TRANSPARENT_ETHERNET) & (start + 14 <= end))
        kind[rows] = gather(data, ">u2", start[rows] + 12)
        start[rows] += 14

        rows = np.flatnonzero(open_ & (kind == _SNAP) & (start + 8 <= end))
        llc = gather(data, ">u4,>u2,>u2", start[rows])
        kind[rows] = np.where((llc["f0"] == 0xAAAA0300) & (llc["f1"] == 0), llc["f2"], 0)
        start[rows] += 8
    kind[(kind != IPV4) & (kind != IPV6)] = 0
    for name, rows_seen in seen.items():
        if found := int(np.count_nonzero(rows_seen & (kind > 0))):
            counts.tunnels[name] += found
    return kind


def _by_version(data: Bytes, start: Ints) -> Ints:
    version = data[start] >> 4
    return np.select([version == 4, version == 6], [IPV4, IPV6])


def _wifi(data: Bytes, start: Ints, end: Ints, radiotap: bool) -> tuple[Ints, Ints]:
    """802.11 data frames in clear, perhaps behind a radiotap header: where LLC begins."""
    start, kind = start.copy(), np.zeros(len(start), np.int64)
    if radiotap:
        rows = np.flatnonzero(start + 8 <= end)
        start[rows] += gather(data, "<u2", start[rows] + 2)
    rows = np.flatnonzero(start + 26 <= end)
    control = gather(data, "<u2", start[rows]).astype(np.int64)
    quality = control & 0x80 > 0
    header = 24 + np.where(control & 0x300 == 0x300, 6, 0) + np.where(quality, 2, 0)
    header += np.where(quality & (control & 0x8000 > 0), 4, 0)
    # data, with a body, not protected
    plain = (control & 0x0C == 0x08) & (control & 0x40 == 0) & (control & 0x4000 == 0)
    kind[rows[plain]] = _SNAP
    start[rows] += header
    return start, kind
