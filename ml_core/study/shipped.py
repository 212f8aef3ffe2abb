"""The models that come with the platform, on the parts that were held out of their training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ml_core.study.report import Cell, Chapter, Table, Topic

Say = Callable[[str], None]
HEADER = ("kind", "test", "rows", "accuracy", "macro-F1", "AUC", "attacks found", "false alarms",
          "ECE", "unsure")  # fmt: skip
FIGURES = ("rows", "accuracy", "macro_f1", "auc", "attack_recall", "false_alarms", "ece", "unsure")
SOURCE = "cicids2017_improved_56k"


def run(data: Path, say: Say) -> Chapter:
    rows: list[tuple[Cell, ...]] = list(_manifests())
    say("manifests read")
    rows += _flows(data)
    about = (
        "The parts held out when each model was trained (`model.json`), with its baselines of the"
        " same run; and the flows held out by time of the corrected CIC-IDS2017 sample as `score`"
        " judges them, where a scan from inside is Infiltration as in label_map_7class.json."
    )
    return Chapter(
        "The shipped models",
        "",
        (Table("On what they were not trained on", HEADER, tuple(rows), about),),
    )


def _manifests() -> Iterator[tuple[Cell, ...]]:
    from ml_core.kinds import KINDS
    from ml_core.model_file import load, shipped

    for kind in KINDS:
        metrics = load(shipped(kind), kind).metrics
        for test, figures in metrics.items():
            name = "held out" if test == "test" else f"– {test.replace('_', ' ')}, same rows"
            yield (kind, name, *(figures.get(key) for key in FIGURES))


def _flows(data: Path) -> Iterator[tuple[Cell, ...]]:
    from ml_core.commands.judging import judge_flows
    from ml_core.evaluation import measure
    from ml_core.kinds.flows import KIND
    from ml_core.kinds.flows.building import split_in_time
    from ml_core.kinds.text import TEST
    from ml_core.model_file import shipped
    from ml_core.readers import read_labelled_flows
    from ml_core.scorer import Scorer

    table, labels = read_labelled_flows([data / "flows" / f"{SOURCE}.parquet"], "Label")
    y = KIND.class_index(labels.names)[labels.codes]
    part = split_in_time(labels.of_rows.tolist(), table.time, table.source.astype(np.int64))
    held, y = part == TEST, y[part == TEST]
    said = judge_flows(Scorer.load(shipped("flows")), table.take(held), lambda _: None)
    scans = KIND.classes.index("Portscan")
    for name, rows in (
        ("as judged by `score`", y >= 0),
        ("– without scans from outside", y != scans),
    ):
        figures = measure(said.probabilities[rows], y[rows], KIND.classes, said.unsure[rows])
        yield ("flows", f"{name}, in time", *(figures.get(key) for key in FIGURES))


TOPIC = Topic("shipped", "The shipped models", run, minutes=0.3)
