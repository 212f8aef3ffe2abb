"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np

from ml_core.verdict.calibration import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    softmax,
)


def test_the_temperature_lowers_the_nll_and_the_calibration_error_of_a_boaster() -> None:
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 2000)
    logits = rng.normal(size=(2000, 3))
    logits[np.arange(2000), y] += 1.0
    boasting = logits * 6
    t = fit_temperature(boasting, y)
    assert t > 2
    assert negative_log_likelihood(boasting, y, t) < negative_log_likelihood(boasting, y) - 0.5
    nearby = [negative_log_likelihood(boasting, y, t * f) for f in (0.9, 1.1)]
    assert negative_log_likelihood(boasting, y, t) <= min(nearby)
    assert expected_calibration_error(softmax(boasting, t), y) < 0.05
    assert expected_calibration_error(softmax(boasting), y) > 0.15
