"""Model building (paper 2): labelled data in, a calibrated model with its figures out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ml_core.calibration import Novelty, fit_temperature, softmax
from ml_core.classes import FLOWS, REQUESTS, classes_of
from ml_core.errors import DataError
from ml_core.evaluation import measure, random_forest, size_only
from ml_core.losses import class_weights
from ml_core.model_file import Model
from ml_core.networks import Architecture, BiLSTMDNN
from ml_core.readers import FlowTable
from ml_core.sampling import smote_windows, undersample
from ml_core.scaler import Scaler
from ml_core.training import FlowSet, Options, Progress, RequestSet, Sequences, train
from ml_core.windows import CONTEXT_COLUMNS, FLOW_COLUMNS, WINDOW, context, window_index

Ints = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
Report = Callable[[Progress], None]

TRAINING, VALIDATION, TEST = 0, 1, 2
LARGEST = 12_000  # windows of one class
LEAST = 1_000  # windows of a small class, after SMOTE
ALARM_RATE = 0.01  # of validation inputs called unsure for being unlike the training data
UNDECIDED = 0.6  # a best class less likely than this is unsure, too

FLOW_OPTIONS = Options(epochs=12, patience=4, batch=256, noise=0.5, forget=0.6, blind=0.4)
REQUEST_OPTIONS = Options(epochs=10, patience=3, batch=128)


def split_in_time(
    y: Ints, time: Ints, source: Ints, shares: tuple[float, float] = (0.6, 0.1)
) -> Ints:
    """Part [N] of each row: of every class of every source the first rows in time train, the next
    validate, the last test. Never at random: neighbours in time are near copies (paper 2 holds
    out weeks).
    """
    part = np.full(len(y), TEST)
    for group in np.unique(np.stack([source, y], axis=1), axis=0):
        rows = np.flatnonzero((source == group[0]) & (y == group[1]))
        rows = rows[np.argsort(time[rows], kind="stable")]
        first, second = (round(share * len(rows)) for share in np.cumsum(shares))
        part[rows[:first]], part[rows[first:second]] = TRAINING, VALIDATION
    return part


def build_flows(
    table: FlowTable,
    y: Ints,
    options: Options = FLOW_OPTIONS,
    report: Report | None = None,
    checkpoint: Path | None = None,
    rivals: bool = False,
) -> Model:
    """A flow model from N flows and their classes y [N]; test figures are in its `metrics`.

    Windows are made within each part, so no flow of one part is seen in another's windows.
    """
    labels = classes_of(FLOWS)
    part = split_in_time(y, table.time, table.source)
    _need(y[part == TRAINING], y[part == VALIDATION])
    tables = [table.take(part == p) for p in (TRAINING, VALIDATION, TEST)]
    ys = [y[part == p] for p in (TRAINING, VALIDATION, TEST)]
    scaler = Scaler.fit(tables[TRAINING].features)
    inputs = [flow_inputs(t, scaler) for t in tables]

    rows, index = inputs[TRAINING]
    kept = undersample(ys[TRAINING], LARGEST, options.seed)
    rows_s, index_s, y_s = smote_windows(rows, index[kept], ys[TRAINING][kept], LEAST, options.seed)
    numeric = len(FLOW_COLUMNS)
    sets = [
        FlowSet.of(*pair, labels_of, numeric) for pair, labels_of in zip(inputs, ys, strict=True)
    ]
    arch = Architecture(FLOWS, rows.shape[1], len(labels), WINDOW)
    weights = class_weights(y_s, len(labels))
    learned = FlowSet.of(rows_s, index_s, y_s, numeric)
    network = train(arch, learned, sets[VALIDATION], weights, options, report, checkpoint)

    normal = rows[ys[TRAINING] == 0]
    model = _finish(
        network,
        FlowSet.of(rows, index[kept], ys[TRAINING][kept], numeric),
        sets[VALIDATION],
        columns=(*FLOW_COLUMNS, *CONTEXT_COLUMNS),
        scaler=scaler,
        baseline=torch.from_numpy((normal if len(normal) else rows).mean(axis=0)),
        training=_about(options, table.features, y),
    )
    metrics = _test_figures(model, sets[TEST])
    if rivals:
        p = random_forest(
            tables[TRAINING].features, ys[TRAINING], tables[TEST].features, len(labels), 1
        )
        metrics["random_forest"] = _headline(measure(p, ys[TEST], labels))
    return _with_metrics(model, metrics)


def build_requests(
    text: npt.NDArray[np.uint8],
    lengths: Ints,
    y: Ints,
    part: Ints,
    options: Options = REQUEST_OPTIONS,
    report: Report | None = None,
    checkpoint: Path | None = None,
    rivals: bool = False,
) -> Model:
    """A request model from byte values [N, T], lengths and classes y [N], already in parts [N]."""
    labels = classes_of(REQUESTS)
    _need(y[part == TRAINING], y[part == VALIDATION])
    sets = [
        RequestSet.of(text[part == p], lengths[part == p], y[part == p])
        for p in (TRAINING, VALIDATION, TEST)
    ]
    arch = Architecture(REQUESTS, 256, len(labels), text.shape[1], hidden=48)
    weights = class_weights(y[part == TRAINING], len(labels))
    network = train(arch, sets[TRAINING], sets[VALIDATION], weights, options, report, checkpoint)
    model = _finish(
        network,
        sets[TRAINING],
        sets[VALIDATION],
        columns=(),
        scaler=None,
        baseline=torch.zeros(0),
        training=_about(options, text, y),
    )
    metrics = _test_figures(model, sets[TEST])
    if rivals:
        fit, held = part == TRAINING, part == TEST
        p = size_only(lengths[fit], y[fit], lengths[held], len(labels), 1)
        metrics["length_only"] = _headline(measure(p, y[held], labels))
    return _with_metrics(model, metrics)


def flow_inputs(table: FlowTable, scaler: Scaler) -> tuple[F32, Ints]:
    """What the network reads: scaled rows with context [R, F] and windows [R, T].

    Context is told for the files that tell hosts and ports.
    """
    seen = np.zeros((len(table.time), len(CONTEXT_COLUMNS)))
    told = (table.destination >= 0) & (table.port >= 0)
    if told.any():
        known = table.take(told)
        seen[told] = context(known.group, known.time, known.destination, known.port)
    rows = np.hstack([scaler.transform(table.features), seen.astype(np.float32)])
    return rows, window_index(table.group, table.time)


@torch.inference_mode()
def run(network: BiLSTMDNN, data: Sequences, size: int = 2048) -> tuple[F32, F32]:
    """Logits [N, C] and last hidden layer [N, D] of a data set."""
    outputs = [
        network(x, lengths)
        for x, lengths, _ in (data.batch(rows) for rows in torch.arange(len(data.y)).split(size))
    ]
    return (
        torch.cat([o.logits for o in outputs]).numpy(),
        torch.cat([o.features for o in outputs]).numpy(),
    )


def _finish(
    network: BiLSTMDNN,
    learned: Sequences,
    validation: Sequences,
    *,
    columns: tuple[str, ...],
    scaler: Scaler | None,
    baseline: torch.Tensor,
    training: dict[str, Any],
) -> Model:
    """Temperature and open-set threshold, from the validation part."""
    _, features = run(network, learned)
    novelty = Novelty.fit(features, learned.y.numpy(), network.arch.classes)
    logits, features = run(network, validation)
    temperature = fit_temperature(logits, validation.y.numpy())
    novelty = novelty.at_alarm_rate(novelty.distance(features), ALARM_RATE, UNDECIDED)
    kind = network.arch.kind
    return Model(
        kind=kind,
        labels=classes_of(kind),
        columns=columns,
        network=network,
        temperature=temperature,
        novelty=novelty,
        baseline=baseline,
        scaler=scaler,
        training=training,
    )


def _test_figures(model: Model, test: Sequences) -> dict[str, Any]:
    if not len(test.y):
        return {}
    logits, features = run(model.network, test)
    p = softmax(logits, model.temperature)
    unsure = model.novelty.unsure(model.novelty.distance(features), p)
    return {"test": measure(p, test.y.numpy(), model.labels, unsure)}


def _headline(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in ("accuracy", "macro_f1", "auc")}


def _with_metrics(model: Model, metrics: dict[str, Any]) -> Model:
    from dataclasses import replace

    return replace(model, metrics=metrics)


def _about(options: Options, X: npt.NDArray[Any], y: Ints) -> dict[str, Any]:
    digest = hashlib.sha256(np.ascontiguousarray(X).tobytes())
    digest.update(np.ascontiguousarray(y).tobytes())
    return {"rows": len(y), "fingerprint": digest.hexdigest(), "options": asdict(options)}


def _need(training: Ints, validation: Ints) -> None:
    if len(np.unique(training)) < 2:
        raise DataError("nothing to tell apart: the training part holds fewer than two classes")
    if not len(validation):
        raise DataError("too few rows to hold any out for validation")
