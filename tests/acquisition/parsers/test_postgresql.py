"""PostgreSQL: the prefixes, syslog, csvlog and jsonlog; who came from where, and what was asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.acquisition.parsers.server_logs import claims, fuzz, holds, leaves_alone, mutated, told

AT = datetime(2026, 11, 22, 9, 58, 49, 123_000, tzinfo=UTC)
TIME = "2026-11-22 09:58:49.123 UTC "
CAME = f"{TIME}[1234] [unknown]@[unknown] LOG:  connection received: host=192.0.2.9 port=51022"
FAILED = 'password authentication failed for user "bob"'
CSV = (
    '2026-11-22 09:58:49.123 UTC,"bob","shop",1234,"192.0.2.9:51022",6741b3c9.4d2,1,'
    '"authentication",2026-11-22 09:58:49 UTC,3/4,0,FATAL,28P01,'
    '"password authentication failed for user ""bob""","Connection matched, line 1",'
    ',,,,,,,"","client backend",,0'
)
OPEN = (
    '2026-11-22 09:58:49.123 UTC,"bob","shop",99,"[local]",6741b3c9.4d2,2,"SELECT",'
    '2026-11-22 09:58:49 UTC,3/4,0,ERROR,42601,"syntax error",,,,,,"SELECT'
)
JSON = json.dumps(
    {
        "timestamp": "2026-11-22 09:58:49.123 UTC",
        "user": "bob",
        "dbname": "shop",
        "pid": 1234,
        "remote_host": "192.0.2.9",
        "remote_port": 51022,
        "ps": "authentication",
        "error_severity": "FATAL",
        "state_code": "28P01",
        "message": FAILED,
        "detail": "Connection matched, line 1",
        "backend_type": "client backend",
    }
)
FORMS = {
    "Debian": f"{TIME}[1234] bob@shop FATAL:  {FAILED}",
    "hosted": f"2026-11-22 09:58:49 UTC:192.0.2.9(51022):bob@shop:[1234]:FATAL:  {FAILED}",
    "pgBadger": "2026-11-22 09:58:49 UTC [1234]: [3-1] user=bob,db=shop,app=psql,"
    f"client=192.0.2.9 FATAL:  {FAILED}",
    "plain": f"{TIME}[1234] FATAL:  {FAILED}",
    "zone": f"2026-11-22 10:58:49.123 CET [1234] bob@shop FATAL:  {FAILED}",
    "syslog": f"Nov 22 09:58:49 db postgres[1234]: [3-1] bob@shop FATAL:  {FAILED}",
    "csvlog": CSV,
    "jsonlog": JSON,
}
SAMPLES = [CAME, *FORMS.values(), "\tgoes on", OPEN, 'FROM x"']


def one(line: str) -> dict[str, object]:
    return told(line, parser="postgresql")[0]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_a_failed_login(form: str) -> None:
    said = one(FORMS[form])
    assert (said["event.dataset"], said["event.category"]) == ("postgresql.log", "authentication")
    assert (said["event.action"], said["event.outcome"]) == ("postgresql_login", "failure")
    assert (said["user.name"], said["process.pid"]) == ("bob", 1234)
    assert said["message"] == FAILED
    assert said["@timestamp"].replace(microsecond=0) == AT.replace(microsecond=0)  # type: ignore[attr-defined]
    if form in ("hosted", "pgBadger", "csvlog", "jsonlog"):
        assert said["source.ip"] == "192.0.2.9"
    if form != "plain":
        assert json.loads(str(said["labels"]))["database"] == "shop"


def test_every_field_is_kept() -> None:
    expected = {
        "@timestamp": AT,
        "event.dataset": "postgresql.log",
        "event.category": "authentication",
        "event.action": "postgresql_login",
        "event.outcome": "failure",
        "event.code": "28P01",
        "source.ip": "192.0.2.9",
        "source.port": 51022,
        "network.protocol": "postgresql",
        "user.name": "bob",
        "process.pid": 1234,
        "log.level": "fatal",
        "message": FAILED,
        "labels": '{"database":"shop","command":"authentication",'
        '"detail":"Connection matched, line 1"}',
    }
    assert one(CSV) == one(JSON) == expected


def test_the_address_of_a_process_is_the_one_its_client_came_from() -> None:
    other = FORMS["Debian"].replace("[1234]", "[77]")
    _, mine, theirs = told(CAME, FORMS["Debian"], other, parser="postgresql")
    assert (mine["source.ip"], mine["source.port"]) == ("192.0.2.9", 51022)
    assert "source.ip" not in theirs


@pytest.mark.parametrize(
    ("message", "action", "outcome"),
    [
        ("LOG:  connection authorized: user=bob database=shop application_name=psql SSL enabled (x)", "postgresql_login", "success"),
        ('FATAL:  no pg_hba.conf entry for host "192.0.2.9", user "bob", database "shop", no encryption', "postgresql_login", "failure"),
        ('FATAL:  role "bob" does not exist', "postgresql_login", "failure"),
        ("LOG:  disconnection: session time: 0:00:00.004 user=bob database=shop host=192.0.2.9 port=5", "disconnection", None),
        ("LOG:  duration: 0.125 ms  statement: SELECT 1", "statement", None),
        ("LOG:  execute <unnamed>: SELECT 1", "statement", None),
        ("STATEMENT:  SELECT 1", "failed_statement", None),
        ('ERROR:  syntax error at or near "x" at character 7', "database_error", "failure"),
        ("ERROR:  permission denied for table x", "access_denied", "failure"),
        ("LOG:  database system is ready to accept connections", "service_started", "success"),
        ("LOG:  checkpoint starting: time", "message_logged", None),
    ],
)  # fmt: skip
def test_what_messages_mean(message: str, action: str, outcome: str | None) -> None:
    said = one(f"{TIME}[1234] {message}")
    assert (said["event.action"], said.get("event.outcome")) == (action, outcome)
    if "bob" in message:
        assert said["user.name"] == "bob"
    if "192.0.2.9" in message:
        assert said["source.ip"] == "192.0.2.9"
    if action == "statement" and "duration" in message:
        assert said["event.duration"] == 125_000


def test_a_user_name_cannot_forge_a_login() -> None:
    name = "x LOG:  connection authorized: user=admin"
    said = one(f'{TIME}[77] {name}@shop FATAL:  password authentication failed for user "{name}"')
    assert (said["event.action"], said["event.outcome"]) == ("postgresql_login", "failure")
    assert said["user.name"] == name
    other = one(f"{TIME}[77] {name}@shop ERROR:  out of memory")
    assert other["event.dataset"] == "postgresql.log"
    assert "event.outcome" not in other, "rather no meaning than a wrong one"
    assert "user.name" not in other
    client = one(
        "2026-11-22 09:58:49 UTC [1]: [1-1] user=x,client=192.0.2.66,db=shop,app=a,client=192.0.2.66,"
        "client=192.0.2.9 LOG:  statement: SELECT 1"
    )
    assert client["source.ip"] == "192.0.2.9"


def test_a_message_of_many_lines_is_kept_together() -> None:
    first, more, lost = told(FORMS["pgBadger"], "\tgoes on", "nobody's", parser="postgresql")
    assert (more["event.action"], more["message"]) == ("continuation", "\tgoes on")
    assert (more["@timestamp"], more["source.ip"]) == (first["@timestamp"], "192.0.2.9")
    assert lost == {}
    _, inside, after = told(OPEN, 'FROM x",,,"psql"', "nobody's", parser="postgresql")
    assert (inside["event.action"], after) == ("continuation", {})
    syslog = one("Nov 22 09:58:49 db postgres[1234]: [3-2] #011goes on")
    assert (syslog["event.action"], syslog["message"]) == ("continuation", "\tgoes on")


def test_its_own_lines_are_all_its_own() -> None:
    assert claims(SAMPLES, "postgresql") == 1
    leaves_alone("postgresql")


@given(mutated(SAMPLES))
@fuzz
def test_nothing_makes_it_raise(lines: list[str]) -> None:
    holds("postgresql", lines)
