"""Model building (paper 2): labelled data in, a calibrated model with its figures out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
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
from ml_core.request_forms import whole_requests
from ml_core.requests_text import decoded
from ml_core.sampling import floods_from_scans, smote_windows, undersample
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
LARGEST_VALUES = 20_000  # harmless parameter values
LEAST_REQUESTS = 6_000  # of each attack class
UNDECIDED = 0.6  # a best class less likely than this is unsure, too

_DIGITS = re.compile(rb"[0-9]+")

FLOW_OPTIONS = Options(epochs=12, patience=4, batch=256, noise=0.5, forget=0.6, blind=0.4)
REQUEST_OPTIONS = Options(epochs=6, patience=3, batch=128)


def split_in_time(labels: Sequence[str], time: Ints, source: Ints, untested: int = 0) -> Ints:
    """Part [N] of each row: of every label of every source, the first six tenths in time train,
    the next validates, the rest tests. Never at random: neighbours in time are near copies
    (paper 2 holds out weeks). The last `untested` sources, whose tests are recordings of their
    own, train with 85 % and validate with the rest.
    """
    part = np.full(len(labels), TEST)
    _, label = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    sources = int(source.max(initial=-1)) + 1
    for origin, name in np.unique(np.stack([source, label], axis=1), axis=0).tolist():
        rows = np.flatnonzero((source == origin) & (label == name))
        rows = rows[np.argsort(time[rows], kind="stable")]
        shares = (0.6, 0.7) if origin < sources - untested else (0.85, 1.0)
        first, second = (round(share * len(rows)) for share in shares)
        part[rows[:first]], part[rows[first:second]] = TRAINING, VALIDATION
    return part


def build_flows(
    table: FlowTable,
    y: Ints,
    part: Ints,
    options: Options = FLOW_OPTIONS,
    report: Report | None = None,
    checkpoint: Path | None = None,
    rivals: bool = False,
) -> Model:
    """A flow model from N flows, their classes y [N] and parts [N] (see `split_in_time`).

    Windows are made within each part, so no flow of one part is seen in another's windows.
    """
    labels = classes_of(FLOWS)
    _need(y[part == TRAINING], y[part == VALIDATION])
    tables = [table.take(part == p) for p in (TRAINING, VALIDATION, TEST)]
    ys = [y[part == p] for p in (TRAINING, VALIDATION, TEST)]
    scaler = Scaler.fit(tables[TRAINING].features)
    inputs = [flow_inputs(t, scaler) for t in tables]

    rows, index = inputs[TRAINING]
    kept = undersample(ys[TRAINING], LARGEST, options.seed)
    rows_s, index_s, y_s = smote_windows(
        rows, index[kept], ys[TRAINING][kept], tables[TRAINING].source[kept], LEAST, options.seed
    )
    of = labels.index
    rows_s, index_s, y_s = floods_from_scans(
        rows_s, index_s, y_s, (of("Portscan"), of("DoS"), of("DDoS")), LEAST // 2, options.seed
    )
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
    return replace(model, metrics=metrics)


def split_by_content(texts: Sequence[str]) -> Ints:
    """Part [N] of each text, by a hash of it without its digits: near copies stay together.

    Eight tenths train, one validates, one tests.
    """
    tenth = [
        hashlib.blake2b(_DIGITS.sub(b"0", decoded(text)), digest_size=8).digest()[0] % 10
        for text in texts
    ]
    return np.digitize(np.asarray(tenth, dtype=np.int64), [8, 9])


def request_corpus(
    values: Sequence[str], y_values: Ints, requests: Sequence[str], y_requests: Ints, seed: int
) -> tuple[list[str], Ints, Ints]:
    """Texts, classes and parts [M] to learn from: bare values put into requests, and requests.

    Copies are dropped, harmless values thinned to LARGEST_VALUES. Only the parts that learn get
    the grammar's requests; the test part holds what the data sets hold.
    """
    unique = np.unique(np.asarray([decoded(v) for v in values] or [b""]), return_index=True)[1]
    unique = unique[unique < len(values)]
    y_unique = y_values[unique]
    kept = unique[undersample(y_unique, LARGEST_VALUES, seed)] if len(unique) else unique
    chosen = [values[i] for i in kept]
    part_of = split_by_content(chosen)
    texts, ys, parts = list(requests), [y_requests], [split_by_content(requests)]
    for p, least in ((TRAINING, LEAST_REQUESTS), (VALIDATION, LEAST_REQUESTS // 10), (TEST, 0)):
        rows = np.flatnonzero(part_of == p)
        more, y_more = whole_requests(
            [chosen[i] for i in rows], y_values[kept[rows]], classes_of(REQUESTS), seed + p, least
        )
        texts += more
        ys.append(y_more)
        parts.append(np.full(len(more), p))
    return texts, np.concatenate(ys), np.concatenate(parts)


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
    return replace(model, metrics=metrics)


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
    logits = torch.empty(len(data.y), network.arch.classes)
    features = torch.empty(len(data.y), network.head.in_features)
    for rows in data.once(size):
        x, lengths, _ = data.batch(rows)
        output = network(x, lengths)
        logits[rows], features[rows] = output.logits, output.features
    return logits.numpy(), features.numpy()


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


def _about(options: Options, X: npt.NDArray[Any], y: Ints) -> dict[str, Any]:
    digest = hashlib.sha256(np.ascontiguousarray(X).tobytes())
    digest.update(np.ascontiguousarray(y).tobytes())
    return {"rows": len(y), "fingerprint": digest.hexdigest(), "options": asdict(options)}


def _need(training: Ints, validation: Ints) -> None:
    if len(np.unique(training)) < 2:
        raise DataError("nothing to tell apart: the training part holds fewer than two classes")
    if not len(validation):
        raise DataError("too few rows to hold any out for validation")
