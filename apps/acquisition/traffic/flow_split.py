"""Which packets make one flow, and which flows one connection, by the rules of the corrected
CICFlowMeter.

Engelen, Rimmer, Joosen (WTMC 2021), section IV; Liu et al. (IEEE CNS 2022), section III: a TCP flow
does not end with its first FIN but takes in its whole teardown, an RST ends it, and what is cut only
by the timeout keeps its direction. docs/flow-features.md lists where we differ.

A capture is split part after part. What an earlier part leaves of a conversation is one row in front
of its packets: the flow that is still open, with the time of its first packet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.acquisition.traffic.packets import ICMP, ICMPV6, TCP, UDP, Ints, Mask

FLOW_TIMEOUT_US = 120_000_000
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
OPEN, CLOSING, BOTH_CLOSED, OVER = range(4)
"""States of a TCP flow: no FIN yet, a FIN seen, FINs of both sides seen, ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """N packets, those of a conversation (same ends, same protocol) together and in order of time;
    in front of them, where an earlier part left one, a row for the flow that is still open.

    Attributes:
        begins: bool[N], first row of a conversation.
        time: int64[N], microseconds; of a row left, when its flow began.
        protocol, flags: uint8[N]; flags are 0 unless TCP.
        from_low: bool[N], sent by the lower of the two ends.
        kind: int16[N, 2], ICMP type and code, -1 for others; of a row left, those its flow began
            with.
        left: int64[V], the rows that an earlier part left.
        last, state, fins: int64[V], of each of them when its last packet came, the state of its
            flow, and which sides have sent a FIN (1 the lower, 2 the higher).
    """

    begins: Mask
    time: Ints
    protocol: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    from_low: Mask
    kind: NDArray[np.int16]
    left: Ints
    last: Ints
    state: Ints
    fins: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """K flows of N rows.

    Attributes:
        start: int64[K], the first row of each flow.
        fresh: bool[K], the flow begins a connection; others continue one that the timeout cut.
        state, fins: int64[K], as in `Rows`, after the last row of its conversation; they mean
            something for the last flow of a conversation only.
    """

    start: Ints
    fresh: Mask
    state: Ints
    fins: Ints


def split(rows: Rows) -> Split:
    """Sort packets into bidirectional flows.

    For every row the answer to "if a flow began here, where would the next begin?" is worked out at
    once; following these answers from the first row of each conversation gives the flows.
    """
    n = len(rows.begins)
    row = np.arange(n)
    end = _next(rows.begins)[row + 1]  # of the conversation of each row
    timeout = _timeouts(rows, row, end)
    first_fin, second_fin, closed, low_fin, high_fin = _ends_of_tcp(rows, row)
    syn = _next((rows.protocol == TCP) & (rows.flags & SYN > 0))
    following = np.minimum(timeout, syn[np.minimum(closed + 1, n)])
    following = np.append(np.where(following < end, following, n), n)

    starts = np.append(rows.begins, False)
    jump = following  # invariant: `starts` holds all that fewer than 2^k steps reach, jump is 2^k
    while (jump < n).any():
        starts[jump[np.flatnonzero(starts)]] = True
        starts[n] = False
        jump = jump[jump]
    starts = starts[:n]
    for first, behind in _mixed_icmp(rows):
        starts[first:behind] = _cut_icmp(rows.time[first:behind], rows.kind[first:behind])

    start = np.flatnonzero(starts)
    over = np.select(
        [closed[start] < end[start], second_fin[start] < end[start], first_fin[start] < end[start]],
        [OVER, BOTH_CLOSED, CLOSING],
        OPEN,
    )
    sides = (low_fin[start] < end[start]) + 2 * (high_fin[start] < end[start])
    return Split(start, _fresh(rows, start, closed), over, sides)


def _next(where: Mask) -> Ints:
    """For each index i up to and including N, the first index ≥ i at which `where` holds, else N."""
    n = len(where)
    at = np.flatnonzero(where)
    return np.repeat(np.append(at, n), np.diff(np.concatenate([[-1], at, [n]])))


def _timeouts(rows: Rows, row: Ints, end: Ints) -> Ints:
    """For each row the first of its conversation that comes later than the timeout, else `end`."""
    limit = rows.time + FLOW_TIMEOUT_US
    first = np.flatnonzero(rows.begins)
    long = rows.time[end[first] - 1] > limit[first]
    if not long.any():
        return end
    later = end.copy()
    at = np.flatnonzero(np.repeat(long, end[first] - first))
    low, high, limit = at + 1, end[at], limit[at]
    while (open_ := low < high).any():
        middle = np.where(open_, (low + high) // 2, 0)
        beyond = rows.time[middle] > limit
        high = np.where(open_ & beyond, middle, high)
        low = np.where(open_ & ~beyond, middle + 1, low)
    later[at] = low
    return later


def _ends_of_tcp(rows: Rows, row: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """If a flow began at a row: where its first FIN behind that row is, where the FIN by which both
    sides have closed, where it is over, and where each side's first FIN is, that row included."""
    n = len(row)
    tcp = rows.protocol == TCP
    fin = tcp & (rows.flags & FIN > 0)
    rst = tcp & ~fin & (rows.flags & RST > 0)
    ack = tcp & ~fin & (rows.flags & ACK > 0)
    low, high = fin & rows.from_low, fin & ~rows.from_low
    low[rows.left] = rows.fins & 1 > 0
    high[rows.left] = rows.fins & 2 > 0
    next_fin = _next(fin)
    low_fin, high_fin = _next(low)[:n], _next(high)[:n]
    first_fin = next_fin[row + 1]
    first_fin[rows.left] = np.where(rows.state == OPEN, first_fin[rows.left], rows.left)
    both = np.maximum(np.minimum(first_fin + 1, n), np.maximum(low_fin, high_fin))
    second_fin = next_fin[both]
    second_fin[rows.left] = np.where(rows.state >= BOTH_CLOSED, rows.left, second_fin[rows.left])
    closed = np.minimum(_next(ack)[np.minimum(second_fin + 1, n)], _next(rst)[row + 1])
    closed[rows.left] = np.where(rows.state == OVER, rows.left, closed[rows.left])
    return first_fin, second_fin, closed, low_fin, high_fin


def _fresh(rows: Rows, start: Ints, closed: Ints) -> Mask:
    """Which flows begin a connection, rather than continue one."""
    before = np.append(0, start[:-1])  # the flow before; only asked where it is of the conversation
    previous = rows.time[start - 1]
    left = np.zeros(len(rows.time), np.int64)
    left[rows.left] = rows.last
    is_left = np.zeros(len(rows.time), np.bool_)
    is_left[rows.left] = True
    previous = np.where(is_left[start - 1], left[start - 1], previous)
    protocol = rows.protocol[start]
    silent = rows.time[start] - previous > FLOW_TIMEOUT_US
    again = np.where(protocol == TCP, closed[before] < start, (protocol != UDP) | silent)
    fresh: Mask = (rows.begins[start] | again) & ~is_left[start]
    return fresh


def _mixed_icmp(rows: Rows) -> list[tuple[int, int]]:
    """First and past-the-last row of the ICMP conversations in which both type and code vary."""
    icmp = np.flatnonzero((rows.protocol == ICMP) | (rows.protocol == ICMPV6))
    if not len(icmp):
        return []
    conversation = np.cumsum(rows.begins)[icmp]
    first = np.flatnonzero(np.append(True, conversation[1:] != conversation[:-1]))
    varies = np.ones(len(first), np.bool_)
    for field in rows.kind[icmp].T:
        varies &= np.minimum.reduceat(field, first) < np.maximum.reduceat(field, first)
    last = np.append(first[1:], len(icmp)) - 1
    return [(int(icmp[first[i]]), int(icmp[last[i]]) + 1) for i in np.flatnonzero(varies)]


def _cut_icmp(time: Ints, kinds: NDArray[np.int16]) -> Mask:
    """A packet whose type and code both differ from the first of its flow begins another."""
    cuts = np.zeros(len(time), np.bool_)
    type_, code, since = None, None, -FLOW_TIMEOUT_US
    for i, (now, kind) in enumerate(zip(time.tolist(), kinds.tolist(), strict=True)):
        differs = kind[0] != type_ and kind[1] != code
        if differs or now - since > FLOW_TIMEOUT_US:
            cuts[i] = True
            (type_, code), since = kind, now
    return cuts
