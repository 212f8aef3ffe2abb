"""Every parser under fire: mutated lines and lines made to be slow, none of which may hurt it.

A short run by default; `make fuzz` (or TOCSIN_FUZZ_LINES=100000) is the whole one.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from itertools import islice

import polars as pl
import pytest

from apps.acquisition import frames
from apps.acquisition.parsing import Context, parse_lines, parsers
from apps.contracts import UNPARSED
from tests.acquisition.mutating import mutations, slow_lines
from tests.acquisition.parsers.examples import examples

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINES = int(os.environ.get("TOCSIN_FUZZ_LINES", "1000"))
SEED = int(os.environ.get("TOCSIN_FUZZ_SEED", "20261129"))
AT_ONCE = 250
LONGEST = 1.0
"""Seconds of the processors that one line may take: a busy machine makes no line slow."""

pytestmark = pytest.mark.parametrize("name", sorted(parsers()))


def read(name: str, lines: list[str]) -> float:
    """Seconds of the processors that a parser took; what it gives is whole and can be stored."""
    series = pl.Series(lines, dtype=pl.String)
    start = time.process_time()
    sniff = parsers()[name].sniff(series)
    parsed = parsers()[name].parse(series, Context(NOW))
    seconds = time.process_time() - start
    assert 0 <= sniff <= 1
    assert parsed.frame.height == parsed.structure.len() == len(lines)
    assert not (parsed.frame["event.dataset"].is_not_null() & parsed.structure).any()
    conformed = frames.conform(parsed.frame)
    assert conformed.schema == frames.SCHEMA
    for text in conformed["labels"].drop_nulls():
        assert isinstance(json.loads(text), dict)
    return seconds


def no_line_is_slow(name: str, lines: list[str]) -> None:
    """Lines that take longer together than one may are looked at one by one, twice."""
    if read(name, lines) < LONGEST:
        return
    for line in lines:
        assert min(read(name, [line]), read(name, [line])) < LONGEST, line[:300]


def test_no_mutated_line_makes_it_raise_or_wait(name: str) -> None:
    lines = mutations(examples()[name], SEED)
    for _ in range(0, LINES, AT_ONCE):
        no_line_is_slow(name, list(islice(lines, AT_ONCE)))


def test_no_long_run_makes_it_slow(name: str) -> None:
    lines = slow_lines(examples()[name], SEED)
    if LINES <= 1000:  # some of each kind instead of all
        lines = iter(list(lines)[:: max(1, len(examples()[name]) * 3)])
    while some := list(islice(lines, 4)):
        no_line_is_slow(name, some)


def test_the_chooser_keeps_every_mutated_line(name: str) -> None:
    lines = list(islice(mutations(examples()[name], SEED + 1), LINES // 5))
    parsed = parse_lines(pl.Series(lines, dtype=pl.String), Context(NOW))
    assert parsed.frame.height == parsed.chosen.len() == len(lines)
    dataset = parsed.frame["event.dataset"].cast(pl.String)
    understood = (dataset != UNPARSED).fill_null(False) | parsed.structure
    assert understood.equals(parsed.chosen.is_not_null())
