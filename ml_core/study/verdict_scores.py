"""The open-set scores that were compared, each as people use it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_core.verdict.calibration import softmax
from ml_core.verdict.openset import Openset, Space
from ml_core.verdict.seen import Seen

F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Score = Callable[[Seen], npt.NDArray[Any]]

NEIGHBOURS = 2_000  # training inputs that the nearest is sought among
CHOSEN = "nearest centre, inputs"


def scores(known: Seen, y: Ints, head: tuple[F64, F64], openset: Openset) -> dict[str, Score]:
    """Every score by name, larger for stranger; fitted on training inputs of classes y [N].

    head are weights [C, D] and biases [C] of the last layer. All are meant for inputs that the
    network calls harmless: whatever else it calls an attack is an alarm already.
    """
    from sklearn.ensemble import IsolationForest

    normal = known.take(np.flatnonzero(y == 0))
    weights, biases = head
    clip = np.quantile(known.hidden, 0.9)
    forest = IsolationForest(n_estimators=100, random_state=0).fit(normal.inputs)
    shared, background = _nearest_mean(known.hidden, y), _gaussian(known.hidden)
    gaussian, gaussian_inputs = _gaussian(normal.hidden), _gaussian(normal.inputs)
    any_hidden, hidden = _neighbour(known.hidden), _neighbour(normal.hidden)
    inputs, restored = _neighbour(normal.inputs), _autoencoder(normal.inputs)
    layer, outside = _centres(normal.hidden), _centres(normal.inputs)
    chosen = openset.spaces["inputs"]

    return {
        "1 - greatest probability": lambda s: 1 - softmax(s.logits).max(axis=1),
        "energy": lambda s: _energy(s.logits),
        "energy, layer clipped (ReAct)": lambda s: _energy(
            np.minimum(s.hidden, clip) @ weights.T + biases
        ),
        "- logit of the harmless class": lambda s: -s.logits[:, 0],
        "Mahalanobis, layer, shared": lambda s: shared(s.hidden),
        "Mahalanobis, layer, relative": lambda s: shared(s.hidden) ** 2 - background(s.hidden) ** 2,
        "Mahalanobis, layer, harmless": lambda s: gaussian(s.hidden),
        "nearest input, layer, any class": lambda s: any_hidden(s.hidden),
        "nearest input, layer, harmless": lambda s: hidden(s.hidden),
        "Mahalanobis, inputs, harmless": lambda s: gaussian_inputs(s.inputs),
        "nearest input, inputs, harmless": lambda s: inputs(s.inputs),
        "isolation forest, inputs": lambda s: -forest.score_samples(s.inputs),
        "autoencoder, inputs": lambda s: restored(s.inputs),
        "nearest centre, layer": lambda s: layer(s.hidden),
        "nearest centre, layer + inputs, max": lambda s: np.maximum(
            layer(s.hidden), outside(s.inputs)
        ),
        "nearest centre, layer + inputs, sum": lambda s: layer(s.hidden) + outside(s.inputs),
        CHOSEN: lambda s: chosen.distance(s.inputs, np.zeros(len(s.inputs), dtype=np.int64)),
    }


def _centres(X: npt.NDArray[np.float32]) -> Callable[[npt.NDArray[np.float32]], F64]:
    """The nearest k-means centre of harmless training inputs X [N, D], in the measure of their
    own distances from median to 99 %."""
    space = Space.fit(X, np.zeros(len(X), dtype=np.int64), 1, 0)

    def distance(Z: npt.NDArray[np.float32]) -> F64:
        return np.asarray(space.distance(Z, np.zeros(len(Z), dtype=np.int64)), dtype=np.float64)

    low, high = np.quantile(distance(X), (0.5, 0.99))
    return lambda Z: distance(Z) / (high - low)


def _energy(logits: npt.ArrayLike) -> F64:
    """Liu, Wang, Owens, Li, "Energy-based out-of-distribution detection", NeurIPS 2020, eq. 4;
    with a clipped layer: Sun, Guo, Li, "ReAct", NeurIPS 2021."""
    from scipy.special import logsumexp

    return np.asarray(-logsumexp(np.asarray(logits, dtype=np.float64), axis=1))


def _whitening(residual: F64) -> F64:
    covariance = residual.T @ residual / len(residual)
    covariance += np.eye(len(covariance)) * (1e-3 * np.trace(covariance) / len(covariance) + 1e-9)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)).T)


def _gaussian(X: npt.NDArray[np.float32]) -> Callable[[npt.NDArray[np.float32]], F64]:
    mean = X.mean(axis=0, dtype=np.float64)
    whiten = _whitening(X - mean)
    return lambda Z: np.linalg.norm((Z - mean) @ whiten, axis=1)


def _nearest_mean(X: npt.NDArray[np.float32], y: Ints) -> Callable[[npt.NDArray[np.float32]], F64]:
    """Lee, Lee, Lee, Shin, NeurIPS 2018, eq. 1; relative: Ren et al., 2021, eq. 2."""
    of, place = np.unique(y, return_inverse=True)
    means = np.stack([X[y == c].mean(axis=0, dtype=np.float64) for c in of])
    whiten = _whitening(X - means[place])
    centres = means @ whiten

    def distance(Z: npt.NDArray[np.float32]) -> F64:
        z = Z @ whiten
        nearest: F64 = np.min([np.linalg.norm(z - c, axis=1) for c in centres], axis=0)
        return nearest

    return distance


def _neighbour(X: npt.NDArray[np.float32]) -> Callable[[npt.NDArray[np.float32]], F64]:
    """Sun, Ming, Zhu, Li, ICML 2022, k = 1."""
    from sklearn.neighbors import NearestNeighbors

    kept = np.random.default_rng(0).permutation(len(X))[:NEIGHBOURS]
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(X[kept])
    return lambda Z: nearest.kneighbors(Z)[0][:, 0]


def _autoencoder(X: npt.NDArray[np.float32]) -> Callable[[npt.NDArray[np.float32]], F64]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    coder = MLPRegressor(
        hidden_layer_sizes=(32, 8, 32), max_iter=40, batch_size=64, random_state=0, tol=0.0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # forty rounds are what it gets
        coder.fit(X, X)
    return lambda Z: np.linalg.norm(coder.predict(Z) - Z, axis=1)
