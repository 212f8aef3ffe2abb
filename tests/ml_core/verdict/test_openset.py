"""Knowing when not to know."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.verdict.openset import Novelty


def test_what_is_far_from_every_class_or_undecided_is_unsure() -> None:
    rng = np.random.default_rng(6)
    y = np.repeat([0, 2], 500)
    features = rng.normal(size=(1000, 4)) + np.where(y == 2, 8.0, 0.0)[:, None]
    novelty = Novelty.fit(features, y, classes=3)
    novelty = novelty.at_alarm_rate(novelty.distance(features), rate=0.01, least=0.6)
    p = np.tile([0.98, 0.01, 0.01], (3, 1))
    p[2] = [0.5, 0.1, 0.4]
    seen = np.array([[0, 0, 0, 0], [4, -4, 4, -4], [8, 8, 8, 8]], dtype=float)
    assert novelty.unsure(novelty.distance(seen), p).tolist() == [False, True, True]
    alarms = novelty.unsure(novelty.distance(features), np.tile(p[:1], (1000, 1)))
    assert alarms.mean() == pytest.approx(0.01, abs=0.002)
