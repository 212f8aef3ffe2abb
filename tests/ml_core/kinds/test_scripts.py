"""Tokens of scripts."""

from __future__ import annotations

import pytest

from ml_core.kinds.scripts import KIND, parts_of


@pytest.mark.parametrize("token", ["i:eval", "S:eval", "T_EVAL", "eval"])
def test_a_word_is_the_same_in_every_language(token: str) -> None:
    assert parts_of(token) == ["token eval"]


def test_words_strings_and_signs_are_told_apart() -> None:
    assert "string" in parts_of("STR<16-63>")
    assert "string" in parts_of("T_CONSTANT_ENCAPSED_STRING<m>")
    assert parts_of("::") == ["sign ::"]
    assert {"word from", "word string"} <= set(parts_of("i:FromBase64String"))
    assert {"word array", "word filter"} <= set(parts_of("INIT_FCALL:array_filter"))


def test_every_token_that_is_read_can_be_blamed() -> None:
    text = " ".join(f"i:name{i}" for i in range(1000))
    _, lengths = KIND.encode([text])
    spans = KIND.spans(text)
    assert [span.start for span in spans] == list(range(int(lengths[0])))
    assert spans[-1].value == "i:name999"
