"""Small models made on the spot: untrained networks with everything a model file holds."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import torch

from ml_core.kinds import named
from ml_core.kinds.flows.columns import FLOW_COLUMNS, INPUT_COLUMNS, NUMBERS
from ml_core.kinds.flows.scaler import Scaler
from ml_core.kinds.flows.windows import WINDOW
from ml_core.model_file import Model
from ml_core.network.architecture import Architecture
from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.verdict.calibration import softmax
from ml_core.verdict.drift import TEXT_MEASURES, Profile
from ml_core.verdict.openset import Openset
from ml_core.verdict.seen import Seen


def flow_model() -> Model:
    columns = INPUT_COLUMNS
    rng = np.random.default_rng(0)
    return _model(
        "flows",
        Architecture("numbers", len(columns), len(named("flows").classes), WINDOW, hidden=8),
        columns,
        Scaler.fit(rng.lognormal(3, 2, (50, len(NUMBERS)))),
    )


def request_model() -> Model:
    arch = Architecture("bytes", 256, len(named("requests").classes), 512, hidden=8, focus="ends")
    return _model("requests", arch, (), None)


def domain_model() -> Model:
    classes = len(named("domains").classes)
    arch = Architecture(
        "bytes", 128, classes, 96, hidden=8, focus="ends", grams=8, second=8, surprise=True
    )
    model = _model("domains", arch, (), None)
    model.network.stage.surprise.table.uniform_(1, 9)
    return model


def _model(kind: str, arch: Architecture, columns: tuple[str, ...], scaler: Scaler | None) -> Model:
    torch.manual_seed(3)
    network = BiLSTMDNN(arch).eval()
    size = network.head.in_features
    rng = np.random.default_rng(1)
    y = np.arange(200) % arch.classes
    hidden = rng.normal(size=(200, size)).astype(np.float32)
    inputs = rng.normal(size=(200, 3 * network.stage.size)).astype(np.float32)
    p = softmax(rng.normal(size=(200, arch.classes)) + 4 * np.eye(arch.classes)[y])
    seen = Seen(p, hidden + 0.1, inputs + 0.1, rng.exponential(size=200))
    openset = Openset.fit(hidden, y, arch.classes, inputs, 0.2)
    openset = openset.at_alarm_rate(0.05, p, y, seen, arch.oddity)
    measured = rng.normal(size=(200, len(columns) or len(TEXT_MEASURES)))
    distance = openset.distance(p, seen)
    return Model(
        kind=kind,
        labels=named(kind).classes,
        columns=columns,
        network=network,
        temperature=1.3,
        openset=openset,
        profile=Profile.fit(columns or TEXT_MEASURES, measured, y, distance, arch.classes),
        baseline=torch.zeros(len(columns)),
        scaler=scaler,
        training={"rows": 0, "fingerprint": sha256(b"").hexdigest()},
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
