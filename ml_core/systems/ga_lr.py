"""GA-LR (a rival in paper 2): genetic feature selection wrapped around logistic regression.

After Khammassi, Krichen: "A GA-LR wrapper approach for feature selection in network intrusion
detection" (Computers & Security, 2017). A chromosome has one bit a feature; what it is worth is
the validation macro-F1 of a logistic regression that sees only the chosen features, less a cost
for each of them.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ml_core.systems.base import F32, Ints, Judge, Validation, Windows, check, spread, thin

Bits = npt.NDArray[np.bool_]


class GALR(Judge):
    """Binary chromosomes, tournaments of three, uniform crossover, bit mutation, one elite."""

    def __init__(
        self,
        classes: int,
        seed: int = 1,
        population: int = 16,
        generations: int = 10,
        crossover: float = 0.9,
        cost: float = 0.001,  # of a feature, in macro-F1
        most_rows: int = 3_000,  # that a chromosome is tried on
        rounds: int = 100,  # of the solver, for a trial
    ) -> None:
        self.classes, self.seed = classes, seed
        self.population, self.generations = population, generations
        self.crossover, self.cost = crossover, cost
        self.most_rows, self.rounds = most_rows, rounds
        self.regression: Any = None

    def fit(self, windows: Windows, y: Ints, validation: Validation | None = None) -> Self:
        """Without `validation` every fifth window is held out to choose the features by."""
        check(windows, y, self.classes)
        X = windows.last()
        if validation is None:
            held = np.arange(len(y)) % 5 == 0
            learned, judged = (X[~held], y[~held]), (X[held], y[held])
        else:
            learned, judged = (X, y), (validation[0].last(), validation[1])
        self.chosen = self._evolve(_few(*learned, self.most_rows, self.seed), judged)
        self.regression = _regression(4 * self.rounds).fit(X[:, self.chosen], y)
        return self

    def predict_proba(self, windows: Windows) -> F32:
        p = self.regression.predict_proba(windows.last()[:, self.chosen])
        return spread(p, self.regression.classes_, self.classes)

    def _evolve(self, learned: tuple[F32, Ints], judged: tuple[F32, Ints]) -> Bits:
        """The fittest chromosome [F] that was ever seen."""
        rng = np.random.default_rng(self.seed)
        features = learned[0].shape[1]
        known: dict[bytes, float] = {}

        def fitness(chromosome: Bits) -> float:
            key = chromosome.tobytes()
            if key not in known:
                known[key] = self._worth(chromosome, learned, judged)
            return known[key]

        people = rng.random((self.population, features)) < 0.5
        for _ in range(self.generations):
            worth = np.array([fitness(one) for one in people])
            people = self._next(people, worth, rng)
        return max(people, key=fitness)

    def _next(self, people: Bits, worth: npt.NDArray[np.float64], rng: np.random.Generator) -> Bits:
        """The next generation [P, F]; the best of this one goes into it unchanged."""
        count, features = people.shape
        drawn = rng.integers(0, count, (2, count - 1, 3))  # two tournaments of three a child
        rows = np.arange(count - 1)
        mother, father = (people[field[rows, worth[field].argmax(axis=1)]] for field in drawn)
        crossed = rng.random((count - 1, 1)) < self.crossover
        children = np.where(crossed & (rng.random(mother.shape) < 0.5), father, mother)
        children ^= rng.random(children.shape) < 1.0 / features
        return np.vstack([people[worth.argmax()], children])

    def _worth(
        self, chromosome: Bits, learned: tuple[F32, Ints], judged: tuple[F32, Ints]
    ) -> float:
        from sklearn.metrics import f1_score

        if not chromosome.any():
            return -np.inf
        regression = _regression(self.rounds).fit(learned[0][:, chromosome], learned[1])
        said = regression.predict(judged[0][:, chromosome])
        f1 = f1_score(judged[1], said, average="macro", zero_division=0.0)
        return float(f1) - self.cost * int(chromosome.sum())


def _few(X: F32, y: Ints, most: int, seed: int) -> tuple[F32, Ints]:
    rows = thin(y, most, seed)
    return X[rows], y[rows]


def _regression(rounds: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=rounds, tol=1e-3)
