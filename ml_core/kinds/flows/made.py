"""Flows made to learn from: what every network has, and the recordings at hand lack.

Many recordings hold no scan, or only scans of hosts that refuse, and none the chatter of devices
that talk to everyone. So scans are made, of targets that refuse, answer, or drop what they do not
want, and the harmless chatter of a local network: announcements, discovery, leases, clocks, names,
echo, kept-alive connections and what closed connections leave behind. Learning only; never scoring.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.readers.flows import FlowTable

F64 = npt.NDArray[np.float64]

SCANS = 4_000
PROBES = (20, 400)  # flows of one scan
CHATTER = 4_000
RETRIED = 0.3  # share of unanswered probes sent again
HOSTS = 60
LOCAL = 1 << 30  # host numbers beyond those of any file


class Talk(NamedTuple):
    """One flow as packets: when (microseconds) and how many bytes of payload, each way."""

    protocol: int
    port: int
    sent: F64
    sizes: F64
    answered: F64
    answers: F64
    flags: tuple[str, ...] = ()  # each counted once


def scans(rng: np.random.Generator) -> FlowTable:
    """SCANS flows of port scans and sweeps, one scan after the other, in order of time.

    What a probe of an empty SYN or datagram meets is the same on every network: a refusal, an
    open port, or nothing. A scan keeps its speed, its way and what its targets mostly do.
    """
    parts: list[tuple[npt.NDArray[np.float32], F64]] = []
    count = 0
    while count < SCANS:
        size = min(int(rng.integers(*PROBES)), SCANS - count)
        parts.append(_scan(size, len(parts), rng))
        count += size
    flows, about = zip(*parts, strict=True)
    group, destination, port, time, window = np.concatenate(about, axis=1)
    features = np.concatenate(flows)
    features[:, FLOW_COLUMNS.index("FWD Init Win Bytes")] = window
    return _table(features, group, destination, port, np.cumsum(time))


def _scan(size: int, number: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.float32], F64]:
    """Flows [size, F] of one scan; source, destination, port, microseconds since the flow before
    and initial window, [5, size]."""
    datagrams, connects = rng.random() < 0.15, rng.random() < 0.5
    shares = rng.dirichlet((0.7, 0.7, 0.1))  # refused, unanswered, open
    away = 10 ** rng.uniform(1.5, 5.3)
    ends = rng.choice(3, size, p=shares)
    flows = [
        _probe(int(end), datagrams, connects, away * rng.uniform(0.8, 1.5), rng) for end in ends
    ]
    first = LOCAL + HOSTS * (2 + number)
    if rng.random() < 0.6:  # the ports of a few hosts
        port = rng.permutation(10_000)[:size] + 1
        destination = first + 1 + np.arange(size) % int(rng.integers(1, 3))
    else:
        port = np.full(size, rng.choice([21, 22, 23, 80, 135, 139, 443, 445, 3306, 3389, 8080]))
        destination = first + 1 + np.arange(size)
    gaps = 10 ** rng.uniform(2.0, 6.5) * rng.uniform(0.2, 2.0, size)
    window = 0 if datagrams else rng.choice([1_024, 1_024, 8_192, 29_200, 64_240])
    columns = (np.full(size, first), destination, port, gaps, np.full(size, window))
    return np.stack(flows), np.array(columns, dtype=np.float64)


def _probe(
    end: int, datagrams: bool, connects: bool, away: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """One probe that is refused (0), not answered (1), or finds a port open (2)."""
    none, back = np.empty(0), np.array([away])
    if datagrams:
        size = np.array([float(rng.choice([0, 0, 8, 12, 40]))])
        answers = rng.integers(8, 300, 1).astype(float) if end == 2 else none
        return _features(Talk(17, 0, np.zeros(1), size, back[: len(answers)], answers))
    if end == 1:
        tries = 1 + int(rng.integers(1, 3)) * int(rng.random() < RETRIED)
        when = np.cumsum(np.r_[0.0, 1e6 * 2.0 ** np.arange(tries - 1)])
        return _features(Talk(6, 0, when, np.zeros(tries), none, none), syn=tries)
    if end == 0:
        return _features(Talk(6, 0, np.zeros(1), np.zeros(1), back, np.zeros(1), ("RST", "ACK")), 1)
    later = away * np.array([1.01, 1.05][: 1 + connects])
    sent = np.r_[0.0, later]
    return _features(Talk(6, 0, sent, np.zeros(len(sent)), back, np.zeros(1), ("ACK", "RST")), 1)


def chatter(rng: np.random.Generator) -> FlowTable:
    """CHATTER harmless flows of a local network of some HOSTS devices, in order of time."""
    talks = [_KINDS[int(rng.integers(len(_KINDS)))](rng) for _ in range(CHATTER)]
    talker = LOCAL + (rng.pareto(1.0, CHATTER) * 4).astype(np.int64) % HOSTS
    everyone = np.array([not len(t.answered) and t.protocol == 17 for t in talks])
    # what is not answered goes to a group or to everyone; the rest to a few servers or outside
    partner = np.where(
        everyone, rng.integers(0, 4, CHATTER), rng.zipf(1.6, CHATTER).clip(max=300) + 10
    )
    return _table(
        np.stack([_features(t) for t in talks]),
        talker,
        LOCAL + HOSTS + partner,
        np.array([t.port for t in talks]),
        np.sort(rng.integers(0, 3_600_000_000, CHATTER)),
    )


def _table(
    features: npt.NDArray[np.float32],
    group: npt.NDArray[Any],
    destination: npt.NDArray[Any],
    port: npt.NDArray[Any],
    time: npt.NDArray[Any],
) -> FlowTable:
    N = len(features)
    return FlowTable(
        features=features,
        group=group.astype(np.int32),
        time=time.astype(np.int64),
        destination=destination.astype(np.int32),
        port=port.astype(np.int32),
        source_port=np.full(N, -1, dtype=np.int32),
        protocol=np.full(N, -1, dtype=np.int8),
        same_network=np.zeros(N, dtype=np.int8),
        source=np.zeros(N, dtype=np.int64),
        cut=np.zeros(N, dtype=np.bool_),
    )


def _one_way(port: int, low: int, high: int, most: int) -> Callable[[np.random.Generator], Talk]:
    """Announcements nobody answers, of much the same size, every so often."""

    def talk(rng: np.random.Generator) -> Talk:
        count = 1 + int(rng.integers(most))
        size = float(rng.integers(low, high))
        gap = 10 ** rng.uniform(3.0, 7.0)
        when = np.cumsum(np.r_[0.0, gap * rng.uniform(0.8, 1.2, count - 1)])
        where = port or int(rng.integers(1_024, 60_000))
        return Talk(17, where, when, np.full(count, size), np.empty(0), np.empty(0))

    return talk


def _asked(
    protocol: int, port: int, ask: tuple[int, int], answer: tuple[int, int], most: int
) -> Callable[[np.random.Generator], Talk]:
    """Short questions and their answers."""

    def talk(rng: np.random.Generator) -> Talk:
        count = 1 + int(rng.integers(most))
        when = np.cumsum(np.r_[0.0, 10 ** rng.uniform(2.0, 6.5, count - 1)])
        late = when + 10 ** rng.uniform(2.0, 5.0)
        sizes = rng.integers(*ask, count).astype(float)
        return Talk(protocol, port, when, sizes, late, rng.integers(*answer, count).astype(float))

    return talk


def _kept_alive(rng: np.random.Generator) -> Talk:
    """A connection that carries a little now and then."""
    count = int(rng.integers(2, 40))
    when = np.cumsum(np.r_[0.0, 10 ** rng.uniform(3.0, 7.3, count - 1)])
    sizes = rng.integers(0, 200, count) * (rng.random(count) < 0.5)
    answers = rng.integers(0, 400, count) * (rng.random(count) < 0.5)
    port = int(rng.choice([443, 443, 8883, 5222, 993, 1883, 80]))
    late = when + 10 ** rng.uniform(3.0, 5.3)
    return Talk(6, port, when, sizes.astype(float), late, answers.astype(float), ("ACK", "PSH"))


def _left_behind(rng: np.random.Generator) -> Talk:
    """What is still sent of a connection that is over: empty packets, some answered likewise."""
    count, back = int(rng.integers(1, 4)), int(rng.integers(0, 3))
    when = np.sort(np.r_[0.0, 10 ** rng.uniform(2.0, 6.0, count - 1)])
    late = np.sort(10 ** rng.uniform(2.0, 5.0, back))
    flags = ("ACK", str(rng.choice(["FIN", "RST"])))
    port = int(rng.choice([443, 443, 80]))
    return Talk(6, port, when, np.zeros(count), late, np.zeros(back), flags)


_KINDS: tuple[Callable[[np.random.Generator], Talk], ...] = (
    _asked(17, 53, (20, 60), (40, 400), 2),
    _asked(17, 123, (48, 49), (48, 49), 2),
    _asked(1, 0, (32, 64), (32, 64), 6),
    _one_way(5353, 30, 400, 30),
    _one_way(1900, 90, 450, 8),
    _one_way(67, 240, 350, 4),
    _one_way(137, 50, 80, 6),
    _one_way(138, 180, 240, 4),
    _one_way(0, 30, 300, 40),
    _one_way(0, 30, 300, 2),
    _kept_alive,
    _kept_alive,
    _left_behind,
)


def _features(talk: Talk, syn: int = 0) -> npt.NDArray[np.float32]:
    """FLOW_COLUMNS [F] as the corrected CICFlowMeter counts them; microseconds and bytes."""
    when, sizes = np.r_[talk.sent, talk.answered], np.r_[talk.sizes, talk.answers]
    every = np.sort(when)
    duration = float(every[-1] - every[0])
    seconds = max(duration, 1.0) / 1e6
    values: dict[str, float] = {
        "Flow Duration": duration,
        "Total Fwd Packet": len(talk.sent),
        "Total Bwd packets": len(talk.answered),
        "Total Length of Fwd Packet": talk.sizes.sum(),
        "Total Length of Bwd Packet": talk.answers.sum(),
        "Flow Bytes/s": sizes.sum() / seconds,
        "Flow Packets/s": len(when) / seconds,
        "SYN Flag Count": syn,
        "Down/Up Ratio": len(talk.answered) / len(talk.sent),
        "Fwd Act Data Pkts": (talk.sizes[1:] > 0).sum(),
        **{f"{flag} Flag Count": 1.0 for flag in talk.flags},
    }
    for name, of in (
        ("Fwd Packet Length", talk.sizes), ("Bwd Packet Length", talk.answers),
        ("Packet Length", sizes), ("Flow IAT", np.diff(every)),
        ("Fwd IAT", np.diff(np.sort(talk.sent))), ("Bwd IAT", np.diff(np.sort(talk.answered))),
    ):  # fmt: skip
        if len(of):
            values |= {f"{name} Max": of.max(), f"{name} Min": of.min()}
            values |= {f"{name} Mean": of.mean(), f"{name} Std": of.std(ddof=int(len(of) > 1))}
    return np.array([values.get(name, 0.0) for name in FLOW_COLUMNS], dtype=np.float32)
