"""What every system promises, whichever it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ml_core.errors import DataError
from ml_core.systems import SYSTEMS, System, Windows, named
from tests.ml_core.systems.made import CLASSES, told_by_earlier, told_by_last

QUICK: dict[str, dict[str, Any]] = {
    "size_only": {"columns": [0, 1, 2]},
    "random_forest": {"trees": 20},
    "gradient_boosting": {"rounds": 20},
    "mlp": {"hidden": 16, "rate": 1e-2},
    "lstm": {"hidden": 16, "rate": 1e-2},
    "lstm_attention": {"hidden": 16, "rate": 1e-2},
    "pca_lstm": {"hidden": 16, "rate": 1e-2},
    "bilstm_dnn": {"hidden": 16, "rate": 1e-2},
    "ga_lr": {"population": 8, "generations": 4},
    "ndae": {"layers": (8, 6, 6), "epochs": 20, "batch": 64, "rate": 1e-2, "trees": 20},
    "amsom": {"side": 5, "epochs": 10},
}
SEQUENCE = ("lstm", "lstm_attention", "pca_lstm", "bilstm_dnn")


def _made(name: str, seed: int = 1) -> System:
    options = dict(QUICK.get(name, {}))
    if name in (*SEQUENCE, "mlp"):
        options |= {"epochs": 12, "batch": 64}
    return named(name, classes=CLASSES, seed=seed, **options)


@pytest.fixture(scope="module")
def fitted() -> dict[str, System]:
    windows, y = told_by_last(600, 1)
    return {name: _made(name).fit(windows, y, told_by_last(150, 2)) for name in SYSTEMS}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_learns_and_answers_in_probabilities(fitted: dict[str, System], name: str) -> None:
    windows, y = told_by_last(300, 3)
    p = fitted[name].predict_proba(windows)
    assert p.shape == (300, CLASSES)
    assert np.allclose(p.sum(axis=1), 1.0, atol=1e-5)
    assert (p >= 0).all()
    assert (p[:, 3] == 0).all(), "a class never seen is never answered"
    said = fitted[name].predict(windows)
    assert (said == p.argmax(axis=1)).all()
    assert (said == y).mean() > (0.6 if name == "size_only" else 0.8), "chance is a third"


@pytest.mark.parametrize("name", ["decision_tree", "lstm_attention", "bilstm_dnn", "ga_lr",
                                  "ndae", "amsom", "pca_lstm"])  # fmt: skip
def test_the_same_seed_answers_the_same(fitted: dict[str, System], name: str) -> None:
    windows, y = told_by_last(600, 1)
    again = _made(name).fit(windows, y, told_by_last(150, 2))
    judged = told_by_last(100, 4)[0]
    assert np.array_equal(fitted[name].predict_proba(judged), again.predict_proba(judged))


@pytest.mark.parametrize("name", SEQUENCE)
def test_earlier_flows_count_for_sequence_systems(name: str) -> None:
    windows, y = told_by_earlier(600, 1)
    system = _made(name).fit(windows, y, told_by_earlier(200, 2))
    judged, truth = told_by_earlier(300, 3)
    assert (system.predict(judged) == truth).mean() > 0.85


@pytest.mark.parametrize("name", ["random_forest", "mlp", "logistic_regression"])
def test_earlier_flows_are_hidden_from_flat_systems(name: str) -> None:
    windows, y = told_by_earlier(600, 1)
    system = _made(name).fit(windows, y, told_by_earlier(200, 2))
    judged, truth = told_by_earlier(300, 3)
    assert (system.predict(judged) == truth).mean() < 0.65


def test_windows_tell_their_flows() -> None:
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    windows = Windows(rows, np.array([[0, 1, -1], [0, 1, 2], [2, -1, -1]]))
    assert windows.lengths.tolist() == [2, 3, 1]
    assert windows.last().tolist() == [[2, 3], [4, 5], [4, 5]]
    assert len(windows.take(np.array([2]))) == 1


def test_padding_changes_no_verdict(fitted: dict[str, System]) -> None:
    windows, _ = told_by_last(50, 5)
    longer = np.hstack([windows.index, np.full((50, 3), -1)])
    for name in SEQUENCE:
        p = fitted[name].predict_proba(windows)
        assert np.allclose(p, fitted[name].predict_proba(Windows(windows.rows, longer)), atol=1e-5)


def test_what_cannot_be_learned_is_refused() -> None:
    windows, y = told_by_last(20, 1)
    with pytest.raises(DataError, match="fewer than two classes"):
        _made("knn").fit(windows, np.zeros_like(y))
    with pytest.raises(DataError, match="20 windows, but 19 classes"):
        _made("lstm").fit(windows, y[1:])
    with pytest.raises(DataError, match="unknown system 'perceptron'"):
        named("perceptron")
