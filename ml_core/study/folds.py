"""Programs once more, every sequence tested once: 160 held out are too few to tell figures apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml_core.kinds import text_kind
from ml_core.kinds.programs import calls, with_recorders
from ml_core.kinds.text import TEST, TRAINING, VALIDATION, Corpus
from ml_core.kinds.tokens import by_sequence, tenth
from ml_core.study import sequences
from ml_core.study.report import Cell, Chapter, Table, Topic

FOLDS = 5
HEADER = (
    "system", "rows", "macro-F1", "least of a part", "most", "AUC", "ECE", "ECE by chance alone",
)  # fmt: skip

F64 = npt.NDArray[np.float64]


def run(data: Path, say: Callable[[str], None]) -> Chapter:
    kind = text_kind("programs")
    table = sequences.table_of(kind, sequences.read(data / "programs/malbehavd_v1.parquet"))
    read = replace(table, texts=[" ".join(calls(text)) for text in table.texts])
    whole = by_sequence([read], 1)
    place = np.asarray([tenth(text) for text in whole.texts])
    said: dict[str, F64] = defaultdict(lambda: np.empty(len(whole.y)))
    for fold in range(FOLDS):
        part = np.full(len(place), TRAINING)
        part[place // 2 == fold] = TEST
        part[place == (2 * fold + 2) % 10] = VALIDATION
        held, learned = np.flatnonzero(part == TEST), np.flatnonzero(part == TRAINING)
        corpus = with_recorders(Corpus(whole.texts, whole.y, part), 1)
        systems = {
            "BiLSTM-DNN": sequences.network_of(kind, corpus, kind.options.epochs),
            **sequences.rivals([whole.texts[i] for i in learned], whole.y[learned]),
        }
        for name, system in systems.items():
            said[name][held] = system([whole.texts[i] for i in held])
        say(f"part {fold + 1} of {FOLDS}")
    rows = tuple(_row(name, p, whole.y, place // 2) for name, p in said.items())
    about = (
        "MalBehavD in five parts by a hash of the sequence, each tested by what learned from the"
        " others (the network from seven tenths: one validates). Figures over all sequences, and"
        " the least and the most macro-F1 of a part. ECE by chance alone: what perfectly"
        " calibrated probabilities like these would show, on average, on so many rows."
    )
    return Chapter(
        "Programs, every sequence tested once", "", (Table("Programs", HEADER, rows, about),)
    )


def _row(
    name: str, p: F64, y: npt.NDArray[np.int64], part: npt.NDArray[np.int64]
) -> tuple[Cell, ...]:
    from sklearn.metrics import f1_score

    from ml_core.verdict.calibration import calibration_error_by_chance

    pair = np.stack([1 - p, p], axis=1)
    _, macro, auc, ece = sequences.figures(p, y)
    parts = [
        float(f1_score(y[part == fold], p[part == fold] > 0.5, average="macro"))
        for fold in range(FOLDS)
    ]
    chance = calibration_error_by_chance(pair)
    return (name, len(y), macro, min(parts), max(parts), auc, ece, chance)


TOPIC = Topic("folds", "Programs, every sequence tested once", run, minutes=2)
