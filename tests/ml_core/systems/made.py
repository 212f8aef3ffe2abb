"""Two small made-up problems: one that the judged flow tells, one that only earlier flows tell."""

from __future__ import annotations

import numpy as np

from ml_core.systems import Windows

FEATURES, STEPS, CLASSES = 8, 6, 4  # the fourth class never occurs


def told_by_last(count: int, seed: int) -> tuple[Windows, np.ndarray]:
    """Three classes, each around a centre of its own; all flows of a window are of its class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, count)
    centres = np.random.default_rng(0).normal(0, 1.5, (3, FEATURES))
    return _windows(centres[y][:, None] + rng.normal(0, 1, (count, STEPS, FEATURES)), rng), y


def told_by_earlier(count: int, seed: int) -> tuple[Windows, np.ndarray]:
    """Two classes: whether an earlier flow was high in the first feature. The last says nothing."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    x = rng.normal(0, 0.5, (count, STEPS, FEATURES))
    x[np.arange(count), rng.integers(0, 2, count), 0] += 4.0 * y
    return _windows(x, rng, least=3), y


def _windows(x: np.ndarray, rng: np.random.Generator, least: int = 1) -> Windows:
    count, steps, features = x.shape
    rows = x.reshape(-1, features).astype(np.float32)
    index = np.arange(count * steps).reshape(count, steps)
    lengths = rng.integers(least, steps + 1, count)
    index[np.arange(steps) >= lengths[:, None]] = -1
    return Windows(rows, index)
