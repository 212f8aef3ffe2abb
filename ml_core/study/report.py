"""What a study finds out, before it is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Cell = str | float | int | None  # floats are written with three decimals, None as a dash


@dataclass(frozen=True)
class Table:
    """Rows under a header; `about` says what was measured, on what, and how."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    about: str = ""


@dataclass(frozen=True)
class Plot:
    """A picture: lines or bars of named series, each xs and ys; for bars xs are the names."""

    file: str  # under plots/
    title: str
    x: str
    y: str
    series: Mapping[str, tuple[Sequence[float | str], Sequence[float]]]
    kind: str = "line"  # or "bar"
    logarithmic: bool = False  # the x axis


@dataclass(frozen=True)
class Chapter:
    """What one topic has to say."""

    title: str
    about: str = ""
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()


@dataclass(frozen=True)
class Topic:
    """One study: `run` reads the data folder and says, now and then, how far it is."""

    name: str
    title: str
    run: Callable[[Path, Callable[[str], None]], Chapter]
    minutes: float = 5.0  # about, on one idle core: the long ones are started first
