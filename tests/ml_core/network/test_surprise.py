"""How unlike harmless names a name is: bits under what was counted in harmless ones alone."""

from __future__ import annotations

import random

import pytest
import torch

from ml_core.errors import DataError
from ml_core.kinds.domains import encode
from ml_core.network.architecture import Architecture
from ml_core.network.surprise import Surprise, measures

WORDS = (
    "garden",
    "market",
    "travel",
    "school",
    "winter",
    "kitchen",
    "music",
    "house",
    "river",
    "stone",
)


def names(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.sample(WORDS, 2)) + ".com" for _ in range(count)]


def steps(texts: list[str]) -> torch.Tensor:
    return torch.from_numpy(encode(texts)[0]).long()


def fitted(texts: list[str]) -> Surprise:
    surprise = Surprise()
    surprise.fit(steps(texts))
    return surprise


def bits_a_byte(surprise: Surprise, texts: list[str]) -> list[float]:
    return measures(surprise(steps(texts))[..., 1:].sum(dim=1))[:, 2].tolist()


def test_letters_in_no_order_of_words_surprise_more_than_words_never_seen_together() -> None:
    surprise = fitted(names(60, 1))
    known, random_letters = bits_a_byte(surprise, ["riverkitchen.com", "xqvkzjwpfhqt.com"])
    assert random_letters > 2 * known


def test_a_name_that_was_learned_from_is_no_better_known_than_its_other_half_makes_it() -> None:
    texts = names(40, 1)
    odd = "qzxvkjwq.com"
    without, with_it = fitted(texts), fitted([*texts, odd])
    assert bits_a_byte(with_it, [odd]) == pytest.approx(bits_a_byte(without, [odd]), rel=1e-5)


def test_the_label_with_most_bits_counts_whatever_stands_before_it_and_not_the_ending() -> None:
    surprise = fitted(names(60, 1))
    (main,) = surprise(steps(["cdn.a8f5f167f44f.musichouse.co"]))[..., 2].bool()
    assert main.nonzero().flatten().tolist() == list(range(4, 16))
    (main,) = surprise(steps(["a.qzxvkjwqqzxvkjwq"]))[..., 2].bool()
    assert main.nonzero().flatten().tolist() == [0]
    (main,) = surprise(steps(["qzxvkjwq"]))[..., 2].bool()
    assert main.sum() == 8


def test_addresses_of_pages_neither_teach_nor_are_measured() -> None:
    page = "http://riverkitchen.com/login"
    assert not fitted(names(40, 1))(steps([page])).any()
    texts = names(40, 1)
    assert torch.equal(fitted([*texts, page]).table, fitted(texts).table)


def test_only_bytes_can_be_measured() -> None:
    with pytest.raises(DataError, match="no bytes to measure"):
        Architecture("tokens", inputs=8, classes=2, steps=4, surprise=True)
    with pytest.raises(DataError, match="no bytes to measure"):
        Architecture("tokens", inputs=8, classes=2, steps=4, oddity=True)
