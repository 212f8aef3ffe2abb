"""What a site is asked otherwise: which things are strange, and what may become a habit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
import pytest

from apps.contracts import Finding, Kind, Risk
from apps.detection import habits
from apps.detection.evidence import STRANGE
from tests.detection.made import ALICE, MALLORY, START, Row, frame, request

NOTHING = habits.Habits.none(np.zeros(0, np.int64))
VISITORS = [f"192.0.2.{i}" for i in range(60)]


def usual(n: int = 600, path: str = "/basket.jsp") -> list[Row]:
    return [
        request(i, f"{path}?mode=add&id={i % 90}&price={i % 50 + 5}", source=VISITORS[i % 60])
        for i in range(n)
    ]


def taught(rows: Iterable[Row], known: habits.Habits = NOTHING) -> habits.Habits:
    return habits.taught(known, habits.judged(habits.things(frame(rows)), known))


def strange(rows: Sequence[Row], known: habits.Habits) -> list[str | None]:
    """Of each strange thing in the rows the parameter, None where it is which came together."""
    judgement = habits.judged(habits.things(frame(rows)), known)
    return judgement.filter("strange").sort("record.id", "name")["name"].to_list()


KNOWN = taught(usual())


def test_what_a_site_is_always_asked_is_not_strange() -> None:
    assert strange(usual(), KNOWN) == []


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("mode=add&id=7&price=%27", ["price"]),
        ("mode=add&id=7&price=" + "1" * 60, ["price"]),
        ("mode=add&id=abc&price=7", ["id"]),
        ("mode=add&id=7", [None]),
        ("mode=add&id=7&price=7&admin=1", [None]),
    ],
)
def test_a_sign_a_length_or_parameters_that_hardly_any_had_are_strange(
    query: str, what: list[str | None]
) -> None:
    assert strange([request(0, f"/basket.jsp?{query}")], KNOWN) == what


@pytest.mark.parametrize(
    "url",
    [
        "/basket.jsp?mode=add&id=%37&price=%31%32",
        "/BASKET.jsp;jsessionid=AB12?mode=add&id=7&price=12#top",
        "/./%62asket.jsp?m%6Fde=add&id=7&price=12",
        "http://shop.example/basket.jsp?price=12&mode=add&id=7",
    ],
)
def test_other_spellings_of_the_usual_are_the_usual(url: str) -> None:
    assert len(habits.things(frame([request(0, url)]))) == 4
    assert strange([request(0, url)], KNOWN) == []


@pytest.mark.parametrize("path", ["/./%62asket.jsp", "//basket.jsp", "/basket.jsp;x"])
def test_no_spelling_of_a_path_hides_what_is_strange(path: str) -> None:
    assert strange([request(0, f"{path}?mode=add&id=7&price=%2527")], KNOWN) == ["price"]


def test_a_form_is_read_as_the_address_is() -> None:
    def posted(i: int, body: str) -> Row:
        return request(i, "/login", source=VISITORS[i % 60], **{"http.request.body.content": body})

    known = taught(posted(i, f"user=u{i % 9}&pin={i % 9999}") for i in range(600))
    assert strange([posted(0, "user=u3&pin=17")], known) == []
    assert strange([posted(0, "user=u3&pin=17'")], known) == ["pin"]
    assert habits.things(frame([posted(0, '{"user": "a=b"}')])).is_empty()


def test_too_few_requests_tell_nothing() -> None:
    few = taught(usual(habits.LEAST - 1))
    assert strange([request(0, "/basket.jsp?mode=add&id=7&price=%27")], few) == []


def test_where_everything_varies_nothing_is_strange() -> None:
    signs = "!#$()*,-./:;<>@[]^_`{|}~"
    rows = [
        request(i, f"/search?q={'x' * (i * i % 300)}{signs[i % 24]}", source=VISITORS[i % 60])
        for i in range(600)
    ]
    assert strange([request(0, "/search?q=%22")], taught(rows)) == ["q"]
    assert strange([request(0, f"/search?q={'x' * 77}%7E")], taught(rows)) == []


def test_other_sites_and_other_paths_are_other_habits() -> None:
    quote = "mode=add&id=7&price=%27"
    assert strange([request(0, f"/other.jsp?{quote}")], KNOWN) == []
    assert strange([request(0, f"/basket.jsp?{quote}", **{"host.name": "blog"})], KNOWN) == []
    assert strange([request(0, "/item/1?mode=add")], taught(usual(path="/item/23"))) == [None]


def test_context_is_neither_judged_nor_learned() -> None:
    old = frame(usual(), fresh=[False] * 600)
    assert habits.things(old).is_empty()


def test_one_source_teaches_nothing_strange_however_often_it_asks() -> None:
    attack = [request(i, "/basket.jsp?mode=add&id=7&price=%27") for i in range(500)]
    known = KNOWN
    for _ in range(4):
        known = taught(attack, known)
    assert known.seen.tolist() == KNOWN.seen.tolist()
    assert strange(attack[:1], known) == ["price"]


def test_where_one_source_asks_it_teaches_one_strange_thing_a_day() -> None:
    alone = taught(request(i, f"/a?b={i % 9}", source=ALICE) for i in range(100))
    known = habits.Habits(alone.keys, alone.seen + 900, alone.counts * 10, alone.given * 0)
    change = [request(i, "/a?b=x", source=ALICE) for i in range(9)]
    assert taught(change, known).seen.tolist() == [1001, 1001]


def test_what_many_ask_for_becomes_a_habit() -> None:
    change = [
        request(i, "/basket.jsp?mode=add&id=7&price=9%2C50", source=source)
        for i, source in enumerate(VISITORS)
    ]
    known = KNOWN
    for at in range(0, 60, 5):
        known = taught(change[at : at + 5], known)
    assert "price" in strange(change[:1], KNOWN)
    assert strange(change[:1], known) == []


def test_one_source_adds_so_much_a_day_and_no_more() -> None:
    flood = [request(i, "/basket.jsp?mode=add&id=7&price=8", source=ALICE) for i in range(900)]
    known = taught(flood[450:], taught(flood[:450]))
    assert set(known.seen.tolist()) == {habits.A_DAY}
    assert int(known.counts.max()) == habits.A_DAY


def test_the_addresses_of_an_ipv6_network_are_one_source() -> None:
    assert habits.network_of("2001:db8::1") == habits.network_of("2001:db8::ffff:2")
    assert habits.network_of("2001:db8:0:1::1") != habits.network_of("2001:db8::1")
    assert habits.network_of(MALLORY) == MALLORY


def test_after_many_things_what_was_seen_weighs_half() -> None:
    n = len(KNOWN.keys)
    full = habits.Habits(
        KNOWN.keys, np.full(n, habits.MOST - 1, np.float32), KNOWN.counts, KNOWN.given * 0
    )
    after = taught(usual(1), full)
    assert set(after.seen.tolist()) == {habits.MOST / 2}
    assert after.counts.max() <= KNOWN.counts.max()


def test_nothing_is_learned_from_what_a_tool_accuses_or_the_server_refused() -> None:
    rows = [request(i, "/a?b=1", status=status) for i, status in enumerate((200, 404, None, 500))]
    judgement = habits.judged(habits.things(frame(rows)), NOTHING)

    def finding(kind: Kind, record: int) -> Finding:
        return Finding("t", kind, Risk.INTRUSION, "", MALLORY, "", 50, START, START, (record,))

    said = [finding(Kind.WEB_INJECTION, 3), finding(Kind.ANOMALY, 2)]
    assert set(habits.harmless(judgement, said)["record.id"]) == {0, 2}
    assert set(habits.harmless(judgement, ())["record.id"]) == {0, 2, 3}


def test_a_request_of_endless_parameters_is_read_no_further() -> None:
    many = request(
        0, "/a?" + "&".join(f"p{chr(97 + i % 26) * (i // 26 + 1)}=1" for i in range(999))
    )
    assert len(habits.things(frame([many]))) == habits.PARAMETERS + 1


def test_masks_hold_signs_and_length() -> None:
    (mask,) = habits.masks(pl.Series(["a%27b+1"])).tolist()
    assert (
        habits.words(mask, "a%27b+1")
        == "has letters, digits, spaces and ' and is 5 characters long"
    )
    assert habits.words(mask & (1 << habits.LENGTHS) - 1, "7") == "is 1 characters long"
    assert habits.words(1 << habits.LETTERS, "a") == "has letters"
    assert habits.bits(np.array([mask], np.uint64)).sum() == 5
    assert habits.masks(pl.Series([""])).tolist() == [1]
    foreign, plain = habits.masks(pl.Series(["%F1%C3%B1", "abc"])).tolist()
    assert foreign == plain


def test_digests_are_the_same_for_ever() -> None:
    assert habits.digest("shop", "/a", None) == habits.digest("shop", "/a", "")
    assert habits.digest("shop", "/a", "b") == 2959922912124926104


def test_marked_frames_keep_their_rows() -> None:
    rows = [request(0, "/basket.jsp?mode=add&id=7&price=%27"), *usual(5)]
    made = frame(rows)
    marked = habits.marked(made, habits.judged(habits.things(made), KNOWN))
    assert marked.drop(STRANGE).equals(made.drop(STRANGE))
    assert marked[STRANGE].is_not_null().to_list() == [True] + [False] * 5


def test_the_more_is_looked_at_the_rarer_a_thing_must_be() -> None:
    def rows(names: str) -> list[Row]:
        pairs = [
            request(i, "/a?" + "&".join(f"{name}=7" for name in names), source=VISITORS[i % 60])
            for i in range(250)
        ]
        return [*pairs, request(0, "/a?" + "&".join(f"{name}=7" for name in names[1:]) + "&a=%27")]

    for names, what in (("ab", ["a"]), ("abcdef", [])):
        *before, quote = rows(names)
        assert strange([quote], taught(before)) == what
