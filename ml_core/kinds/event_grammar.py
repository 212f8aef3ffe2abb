"""Systems made up to learn from: what is normal and what is not, whatever the events are called.

The systems at hand are few, so what they have in common is hard to tell from what they are. Each
system here has a few courses of events with options, loops and swaps; the abnormal break off,
miss a step, take one that nobody takes, go round in circles or change the order.
"""

from __future__ import annotations

import numpy as np

Course = list[str]


class System:
    """One system: `sequence` draws from it. Its events are called ?0, ?1, …"""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        names = iter(range(10_000))
        common = [f"?{next(names)}" for _ in range(rng.integers(3, 12))]
        self.courses: list[Course] = []
        for _ in range(rng.integers(1, 5)):
            own = [f"?{next(names)}" for _ in range(rng.integers(3, 25))]
            course = [*own, *rng.choice(common, rng.integers(1, len(common)))]
            self.courses.append(rng.permutation(course).tolist())
        self.shares = rng.dirichlet(np.full(len(self.courses), 2.0))
        self.optional = rng.uniform(0, 0.15)
        self.loops = rng.uniform(0, 0.3)
        self.swaps = rng.uniform(0, 0.15)
        self.noise = rng.uniform(0, 0.03)  # of normal events, how many are seldom ones
        self.seldom = [f"?{next(names)}" for _ in range(rng.integers(2, 10))]
        self.faults = [f"?{next(names)}" for _ in range(rng.integers(2, 15))]

    def sequence(self, abnormal: bool) -> str:
        """Events with spaces between."""
        rng = self.rng
        events: list[str] = []
        for event in self.courses[rng.choice(len(self.courses), p=self.shares)]:
            if rng.random() < self.optional:
                continue
            events += [event] * (1 + int(rng.geometric(0.5)) * int(rng.random() < self.loops))
            if rng.random() < self.noise:
                events.append(str(rng.choice(self.seldom)))
        for i in np.flatnonzero(rng.random(max(len(events) - 1, 0)) < self.swaps):
            events[i], events[i + 1] = events[i + 1], events[i]
        return " ".join(self._broken(events) if abnormal else events) or self.courses[0][0]

    def _broken(self, events: list[str]) -> list[str]:
        rng, fault = self.rng, self.rng.integers(5)
        place = int(rng.integers(len(events) + 1))
        if fault == 0:  # breaks off
            events = events[: max(1, place * 2 // 3)]
        if fault == 1:  # a step is left out, with what depends on it
            events = events[:place] + events[place + int(rng.integers(1, 6)) :]
        if fault == 2:  # round in circles
            piece = events[place : place + int(rng.integers(1, 5))]
            events = events[:place] + piece * int(rng.integers(3, 12)) + events[place:]
        if fault == 3:  # another order
            events = events[place:] + events[:place]
        if fault == 4 or rng.random() < 0.6:  # and mostly something is said of it
            said = rng.choice(self.faults, rng.integers(1, 6)).tolist()
            events = events[:place] + said + events[place:]
        return events
