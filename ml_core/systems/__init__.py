"""Every system of the two papers, and the rivals people really use, behind one interface.

A system reads windows of flows and names the class of each window's last flow, as in paper 1.
The classical rivals read that last flow alone. `named("lstm_attention", classes=7)` makes one;
what a system can be told beside `classes` and `seed` its class says.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from ml_core.errors import DataError
from ml_core.systems.base import System, Windows

__all__ = ["SYSTEMS", "System", "Windows", "named"]


def _of(module: str, system: str) -> Callable[..., System]:
    """A factory that imports PyTorch or scikit-learn only when it is called."""

    def make(**options: Any) -> System:
        factory = getattr(import_module(f"ml_core.systems.{module}"), system)
        return cast(System, factory(**options))

    return make


SYSTEMS: dict[str, Callable[..., System]] = {
    # paper 1, tables 6 and 7
    "decision_tree": _of("classical", "decision_tree"),
    "gaussian_nb": _of("classical", "gaussian_nb"),
    "random_forest": _of("classical", "random_forest"),
    "knn": _of("classical", "knn"),
    "svm": _of("classical", "svm"),
    "mlp": _of("lstm_attention", "MLP"),
    "lstm": _of("lstm_attention", "PlainLSTM"),
    "lstm_attention": _of("lstm_attention", "LSTMAttention"),
    # paper 2, table 2 and figures 7 to 9
    "ga_lr": _of("ga_lr", "GALR"),
    "pca_lstm": _of("pca_lstm", "PCALSTM"),
    "ndae": _of("ndae", "NDAE"),
    "amsom": _of("amsom", "AMSOM"),
    "bilstm_dnn": _of("bilstm_dnn", "BiLSTMDNNSystem"),
    # in neither paper
    "gradient_boosting": _of("classical", "gradient_boosting"),
    "logistic_regression": _of("classical", "logistic_regression"),
    "size_only": _of("classical", "size_only"),
}


def named(name: str, **options: Any) -> System:
    """The system of that name, not yet fitted; DataError names the known ones."""
    if name not in SYSTEMS:
        raise DataError(f"unknown system {name!r}; known: {', '.join(SYSTEMS)}")
    return SYSTEMS[name](**options)
