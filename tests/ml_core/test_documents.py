"""Every measured figure of `docs/models` comes from `python -m ml_core tables` or a `model.json`.

A figure is a decimal fraction or a share in per cent. It is quoted as the tables write it (0.984,
or 1.3 % for 0.013), in a paragraph that links to its table (`tables.md#anchor`), or is the card's
own model's. `speed.md` is of `python -m tests.benchmarks`, which it names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_core.study.leads import leads
from ml_core.study.run import made, read
from ml_core.study.write import anchor, whole

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "docs" / "models"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in DOCUMENTS.glob("*.md")}
OTHERS = ("tables", "speed")
FIGURE = re.compile(r"(?<![\w.])(?<!\w-)(\d+(?:\.\d+)? %|\d+\.\d+)(?![\w.]*\w)")
NAMES = re.compile(r"`[^`]*`|\]\([^)]*\)|doi \S+|\d[\d.]* MB")  # code, links, sizes of files
NOT_MEASURED = (  # targets, settings, and what the data are
    "A lead of 0.20", "the 0.92 wanted", "95 %)", "dropout 0.2", "p_attack > 0.5",
    "does not reach 0.6", "noise of 0.5 on", "noise of 0.3,", "in place of 0.1", "e^N(0, 1.5)", "below 0.25 *stable*",
    "first 60 %", "next 10 %", "last 30 %", "85 % of each label", "3 to 90 % abnormal",
    "are 2 % of the requests", "are 5 %;", "1 % at most", "that 1 % is", "exactly 1 % of",
    "costs 1 % of", "takes 0.4 s in 2018", "92 % of the defaced pages",
)  # fmt: skip


def paragraphs(text: str) -> list[str]:
    """Each on one line, without the phrases that are not measured; a table is of what is before."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    parts = (" ".join(part.split()) for part in re.split(r"\n\n(?!\|)|\n(?=- )", text))
    return [re.sub("|".join(map(re.escape, NOT_MEASURED)), "", part) for part in parts]


def written(value: object) -> Iterator[str]:
    """The figures of a JSON value, as a document may write them."""
    if isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from written(part)
    elif isinstance(value, float):
        yield from (f"{value:.3f}", f"{100 * value:.1f} %")
    elif isinstance(value, str):
        yield from re.findall(r"\d+\.\d+", value)


def held_by_tables() -> dict[str, set[str]]:
    """The figures of each chapter and table of `tables.md`, by the anchor that GitHub gives it."""
    found: dict[str, set[str]] = {}

    def under(title: str) -> set[str]:
        at = plain = anchor(title)
        while at in found:
            at = f"{plain}-{int(at.removeprefix(plain)[1:] or 0) + 1}"
        return found.setdefault(at, set())

    chapters = read(DOCUMENTS)
    for chapter in [*leads(chapters), *chapters]:
        of_chapter = under(chapter.title)
        for table in chapter.tables:
            figures = set(written([table.about, table.rows]))
            under(table.title).update(figures)
            of_chapter |= figures
    return found


TABLES = held_by_tables()


def unheld(text: str, own: set[str]) -> list[str]:
    """The figures of `text` that are neither `own` nor in a table that their paragraph links to."""
    return [
        figure
        for paragraph in paragraphs(text)
        for figure in FIGURE.findall(NAMES.sub("", paragraph))
        if figure not in own.union(*(TABLES[at] for at in links(paragraph)))
    ]


def links(text: str) -> list[str]:
    return re.findall(r"tables\.md#([\w-]+)", text)


@pytest.mark.parametrize("document", sorted(set(TEXTS) - set(OTHERS)))
def test_a_document_quotes_no_figure_that_no_table_holds(document: str) -> None:
    manifest = ROOT / "knowledge_base" / "models" / document / "model.json"
    metrics = json.loads(manifest.read_text())["metrics"] if manifest.exists() else {}
    assert unheld(TEXTS[document], set(written(metrics))) == []


def test_a_figure_needs_the_table_that_it_is_of() -> None:
    (figure, *_) = sorted(TABLES["drift"] - TABLES["calibration"] - {"0.5"})
    assert unheld(f"It is {figure} ([here](tables.md#drift)).", set()) == []
    assert unheld(f"It is {figure} ([here](tables.md#calibration)).", set()) == [figure]
    assert unheld(f"It is {figure}.\n\n[Here](tables.md#drift).", set()) == [figure]
    assert unheld("| a |\n|---|\n| 0.12 | 3.4 % |, -0.567", {"3.4 %"}) == ["0.12", "0.567"]


@pytest.mark.parametrize("phrase", NOT_MEASURED)
def test_what_is_not_measured_still_stands_somewhere(phrase: str) -> None:
    assert any(phrase in " ".join(text.split()) for text in TEXTS.values())


@pytest.mark.parametrize("document", sorted(TEXTS))
def test_links_to_tables_lead_to_them(document: str) -> None:
    assert set(links(TEXTS[document])) <= set(TABLES)


def test_tables_say_what_each_topic_said_when_it_last_ran() -> None:
    chapters = read(DOCUMENTS)
    header = made(DOCUMENTS) or TEXTS["tables"].split("\n\n")[1]
    assert whole([*leads(chapters), *chapters], header) == TEXTS["tables"]
