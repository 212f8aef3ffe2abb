"""The flow meter again, one packet at a time, as docs/flow-features.md words its rules."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from itertools import pairwise

from tests.acquisition import wire
from tests.acquisition.wire import ACK, FIN, RST, SYN

START = 1_700_000_000_000_000
SECOND = 1_000_000
End = tuple[str, int]


@dataclass
class Sent:
    """One packet: microseconds after START, sender, receiver, and what it carries."""

    at: int
    source: End
    target: End
    flags: int = ACK
    size: int = 0
    protocol: int = wire.TCP
    kind: tuple[int, int] = (8, 0)
    window: int = 100

    def timed(self) -> tuple[int, bytes]:
        data = b"x" * self.size
        ports = self.source[1], self.target[1]
        segment = {
            wire.TCP: lambda: wire.tcp(*ports, self.flags, data, self.window),
            wire.UDP: lambda: wire.udp(*ports, data),
            wire.ICMP: lambda: wire.icmp(*self.kind, data),
        }[self.protocol]()
        return START + self.at, wire.ipv4(self.source[0], self.target[0], self.protocol, segment)


@dataclass
class Slow:
    """A flow as the rules describe it, fed packet by packet."""

    packets: list[Sent] = field(default_factory=list)
    earlier: Slow | None = None  # the flow of the same connection that the timeout cut
    state: str = "open"

    def add(self, p: Sent) -> None:
        first = not self.packets
        self.packets.append(p)
        if first or p.protocol != wire.TCP:
            return
        if p.flags & FIN:
            sides = {q.source for q in self.packets if q.flags & FIN}
            if self.state == "open":
                self.state = "closing"
            elif self.state == "closing" and len(sides) == 2:
                self.state = "both closed"
        elif p.flags & RST or (p.flags & ACK and self.state == "both closed"):
            self.state = "over"

    def next(self, p: Sent) -> Slow | None:
        """The flow that `p` begins, None if it belongs to this one."""
        first, last = self.packets[0], self.packets[-1]
        late = p.at - first.at > 120 * SECOND
        if p.protocol == wire.TCP:
            if self.state == "over":
                return Slow() if late or p.flags & SYN else None
            return Slow(earlier=self.opening()) if late else None
        if p.protocol == wire.UDP:
            again = Slow() if p.at - last.at > 120 * SECOND else Slow(earlier=self.opening())
            return again if late else None
        differs = p.kind[0] != first.kind[0] and p.kind[1] != first.kind[1]
        return Slow() if late or differs else None

    def opening(self) -> Slow:
        return self.earlier or self

    def source(self) -> End:
        packets = self.opening().packets
        for p in packets:
            if p.protocol == wire.TCP and p.flags & SYN:
                return p.target if p.flags & ACK else p.source
        return packets[0].source

    def features(self) -> dict[str, float]:
        source, first, last = self.source(), self.packets[0], self.packets[-1]
        forward = [p for p in self.packets if p.source == source]
        backward = [p for p in self.packets if p.source != source]
        idle: list[float] = []
        active: list[float] = []
        since = first.at
        for p, q in pairwise(self.packets):
            if q.at - p.at > 5 * SECOND:
                idle.append(q.at - p.at)
                active += [p.at - since] if p.at > since else []
                since = q.at
        found: dict[str, float] = {
            "Flow Duration": last.at - first.at,
            "Total Fwd Packet": len(forward),
            "Total Bwd packets": len(backward),
            "Total Length of Fwd Packet": sum(p.size for p in forward),
            "SYN Flag Count": sum(
                p.flags & SYN > 0 for p in self.packets if p.protocol == wire.TCP
            ),
            "Fwd Act Data Pkts": sum(p.size > 0 for p in forward if p is not first),
            "Total TCP Flow Time": (
                last.at - self.opening().packets[0].at if first.protocol == wire.TCP else 0
            ),
        }
        for name, values in {
            "Packet Length": [p.size for p in self.packets],
            "Bwd Packet Length": [p.size for p in backward],
            "Flow IAT": _gaps(self.packets),
            "Fwd IAT": _gaps(forward),
            "Bwd IAT": _gaps(backward),
            "Active": active,
            "Idle": idle,
        }.items():
            found[f"{name} Max"] = max(values, default=0)
            found[f"{name} Min"] = min(values, default=0)
            found[f"{name} Mean"] = statistics.fmean(values) if values else 0
            found[f"{name} Std"] = statistics.stdev(values) if len(values) > 1 else 0
        return found | self.bulks(source)

    def bulks(self, source: End) -> dict[str, float]:
        runs: list[list[Sent]] = []
        for p in self.packets:
            if not p.size:
                continue
            same = runs and runs[-1][-1].source == p.source
            if same and p.at - runs[-1][-1].at <= SECOND:
                runs[-1].append(p)
            else:
                runs.append([p])
        found: dict[str, float] = {}
        for side, sent in (("Fwd", True), ("Bwd", False)):
            bulks = [r for r in runs if len(r) >= 4 and (r[0].source == source) == sent]
            size, took = sum(p.size for r in bulks for p in r), sum(_took(r) for r in bulks)
            found[f"{side} Bytes/Bulk Avg"] = size // max(len(bulks), 1)
            found[f"{side} Packet/Bulk Avg"] = sum(map(len, bulks)) // max(len(bulks), 1)
            found[f"{side} Bulk Rate Avg"] = int(size / (took / 1e6)) if took else 0
        return found


def _gaps(packets: list[Sent]) -> list[int]:
    return [q.at - p.at for p, q in pairwise(packets)]


def _took(run: list[Sent]) -> int:
    return run[-1].at - run[0].at


def slowly(packets: list[Sent]) -> list[Slow]:
    flows: list[Slow] = []
    latest: dict[object, Slow] = {}
    for p in packets:
        key = (frozenset([p.source, p.target]), p.protocol)
        flow = latest.get(key)
        if flow is None:
            flows.append(flow := Slow())
        elif (begun := flow.next(p)) is not None:
            flows.append(flow := begun)
        latest[key] = flow
        flow.add(p)
    return flows
