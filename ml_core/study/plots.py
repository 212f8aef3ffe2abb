"""Plots of the studies: small, on white, the same file for the same figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ml_core.errors import DataError
from ml_core.study.report import Plot

# Okabe and Ito's colours: told apart by those who do not see red and green alike
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#333333")
MARKERS = "osD^vPX"
LOWEST = 0.5  # bars that all end above it are drawn from where they differ


def draw(plot: Plot, path: Path) -> None:
    """The plot as a file, SVG or PNG by its suffix. DataError where matplotlib is missing."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DataError("plots need matplotlib: install the extra 'study'") from error

    path.parent.mkdir(parents=True, exist_ok=True)
    # no time, no random identifiers: the same plot is the same file
    with matplotlib.rc_context({"svg.hashsalt": plot.file, "font.size": 9, "axes.grid": True}):
        figure = Figure(figsize=(6.4, 3.4), facecolor="white", layout="constrained")
        axes = figure.add_subplot(facecolor="white", axisbelow=True)
        axes.set_title(plot.title, fontsize=10, loc="left")
        axes.set_xlabel(plot.x)
        axes.set_ylabel(plot.y)
        (_bars if plot.kind == "bar" else _lines)(axes, plot)
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        if len(plot.series) > 1:
            figure.legend(loc="outside lower center", ncols=min(len(plot.series), 4), frameon=False)
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=120, metadata=metadata)


def _lines(axes: Any, plot: Plot) -> None:
    for i, (name, (xs, ys)) in enumerate(plot.series.items()):
        axes.plot(xs, ys, label=name, **_style(i), linewidth=1.6, markersize=4.5)
    ticks = sorted({x for xs, _ in plot.series.values() for x in xs if not isinstance(x, str)})
    if plot.logarithmic:
        axes.set_xscale("log")
    if 0 < len(ticks) <= 12:
        axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
        axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)


def _bars(axes: Any, plot: Plot) -> None:
    names = list(dict.fromkeys(str(x) for xs, _ in plot.series.values() for x in xs))
    place = {name: i for i, name in enumerate(names)}
    width = 0.8 / len(plot.series)
    for i, (name, (xs, ys)) in enumerate(plot.series.items()):
        at = np.array([place[str(x)] for x in xs]) + (i - (len(plot.series) - 1) / 2) * width
        bars = axes.bar(at, ys, width, label=name, color=COLOURS[i % len(COLOURS)])
        if len(names) * len(plot.series) <= 12:
            axes.bar_label(bars, fmt="%.3f", fontsize=7, padding=1)
    axes.set_xticks(range(len(names)), names, fontsize=8)
    axes.grid(visible=False, axis="x")
    least = min((y for _, ys in plot.series.values() for y in ys), default=0.0)
    if least > LOWEST:
        most = max(y for _, ys in plot.series.values() for y in ys)
        room = max(most - least, 0.01)
        axes.set_ylim(least - room, most + 0.3 * room)
        axes.set_ylabel(f"{plot.y} (axis cut)")


def _style(i: int) -> dict[str, str]:
    return {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
