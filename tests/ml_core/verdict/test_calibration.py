"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.verdict.calibration import (
    calibration_error_by_chance,
    expected_calibration_error,
    fit_temperature,
    harmless_bias,
    least_bias,
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


@pytest.mark.parametrize("rows", [60, 160, 5_000])
def test_few_rows_show_a_calibration_error_though_there_is_none(rows: int) -> None:
    rng = np.random.default_rng(6)
    p = softmax(3 * rng.normal(size=(rows, 2)))
    drawn = [
        expected_calibration_error(p, (rng.random(rows) < p[:, 1]).astype(np.int64))
        for _ in range(300)
    ]
    assert calibration_error_by_chance(p) == pytest.approx(np.mean(drawn), rel=0.06)


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
    assert harmless_bias(logits - [5.0, 0.0], y, rate=1.0) == 0.0  # all may be called an attack
    assert harmless_bias(logits[y == 1], y[y == 1], rate=0.01) == 0.0  # nothing to learn it from


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_of_logits_that_are_no_numbers_nothing_is_known(odd: float) -> None:
    p = softmax([[1.0, 2.0, 3.0, odd], [9.0, -np.inf, -np.inf, -np.inf], [-np.inf] * 4])
    assert p.tolist() == [[0.25] * 4, [1.0, 0.0, 0.0, 0.0], [0.25] * 4]


def test_the_least_bias_leaves_as_many_as_are_allowed() -> None:
    logits = np.column_stack([np.zeros(8), np.arange(-3.0, 5.0), np.full(8, -9.0)])
    assert (logits[:, 1] > least_bias(logits, 2)).sum() == 2
    assert (logits[:, 1] > least_bias(logits, 0)).sum() == 0
    assert least_bias(logits, 4) == 0.0  # no more are called one
    assert least_bias(logits[:0], 0) == 0.0
    assert least_bias([[0, 5]] * 10, 9) == 5.0
    assert least_bias([[0, 5]] * 10, 10) == 0.0  # all of them may be
