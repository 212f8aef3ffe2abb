"""What tests of single parsers share: records of lines, and what must hold for any lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from apps.acquisition import frames
from apps.acquisition.parsing import Context, parse_lines, parsers

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
fuzz = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

OTHERS = (
    '192.0.2.9 - - [22/Nov/2026:09:58:49 +0000] "GET /a?id=1 HTTP/1.1" 200 7 "-" "curl/8"',
    "Nov 22 09:58:49 web sshd[8]: Failed password for root from 192.0.2.9 port 22 ssh2",
    "2026-11-22T09:58:49.250000+00:00 web sudo[8]: root : TTY=pts/0 ; USER=root ; COMMAND=/bin/ls",
    "Nov 22 09:58:49 web cron[8]: (root) CMD (true)",
    "type=SYSCALL msg=audit(1795341529.123:456): arch=c000003e syscall=59 success=yes exit=0",
    '{"@timestamp": "2026-11-22T09:00:00Z", "source": {"ip": "192.0.2.1"}, "message": "hello"}',
    '{"ts":1795341529.25,"id.orig_h":"192.0.2.9","id.resp_h":"192.0.2.1","proto":"tcp"}',
    '{"timestamp":"2026-11-22T09:58:49.25+0000","event_type":"http","src_ip":"192.0.2.9",'
    '"http":{"hostname":"example.org","url":"/","http_method":"GET","status":200}}',
    "CEF:0|Vendor|Product|1.0|100|Login|5|src=192.0.2.9 dst=192.0.2.1",
    "plain words, nobody's",
    "",
)
"""Lines of other formats than those of the parser under test (which leaves out its own)."""


def told(
    *lines: str, parser: str, file_name: str = "", received: datetime = NOW
) -> list[dict[str, object]]:
    """What one parser makes of each line, without what it does not say."""
    parsed = parse_lines(pl.Series(lines), Context(received, file_name=file_name), only=(parser,))
    rows = frames.conform(parsed.frame).to_dicts()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def claims(lines: Sequence[str], parser: str) -> float:
    """The part of the lines that are its own where all parsers are asked, by that parser."""
    series = pl.Series(list(lines))
    sure = {name: each.sniff(series) for name, each in parsers().items()}
    assert max(sure, key=sure.__getitem__) == parser, sure
    together = parse_lines(series, Context(NOW))
    alone = parsers()[parser].parse(series, Context(NOW))
    assert together.frame["event.dataset"].equals(alone.frame["event.dataset"])
    done = alone.frame["event.dataset"].is_not_null() | alone.structure
    return int(done.sum()) / len(lines)


def leaves_alone(parser: str, others: Sequence[str] = OTHERS) -> None:
    """Lines of other programs are not claimed."""
    series = pl.Series(list(others))
    parsed = parsers()[parser].parse(series, Context(NOW))
    taken = series.filter(parsed.frame["event.dataset"].is_not_null() | parsed.structure)
    assert not taken.to_list()
    assert parsers()[parser].sniff(series) == 0


def holds(parser: str, lines: Sequence[str]) -> None:
    """No lines make it raise, and each stays one row."""
    series = pl.Series(list(lines), dtype=pl.String)
    assert 0 <= parsers()[parser].sniff(series) <= 1
    parsed = parsers()[parser].parse(series, Context(NOW))
    assert parsed.frame.height == parsed.structure.len() == len(lines)
    assert not (parsed.frame["event.dataset"].is_not_null() & parsed.structure).any()
    assert frames.conform(parsed.frame).height == len(lines)


def mutated(samples: Sequence[str]) -> st.SearchStrategy[list[str]]:
    """Real lines, cut, spliced or sprinkled with anything."""

    @st.composite
    def line(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(list(samples)))
        at = draw(st.integers(0, len(text)))
        until = draw(st.integers(at, min(len(text), at + 30)))
        put = draw(st.text(alphabet=st.characters(codec="utf-8"), max_size=12))
        return (text[:at] + put + text[until:]).replace("\n", " ")

    return st.lists(line(), max_size=12)
