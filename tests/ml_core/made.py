"""Small models made on the spot: untrained networks with everything a model file holds."""

from __future__ import annotations

import numpy as np
import torch

from ml_core.calibration import Novelty
from ml_core.classes import FLOW_CLASSES, FLOWS, REQUEST_CLASSES, REQUESTS
from ml_core.model_file import Model
from ml_core.networks import Architecture, BiLSTMDNN
from ml_core.scaler import Scaler
from ml_core.windows import CONTEXT_COLUMNS, FLOW_COLUMNS, WINDOW


def flow_model() -> Model:
    columns = (*FLOW_COLUMNS, *CONTEXT_COLUMNS)
    rng = np.random.default_rng(0)
    return _model(
        Architecture(FLOWS, len(columns), len(FLOW_CLASSES), WINDOW, hidden=8),
        columns,
        Scaler.fit(rng.lognormal(3, 2, (50, len(FLOW_COLUMNS)))),
    )


def request_model() -> Model:
    return _model(Architecture(REQUESTS, 256, len(REQUEST_CLASSES), 512, hidden=8), (), None)


def _model(arch: Architecture, columns: tuple[str, ...], scaler: Scaler | None) -> Model:
    torch.manual_seed(3)
    network = BiLSTMDNN(arch).eval()
    size = network.head.in_features
    features = np.random.default_rng(1).normal(size=(200, size))
    novelty = Novelty.fit(features, np.arange(200) % arch.classes, arch.classes)
    return Model(
        kind=arch.kind,
        labels=FLOW_CLASSES if arch.kind == FLOWS else REQUEST_CLASSES,
        columns=columns,
        network=network,
        temperature=1.3,
        novelty=novelty.at_alarm_rate(novelty.distance(features), 0.05, 0.2),
        baseline=torch.zeros(len(columns)),
        scaler=scaler,
        training={"rows": 0},
    )


def flows(count: int, seed: int = 5) -> dict[str, np.ndarray]:
    """Arguments of `score_flows`, but for the columns: flows of a few sources, shuffled in time."""
    rng = np.random.default_rng(seed)
    return {
        "features": rng.lognormal(3, 2, (count, len(FLOW_COLUMNS))),
        "group": rng.integers(0, 4, count),
        "time": rng.permutation(count),
        "destination": rng.integers(0, 3, count),
        "port": rng.integers(20, 25, count),
    }
