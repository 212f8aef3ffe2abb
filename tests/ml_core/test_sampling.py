"""Unequal classes, made less unequal."""

from __future__ import annotations

import numpy as np

from ml_core.kinds.flows.windows import context, window_index
from ml_core.sampling import MOST_TIMES, floods_from_scans, smote_windows, undersample


def test_synthetic_windows_lie_between_two_windows_of_their_class_and_length() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 3)).astype(np.float32)
    index = window_index(np.repeat(np.arange(20), 3), np.arange(60), 3)
    y = (index[:, 0] < 12).astype(np.int64)  # 12 of 60 windows, from four sources
    new_rows, new_index, new_y = smote_windows(rows, index, y, least=30, seed=1)
    assert (new_rows[:60] == rows).all()
    assert (new_index[:60] == index).all()
    made = new_index[60:]
    assert len(made) == 18
    assert (new_y[60:] == 1).all()
    for window in made:
        length = int((window >= 0).sum())
        peers = [i for i in index[y == 1] if (i >= 0).sum() == length]
        x = new_rows[window[:length]].ravel()
        ends = [rows[i[:length]].ravel() for i in peers]
        # x = a + ζ (b - a): on the segment the two distances add up to its length
        assert any(
            np.linalg.norm(x - a) + np.linalg.norm(x - b) <= np.linalg.norm(a - b) * (1 + 1e-4)
            for n, a in enumerate(ends)
            for b in ends[:n]
        )


def test_a_handful_of_windows_is_not_made_a_thousand() -> None:
    rng = np.random.default_rng(0)
    rows, index = rng.normal(size=(60, 3)).astype(np.float32), np.arange(60).reshape(60, 1)
    y = (np.arange(60) < 5).astype(np.int64)
    *_, new_y = smote_windows(rows, index, y, least=1000, seed=1)
    assert (new_y == 1).sum() == 5 * MOST_TIMES


def test_scans_become_floods_by_their_context_alone() -> None:
    n = 12
    flows = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    seen = context(np.zeros(n), np.arange(n), np.zeros(n), np.arange(n)).astype(np.float32)
    rows, index = np.hstack([flows, seen]), window_index(np.zeros(n), np.arange(n))
    y = np.full(n, 7)
    new_rows, new_index, new_y = floods_from_scans(rows, index, y, (7, 5, 1), count=4, seed=1)
    assert np.bincount(new_y).tolist() == [0, 4, 0, 0, 0, 4, 0, n]
    for window, label in zip(new_index[n:], new_y[n:], strict=True):
        copied = new_rows[window[window >= 0]]
        assert all((flows == row).all(axis=1).any() for row in copied[:, :3])
        assert (copied[:, 4:6] == 0).all()  # one port, one host
        assert ((copied[:, 6] >= 0.8) == (label == 1)).all()


def test_only_the_largest_classes_are_thinned() -> None:
    y = np.array([0] * 50 + [1] * 8)
    kept = undersample(y, 10, seed=2)
    assert np.bincount(y[kept]).tolist() == [10, 8]
    assert (np.diff(kept) > 0).all()
    assert (kept == undersample(y, 10, seed=2)).all()
