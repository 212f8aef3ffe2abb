"""Knowing when not to know."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.verdict.openset import Openset

RNG = np.random.default_rng(6)


def known(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Hidden [N, 4], inputs [N, 3], classes and probabilities of classes 0 and 2, two islands."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count) * 2
    hidden = rng.normal(size=(count, 4)) + np.where(y == 2, 12.0, 0.0)[:, None]
    p = np.where((y == 2)[:, None], [0.01, 0.01, 0.98], [0.98, 0.01, 0.01])
    return hidden.astype(np.float32), rng.normal(size=(count, 3)).astype(np.float32), y, p


@pytest.fixture(scope="module")
def openset() -> Openset:
    hidden, inputs, y, _ = known(3000, 1)
    fitted = Openset.fit(hidden, y, 3, inputs, least=0.6)
    hidden, inputs, y, p = known(2000, 2)
    return fitted.at_alarm_rate(0.01, p, y, hidden, inputs)


def distance(openset: Openset, label: int, hidden: list[float], inputs: list[float]) -> float:
    one = np.array([hidden], dtype=np.float32), np.array([inputs], dtype=np.float32)
    return float(openset.distance(np.array([label]), *one)[0])


def test_what_is_far_in_either_space_is_beyond_the_border(openset: Openset) -> None:
    assert distance(openset, 0, [0] * 4, [0] * 3) < 1
    assert distance(openset, 2, [12] * 4, [0] * 3) < 1
    assert distance(openset, 0, [0] * 4, [9, 9, 9]) > 1
    assert distance(openset, 0, [5] * 4, [0] * 3) > 1


def test_an_input_is_compared_with_the_class_that_it_is_called(openset: Openset) -> None:
    assert distance(openset, 2, [0] * 4, [0] * 3) > 1
    # class 1 was never seen: compared with all that was
    assert np.isfinite(distance(openset, 1, [0] * 4, [0] * 3))


def test_the_border_keeps_to_the_alarm_rate_on_other_data(openset: Openset) -> None:
    hidden, inputs, y, p = known(20_000, 3)
    unsure = openset.unsure(openset.distance(y, hidden, inputs), p)
    assert unsure[y == 0].mean() == pytest.approx(0.01, abs=0.008)
    assert unsure[y == 2].mean() == pytest.approx(0.01, abs=0.008)


def test_alarms_that_the_label_raises_use_up_the_rate() -> None:
    hidden, inputs, y, p = known(2000, 2)
    fitted = Openset.fit(hidden[:1000], y[:1000], 3, inputs[:1000], least=0.6)
    p = p.copy()
    wrong = np.flatnonzero(y == 0)[:10]
    p[wrong] = [0.01, 0.01, 0.98]
    for rate in (0.005, 0.02):
        borders = fitted.at_alarm_rate(rate, p, y, hidden, inputs)
        label = p.argmax(axis=1)
        unsure = borders.unsure(borders.distance(label, hidden, inputs), p)
        alarms = (unsure | (label != 0))[y == 0].sum()
        assert alarms == max(int(rate * (y == 0).sum()), 10)


def test_a_verdict_that_is_hardly_likelier_than_another_is_unsure(openset: Openset) -> None:
    p = np.array([[0.5, 0.1, 0.4], [0.7, 0.2, 0.1]])
    assert openset.unsure(np.zeros(2), p).tolist() == [True, False]


def test_it_works_on_one_space_alone_and_comes_back_from_its_tensors(
    openset: Openset,
) -> None:
    hidden, inputs, y, p = known(500, 4)
    alone = Openset.fit(hidden, y, 3).at_alarm_rate(0.05, p, y, hidden)
    assert np.isfinite(alone.distance(y, hidden)).all()
    outside = Openset.fit(None, y, 3, inputs).at_alarm_rate(0.05, p, y, hidden, inputs)
    assert set(outside.spaces) == {"inputs"}
    for kept, given in (
        (openset, (hidden, inputs)),
        (alone, (hidden,)),
        (outside, (hidden, inputs)),
    ):
        back = Openset.of(kept.tensors(), 3, 4, 3)
        assert np.array_equal(back.distance(y, *given), kept.distance(y, *given))
    with pytest.raises(ValueError, match=r"hidden\.centres is of another shape"):
        Openset.of(openset.tensors(), 3, 5, 3)
    with pytest.raises(ValueError, match=r"inputs\.centres is of another shape"):
        Openset.of(openset.tensors(), 3, 4, 2)
    with pytest.raises(ValueError, match="counts is of another shape"):
        Openset.of(openset.tensors(), 4, 4, 3)


def test_what_is_made_known_is_near_its_own_class_and_no_other(openset: Openset) -> None:
    strange = [5.0] * 4, [9.0] * 3
    one = tuple(np.array([part], dtype=np.float32) for part in strange)
    wiser = openset.knowing(np.array([2]), *one)
    assert distance(openset, 2, *strange) > 1
    assert distance(wiser, 2, *strange) == 0
    assert distance(wiser, 0, *strange) == distance(openset, 0, *strange)
    assert distance(wiser, 2, [12] * 4, [0] * 3) == distance(openset, 2, [12] * 4, [0] * 3)
