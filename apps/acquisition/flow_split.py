"""Which packets make one flow, and who started it, by the rules of the corrected CICFlowMeter.

Engelen, Rimmer, Joosen (WTMC 2021), section IV; Liu et al. (IEEE CNS 2022), section III: a TCP flow
does not end with its first FIN but takes in its whole teardown, an RST ends it, and what is cut only
by the timeout keeps its direction. docs/flow-features.md lists where we differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.acquisition.packets import ICMP, ICMPV6, TCP, UDP, Ints, Packets

Mask = NDArray[np.bool_]

FLOW_TIMEOUT_US = 120_000_000
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """N packets put in order of their flows, and within a flow in order of time; K flows.

    Attributes:
        order: int64[N], rows of the packets, flow after flow.
        flow: int64[N], number of the flow of each packet so ordered, 0 to K - 1, ascending.
        start: int64[K], where each flow begins in `order`.
        forward: bool[N], sent by the side that started the flow.
        connection_start: int64[K], where the first flow of its connection begins in `order`: of
            flows cut by the timeout, the one that the others continue.
    """

    order: Ints
    flow: Ints
    start: Ints
    forward: Mask
    connection_start: Ints


def split(packets: Packets) -> Split:
    """Sort packets into bidirectional flows."""
    if not len(packets):
        nothing = np.zeros(0, np.int64)
        return Split(nothing, nothing, nothing, np.zeros(0, np.bool_), nothing)
    low, high, from_low = _ends(packets)
    keys = (packets.time, packets.protocol, high, low)
    order = np.lexsort(keys)
    begins = np.ones(len(order), np.bool_)  # of a conversation: same ends, same protocol
    begins[1:] = False
    for key in keys[1:]:
        sorted_key = key[order]
        begins[1:] |= sorted_key[1:] != sorted_key[:-1]
    time = packets.time[order] // 1_000
    protocol, flags = packets.protocol[order], packets.tcp_flags[order]
    from_low = from_low[order]

    starts_flow, starts_connection = begins.copy(), begins.copy()
    rows = _may_split(begins, time, flags)
    if len(rows):
        cuts = _cut(begins[rows], time[rows], protocol[rows], flags[rows], from_low[rows])
        starts_flow[rows], starts_connection[rows] = cuts
    for first, last in _mixed_icmp(begins, protocol, packets, order):
        by_kind = _cut_icmp(time[first:last], packets, order[first:last])
        starts_flow[first:last] = starts_connection[first:last] = by_kind

    start = np.flatnonzero(starts_flow)
    flow = np.cumsum(starts_flow) - 1
    of_connection = np.maximum.accumulate(np.where(starts_connection, np.arange(len(order)), 0))
    connection_start = of_connection[start]
    started_by_low = _started_by_low(start, flags, from_low)
    started_by_low = started_by_low[flow[connection_start]]
    return Split(order, flow, start, from_low == started_by_low[flow], connection_start)


def _ends(packets: Packets) -> tuple[NDArray[np.uint64], NDArray[np.uint64], Mask]:
    """The two ends of each packet as numbers, the lower first, and whether the lower one sent it."""
    both = np.concatenate([packets.source, packets.destination])
    mapped = (both[:, 0] == 0) & (both[:, 1] >> np.uint64(32) == np.uint64(0xFFFF))
    if mapped.all():
        address = both[:, 1] & np.uint64(0xFFFF_FFFF)
    else:
        order = np.lexsort((both[:, 1], both[:, 0]))
        changed = np.any(both[order[1:]] != both[order[:-1]], axis=1)
        address = np.zeros(len(both), np.uint64)
        address[order[1:]] = np.cumsum(changed)
    port = np.concatenate([packets.source_port, packets.destination_port]).astype(np.uint64)
    source, destination = np.split(address << np.uint64(16) | port, 2)
    return np.minimum(source, destination), np.maximum(source, destination), source <= destination


def _may_split(begins: Mask, time: Ints, flags: NDArray[np.uint8]) -> Ints:
    """Rows of the conversations longer than the timeout, or with an end and two SYN in them."""
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(begins)) - 1
    syn = np.add.reduceat((flags & SYN > 0).astype(np.int64), first)
    end = np.bitwise_or.reduceat(flags, first) & (FIN | RST)
    cut = (time[last] - time[first] > FLOW_TIMEOUT_US) | ((syn > 0) & (end > 0) & (last > first))
    return np.flatnonzero(cut[np.cumsum(begins) - 1])


def _next(where: Mask) -> Ints:
    """For each index i up to and including N, the first index ≥ i at which `where` holds, else N."""
    n = len(where)
    at = np.append(np.where(where, np.arange(n), n), n)
    return np.minimum.accumulate(at[::-1])[::-1]


def _cut(
    begins: Mask, time: Ints, protocol: NDArray[np.uint8], flags: NDArray[np.uint8], from_low: Mask
) -> tuple[Mask, Mask]:
    """Where flows begin, and where connections begin, in conversations that may hold several.

    For every packet the answer to "if a flow began here, where would the next begin?" is worked out
    at once; following these answers from the first packet of each conversation gives the flows.
    """
    n = len(begins)
    row = np.arange(n)
    end = _next(begins)[row + 1]  # of the conversation of each row
    tcp = protocol == TCP
    timeout = _first_later(time, time + FLOW_TIMEOUT_US, row + 1, end)

    fin = tcp & (flags & FIN > 0)
    rst = tcp & ~fin & (flags & RST > 0)
    ack = tcp & ~fin & (flags & ACK > 0)
    syn = tcp & (flags & SYN > 0)
    next_fin, next_ack = _next(fin), _next(ack)
    both_fins = np.maximum(_next(fin & from_low)[row], _next(fin & ~from_low)[row])
    second_fin = next_fin[np.minimum(np.maximum(next_fin[row + 1] + 1, both_fins), n)]
    closed = np.minimum(next_ack[np.minimum(second_fin + 1, n)], _next(rst)[row + 1])
    reopened = _next(syn)[np.minimum(closed + 1, n)]
    following = np.minimum(timeout, reopened)
    following = np.append(np.where(following < end, following, n), n)

    starts = np.append(begins, False)
    jump = following  # invariant: `starts` holds all that fewer than 2^k steps reach, jump is 2^k
    while (jump < n).any():
        starts[jump[np.flatnonzero(starts)]] = True
        starts[n] = False
        jump = jump[jump]
    starts = starts[:n]

    at = np.flatnonzero(starts)
    before = np.append(0, at[:-1])  # the flow before; only asked where it is of the conversation
    fresh = np.where(
        protocol[at] == TCP,
        (closed[before] < at) & syn[at],
        (protocol[at] != UDP) | (time[at] - time[at - 1] > FLOW_TIMEOUT_US),
    )
    connections = np.zeros(n, np.bool_)
    connections[at] = begins[at] | fresh
    return starts, connections


def _first_later(time: Ints, limit: Ints, low: Ints, high: Ints) -> Ints:
    """For each row the first index in [low, high) whose time exceeds its limit, else high."""
    while (open_ := low < high).any():
        middle = np.where(open_, (low + high) // 2, 0)
        later = time[middle] > limit
        high = np.where(open_ & later, middle, high)
        low = np.where(open_ & ~later, middle + 1, low)
    return low


def _mixed_icmp(
    begins: Mask, protocol: NDArray[np.uint8], packets: Packets, order: Ints
) -> list[tuple[int, int]]:
    """First and past-the-last row of the ICMP conversations in which both type and code vary."""
    icmp = np.flatnonzero(np.isin(protocol, (ICMP, ICMPV6)))
    if not len(icmp):
        return []
    conversation = np.cumsum(begins)[icmp]
    first = np.flatnonzero(np.append(True, conversation[1:] != conversation[:-1]))
    varies = np.ones(len(first), np.bool_)
    for field in (packets.icmp_type[order[icmp]], packets.icmp_code[order[icmp]]):
        varies &= np.minimum.reduceat(field, first) < np.maximum.reduceat(field, first)
    last = np.append(first[1:], len(icmp)) - 1
    return [(int(icmp[first[i]]), int(icmp[last[i]]) + 1) for i in np.flatnonzero(varies)]


def _cut_icmp(time: Ints, packets: Packets, rows: Ints) -> Mask:
    """A packet whose type and code both differ from the first of its flow begins another."""
    kinds = zip(packets.icmp_type[rows].tolist(), packets.icmp_code[rows].tolist(), strict=True)
    cuts = np.zeros(len(rows), np.bool_)
    type_, code, since = None, None, -FLOW_TIMEOUT_US
    for i, (now, kind) in enumerate(zip(time.tolist(), kinds, strict=True)):
        differs = kind[0] != type_ and kind[1] != code
        if differs or now - since > FLOW_TIMEOUT_US:
            cuts[i] = True
            (type_, code), since = kind, now
    return cuts


def _started_by_low(start: Ints, flags: NDArray[np.uint8], from_low: Mask) -> Mask:
    """Whether the lower end started each flow: it sent the first SYN, or the first packet."""
    end = np.append(start[1:], len(flags))
    first_syn = _next(flags & SYN > 0)[start]
    has_syn = first_syn < end
    decisive = np.where(has_syn, first_syn, start)
    answers = has_syn & (flags[decisive] & ACK > 0)
    return from_low[decisive] ^ answers
