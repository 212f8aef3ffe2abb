"""What the study of verdicts on texts leaves out, judges and counts."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.kinds import text_kind
from ml_core.kinds.text import TEST, TRAINING, Corpus
from ml_core.study.text_cases import UNKNOWN, among, left_out, thinned, without
from ml_core.study.text_verdicts import alarms, found


def corpus() -> Corpus:
    texts, y = ["a", "b", "c", "d"], np.array([0, 1, 2, 0])
    return Corpus(texts, y, np.array([TRAINING, TRAINING, TEST, TEST]))


def test_a_class_left_out_is_neither_learned_nor_tested_as_known() -> None:
    rest = without(corpus(), 2)
    assert rest.texts == ["a", "b", "d"]
    assert rest.y.tolist() == [0, 1, 0]
    assert rest.part.tolist() == [TRAINING, TRAINING, TEST]


def test_what_the_corpus_holds_is_not_unknown() -> None:
    case = left_out(
        text_kind("pages"), "some", corpus(), ["e", "b", "e", "f"], ["a", "d", "g", "g"]
    )
    (judged,) = case.judged
    said = dict(zip(judged.texts, judged.y.tolist(), strict=True))
    assert said == {"c": 2, "d": 0, "e": UNKNOWN, "f": UNKNOWN, "g": 0}
    assert len(judged.texts) == len(said), "each once"


def test_abnormal_sequences_are_a_share_of_each_site_and_stand_in_one_only() -> None:
    harmless, unknown = [f"h{i}" for i in range(18)], [f"u{i}" for i in range(7)]
    sites = among("system", harmless, unknown, 0.1)
    assert [(site.y == UNKNOWN).sum() for site in sites] == [2, 2, 2, 1]
    assert all(site.texts[:18] == harmless for site in sites)
    assert sorted(t for site in sites for t in site.texts[18:]) == unknown


def test_texts_are_thinned_to_different_ones() -> None:
    assert sorted(thinned(["b", "a", "b"])) == ["a", "b"]


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_the_borders_leave_the_rate_of_harmless_ones(rate: float) -> None:
    rng = np.random.default_rng(0)
    odds, distance = rng.normal(size=2_000), rng.random(2_000)
    harmless = np.arange(2_000) < 1_000
    assert alarms(rate, odds, distance, harmless)[harmless].sum() == rate * 1_000


def test_where_fewer_are_called_than_allowed_the_distance_may_use_the_rest() -> None:
    harmless = np.arange(101) < 100
    odds, distance = np.full(101, -1.0), np.append(np.arange(100), 200)
    assert np.flatnonzero(alarms(0.05, odds, distance, harmless)).tolist() == [*range(95, 101)]


def test_with_few_harmless_ones_the_borders_leave_none() -> None:
    harmless = np.arange(12) < 10
    odds = np.append(np.linspace(-2, 3, 10), [4, 2])
    said = alarms(0.01, odds, np.append(np.zeros(10), [0, 1]), harmless)
    assert np.flatnonzero(said).tolist() == [10, 11]


def test_a_row_counts_what_is_left_out_apart_from_known_attacks() -> None:
    y = np.array([UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0, 0, 1, 1])
    odds = np.array([1, -1, -1, -1, -1, 1, 1, -1], dtype=float)
    unsure = np.array([False, True, False, False, True, False, True, False])
    rows, called, alarm, harmless, *_ = row = found(y, odds, np.zeros(8), unsure)
    assert (rows, called, alarm, harmless) == (4, 0.25, 0.5, 2)
    assert row[4:7] == (0.5, 1.0, 1.0)


def test_a_case_without_known_attacks_says_nothing_of_them() -> None:
    y, odds = np.array([UNKNOWN, 0]), np.array([1.0, -1.0])
    assert found(y, odds, np.zeros(2), np.zeros(2, dtype=bool))[6] is None
