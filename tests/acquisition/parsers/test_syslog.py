"""Syslog lines that no other parser understands keep their head and what they said."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.acquisition.parsers import _labels
from apps.acquisition.parsing import Context, parse_lines, parsers
from tests.acquisition.parsers import daemons
from tests.acquisition.parsers.daemons import AT, NOW, OLD, fuzz

records = partial(daemons.records, parser="syslog")

OURS = {"event.dataset": "syslog", "event.category": "host"}
STRUCTURED = (
    '<165>1 2026-11-22T10:58:49+01:00 web.example.org app 8710 ID47 [a@1 n="3" q="x\\"] y"]'
    '[b z="\\\\"] \ufeffAn event'
)
LINES = [
    f"{OLD}app[812]: hello",
    "<34>Nov 22 09:58:49 web app: hello",
    "2026-11-22T09:58:49.250000+00:00 web app[8]: hello",
    "<165>1 2026-11-22T09:58:49Z web app - - - hello",
    STRUCTURED,
    "<189>Nov 22 2025 09:58:49 fw %DEV-6-UP: link",
]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "<34>Nov 22 09:58:49.5 web app(mod)[812]: it's: here",
            {
                **{"@timestamp": AT.replace(microsecond=500_000), "host.name": "web"},
                **{"event.severity": 2, "log.level": "critical", "process.name": "app"},
                **{"process.pid": 812, "message": "it's: here"},
                "labels": {"facility": "auth", "module": "mod"},
            },
        ),
        (
            STRUCTURED,
            {
                **{"@timestamp": AT, "host.name": "web.example.org", "event.severity": 5},
                **{"log.level": "notice", "process.name": "app", "process.pid": 8710},
                "message": "An event",
                "labels": {
                    **{"facility": "local4", "msgid": "ID47"},
                    **{"a@1.n": "3", "a@1.q": 'x"] y', "b.z": "\\"},
                },
            },
        ),
        (
            "<14>1 2026-11-22T09:58:49Z - app worker-3 - - hello",
            {
                **{"@timestamp": AT, "event.severity": 6, "log.level": "info"},
                **{"process.name": "app", "message": "hello"},
                "labels": {"facility": "user", "procid": "worker-3"},
            },
        ),
        (
            "<165>1 - - - - - -",
            {"event.severity": 5, "log.level": "notice", "labels": {"facility": "local4"}},
        ),
        (
            "<189>Nov  2 2025 09:58:49 fw %DEV-6-UP: link",
            {
                **{"@timestamp": datetime(2025, 11, 2, 9, 58, 49, tzinfo=UTC), "host.name": "fw"},
                **{"process.name": "%DEV-6-UP", "event.severity": 5, "log.level": "notice"},
                **{"message": "link", "labels": {"facility": "local7"}},
            },
        ),
        (
            "<30>Nov 22 09:58:49 app[3]: a local sender names no host",
            {
                **{"@timestamp": AT, "process.name": "app", "process.pid": 3},
                **{"event.severity": 6, "log.level": "info"},
                "message": "a local sender names no host",
                "labels": {"facility": "daemon"},
            },
        ),
        (
            f"{OLD}syslogd 1.4.1: restart.",
            {
                **{"@timestamp": AT, "host.name": "web", "process.name": "syslogd"},
                "message": "restart.",
            },
        ),
        (
            f"{OLD}--- last message repeated 2 times ---",
            {
                **{"@timestamp": AT, "host.name": "web"},
                "message": "--- last message repeated 2 times ---",
            },
        ),
        (
            "<13>hello",
            {
                **{"event.severity": 5, "log.level": "notice", "message": "hello"},
                "labels": {"facility": "user"},
            },
        ),
    ],
)
def test_every_head_is_read(line: str, said: dict[str, Any]) -> None:
    assert records(line) == [OURS | said]


def test_what_has_no_head_is_left_over() -> None:
    daemons.are_not_claimed(
        [
            *("nobody's line", "", "<999>x", "<192>x", "2026-11-22T09:58:49Z INFO: x"),
            *("2026-11-22T09:58:49Z INFO app: x", "2026-11-22T09:58:49Z [warn] app: x"),
            *("2026-11-22T09:58:49Z 0 [Note] x", "2026-11-22 09:58:49,123 INFO x: y"),
            *("Sun Nov 22 09:58:49 2026 [pid 8] x", '{"a": "Nov 22 09:58:49 web x: y"}', "<13>"),
        ],
        "syslog",
    )


def test_who_knows_the_program_goes_before() -> None:
    lines = [*LINES, f"{OLD}sshd[8]: Failed password for root from 192.0.2.9 port 22 ssh2"]
    read = parse_lines(pl.Series(lines), Context(NOW)).frame["event.dataset"].to_list()
    assert read == [*["syslog"] * len(LINES), "sshd.auth"]
    assert parsers()["syslog"].sniff(pl.Series(LINES)) == 0


def test_hostile_lines_stay_lines() -> None:
    long = "x" * 200_000
    said = records(f"{OLD}app: {long}", f'<13>1 - - - - - [{long} a="{long}"] m', "<13>\0\ud7ff")
    assert said[0]["message"] == long
    assert len(str(said[1]["labels"])) < 2000
    assert said[2]["message"] == "\ufffd\ud7ff"
    unclosed = '<13>1 2026-11-22T09:58:49Z h a 1 - [x y="z] m'
    assert records(unclosed)[0]["message"].endswith('[x y="z] m'), "kept, if not understood"


@given(lines=daemons.mutated(LINES))
@fuzz
def test_no_line_is_lost(lines: list[str]) -> None:
    daemons.survive(lines, "syslog")


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc"), st.text())))
@fuzz
def test_labels_are_json(pairs: list[tuple[int, str, str]]) -> None:
    table = pl.DataFrame(
        pairs, schema={"row": pl.UInt32, "key": pl.String, "value": pl.String}, orient="row"
    )
    by_pairs = _labels.of_pairs(table["row"], table["key"], table["value"])
    by_columns = _labels.of(table, ("key", "value"))
    for text in [*by_pairs["labels"].to_list(), *by_columns.drop_nulls().to_list()]:
        assert pl.Series([text]).str.json_decode(pl.Struct({"a": pl.String})).null_count() == 0
    assert by_columns.len() == len(pairs)


def test_a_line_of_a_whole_day_ahead_is_of_last_year() -> None:
    received = datetime(2000, 1, 1, tzinfo=UTC)
    read = parsers()["syslog"].parse(pl.Series(["Jan  2 00:00:00 web app: x"]), Context(received))
    assert read.frame["@timestamp"][0] == datetime(1999, 1, 2, tzinfo=UTC)
