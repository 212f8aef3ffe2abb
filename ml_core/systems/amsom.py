"""AMSOM (a rival in paper 2): a self-organising map whose structure changes while it learns.

After Spanakis, Weiss: "AMSOM: Adaptive Moving Self-organizing Map for Clustering and
Visualization" (ICAART 2016), in its batch form: the neurons move on the map, edges tell which of
them are neighbours, neurons are added where the map is coarse and removed where it is idle.

Shapes in the margin: M flows, F features, N neurons, C classes.
"""

from __future__ import annotations

import math
from typing import Self

import numpy as np
import numpy.typing as npt

from ml_core.systems.base import F32, Ints, Judge, Validation, Windows, check, thin

F64 = npt.NDArray[np.float64]


class AMSOM(Judge):
    """The map learns without labels; each neuron then answers with the classes it has won.

    `spread_factor` in 0..1 sets how fine the map grows: a neuron whose error is above
    -ln(spread_factor) times the map's mean error, or more, gets another beside it.
    """

    def __init__(
        self,
        classes: int,
        seed: int = 1,
        side: int = 10,  # the map starts as a grid of side times side
        most_neurons: int = 500,
        epochs: int = 40,
        spread_factor: float = 0.2,
        oldest: int = 5,  # epochs that an edge lives without being used
        most_rows: int = 20_000,
    ) -> None:
        self.classes, self.seed, self.side, self.epochs = classes, seed, side, epochs
        self.most_neurons, self.most_rows = most_neurons, most_rows
        self.growing = -math.log(spread_factor)
        self.oldest = oldest

    def fit(self, windows: Windows, y: Ints, validation: Validation | None = None) -> Self:
        check(windows, y, self.classes)
        rows = thin(y, self.most_rows, self.seed)
        X = windows.take(rows).last().astype(np.float64)
        self._start(X)
        for epoch in range(self.epochs):
            left = 1.0 - epoch / self.epochs
            first, second, _ = _winners(X, self.w)
            self._learn(X, first, radius=max(self.side / 2 * left, 0.5))
            self._move(np.bincount(first, minlength=len(self.w)), rate=0.05 * left)
            self._connect(first, second)
            if epoch < self.epochs - 5:  # the last epochs only settle what is there
                self._remove(first)
                self._add(X)
        self._name(windows, y)
        return self

    def predict_proba(self, windows: Windows) -> F32:
        first, _, _ = _winners(windows.last().astype(np.float64), self.w)
        answers: F32 = self.votes[first]
        return answers

    def _start(self, X: F64) -> None:
        """A square grid, each neuron with the weights of some flow."""
        rng = np.random.default_rng(self.seed)
        across = np.arange(self.side, dtype=np.float64)
        self.r = np.stack(np.meshgrid(across, across), axis=-1).reshape(-1, 2)  # places [N, 2]
        count = len(self.r)
        self.w = X[rng.choice(len(X), count, replace=len(X) < count)]  # weights [N, F]
        self.age = np.where(_distances(self.r, self.r) <= 1.0, 0.0, np.inf)  # of edges [N, N]
        np.fill_diagonal(self.age, np.inf)

    def _learn(self, X: F64, first: Ints, radius: float) -> None:
        """Batch rule: w_j = Σ_i n_i h_ij x̄_i / Σ_i n_i h_ij, x̄_i the mean of what i has won."""
        n, total = _sums(X, first, len(self.w))
        h = np.exp(-_distances(self.r, self.r) / (2.0 * radius**2))  # [N, N]
        h[self.age > self.oldest] *= 0.1  # who shares no edge hardly learns along
        np.fill_diagonal(h, 1.0)
        weight = h @ n  # [N]
        taught = weight > 1e-9
        self.w[taught] = (h @ total)[taught] / weight[taught, None]

    def _move(self, n: Ints, rate: float) -> None:
        """Places follow: r_j += α Σ_i n_i δ_ij (r_i - r_j) / Σ_i n_i δ_ij over joined neurons.

        δ_ij is how alike the weights are, so that alike neurons come together on the map.
        """
        squared = _distances(self.w, self.w)
        delta = np.exp(-squared / max(float(np.median(squared)), 1e-9)) * n
        delta[self.age > self.oldest] = 0.0
        pull = delta.sum(axis=1, keepdims=True)
        goal = (delta @ self.r) / np.maximum(pull, 1e-9)
        self.r = np.where(pull > 1e-9, self.r + rate * (goal - self.r), self.r)

    def _connect(self, first: Ints, second: Ints) -> None:
        """A flow's two nearest neurons are neighbours; unused edges age and go."""
        self.age += 1.0
        self.age[first, second] = self.age[second, first] = 0.0
        self.age[self.age > self.oldest] = np.inf

    def _remove(self, first: Ints) -> None:
        """Neurons that win nothing, unless more than two neighbours hold the map together there."""
        n = np.bincount(first, minlength=len(self.w))
        kept = (n > 0) | (np.isfinite(self.age).sum(axis=1) > 2)
        if kept.sum() >= 4:
            self._keep(np.flatnonzero(kept))

    def _add(self, X: F64) -> None:
        """Beside neurons with more error than the growing threshold, at most a tenth an epoch."""
        first, _, error = _winners(X, self.w)
        sums = np.bincount(first, error, minlength=len(self.w))  # [N]
        room = min(self.most_neurons - len(self.w), max(len(self.w) // 10, 1))
        coarse = np.argsort(-sums, kind="stable")[: max(room, 0)]
        coarse = coarse[sums[coarse] > self.growing * sums.mean()]
        for j in coarse.tolist():
            mine = np.flatnonzero(first == j)
            far = mine[error[mine].argmax()]
            near = np.flatnonzero(np.isfinite(self.age[j]))
            beside = self.r[near].mean(axis=0) if len(near) else self.r[j] + 1.0
            self.w = np.vstack([self.w, (self.w[j] + X[far]) / 2.0])
            self.r = np.vstack([self.r, (self.r[j] + beside) / 2.0])
            self.age = np.pad(self.age, ((0, 1), (0, 1)), constant_values=np.inf)
            self.age[j, -1] = self.age[-1, j] = 0.0

    def _keep(self, neurons: Ints) -> None:
        self.w, self.r = self.w[neurons], self.r[neurons]
        self.age = self.age[np.ix_(neurons, neurons)]

    def _name(self, windows: Windows, y: Ints) -> None:
        """What each neuron answers: the shares of the classes among all flows it wins [N, C].

        Neurons that win none go, so that every flow to come has an answer.
        """
        first, _, _ = _winners(windows.last().astype(np.float64), self.w)
        self._keep(np.unique(first))
        first = np.unique(first, return_inverse=True)[1]
        won = np.zeros((len(self.w), self.classes))
        np.add.at(won, (first, y), 1.0)
        self.votes = (won / won.sum(axis=1, keepdims=True)).astype(np.float32)


def _distances(a: F64, b: F64) -> F64:
    """Squared Euclidean distances [A, B]."""
    squared: F64 = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2.0 * a @ b.T
    return np.maximum(squared, 0.0)


def _winners(X: F64, w: F64, size: int = 8192) -> tuple[Ints, Ints, F64]:
    """Of each flow [M] the nearest neuron, the second nearest, and the distance to the first."""
    first, second, error = [], [], []
    for part in np.split(X, range(size, len(X), size)):
        d = _distances(part, w)
        two = np.argpartition(d, 1, axis=1)[:, :2]
        near = np.take_along_axis(d, two, axis=1)
        order = near.argsort(axis=1, kind="stable")
        two = np.take_along_axis(two, order, axis=1)
        first.append(two[:, 0])
        second.append(two[:, 1])
        error.append(np.sqrt(near.min(axis=1)))
    return np.concatenate(first), np.concatenate(second), np.concatenate(error)


def _sums(X: F64, winner: Ints, count: int) -> tuple[F64, F64]:
    """How many flows each neuron has won [N], and their sum [N, F]."""
    order = np.argsort(winner, kind="stable")
    n = np.bincount(winner, minlength=count)
    total = np.zeros((count, X.shape[1]))
    won = np.flatnonzero(n)
    starts = (np.cumsum(n) - n)[won]
    total[won] = np.add.reduceat(X[order], starts, axis=0)
    return n.astype(np.float64), total
