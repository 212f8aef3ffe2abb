"""Access logs as JSON: the names of nginx, Caddy and Traefik."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.acquisition.parsers.server_logs import claims, fuzz, holds, leaves_alone, mutated, told

NGINX = {
    "time_local": "22/Nov/2026:09:58:49 +0100",
    "remote_addr": "192.0.2.9",
    "remote_user": "",
    "request": 'POST /a?b="1 HTTP/1.1',
    "status": "404",
    "body_bytes_sent": "153",
    "request_time": "0.012",
    "http_referrer": "-",
    "http_user_agent": 'curl/8 "x"',
    "upstream_addr": "198.51.100.1:80",
    "http_x_forwarded_for": "203.0.113.1",
}
CADDY = {
    "level": "info",
    "ts": 1795341529.25,
    "logger": "http.log.access",
    "msg": "handled request",
    "request": {
        "remote_ip": "198.51.100.1",
        "remote_port": "41342",
        "client_ip": "192.0.2.9",
        "proto": "HTTP/3.0",
        "method": "GET",
        "host": "example.org:8443",
        "uri": "/a?b=1",
        "headers": {"User-Agent": ["curl/8"], "Referer": ["https://x.example/"], "Accept": ["*"]},
        "tls": {"version": 772, "server_name": "example.org"},
    },
    "bytes_read": 7,
    "user_id": "bob",
    "duration": 0.000929675,
    "size": 10900,
    "status": 200,
    "resp_headers": {"Server": ["Caddy"]},
}
TRAEFIK = {
    "ClientAddr": "192.0.2.9:51022",
    "ClientHost": "192.0.2.9",
    "ClientPort": "51022",
    "ClientUsername": "-",
    "DownstreamContentSize": 19,
    "DownstreamStatus": 502,
    "Duration": 57329,
    "RequestHost": "example.org",
    "RequestMethod": "GET",
    "RequestPath": "/a?b=1",
    "RequestProtocol": "HTTP/1.1",
    "RouterName": "web@docker",
    "StartUTC": "2026-11-22T09:58:49.25Z",
    "level": "info",
    "msg": "",
    "request_User-Agent": "curl/8",
    "time": "2026-11-22T09:59:00Z",
}
SAMPLES = [json.dumps(document) for document in (NGINX, CADDY, TRAEFIK)]
WEB = {
    "event.category": "web",
    "event.action": "http_request",
    "network.protocol": "http",
    "network.transport": "tcp",
}


def one(line: str, file_name: str = "") -> dict[str, object]:
    said = told(line, parser="web_json", file_name=file_name)[0]
    if "labels" in said:
        said["labels"] = json.loads(str(said["labels"]))
    return said


def test_nginx_speaks_in_its_variables() -> None:
    assert one(SAMPLES[0]) == WEB | {
        "@timestamp": datetime(2026, 11, 22, 8, 58, 49, tzinfo=UTC),
        "event.dataset": "nginx.access",
        "event.outcome": "failure",
        "event.duration": 12_000_000,
        "source.ip": "192.0.2.9",
        "http.request.method": "POST",
        "http.response.status_code": 404,
        "http.response.body.bytes": 153,
        "url.original": '/a?b="1',
        "url.path": "/a",
        "url.query": 'b="1',
        "user_agent.original": 'curl/8 "x"',
        "labels": {"upstream_addr": "198.51.100.1:80", "x_forwarded_for": "203.0.113.1"},
    }
    assert one(SAMPLES[0], "/var/log/httpd/access.json")["event.dataset"] == "apache.access"


def test_caddy_nests_the_request() -> None:
    assert one(SAMPLES[1]) == WEB | {
        "@timestamp": datetime(2026, 11, 22, 9, 58, 49, 250_000, tzinfo=UTC),
        "event.dataset": "caddy.access",
        "event.outcome": "success",
        "event.duration": 929_675,
        "source.ip": "192.0.2.9",
        "source.port": 41342,
        "network.transport": "udp",
        "user.name": "bob",
        "log.level": "info",
        "tls.client.server_name": "example.org",
        "http.request.method": "GET",
        "http.request.body.bytes": 7,
        "http.request.referrer": "https://x.example/",
        "http.response.status_code": 200,
        "http.response.body.bytes": 10900,
        "url.original": "/a?b=1",
        "url.domain": "example.org",
        "url.path": "/a",
        "url.query": "b=1",
        "user_agent.original": "curl/8",
        "message": "handled request",
        "labels": {"logger": "http.log.access", "http_version": "HTTP/3.0"},
    }


def test_traefik_counts_nanoseconds() -> None:
    assert one(SAMPLES[2]) == WEB | {
        "@timestamp": datetime(2026, 11, 22, 9, 58, 49, 250_000, tzinfo=UTC),
        "event.dataset": "traefik.access",
        "event.outcome": "failure",
        "event.duration": 57_329,
        "source.ip": "192.0.2.9",
        "source.port": 51022,
        "log.level": "info",
        "http.request.method": "GET",
        "http.response.status_code": 502,
        "http.response.body.bytes": 19,
        "url.original": "/a?b=1",
        "url.domain": "example.org",
        "url.path": "/a",
        "url.query": "b=1",
        "user_agent.original": "curl/8",
        "labels": {"RouterName": "web@docker", "http_version": "HTTP/1.1"},
    }


@pytest.mark.parametrize(
    "names",
    [
        ("remote_addr", "request_method", "request_uri", "status", "http_user_agent"),
        ("client_ip", "method", "uri", "status_code", "user_agent"),
        ("clientip", "verb", "path", "response_code", "agent"),
    ],
)
def test_names_are_spelled_in_many_ways(names: tuple[str, ...]) -> None:
    values = ("2001:db8::9", "PUT", "/x?y", 201, "Mozilla/5.0")
    said = one(json.dumps(dict(zip(names, values, strict=True)) | {"msec": "1795341529.250"}))
    assert said["@timestamp"] == datetime(2026, 11, 22, 9, 58, 49, 250_000, tzinfo=UTC)
    columns = ("source.ip", "http.request.method", "url.original", "http.response.status_code")
    assert tuple(said[name] for name in (*columns, "user_agent.original")) == values


def test_what_nginx_escaped_for_its_own_format_is_still_read() -> None:
    line = (
        r'{"remote_addr":"192.0.2.9","request":"GET /\x22\xE2\x82\xAC HTTP/1.1","status":200,'
        r'"http_user_agent":"a\x5Cb"}'
    )
    said = one(line)
    assert (said["url.original"], said["user_agent.original"]) == ('/"€', "a\\b")
    plain = one(line.replace(r"\x", r"\\x"))
    assert plain["user_agent.original"] == r"a\x5Cb", "a client may send these characters"


@pytest.mark.parametrize(
    "document",
    [
        {"status": "ok", "request": "GET / HTTP/1.1", "remote_addr": "192.0.2.9"},
        {"status": 200, "message": "done", "host": "web"},
        {"status": 200, "request": {"id": 5}, "client": "x"},
        NGINX | {"event_type": "http"},
    ],
)
def test_other_documents_are_left_alone(document: dict[str, object]) -> None:
    assert one(json.dumps(document)) == {}
    leaves_alone("web_json")


def test_its_own_lines_are_all_its_own() -> None:
    assert claims(SAMPLES, "web_json") == 1


@given(mutated(SAMPLES))
@fuzz
def test_nothing_makes_it_raise(lines: list[str]) -> None:
    holds("web_json", lines)
