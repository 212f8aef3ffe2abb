"""What figures say, and what they keep to themselves."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.evaluation import measure
from ml_core.kinds.kind import UNTOLD

LABELS = ("normal", "sqli", "xss")


def judged(*said: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.eye(3)[list(said)] * 0.7 + 0.1


def test_attacks_of_a_kind_not_told_count_as_attacks_and_in_no_class() -> None:
    figures = measure(judged(0, 0, 1, 2, 1, 0), np.array([0, 0, 1, 2, UNTOLD, UNTOLD]), LABELS)
    assert (figures["rows"], figures["told"]) == (6, 4)
    assert figures["attack_recall"] == 0.75
    assert figures["accuracy"] == figures["macro_f1"] == 1.0
    assert figures["auc"] == pytest.approx(0.875)
    assert figures["classes"].keys() == set(LABELS)


def test_where_no_attack_is_told_nothing_is_said_of_the_harmless_alone() -> None:
    figures = measure(judged(0, 0, 0, 1), np.array([0, 0, UNTOLD, UNTOLD]), LABELS)
    assert (figures["told"], figures["attack_recall"], figures["false_alarms"]) == (2, 0.5, 0.0)
    assert not {"accuracy", "macro_f1"} & figures.keys()


def test_harmless_rows_alone_are_measured_as_they_are() -> None:
    figures = measure(judged(0, 1), np.array([0, 0]), LABELS)
    assert (figures["accuracy"], figures["false_alarms"], figures["auc"]) == (0.5, 0.5, None)
    assert "told" not in figures
