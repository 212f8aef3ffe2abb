"""Knowing when not to know."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Novelty:
    """How unlike the training data an input is, in the space of the last hidden layer.

    Mahalanobis distance to the nearest class mean under one shared covariance (Lee, Lee, Lee,
    Shin, "A simple unified framework for detecting out-of-distribution samples", NeurIPS 2018,
    eq. 1). An input beyond `threshold`, or whose best class is less likely than `least`, is
    *unsure*.
    """

    means: F32  # [C, D]; a class never seen in training holds NaN
    whiten: F32  # [D, D]: (x - mean) @ whiten has unit covariance
    threshold: float
    least: float

    @classmethod
    def fit(cls, features: npt.ArrayLike, y: Ints, classes: int) -> Novelty:
        """From training features [N, D] and classes [N]; thresholds are set by `at_alarm_rate`."""
        X = np.asarray(features, dtype=np.float64)
        means = np.full((classes, X.shape[1]), np.nan)
        for c in np.unique(y):
            means[c] = X[y == c].mean(axis=0)
        residual = X - means[y]
        covariance = residual.T @ residual / len(X)
        covariance += np.eye(X.shape[1]) * (1e-3 * np.trace(covariance) / X.shape[1] + 1e-9)
        whiten = np.linalg.inv(np.linalg.cholesky(covariance)).T
        return cls(means.astype(np.float32), whiten.astype(np.float32), np.inf, 0.0)

    def distance(self, features: npt.ArrayLike) -> F32:
        """Distance [N] of features [N, D] to the nearest class."""
        seen = ~np.isnan(self.means[:, 0])
        z = np.asarray(features, dtype=np.float32) @ self.whiten  # [N, D]
        centres = self.means[seen] @ self.whiten  # [C', D]
        squared = ((z[:, None, :] - centres[None]) ** 2).sum(axis=2)  # [N, C']
        nearest: F32 = np.sqrt(squared.min(axis=1))
        return nearest

    def at_alarm_rate(self, distance: npt.ArrayLike, rate: float, least: float) -> Novelty:
        """With the threshold that calls `rate` of the validation distances [N] unsure."""
        threshold = float(np.quantile(np.asarray(distance), 1.0 - rate))
        return replace(self, threshold=threshold, least=least)

    def unsure(self, distance: npt.ArrayLike, probabilities: F64) -> npt.NDArray[np.bool_]:
        """[N]: unlike the training data, or undecided between classes."""
        far = np.asarray(distance) > self.threshold
        return np.asarray(far | (probabilities.max(axis=1) < self.least), dtype=np.bool_)
