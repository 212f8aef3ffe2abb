"""Spellings of sequences."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ml_core.kinds.spellings import called, listed, names

BLANKS = (" ", "\t", "\n", "  ")
SEPARATORS = (*BLANKS, ",", ", ", ";", "|", " -> ")


def _names(rng: np.random.Generator) -> list[str]:
    letters = list("abcXYZ019_:.-/")
    count = int(rng.integers(1, 9))
    return ["n" + "".join(rng.choice(letters, rng.integers(0, 9))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(40))
def test_every_spelling_gives_the_same_names(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sequence = [name.replace("->", "-") for name in _names(rng)]
    for separator in SEPARATORS:
        assert names(separator.join(sequence)) == sequence
        assert called(separator.join(sequence)) == sequence
        assert names(f"[{separator.join(sequence)}]") == sequence
    assert names(json.dumps(sequence)) == names(str(sequence)) == sequence
    assert names(json.dumps([{"id": name} for name in sequence])) == sequence


def test_numbers_in_a_list_are_names() -> None:
    assert names("[5, 22, 5]") == ["5", "22", "5"]
    assert names(json.dumps([5, "E22"])) == ["5", "E22"]


@pytest.mark.parametrize(
    "text", ["", " ", "[]", "[", "]", "()", ")(", '"', "[[1], null, {}]", "\0"]
)
def test_any_text_is_taken(text: str) -> None:
    assert all(isinstance(name, str) for name in (*names(text), *called(text)))


def test_what_is_no_list_is_none() -> None:
    assert listed("[ i:byte ]") is None
    assert listed("a b") is None
    assert listed("[" * 100_000 + "]" * 100_000) is None


def test_a_call_left_open_ends_with_its_line() -> None:
    assert called("read(3, (\nclose(3)") == ["read", "close"]


def test_a_string_that_is_never_closed_costs_no_more_than_its_length() -> None:
    assert called('open("' + '\\"' * 300_000) == ["open"]  # an hour, if each quote were tried
    assert called('open("a\nread(3, "b") = 1') == ["open", "read"]
