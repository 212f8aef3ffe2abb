"""`_bulk` bodies: the quick way through a good one comes to what the careful way comes to."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.acquisition import documents
from apps.acquisition.arrivals import Receipt
from apps.acquisition.models import Batch
from apps.acquisition.protocols import elasticsearch

ACTIONS = (
    b'{"index":{}}',
    b'{"create":{"_index":"a%d\\n"}}',
    b' {"index": {}}\r',
    b'{"index":{"_id":"7"}}',
    b'{"index":{"_index":"7777777777777777"}}',
    b'{"delete":{}}',
    b'{"update":{}}',
    b"{}",
    b"",
)
TEXTS = (
    b'{"message":"x"}',
    b'{"a":{"b":[1,2.5,null,true]}}',
    b' {"a":1}',
    b'{"a":1}\r',
    b'"a line"',
    b"7",
    b"{broken",
    b'{"a":"\xff"}',
    b'{"long":"' + b"x" * 200 + b'"}',
    b"[" * 70 + b"]" * 70,
    b'{"a":' * 70 + b"1" + b"}" * 70,
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b"",
)
most_are_good = st.sampled_from([0, 0, 0, 0, 0, 1, 1, *range(20)])


@given(
    pairs=st.lists(st.tuples(most_are_good, most_are_good), min_size=1, max_size=6),
    end=st.sampled_from([b"\n", b"", b"\n\n", b'\n{"index":{}}']),
)
def test_a_body_is_cut_the_same_the_quick_and_the_careful_way(
    pairs: list[tuple[int, int]], end: bytes
) -> None:
    lines = [
        line
        for action, text in pairs
        for line in (ACTIONS[action % len(ACTIONS)], TEXTS[text % len(TEXTS)])
    ]
    bare = (b"\n".join(lines) + end).split(b"\n")
    quick = documents._pairs(bare, 150)
    if quick is not None:
        assert asdict(quick) == asdict(documents._bulk(bare, 150))
        receipt = Receipt(Batch(), True, first=40)
        reply = json.loads(elasticsearch._reply(3, quick, "logs", receipt))
        assert reply["items"] == elasticsearch._items(quick, "logs", receipt)
        assert (reply["took"], reply["errors"]) == (3, False)


def test_what_all_shippers_send_goes_the_quick_way() -> None:
    bare = (b'{"index":{}}\n{"message":"x"}\n' * 3).split(b"\n")
    assert documents._pairs(bare, 150) is not None


@pytest.mark.parametrize("index", ["", "7777777777777777", "a%d"])
def test_any_index_is_answered_as_it_was_named(index: str) -> None:
    found = documents.split_bulk(b'{"index":{}}\n{"message":"x"}\n', 150)
    receipt = Receipt(Batch(), True)
    reply = json.loads(elasticsearch._reply(3, found, index, receipt))
    assert reply["items"] == elasticsearch._items(found, index, receipt)
