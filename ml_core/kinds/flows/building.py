"""Model building for flows: splits, windows, SMOTE, and what the network reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ml_core.building import F32, Ints, Report, about, finish, headline, need, test_figures
from ml_core.evaluation import measure, random_forest
from ml_core.kinds.flows import KIND
from ml_core.kinds.flows.scaler import Scaler
from ml_core.kinds.flows.windows import (
    CONTEXT_COLUMNS,
    FLOW_COLUMNS,
    WINDOW,
    context,
    window_index,
)
from ml_core.kinds.text import TEST, TRAINING, VALIDATION
from ml_core.model_file import Model
from ml_core.network.architecture import Architecture
from ml_core.network.losses import class_weights
from ml_core.network.options import Options
from ml_core.network.sequences import FlowSet
from ml_core.network.training import train
from ml_core.readers.flows import FlowTable
from ml_core.sampling import floods_from_scans, smote_windows, undersample

LARGEST = 12_000  # windows of one class
LEAST = 1_000  # windows of a small class, after SMOTE

OPTIONS = Options(epochs=12, patience=4, batch=256, noise=0.5, forget=0.6, blind=0.4)


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
    options: Options = OPTIONS,
    report: Report | None = None,
    checkpoint: Path | None = None,
    rivals: bool = False,
) -> Model:
    """A flow model from N flows, their classes y [N] and parts [N] (see `split_in_time`).

    Windows are made within each part, so no flow of one part is seen in another's windows.
    """
    labels = KIND.classes
    need(y[part == TRAINING], y[part == VALIDATION])
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
    arch = Architecture("numbers", rows.shape[1], len(labels), WINDOW)
    weights = class_weights(y_s, len(labels))
    learned = FlowSet.of(rows_s, index_s, y_s, numeric)
    network = train(arch, learned, sets[VALIDATION], weights, options, report, checkpoint)

    normal = rows[ys[TRAINING] == 0]
    model = finish(
        network,
        FlowSet.of(rows, index[kept], ys[TRAINING][kept], numeric),
        sets[VALIDATION],
        kind=KIND.name,
        columns=(*FLOW_COLUMNS, *CONTEXT_COLUMNS),
        scaler=scaler,
        baseline=torch.from_numpy((normal if len(normal) else rows).mean(axis=0)),
        training=about(options, table.features, y),
    )
    metrics = test_figures(model, sets[TEST])
    if rivals:
        p = random_forest(
            tables[TRAINING].features, ys[TRAINING], tables[TEST].features, len(labels), 1
        )
        metrics["random_forest"] = headline(measure(p, ys[TEST], labels))
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
