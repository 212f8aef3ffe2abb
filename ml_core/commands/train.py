"""`train KIND DATA --output MODEL`: learn from labelled files and keep the model in a folder."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ml_core.commands.evaluate import add_label
from ml_core.commands.folders import for_a_model
from ml_core.commands.numbers import positive
from ml_core.commands.progress import Rows, tell, tell_unlabelled
from ml_core.errors import DataError
from ml_core.kinds import FLOWS, UNTOLD, named, text_kind

if TYPE_CHECKING:
    from ml_core.kinds.text import TextKind, TextTable
    from ml_core.model_file import Model
    from ml_core.network.options import Options
    from ml_core.network.training import Progress


def arguments(parser: argparse.ArgumentParser) -> None:
    add_label(parser)
    parser.add_argument(
        "--output", type=Path, required=True, metavar="MODEL", help="folder to keep the model in"
    )
    parser.add_argument(
        "--also",
        nargs="+",
        type=Path,
        default=[],
        metavar="DATA",
        help="with no test part held out",
    )
    parser.add_argument("--seed", type=positive, default=1)
    parser.add_argument("--epochs", type=positive, help="at most; default: as the kind needs")
    parser.add_argument(
        "--batch",
        type=positive,
        help="rows a step; the rate of learning grows with its root; default: as the kind needs",
    )
    parser.add_argument(
        "--precision",
        choices=("full", "bf16", "fp16"),
        default="",
        help="full: 32 bits; default: full on a processor, 16 bits on a graphics card",
    )
    parser.add_argument("--checkpoint", type=Path, help="file to resume from and to keep")
    parser.add_argument("--rivals", action="store_true", help="also measure the baselines")
    parser.add_argument(
        "--stream",
        action="store_true",
        help="flows: windows in stream order, whichever host sent; default: by source host",
    )


def run(chosen: argparse.Namespace) -> None:
    """Prints where the model is and its figures on the parts held out, as JSON."""
    from ml_core import model_file
    from ml_core.network.parallel import leads

    for_a_model(chosen.output, chosen.kind)
    if chosen.checkpoint is not None and not chosen.checkpoint.parent.is_dir():
        raise DataError(f"{chosen.checkpoint.parent}: no such folder for the checkpoint")
    kept = chosen.checkpoint
    if kept is not None and kept.exists() and not kept.is_file():  # it would be put in its place
        raise DataError(f"{kept}: not a file to keep a checkpoint in")
    if chosen.stream and chosen.kind != FLOWS:
        raise DataError(f"--stream is of flows, not of {chosen.kind}")
    model = _flows(chosen) if chosen.kind == FLOWS else _texts(chosen, text_kind(chosen.kind))
    if not leads():
        return  # of the processes that torchrun started, one writes
    files = [path.name for path in (*chosen.data, *chosen.also)]
    model = replace(model, training={**model.training, "files": files})
    digest = model_file.save(chosen.output, model)
    print(json.dumps({"model": str(chosen.output), "sha256": digest, **model.metrics}, indent=2))


def _flows(chosen: argparse.Namespace) -> Model:
    from ml_core.kinds.flows import building
    from ml_core.readers import read_labelled_flows

    reading = Rows("read")
    files = [*chosen.data, *chosen.also]
    table, labels = read_labelled_flows(files, chosen.label, reading, tell)
    reading.done()
    told = labels.codes >= 0
    if not told.any():
        raise DataError("no row has a label")
    tell_unlabelled(labels.codes)
    y = named(FLOWS).class_index(labels.names)[labels.codes[told]]
    if not told.all():
        table = table.take(told)
    if chosen.stream:
        table = table.as_streams()
    part = building.split_in_time(
        labels.codes[told].astype(np.int64),
        table.time,
        table.source,
        len(chosen.also),
        labels.names,
    )
    options = _options(chosen, building.OPTIONS)
    model = building.build_flows(table, y, part, options, _report, chosen.checkpoint, chosen.rivals)
    return replace(model, training={**model.training, "stream": chosen.stream})


def _texts(chosen: argparse.Namespace, kind: TextKind) -> Model:
    from ml_core import building

    tables = [
        *(_text_table(path, kind, chosen.label, True) for path in chosen.data),
        *(_text_table(path, kind, chosen.label, False) for path in chosen.also),
    ]
    options = _options(chosen, kind.options)
    return building.build_texts(kind, tables, options, _report, chosen.checkpoint, chosen.rivals)


def _text_table(path: Path, kind: TextKind, label: str, tests: bool) -> TextTable:
    """The rows of one file whose label tells a class."""
    from ml_core.kinds.text import TextTable
    from ml_core.readers import Table, read_frames, read_labels, read_texts, text_column

    column = text_column(Table.open(path, lines=True), kind)
    labels = read_labels([path], label)
    tell_unlabelled(labels.codes, f"{path}: ")
    classes = _with_none(kind.class_index(labels.names))
    told = classes[labels.codes] != UNTOLD
    (frame,) = read_frames([path], lines=True)
    return TextTable(
        column, read_texts(frame.filter(told), kind), classes[labels.codes[told]], tests
    )


def _with_none(classes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Class numbers by label, and for the place -1, that of no label, UNTOLD."""
    return np.append(classes, UNTOLD)


def _options(chosen: argparse.Namespace, usual: Options) -> Options:
    batch = chosen.batch or usual.batch
    return replace(
        usual,
        seed=chosen.seed,
        epochs=chosen.epochs or usual.epochs,
        batch=batch,
        # Malladi et al., "On the SDEs and scaling rules for adaptive gradient algorithms", 2022
        rate=usual.rate * math.sqrt(batch / usual.batch),
        precision=chosen.precision,
    )


def _report(p: Progress) -> None:
    if p.share < 1:
        told = f"epoch {p.epoch}/{p.epochs}  {p.share:.0%}  loss {p.loss:.4f}"
        print(told, file=sys.stderr)
        return
    print(
        f"epoch {p.epoch}/{p.epochs}  loss {p.loss:.4f}  validation {p.validation_loss:.4f}"
        f"  accuracy {p.validation_accuracy:.4f}",
        file=sys.stderr,
    )
