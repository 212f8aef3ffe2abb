"""Sampling, loss, calibration and training: what the papers' formulas say, and repeatability."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ml_core.calibration import (
    Novelty,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    softmax,
)
from ml_core.losses import class_weights, weighted_cross_entropy
from ml_core.networks import Architecture
from ml_core.sampling import MOST_TIMES, floods_from_scans, smote_windows, undersample
from ml_core.scaler import CLIP, Scaler
from ml_core.training import FlowSet, Options, Progress, train
from ml_core.windows import context, window_index

ARCH = Architecture("flows", inputs=5, classes=2, steps=4, hidden=8, dropout=0.3)


def windows(count: int, seed: int) -> FlowSet:
    """Flows whose class shows in their first column, 30 sources of them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    rows = rng.normal(size=(count, 5)).astype(np.float32)
    rows[:, 0] += 2.5 * y
    return FlowSet.of(rows, window_index(rng.integers(0, 30, count), np.arange(count), 4), y, 4)


# ── sampling ──────────────────────────────────────────────────────────────────────────────


def test_synthetic_windows_lie_between_two_windows_of_their_class_and_length() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 3)).astype(np.float32)
    index = window_index(np.repeat(np.arange(20), 3), np.arange(60), 3)
    y = (index[:, 0] < 12).astype(np.int64)  # 12 of 60 windows, from four sources
    source = np.zeros(60, dtype=np.int64)
    new_rows, new_index, new_y = smote_windows(rows, index, y, source, least=30, seed=1)
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
    *_, new_y = smote_windows(rows, index, y, np.zeros(60, dtype=np.int64), least=1000, seed=1)
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


# ── loss ──────────────────────────────────────────────────────────────────────────────────


def test_the_weighted_loss_is_the_papers_formula() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, 0.3]])
    y, w = torch.tensor([0, 2]), torch.tensor([1.0, 2.0, 4.0])
    p = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    expected = -(1.0 * p[0, 0].log() + 4.0 * p[1, 2].log()) / 5.0
    assert weighted_cross_entropy(logits, y, w).item() == pytest.approx(expected.item(), rel=1e-6)


def test_small_classes_weigh_more_but_not_very_much() -> None:
    y = np.array([0] * 900 + [1] * 99 + [2])
    weights = class_weights(y, 4, cap=5.0)
    assert weights[0] < weights[1] < weights[2] == 5.0
    assert weights[3] == 1.0  # absent


# ── calibration ───────────────────────────────────────────────────────────────────────────


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


def test_the_scaler_survives_infinities_and_outliers() -> None:
    wild = np.array([[1.0, -5.0], [1e9, 5.0], [np.inf, np.nan], [3.0, 0.0]])
    scaled = Scaler.fit(wild).transform(wild)
    assert np.isfinite(scaled).all()
    assert abs(scaled).max() <= CLIP
    assert scaled[2, 1] == 0.0


# ── training ──────────────────────────────────────────────────────────────────────────────


def learn(epochs: int = 4, checkpoint: Path | None = None, **changed: object) -> dict[str, object]:
    seen: list[Progress] = []
    options = Options(epochs=epochs, batch=64, noise=0.2, forget=0.3, blind=0.2, device="cpu")
    options = Options(**{**options.__dict__, **changed})
    weights = np.ones(2, dtype=np.float32)
    network = train(
        ARCH, windows(600, 1), windows(200, 2), weights, options, seen.append, checkpoint
    )
    return {"weights": network.state_dict(), "seen": seen}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns_and_the_same_seed_gives_the_same_weights() -> None:
    fast = {"epochs": 6, "rate": 0.01}
    first, second, other = learn(**fast), learn(**fast), learn(**fast, seed=2)
    assert first["seen"][-1].validation_accuracy > 0.8
    assert same(first["weights"], second["weights"])
    assert not same(first["weights"], other["weights"])


def test_a_killed_run_resumes_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    kept = tmp_path / "run.safetensors"
    whole = learn(epochs=4)

    class Killed(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.epoch == 2:
            raise Killed

    options = Options(epochs=4, batch=64, noise=0.2, forget=0.3, blind=0.2, device="cpu")
    ones = np.ones(2, dtype=np.float32)
    with pytest.raises(Killed):
        train(ARCH, windows(600, 1), windows(200, 2), ones, options, kill, kept)
    resumed = learn(epochs=4, checkpoint=kept)
    assert [p.epoch for p in resumed["seen"]] == [3, 4]
    assert same(whole["weights"], resumed["weights"])
    # another run's checkpoint is not taken for its own
    assert [p.epoch for p in learn(epochs=4, checkpoint=kept, seed=9)["seen"]] == [1, 2, 3, 4]


def test_it_stops_when_the_validation_loss_no_longer_falls() -> None:
    run = learn(epochs=60, patience=2, rate=0.02)
    losses = [p.validation_loss for p in run["seen"]]
    assert len(losses) < 60
    assert min(losses) == losses[-3]
