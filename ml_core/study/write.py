"""Chapters to `tables.md` and its plots."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from ml_core.study.report import Cell, Chapter, Plot, Table

PLOTS = "plots"  # folder beside tables.md
COMMAND = "python -m ml_core tables DATA --output docs/models"
LIBRARIES = ("torch", "scikit-learn", "imbalanced-learn", "numpy")


def write(chapters: Sequence[Chapter], output: Path, made: str | None = None) -> Path:
    """Writes `tables.md` and the plots into the folder `output`; returns the file.

    `made` says when and on what, by default today and this machine. Same chapters and `made`,
    same files.
    """
    from ml_core.study.plots import draw

    output.mkdir(parents=True, exist_ok=True)
    for plot in (plot for chapter in chapters for plot in chapter.plots):
        draw(plot, output / PLOTS / plot.file)
    path = output / "tables.md"
    path.write_text(whole(chapters, made or this_machine()), encoding="utf-8")
    return path


def whole(chapters: Sequence[Chapter], made: str) -> str:
    """The text of `tables.md`."""
    parts = ["# Tables", made]
    if len(chapters) > 1:
        parts.append("\n".join(f"- [{c.title}](#{anchor(c.title)})" for c in chapters))
    parts += [part for chapter in chapters for part in _chapter(chapter)]
    return "\n\n".join(parts) + "\n"


def this_machine(minutes: float | None = None) -> str:
    """When, with what and on what the tables were made; all of them in one call of `minutes`."""
    wall = f", the whole in {minutes:.0f} minutes by the wall" if minutes is not None else ""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"Written by `{COMMAND}` on {date.today().isoformat()}{wall}: {os.cpu_count()} cores "
        f"({platform.machine()}), one thread a topic, Python {platform.python_version()}, "
        f"{libraries}. Seed 1 where nothing else is said."
    )


def _chapter(chapter: Chapter) -> list[str]:
    parts = [f"## {chapter.title}"]
    if chapter.about:
        parts.append(chapter.about)
    for table in chapter.tables:
        parts += [f"### {table.title}", *([table.about] if table.about else []), markdown(table)]
    parts += [f"![{_plain(plot)}]({PLOTS}/{plot.file})" for plot in chapter.plots]
    return parts


def markdown(table: Table) -> str:
    """A Markdown table, its columns aligned: the first to the left, numbers to the right."""
    header = [_escaped(name) for name in table.header]
    rows = [[_escaped(said(cell)) for cell in row] for row in table.rows]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"{table.title}: {len(row)} cells under {len(header)} columns")
    right = [
        column > 0 and all(_NUMBER.match(row[column]) for row in rows)
        for column in range(len(header))
    ]
    widths = [max(3, *map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = [
        "-" * (width - 1) + ":" if to_right else "-" * width
        for width, to_right in zip(widths, right, strict=True)
    ]
    return "\n".join(
        "| " + " | ".join(_padded(line, widths, right)) + " |" for line in (header, rule, *rows)
    )


def said(cell: Cell) -> str:
    """Floats with three decimals, whole numbers with commas, None as a dash."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.3f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


_NUMBER = re.compile(r"^([-+±]?\d.*|–)$")


def _padded(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    return [
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    ]


def _escaped(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def _plain(plot: Plot) -> str:
    return plot.title.replace("[", "(").replace("]", ")")


def anchor(title: str) -> str:
    """As GitHub makes it: lower case, no signs, dashes for spaces."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
