"""Flows made to learn from: what every network has, and the recordings at hand lack.

Recordings hold scans of hosts that refuse, and networks without the chatter of devices that talk
to everyone. So scans are copied as if their targets dropped what they do not answer, and the
harmless chatter of a local network is made: announcements, discovery, leases, clocks, names, echo,
kept-alive connections and what closed connections leave behind. Learning only; never scoring.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.readers.flows import FlowTable

Ints = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

SCANS = 2_000
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


def unanswered(table: FlowTable, scans: Ints, rng: np.random.Generator) -> FlowTable:
    """Some of the rows `scans`, as if nothing had come back: one SYN, or a few of them."""
    rows = np.sort(rng.permutation(scans)[:SCANS])
    made = table.take(rows)
    window = made.features[:, FLOW_COLUMNS.index("FWD Init Win Bytes")]
    features = np.empty_like(made.features)
    for i in range(len(rows)):
        tries = 1 + int(rng.integers(1, 3)) * int(rng.random() < RETRIED)
        when = np.cumsum(np.r_[0.0, 1e6 * 2.0 ** np.arange(tries - 1)])
        nothing = np.empty(0)
        features[i] = _features(Talk(6, 0, when, np.zeros(tries), nothing, nothing), syn=tries)
    features[:, FLOW_COLUMNS.index("FWD Init Win Bytes")] = window
    return replace(made, features=features)


def chatter(rng: np.random.Generator) -> FlowTable:
    """CHATTER harmless flows of a local network of some HOSTS devices, in order of time."""
    talks = [_KINDS[int(rng.integers(len(_KINDS)))](rng) for _ in range(CHATTER)]
    talker = LOCAL + (rng.pareto(1.0, CHATTER) * 4).astype(np.int64) % HOSTS
    everyone = np.array([not len(t.answered) and t.protocol == 17 for t in talks])
    # what is not answered goes to a group or to everyone; the rest to a few servers or outside
    partner = np.where(
        everyone, rng.integers(0, 4, CHATTER), rng.zipf(1.6, CHATTER).clip(max=300) + 10
    )
    return FlowTable(
        features=np.stack([_features(t) for t in talks]),
        group=talker.astype(np.int32),
        time=np.sort(rng.integers(0, 3_600_000_000, CHATTER)).astype(np.int64),
        destination=(LOCAL + HOSTS + partner).astype(np.int32),
        port=np.array([t.port for t in talks], dtype=np.int32),
        source_port=np.full(CHATTER, -1, dtype=np.int32),
        protocol=np.array([t.protocol for t in talks], dtype=np.int8),
        same_network=np.ones(CHATTER, dtype=np.int8),
        source=np.zeros(CHATTER, dtype=np.int64),
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
