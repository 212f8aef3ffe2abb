"""Model building (paper 2): labelled data in, a calibrated model with its figures out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import compress
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
from ml_core.network.stages import SymbolStage
from ml_core.network.training import Progress, train
from ml_core.sampling import undersample
from ml_core.verdict.calibration import fit_temperature, harmless_bias, softmax
from ml_core.verdict.drift import TEXT_MEASURES, Profile, text_measures
from ml_core.verdict.openset import Openset
from ml_core.verdict.seen import look_at_all, looks

Ints = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Report = Callable[[Progress], None]

ALARM_RATE = 0.01  # of harmless validation inputs called an attack or unsure
CALLED_RATE = ALARM_RATE / 4  # called an attack
KNOWN = 8_000  # training inputs of one class that others are compared with
TUNED = 200_000  # validation inputs
UNDECIDED = 0.6  # a best class less likely than this is unsure, too
_NOTHING = np.empty((0, 0), dtype=np.float32)


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
    labels, arch, held = kind.classes, kind.architecture, np.flatnonzero(part == VALIDATION)
    tuned = [kind.bare(texts[i]) for i in held[_spread(len(held))]]
    typical = _typical(kind, tables, tuned)
    weights = class_weights(y[(part == TRAINING) & (y >= 0)], len(labels), kind.cap)
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
        measures=TEXT_MEASURES,
        measured=text_measures(list(compress(tuned, typical))),
        typical=typical,
    )
    metrics = test_figures(model, sets[TEST])
    if rivals:
        fit, held = part == TRAINING, part == TEST
        p = size_only(lengths[fit], y[fit], lengths[held], len(labels), 1)
        metrics["length_only"] = headline(measure(p, y[held], labels))
    return replace(model, metrics=metrics)


def _typical(kind: TextKind, tables: Sequence[TextTable], bare: Sequence[str]) -> Bools:
    """Which of N texts are like what will be judged: all, or those that the tables hold."""
    if not kind.as_given:
        return np.ones(len(bare), dtype=bool)
    given = {kind.bare(text) for table in tables for text in table.texts}
    found = np.asarray([text in given for text in bare], dtype=bool)
    return found if found.any() else ~found


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
    measures: tuple[str, ...] = (),
    measured: F32 = _NOTHING,
    typical: Bools | None = None,
    most_bias: float = np.inf,
) -> Model:
    """Bias, temperature, open-set borders and drift profile, from the validation part.

    measured [N, M] is what the validation inputs measure in the terms of `measures` [M], see
    `ml_core.verdict.drift`: those of them that are `typical` (None: all) of what is judged later.
    Flows are measured by their columns. The bias is at most `most_bias`.
    """
    classes, tuned = network.arch.classes, _spread(len(validation.y))
    y = validation.y.numpy()[tuned]
    logits = look_at_all(network, validation, tuned).logits
    with torch.no_grad():
        bias = min(harmless_bias(logits, y, CALLED_RATE), most_bias)
        network.head.bias[0] += bias
    if network.arch.second:
        # after the bias, which it does not move: bare names are judged as without it
        assert isinstance(learned, TextSet)
        assert isinstance(network.stage, SymbolStage)
        second = network.stage.second
        if second.fit(learned.steps, learned.lengths, learned.y != 0):
            with torch.no_grad():
                for part in network.head.parameters():
                    part.mul_(second.reading.network)
    if network.arch.oddity:
        assert isinstance(learned, TextSet)
        assert isinstance(network.stage, SymbolStage)
        network.stage.oddity.fit(learned.steps[learned.y == 0])
    taught = learned.y.numpy()
    some = undersample(taught, KNOWN, 0)
    known, seen = look_at_all(network, learned, some), look_at_all(network, validation, tuned)
    temperature = fit_temperature(seen.logits, y)
    p = softmax(seen.logits, temperature)
    flows = network.arch.stage == "numbers"
    layer = None if flows else known.hidden  # what it was measured to be worth (verdicts.md)
    openset = Openset.fit(layer, taught[some], classes, known.inputs, UNDECIDED)
    openset = openset.at_alarm_rate(ALARM_RATE, p, y, seen, network.arch.oddity)
    label = p.argmax(axis=1)
    if flows:
        measures, measured = columns, judged(validation, tuned)
    distance = openset.distance(p, seen)
    if typical is not None:
        label, distance = label[typical], distance[typical]
    return Model(
        kind=kind,
        labels=named(kind).classes,
        columns=columns,
        network=network,
        temperature=temperature,
        openset=openset,
        profile=Profile.fit(measures, measured, label, distance, classes),
        baseline=baseline,
        scaler=scaler,
        training={**training, "harmless_bias": bias},
    )


def judged(data: Sequences, rows: Ints, size: int = 2048) -> F32:
    """The scaled columns of the flows that `rows` [N] of a data set are judged for: [N, F]."""
    parts = []
    for some in torch.split(torch.from_numpy(rows), size):
        x, lengths, _ = data.batch(some)
        parts.append(x[torch.arange(len(x)), lengths - 1].numpy())
    return np.concatenate(parts)


def _spread(count: int) -> Ints:
    """Which of `count` rows to tune with: all, or TUNED of them, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, TUNED)).astype(np.int64))


def test_figures(model: Model, test: Sequences) -> dict[str, Any]:
    if not len(test.y):
        return {}
    p = np.empty((len(test.y), len(model.labels)))
    unsure = np.empty(len(test.y), dtype=bool)
    for rows, seen in looks(model.network, test):
        p[rows] = softmax(seen.logits, model.temperature)
        unsure[rows] = model.openset.unsure(model.openset.distance(p[rows], seen), p[rows])
    return {"test": measure(p, test.y.numpy(), model.labels, unsure)}


def headline(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in ("accuracy", "macro_f1", "auc")}


def about(options: Options, X: npt.NDArray[Any], y: Ints) -> dict[str, Any]:
    digest = hashlib.sha256(np.ascontiguousarray(X).data)
    digest.update(np.ascontiguousarray(y).data)
    return {"rows": len(y), "fingerprint": digest.hexdigest(), "options": asdict(options)}


def need(training: Ints, validation: Ints) -> None:
    if len(np.unique(training)) < 2:
        raise DataError("nothing to tell apart: the training part holds fewer than two classes")
    if not len(validation):
        raise DataError("too few rows to hold any out for validation")
