"""Verdicts on files."""

from __future__ import annotations

import numpy as np

from ml_core.commands.judging import from_inside


def test_a_scan_within_one_network_counts_as_infiltration_and_nothing_else_changes() -> None:
    names = ("Normal", "Infiltration", "Portscan")
    p = np.array([[0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [0.9, 0.0, 0.1]])
    moved = from_inside(p, names, np.array([1, 0, -1, 1], dtype=np.int8))
    assert np.allclose(moved[0], [0.1, 0.9, 0.0])
    assert np.array_equal(moved[1:3], p[1:3])
    assert np.allclose(moved[3], [0.9, 0.1, 0.0])
