"""From the state of a flow that is over to its features, as docs/flow-features.md defines them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.acquisition.traffic.flow_state import FLAGS, NEVER, Flows
from apps.acquisition.traffic.packets import Ints, Mask

Floats = NDArray[np.float64]
Features = dict[str, Ints | Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Ended:
    """K flows that are over; `sides["name"]` gives what their source and their other end have.

    `forward` bool[K] says that the lower end is the source.
    """

    state: Flows
    forward: Mask

    def sides(self, name: str) -> tuple[Ints, Ints]:
        low, high = self.state[f"{name} 0"], self.state[f"{name} 1"]
        return np.where(self.forward, low, high), np.where(self.forward, high, low)

    def spreads(self, name: str) -> tuple[Spread, Spread]:
        """Of a quantity that each end has its own of."""
        names = ("count", "total", "squares", "max", "min")
        columns = [[self.state[f"{name} {side} {what}"] for what in names] for side in (0, 1)]
        low, high = columns
        both = list(zip(low, high, strict=True))
        return (
            Spread(*(np.where(self.forward, a, b) for a, b in both)),
            Spread(*(np.where(self.forward, b, a) for a, b in both)),
        )

    def spread(self, name: str) -> Spread:
        return Spread(
            *(self.state[f"{name} {what}"] for what in ("count", "total", "squares", "max", "min"))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How a quantity spreads over the packets of K flows; zeros where there is nothing."""

    count: Ints
    total: Ints
    squares: Ints
    most: Ints
    least: Ints

    def __add__(self, other: Spread) -> Spread:
        return Spread(
            self.count + other.count,
            self.total + other.total,
            self.squares + other.squares,
            np.maximum(self.most, other.most),
            np.minimum(self.least, other.least),
        )

    def mean(self) -> Floats:
        return _per(self.total, self.count)

    def variance(self) -> Floats:
        """Of a sample (n - 1): (n Σx² - (Σx)²) / (n (n - 1)), the difference without rounding."""
        high, low = _product(self.count, self.squares)
        less_high, less_low = _product(self.total, self.total)
        borrow = (low < less_low).astype(np.uint64)
        rest = (high - less_high - borrow).astype(np.float64) * 2.0**64 + (low - less_low)
        pairs = self.count.astype(np.float64) * np.maximum(self.count - 1, 1)
        return _per(rest, pairs)

    def features(self, name: str) -> Features:
        some = self.count > 0
        return {
            f"{name} Max": np.where(some, self.most, 0),
            f"{name} Min": np.where(some, self.least, 0),
            f"{name} Mean": self.mean(),
            f"{name} Std": np.sqrt(self.variance()),
        }


def _product(a: Ints, b: Ints) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """High and low half of the product of two whole numbers that are not negative."""
    half, mask = np.uint64(32), np.uint64(0xFFFF_FFFF)
    a_, b_ = a.astype(np.uint64), b.astype(np.uint64)
    a_high, a_low, b_high, b_low = a_ >> half, a_ & mask, b_ >> half, b_ & mask
    low = a_low * b_low
    middle = a_high * b_low + (low >> half)
    other = a_low * b_high + (middle & mask)
    return a_high * b_high + (middle >> half) + (other >> half), (other << half) | (low & mask)


def _per(values: Ints | Floats, by: Ints | Floats) -> Floats:
    """values / by, 0 where by is 0."""
    return np.divide(values, by, out=np.zeros(len(values)), where=by > 0)


def features(flows: Ended, tcp: Mask) -> Features:
    """All of `FLOW_FEATURES`, K values each; `tcp` says which flows are TCP."""
    state = flows.state
    first, last = state["first ns"] // 1_000, state["last ns"] // 1_000
    out: Features = {"Flow Duration": last - first}
    out |= _lengths(flows, last - first)
    out |= _gaps(flows)
    out |= _flags(flows)
    out |= _bulks(flows)
    out |= flows.spread("active").features("Active") | flows.spread("idle").features("Idle")
    out["ICMP Code"], out["ICMP Type"] = state["code"], state["type"]
    out["Total TCP Flow Time"] = np.where(tcp, last - state["connection"], 0)
    return out


def _lengths(flows: Ended, duration: Ints) -> Features:
    """Payload bytes per packet, header bytes, and what is derived from them."""
    state = flows.state
    payloads = flows.spreads("payload")
    whole = payloads[0] + payloads[1]
    seconds = duration / 1e6
    out: Features = {
        **whole.features("Packet Length"),
        "Packet Length Variance": whole.variance(),
        "Flow Bytes/s": _per(whole.total, seconds),
        "Flow Packets/s": _per(whole.count, seconds),
        "Average Packet Size": whole.mean(),
    }
    for side, names, payload, header in zip(
        ("Fwd", "Bwd"),
        (
            ("Total Fwd Packet", "Total Length of Fwd Packet"),
            ("Total Bwd packets", "Total Length of Bwd Packet"),
        ),
        payloads,
        flows.sides("header"),
        strict=True,
    ):
        out |= payload.features(f"{side} Packet Length")
        out[names[0]], out[names[1]] = payload.count, payload.total
        out[f"{side} Packets/s"] = _per(payload.count, seconds)
        out[f"{side} Segment Size Avg"] = payload.mean()
        out[f"{side} Header Length"] = header
        # the extractor starts a subflow at every packet, and rounds down
        out[f"Subflow {side} Packets"] = payload.count // np.maximum(whole.count, 1)
        out[f"Subflow {side} Bytes"] = payload.total // np.maximum(whole.count, 1)
    out["Fwd Seg Size Min"] = np.where(payloads[0].count > 0, flows.sides("least header")[0], 0)
    out["Down/Up Ratio"] = _per(payloads[1].count, payloads[0].count)
    out["Fwd Act Data Pkts"] = flows.sides("data")[0]
    from_source = (state["from low"] == 1) == flows.forward
    out["FWD Init Win Bytes"] = np.where(from_source, state["window"], 0)
    last_window = flows.sides("last window")[1]
    out["Bwd Init Win Bytes"] = np.where(last_window == NEVER, 0, last_window)  # the last one stays
    return out


def _gaps(flows: Ended) -> Features:
    """Microseconds between one packet and the next, of the flow and of each side."""
    out: Features = {}
    for side, gap in zip(
        ("Flow", "Fwd", "Bwd"), (flows.spread("gap"), *flows.spreads("gap")), strict=True
    ):
        out |= gap.features(f"{side} IAT")
        out[f"{side} IAT Total"] = gap.total
    return out


def _flags(flows: Ended) -> Features:
    """How many packets carry each TCP flag."""
    out: Features = {}
    for name in FLAGS:
        forward, backward = flows.sides(name)
        out[f"{name} Flag Count"] = forward + backward
        if name in ("PSH", "URG", "RST"):
            out[f"Fwd {name} Flags"], out[f"Bwd {name} Flags"] = forward, backward
    return out


def _bulks(flows: Ended) -> Features:
    out: Features = {}
    packets, size, took = (flows.sides(f"bulk {what}") for what in ("packets", "bytes", "time"))
    for number, (side, count) in enumerate(zip(("Fwd", "Bwd"), flows.sides("bulks"), strict=True)):
        bulks = np.maximum(count, 1)
        out[f"{side} Bytes/Bulk Avg"] = size[number] // bulks
        out[f"{side} Packet/Bulk Avg"] = packets[number] // bulks
        out[f"{side} Bulk Rate Avg"] = _per(size[number], took[number] / 1e6).astype(np.int64)
    return out
