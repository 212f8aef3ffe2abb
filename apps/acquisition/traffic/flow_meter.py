"""The flow meter: IP packets in, one row per bidirectional flow out, with the CICFlowMeter features.

All flows of a part of a capture are measured together: packets are put in the order of their flows,
and every feature is a reduction over segments of arrays. Of a flow that is still open at the end of a
part one row of numbers is kept (`flow_state`), so that memory is bounded by how many are open, not
by the capture. Definitions: docs/flow-features.md.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.acquisition.traffic import conversations, flow_state
from apps.acquisition.traffic.conversations import Conversations
from apps.acquisition.traffic.flow_columns import FLOW_FEATURES, FLOW_IDENTITY
from apps.acquisition.traffic.flow_features import Ended, features
from apps.acquisition.traffic.flow_split import FLOW_TIMEOUT_US, OVER, Rows, Split, split
from apps.acquisition.traffic.flow_state import NEVER, FlowPackets, Flows
from apps.acquisition.traffic.packets import (
    PORTED,
    TCP,
    UDP,
    Counts,
    Ints,
    Mask,
    Packets,
    address_text,
)

MOST_OPEN = 131_072
"""Conversations remembered at once; beyond that the ones that were silent longest are forgotten."""

_AT_ONCE = 16_384  # flows that end with the capture, made into rows together

_TRANSPORTS = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp"}
_COLUMNS = ("number", *FLOW_IDENTITY, *FLOW_FEATURES)
_TRANSPORT_NAMES = [_TRANSPORTS.get(number, str(number)) for number in range(256)]


class FlowMeter:
    """Measures the flows of a capture, part after part.

    Attributes:
        connection: int64[N], of each packet added last a number that the packets of one connection
            share and no others do.
        from_low: bool[N], whether the lower of the two ends sent it.
    """

    def __init__(self, counts: Counts | None = None, most_open: int = MOST_OPEN) -> None:
        self.counts = Counts() if counts is None else counts
        self.most_open = most_open
        self.connection = np.zeros(0, np.int64)
        self.from_low = np.zeros(0, np.bool_)
        self._kept = Conversations()
        self._number = 0
        self._over: list[tuple[Flows, list[bytes]]] = []

    def add(self, packets: Packets, epoch: Ints | None = None) -> pl.DataFrame:
        """Take packets, which are in order of time and behind all earlier ones; returns the flows
        that are over, as `finish` does, in no order."""
        if len(packets):
            epoch = np.zeros(len(packets), np.int64) if epoch is None else epoch
            self._measure(packets, epoch)
            self._number += len(packets)
            self._time_out(int(packets.time[-1]) // 1_000, int(epoch[-1]))
            self._forget_some()
        return self._table()

    def finish(self) -> pl.DataFrame:
        """The flows that are still open, which end with the capture.

        Returns:
            One row per flow: `number`, the place of its first packet among all; `FLOW_IDENTITY`
            (`@timestamp` in microseconds UTC; ports are null for protocols without), then
            `FLOW_FEATURES`, counts as Int64 and means, deviations and rates as Float64, never null,
            NaN or infinite.
        """
        tables = [_no_flows()]
        slots = np.flatnonzero(self._kept.used)
        for first in range(0, len(slots), _AT_ONCE):
            self._leave(slots[first : first + _AT_ONCE])
            tables.append(self._table())
        return pl.concat(tables, rechunk=False)

    def _measure(self, packets: Packets, epoch: Ints) -> None:
        keys, self.from_low = conversations.keys_of(packets, epoch)
        order, begins = conversations.gathered(keys)
        first = np.flatnonzero(begins)
        names = conversations.names_of(keys[order[first]])
        slots = self._kept.find(names)
        known = np.flatnonzero(slots >= 0)
        left = self._kept.flows.take(slots[known])

        rows, place = _rows(packets, order, begins, self.from_low, known, left)
        parts = split(rows)
        count = len(parts.start)
        flow = np.repeat(np.arange(count), np.diff(np.append(parts.start, len(rows.begins))))
        of_left = flow[rows.left]
        conversation = (np.cumsum(rows.begins) - 1)[parts.start]

        before = flow_state.nothing(count)
        before.table[:, of_left] = left.table
        is_left = np.zeros(count, np.bool_)
        is_left[of_left] = True
        p = _flow_packets(packets, order, flow[place], self.from_low, self._number)
        after = flow_state.extend(before, is_left, p)
        _connect(after, parts, is_left)
        self.connection = np.empty(len(packets), np.int64)
        self.connection[order] = after["connection number"][p.flow]

        goes_on = np.append(conversation[1:] != conversation[:-1], True)
        over = ~goes_on
        over[of_left] &= self._kept.live[slots[known]]
        which = np.flatnonzero(over)
        self._over.append((after.take(which), [names[i] for i in conversation[which].tolist()]))
        which = np.flatnonzero(goes_on)  # one of each conversation, in their order
        open_ = after.take(which)
        open_["state"], open_["fins"] = parts.state[which], parts.fins[which]
        self._kept.keep(names, slots, open_)

    def _time_out(self, now: int, epoch: int) -> None:
        """End what no later packet can be part of, and forget what none can continue."""
        kept = self._kept
        first, last = (kept.flows[name] // 1_000 for name in ("first ns", "last ns"))
        stale = kept.epoch < epoch
        late = kept.used & (stale | (now - first > FLOW_TIMEOUT_US))
        slots = np.flatnonzero(kept.live & late)
        if len(slots):
            flows = kept.flows.take(slots)
            self._over.append((flows, kept.names(slots)))
            kept.flows["direction"][slots] = _direction(flows)
            kept.live[slots] = False
        continued = (kept.protocol == TCP) & (kept.flows["state"] != OVER)
        continued |= (kept.protocol == UDP) & (now - last <= FLOW_TIMEOUT_US)
        kept.forget(np.flatnonzero(late & (stale | ~continued)))

    def _forget_some(self) -> None:
        """Forget the conversations that were silent longest, where there are too many."""
        excess = len(self._kept) - self.most_open
        if excess <= 0:
            return
        slots = np.flatnonzero(self._kept.used)
        last = self._kept.flows["last ns"][slots]
        slots = slots[np.argpartition(last, excess - 1)[:excess]]
        self.counts.evicted += int(np.count_nonzero(self._kept.live[slots]))
        self._leave(slots)

    def _leave(self, slots: Ints) -> None:
        live = slots[self._kept.live[slots]]
        self._over.append((self._kept.flows.take(live), self._kept.names(live)))
        self._kept.forget(slots)

    def _table(self) -> pl.DataFrame:
        if not any(names for _, names in self._over):
            self._over = []
            return _no_flows()
        flows = np.concatenate([each.table for each, _ in self._over], axis=1)
        names = [name for _, names in self._over for name in names]
        self._over = []
        return _table(Flows(flows), names)


def in_order(tables: list[pl.DataFrame]) -> pl.DataFrame:
    """Tables of `FlowMeter` as one, in the order of the flows' first packets."""
    return pl.concat(tables).sort("number").drop("number")


def _rows(
    packets: Packets, order: Ints, begins: Mask, from_low: Mask, known: Ints, left: Flows
) -> tuple[Rows, Ints]:
    """The packets in their `order`, with a row in front of the conversations that are `known`; and
    where among these rows the packets are."""
    first = np.flatnonzero(begins)
    before = np.zeros(len(first), np.int64)
    before[known] = 1
    before = np.cumsum(before)
    size = np.diff(np.append(first, len(order)))
    place = np.arange(len(order)) + np.repeat(before, size)
    at = first[known] + np.arange(len(known))
    n = len(order) + len(known)

    def spread(values: NDArray[Any], of_left: object) -> NDArray[Any]:
        out = np.empty((n, *values.shape[1:]), values.dtype)
        out[place], out[at] = values[order], of_left
        return out

    begin = np.zeros(n, np.bool_)
    begin[first + before - np.isin(np.arange(len(first)), known)] = True
    kind = np.stack([packets.icmp_type, packets.icmp_code], axis=1)
    left_kind = np.stack([left["type"], left["code"]], axis=1)
    rows = Rows(
        begins=begin,
        time=spread(packets.time // 1_000, left["first ns"] // 1_000),
        protocol=spread(packets.protocol, packets.protocol[order[first[known]]]),
        flags=spread(packets.tcp_flags, 0),
        from_low=spread(from_low, False),
        kind=spread(kind, left_kind),
        left=at,
        last=left["last ns"] // 1_000,
        state=left["state"],
        fins=left["fins"],
    )
    return rows, place


def _flow_packets(
    packets: Packets, order: Ints, flow: Ints, from_low: Mask, number: int
) -> FlowPackets:
    time_ns = packets.time[order]
    return FlowPackets(
        flow=flow,
        low=from_low[order],
        time=time_ns // 1_000,
        time_ns=time_ns,
        number=order + number,
        payload=packets.payload_length[order],
        header=packets.header_length[order],
        length=packets.length[order],
        flags=packets.tcp_flags[order],
        window=packets.tcp_window[order].astype(np.int64),
        type=packets.icmp_type[order].astype(np.int64),
        code=packets.icmp_code[order].astype(np.int64),
    )


def _connect(flows: Flows, parts: Split, is_left: Mask) -> None:
    """Fill in which connection each flow is of, when that began, and who opened it where that is
    decided, which is when its first flow is over."""
    fresh = np.flatnonzero(parts.fresh)
    flows["connection"][fresh] = flows["first ns"][fresh] // 1_000
    flows["connection number"][fresh] = flows["number"][fresh]
    root = np.where(parts.fresh | is_left, np.arange(len(flows)), 0)
    root = np.maximum.accumulate(root)
    more = np.flatnonzero(root != np.arange(len(flows)))
    for name in ("connection", "connection number"):
        flows[name][more] = flows[name][root[more]]
    flows["direction"][more] = _direction(flows)[root[more]]


def _direction(flows: Flows) -> Ints:
    """1 where the lower end is the source, else 0: the end that sent the first SYN, or received it
    with an ACK; without a SYN, the end that sent the first packet."""
    own = np.where(flows["opener"] == NEVER, flows["from low"], flows["opener"])
    return np.where(flows["direction"] == NEVER, own, flows["direction"])


@cache
def _no_flows() -> pl.DataFrame:
    return _table(flow_state.nothing(0), [])


def _table(flows: Flows, names: list[bytes]) -> pl.DataFrame:
    flow_state.end(flows)
    keys = conversations.keys_named(names)
    protocol = conversations.protocol_of(keys)
    ended = Ended(flows, _direction(flows) == 1)
    columns = {"number": flows["number"], **_identity(ended, keys, protocol)}
    columns |= features(ended, protocol == TCP)
    return pl.DataFrame({name: columns[name] for name in _COLUMNS})


def _identity(flows: Ended, keys: conversations.Keys, protocol: Ints) -> dict[str, pl.Series]:
    forward, state = flows.forward, flows.state
    low, high = keys[:, :2], keys[:, 2:4]
    low_port, high_port = conversations.ports_of(keys)
    has_ports = pl.Series(np.isin(protocol, PORTED))
    sent, received = flows.sides("length")
    packets, answers = (spread.count for spread in flows.spreads("payload"))

    def port(values: Ints) -> pl.Series:
        return pl.Series(values).set(~has_ports, None)

    transports = [_TRANSPORT_NAMES[number] for number in protocol.tolist()]
    return {
        "@timestamp": pl.Series(state["first ns"] // 1_000).cast(pl.Datetime("us", "UTC")),
        "source.ip": _addresses(np.where(forward[:, None], low, high)),
        "source.port": port(np.where(forward, low_port, high_port)),
        "destination.ip": _addresses(np.where(forward[:, None], high, low)),
        "destination.port": port(np.where(forward, high_port, low_port)),
        "network.transport": pl.Series(transports, dtype=pl.String),
        "event.duration": pl.Series(state["last ns"] - state["first ns"]),
        "network.bytes": pl.Series(sent + received),
        "network.packets": pl.Series(packets + answers),
        "source.bytes": pl.Series(sent),
        "source.packets": pl.Series(packets),
        "destination.bytes": pl.Series(received),
        "destination.packets": pl.Series(answers),
    }


def _addresses(addresses: NDArray[np.uint64]) -> pl.Series:
    """uint64[K, 2] → text; each distinct address is written once."""
    order = np.lexsort((addresses[:, 1], addresses[:, 0]))
    sorted_ = addresses[order]
    new = np.append(True, np.any(sorted_[1:] != sorted_[:-1], axis=1))[: len(order)]
    which = np.zeros(len(order), np.int64)
    which[order] = np.cumsum(new) - 1
    return pl.Series(address_text(sorted_[new]), dtype=pl.String).gather(which)
