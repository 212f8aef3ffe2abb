"""Model building (paper 2): labelled data in, a calibrated model with its figures out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ml_core.errors import DataError
from ml_core.evaluation import measure, size_only
from ml_core.kinds import named
from ml_core.kinds.flows.scaler import Scaler
from ml_core.kinds.text import TEST, TRAINING, VALIDATION, TextKind, TextTable
from ml_core.model_file import Model
from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.network.losses import class_weights
from ml_core.network.options import Options
from ml_core.network.sequences import Sequences, TextSet
from ml_core.network.training import Progress, train
from ml_core.verdict.calibration import fit_temperature, softmax
from ml_core.verdict.openset import Novelty

Ints = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
Report = Callable[[Progress], None]

ALARM_RATE = 0.01  # of validation inputs called unsure for being unlike the training data
UNDECIDED = 0.6  # a best class less likely than this is unsure, too


def build_texts(
    kind: TextKind,
    tables: Sequence[TextTable],
    options: Options,
    report: Report | None = None,
    checkpoint: Path | None = None,
    rivals: bool = False,
) -> Model:
    """A model of `kind` from labelled texts; with `rivals`, length alone is measured beside it."""
    texts, y, part = kind.corpus(tables, options.seed)
    need(y[part == TRAINING], y[part == VALIDATION])
    steps, lengths = kind.encode(texts)
    sets = [
        TextSet.of(steps[part == p], lengths[part == p], y[part == p])
        for p in (TRAINING, VALIDATION, TEST)
    ]
    labels, arch = kind.classes, kind.architecture
    weights = class_weights(y[part == TRAINING], len(labels))
    network = train(arch, sets[TRAINING], sets[VALIDATION], weights, options, report, checkpoint)
    model = finish(
        network,
        sets[TRAINING],
        sets[VALIDATION],
        kind=kind.name,
        columns=(),
        scaler=None,
        baseline=torch.zeros(0),
        training=about(options, steps, y),
    )
    metrics = test_figures(model, sets[TEST])
    if rivals:
        fit, held = part == TRAINING, part == TEST
        p = size_only(lengths[fit], y[fit], lengths[held], len(labels), 1)
        metrics["length_only"] = headline(measure(p, y[held], labels))
    return replace(model, metrics=metrics)


@torch.inference_mode()
def run(network: BiLSTMDNN, data: Sequences, size: int = 2048) -> tuple[F32, F32]:
    """Logits [N, C] and last hidden layer [N, D] of a data set."""
    logits = torch.empty(len(data.y), network.arch.classes)
    features = torch.empty(len(data.y), network.head.in_features)
    for rows in data.once(size):
        x, lengths, _ = data.batch(rows)
        output = network(x, lengths)
        logits[rows], features[rows] = output.logits, output.features
    return logits.numpy(), features.numpy()


def finish(
    network: BiLSTMDNN,
    learned: Sequences,
    validation: Sequences,
    *,
    kind: str,
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
    return Model(
        kind=kind,
        labels=named(kind).classes,
        columns=columns,
        network=network,
        temperature=temperature,
        novelty=novelty,
        baseline=baseline,
        scaler=scaler,
        training=training,
    )


def test_figures(model: Model, test: Sequences) -> dict[str, Any]:
    if not len(test.y):
        return {}
    logits, features = run(model.network, test)
    p = softmax(logits, model.temperature)
    unsure = model.novelty.unsure(model.novelty.distance(features), p)
    return {"test": measure(p, test.y.numpy(), model.labels, unsure)}


def headline(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in ("accuracy", "macro_f1", "auc")}


def about(options: Options, X: npt.NDArray[Any], y: Ints) -> dict[str, Any]:
    digest = hashlib.sha256(np.ascontiguousarray(X).tobytes())
    digest.update(np.ascontiguousarray(y).tobytes())
    return {"rows": len(y), "fingerprint": digest.hexdigest(), "options": asdict(options)}


def need(training: Ints, validation: Ints) -> None:
    if len(np.unique(training)) < 2:
        raise DataError("nothing to tell apart: the training part holds fewer than two classes")
    if not len(validation):
        raise DataError("too few rows to hold any out for validation")
