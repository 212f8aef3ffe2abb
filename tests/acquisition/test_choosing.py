"""The chooser: formats are found without being told, however they are mixed."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import polars as pl
import pytest

from apps.acquisition import reading
from apps.acquisition.parsing import Context, parse_lines, parsers
from tests.acquisition.parsers.examples import examples
from tests.acquisition.samples import ACCESS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALONE = ("cef", "ecs", "journal", "leef", "suricata", "syslog", "web_json", "windows")
"""Parsers whose every line is told by itself, many of them JSON."""


def series(lines: list[str]) -> pl.Series:
    return pl.Series(lines, dtype=pl.String)


def test_every_parser_has_examples_and_they_are_its_own() -> None:
    assert set(examples()) == set(parsers())
    for name, lines in examples().items():
        parsed = parse_lines(series(list(lines)), Context(NOW))
        alone = parsers()[name].parse(series(list(lines)), Context(NOW))
        assert parsed.frame["event.dataset"].equals(alone.frame["event.dataset"]), name
        assert [choice.parser for choice in parsed.choices] == [name]


@pytest.mark.parametrize("seed", range(3))
def test_a_format_that_no_sample_shows_finds_its_parser(seed: int) -> None:
    """Thousands of lines of one format, and among them a few of many others."""
    rare = [(name, line) for name in ALONE for line in examples()[name]]
    random.Random(seed).shuffle(rare)
    lines, owners = [], []
    for name, line in rare:
        lines += [ACCESS] * 450 + [line]
        owners += ["access_log"] * 450 + [name]
    parsed = parse_lines(series(lines), Context(NOW))
    names = [choice.parser for choice in parsed.choices]
    assert [names[at] for at in parsed.chosen.to_list()] == owners
    assert sum(choice.lines for choice in parsed.choices) == len(lines)


def test_general_parsers_come_after_all_others_however_sure_they_are() -> None:
    documents = ['{"@timestamp":"2026-11-22T09:00:00Z","message":"x","user.name":"ann"}'] * 999
    event = examples()["suricata"][0]
    parsed = parse_lines(series([*documents, event]), Context(NOW))
    assert [choice.parser for choice in parsed.choices] == ["suricata", "ecs"]
    assert parsed.frame["event.dataset"][-1] == "suricata.eve"


def test_as_many_words_as_a_table_has_columns_are_no_row_of_it() -> None:
    header = "#Fields: date time c-ip cs-method cs-uri-stem sc-status"
    row = "2026-11-22 09:58:49 192.0.2.9 GET /a 200"
    log = "2026-11-22 09:58:50.000 UTC [12] LOG:  checkpoint"
    assert len(log.split()) == len(row.split())
    parsed = parse_lines(series([header, row, log, row]), Context(NOW))
    assert parsed.frame["event.dataset"].to_list() == [
        *(None, "w3c.access", "postgresql.log", "w3c.access"),
    ]


def test_a_reading_says_who_read_and_how_sure_it_was() -> None:
    failed = "Nov 22 09:58:49 web sshd[8]: Failed password for root from 192.0.2.9 port 22 ssh2"
    content = "\n".join([*[ACCESS] * 30, *[failed] * 10, "what?"]).encode()
    read = reading.read(content, protocol="lines", received_at=NOW)
    told = {choice.parser: choice for choice in read.choices}
    assert (told["access_log"].lines, told["sshd"].lines, read.unparsed) == (30, 10, 1)
    assert 1 > told["access_log"].sniff > told["sshd"].sniff > 0


def test_of_a_document_that_says_nothing_nobody_says_that_it_was_read() -> None:
    read = reading.read(b'{"foo": 1}\n{"user.name": "ann"}', protocol="lines", received_at=NOW)
    assert (read.unparsed, [choice.lines for choice in read.choices]) == (1, [1])
