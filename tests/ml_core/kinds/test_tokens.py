"""Hashed tokens."""

from __future__ import annotations

import numpy as np

from ml_core.kinds.text import TEST, TRAINING, TextTable
from ml_core.kinds.tokens import TokenCode, bucket, by_sequence


def letters(token: str) -> list[str]:
    return [f"word {token}", *token]


CODE = TokenCode(str.split, letters, steps=6, parts=4, buckets=512, tail=2)


def test_a_bucket_is_the_same_everywhere() -> None:
    assert bucket("word eval", 8192) == 358
    assert {bucket(str(i), 4) for i in range(100)} == {1, 2, 3}


def test_tokens_become_their_parts_and_nothing_follows_the_last() -> None:
    steps, lengths = CODE.encode(["ab c", "", "c ab"])
    assert lengths.tolist() == [2, 1, 2]
    assert steps.shape == (3, 6, 4)
    assert steps[0, 0].tolist() == [bucket(p, 512) for p in ("word ab", "a", "b")] + [0]
    assert (steps[0, 0] == steps[2, 1]).all()
    assert not steps[0, 2:].any()


def test_a_long_text_keeps_its_head_and_tail() -> None:
    long = "a b c d e f g h i"
    assert CODE.read(long) == ["a", "b", "c", "d", "h", "i"]
    steps, lengths = CODE.encode([long, "a b c d h i"])
    assert lengths.tolist() == [6, 6]
    assert (steps[0] == steps[1]).all()


def test_any_text_is_taken() -> None:
    steps, lengths = CODE.encode(["\udcff \x00", "日本 語", "\n"])
    assert lengths.tolist() == [2, 2, 1]
    assert (steps[np.arange(3), lengths - 1].max(axis=1) > 0).all()


def test_every_sequence_is_in_one_part_and_disputed_ones_are_left_out() -> None:
    texts = [f"{i} 5 22" for i in range(200)]
    y = np.zeros(400, dtype=np.int64)
    corpus = by_sequence([TextTable("t", [*texts, *texts, "1 5 22"], np.append(y, 1))], 1)
    assert "1 5 22" not in corpus.texts
    assert len(corpus.texts) == len(set(corpus.texts)) == 199
    assert set(corpus.part.tolist()) == {0, 1, 2}
    untested = by_sequence([TextTable("t", texts, y[:200], tests=False)], 1)
    assert TEST not in untested.part
    assert TRAINING in untested.part
