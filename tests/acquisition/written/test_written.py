"""Parsers that users write: what they read, what is refused and how it is said."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.acquisition import frames, reading
from apps.acquisition.parsing import Context, parse_lines
from apps.acquisition.written import reader
from apps.acquisition.written.checking import load
from apps.acquisition.written.document import Broken
from apps.acquisition.written.reader import Written
from tests.acquisition.parsers.examples import examples
from tests.acquisition.parsers.trying import few
from tests.acquisition.samples import ACCESS

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOCS = Path(__file__).parents[3] / "docs" / "parsers.md"
GATE = re.findall(r"```yaml\n(name:.*?)```", DOCS.read_text(), re.DOTALL)[0]
LINE = '22.11.2026 09:58:49 GATE DENY card=4711 holder="ann" from 192.0.2.9:5000'


def read(parser: Written, *lines: str, received: datetime = NOW) -> list[dict[str, Any]]:
    parsed = parse_lines(pl.Series(lines), Context(received, written=(parser,)))
    rows = frames.conform(parsed.frame).to_dicts()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def made(body: str, line: str, fields: str = "{message: x}") -> str:
    """A small definition; by default its example is wrong in what it expects."""
    return (
        f"name: made\ndataset: made.log\ncategory: host\n{body}\n"
        f"examples:\n  - line: {json.dumps(line)}\n    fields: {fields}\n"
    )


def test_the_worked_example_of_the_documentation_works() -> None:
    told, other = read(load(GATE, "gate.yml"), LINE, "22.11.2026 09:59:02 GATE self test passed")
    assert other == {}
    assert told == {
        "@timestamp": datetime(2026, 11, 22, 8, 58, 49, tzinfo=UTC),
        "event.dataset": "acme.gate",
        "event.category": "authentication",
        "event.action": "gate_access",
        "event.outcome": "failure",
        "user.name": "ann",
        "source.ip": "192.0.2.9",
        "source.port": 5000,
        "labels": '{"card":"4711"}',
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("category: authentication", "category: doors", "line 4, category: 'doors' is not one of"),
        ("dataset: acme.gate\n", "", "line 1: 'dataset' is a required property"),
        ("user.name>", "user.nam>", "line 5, pattern: user.nam is no column"),
        ("(?P<user.name>", "(?P<event.dataset>", "event.dataset is no column that a parser may"),
        ("(?P<card>", "(?=x)(?P<card>", "line 5, pattern: lookaround and backreferences are not"),
        (r"(?P<card>\d+)", "(?P<card>[)", "line 5, pattern: no regular expression: unclosed"),
        (r"(?P<card>\d+)", r"(?P<card>(\d{1,900}){1,900})", "it is too large when compiled"),
        (r"(?P<card>\d+)", r"(?P<card>\d{1001})", "line 5, pattern: {1001} counts beyond 1000"),
        (r"(?P<card>\d+)", r"(?P<card>\d{1,2000})", "line 5, pattern: {1,2000} counts beyond"),
        ("  zone: Europe/Berlin", "  zone: Mars/Base", "line 9, time.zone: there is no zone"),
        ("from: verdict", "from: verdi", "values.event.outcome.from: no group is called verdi"),
        ("name: acme_gate", "name: acme_gate\nname: b", "line 2, key 'name' stands twice"),
        ("name: acme_gate", "name: &a acme_gate\nx: *a", "line 2, aliases are not taken"),
        ("pattern: '", "grok: '%{FOO}", "line 5, grok: there is no grok pattern called FOO"),
        ("pattern: '", "pattern: '^(?P<message>.*)$|", "reads lines of any kind"),
        ("outcome: failure", "outcome: success", "should be 'success', the parser reads 'failure'"),
        ("ip: 192.0.2.9", "ip: 192.0.2.8", "examples[0].fields.source.ip: should be '192.0.2.8'"),
        ("DENY card=4711", "DENY card=x", "examples[0].line: the parser does not read this line"),
        ("    unread: true", "    fields: {message: x}", "examples[1].line: the parser does not"),
        ("GATE self test passed", LINE[20:], "examples[1].line: the parser reads this line"),
        ("zone: Europe", "zone: [Europe", "expected ',' or ']'"),
        ("dataset:", "jsn: {}\ndataset:", "'jsn' was unexpected"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_key(old: str, new: str, said: str) -> None:
    assert old in GATE
    with pytest.raises(Broken, match=re.escape(said)) as refused:
        load(GATE.replace(old, new), "gate.yml")
    assert str(refused.value).startswith("gate.yml: ")
    assert "\n" not in str(refused.value)


def test_a_pattern_that_is_slow_on_a_long_line_is_refused() -> None:
    slow = made(
        "pattern: '(?P<message>(?:(?:.?){1000}){3})[^ab]$'", "aaaaaaaac", "{message: aaaaaaaa}"
    )
    start = time.thread_time()
    with pytest.raises(Broken, match="it takes too long on a long line"):
        load(slow, "slow.yml")
    assert time.thread_time() - start < 60


def test_a_pattern_that_is_slow_behind_its_own_beginning_is_refused() -> None:
    slow = made("pattern: '^A(?P<a>.*[^z]{1000}[^y]{1000}[^w]{1000}.*)zz$'", "Azz")
    slow = slow.replace("fields: {message: x}", "unread: true")
    with pytest.raises(Broken, match="it takes too long on a long line"):
        load(slow, "slow.yml")


def test_braces_that_count_nothing_are_taken() -> None:
    text = made(r"pattern: '^\{4711\} \x{2022}(?P<message>\w+)$'", "{4711} \u2022x")
    assert read(load(text, "x"), "{4711} \u2022it")[0]["message"] == "it"


SLOW = Written("slow", "made.log", "host", -1, pattern="^A(?P<message>.*[^z]{3000}.*)zz$")
"""As if it had passed the check: a line of twenty thousand bytes costs seconds."""


def test_a_pattern_that_turns_out_slow_leaves_the_lines_to_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reader, "PATIENCE", 0.1)
    hostile = "A" + "x" * 18990 + "NNNN"
    lines = ["A" + "x" * 3000 + "zz", *[hostile] * 40, ACCESS]
    alone = SLOW.parse(pl.Series(lines), Context(NOW))
    assert alone.frame["event.dataset"].to_list() == ["made.log"] + [None] * 41
    assert re.fullmatch(
        r"The parser slow was too slow: it did not look at \d+ lines.*", alone.notes[0]
    )
    assert [each.message for each in caplog.records] == list(alone.notes)
    monkeypatch.setattr(Written, "sniff", lambda *_: 1.0)
    content = "\n".join(lines).encode()
    whole = reading.read(content, protocol="lines", received_at=NOW, written=(SLOW,))
    assert whole.frame["event.dataset"][-1] == "nginx.access"
    assert whole.notes[0].startswith("The parser slow was too slow")


def test_an_honest_pattern_reads_every_slice() -> None:
    parser = load(GATE, "gate.yml")
    lines = [LINE, "x", "", LINE.replace("ann", "b" * 900)] * 500
    parsed = parser.parse(pl.Series(lines), Context(NOW))
    names = frames.conform(parsed.frame)["user.name"].to_list()
    assert names == ["ann", None, None, "b" * 900] * 500
    assert parsed.notes == ()


def test_grok_names_columns_as_logstash_does() -> None:
    text = made(
        "grok: '^%{IPORHOST:[source][ip]} %{WORD:verb} %{NUMBER:http.response.status_code:int}$'",
        "2001:DB8::1 get 404",
        '{source.ip: "2001:db8::1", http.response.status_code: 404, labels: \'{"verb":"get"}\'}',
    )
    assert read(load(text, "x"), "192.0.2.1 put 200")[0]["source.ip"] == "192.0.2.1"


def test_documents_are_told_by_what_they_hold() -> None:
    body = (
        "json:\n  when: {product: gate}\n  has: client\n"
        "  fields: {user.name: [holder.name, holder], source.ip: client.address}\n"
        "time: {from: at, formats: [epoch, iso8601], zone: Asia/Tokyo}"
    )
    line = {"product": "gate", "client": {"address": "::1"}, "holder": "ann", "at": 1795341529}
    parser = load(made(body, json.dumps(line), "{user.name: ann, source.ip: '::1'}"), "x")
    later = {**line, "holder": {"name": "bob"}, "at": "2026-11-22T09:00:00"}
    first, second, other = read(
        parser, json.dumps(line), json.dumps(later), json.dumps({**line, "product": "x"})
    )
    assert first["@timestamp"] == datetime.fromtimestamp(1795341529, UTC)
    assert second["@timestamp"] == datetime(2026, 11, 22, 0, tzinfo=UTC)
    assert second["user.name"] == "bob"
    assert other.get("event.dataset") != "made.log"


def test_what_a_program_says_behind_a_syslog_head_is_read() -> None:
    body = "syslog: [gated, gate2]\npattern: '^(?P<event.action>open|deny) (?P<user.name>\\w+)$'"
    parser = load(made(body, "Nov 22 09:58:49 door gated[7]: deny ann", "{process.pid: 7}"), "x")
    told, other, third = read(
        parser,
        "<13>Nov 22 09:58:49 door gate2[8]: open bob",
        "Nov 22 09:58:49 door other[8]: open bob",
        "open bob",
    )
    assert (told["host.name"], told["process.name"], told["user.name"]) == ("door", "gate2", "bob")
    assert told["@timestamp"] == datetime(2026, 11, 22, 9, 58, 49, tzinfo=UTC)
    assert (other["event.dataset"], third) == ("syslog", {})


def test_it_goes_before_our_parsers_or_after_all_of_them() -> None:
    body = "pattern: '(?P<source.ip>^[0-9.]+) .* \"GET (?P<url.original>\\S+)'"
    fields = "{source.ip: 198.51.100.7}"
    first = load(made(body, ACCESS, fields), "x")
    last = load(made(f"order: last\n{body}", ACCESS, fields), "x")
    assert read(first, ACCESS)[0]["event.dataset"] == "made.log"
    assert read(last, ACCESS)[0]["event.dataset"] == "nginx.access"
    assert read(last, '192.0.2.1 says "GET /x')[0]["event.dataset"] == "made.log"


def test_a_parser_of_one_format_leaves_those_of_all_others_alone() -> None:
    parser = load(GATE, "gate.yml")
    for name, lines in examples().items():
        frame = parser.parse(pl.Series(lines, dtype=pl.String), Context(NOW)).frame
        assert frame["event.dataset"].null_count() == len(lines), name


@given(st.lists(st.text(max_size=60) | st.just(LINE) | st.just(LINE[:40]), max_size=9))
@few
def test_no_line_makes_it_raise(lines: list[str]) -> None:
    parsed = load(GATE, "x").parse(pl.Series(lines, dtype=pl.String), Context(NOW))
    assert parsed.frame.height == parsed.structure.len() == len(lines)
    assert frames.conform(parsed.frame).schema == frames.SCHEMA


@given(st.text(max_size=200) | st.text("{}[]:-&*!|>'\"%@`\n #,abc", max_size=200))
@few
def test_no_text_makes_the_reader_of_files_raise_anything_else(text: str) -> None:
    with pytest.raises(Broken, match=r"^x\.yml: "):
        load(text, "x.yml")
