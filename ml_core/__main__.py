"""`python -m ml_core`: learn, score and evaluate from the terminal.

    train KIND DATA... --label COLUMN --output MODEL
    score KIND DATA --model MODEL --output FILE
    evaluate KIND DATA... --label COLUMN --model MODEL

DATA are parquet or CSV files: CICFlowMeter tables for `flows`; a column `request`, `text`,
`payload`, `query` or `raw_request` for `requests`. Bad input: one line, exit status 2.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError, ModelFileError
from ml_core.kinds import FLOWS, KINDS, UNTOLD, named, text_kind

if TYPE_CHECKING:
    import polars as pl

    from ml_core.scorer import Verdicts


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, or 2 for input that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m ml_core", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in (("train", _train), ("score", _score), ("evaluate", _evaluate)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument("kind", choices=KINDS)
        command.add_argument("data", nargs="+", type=Path)
        command.add_argument("--threads", type=int, default=1, help="of PyTorch; default 1")
        if name == "score":
            command.add_argument("--output", type=Path, required=True)
        if name != "score":
            command.add_argument(
                "--label", required=True, help="label column, or several by comma: the first found"
            )
        if name == "train":
            command.add_argument("--output", type=Path, required=True)
            command.add_argument(
                "--also", nargs="+", type=Path, default=[], help="DATA with no test part held out"
            )
            command.add_argument("--seed", type=int, default=1)
            command.add_argument("--epochs", type=int, default=0)
            command.add_argument("--checkpoint", type=Path, help="file to resume from and to keep")
            command.add_argument("--rivals", action="store_true", help="also measure the baselines")
        else:
            command.add_argument("--model", type=Path, help="default: the shipped model")
    chosen = parser.parse_args(arguments)
    try:
        import torch

        torch.set_num_threads(chosen.threads)
        chosen.run(chosen)
    except (DataError, ModelFileError, OSError) as error:
        print(f"ml_core: {error}", file=sys.stderr)
        return 2
    return 0


def _train(chosen: argparse.Namespace) -> None:
    from dataclasses import replace

    from ml_core import building, model_file, readers
    from ml_core.kinds.flows import building as flows
    from ml_core.kinds.text import TextTable
    from ml_core.network.training import Progress

    def report(p: Progress) -> None:
        print(
            f"epoch {p.epoch}/{p.epochs}  loss {p.loss:.4f}  validation {p.validation_loss:.4f}"
            f"  accuracy {p.validation_accuracy:.4f}",
            file=sys.stderr,
        )

    files, kind = [*chosen.data, *chosen.also], named(chosen.kind)
    frames, labels = readers.labelled(readers.read_frames(files), chosen.label)
    frames, labels, y = _told(frames, labels, kind.class_index(labels))
    options = flows.OPTIONS if chosen.kind == FLOWS else text_kind(chosen.kind).options
    options = replace(options, seed=chosen.seed, epochs=chosen.epochs or options.epochs)
    if chosen.kind == FLOWS:
        table = readers.read_flows(frames)
        part = flows.split_in_time(labels, table.time, table.source, len(chosen.also))
        model = flows.build_flows(table, y, part, options, report, chosen.checkpoint, chosen.rivals)
    else:
        reads, ends = text_kind(chosen.kind), np.cumsum([len(frame) for frame in frames])
        tables = [
            TextTable(
                readers.text_column(frame, reads),
                readers.read_texts(frame, reads),
                y[end - len(frame) : end],
                number < len(chosen.data),
            )
            for number, (frame, end) in enumerate(zip(frames, ends.tolist(), strict=True))
        ]
        model = building.build_texts(
            reads, tables, options, report, chosen.checkpoint, chosen.rivals
        )
    model = replace(model, training={**model.training, "files": [path.name for path in files]})
    digest = model_file.save(chosen.output, model)
    print(json.dumps({"model": str(chosen.output), "sha256": digest, **model.metrics}, indent=2))


def _told(
    frames: list[pl.DataFrame], labels: list[str], y: npt.NDArray[np.int64]
) -> tuple[list[pl.DataFrame], list[str], npt.NDArray[np.int64]]:
    """Without the attacks of a kind not told, which teach nothing here."""
    told = y != UNTOLD
    parts = np.split(told, np.cumsum([len(frame) for frame in frames])[:-1])
    frames = [frame.filter(keep) for frame, keep in zip(frames, parts, strict=True)]
    return frames, [labels[i] for i in np.flatnonzero(told)], y[told]


def _score(chosen: argparse.Namespace) -> None:
    import polars as pl

    from ml_core.readers import read_frames

    verdicts = _verdicts(chosen, read_frames(chosen.data))
    table = pl.DataFrame(
        {
            "label": verdicts.label_names,
            "probability": verdicts.probability,
            "p_attack": verdicts.p_attack,
            "unsure": verdicts.unsure,
        }
    )
    if chosen.output.suffix == ".parquet":
        table.write_parquet(chosen.output)
    else:
        table.write_csv(chosen.output)


def _evaluate(chosen: argparse.Namespace) -> None:
    from ml_core.evaluation import measure
    from ml_core.readers import labelled, read_frames

    frames, labels = labelled(read_frames(chosen.data), chosen.label)
    kind = named(chosen.kind)
    y = kind.class_index(labels)
    verdicts = _verdicts(chosen, frames)
    figures: dict[str, Any] = measure(verdicts.probabilities, y, kind.classes, verdicts.unsure)
    print(json.dumps(figures, indent=2))


def _verdicts(chosen: argparse.Namespace, frames: list[pl.DataFrame]) -> Verdicts:
    from ml_core import readers
    from ml_core.kinds.flows.windows import FLOW_COLUMNS
    from ml_core.model_file import shipped
    from ml_core.scorer import Scorer

    scorer = Scorer.load(chosen.model or shipped(chosen.kind), chosen.kind)
    if chosen.kind == FLOWS:
        table = readers.read_flows(frames)
        told = bool(np.all(table.port >= 0))
        return scorer.score_flows(
            table.features,
            FLOW_COLUMNS,
            table.group,
            table.time,
            table.destination if told else None,
            table.port if told else None,
        )
    reads = text_kind(chosen.kind)
    texts = [text for frame in frames for text in readers.read_texts(frame, reads)]
    return scorer.score_texts(texts)


if __name__ == "__main__":
    sys.exit(main())
