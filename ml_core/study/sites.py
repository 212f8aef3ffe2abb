"""What a site's own requests add to the request network: attacks that nobody was taught."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ml_core.study.report import Cell, Chapter, Table, Topic
from ml_core.study.requests import distinct, read_sources, unlabelled
from ml_core.study.text_rivals import Rows

SHARES = (0.02, 0.05, 0.1, 0.2, 0.5)  # of a site's requests that are attacks
SEEDS = (1, 2, 3)
HEADER = (
    "site", "attacks among its requests", "requests",
    "attacks: called so", "– or unsure", "– or strange",
    "harmless: called attacks", "– or unsure", "– or strange",
    "macro-F1: called so", "– or unsure", "– or strange",
)  # fmt: skip


def run(data: Path, say: Callable[[str], None]) -> Chapter:
    from ml_core.kinds.requests import KIND
    from ml_core.model_file import shipped
    from ml_core.scorer import Scorer

    scorer = Scorer.load(shipped(KIND.name), KIND.name)
    of = read_sources(data)
    csic = distinct(of["csic"], None)
    sites = {
        **{f"CSIC 2010, {share:.0%}": _mixtures(csic, share) for share in SHARES},
        "our range": [distinct(of["range"], None)],
        "access logs of an intranet": [distinct(of["logs"], None)],
        **{name: [rows] for name, rows in unlabelled(data).items()},
    }
    judged: dict[str, tuple[bool, bool]] = {}
    rows: list[tuple[Cell, ...]] = []
    for name, mixtures in sites.items():
        figures = []
        for mixture in mixtures:
            new = [text for text in mixture.texts if text not in judged]
            verdicts = scorer.score_texts(new)
            called = verdicts.p_attack > 0.5
            judged |= dict(zip(new, zip(called, verdicts.unsure, strict=True), strict=True))
            figures.append(_figures(mixture, [judged[text] for text in mixture.texts]))
        rows.append((name.partition(", ")[0] if "CSIC" in name else name, *_mean(figures)))
        say(name)
    about = (
        "The shipped network, and `kinds/requests/site.py` beside it: what is strange is unsure."
        " Each file is a site that tells what is common there, attacks among it and no label."
        " CSIC's harmless requests stand with so many of its attacks, the mean of three draws;"
        " the network learned its harmless requests and none of its attacks, most of which change"
        " a parameter and hold nothing of an attack. Every different text once; the logs of the"
        " scanners' sessions count as attacks, the other logs as harmless, which not every line is."
    )
    return Chapter(
        "Requests at their site", "", (Table("Strange requests", HEADER, tuple(rows), about),)
    )


def _mixtures(rows: Rows, share: float) -> list[Rows]:
    """All harmless requests, and attacks drawn so that they make that share; of the fewer side all."""
    harmless, attacks = np.flatnonzero(~rows.attack), np.flatnonzero(rows.attack)
    count = round(len(harmless) * share / (1 - share))
    found = []
    for seed in SEEDS:
        drawn = np.random.default_rng(seed).permutation(attacks)[:count]
        chosen = np.concatenate([harmless, drawn])
        found.append(Rows([rows.texts[i] for i in chosen.tolist()], rows.attack[chosen]))
    return found


def _figures(rows: Rows, said: list[tuple[bool, bool]]) -> tuple[float | None, ...]:
    """Under HEADER, without the site's name."""
    from sklearn.metrics import f1_score

    from ml_core.kinds.requests.site import Site

    called, unsure = np.asarray(said, dtype=np.bool_).T
    site = Site.of(rows.texts)
    strange = np.zeros_like(called) if site is None else site.strange(rows.texts)
    marks = (called, called | unsure, called | unsure | strange)
    sides = (rows.attack, ~rows.attack)
    shares = [float(mark[side].mean()) if side.any() else None for side in sides for mark in marks]
    both = bool(rows.attack.any() and not rows.attack.all())
    f1 = [float(f1_score(rows.attack, mark, average="macro")) if both else None for mark in marks]
    return (float(rows.attack.mean()), len(rows.texts), *shares, *f1)


def _mean(figures: list[tuple[float | None, ...]]) -> list[Cell]:
    """Column by column; whole numbers stay whole."""
    found: list[Cell] = []
    for column in zip(*figures, strict=True):
        told = [value for value in column if value is not None]
        if all(isinstance(value, int) for value in told) and told:
            found.append(round(float(np.mean(told))))
        else:
            found.append(float(np.mean(told)) if told else None)
    return found


TOPIC = Topic("sites", "Requests at their site", run, minutes=1)
