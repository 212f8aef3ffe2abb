"""The classical rivals of paper 1 (table 6) and those people use today, from scikit-learn.

Each reads the judged flow alone.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ml_core.systems.base import F32, Ints, Judge, Validation, Windows, check, spread, thin

SVM_ROWS = 6_000  # a kernel machine's cost grows with the square of its rows


class LastFlow(Judge):
    """A scikit-learn classifier over the last flow of each window."""

    def __init__(
        self,
        estimator: Any,
        classes: int,
        seed: int = 1,
        most_rows: int | None = None,
        columns: list[int] | None = None,
    ) -> None:
        """`most_rows` are learned from, a share of every class; of the features only `columns`."""
        self.estimator, self.classes, self.seed = estimator, classes, seed
        self.most_rows, self.columns = most_rows, columns

    def fit(self, windows: Windows, y: Ints, validation: Validation | None = None) -> Self:
        check(windows, y, self.classes)
        rows = thin(y, self.most_rows or len(y), self.seed)
        self.estimator.fit(self._features(windows.take(rows)), y[rows])
        return self

    def predict_proba(self, windows: Windows) -> F32:
        p = self.estimator.predict_proba(self._features(windows))
        return spread(p, self.estimator.classes_, self.classes)

    def _features(self, windows: Windows) -> F32:
        last = windows.last()
        return last if self.columns is None else last[:, self.columns]


def decision_tree(classes: int, seed: int = 1) -> LastFlow:
    from sklearn.tree import DecisionTreeClassifier

    return LastFlow(DecisionTreeClassifier(random_state=seed), classes, seed)


def gaussian_nb(classes: int, seed: int = 1) -> LastFlow:
    from sklearn.naive_bayes import GaussianNB

    return LastFlow(GaussianNB(), classes, seed)


def random_forest(classes: int, seed: int = 1, trees: int = 100) -> LastFlow:
    from sklearn.ensemble import RandomForestClassifier

    return LastFlow(RandomForestClassifier(trees, random_state=seed), classes, seed)


def knn(classes: int, seed: int = 1, neighbours: int = 5) -> LastFlow:
    from sklearn.neighbors import KNeighborsClassifier

    return LastFlow(KNeighborsClassifier(neighbours), classes, seed)


class VotingSVM(LastFlow):
    """RBF support vector machine (scikit-learn's SVC, one against one) on at most SVM_ROWS rows.

    SVC's own probabilities come from a second fit and may contradict its verdict; here they are
    the softmax of its decision values, which never do.
    """

    def predict_proba(self, windows: Windows) -> F32:
        from scipy.special import softmax

        values = self.estimator.decision_function(self._features(windows))
        if values.ndim == 1:  # two classes: one value, positive for the second
            values = np.stack([-values, values], axis=1)
        return spread(softmax(values, axis=1), self.estimator.classes_, self.classes)


def svm(classes: int, seed: int = 1, most_rows: int = SVM_ROWS, penalty: float = 10.0) -> LastFlow:
    from sklearn.svm import SVC

    return VotingSVM(SVC(C=penalty, decision_function_shape="ovr"), classes, seed, most_rows)


def gradient_boosting(classes: int, seed: int = 1, rounds: int = 100) -> LastFlow:
    """scikit-learn's HistGradientBoostingClassifier."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    boosting = HistGradientBoostingClassifier(max_iter=rounds, random_state=seed)
    return LastFlow(boosting, classes, seed)


def logistic_regression(classes: int, seed: int = 1, rounds: int = 300) -> LastFlow:
    from sklearn.linear_model import LogisticRegression

    return LastFlow(LogisticRegression(max_iter=rounds), classes, seed)


def size_only(classes: int, columns: list[int], seed: int = 1) -> LastFlow:
    """A tree that knows one number or two, of `columns`: how much of a data set is its form."""
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=seed)
    return LastFlow(tree, classes, seed, columns=columns)
