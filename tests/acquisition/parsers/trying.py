"""What tests of single parsers share: lines to records, and lines that went wrong on their way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from apps.acquisition import frames
from apps.acquisition.parsing import Context, Parser, parse_lines, parsers
from tests.acquisition.samples import ACCEPTED, ACCESS, FAILED, SUDO, ZEEK, ZEEK_HEADER, ZEEK_JSON

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OTHERS = {
    "access_log": [ACCESS],
    "sshd": [FAILED, ACCEPTED, SUDO],
    "zeek": [*ZEEK_HEADER.split("\n"), ZEEK, ZEEK_JSON],
    "ecs": [json.dumps({"@timestamp": "2026-11-22T09:00:00Z", "source": {"ip": "192.0.2.1"}})],
    "": ["", "what?", "{}", "[]", '{"a": 1}', "#", "\0", "<13>", "a b c d e f g h"],
}
few = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def alone(name: str) -> Parser:
    """A parser by its name, without looking at the others."""
    return import_module(f"apps.acquisition.parsers.{name}").PARSER


def lines_of(*documents: Any) -> list[str]:
    return [text if isinstance(text, str) else json.dumps(text) for text in documents]


def records(*lines: Any, parser: str = "", **context: Any) -> list[dict[str, Any]]:
    """What each line became, without what it does not say; labels as a dict."""
    texts = pl.Series(lines_of(*lines), dtype=pl.String)
    context_ = Context(NOW, **context)
    parsed = alone(parser).parse(texts, context_) if parser else parse_lines(texts, context_)
    rows = [
        {name: value for name, value in row.items() if value is not None}
        for row in frames.conform(parsed.frame).to_dicts()
    ]
    for row in rows:
        if "labels" in row:
            row["labels"] = json.loads(row["labels"])
    return rows


def one(line: Any, **more: Any) -> dict[str, Any]:
    return records(line, **more)[0]


def first_choice(lines: Sequence[str]) -> str:
    """The parser that is surest of these lines."""
    series = pl.Series(lines, dtype=pl.String)
    return max(parsers().values(), key=lambda parser: parser.sniff(series)).name


def claims_nothing_else(name: str) -> bool:
    """Whether a parser leaves the lines of other formats alone."""
    lines = [line for other, theirs in OTHERS.items() if other != name for line in theirs]
    parsed = alone(name).parse(pl.Series(lines, dtype=pl.String), Context(NOW))
    return parsed.frame["event.dataset"].null_count() == len(lines)


def mutated(lines: Sequence[str]) -> st.SearchStrategy[list[str]]:
    """Real lines, cut, spliced or sprinkled with anything."""

    @st.composite
    def line(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(lines))
        at = draw(st.integers(0, len(text)))
        until = draw(st.integers(at, min(len(text), at + 30)))
        put = draw(st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(lines))
        return (text[:at] + put + text[until:]).replace("\n", " ")

    return st.lists(line() | st.sampled_from(lines), max_size=10)


def survives(name: str, lines: list[str]) -> None:
    """A parser keeps the height and makes records that can be stored, whatever comes."""
    series = pl.Series(lines, dtype=pl.String)
    assert 0 <= alone(name).sniff(series) <= 1
    parsed = alone(name).parse(series, Context(NOW))
    assert parsed.frame.height == parsed.structure.len() == len(lines)
    conformed = frames.conform(parsed.frame)
    assert conformed.schema == frames.SCHEMA
    for text in conformed["labels"].drop_nulls():
        assert isinstance(json.loads(text), dict)
        assert "\\u0000" not in text
