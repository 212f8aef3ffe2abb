"""Access logs: what stands in front of the usual fields and behind them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.acquisition.parsers.server_logs import claims, fuzz, holds, mutated, told

STAMP = "[22/Nov/2026:09:58:49 +0100]"
REQUEST = '"GET /a?b=1 HTTP/1.1" 200 5 "-" "curl/8"'
BOTH = "203.0.113.5, 198.51.100.2"
SAMPLES = [
    f"192.0.2.1 - - {STAMP} {REQUEST}",
    f'0:0:0:0:0:0:0:1 - - {STAMP} "GET /manager/html HTTP/1.1" 401 2499 12',
    f'192.0.2.1 - - {STAMP} {REQUEST} "{BOTH}" 0.012 0.011 .',
    f"{BOTH} - bob {STAMP} {REQUEST}",
    f"{BOTH} 192.0.2.1 - bob {STAMP} {REQUEST} 0/12345",
    f"- 192.0.2.1 - - {STAMP} {REQUEST} **1/1123456**",
    f"203.0.113.5 192.0.2.1 - bob {STAMP} {REQUEST}",
    f"example.org 192.0.2.1 - bob {STAMP} {REQUEST}",
    f"127.0.1.1:80 192.0.2.1 - bob {STAMP} {REQUEST}",
    f"[2001:db8::1]:443 2001:db8::9 - - {STAMP} {REQUEST}",
    f"client.example.org - - {STAMP} {REQUEST}",
    f"192.0.2.1:5123 - - {STAMP} {REQUEST}",
    f"[2001:db8::9]:5123 - - {STAMP} {REQUEST}",
    f"<190>Nov 22 09:58:49 web apache2[12]: 192.0.2.1 - - {STAMP} {REQUEST}",
    f'192.0.2.1 - - {STAMP} {REQUEST} 12 "web@docker" "http://192.0.2.7:80" 13ms',
    f'192.0.2.1 - - {STAMP} "-" 408 - "-" "-"',
]


def one(line: str, file_name: str = "") -> dict[str, object]:
    return told(line, parser="access_log", file_name=file_name)[0]


@pytest.mark.parametrize(
    ("front", "address", "more"),
    [
        ("192.0.2.1", "192.0.2.1", {}),
        ("::1", "::1", {}),
        ("[2001:db8::9]:5123", "2001:db8::9", {"source.port": 5123}),
        ("192.0.2.1:5123", "192.0.2.1", {"source.port": 5123}),
        ("example.org 192.0.2.1", "192.0.2.1", {"url.domain": "example.org"}),
        ("example.org:443 ::ffff:192.0.2.1", "192.0.2.1", {"url.domain": "example.org"}),
        ("127.0.1.1:80 192.0.2.1", "192.0.2.1", {"url.domain": "127.0.1.1"}),
        (f"{BOTH} 192.0.2.1", "192.0.2.1", {"labels": BOTH}),
        (f"example.org:80 {BOTH} 192.0.2.1", "192.0.2.1", {"labels": BOTH}),
        (f'"{BOTH}" 192.0.2.1', "192.0.2.1", {"labels": BOTH}),
        ("203.0.113.5 192.0.2.1", "192.0.2.1", {"labels": "203.0.113.5"}),
        ("- 192.0.2.1", "192.0.2.1", {}),
        (BOTH, "198.51.100.2", {"labels": BOTH}),
        ("client.example.org", None, {"source.domain": "client.example.org"}),
    ],
)
def test_what_stands_in_front_is_told_apart(
    front: str, address: str | None, more: dict[str, object]
) -> None:
    said = one(f"{front} - bob {STAMP} {REQUEST}")
    assert said.get("source.ip") == address
    assert (said["user.name"], said["url.original"]) == ("bob", "/a?b=1")
    if "labels" in more:
        more = {"labels": json.dumps({"x_forwarded_for": more["labels"]}, separators=(",", ":"))}
    assert {name: said.get(name) for name in more} == more


@pytest.mark.parametrize(
    ("behind", "duration"),
    [
        (" 0.012 0.011 .", 12_000_000),
        (' "-" rt=0.5 uct="0.1"', 500_000_000),
        (" 1/1123456", 1_123_456_000),
        (" **0/12345**", 12_345_000),
        (' 12 "web@docker" "http://192.0.2.7:80" 13ms', 13_000_000),
        (" 12345", None),  # of which unit?
        (' "x 0.5 y"', None),  # of a client
        (" 3/12345", None),
    ],
)
def test_only_times_that_say_their_unit_count(behind: str, duration: int | None) -> None:
    said = one(f"192.0.2.1 - - {STAMP} {REQUEST}{behind}")
    assert said.get("event.duration") == duration
    assert json.loads(str(said["labels"]))["more"] == behind.strip()


def test_the_server_is_known_by_its_file_its_program_or_its_format() -> None:
    plain = SAMPLES[0]
    for name, dataset in (
        ("/opt/tomcat/logs/localhost_access_log.2026-11-22.txt", "tomcat.access"),
        ("/var/log/httpd/access_log", "apache.access"),
        ("/var/log/nginx/access.log", "nginx.access"),
        ("", "nginx.access"),
    ):
        assert one(plain, name)["event.dataset"] == dataset
    headed = one(f"<190>Nov 22 09:58:49 web apache2[12]: {plain}")
    assert (headed["event.dataset"], headed["host.name"]) == ("apache.access", "web")
    assert one(SAMPLES[14])["event.dataset"] == "traefik.access"


def test_every_field_of_a_line_is_kept() -> None:
    line = (
        'example.org:443 192.0.2.1 - b\\"b [22/Nov/2026:09:58:49.125 +0100] '
        '"POST http://shop.example/%61?b=\\x22\\xe2\\x82\\xac HTTP/1.1" 503 17 '
        '"https://example.org/\\\\" "a\\tb \\"c\\"" "203.0.113.5" 0.25'
    )
    assert one(line) == {
        "@timestamp": datetime(2026, 11, 22, 8, 58, 49, 125_000, tzinfo=UTC),
        "event.dataset": "nginx.access",
        "event.category": "web",
        "event.action": "http_request",
        "event.outcome": "failure",
        "event.duration": 250_000_000,
        "source.ip": "192.0.2.1",
        "network.transport": "tcp",
        "network.protocol": "http",
        "user.name": 'b"b',
        "http.request.method": "POST",
        "http.request.referrer": "https://example.org/\\",
        "http.response.status_code": 503,
        "http.response.body.bytes": 17,
        "url.original": 'http://shop.example/%61?b="€',
        "url.domain": "shop.example",
        "url.path": "/%61",
        "url.query": 'b="€',
        "user_agent.original": 'a\tb "c"',
        "labels": '{"x_forwarded_for":"203.0.113.5","more":"\\"203.0.113.5\\" 0.25"}',
    }


def test_an_agent_cannot_move_the_fields() -> None:
    said = one(rf'192.0.2.1 - - {STAMP} "GET / HTTP/1.1" 200 5 "-" "x\" \"192.0.2.66\" 9.5"')
    assert said["user_agent.original"] == 'x" "192.0.2.66" 9.5'
    assert "labels" not in said
    user = one(rf'192.0.2.1 - x {STAMP} \"GET / HTTP/1.1\" 200 5 {STAMP} "GET /b HTTP/1.1" 401 5')
    assert (user["url.original"], user["http.response.status_code"]) == ("/b", 401)


def test_its_own_lines_are_all_its_own() -> None:
    assert claims(SAMPLES, "access_log") == 1


@given(mutated(SAMPLES))
@fuzz
def test_nothing_makes_it_raise(lines: list[str]) -> None:
    holds("access_log", lines)
