"""The flow meter: IP packets in, one row per bidirectional flow out, with the CICFlowMeter features.

All flows are measured together: packets are put in the order of their flows, and every feature is a
reduction over segments of arrays. Definitions: docs/flow-features.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.acquisition.flow_columns import FLOW_FEATURES, FLOW_IDENTITY
from apps.acquisition.flow_split import (
    ACK,
    CWR,
    ECE,
    FIN,
    PSH,
    RST,
    SYN,
    URG,
    Mask,
    Split,
    split,
)
from apps.acquisition.packets import PORTED, TCP, Ints, Packets, address_text

Floats = NDArray[np.float64]
Features = dict[str, Ints | Floats]

ACTIVITY_TIMEOUT_US = 5_000_000
BULK_GAP_US = 1_000_000
BULK_PACKETS = 4
_TRANSPORTS = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp"}


def meter(packets: Packets) -> pl.DataFrame:
    """Measure every flow of a capture.

    Returns:
        One row per flow in order of its first packet: `FLOW_IDENTITY` (`@timestamp` in microseconds
        UTC; ports are null for protocols without), then `FLOW_FEATURES`, counts as Int64 and means,
        deviations and rates as Float64, never null, NaN or infinite.
    """
    parts = split(packets)
    measured = _Measured.of(packets, parts)
    table = pl.DataFrame({**_identity(packets, parts, measured), **_features(measured)})
    first = pl.Series("first", measured.time_ns[parts.start])
    return table.select(*FLOW_IDENTITY, *FLOW_FEATURES)[first.arg_sort()]


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """Packets in flow order: N packets, K flows; times in microseconds but where said."""

    flows: int
    flow: Ints
    start: Ints
    last: Ints
    forward: Mask
    time: Ints
    time_ns: Ints
    connection_time: Ints
    payload: Ints
    header: Ints
    length: Ints
    flags: NDArray[np.uint8]
    window: Ints
    tcp: Mask
    icmp_type: Ints
    icmp_code: Ints

    @classmethod
    def of(cls, packets: Packets, parts: Split) -> _Measured:
        order, start = parts.order, parts.start
        time_ns = packets.time[order]
        time = time_ns // 1_000
        return cls(
            flows=len(start),
            flow=parts.flow,
            start=start,
            last=np.append(start[1:], len(order))[: len(start)] - 1,
            forward=parts.forward,
            time=time,
            time_ns=time_ns,
            connection_time=time[parts.connection_start],
            payload=packets.payload_length[order],
            header=packets.header_length[order],
            length=packets.length[order],
            flags=packets.tcp_flags[order],
            window=packets.tcp_window[order].astype(np.int64),
            tcp=packets.protocol[order[start]] == TCP,
            icmp_type=packets.icmp_type[order[start]].astype(np.int64),
            icmp_code=packets.icmp_code[order[start]].astype(np.int64),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Summary:
    """Count, sum, extremes, mean and sample deviation (n - 1) of values per flow; zeros if none."""

    count: Ints
    total: Ints
    max: Ints
    min: Ints
    mean: Floats
    std: Floats

    @classmethod
    def of(cls, values: Ints, flow: Ints, flows: int) -> _Summary:
        """Summarise int64[M] whose flows, int64[M], ascend."""
        count, total, most, least = (np.zeros(flows, np.int64) for _ in range(4))
        mean, square = np.zeros(flows), np.zeros(flows)
        if len(values):
            start = np.flatnonzero(np.append(True, flow[1:] != flow[:-1]))
            here = flow[start]
            count[here] = np.diff(np.append(start, len(values)))
            total[here] = np.add.reduceat(values, start)
            most[here] = np.maximum.reduceat(values, start)
            least[here] = np.minimum.reduceat(values, start)
            mean[here] = total[here] / count[here]
            square[here] = np.add.reduceat((values - mean[flow]) ** 2, start)
        return cls(count, total, most, least, mean, np.sqrt(square / np.maximum(count - 1, 1)))


def _identity(packets: Packets, parts: Split, m: _Measured) -> dict[str, pl.Series]:
    first = parts.order[m.start]
    forward = m.forward[m.start]
    source = np.where(forward[:, None], packets.source[first], packets.destination[first])
    target = np.where(forward[:, None], packets.destination[first], packets.source[first])
    ports = packets.source_port[first], packets.destination_port[first]
    protocol = packets.protocol[first]
    has_ports = pl.Series(np.isin(protocol, PORTED))
    names = [_TRANSPORTS.get(number, str(number)) for number in range(256)]
    sent, received = (
        _Summary.of(m.length[side], m.flow[side], m.flows) for side in (m.forward, ~m.forward)
    )

    def port(values: NDArray[np.uint16]) -> pl.Series:
        series = pl.Series(values.astype(np.int64))
        return series.set(~has_ports, None)

    return {
        "@timestamp": pl.Series(m.time[m.start]).cast(pl.Datetime("us", "UTC")),
        "source.ip": _addresses(source),
        "source.port": port(np.where(forward, *ports)),
        "destination.ip": _addresses(target),
        "destination.port": port(np.where(forward, *ports[::-1])),
        "network.transport": pl.Series([names[n] for n in protocol.tolist()], dtype=pl.String),
        "event.duration": pl.Series(m.time_ns[m.last] - m.time_ns[m.start]),
        "network.bytes": pl.Series(sent.total + received.total),
        "network.packets": pl.Series(sent.count + received.count),
        "source.bytes": pl.Series(sent.total),
        "source.packets": pl.Series(sent.count),
        "destination.bytes": pl.Series(received.total),
        "destination.packets": pl.Series(received.count),
    }


def _addresses(addresses: NDArray[np.uint64]) -> pl.Series:
    """uint64[K, 2] → text; each distinct address is written once."""
    order = np.lexsort((addresses[:, 1], addresses[:, 0]))
    sorted_ = addresses[order]
    new = np.append(True, np.any(sorted_[1:] != sorted_[:-1], axis=1))[: len(order)]
    which = np.zeros(len(order), np.int64)
    which[order] = np.cumsum(new) - 1
    return pl.Series(address_text(sorted_[new]), dtype=pl.String).gather(which)


def _features(m: _Measured) -> Features:
    """All of `FLOW_FEATURES`, K values each."""
    duration = m.time[m.last] - m.time[m.start]
    out: Features = {"Flow Duration": duration}
    out |= _lengths(m, duration)
    out |= _gaps(m)
    out |= _flags(m)
    out |= _bulks(m)
    out |= _activity(m)
    out["ICMP Code"], out["ICMP Type"] = m.icmp_code, m.icmp_type
    out["Total TCP Flow Time"] = np.where(m.tcp, m.time[m.last] - m.connection_time, 0)
    return out


def _per(values: Ints | Floats, by: Ints | Floats) -> Floats:
    """values / by, 0 where by is 0."""
    return np.divide(values, by, out=np.zeros(len(values)), where=by > 0)


def _spread(name: str, s: _Summary) -> Features:
    return {
        f"{name} Max": s.max,
        f"{name} Min": s.min,
        f"{name} Mean": s.mean,
        f"{name} Std": s.std,
    }


def _lengths(m: _Measured, duration: Ints) -> Features:
    """Payload bytes per packet, header bytes, and what is derived from them."""
    whole = _Summary.of(m.payload, m.flow, m.flows)
    seconds = duration / 1e6
    out: Features = {
        **_spread("Packet Length", whole),
        "Packet Length Variance": whole.std**2,
        "Flow Bytes/s": _per(whole.total, seconds),
        "Flow Packets/s": _per(whole.count, seconds),
        "Average Packet Size": whole.mean,
    }
    sides = {}
    for side, names, mask in (
        ("Fwd", ("Total Fwd Packet", "Total Length of Fwd Packet"), m.forward),
        ("Bwd", ("Total Bwd packets", "Total Length of Bwd Packet"), ~m.forward),
    ):
        payload = sides[side] = _Summary.of(m.payload[mask], m.flow[mask], m.flows)
        header = _Summary.of(m.header[mask], m.flow[mask], m.flows)
        out |= _spread(f"{side} Packet Length", payload)
        out[names[0]], out[names[1]] = payload.count, payload.total
        out[f"{side} Packets/s"] = _per(payload.count, seconds)
        out[f"{side} Segment Size Avg"] = payload.mean
        out[f"{side} Header Length"] = header.total
        # the extractor starts a subflow at every packet, and rounds down
        out[f"Subflow {side} Packets"] = payload.count // np.maximum(whole.count, 1)
        out[f"Subflow {side} Bytes"] = payload.total // np.maximum(whole.count, 1)
        if side == "Fwd":
            out["Fwd Seg Size Min"] = header.min
    out["Down/Up Ratio"] = _per(sides["Bwd"].count, sides["Fwd"].count)

    with_data = m.forward & (m.payload > 0)
    with_data[m.start] = False  # the extractor does not ask the packet that opens the flow
    out["Fwd Act Data Pkts"] = np.bincount(m.flow[with_data], minlength=m.flows)
    out["FWD Init Win Bytes"] = np.where(m.forward[m.start], m.window[m.start], 0)
    backward = np.flatnonzero(~m.forward)
    out["Bwd Init Win Bytes"] = np.zeros(m.flows, np.int64)
    out["Bwd Init Win Bytes"][m.flow[backward]] = m.window[backward]  # the last one stays
    return out


def _gaps(m: _Measured) -> Features:
    """Microseconds between one packet and the next, of the flow and of each side."""
    out: Features = {}
    sides = {"Flow": np.ones(len(m.flow), np.bool_), "Fwd": m.forward, "Bwd": ~m.forward}
    for side, mask in sides.items():
        flow = m.flow[mask]
        inside = flow[1:] == flow[:-1]
        gap = _Summary.of(np.diff(m.time[mask])[inside], flow[1:][inside], m.flows)
        out |= _spread(f"{side} IAT", gap)
        out[f"{side} IAT Total"] = gap.total
    return out


def _flags(m: _Measured) -> Features:
    """How many packets carry each TCP flag."""

    def count(flag: int, mask: Mask | None = None) -> Ints:
        carried = m.flags & flag > 0
        return np.bincount(m.flow[carried if mask is None else carried & mask], minlength=m.flows)

    names = {"FIN": FIN, "SYN": SYN, "RST": RST, "PSH": PSH, "ACK": ACK, "URG": URG}
    names |= {"CWR": CWR, "ECE": ECE}
    out: Features = {f"{name} Flag Count": count(flag) for name, flag in names.items()}
    for name in ("PSH", "URG", "RST"):
        out[f"Fwd {name} Flags"] = count(names[name], m.forward)
        out[f"Bwd {name} Flags"] = count(names[name], ~m.forward)
    return out


def _bulks(m: _Measured) -> Features:
    """Bulks: four or more packets with data from one side, none from the other between them, each
    within a second of the one before."""
    data = np.flatnonzero(m.payload > 0)
    flow, forward, time = m.flow[data], m.forward[data], m.time[data]
    new = np.ones(len(data), np.bool_)
    new[1:] = (flow[1:] != flow[:-1]) | (forward[1:] != forward[:-1])
    new[1:] |= np.diff(time) > BULK_GAP_US
    first = np.flatnonzero(new)
    count = np.diff(np.append(first, len(data)))
    size = np.add.reduceat(m.payload[data], first) if len(first) else count
    took = time[first + count - 1] - time[first]
    bulk = count >= BULK_PACKETS
    out: Features = {}
    for side, sent in (("Fwd", forward[first]), ("Bwd", ~forward[first])):
        which = bulk & sent
        flow_of = flow[first[which]]

        def total(values: Ints, flow_of: Ints = flow_of) -> Ints:
            return _Summary.of(values, flow_of, m.flows).total

        bulks = np.maximum(np.bincount(flow_of, minlength=m.flows), 1)
        size_total, took_total = total(size[which]), total(took[which])
        out[f"{side} Bytes/Bulk Avg"] = size_total // bulks
        out[f"{side} Packet/Bulk Avg"] = total(count[which]) // bulks
        out[f"{side} Bulk Rate Avg"] = _per(size_total, took_total / 1e6).astype(np.int64)
    return out


def _activity(m: _Measured) -> Features:
    """Silences longer than the activity timeout, and the busy times that such silences ended."""
    if not len(m.time):
        return _spread("Active", empty := _Summary.of(m.time, m.flow, 0)) | _spread("Idle", empty)
    gap = np.diff(m.time)
    idle = (gap > ACTIVITY_TIMEOUT_US) & (m.flow[1:] == m.flow[:-1])
    idle_end = np.flatnonzero(idle) + 1
    begins = np.zeros(len(m.time), np.bool_)
    begins[m.start] = True
    begins[idle_end] = True
    busy_since = m.time[np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))]
    busy = (m.time - busy_since)[idle_end - 1]
    active = busy > 0
    return {
        **_spread("Active", _Summary.of(busy[active], m.flow[idle_end[active]], m.flows)),
        **_spread("Idle", _Summary.of(gap[idle], m.flow[idle_end], m.flows)),
    }
