"""`adapt KIND DATA --label COLUMN --output MODEL`: a model made to fit one's own site.

DATA are rows of the site: a few with a label, false alarms above all ("harmless here"), the many
others with none. What is called an attack among those does not become more: they hold the false
alarms down. The model adapted from stays as it is.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_core.commands.evaluate import add_label
from ml_core.commands.folders import for_a_model
from ml_core.commands.numbers import share
from ml_core.commands.progress import Rows, tell
from ml_core.errors import DataError, ModelFileError
from ml_core.kinds import FLOWS, UNTOLD, Kind, named, text_kind
from ml_core.verdict.calibration import softmax

if TYPE_CHECKING:
    from ml_core.kinds.text import TextKind
    from ml_core.model_file import Model
    from ml_core.network.bilstm_dnn import BiLSTMDNN
    from ml_core.readers import FlowTable, Labels, Table
    from ml_core.scorer import Scorer
    from ml_core.verdict.inputs import Inputs
    from ml_core.verdict.seen import Seen

LEAST, MOST = 300, 5_000  # rows without a label: needed, and looked at, spread evenly
LABELLED = 2_000  # rows of each class that are looked at, spread evenly

F32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Site(NamedTuple):
    """What a model sees of a site's rows, and what those without a label measure."""

    told: Seen  # [N]
    y: Ints  # [N] classes, or UNTOLD
    others: Seen  # [M]
    measured: F32  # [M, F]


def arguments(parser: argparse.ArgumentParser) -> None:
    add_label(parser)
    parser.add_argument("--model", type=Path, help="to adapt; default: the shipped model")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="MODEL",
        help="folder to keep the new model in",
    )
    parser.add_argument(
        "--alarms",
        type=share,
        metavar="SHARE",
        help="of the rows without a label at most this share is called an attack, 0.01 for one in a"
        " hundred; default: as many as the model calls one",
    )


def run(chosen: argparse.Namespace) -> None:
    """Prints where the model is, and what it says of the rows before and after, as JSON."""
    from ml_core import model_file
    from ml_core.adaptation import corrected, correction, worth
    from ml_core.scorer import Scorer

    folder = chosen.model or model_file.shipped(chosen.kind)
    for_a_model(chosen.output, chosen.kind)
    for kept in (folder, model_file.shipped(chosen.kind)):
        if chosen.output.exists() and kept.exists() and chosen.output.samefile(kept):
            raise DataError(f"{kept}: this model would be lost")
    scorer = Scorer.load(folder, chosen.kind, chosen.threads)
    earlier = scorer.model.training.get("adapted", [])
    if not isinstance(earlier, list):
        raise ModelFileError(f"{folder}: what it was adapted from is no list")
    read = _flows if chosen.kind == FLOWS else _texts
    site, model = read(scorer, chosen.data, chosen.label), scorer.model
    rows = site.told, site.y, site.others, model.temperature, chosen.alarms
    right = worth(*rows)
    if not right.found and (attacks := int((site.y != 0).sum())):
        raise DataError(
            f"adapted without them, none of {attacks} labelled attacks is called an attack:"
            " nothing is written"
        )
    if not right.held_out:
        raise DataError(
            f"adapted without them, none of {len(site.y)} labelled rows is right: nothing is written"
        )
    if right.held_out < right.raised:
        raise DataError(
            f"adapted without them, {right.held_out} of {len(site.y)} labelled rows are right,"
            f" before, with as few alarms, {right.raised}: nothing is written"
        )
    fitted = correction(*rows)
    adapted = corrected(model, fitted, *site)
    labelled = {name: int((site.y == c).sum()) for c, name in enumerate(model.labels)}
    about = {
        "from": model.digest,
        "files": [path.name for path in chosen.data],
        "labelled": {name: count for name, count in labelled.items() if count},
        "of a kind not told": int((site.y == UNTOLD).sum()),
        "without a label": len(site.others.logits),
    }
    training = {**model.training, "adapted": [*earlier, about]}
    raised = {} if chosen.alarms is None else {"before, with as few alarms": right.raised}
    metrics = {
        "labelled rows right": {
            "of": len(site.y),
            "before": right.own,
            **raised,
            "held out": right.held_out,
        },
        "others called, before": _called(site.others.logits, model, site.others),
        "others called, after": _called(fitted.logits(site.others), adapted, site.others),
    }
    adapted = replace(adapted, training=training, metrics=metrics)
    digest = model_file.save(chosen.output, adapted)
    print(json.dumps({"model": str(chosen.output), "sha256": digest, **metrics}, indent=2))


def _flows(scorer: Scorer, data: Sequence[Path], label: str) -> Site:
    from ml_core.kinds.flows.building import scans_as_scans
    from ml_core.readers import read_labelled_flows

    reading = Rows("read")
    table, labels = read_labelled_flows(data, label, reading, tell)
    reading.done()
    if scorer.model.training.get("stream"):
        table = table.as_streams()
    held = np.asarray(np.isfinite(table.features).any(axis=1))
    rows, told, y = _chosen(labels, held, named(FLOWS))
    y = scans_as_scans(table.take(rows[told]), y)
    return _site(scorer.model.network, _flow_inputs(scorer, table, rows), told, y)


def _flow_inputs(scorer: Scorer, table: FlowTable, rows: Ints) -> Iterator[Inputs]:
    """Of the rows, rising: a file is a site."""
    from ml_core.commands.judging import some_flows

    for source in np.unique(table.source):
        own = np.flatnonzero(table.source == source)
        some = np.searchsorted(own, rows[table.source[rows] == source])
        if len(some):
            yield some_flows(scorer, table.take(own), some).inputs


def _texts(scorer: Scorer, data: Sequence[Path], label: str) -> Site:
    from ml_core.readers import Table, read_labels, text_batches, text_column

    kind = text_kind(scorer.kind)
    tables = [Table.open(path, lines=True) for path in data]
    for table in tables:
        text_column(table, kind)  # before any work: what lacks it shall say so at once
    labels = read_labels(data, label)
    batches = chain.from_iterable(text_batches(table, kind) for table in tables)
    held = np.fromiter((bool(text.strip()) for text in chain.from_iterable(batches)), dtype=bool)
    rows, told, y = _chosen(labels, held, kind)
    return _site(scorer.model.network, _text_inputs(kind, tables, rows), told, y)


def _text_inputs(kind: TextKind, tables: Sequence[Table], rows: Ints) -> Iterator[Inputs]:
    """Of the rows, rising, each read among the others of its file, as `score` has it."""
    from ml_core.commands.judging import even_batches
    from ml_core.verdict.inputs import TextInputs

    start = 0
    for table in tables:
        for texts in even_batches(table, kind, table.count()):
            end = start + len(texts)
            some = rows[(rows >= start) & (rows < end)] - start
            if len(some):
                yield TextInputs(kind, texts, *kind.encode(texts)).take(some)
            start = end


def _chosen(
    labels: Labels, held: npt.NDArray[np.bool_], kind: Kind
) -> tuple[Ints, npt.NDArray[np.bool_], Ints]:
    """The rows [R] to look at, rising; which of them are labelled; and the classes of those.

    Of N rows, those of which something was read (`held`): an empty one tells nothing of the site.

    DataError for labels of another kind, none at all, or too few rows without.
    """
    from ml_core.adaptation import of_each, spread

    codes = labels.codes
    others, told = np.flatnonzero((codes < 0) & held), np.flatnonzero((codes >= 0) & held)
    if not len(told):
        raise DataError("no row has a label")
    y = kind.class_index(labels.names)[codes[told]]
    if len(others) < LEAST:
        raise DataError(
            f"{len(others)} rows without a label; at least {LEAST} of the site's own are needed,"
            " to hold the false alarms down by"
        )
    some = of_each(y, LABELLED)
    if len(some) < len(y):
        tell(
            f"{len(y):,} rows have a label: {len(some):,} are looked at, {LABELLED:,} of each class"
            " at most"
        )
    rows = np.union1d(told[some], spread(others, MOST))
    return rows, codes[rows] >= 0, y[some]


def _site(
    network: BiLSTMDNN, parts: Iterable[Inputs], told: npt.NDArray[np.bool_], y: Ints
) -> Site:
    """Of the chosen rows [R], part by part; those that are `told` are of the classes y."""
    from ml_core.verdict.seen import Seen, look_at_inputs

    looks, measured, start = [], [], 0
    for inputs in parts:
        looks.append(look_at_inputs(network, inputs))
        end = start + len(looks[-1].logits)
        others = inputs.take(np.flatnonzero(~told[start:end]))
        measured.append(others.measures()[0])  # of all: they are few
        start = end
    seen = Seen(*map(np.concatenate, zip(*looks, strict=True)))
    there, rest = (seen.take(np.flatnonzero(rows)) for rows in (told, ~told))
    return Site(there, y, rest, np.concatenate(measured))


def _called(logits: npt.NDArray[Any], model: Model, seen: Seen) -> dict[str, float]:
    """What becomes of rows by their logits [M, C] and the model's open-set borders."""
    p = softmax(logits, model.temperature)
    label = p.argmax(axis=1)
    unsure = model.openset.unsure(model.openset.distance(p, seen), p)
    shares = {"an attack": label > 0, "unsure": unsure}
    return {name: round(float(rows.mean()), 4) for name, rows in shares.items()}
