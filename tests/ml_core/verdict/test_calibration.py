"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.verdict.calibration import (
    expected_calibration_error,
    fit_temperature,
    harmless_bias,
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


def test_the_harmless_bias_keeps_to_its_rate_and_spares_the_attacks() -> None:
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 4000)
    logits = rng.normal(size=(4000, 2))
    logits[np.arange(4000), y] += 2.5
    logits[:, 0] -= 1.5  # calls too much an attack
    bias = harmless_bias(logits, y, rate=0.01, loss=0.5)
    called = logits[:, 1] > logits[:, 0] + bias
    assert called[y == 0].mean() == pytest.approx(0.01, abs=0.002)
    careful = harmless_bias(logits, y, rate=0.0, loss=0.01)
    called = logits[:, 1] > logits[:, 0] + careful
    found = (logits[:, 1] > logits[:, 0]) & (y == 1)
    assert called[found].mean() == pytest.approx(0.99, abs=0.002)
    assert harmless_bias(logits, y, rate=1.0) == 0.0  # never against the harmless class
    assert harmless_bias(logits[y == 1], y[y == 1], rate=0.01) == 0.0  # nothing to learn it from
