"""Chapters on paper: tables that line up, plots beside them, the same files for the same figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_core.study.report import Chapter, Plot, Table
from ml_core.study.write import markdown, said, write

TABLE = Table("Accuracy", ("system", "accuracy", "paper's"), (("knn", 0.94, None), ("a|b", 1.0, 3)))
CHAPTER = Chapter(
    "The papers' tables",
    "What was measured.",
    (TABLE,),
    (
        Plot("lines.svg", "Lines", "nodes", "share", {"ours": ((64, 128), (0.9, 0.95))}),
        Plot("bars.svg", "Bars", "", "share",
             {"before": (("a", "b"), (0.1, 0.2)), "after": (("a", "b"), (0.3, 0.9))}, "bar"),
    ),
)  # fmt: skip


def test_a_table_lines_up() -> None:
    assert markdown(TABLE).splitlines() == [
        "| system | accuracy | paper's |",
        "| ------ | -------: | ------: |",
        "| knn    |    0.940 |       – |",
        "| a\\|b   |    1.000 |       3 |",
    ]


def test_a_row_that_does_not_fit_its_header_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells under 3 columns"):
        markdown(Table("Broken", ("a", "b", "c"), (("x", 1),)))


@pytest.mark.parametrize(
    ("cell", "written"), [(None, "–"), (0.12345, "0.123"), (12345, "12,345"), ("7 ± 1", "7 ± 1")]
)
def test_cells(cell: str | float | int | None, written: str) -> None:
    assert said(cell) == written


def test_chapters_become_a_file_and_its_plots(tmp_path: Path) -> None:
    other = Chapter("Transfer: other networks")
    path = write([CHAPTER, other], tmp_path / "a", made="Made in a test.")
    text = path.read_text(encoding="utf-8")
    for part in (
        "# Tables\n\nMade in a test.\n",
        "- [The papers' tables](#the-papers-tables)",
        "- [Transfer: other networks](#transfer-other-networks)",
        "## The papers' tables\n\nWhat was measured.\n\n### Accuracy\n\n| system",
        "![Lines](plots/lines.svg)",
    ):
        assert part in text
    for plot in CHAPTER.plots:
        assert (tmp_path / "a/plots" / plot.file).read_text(encoding="utf-8").startswith("<?xml")
    write([CHAPTER, other], tmp_path / "b", made="Made in a test.")
    for file in ("tables.md", "plots/lines.svg", "plots/bars.svg"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_the_machine_is_told(tmp_path: Path) -> None:
    text = write([CHAPTER], tmp_path).read_text(encoding="utf-8")
    assert "python -m ml_core tables" in text
    assert "scikit-learn 1." in text
    assert "cores" in text
