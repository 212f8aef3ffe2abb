"""JSON lines into columns: every path, however nested, and nothing lost that nobody asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.acquisition.parsers import _json


def read(*lines: Any) -> _json.Documents:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return _json.read(pl.Series(texts, dtype=pl.String))


def test_paths_are_the_same_nested_and_dotted() -> None:
    documents = read({"a": {"b": {"c": 1}}}, {"a.b": {"c": "two"}}, {"a.b.c": None}, {"a": 5})
    assert documents.text("a.b.c").to_list() == ["1", "two", None, None]
    assert documents.text("a").to_list() == [None, None, None, "5"]


def test_values_are_read_as_they_are_needed() -> None:
    documents = read(
        {"n": 12, "t": "2026-11-22T09:58:49.25+0100", "f": True, "l": ["a", 2, None, {"x": 1}]},
        {"n": "13", "t": 1795341529.25, "f": 0.5, "l": []},
        {"n": 2**70, "t": "soon"},
    )
    assert documents.integer("n").to_list() == [12, 13, None]
    assert documents.time("t").to_list() == [
        datetime(2026, 11, 22, 8, 58, 49, 250_000, tzinfo=UTC),
        datetime.fromtimestamp(1795341529.25, UTC),
        None,
    ]
    assert documents.text("f").to_list() == ["true", "0.5", None]
    assert documents.number("f").to_list() == [None, 0.5, None]
    assert documents.text("l").to_list() == ['a 2 {"x":1}', "", None]


def test_the_first_path_that_is_said_counts() -> None:
    documents = read({"new": "n", "old": "o"}, {"old": "o"}, {"other": 1})
    assert documents.text("new", "old").to_list() == ["n", "o", None]
    assert documents.has("other").to_list() == [False, False, True]


def test_malformed_lines_cost_none_of_their_neighbours() -> None:
    documents = read(
        *('{"a": 1}', '{"a": 2', "[1]", "", '"a"', '{"a": 3} {"a": 4}', '{"a": "\\ud800"}'),
        *("{" * 3, '{"a":' * 5000, '  {"a": 5}'),
    )
    assert documents.known.arg_true().to_list() == [0, 9]
    assert documents.text("a").to_list() == ["1", *[None] * 8, "5"]


def test_only_the_wanted_lines_are_looked_at() -> None:
    lines = pl.Series(['{"a": 1}', '{"a": 2}'])
    documents = _json.read(lines, only=pl.Series([False, True]))
    assert documents.text("a").to_list() == [None, "2"]


def test_labels_hold_what_nobody_asked_for() -> None:
    documents = read({"a": 1, "b": {"c": [1, "x"], "d": None}, "long": "y" * 900}, {"a": 2})
    documents.text("a")
    more = {"mine": pl.Series([None, "here"])}
    labels = documents.labels(names={"b.c": "c"}, without=("no.",), more=more).to_list()
    assert json.loads(labels[0]) == {"c": "1 x", "long": "y" * 499 + "…"}
    assert json.loads(labels[1]) == {"mine": "here"}
    assert read({}).labels().to_list() == [None]


def test_labels_can_be_stored() -> None:
    documents = read({"nul\0": "a\0b", "big": 2**80, "small": -(2**63)})
    labels = documents.labels()[0]
    assert "\0" not in labels
    assert "\\u0000" not in labels
    assert json.loads(labels)["small"] == -(2**63)
    wide = read({f"k{number}": number for number in range(5000)})
    assert len(json.loads(wide.labels()[0])) == _json.MOST_LABELS


def test_what_is_nested_too_deep_stays_text() -> None:
    value: Any = 1
    for _ in range(40):
        value = {"a": value}
    documents = read(value)
    (path,) = documents.cells
    assert path.count(".") < 20
    assert '{"a":' in str(documents.text(path)[0])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.sampled_from("ab.") | st.text(), values) | st.text(), max_size=8)
)
@settings(max_examples=80, deadline=None)
def test_no_line_makes_it_raise_or_is_lost(lines: list[Any]) -> None:
    documents = read(*lines)
    assert documents.known.len() == len(lines)
    assert documents.labels().len() == len(lines)
    for path in list(documents.cells):
        assert documents.text(path).len() == len(lines)
        assert documents.time(path).len() == len(lines)
        assert documents.integer(path).len() == len(lines)
    assert documents.labels().null_count() == len(lines)
