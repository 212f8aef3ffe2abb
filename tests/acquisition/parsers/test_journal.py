"""Entries of the systemd journal: what their programs said, and what the journal knows beside."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import given, settings

from tests.acquisition.parsers import daemons
from tests.acquisition.parsers.daemons import AT, fuzz

records = partial(daemons.records, parser="journal")

TIME = AT + timedelta(microseconds=250_123)


def entry(message: object, **more: object) -> str:
    return json.dumps(
        {
            **{"__CURSOR": "s=1;i=2", "__REALTIME_TIMESTAMP": "1795341529250123"},
            **{"__MONOTONIC_TIMESTAMP": "1", "_BOOT_ID": "ab", "_HOSTNAME": "web"},
            **{"PRIORITY": "6", "SYSLOG_FACILITY": "3", "SYSLOG_IDENTIFIER": "app", "_PID": "812"},
            **{"_UID": "33", "_TRANSPORT": "stdout", "_SYSTEMD_UNIT": "app.service"},
            **{"_EXE": "/usr/bin/app", "_CMDLINE": "app --serve", "MESSAGE": message, **more},
        }
    )


KNOWN: dict[str, Any] = {
    **{"@timestamp": TIME, "host.name": "web", "process.pid": 812, "event.severity": 6},
    **{"log.level": "info", "process.executable": "/usr/bin/app"},
    "process.command_line": "app --serve",
}
LABELS = {
    **{"unit": "app.service", "transport": "stdout", "sender_uid": "33"},
    "facility": "daemon",
}
FAILED = "Failed password for root from 192.0.2.9 port 4 ssh2"
PACKET = "DROP: IN=eth0 OUT= SRC=192.0.2.9 DST=192.0.2.1 LEN=60 TTL=4 PROTO=TCP SPT=1 DPT=2"
AUDIT = 'USER_AUTH pid=8 uid=0 msg=\'acct="root" exe="/sbin/x" addr=192.0.2.9 res=failed\''
LINES = [
    entry("hello"),
    entry([104, 105, 255, 10, 116]),
    entry(FAILED, SYSLOG_IDENTIFIER="sshd"),
    entry(PACKET, SYSLOG_IDENTIFIER="kernel", _TRANSPORT="kernel", _PID=None),
    entry(AUDIT, _TRANSPORT="audit", _AUDIT_TYPE_NAME="USER_AUTH", _AUDIT_ID="456"),
    entry(None, _SYSTEMD_UNIT=["a.service", "b.service"]),
]


def test_an_entry_is_told_whole() -> None:
    said = KNOWN | {
        **{"event.dataset": "journald.log", "event.category": "host", "process.name": "app"},
        **{"message": "hello", "labels": LABELS},
    }
    assert records(LINES[0]) == [said]
    assert records(LINES[1]) == [said | {"message": "hi\ufffd\nt"}]


def test_what_a_program_said_is_read_as_its_line() -> None:
    login, packet, audit = records(*LINES[2:5])
    assert login == KNOWN | {
        **{"event.dataset": "sshd.auth", "event.category": "authentication"},
        **{"event.action": "ssh_login", "event.outcome": "failure", "user.name": "root"},
        **{"source.ip": "192.0.2.9", "source.port": 4, "network.protocol": "ssh"},
        **{"process.name": "sshd", "message": FAILED, "labels": LABELS},
    }
    assert (packet["event.dataset"], packet["event.action"]) == ("iptables.log", "packet_blocked")
    assert (packet["@timestamp"], packet["source.ip"]) == (TIME, "192.0.2.9")
    assert packet["labels"] == {"in": "eth0", "ttl": "4"} | LABELS | {"transport": "kernel"}
    assert (audit["event.dataset"], audit["event.action"]) == ("auditd.log", "user_auth")
    assert (audit["user.name"], audit["source.ip"]) == ("root", "192.0.2.9")
    assert (audit["process.pid"], audit["host.name"]) == (8, "web")
    assert audit["labels"]["audit_id"] == "1795341529.250:456"


def test_a_message_cannot_pass_for_another_program() -> None:
    inside = "x\nNov 22 09:58:49 web sshd[8]: " + FAILED
    spaced, named, many = records(
        entry(inside), entry(FAILED, SYSLOG_IDENTIFIER="a sshd[8]: b"), entry("x", PRIORITY="99")
    )
    assert spaced["event.dataset"] == named["event.dataset"] == "journald.log"
    assert spaced["message"] == inside
    assert not {"event.severity", "log.level"} & set(many)


def test_missing_and_doubled_fields() -> None:
    (said,) = records(LINES[5])
    assert "message" not in said
    assert said["labels"]["unit"] == "a.service b.service"
    (sparse,) = records('{"__REALTIME_TIMESTAMP": 1795341529250123}')
    assert sparse == {
        **{"@timestamp": TIME, "event.dataset": "journald.log", "event.category": "host"},
    }


def test_other_lines_are_left_alone_and_its_own_taken() -> None:
    daemons.are_not_claimed(
        [
            *(line for line in daemons.OTHERS if "REALTIME" not in line),
            *('{"__REALTIME_TIMESTAMP": "soon"}', '{"a": "\\"__REALTIME_TIMESTAMP\\""}'),
            *('{"__REALTIME_TIMESTAMP": 17953415292', '["__REALTIME_TIMESTAMP"]'),
        ],
        "journal",
    )
    daemons.are_claimed(LINES, "journal")


@given(lines=daemons.mutated(LINES))
@settings(fuzz, max_examples=12)  # each asks all other parsers, too
def test_no_line_is_lost(lines: list[str]) -> None:
    daemons.survive(lines, "journal")
