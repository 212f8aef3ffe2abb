"""A second opinion on addresses: what it learns, and that bare names are left to the network."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from ml_core.building import build_texts
from ml_core.errors import DataError
from ml_core.kinds.domains import KIND, corpus, encode
from ml_core.kinds.text import TextTable
from ml_core.network.architecture import Architecture
from ml_core.network.options import Options
from ml_core.network.second import SecondOpinion

POOL = 2
HARMLESS, LURES = ("news", "about", "wiki", "team"), ("signin", "verify", "webscr", "update")


def addresses(words: tuple[str, ...], seed: int) -> list[str]:
    draw = random.Random(seed)
    return [
        f"host{draw.randrange(10**6)}.com/{draw.choice(words)}/{draw.choice(words)}{draw.randrange(9)}"
        for _ in range(60)
    ]


def fitted(harmless: list[str], attacks: list[str]) -> SecondOpinion:
    second = SecondOpinion(4096, POOL)
    x, lengths = map(torch.from_numpy, encode(harmless + attacks))
    second.fit(x, lengths, torch.arange(len(x)) >= len(harmless))
    return second


def opinions(second: SecondOpinion, texts: list[str]) -> list[float]:
    x, lengths = map(torch.from_numpy, encode(texts))
    return (second(x.long()).sum(dim=1) / lengths.sqrt()).tolist()


def test_words_of_fake_pages_speak_against_an_address_and_others_for_it() -> None:
    second = fitted(addresses(HARMLESS, 1), addresses(LURES, 2))
    assert max(opinions(second, addresses(HARMLESS, 3))) < 0
    assert min(opinions(second, addresses(LURES, 4))) > 0


def test_a_word_in_the_host_is_not_the_same_word_in_the_path_and_digits_are_alike() -> None:
    second = fitted(
        [f"signin{i}.com/shop" for i in range(40)], [f"shop{i}.com/signin" for i in range(40)]
    )
    (left, right) = opinions(second, ["signin77.com/shop", "shop88.com/signin"])
    assert left < 0 < right
    (one, other) = opinions(second, ["shop12.com/signin", "shop98.com/signin"])
    assert one == other


def test_it_says_nothing_of_bare_names_and_learns_nothing_from_them() -> None:
    harmless, attacks = addresses(HARMLESS, 1), addresses(LURES, 2)
    second = fitted(harmless, attacks)
    assert opinions(second, ["signin-verify.com", "xqvkzjwpfhqt.com"]) == [0, 0]
    names = ["signin-verify.com", "webscr.org"]
    assert torch.equal(fitted([*names, *harmless], attacks).table, second.table)


def test_without_both_sides_among_the_addresses_there_is_no_opinion() -> None:
    assert not fitted(addresses(HARMLESS, 1), ["xqvkzjwpfhqt.com"]).table.any()


def test_it_changes_no_verdict_on_a_bare_name() -> None:
    texts = [f"garden{i}.com" for i in range(60)] + [f"qzx{i}vkjw.com" for i in range(60)]
    texts += addresses(HARMLESS, 1) + addresses(LURES, 2)
    table = TextTable("domain", texts, np.repeat([0, 1, 0, 2], 60))
    x, lengths = map(torch.from_numpy, encode(["mygarden.com", "qqzxvkj.net", "a.com/signin/"]))

    def logits(second: int) -> torch.Tensor:
        arch = replace(KIND.architecture, hidden=8, grams=64, second=second)
        kind = replace(KIND, architecture=arch, corpus=partial(corpus, made=200))
        model = build_texts(kind, [table], Options(epochs=1, batch=64, device="cpu"))
        return model.network(x.long(), lengths).logits

    without, with_it = logits(0), logits(4096)
    assert torch.equal(without[:2], with_it[:2])
    assert torch.equal(without[2, 1:], with_it[2, 1:])
    assert with_it[2, 0] < without[2, 0]


def test_it_stands_beside_the_votes_of_groups_alone() -> None:
    with pytest.raises(DataError, match="second opinion of 8 groups"):
        Architecture("bytes", inputs=128, classes=3, steps=4, second=8)
