"""What the tests of daemons' parsers share: their lines bare and behind every head, and mutations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from apps.acquisition import frames
from apps.acquisition.parsing import Context, parse_lines, parsers

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AT = datetime(2026, 11, 22, 9, 58, 49, tzinfo=UTC)
OLD = "Nov 22 09:58:49 web "
"""The head that daemons' lines have in files."""

fuzz = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

OTHERS = (
    '198.51.100.7 - - [22/Nov/2026:09:58:49 +0000] "GET /?a=b HTTP/1.1" 200 512 "-" "x"',
    OLD + "sshd[8]: Failed password for root from 192.0.2.9 port 22 ssh2",
    OLD
    + "kernel: [1.5] IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=60 TTL=4 PROTO=TCP SPT=1 DPT=2",
    OLD + "postfix/smtpd[8]: connect from unknown[192.0.2.9]",
    OLD
    + "filterlog[8]: 5,,,1,em0,match,block,in,4,0x0,,64,0,0,DF,6,tcp,60,192.0.2.1,192.0.2.2,1,2,0",
    OLD + "app[8]: hello",
    'Sun Nov 22 09:58:49 2026 [pid 8] [bob] FAIL LOGIN: Client "192.0.2.9"',
    'type=CWD msg=audit(1795341529.250:7): cwd="/root"',
    "09:58:49.25 rule 3/0(match): block in on em0: 192.0.2.1.40000 > 192.0.2.2.22: Flags [S]",
    '{"__REALTIME_TIMESTAMP":"1795341529250000","MESSAGE":"x","_HOSTNAME":"web"}',
    '{"@timestamp": "2026-11-22T09:00:00Z", "source": {"ip": "192.0.2.1"}}',
    "nobody's line",
    "",
)


def records(*lines: str, parser: str) -> list[dict[str, Any]]:
    """What one parser makes of lines, without what they do not say; labels as they decode."""
    parsed = parsers()[parser].parse(pl.Series(lines, dtype=pl.String), Context(NOW))
    rows = frames.conform(parsed.frame).to_dicts()
    told = [{name: value for name, value in row.items() if value is not None} for row in rows]
    for row in told:
        if "labels" in row:
            row["labels"] = json.loads(row["labels"])
    return told


def are_claimed(lines: Sequence[str], parser: str) -> None:
    """Among all parsers it is the surest of its own lines, and takes (nearly) all of them."""
    series = pl.Series(list(lines), dtype=pl.String)
    sure = {name: each.sniff(series) for name, each in parsers().items()}
    assert max(sure, key=sure.__getitem__) == parser, sure
    alone = parsers()[parser].parse(series, Context(NOW)).frame["event.dataset"]
    assert alone.is_not_null().sum() >= 0.99 * len(lines)
    assert parse_lines(series, Context(NOW)).frame["event.dataset"].equals(alone)


def are_not_claimed(lines: Sequence[str], parser: str) -> None:
    for line, said in zip(lines, records(*lines, parser=parser), strict=True):
        assert "event.dataset" not in said, line


def survive(lines: Sequence[str], parser: str) -> None:
    """It does not raise, and every line stays one row."""
    series = pl.Series(list(lines), dtype=pl.String)
    assert 0 <= parsers()[parser].sniff(series) <= 1
    parsed = parsers()[parser].parse(series, Context(NOW))
    assert parsed.frame.height == parsed.structure.len() == len(lines)
    conformed = frames.conform(parsed.frame)
    assert conformed.schema == frames.SCHEMA
    for text in conformed["labels"].drop_nulls().to_list():
        assert isinstance(json.loads(text), dict)
        assert "\\u0000" not in text


def mutated(samples: Sequence[str]) -> st.SearchStrategy[list[str]]:
    """Real lines, cut, spliced or sprinkled with anything."""

    @st.composite
    def line(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(list(samples)))
        at = draw(st.integers(0, len(text)))
        until = draw(st.integers(at, min(len(text), at + 30)))
        put = draw(
            st.text(st.characters(codec="utf-8"), max_size=12)
            | st.sampled_from(['"', "'", "=", "[", "]", "\\", "\0", "<", ">", ",,", ": ", "\x1d"])
        )
        return text[:at] + put + text[until:]

    return st.lists(line(), max_size=12)
