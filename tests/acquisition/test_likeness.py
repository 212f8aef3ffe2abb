"""Likeness of texts out of their sketches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apps.acquisition.likeness import KEPT, likeness, sketch

WORDS = st.lists(st.integers(0, 400).map(lambda n: f"word{n}"), max_size=300)


def test_the_same_words_are_alike_in_any_order_and_case() -> None:
    assert likeness(sketch("Fresh apples, ten"), sketch("ten fresh APPLES apples")) == 1
    assert likeness(sketch("one two"), sketch("three four")) == 0
    assert likeness(sketch(""), sketch("")) == 1
    assert likeness(sketch("a"), sketch("")) == 0


@given(WORDS, WORDS)
def test_a_likeness_is_near_that_of_all_words_and_the_same_both_ways(
    one: list[str], other: list[str]
) -> None:
    ours, theirs = set(one), set(other)
    true = len(ours & theirs) / len(ours | theirs) if ours | theirs else 1.0
    told = likeness(sketch(" ".join(one)), sketch(" ".join(other)))
    assert told == likeness(sketch(" ".join(other)), sketch(" ".join(one)))
    assert abs(told - true) < 0.4
    if len(ours | theirs) <= KEPT:
        assert told == true
