"""What is known of a flow so far, as one row of whole numbers, and how a later part adds to it.

Sums, extremes and the like are kept of each of the two ends, the lower (0) and the higher (1): which
of them started the flow may be known only at its end. Whole numbers, because sums of them do not
depend on the parts they were made in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.acquisition.traffic.flow_split import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG
from apps.acquisition.traffic.packets import Ints, Mask

NEVER = -1
"""Of times, windows and sides: there was none."""

ACTIVITY_TIMEOUT_US = 5_000_000
BULK_GAP_US = 1_000_000
BULK_PACKETS = 4

FLAGS = {"FIN": FIN, "SYN": SYN, "RST": RST, "PSH": PSH, "ACK": ACK, "URG": URG}
FLAGS |= {"CWR": CWR, "ECE": ECE}
_HUGE = 1 << 62
_SPREADS = ("payload 0", "payload 1", "gap", "gap 0", "gap 1", "active", "idle")


def _per_side(*names: str) -> list[str]:
    return [f"{name} {side}" for name in names for side in (0, 1)]


ADDED = [f"{name} {what}" for name in _SPREADS for what in ("count", "total", "squares")]
ADDED += _per_side("header", "length", "data", *FLAGS)
ADDED += _per_side("bulks", "bulk packets", "bulk bytes", "bulk time")
GREATEST = [f"{name} max" for name in _SPREADS]
LEAST = [f"{name} min" for name in _SPREADS] + _per_side("least header")
FIRST = ["number", "first ns", "connection", "connection number", "direction", "opener"]
FIRST += ["from low", "window", "type", "code"]
LAST = ["last ns", *_per_side("last", "last window"), "busy since", "state", "fins"]
LAST += ["run side", "run packets", "run bytes", "run first", "run last"]
_GROUPS = {"added": ADDED, "greatest": GREATEST, "least": LEAST, "first": FIRST, "last": LAST}

NAMES = [name for group in _GROUPS.values() for name in group]
"""Columns of a state. Beside those that say it themselves:

number, first ns, last ns: place of the first packet in the order of time, when it and the last came.
connection, connection number: of the first packet of the connection, in microseconds; direction: which end opened it (1 the lower),
NEVER while its first flow is open; opener: likewise, what the first SYN of the flow says.
from low, window, type, code: of the first packet whether the lower end sent it, TCP window, ICMP.
data: packets with payload, the first of the flow not counted.
last, last window: of each end the time and the window of its last packet.
busy since: when the flow was last taken up again after a silence.
state, fins: as in `flow_split.Rows`.
run …: the last packets with payload from one end (0 the lower) and none from the other in between, which may become a bulk.
"""
COLUMN = {name: number for number, name in enumerate(NAMES)}
_STARTS = np.cumsum([0, *map(len, _GROUPS.values())]).tolist()
_SLICES = {name: slice(*_STARTS[i : i + 2]) for i, name in enumerate(_GROUPS)}


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """K states, int64[len(NAMES), K]; `flows["name"]` is what all of them have of one name."""

    table: Ints

    def __getitem__(self, name: str) -> Ints:
        values: Ints = self.table[COLUMN[name]]
        return values

    def __setitem__(self, name: str, values: Ints | int) -> None:
        self.table[COLUMN[name]] = values

    def __len__(self) -> int:
        return int(self.table.shape[1])

    def take(self, rows: Ints) -> Flows:
        return Flows(np.take(self.table, rows, axis=1))


def nothing(flows: int) -> Flows:
    """States of flows of which nothing is known."""
    table = np.zeros((len(NAMES), flows), np.int64)
    table[_SLICES["greatest"]] = NEVER
    table[_SLICES["least"]] = _HUGE
    table[_SLICES["first"]] = NEVER
    table[_SLICES["last"]] = NEVER
    return Flows(table)


@dataclass(frozen=True, slots=True, eq=False)
class FlowPackets:
    """N packets in order of their flows, and within a flow in order of time, of K flows.

    `flow` int64[N] ascends; `low` says that the lower end sent a packet; times in microseconds.
    """

    flow: Ints
    low: Mask
    time: Ints
    time_ns: Ints
    number: Ints
    payload: Ints
    header: Ints
    length: Ints
    flags: NDArray[np.uint8]
    window: Ints
    type: Ints
    code: Ints


def extend(before: Flows, known: Mask, p: FlowPackets) -> Flows:
    """The states `before`, K of which those not `known` are new flows, after the packets `p`."""
    state = Flows(before.table.copy())
    if not len(p.flow):
        return state
    first = np.flatnonzero(np.append(True, p.flow[1:] != p.flow[:-1]))
    flow = p.flow[first]  # of which there are packets
    last = np.append(first[1:], len(p.flow)) - 1
    new = ~known[flow]
    _begin(state, flow[new], first[new], p)

    syn = np.flatnonzero(p.flags & SYN > 0)
    opening = syn[np.append(True, p.flow[syn[1:]] != p.flow[syn[:-1]])[: len(syn)]]
    of = p.flow[opening]
    opener = (p.low[opening] ^ (p.flags[opening] & ACK > 0)).astype(np.int64)
    told = state["opener"]
    told[of] = np.where(told[of] == NEVER, opener, told[of])

    before_last = np.where(known, _microseconds(before["last ns"]), NEVER)
    gap, idle = _gaps(p.time, first, before_last[flow])
    _spread(state, "gap", gap, p.flow)
    _activity(state, before, known, p, first, gap, idle)
    for side, rows in enumerate((np.flatnonzero(p.low), np.flatnonzero(~p.low))):
        _side(state, side, rows, p)
    counted = p.payload > 0
    counted[first[new]] = False  # the extractor does not ask the packet that opens the flow
    for side, mask in enumerate((p.low, ~p.low)):
        state[f"data {side}"] += np.bincount(p.flow[counted & mask], minlength=len(state))
    _bulks(state, p)
    state["last ns"][flow] = p.time_ns[last]
    return state


def _microseconds(ns: Ints) -> Ints:
    return ns // 1_000


def _begin(state: Flows, flow: Ints, first: Ints, p: FlowPackets) -> None:
    for name, values in (
        ("number", p.number),
        ("first ns", p.time_ns),
        ("busy since", p.time),
        ("from low", p.low),
        ("window", p.window),
        ("type", p.type),
        ("code", p.code),
    ):
        state[name][flow] = values[first]


def _gaps(time: Ints, first: Ints, before: Ints) -> tuple[Ints, Mask]:
    """Time since the packet before of the same flow, NEVER where there is none; and which of the
    gaps are silences. `first` packets of flows follow what came at `before`."""
    gap = np.diff(time, prepend=0)
    gap[first] = np.where(before == NEVER, NEVER, time[first] - before)
    return gap, gap > ACTIVITY_TIMEOUT_US


def _spread(state: Flows, name: str, values: Ints, flow: Ints) -> None:
    """Add values that are not NEVER; `flow` ascends."""
    there = values != NEVER
    if not there.all():
        values, flow = values[there], flow[there]
    if not len(values):
        return
    start = np.flatnonzero(np.append(True, flow[1:] != flow[:-1]))
    of = flow[start]
    state[f"{name} count"][of] += np.diff(np.append(start, len(flow)))
    state[f"{name} total"][of] += np.add.reduceat(values, start)
    state[f"{name} squares"][of] += np.add.reduceat(values * values, start)
    most, least = state[f"{name} max"], state[f"{name} min"]
    most[of] = np.maximum(most[of], np.maximum.reduceat(values, start))
    least[of] = np.minimum(least[of], np.minimum.reduceat(values, start))


def _side(state: Flows, side: int, rows: Ints, p: FlowPackets) -> None:
    """What one end sent."""
    if not len(rows):
        return
    flow = p.flow[rows]
    start = np.flatnonzero(np.append(True, flow[1:] != flow[:-1]))
    of, end = flow[start], np.append(start[1:], len(flow)) - 1
    _spread(state, f"payload {side}", p.payload[rows], flow)
    time = p.time[rows]
    gap, _ = _gaps(time, start, state[f"last {side}"][of])
    _spread(state, f"gap {side}", gap, flow)
    header = p.header[rows]
    state[f"header {side}"][of] += np.add.reduceat(header, start)
    state[f"length {side}"][of] += np.add.reduceat(p.length[rows], start)
    least = state[f"least header {side}"]
    least[of] = np.minimum(least[of], np.minimum.reduceat(header, start))
    state[f"last {side}"][of] = time[end]
    state[f"last window {side}"][of] = p.window[rows[end]]
    flags = p.flags[rows]
    for name, flag in FLAGS.items():
        carried = flow[flags & flag > 0]
        if len(carried):
            state[f"{name} {side}"] += np.bincount(carried, minlength=len(state))


def _activity(
    state: Flows, before: Flows, known: Mask, p: FlowPackets, first: Ints, gap: Ints, idle: Mask
) -> None:
    """Silences longer than the activity timeout, and the busy times that such silences ended."""
    since = p.time.copy()
    flow = p.flow[first]
    goes_on = known[flow] & ~idle[first]
    since[first[goes_on]] = before["busy since"][flow[goes_on]]
    begins = idle.copy()
    begins[first] = True
    mark = np.flatnonzero(begins)
    since = np.repeat(since[mark], np.diff(np.append(mark, len(since))))
    last = np.append(first[1:], len(since)) - 1
    rows = np.flatnonzero(idle)
    if len(rows):
        # a silence in front of the first packet of this part ended what was busy before it
        in_front = np.zeros(len(since), np.bool_)
        in_front[first] = True
        busy = (
            p.time[rows]
            - gap[rows]
            - np.where(in_front[rows], before["busy since"][p.flow[rows]], since[rows - 1])
        )
        _spread(state, "idle", gap[rows], p.flow[rows])
        _spread(state, "active", np.where(busy > 0, busy, NEVER), p.flow[rows])
    state["busy since"][flow] = since[last]


def _bulks(state: Flows, p: FlowPackets) -> None:
    """Bulks: four or more packets with payload from one end, none from the other between them, each
    within a second of the one before. The last run of a flow stays open."""
    data = np.flatnonzero(p.payload > 0)
    if not len(data):
        return
    open_ = np.flatnonzero(state["run packets"] > 0)
    open_ = open_[np.isin(open_, p.flow[data])]
    left = state.take(open_)
    flow = np.concatenate([open_, p.flow[data]])
    order = np.argsort(flow, kind="stable")
    flow = flow[order]
    ones = np.ones(len(data), np.int64)
    side, packets, size, begin, end = (
        np.concatenate(both)[order]
        for both in (
            (left["run side"], (~p.low[data]).astype(np.int64)),
            (left["run packets"], ones),
            (left["run bytes"], p.payload[data]),
            (left["run first"], p.time[data]),
            (left["run last"], p.time[data]),
        )
    )
    new = np.ones(len(flow), np.bool_)
    new[1:] = (flow[1:] != flow[:-1]) | (side[1:] != side[:-1])
    new[1:] |= begin[1:] - end[:-1] > BULK_GAP_US
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(flow)) - 1
    side, of = side[first], flow[first]
    packets, size = np.add.reduceat(packets, first), np.add.reduceat(size, first)
    begin, end = begin[first], end[last]
    goes_on = np.append(of[1:] != of[:-1], True)
    _count_bulks(state, of, side, packets, size, end - begin, ~goes_on)
    of = of[goes_on]
    for name, values in (
        ("run side", side),
        ("run packets", packets),
        ("run bytes", size),
        ("run first", begin),
        ("run last", end),
    ):
        state[name][of] = values[goes_on]


def _count_bulks(
    state: Flows, of: Ints, side: Ints, packets: Ints, size: Ints, took: Ints, done: Mask
) -> None:
    bulk = done & (packets >= BULK_PACKETS)
    for end in (0, 1):
        rows = np.flatnonzero(bulk & (side == end))
        if not len(rows):
            continue
        np.add.at(state[f"bulks {end}"], of[rows], 1)
        np.add.at(state[f"bulk packets {end}"], of[rows], packets[rows])
        np.add.at(state[f"bulk bytes {end}"], of[rows], size[rows])
        np.add.at(state[f"bulk time {end}"], of[rows], took[rows])


def end(state: Flows) -> None:
    """Close what is open in flows that are over: the run of packets that may be a bulk."""
    all_ = np.arange(len(state))
    took = state["run last"] - state["run first"]
    done = np.ones(len(state), np.bool_)
    run = state["run side"], state["run packets"], state["run bytes"]
    _count_bulks(state, all_, *run, took, done)
    state["run packets"] = 0
