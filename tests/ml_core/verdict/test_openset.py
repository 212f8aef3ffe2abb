"""Knowing when not to know."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.verdict.openset import Openset
from ml_core.verdict.seen import Seen

RNG = np.random.default_rng(6)


def known(count: int, seed: int) -> tuple[Seen, np.ndarray, np.ndarray]:
    """Hidden [N, 4], inputs [N, 3] and oddity, classes and probabilities of classes 0 and 2, two
    islands."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count) * 2
    hidden = rng.normal(size=(count, 4)) + np.where(y == 2, 12.0, 0.0)[:, None]
    p = np.where((y == 2)[:, None], [0.01, 0.01, 0.98], [0.98, 0.01, 0.01])
    parts = np.log(p), hidden, rng.normal(size=(count, 3)), rng.exponential(size=count)
    return Seen(*(part.astype(np.float32) for part in parts)), y, p


@pytest.fixture(scope="module")
def openset() -> Openset:
    return fitted(odd=False)


def fitted(odd: bool, rate: float = 0.01) -> Openset:
    seen, y, _ = known(3000, 1)
    openset = Openset.fit(seen.hidden, y, 3, seen.inputs, least=0.6)
    seen, y, p = known(2000, 2)
    return openset.at_alarm_rate(rate, p, y, seen, odd)


def one(hidden: list[float], inputs: list[float], oddity: float = 0.0) -> Seen:
    parts = [0.0] * 3, hidden, inputs
    return Seen(*(np.array([part], dtype=np.float32) for part in (*parts, oddity)))


def distance(openset: Openset, label: int, hidden: list[float], inputs: list[float]) -> float:
    return float(openset.distance(np.eye(3)[[label]], one(hidden, inputs))[0])


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
    seen, y, p = known(20_000, 3)
    for some in (openset, fitted(odd=True)):
        unsure = some.unsure(some.distance(p, seen), p)
        assert unsure[y == 0].mean() == pytest.approx(0.01, abs=0.008)
        assert unsure[y == 2].mean() == pytest.approx(0.01, abs=0.008)


def test_alarms_that_the_label_raises_use_up_the_rate() -> None:
    seen, y, p = known(2000, 2)
    some = Openset.fit(seen.hidden[:1000], y[:1000], 3, seen.inputs[:1000], least=0.6)
    wrong = np.flatnonzero(y == 0)[:10]
    p[wrong] = [0.01, 0.01, 0.98]
    for rate in (0.005, 0.02):
        borders = some.at_alarm_rate(rate, p, y, seen)
        unsure = borders.unsure(borders.distance(p, seen), p)
        alarms = (unsure | (p.argmax(axis=1) != 0))[y == 0].sum()
        assert alarms == max(int(rate * (y == 0).sum()), 10)


def test_a_verdict_that_is_hardly_likelier_than_another_is_unsure(openset: Openset) -> None:
    p = np.array([[0.5, 0.1, 0.4], [0.7, 0.2, 0.1]])
    assert openset.unsure(np.zeros(2), p).tolist() == [True, False]


def test_it_works_on_one_space_alone_and_comes_back_from_its_tensors(
    openset: Openset,
) -> None:
    seen, y, p = known(500, 4)
    alone = Openset.fit(seen.hidden, y, 3).at_alarm_rate(0.05, p, y, seen)
    assert np.isfinite(alone.distance(p, seen)).all()
    outside = Openset.fit(None, y, 3, seen.inputs).at_alarm_rate(0.05, p, y, seen)
    assert set(outside.spaces) == {"inputs"}
    for kept in (openset, alone, outside, fitted(odd=True)):
        back = Openset.of(kept.tensors(), 3, 4, 3)
        assert np.array_equal(back.distance(p, seen), kept.distance(p, seen))
    with pytest.raises(ValueError, match=r"hidden\.centres is of another shape"):
        Openset.of(openset.tensors(), 3, 5, 3)
    with pytest.raises(ValueError, match=r"inputs\.centres is of another shape"):
        Openset.of(openset.tensors(), 3, 4, 2)
    with pytest.raises(ValueError, match="counts is of another shape"):
        Openset.of(openset.tensors(), 4, 4, 3)
    doubting = fitted(odd=True).tensors()
    with pytest.raises(ValueError, match=r"doubt\.spread is not all numbers"):
        Openset.of({**doubting, "doubt.spread": np.zeros(2)}, 3, 4, 3)
    del doubting["doubt.near"]
    with pytest.raises(ValueError, match=r"no openset\.doubt\.near"):
        Openset.of(doubting, 3, 4, 3)


def test_what_is_made_known_is_near_its_own_class_and_no_other(openset: Openset) -> None:
    strange = [5.0] * 4, [9.0] * 3
    wiser = openset.knowing(np.array([2]), one(*strange))
    assert distance(openset, 2, *strange) > 1
    assert distance(wiser, 2, *strange) == 0
    assert distance(wiser, 0, *strange) == distance(openset, 0, *strange)
    assert distance(wiser, 2, [12] * 4, [0] * 3) == distance(openset, 2, [12] * 4, [0] * 3)


def test_what_is_called_harmless_is_doubted_for_its_oddity_and_for_how_likely_an_attack_is() -> (
    None
):
    openset = fitted(odd=True)

    def doubt(harmless: float, oddity: float, hidden: float = 1.5) -> float:
        p = np.array([[harmless, 0.0, 1 - harmless]])
        return float(openset.distance(p, one([hidden] * 4, [1.5] * 3, oddity))[0])

    assert doubt(0.98, 1.0) < 1 < doubt(0.98, 9.0)
    assert doubt(0.98, 1.0) < doubt(0.8, 1.0)
    assert doubt(0.98, 1.0, hidden=5.0) == doubt(0.98, 1.0)  # as far away, no odder
    assert doubt(0.98, 9.0, hidden=0.0) > 1


def test_what_is_called_harmless_and_known_is_not_doubted_however_odd() -> None:
    openset, odd = fitted(odd=True), one([5.0] * 4, [9.0] * 3, 30.0)
    p = np.array([[0.9, 0.05, 0.05]])
    assert openset.distance(p, odd) > 1
    assert openset.knowing(np.array([0]), odd).distance(p, odd) == 1
    assert openset.knowing(np.array([2]), odd).distance(p, odd) > 1


def test_a_verdict_called_an_attack_is_not_doubted_for_its_oddity(openset: Openset) -> None:
    seen, y, p = known(500, 4)
    attacks = np.flatnonzero(y == 2)
    there, said = seen.take(attacks), p[attacks]
    assert np.array_equal(fitted(odd=True).distance(said, there), openset.distance(said, there))
