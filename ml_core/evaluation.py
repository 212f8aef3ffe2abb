"""What a model is worth on data it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_core.kinds.kind import UNTOLD
from ml_core.verdict.calibration import expected_calibration_error

Ints = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


def measure(
    probabilities: F64, y: Ints, labels: Sequence[str], unsure: npt.ArrayLike | None = None
) -> dict[str, Any]:
    """Figures of probabilities [N, C] against the classes y [N].

    Attacks of a kind not told (UNTOLD) count for attack against normal only: `auc` (None where
    only one of the two occurs), `attack_recall`, `false_alarms`. Accuracy, macro-F1 (over the
    classes present) and calibration are of the rows whose class is told, so many as `told`; without
    a told attack there are neither of the former, which would speak of the harmless alone.
    """
    from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

    said, attack, told = probabilities.argmax(axis=1), y != 0, y != UNTOLD
    figures: dict[str, Any] = {"rows": len(y), "auc": None}
    if attack.any() and not attack.all():
        figures["auc"] = round(float(roc_auc_score(attack, 1.0 - probabilities[:, 0])), 4)
    if attack.any():
        figures["attack_recall"] = round(float((said[attack] != 0).mean()), 4)
    if not attack.all():
        figures["false_alarms"] = round(float((said[~attack] != 0).mean()), 4)
    if unsure is not None:
        figures["unsure"] = round(float(np.asarray(unsure, dtype=bool).mean()), 4)
    if not told.any():
        return figures
    if not told.all():
        figures["told"] = int(told.sum())
    y, said, probabilities = y[told], said[told], probabilities[told]
    present = np.unique(y)
    precision, recall, f1, support = precision_recall_fscore_support(
        y, said, labels=present, zero_division=0.0
    )
    if y.any() or not attack.any():
        figures["accuracy"] = round(float((said == y).mean()), 4)
        figures["macro_f1"] = round(float(np.mean(f1)), 4)
    figures["ece"] = round(expected_calibration_error(probabilities, y), 4)
    figures["classes"] = {
        labels[c]: {
            "precision": round(float(precision[i]), 3),
            "recall": round(float(recall[i]), 3),
            "f1": round(float(f1[i]), 3),
            "rows": int(support[i]),
        }
        for i, c in enumerate(present)
    }
    return figures


def random_forest(X: npt.ArrayLike, y: Ints, X_test: npt.ArrayLike, classes: int, seed: int) -> F64:
    """Probabilities [N, C] of the rival that people would use: 100 trees on the raw features."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(100, random_state=seed).fit(finite(X), y)
    p = np.zeros((np.shape(X_test)[0], classes))
    p[:, forest.classes_] = forest.predict_proba(finite(X_test))
    return p


def size_only(sizes: Ints, y: Ints, sizes_test: Ints, classes: int, seed: int) -> F64:
    """Probabilities [N, C] of a tree that knows one number: how much of a data set is its form."""
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=seed)
    tree.fit(sizes[:, None], y)
    p = np.zeros((len(sizes_test), classes))
    p[:, tree.classes_] = tree.predict_proba(sizes_test[:, None])
    return p


def finite(X: npt.ArrayLike) -> F64:
    """X [N, F] as people run it: what is not told counts as nothing."""
    return np.nan_to_num(np.asarray(X, dtype=np.float64), nan=0.0, posinf=1e12, neginf=-1e12)
