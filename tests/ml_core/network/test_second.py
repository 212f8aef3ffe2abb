"""A second opinion: what it learns of addresses and of requests, and what is left to the network."""

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
from ml_core.kinds.requests.text import encode as encode_requests
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
    second = SecondOpinion(4096, POOL, "addresses")
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


def test_a_group_that_a_request_repeats_counts_once_where_it_first_stands() -> None:
    second = SecondOpinion(4096, 4, "requests")
    second.table.copy_(torch.linspace(0, 1, 4096))  # the first is no group
    x, _ = map(torch.from_numpy, encode_requests(["abcd12345", "abcd12345abcd12345", "a"]))
    (one, twice, short) = second(x.long())
    assert torch.equal(one[:4], twice[:4])
    assert one[:5].all()
    assert not one[5:].any()  # digits are all alike
    assert not twice[9:].any()
    assert short[0] != 0


def test_many_harmless_parameters_do_not_outvote_an_attack_among_them() -> None:
    harmless = [f"/shop?item={i}&colour=blue" for i in range(40)]
    attacks = [f"/shop?item={i}'+or+'1'='1&colour=blue" for i in range(40)]
    x, lengths = map(torch.from_numpy, encode_requests(harmless + attacks))
    second = SecondOpinion(4096, 4, "requests")
    second.fit(x, lengths, torch.arange(80) >= 40)
    long = "/shop?" + "item=5&colour=blue&" * 12 + "item=7'+or+'1'='1"
    x, _ = map(torch.from_numpy, encode_requests([harmless[0], attacks[0], long]))
    (benign, attack, hidden) = second(x.long()).sum(dim=1).tolist()
    assert benign < 0 < attack
    assert hidden > 0


def test_it_stands_beside_the_votes_of_groups_alone() -> None:
    with pytest.raises(DataError, match="second opinion of 8 groups"):
        Architecture("bytes", inputs=128, classes=3, steps=4, second=8)
    for one in ({"grams": 1}, {"grams": 8, "second": 1}):  # of which there is none but "no group"
        with pytest.raises(DataError):
            Architecture("bytes", inputs=128, classes=3, steps=4, **one)
    with pytest.raises(DataError, match="second opinion of 'weather'"):
        Architecture("bytes", inputs=128, classes=3, steps=4, grams=8, second_of="weather")
