"""W3C extended logs: headers that change, and rows that come without them."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
from hypothesis import given

from apps.acquisition.parsing import Context, parsers
from tests.acquisition.parsers.server_logs import claims, fuzz, holds, leaves_alone, mutated, told

AT = datetime(2026, 11, 22, 9, 58, 49, tzinfo=UTC)
HEADER = [
    "#Software: Microsoft Internet Information Services 10.0",
    "#Version: 1.0",
    "#Date: 2026-11-22 09:58:49",
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    "cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken",
]
ACCESS = (
    r"2026-11-22 09:58:49 198.51.100.1 GET /a.aspx id=1+or+1 443 EXAMPLE\bob 192.0.2.9 "
    "Mozilla/5.0+(Windows+NT) https://x.example/ 403 14 5 15"
)
SHORT = "#Fields: time c-ip cs-method cs-uri-stem sc-status cs-host X-Forwarded-For"
FIREWALL = [
    "#Version: 1.5",
    "#Software: Microsoft Windows Firewall",
    "#Time Format: Local",
    "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn "
    "tcpack tcpwin icmptype icmpcode info path",
    "2026-11-22 09:58:49 DROP TCP 192.0.2.9 198.51.100.1 51022 445 52 S 1 0 64240 - - - RECEIVE",
    "2026-11-22 09:58:49 ALLOW UDP 2001:db8::1 2001:db8::2 5353 53 0 - - - - - - - SEND",
]
SYSTEM = [
    "#Software: Microsoft HTTP API 2.0",
    "#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri streamid sc-status "
    "s-siteid s-reason s-queuename",
    "2026-11-22 09:58:49 192.0.2.9 51022 198.51.100.1 80 HTTP/1.1 GET /a?b - 400 - BadRequest -",
]
SAMPLES = [*HEADER, ACCESS, SHORT, "09:59:00 2001:db8::9 POST /x 200 example.org:80 -", *FIREWALL]


def test_iis_tells_requests() -> None:
    said = told(*HEADER, ACCESS, parser="iis")
    assert said[:4] == [{}] * 4
    expected = {
        "@timestamp": AT,
        "event.dataset": "iis.access",
        "event.category": "web",
        "event.action": "http_request",
        "event.outcome": "failure",
        "event.duration": 15_000_000,
        "source.ip": "192.0.2.9",
        "destination.ip": "198.51.100.1",
        "destination.port": 443,
        "network.transport": "tcp",
        "network.protocol": "http",
        "user.name": "bob",
        "user.domain": "EXAMPLE",
        "http.request.method": "GET",
        "http.request.referrer": "https://x.example/",
        "http.response.status_code": 403,
        "url.original": "/a.aspx?id=1+or+1",
        "url.path": "/a.aspx",
        "url.query": "id=1+or+1",
        "user_agent.original": "Mozilla/5.0 (Windows NT)",
        "labels": '{"sc-substatus":"14","sc-win32-status":"5"}',
    }
    assert said[4] == expected
    assert told(ACCESS, parser="iis") == [expected], "the usual layout is known without a header"


def test_a_header_counts_until_the_next_and_a_date_may_stand_above() -> None:
    row = "09:59:00 2001:db8::9 POST /x 200 example.org:80 203.0.113.1"
    *_, first, _, second, cut = told(*HEADER, ACCESS, SHORT, row, "09:59:00 half", parser="iis")
    assert first["event.dataset"] == "iis.access"
    assert second["@timestamp"] == AT.replace(minute=59, second=0)
    assert (second["source.ip"], second["url.domain"]) == ("2001:db8::9", "example.org")
    assert second["labels"] == '{"x-forwarded-for":"203.0.113.1"}'
    assert cut == {}


def test_the_firewall_says_what_it_dropped() -> None:
    expected = {
        "@timestamp": AT,
        "event.dataset": "windows.firewall",
        "event.category": "network",
        "event.action": "firewall_drop",
        "event.outcome": "failure",
        "source.ip": "192.0.2.9",
        "source.port": 51022,
        "destination.ip": "198.51.100.1",
        "destination.port": 445,
        "network.transport": "tcp",
        "network.bytes": 52,
        "network.direction": "inbound",
        "labels": '{"tcpflags":"S","tcpsyn":"1","tcpack":"0","tcpwin":"64240"}',
    }
    *_, dropped, allowed = told(*FIREWALL, parser="iis")
    assert dropped == expected
    assert told(FIREWALL[4], parser="iis") == [expected]
    assert (allowed["event.outcome"], allowed["network.direction"]) == ("success", "outbound")
    assert allowed["source.ip"] == "2001:db8::1"


def test_the_system_says_what_it_refused() -> None:
    said = told(*SYSTEM, parser="iis")[-1]
    assert (said["event.dataset"], said["message"]) == ("iis.error", "BadRequest")
    assert (said["url.path"], said["url.query"], said["source.port"]) == ("/a", "b", 51022)


def test_headers_of_other_tables_are_not_its_own() -> None:
    lines = ["#Fields: date-time session data", "2026-11-22 1 x", "#fields\tts\tquery", "1\tx"]
    parsed = parsers()["iis"].parse(pl.Series(lines), Context())
    assert not parsed.structure.any()
    assert parsed.frame["event.dataset"].null_count() == len(lines)


def test_its_own_lines_are_all_its_own() -> None:
    assert claims(SAMPLES, "iis") == 1
    leaves_alone("iis")


@given(mutated(SAMPLES))
@fuzz
def test_nothing_makes_it_raise(lines: list[str]) -> None:
    holds("iis", lines)
