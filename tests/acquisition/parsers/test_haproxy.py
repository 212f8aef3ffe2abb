"""HAProxy: requests, connections, errors and the states of servers."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.acquisition.parsers.server_logs import claims, fuzz, holds, leaves_alone, mutated, told

HEAD = "Nov 22 09:58:49 lb haproxy[14389]: "
HTTP = (
    "192.0.2.9:33317 [22/Nov/2026:09:58:49.655] http-in~ static/srv1 10/0/30/69/109 200 2750 - - "
    "---- 1/1/1/1/0 0/0 {example.org|Mozilla/5.0 #22x#22} {nginx} "
    '"GET /a?b=#22#E2#82#AC HTTP/1.1"'
)
BAD = (
    "192.0.2.9:33317 [22/Nov/2026:09:58:49.655] http-in http-in/<NOSRV> -1/-1/-1/-1/+5 400 +187 "
    '- - PR-- 1/1/0/0/0 0/0 "<BADREQ>"'
)
TCP = "2001:db8::9:33313 [22/Nov/2026:09:58:49.443] fnt bck/srv1 0/0/5007 212 sD 0/0/0/0/3 0/0"
SAMPLES = [
    HEAD + HTTP,
    HEAD + BAD,
    HEAD + TCP,
    HTTP + " 0/0000000000000000/0/0/0 example.org/TLSv1.3/TLS_AES_256_GCM_SHA384",
    f"<134>1 2026-11-22T09:58:49+00:00 lb haproxy 14389 - - {HTTP}",
    HEAD + "Connect from 192.0.2.9:33312 to 198.51.100.1:8012 (www/HTTP)",
    HEAD + "192.0.2.9:34550 [22/Nov/2026:09:58:49.814] fe/1: SSL handshake failure",
    HEAD + "Server static/srv1 is DOWN, reason: Layer4 timeout, check duration: 2001ms.",
    HEAD + "[WARNING] 326/095849 (12) : Server static/srv1 is UP, reason: Layer7 check passed",
    HEAD + "backend static has no server available!",
    HEAD + "Proxy http-in started.",
]


def one(line: str) -> dict[str, object]:
    said = told(line, parser="haproxy")[0]
    if "labels" in said:
        said["labels"] = json.loads(str(said["labels"]))
    return said


def test_a_request_is_told_with_its_way_through_the_proxy() -> None:
    expected = {
        "@timestamp": datetime(2026, 11, 22, 9, 58, 49, 655_000, tzinfo=UTC),
        "event.dataset": "haproxy.log",
        "event.category": "web",
        "event.action": "http_request",
        "event.outcome": "success",
        "event.duration": 109_000_000,
        "source.ip": "192.0.2.9",
        "source.port": 33317,
        "destination.bytes": 2750,
        "network.transport": "tcp",
        "network.protocol": "http",
        "host.name": "lb",
        "process.name": "haproxy",
        "process.pid": 14389,
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.original": '/a?b="€',
        "url.path": "/a",
        "url.query": 'b="€',
        "labels": {
            "frontend": "http-in",
            "backend": "static",
            "server": "srv1",
            "termination_state": "----",
            "timers": "10/0/30/69/109",
            "connections": "1/1/1/1/0",
            "queues": "0/0",
            "captured_request": 'example.org|Mozilla/5.0 "x"',
            "captured_response": "nginx",
        },
    }
    assert one(SAMPLES[0]) == one(SAMPLES[4]) == expected
    bare = one(SAMPLES[3])
    assert (bare["source.ip"], bare["event.duration"]) == ("192.0.2.9", 109_000_000)


def test_a_connection_that_was_cut_failed() -> None:
    said = one(SAMPLES[2])
    assert (said["event.category"], said["event.action"]) == ("network", "connection")
    assert (said["event.outcome"], said["event.duration"]) == ("failure", 5_007_000_000)
    assert (said["source.ip"], said["destination.bytes"]) == ("2001:db8::9", 212)
    bad = one(SAMPLES[1])
    assert (bad["http.response.status_code"], bad["event.outcome"]) == (400, "failure")
    assert "url.original" not in bad
    assert bad["labels"]["termination_state"] == "PR--"  # type: ignore[index]


@pytest.mark.parametrize(
    ("line", "action", "outcome"),
    [
        (SAMPLES[5], "connection", None),
        (SAMPLES[6], "tls_handshake", "failure"),
        (SAMPLES[7], "server_down", "failure"),
        (SAMPLES[8], "server_up", "success"),
        (SAMPLES[9], "backend_down", "failure"),
        (SAMPLES[10], "service_started", "success"),
    ],
)
def test_what_else_it_says(line: str, action: str, outcome: str | None) -> None:
    said = one(line)
    assert (said["event.action"], said.get("event.outcome")) == (action, outcome)
    assert said["host.name"] == "lb"


def test_a_default_line_tells_both_ends() -> None:
    said = one(SAMPLES[5])
    assert (said["destination.ip"], said["destination.port"]) == ("198.51.100.1", 8012)
    assert one(SAMPLES[5].partition("]: ")[2]) == {}, "without the program it is anybody's"


def test_a_path_cannot_add_fields() -> None:
    forged = HTTP.replace("/a?", '/ 200 1 - - ---- 1/1/1/1/0 0/0 {x} {y} "GET /b?')
    assert one(HEAD + forged) == {}, "HAProxy never writes a quote of a client"


def test_its_own_lines_are_all_its_own() -> None:
    assert claims(SAMPLES, "haproxy") == 1
    leaves_alone("haproxy")


@given(mutated(SAMPLES))
@fuzz
def test_nothing_makes_it_raise(lines: list[str]) -> None:
    holds("haproxy", lines)
