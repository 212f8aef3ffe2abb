"""A second opinion: what it learns of each form of text, and what is left to the network."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from ml_core.building import build_texts
from ml_core.errors import DataError
from ml_core.kinds import text_kind
from ml_core.kinds.domains import KIND, corpus, encode
from ml_core.kinds.requests.text import encode as encode_requests
from ml_core.kinds.text import TextTable
from ml_core.model_file import Model
from ml_core.network.architecture import Architecture
from ml_core.network.options import Options
from ml_core.network.second import READINGS, SecondOpinion
from ml_core.verdict.explanation import integrated_gradients

POOL = 2
PROGRAMS = text_kind("programs")
EVERYDAY = ("ReadFile", "CloseHandle", "RegOpenKeyExA", "GetSystemMetrics", "LoadStringW")
INJECTING = ("OpenProcess", "VirtualAllocEx", "WriteProcessMemory", "CreateRemoteThread")
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


def test_a_registered_name_is_not_the_same_before_another_name() -> None:
    second = SecondOpinion(4096, POOL, "addresses")
    second.table.copy_(torch.linspace(0, 1, 4096))
    texts = ("one.shop.com/a", "two.shop.org/b", "one.shop.com.site.net/a", "shop.site.net/a")
    x, _ = map(torch.from_numpy, encode(texts))
    said = [
        row[text.index("shop")].item() for text, row in zip(texts, second(x.long()), strict=True)
    ]
    assert said[0] == said[1] != said[2] == said[3]


def test_it_says_nothing_of_bare_names_and_learns_nothing_from_them() -> None:
    harmless, attacks = addresses(HARMLESS, 1), addresses(LURES, 2)
    second = fitted(harmless, attacks)
    assert opinions(second, ["signin-verify.com", "xqvkzjwpfhqt.com"]) == [0, 0]
    names = ["signin-verify.com", "webscr.org"]
    assert torch.equal(fitted([*names, *harmless], attacks).table, second.table)


def test_without_both_sides_among_the_addresses_there_is_no_opinion() -> None:
    assert not fitted(addresses(HARMLESS, 1), ["xqvkzjwpfhqt.com"]).table.any()


def test_it_tells_whether_there_was_anything_to_learn() -> None:
    x, lengths = torch.tensor([[[1], [2]], [[3], [4]]]), torch.tensor([2, 2])
    second = SecondOpinion(64, 1, "tokens")
    assert not second.fit(x, lengths, torch.tensor([False, False]))
    assert second.fit(x, lengths, torch.tensor([False, True]))


def test_it_changes_no_verdict_on_a_bare_name() -> None:
    texts = [f"garden{i}.com" for i in range(60)] + [f"qzx{i}vkjw.com" for i in range(60)]
    texts += addresses(HARMLESS, 1) + addresses(LURES, 2)
    table = TextTable("domain", texts, np.repeat([0, 1, 0, 2], 60))
    x, lengths = map(
        torch.from_numpy, encode(["mygarden.com", "qqzxvkj.net", "a-1.com/webscr/update"])
    )

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


def programs(calls: tuple[str, ...], seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.sample(EVERYDAY, 3) + draw.sample(calls, 3)) for _ in range(40)]


def of_calls(texts: list[str], second: SecondOpinion) -> list[float]:
    x, _ = map(torch.from_numpy, PROGRAMS.encode(texts))
    return second(x.long()).sum(dim=1).tolist()


def fitted_to_calls(harmless: list[str], attacks: list[str]) -> SecondOpinion:
    second = SecondOpinion(4096, 1, "tokens")
    x, lengths = map(torch.from_numpy, PROGRAMS.encode(harmless + attacks))
    second.fit(x, lengths, torch.arange(len(x)) >= len(harmless))
    return second


def test_calls_of_malware_speak_against_a_program_in_every_spelling() -> None:
    second = fitted_to_calls(programs(EVERYDAY, 1), programs(INJECTING, 2))
    assert max(of_calls(programs(EVERYDAY, 3), second)) < 0
    assert min(of_calls(programs(INJECTING, 4), second)) > 0
    (one, other) = of_calls(["NtReadFile VirtualAllocEx", "readfile VIRTUALALLOC"], second)
    assert one == other != 0


def test_it_hears_a_call_never_seen_by_its_words_and_neighbours_by_their_order() -> None:
    second = fitted_to_calls(programs(EVERYDAY, 1), programs(INJECTING, 2))
    (never, nothing) = of_calls(["WriteProcessImage", "Xqzzk"], second)
    assert never > 0 == nothing
    second = fitted_to_calls(["ReadFile RegOpenKey"] * 9, ["RegOpenKey ReadFile"] * 9)
    (harmless, attack) = of_calls(["ReadFile RegOpenKey", "RegOpenKey ReadFile"], second)
    assert harmless < 0 < attack


def test_a_group_or_part_that_a_sequence_repeats_counts_once() -> None:
    x = torch.tensor([[[5, 7], [6, 8], [5, 7], [6, 9], [0, 0]]])
    (found,) = READINGS["tokens"].groups(x, 4096)
    kept = found[found > 0]
    assert len(kept) == len(set(kept.tolist()))
    # 5, 56, 565, 5656 and 7; 6, 65, 656 and 8; 5 stood before, and so did 56; 6, and here 9 is new
    assert (found > 0).sum(dim=1).tolist() == [5, 4, 0, 1, 0]


def test_attack_and_harmless_weigh_the_same_however_few_attacks_are_learned() -> None:
    second = fitted_to_calls(["ReadFile"] * 90, ["ReadFile"] * 10)
    assert abs(of_calls(["ReadFile"], second)[0]) < 0.1


def learned(second: int) -> Model:
    table = TextTable(
        "calls", programs(EVERYDAY, 1) + programs(INJECTING, 2), np.repeat([0, 1], 40)
    )
    arch = replace(PROGRAMS.architecture, hidden=8, second=second)
    kind = replace(PROGRAMS, architecture=arch)
    return build_texts(kind, [table], Options(epochs=2, batch=16, device="cpu"))


def test_beside_it_a_network_of_tokens_counts_less_and_an_explanation_accounts_for_both() -> None:
    without, with_it = learned(0).network, learned(4096).network
    texts = programs(EVERYDAY, 5) + programs(INJECTING, 6)
    x, lengths = map(torch.from_numpy, PROGRAMS.encode(texts))
    x = x.long()
    said = with_it.stage.second(x).sum(dim=1) / lengths.sqrt()
    odds = [net(x, lengths).logits.diff(dim=1)[:, 0] for net in (without, with_it)]
    counts = READINGS["tokens"].network
    assert torch.allclose(odds[1], counts * odds[0] + said, atol=1e-4)
    shares = integrated_gradients(
        with_it, with_it.stage.embed(x), lengths, torch.ones(len(x), dtype=int), torch.zeros(())
    )
    votes = shares[..., with_it.arch.width :].sum(dim=(1, 2))
    assert torch.allclose(votes, said, atol=1e-4)


def test_it_stands_beside_the_votes_of_groups_of_bytes_or_reads_tokens() -> None:
    with pytest.raises(DataError, match="second opinion of 8 groups"):
        Architecture("bytes", inputs=128, classes=3, steps=4, second=8)
    for one in ({"grams": 1}, {"grams": 8, "second": 1}):  # of which there is none but "no group"
        with pytest.raises(DataError):
            Architecture("bytes", inputs=128, classes=3, steps=4, **one)
    with pytest.raises(DataError, match="second opinion of 'weather'"):
        Architecture("bytes", inputs=128, classes=3, steps=4, grams=8, second_of="weather")
    for form in (("tokens", 0, "addresses"), ("bytes", 8, "tokens")):
        with pytest.raises(DataError, match="second opinion of 8 groups"):
            of_form(*form)


def of_form(stage: str, grams: int, of: str) -> Architecture:
    return Architecture(stage, 128, 2, steps=4, grams=grams, second=8, second_of=of)
