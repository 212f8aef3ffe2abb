"""How far a long run is, on standard error."""

from __future__ import annotations

import sys
import time

import numpy as np
import numpy.typing as npt

EVERY = 10.0  # seconds between lines that nobody watches
WATCHED = 0.5  # and between those on a terminal, where each takes the last one's place


def printable(text: str) -> str:
    """One line that a terminal does not act on: names and values from files are data."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.split()))


def tell(text: str) -> None:
    """What a person should know of the data, on a line of its own."""
    clear = "\x1b[K" if sys.stderr.isatty() else ""
    print(f"{clear}ml_core: {printable(text)}", file=sys.stderr, flush=True)


def tell_unlabelled(codes: npt.NDArray[np.int32], name: str = "") -> None:
    """How many of some rows have no label, the place -1."""
    if count := int((codes < 0).sum()):
        tell(f"{name}{count:,} of {len(codes):,} rows have no label, and are not counted")


class Rows:
    """Counts rows done; says so now and then, with the rate and the time that is left."""

    def __init__(self, what: str, total: int | None = None) -> None:
        self.what, self.total = what, total
        self._terminal = sys.stderr.isatty()
        self._start = self._said = time.monotonic()
        self._written = False

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._said < (WATCHED if self._terminal else EVERY):
            return
        self._said = now
        rate = done / (now - self._start)
        text = f"{self.what} {done:,}"
        if self.total:
            left = (self.total - done) / max(rate, 1e-9)
            text += f" of {self.total:,} rows, {rate:,.0f}/s, {_span(left)} left"
        else:
            text += f" rows, {rate:,.0f}/s"
        end = "\r" if self._terminal else "\n"
        print(f"\x1b[K{text}" if self._terminal else text, end=end, file=sys.stderr, flush=True)
        self._written = True

    def done(self) -> None:
        """Clears the line on a terminal."""
        if self._written and self._terminal:
            print("\x1b[K", end="", file=sys.stderr, flush=True)


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
