"""`evaluate KIND DATA --label COLUMN`: a model's figures on labelled data, as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="its folder; default: the shipped model")
    add_label(parser)


def add_label(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--label",
        default="",
        metavar="COLUMN",
        help="where the labels are, or several names by comma: of each file the first that it has;"
        " default: the usual names (attack_type, Label, class, …)",
    )


def run(chosen: argparse.Namespace) -> None:
    """Rows without a label are judged, as others' past, and not counted."""
    from ml_core.commands.judging import judge
    from ml_core.commands.progress import tell_unlabelled
    from ml_core.evaluation import measure
    from ml_core.kinds import named
    from ml_core.model_file import shipped
    from ml_core.readers import read_labels
    from ml_core.scorer import Scorer

    kind = named(chosen.kind)
    scorer = Scorer.load(chosen.model or shipped(chosen.kind), chosen.kind, chosen.threads)
    labels = read_labels(chosen.data, chosen.label)
    tell_unlabelled(labels.codes)
    told = labels.codes >= 0
    y = kind.class_index(labels.names)[labels.codes[told]]
    judged = judge(scorer, chosen.data)
    figures: dict[str, Any] = measure(
        judged.probabilities[told], y, kind.classes, judged.unsure[told]
    )
    print(json.dumps(figures, indent=2))
