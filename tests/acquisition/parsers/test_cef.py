"""CEF and LEEF: heads, escapes, delimiters, and that nobody can write one into another's line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.acquisition.parsers.trying import (
    claims_nothing_else,
    few,
    first_choice,
    mutated,
    one,
    records,
    survives,
)

DENIED = (
    r"<134>Nov 22 09:58:49 fw01 CEF:0|Acme\|Co|Wall|1.0|100|Traffic denied|5|src=203.0.113.9 "
    r"spt=4001 dst=192.0.2.10 dpt=22 proto=TCP act=deny cs1Label=Zone cs1=dmz in msg=a \= b \\ c "
    r"rt=1795341529250 fname=C:\\x.exe deviceDirection=0 in=10 out=20 custom=1"
)
LOGIN = (
    "<134>1 2026-11-22T09:58:49.250Z host app 77 - - CEF:1|A|B|1|login|User login failed|High|"
    "suser=ann duser=root sntdom=EXAMPLE src=203.0.113.9 end=Nov 22 2026 09:58:49.5 UTC"
)
WEB = (
    r"CEF:0|A|Waf|1|941|XSS|9|src=203.0.113.9 request=https://example.org/a?b\=1 requestMethod=GET "
    r"requestClientApplication=curl/8 outcome=blocked dhost=example.org"
)
ONE = "LEEF:1.0|Vendor|Product|2013|15345|src=192.0.2.1\tdst=192.0.2.5\tsev=5\tcat=x\tusrName=joe smith\turl=/a=b"
TWO = (
    "Nov 22 09:58:49 h LEEF:2.0|V|P|1.0|41|^|src=192.0.2.1^dst=192.0.2.5^dstPort=443^proto=TCP^"
    "devTime=2026/11/22 09:58:50^devTimeFormat=yyyy/MM/dd HH:mm:ss^action=deny^odd key=1^srcBytes=9"
)
HEX = "LEEF:2.0|V|P|1|Login|0x7C|usrName=a|src=192.0.2.1"
BARE = "LEEF:2.0|V|P|1|x||a=1\tb=2"


def test_cef_says_what_happened_to_whom() -> None:
    assert one(DENIED) == {
        "@timestamp": datetime(2026, 11, 22, 9, 58, 49, 250_000, tzinfo=UTC),
        "event.dataset": "cef.log",
        "event.category": "network",
        "event.action": "deny",
        "event.outcome": "failure",
        "event.code": "100",
        "event.provider": "Acme|Co Wall",
        "event.severity": 5,
        "source.ip": "203.0.113.9",
        "source.port": 4001,
        "source.bytes": 10,
        "destination.ip": "192.0.2.10",
        "destination.port": 22,
        "destination.bytes": 20,
        "network.transport": "tcp",
        "network.direction": "inbound",
        "host.name": "fw01",
        "rule.id": "100",
        "rule.name": "Traffic denied",
        "file.path": "C:\\x.exe",
        "message": "a = b \\ c",
        "labels": {"Zone": "dmz in", "custom": "1"},
    }


def test_cef_of_logins_and_requests() -> None:
    login, web = records(LOGIN, WEB)
    assert (login["event.category"], login["event.outcome"]) == ("authentication", "failure")
    assert (login["user.name"], login["user.target.name"]) == ("ann", "root")
    assert (login["user.domain"], login["host.name"]) == ("EXAMPLE", "host")
    assert login["@timestamp"] == datetime(2026, 11, 22, 9, 58, 49, 500_000, tzinfo=UTC)
    assert (login["log.level"], login["message"]) == ("high", "User login failed")
    assert (web["event.category"], web["event.outcome"]) == ("web", "failure")
    assert (web["url.original"], web["url.domain"]) == ("https://example.org/a?b=1", "example.org")
    assert (web["url.path"], web["url.query"]) == ("/a", "b=1")
    assert (web["http.request.method"], web["user_agent.original"]) == ("GET", "curl/8")
    assert web["labels"] == {"outcome": "blocked"}


def test_cef_keeps_escaped_text_in_its_field() -> None:
    forged = r"CEF:0|A|B|1|2|n|3|src=203.0.113.9 msg=x src\=192.0.2.66 \\src=192.0.2.67 y"
    assert one(forged)["source.ip"] == "203.0.113.9"
    twice = "CEF:0|A|B|1|2|n|3|src=203.0.113.9 msg=x src=192.0.2.66"
    assert one(twice)["source.ip"] == "203.0.113.9", "what the device itself put first"
    quoted = r"CEF:0|A|B|1|2|a\|b \\\| c|3|"
    assert one(quoted)["message"] == "a|b \\| c"


def test_leef_says_it_with_any_delimiter() -> None:
    first, second, third, fourth = records(ONE, TWO, HEX, BARE)
    assert first == {
        "event.dataset": "leef.log",
        "event.category": "intrusion_detection",
        "event.action": "15345",
        "event.code": "15345",
        "event.provider": "Vendor Product",
        "event.severity": 5,
        "source.ip": "192.0.2.1",
        "destination.ip": "192.0.2.5",
        "user.name": "joe smith",
        "rule.id": "15345",
        "url.original": "/a=b",
        "url.path": "/a=b",
        "labels": {"cat": "x"},
    }
    assert second["@timestamp"] == datetime(2026, 11, 22, 9, 58, 50, tzinfo=UTC)
    assert (second["event.category"], second["event.outcome"]) == ("network", "failure")
    assert (second["destination.port"], second["network.transport"]) == (443, "tcp")
    assert (second["host.name"], second["source.bytes"]) == ("h", 9)
    assert second["labels"] == {"odd key": "1"}
    assert (third["user.name"], third["source.ip"]) == ("a", "192.0.2.1")
    assert third["event.category"] == "authentication"
    assert fourth["labels"] == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("MMM dd yyyy HH:mm:ss", "Nov 22 2026 09:58:50"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSZ", "2026-11-22T10:58:50.000+0100"),
        ("dd/MM/yyyy HH:mm:ss", "22/11/2026 09:58:50"),
        ("", "1795341530000"),
    ],
)
def test_leef_names_the_format_of_its_times(form: str, text: str) -> None:
    said = one(f"LEEF:1.0|V|P|1|x|devTime={text}\tdevTimeFormat={form}")
    assert said["@timestamp"] == datetime(2026, 11, 22, 9, 58, 50, tzinfo=UTC)


@pytest.mark.parametrize("name", ["cef", "leef"])
def test_nobody_writes_an_event_into_the_line_of_another_program(name: str) -> None:
    assert claims_nothing_else(name)
    event = f"{name.upper()}:1|a|b|c|d|e|5|src=192.0.2.66"
    foreign = [
        f"Nov 22 09:58:49 web sshd[8]: Invalid user {event} from 203.0.113.9 port 4",
        f'203.0.113.9 - - [22/Nov/2026:09:58:49 +0000] "GET /{event} HTTP/1.1" 404 7 "-" "-"',
        f"x {event}",
    ]
    assert all("event.dataset" not in row for row in records(*foreign, parser=name))


@pytest.mark.parametrize(("name", "lines"), [("cef", [DENIED, LOGIN, WEB]), ("leef", [ONE, TWO, HEX, BARE])])  # fmt: skip
def test_each_is_surest_of_its_own_lines(name: str, lines: list[str]) -> None:
    assert first_choice(lines) == name
    assert {row["event.dataset"] for row in records(*lines)} == {f"{name}.log"}


@given(mutated([DENIED, LOGIN, WEB, ONE, TWO, HEX, BARE]))
@few
def test_no_line_makes_them_raise(lines: list[str]) -> None:
    survives("cef", lines)
    survives("leef", lines)
