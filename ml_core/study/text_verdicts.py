"""Verdicts on texts: attacks left out of learning, explanations and drift, kind by kind.

What `verdicts` measures on flows. Left out are classes where a kind has several, else types or
sources of attacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml_core.building import ALARM_RATE, build_texts
from ml_core.kinds import FLOWS, KINDS, TextKind, text_kind
from ml_core.kinds.text import Corpus
from ml_core.model_file import shipped
from ml_core.scorer import Scorer, Verdicts
from ml_core.study.explanations import EXPLAINED, told
from ml_core.study.report import Cell, Chapter, Table, Topic
from ml_core.study.text_cases import (
    EPOCHS,
    TESTED,
    UNKNOWN,
    Case,
    Judged,
    cases,
    elsewhere,
    held_out,
    own_part,
    single_sources,
    thinned,
)
from ml_core.study.verdicts import moved

F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Say = Callable[[str], None]

LEAST = 1e-300  # a probability whose logarithm is told


def run(data: Path, say: Say) -> Chapter:
    unknown = _unknown(data, say)
    faithful: list[tuple[Cell, ...]] = []
    drift: list[tuple[Cell, ...]] = []
    for name in KINDS:
        if name != FLOWS:
            kind = text_kind(name)
            scorer, held = Scorer.load(shipped(name), name), held_out(kind, data)
            verdicts = [scorer.score_texts(part.texts) for part in held]
            faithful += faithful_rows(name, held, verdicts)
            drift += _moved(scorer, "shipped", held, elsewhere(kind, data))
            say(f"{name}: explanations and drift of the shipped model")
    for source in single_sources(data):
        scorer = learn(source.kind, source.corpus)
        drift += _moved(
            scorer, source.name, [own_part("held out", source.corpus)], source.elsewhere
        )
        say(f"{source.kind.name}: drift")
    tables = (
        unknown,
        Table(
            "Faithfulness of explanations of texts",
            ("kind", "class", "verdicts", "draws lost", "won against most draws", "log-odds fall by"),
            tuple(faithful),
            "The shipped models; held-out attacks that got their class, and have two fields or more. The"
            " five fields that speak most for the verdict (of fewer than ten half of them) are blanked; so are"
            " as many others, drawn at random ten times. *draws lost*: share of all draws after which the"
            " score fell at least as much as without them. A field is a parameter, a label of a name, a word.",
        ),
        Table(
            "Drift of texts",
            ("kind", "learned", "texts", "rows", "index", "level", "open-set PSI", "open-set KS", "unsure",
             "moved most"),
            tuple(drift),
            "Against the validation part's profile, without labels, as for flows; at most"
            f" {TESTED} different texts. Where the shipped model learned all sources that there are, a small"
            " one that learned one of them judges the others.",
        ),
    )  # fmt: skip
    return Chapter(
        "Verdicts on texts",
        "What the chapter on verdicts measures on flows, on the other kinds.",
        tables,
    )


def learn(kind: TextKind, corpus: Corpus) -> Scorer:
    """The shipped way, of what the corpus holds."""
    ready = replace(kind, corpus=lambda tables, seed: corpus)
    return Scorer(build_texts(ready, [], kind.options))


# ── unknown attacks ───────────────────────────────────────────────────────────────────────


def _unknown(data: Path, say: Say) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for case in cases(data):
        rows.append((case.kind.name, case.left_out, *_found(case)))
        say(f"{case.kind.name}: {case.left_out} left out")
    return Table(
        "Attacks on texts left out of training, each in turn",
        ("kind", "left out", "rows", "called attack", "attack or unsure", "harmless",
         "harmless called attack", "harmless: attack or unsure", "known attacks unsure",
         "found at 1 % of test harmless"),
        tuple(rows),
        "Learned the shipped way, but from fewer texts (some thousands of each class) and for"
        f" {EPOCHS} epochs at most (events and pages: as shipped). What is made for learning is"
        " left out with its class; what is made of other kinds stays, so of generated names left out by their way"
        " of being made, made names that are like them. Of programs ADFA-LD's types of attack, of"
        " scripts the malicious ones of a language whose harmless ones are learned, of pages the defaced"
        " ones without a word like *hacked*, of events the abnormal sequences of a system, judged"
        " in sites of which they are a tenth. Of requests all harmless ones held out are judged."
        " Last column: with the borders that leave exactly"
        " 1 % of the test part's harmless ones; with fewer than a hundred of those, none.",
    )  # fmt: skip


def _found(case: Case) -> tuple[Cell, ...]:
    scorer = learn(case.kind, case.corpus)
    said = [scorer.score_texts(site.texts) for site in case.judged]
    p = np.concatenate([verdicts.probabilities for verdicts in said])
    return found(
        np.concatenate([site.y for site in case.judged]),
        np.log(np.maximum(p[:, 1:].max(axis=1), LEAST)) - np.log(np.maximum(p[:, 0], LEAST)),
        np.concatenate([verdicts.distance for verdicts in said]),
        np.concatenate([verdicts.unsure for verdicts in said]),
    )


def found(
    y: Ints, odds: F64, distance: npt.NDArray[np.floating], unsure: Bools
) -> tuple[Cell, ...]:
    """The row of a table: of texts of classes y [N], UNKNOWN those left out, the log-odds of an
    attack, the distance from what was learned, and whether the verdict is unsure."""
    left, harmless, called = y == UNKNOWN, y == 0, odds > 0
    alarm, known = called | unsure, (y > 0) & called
    exact = alarms(ALARM_RATE, odds, distance, harmless)
    shares = [_share(mark[rows]) for mark, rows in (
        (called, left), (alarm, left), (called, harmless), (alarm, harmless), (unsure, known),
        (exact, left),
    )]  # fmt: skip
    return (int(left.sum()), *shares[:2], int(harmless.sum()), *shares[2:])


def alarms(rate: float, odds: F64, distance: npt.NDArray[np.floating], harmless: Bools) -> Bools:
    """[N]: called an attack, or too far from what was learned, with the borders that leave `rate` of
    the `harmless` themselves: a quarter of it for the odds of an attack, the rest for the distance."""
    allowed = int(rate * harmless.sum())
    called = odds > max(_border(odds[harmless], allowed // 4), 0.0)
    rest = harmless & ~called
    return np.asarray(
        called | (distance > _border(distance[rest], allowed - (called & harmless).sum()))
    )


def _border(values: npt.NDArray[np.floating], allowed: int) -> float:
    """What at most `allowed` of the values exceed."""
    return float(np.sort(values)[::-1][allowed]) if allowed < len(values) else -np.inf


def _share(marked: Bools) -> float | None:
    return float(marked.mean()) if len(marked) else None


# ── explanations ──────────────────────────────────────────────────────────────────────────


def faithful_rows(
    kind: str, held: Sequence[Judged], verdicts: Sequence[Verdicts]
) -> Iterator[tuple[Cell, ...]]:
    """A row for each class of attack in each part that is held out."""
    for part, said in zip(held, verdicts, strict=True):
        for c, name in enumerate(said.names[1:], start=1):
            right = np.flatnonzero((part.y == c) & (said.label == c))
            chosen = np.sort(np.random.default_rng(0).permutation(right)[:EXPLAINED])
            faithful = said.faithfulness(chosen.tolist())
            if faithful.rows:
                yield (
                    kind,
                    name if len(held) == 1 else f"{name}, {part.name}",
                    faithful.rows,
                    *told(faithful),
                )


# ── drift ─────────────────────────────────────────────────────────────────────────────────


def _moved(
    scorer: Scorer, learned: str, held: Sequence[Judged], others: dict[str, Sequence[str]]
) -> Iterator[tuple[Cell, ...]]:
    texts = {part.name: part.texts for part in held} | {
        name: thinned(t) for name, t in others.items()
    }
    for name, given in texts.items():
        yield (scorer.kind, learned, name, *moved(scorer.score_texts(given)))


TOPIC = Topic("text_verdicts", "Verdicts on texts", run, minutes=4.5)
