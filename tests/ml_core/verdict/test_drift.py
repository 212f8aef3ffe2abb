"""How far what is seen has moved."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.verdict.drift import (
    LEAST,
    MOVED,
    STABLE,
    STRANGE,
    TEXT_MEASURES,
    Profile,
    text_measures,
)

NAMES = ("size", "rate", "flag")


def day(count: int, seed: int, attacks: float = 0.5, shift: float = 0.0) -> tuple[np.ndarray, ...]:
    """Values [N, 3], verdicts and open-set scores; attacks are larger, `size` may be shifted."""
    rng = np.random.default_rng(seed)
    label = (rng.random(count) < attacks).astype(np.int64)
    values = rng.normal(size=(count, 3)) + 3 * label[:, None]
    values[:, 0] += shift
    values[:, 2] = values[:, 2] > 1.5  # two values only
    return values, label, rng.gamma(2, 0.2, count)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.fit(NAMES, *day(4000, 1), classes=2)


def test_the_same_source_is_stable_even_with_another_share_of_attacks(profile: Profile) -> None:
    for attacks in (0.5, 0.02, 0.95):
        drift = profile.drift(*day(3000, 2, attacks))
        assert drift is not None
        assert (drift.level, drift.moved) == (STABLE, ())
        assert drift.index < 0.02
        assert drift.p_value > 1e-3


def test_few_rows_are_not_strange_for_being_few(profile: Profile) -> None:
    levels = [profile.drift(*day(LEAST, seed)).level for seed in range(20)]
    assert levels.count(STABLE) >= 18
    assert profile.drift(*day(LEAST - 1, 2)) is None


def test_a_column_that_moved_is_named_first(profile: Profile) -> None:
    drift = profile.drift(*day(3000, 2, attacks=0.0, shift=1.0))
    assert drift.columns[0].name == "size"
    assert drift.moved == ("size",)
    assert drift.columns[0].ks == pytest.approx(0.383, abs=0.05)  # 2 Φ(1/2) - 1
    # KL(p, q) + KL(q, p) of two unit normals one apart is 1
    assert drift.columns[0].psi == pytest.approx(1.0, abs=0.2)
    assert drift.level in (MOVED, STRANGE)


def test_a_moved_open_set_score_alone_is_strange(profile: Profile) -> None:
    values, label, score = day(3000, 2)
    drift = profile.drift(values, label, score * 3)
    assert drift.level == STRANGE
    assert drift.index == drift.novelty.psi
    assert drift.p_value < 1e-9
    assert drift.moved == ()


def test_a_column_that_is_no_longer_told_has_moved(profile: Profile) -> None:
    values, label, score = day(3000, 2)
    values[:, 1] = np.nan
    drift = profile.drift(values, label, score)
    assert drift.moved == ("rate",)
    assert drift.columns[0].ks == 1.0


def test_it_comes_back_from_its_tensors(profile: Profile) -> None:
    back = Profile.of(profile.names, profile.tensors(), 2)
    a, b = (p.drift(*day(500, 5)) for p in (profile, back))
    assert a.index == pytest.approx(b.index, abs=1e-5)
    with pytest.raises(ValueError, match="another shape"):
        Profile.of(profile.names[1:], profile.tensors(), 2)


def test_texts_are_measured_by_what_they_are_made_of() -> None:
    table = dict(zip(TEXT_MEASURES, text_measures(["aB1 é!", "", "\ud800"])[0], strict=True))
    assert table["letters"] == pytest.approx(2 / 6)
    assert table["capitals"] == table["digits"] == table["blanks"] == pytest.approx(1 / 6)
    assert table["signs"] == table["beyond ASCII"] == pytest.approx(1 / 6)
    assert table["different characters"] == 1
    assert np.isfinite(text_measures(["", "\ud800"])).all()
