"""vsftpd's logs: who logged in, what was fetched, and names that try to look like more."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given

from tests.acquisition.parsers import daemons
from tests.acquisition.parsers.daemons import AT, OLD, fuzz

records = partial(daemons.records, parser="vsftpd")

HEAD = "Sun Nov 22 09:58:49 2026 "
PID = f"{HEAD}[pid 8] "
FTP = {"network.protocol": "ftp", "network.transport": "tcp", "process.name": "vsftpd"}
TOLD = [
    ('CONNECT: Client "::ffff:192.0.2.9"', "network", "ftp_connection", {}, {}),
    (
        '[bob] FAIL LOGIN: Client "192.0.2.9"',
        *("authentication", "ftp_login"),
        {"event.outcome": "failure", "user.name": "bob"},
        {},
    ),
    (
        '[ftp] OK LOGIN: Client "192.0.2.9", anon password "a"b@example.org"',
        *("authentication", "ftp_login"),
        {"event.outcome": "success", "user.name": "ftp"},
        {"anon_password": 'a"b@example.org'},
    ),
    (
        '[bob] OK UPLOAD: Client "192.0.2.9", "/a "b", 1 bytes.php", 25520 bytes, 503.81Kbyte/sec',
        *("file", "ftp_upload"),
        {
            **{"event.outcome": "success", "user.name": "bob", "file.size": 25520},
            "file.path": '/a "b", 1 bytes.php',
        },
        {"rate": "503.81Kbyte/sec"},
    ),
    (
        '[bob] FAIL DELETE: Client "192.0.2.9", "/x"',
        *("file", "ftp_delete"),
        {"event.outcome": "failure", "user.name": "bob", "file.path": "/x"},
        {},
    ),
    (
        'FTP command: Client "192.0.2.9", "USER x] OK LOGIN: Client "198.51.100.6"',
        *("network", "ftp_command", {}),
        {"command": 'USER x] OK LOGIN: Client "198.51.100.6'},
    ),
    (
        '[bob] FTP response: Client "192.0.2.9", "226 Transfer complete."',
        *("network", "ftp_response", {"user.name": "bob"}, {}),
    ),
]
TRANSFER = f"{HEAD}3 192.0.2.9 25520 /a b_c b _ i r bob ftp 0 * c"
LINES = [*(PID + message for message, *_ in TOLD), TRANSFER]


@pytest.mark.parametrize(("message", "category", "action", "more", "labels"), TOLD)
def test_each_deed_is_told_bare_and_by_syslog(
    message: str, category: str, action: str, more: dict[str, Any], labels: dict[str, str]
) -> None:
    said = FTP | {
        **{"@timestamp": AT, "event.dataset": "vsftpd.log", "event.category": category},
        **{"event.action": action, "source.ip": "192.0.2.9", "process.pid": 8},
        **{"message": message, **more},
        **({"labels": labels} if labels else {}),
    }
    assert records(PID + message) == [said]
    assert records(f"{OLD}vsftpd[8]: {message}") == [said | {"host.name": "web"}]


def test_transfers_are_read_from_both_ends() -> None:
    said = FTP | {
        **{"@timestamp": AT, "event.dataset": "vsftpd.xferlog", "event.category": "file"},
        **{"event.action": "ftp_upload", "event.outcome": "success", "user.name": "bob"},
        **{"event.duration": 3_000_000_000, "source.ip": "192.0.2.9", "file.path": "/a b_c"},
        **{"file.size": 25520, "labels": {"access": "real"}},
    }
    assert records(TRANSFER) == [said]
    anonymous = f"{HEAD}1 host.example.org 6 /f b _ o a me@example.org ftp 0 * i"
    (told,) = records(anonymous)
    assert (told["source.domain"], told["event.outcome"]) == ("host.example.org", "failure")
    assert told["labels"] == {"access": "anonymous", "anon_password": "me@example.org"}
    assert "user.name" not in told


@pytest.mark.parametrize(
    "message",
    [
        '[x] OK LOGIN: Client "192.0.2.66] FAIL LOGIN: Client "198.51.100.7"',
        '[bob] OK MKDIR: Client "198.51.100.7", "/x] FAIL LOGIN: Client "192.0.2.66"',
        '[ftp] OK LOGIN: Client "198.51.100.7", anon password "] OK LOGIN: Client "192.0.2.66"',
    ],
)
def test_what_can_be_read_in_two_ways_names_nobody(message: str) -> None:
    (said,) = records(PID + message)
    assert said["message"] == message
    assert not {"source.ip", "user.name", "event.action", "file.path"} & set(said)


def test_hostile_lines() -> None:
    long = "x" * 100_000
    (said,) = records(f'{PID}[{long}] FAIL LOGIN: Client "192.0.2.9"')
    assert said["user.name"] == long
    daemons.are_not_claimed(
        [
            *(f'{PID}[bob] FAIL LOGIN: Client "192.0', f"{HEAD}[pid 8] hello", HEAD, PID),
            *(
                f'{HEAD}[pid 8] [bob] FAIL BAKE: Client "192.0.2.9"',
                f"{HEAD}3 192.0.2.9 2 /a b _ i",
            ),
        ],
        "vsftpd",
    )


def test_other_lines_are_left_alone_and_its_own_taken() -> None:
    daemons.are_not_claimed([line for line in daemons.OTHERS if "LOGIN" not in line], "vsftpd")
    daemons.are_claimed(LINES, "vsftpd")
    daemons.are_claimed([f"{OLD}vsftpd[8]: {message}" for message, *_ in TOLD], "vsftpd")


@given(lines=daemons.mutated([*LINES, f"{OLD}vsftpd[8]: {TOLD[3][0]}"]))
@fuzz
def test_no_line_is_lost(lines: list[str]) -> None:
    daemons.survive(lines, "vsftpd")
