"""Who did what to the victim, and when: the source of every label of a recording."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

BENIGN = "benign"
KINDS = {
    "port_scan": "T1046",
    "ssh_brute_force": "T1110.001",
    "ftp_brute_force": "T1110.001",
    "web_injection": "T1190",
    "web_shell": "T1505.003",
    "flood": "T1498.001",
    "slow_http": "T1499.002",
    BENIGN: "",
}
"""Kind of a phase → the ATT&CK technique it stands for when the phase names no other."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One activity from one address; `start` and `end` in seconds of the epoch (UTC)."""

    kind: str
    start: float
    end: float
    source: str
    destination: str
    tool: str
    command: str
    technique: str
    note: str = ""


class Timetable:
    """Phases as they happen; many threads may add to it."""

    def __init__(self, **about: Any) -> None:
        self.about = about
        self.phases: list[Phase] = []
        self._lock = threading.Lock()

    def add(self, phase: Phase) -> None:
        if phase.kind not in KINDS:
            raise ValueError(f"unknown kind {phase.kind!r}")
        with self._lock:
            self.phases.append(phase)

    def write(self, path: Path) -> None:
        """One phase a line, in order of time, so that a difference can be read."""
        phases = sorted(self.phases, key=lambda phase: phase.start)
        head = json.dumps(self.about, indent=1)[1:-2]
        lines = ",\n".join("  " + json.dumps(_rounded(phase)) for phase in phases)
        path.write_text(f'{{{head},\n "phases": [\n{lines}\n ]\n}}\n')


def load(path: Path) -> list[Phase]:
    """The phases of a written timetable."""
    return [Phase(**phase) for phase in json.loads(path.read_text())["phases"]]


def label(phases: Iterable[Phase], source: str, destination: str, start: float) -> str:
    """The kind of a flow or request between two addresses that began at `start`.

    An attack phase claims what its source and destination exchange (in either direction) from
    its start to its end; everything else is benign.
    """
    ends = {source, destination}
    for phase in phases:
        if (
            phase.kind != BENIGN
            and ends == {phase.source, phase.destination}
            and phase.start <= start <= phase.end
        ):
            return phase.kind
    return BENIGN


def _rounded(phase: Phase) -> dict[str, Any]:
    fields = asdict(phase)
    return {**fields, "start": round(phase.start, 3), "end": round(phase.end, 3)}
