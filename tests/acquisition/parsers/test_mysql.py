"""MySQL and MariaDB: who was refused, what was asked, and what took long."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.acquisition.parsers.server_logs import claims, fuzz, holds, leaves_alone, mutated, told

AT = datetime(2026, 11, 22, 9, 58, 49, tzinfo=UTC)
STAMP = "2026-11-22T09:58:49.123456Z"
DENIED = "Access denied for user 'root'@'192.0.2.9' (using password: YES)"
ERRORS = [
    f"{STAMP} 12 [Note] [MY-010926] [Server] {DENIED}",
    f"{STAMP} 12 [Note] {DENIED}",
    f"2026-11-22  9:58:49 12 [Warning] {DENIED}",
    f"261122  9:58:49 [Warning] {DENIED}",
    f"Nov 22 09:58:49 db mariadbd[12]: 2026-11-22  9:58:49 12 [Warning] {DENIED}",
]
BANNER = [
    "/usr/sbin/mysqld, Version: 8.0.36 (MySQL). started with:",
    "Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock",
    "Time\t\t    Id Command\tArgument",
]
READY = [
    "2026-11-22  9:58:49 0 [Note] /usr/sbin/mariadbd: ready for connections.",
    "Version: '10.11.19-MariaDB'  socket: '/run/mysqld/mysqld.sock'  port: 3306  Debian 12",
]
GENERAL = [
    *BANNER,
    f"{STAMP}\t   12 Connect\troot@192.0.2.9 on shop using TCP/IP",
    f"{STAMP}\t   12 Connect\t{DENIED}",
    f"{STAMP}\t   12 Query\tSELECT *",
    "  FROM x",
    f"{STAMP}\t   12 Quit\t",
    "261122  9:58:49\t     12 Connect\troot@client.example.org on  using SSL/TLS",
    "\t\t     12 Query\tshow databases",
]
SLOW = [
    f"# Time: {STAMP}",
    "# User@Host: bob[bob] @  [192.0.2.9]  Id:    12",
    "# Query_time: 2.000123  Lock_time: 0.000001 Rows_sent: 1  Rows_examined: 50",
    "use `shop`;",
    "SET timestamp=1795341529;",
    "SELECT sleep(2)",
    "FROM x;",
]
SAMPLES = [*ERRORS, *READY, *GENERAL, *SLOW]


def one(line: str) -> dict[str, object]:
    return told(line, parser="mysql")[0]


def test_every_field_of_an_error_is_kept() -> None:
    assert one(ERRORS[0]) == {
        "@timestamp": AT.replace(microsecond=123_456),
        "event.dataset": "mysql.error",
        "event.category": "authentication",
        "event.action": "mysql_login",
        "event.outcome": "failure",
        "event.code": "MY-010926",
        "event.provider": "Server",
        "source.ip": "192.0.2.9",
        "network.protocol": "mysql",
        "user.name": "root",
        "log.level": "note",
        "message": DENIED,
        "labels": '{"connection":"12"}',
    }


@pytest.mark.parametrize("line", ERRORS)
def test_every_age_tells_a_refused_password(line: str) -> None:
    said = one(line)
    assert (said["event.action"], said["event.outcome"]) == ("mysql_login", "failure")
    assert (said["source.ip"], said["user.name"]) == ("192.0.2.9", "root")
    assert said["@timestamp"].replace(microsecond=0) == AT  # type: ignore[attr-defined]


def test_a_user_name_cannot_forge_an_address() -> None:
    name = "x'@'192.0.2.66' (using password: YES)"
    said = one(ERRORS[0].replace("root", name))
    assert (said["user.name"], said["source.ip"]) == (name, "192.0.2.9")
    named = one(ERRORS[0].replace("192.0.2.9", "client.example.org"))
    assert named["source.domain"] == "client.example.org"
    assert "source.ip" not in named


def test_a_server_says_its_version_as_it_starts() -> None:
    ready, version = told(*READY, parser="mysql")
    assert (ready["event.action"], ready["event.outcome"]) == ("service_started", "success")
    assert (version["event.action"], version["@timestamp"]) == ("continuation", AT)
    assert told(READY[1], parser="mysql") == [{}]


def test_the_general_log_tells_connections_and_statements() -> None:
    *head, came, refused, asked, more, left, old, short = told(*GENERAL, parser="mysql")
    assert head == [{}] * 3, "a banner is no record"
    assert came["event.dataset"] == "mysql.general"
    assert (came["event.action"], came["source.ip"]) == ("connection_received", "192.0.2.9")
    assert json.loads(str(came["labels"])) == {
        "connection": "12",
        "command": "Connect",
        "database": "shop",
    }
    assert (refused["event.action"], refused["event.outcome"]) == ("mysql_login", "failure")
    assert (asked["event.action"], asked["message"]) == ("statement", "SELECT *")
    assert (more["event.action"], more["message"]) == ("continuation", "  FROM x")
    assert left["event.action"] == "disconnection"
    assert (old["source.domain"], old["user.name"]) == ("client.example.org", "root")
    assert (short["message"], short["@timestamp"]) == ("show databases", AT)


def test_the_slow_log_tells_who_waited_how_long() -> None:
    said = told(*SLOW, "nobody's", parser="mysql")
    assert said[-1] == {}
    query = said[2]
    assert query == {
        "@timestamp": AT.replace(microsecond=123_456),
        "event.dataset": "mysql.slowlog",
        "event.category": "database",
        "event.action": "slow_query",
        "event.duration": 2_000_123_000,
        "source.ip": "192.0.2.9",
        "network.protocol": "mysql",
        "user.name": "bob",
        "message": SLOW[2],
        "labels": '{"rows_sent":"1","rows_examined":"50"}',
    }
    assert {line["event.action"] for line in said[3:7]} == {"continuation"}
    assert [line["message"] for line in said[3:7]] == SLOW[3:]
    assert {line["user.name"] for line in said[3:7]} == {"bob"}
    assert said[3]["labels"] == '{"database":"shop"}'


def test_its_own_lines_are_all_its_own() -> None:
    assert claims(SAMPLES, "mysql") == 1
    leaves_alone("mysql")


@given(mutated(SAMPLES))
@fuzz
def test_nothing_makes_it_raise(lines: list[str]) -> None:
    holds("mysql", lines)
