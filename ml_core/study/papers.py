"""Both papers' tables and figures, with their own numbers beside ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ml_core.study import papers_first, papers_second
from ml_core.study.papers_data import LARGEST, LEAST, Data, load
from ml_core.study.report import Chapter, Topic


def run(data: Path, say: Callable[[str], None]) -> Chapter:
    """Every system of both papers on CIC-IDS2017 held out in time, and on CSE-CIC-IDS2018."""
    flows = load(data)
    scores, bilstm_dnn = papers_second.ablations(flows, say)
    first, figure_3 = papers_first.tables(flows, say, bilstm_dnn)
    second, figures_7_to_9 = papers_second.tables(flows, say, scores, bilstm_dnn)
    studies, figures_4_to_6 = papers_first.figures(flows, say)
    return Chapter(
        "The papers' tables",
        _about(flows),
        (*first, studies, *second),
        (*figure_3, *figures_4_to_6, *figures_7_to_9),
    )


def _about(flows: Data) -> str:
    parts = (flows.training, flows.validation, flows.test, flows.elsewhere)
    n = [f"{len(part.y):,}" for part in parts]
    alone = float(np.mean(flows.test.windows().lengths == 1))
    return (
        "Paper 1: Lin, Ye, Xu 2019; paper 2: Fu 2022. *Here* is the corrected CIC-IDS2017 sample "
        "in paper 1's seven classes, held out by time within each label: the first 60 % train "
        f"({n[0]} flows), 10 % validate ({n[1]}), the last 30 % test ({n[2]}). *Elsewhere* is "
        f"CSE-CIC-IDS2018 ({n[3]} flows of another year, network and extractor), never trained "
        f"on. All systems read the same {flows.test.rows.shape[1]} flow fields, scaled by the "
        "training part, and learn from the same windows, with SMOTE up to "
        f"{LEAST:,} of a small class; the networks, to save time, from at most {LARGEST:,} of a "
        "class. A window is the last ten flows of one source host, back to its last hour of "
        "silence: a part by time within each label makes neighbours of flows a day apart. "
        f"{alone:.1%} of the test windows hold one flow, and all of those from elsewhere, where "
        "the files name no hosts. Nothing here is done for transfer: see the "
        "chapter on it for what helps."
    )


TOPIC = Topic("papers", "The papers' tables", run, minutes=12)
