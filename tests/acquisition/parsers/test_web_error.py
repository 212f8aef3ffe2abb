"""Error logs of nginx, Apache and PHP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.acquisition.parsers.server_logs import claims, fuzz, holds, leaves_alone, mutated, told

AT = datetime(2026, 11, 22, 9, 58, 49, tzinfo=UTC)
NGINX = "2026/11/22 09:58:49 [error] 12#13: *56 "
REST = ', client: 192.0.2.9, server: _, request: "GET /x?a=1 HTTP/1.1", host: "example.org:81"'
APACHE = "[Sun Nov 22 09:58:49.250000 2026] "
PHP = "[22-Nov-2026 10:58:49 Europe/Berlin] PHP Fatal error:  Uncaught Error: x in /srv/x.php:12"
TRACE = ["Stack trace:", "#0 {main}", "  thrown in /srv/x.php on line 12"]
MISSING = NGINX + 'open() "/srv/x" failed (2: No such file or directory)' + REST
DENIED = (
    f"{APACHE}[authz_core:error] [pid 7:tid 9] [client 192.0.2.9:5102] "
    r"AH01630: client denied by server configuration: /srv/\"a\x09b, referer: http://x.example/"
)
SAMPLES = [
    MISSING,
    DENIED,
    "2026/11/22 09:58:49 [notice] 1#1: signal process started",
    f"{APACHE}[core:error] [pid 7] (13)Permission denied: [client 2001:db8::9:5] AH00132: denied",
    "[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok /etc/httpd/conf/workers2.properties",
    f"{APACHE}[:error] [pid 7] [client 192.0.2.9:5] ModSecurity: Warning. Match at ARGS:a. "
    '[file "x.conf"] [id "942100"] [msg "SQL injection"] [uri "/a"]',
    "[22-Nov-2026 09:58:49] NOTICE: fpm is running, pid 1",
    '[22-Nov-2026 09:58:49] WARNING: [pool www] child 12 said into stderr: "x"',
    PHP,
    *TRACE,
    f"<187>Nov 22 09:58:49 web nginx: {NGINX}access forbidden by rule{REST}",
]


def one(line: str) -> dict[str, object]:
    return told(line, parser="web_error")[0]


def test_nginx_says_which_request_went_wrong() -> None:
    assert one(MISSING + ', referrer: "http://x.example/"') == {
        "@timestamp": AT,
        "event.dataset": "nginx.error",
        "event.category": "web",
        "event.action": "file_not_found",
        "event.outcome": "failure",
        "source.ip": "192.0.2.9",
        "process.pid": 12,
        "log.level": "error",
        "http.request.method": "GET",
        "http.request.referrer": "http://x.example/",
        "url.original": "/x?a=1",
        "url.domain": "example.org",
        "url.path": "/x",
        "url.query": "a=1",
        "file.path": "/srv/x",
        "message": MISSING.partition("*56 ")[2] + ', referrer: "http://x.example/"',
        "labels": '{"connection":"56"}',
    }


def test_apache_says_module_code_and_client() -> None:
    assert one(DENIED) == {
        "@timestamp": AT.replace(microsecond=250_000),
        "event.dataset": "apache.error",
        "event.category": "web",
        "event.action": "access_denied",
        "event.outcome": "failure",
        "event.code": "AH01630",
        "event.provider": "authz_core",
        "source.ip": "192.0.2.9",
        "source.port": 5102,
        "process.pid": 7,
        "log.level": "error",
        "http.request.referrer": "http://x.example/",
        "file.path": '/srv/"a\tb',
        "message": 'AH01630: client denied by server configuration: /srv/"a\tb',
        "labels": '{"tid":"9"}',
    }
    blamed = one(SAMPLES[5])
    assert (blamed["rule.id"], blamed["rule.name"]) == ("942100", "SQL injection")
    quoted = one(DENIED + '", [client 192.0.2.66:1] ')
    assert (quoted["source.ip"], quoted["file.path"]) == ("192.0.2.9", '/srv/"a\tb')
    six = one(SAMPLES[3])
    assert (six["source.ip"], six["source.port"]) == ("2001:db8::9", 5)
    assert six["message"] == "(13)Permission denied: AH00132: denied"
    assert one("[Sun Nov  2 09:58:49 2025] [warn] x")["@timestamp"] == AT.replace(2025, 11, 2)


def test_php_counts_in_its_zone_and_traces_belong_to_the_error_above() -> None:
    lines = told(PHP, *TRACE, "#0 elsewhere", "other", "#1 lost", parser="web_error")
    assert {line["@timestamp"] for line in lines[:5]} == {AT}
    assert lines[0]["event.action"] == "script_error"
    assert lines[0]["file.path"] == "/srv/x.php"
    assert [line["event.action"] for line in lines[1:5]] == ["continuation"] * 4
    assert lines[1]["message"] == "Stack trace:"
    assert lines[5:] == [{}, {}]
    fpm = one(SAMPLES[7])
    assert (fpm["event.dataset"], fpm["log.level"]) == ("php_fpm.log", "warning")
    assert fpm["labels"] == '{"pool":"www"}'


@pytest.mark.parametrize(
    "line",
    [
        f'{NGINX}user "admin": password mismatch{REST}',
        f'{NGINX}user "admin" was not found in "/etc/nginx/users"{REST}',
        f'{APACHE}[auth_basic:error] [pid 7] [client 192.0.2.9:5] AH01617: user admin: authentication failure for "/x": Password Mismatch',
        f"{APACHE}[auth_basic:error] [pid 7] [client 192.0.2.9:5] AH01618: user admin not found: /x",
        '[Sun Nov 22 09:58:49 2026] [error] [client 192.0.2.9] user admin: authentication failure for "/x": Password Mismatch',
    ],
)
def test_refused_passwords_are_failed_logins(line: str) -> None:
    said = one(line)
    assert (said["event.category"], said["event.action"]) == ("authentication", "http_login")
    assert (said["event.outcome"], said["user.name"]) == ("failure", "admin")
    assert said["source.ip"] == "192.0.2.9"


@pytest.mark.parametrize(
    "line",
    [
        f'{NGINX}open() "/x, client: 192.0.2.66, server: a" failed (2: No such file or directory){REST}',
        f'{MISSING}, referrer: "x", client: 192.0.2.66, server: a, request: "GET / HTTP/1.1""',
    ],
)
def test_what_a_client_sent_cannot_forge_its_address(line: str) -> None:
    said = one(line)
    assert said["event.dataset"] == "nginx.error"
    assert "source.ip" not in said, "rather no address than a wrong one"
    assert "url.original" not in said


def test_a_head_of_syslog_names_the_host() -> None:
    said = one(SAMPLES[-1])
    assert (said["host.name"], said["event.action"]) == ("web", "access_denied")


def test_its_own_lines_are_all_its_own() -> None:
    assert claims(SAMPLES, "web_error") == 1
    leaves_alone("web_error")


@given(mutated(SAMPLES))
@fuzz
def test_nothing_makes_it_raise(lines: list[str]) -> None:
    holds("web_error", lines)
