"""auth.log beside sshd: who became whom, ran what, and made which accounts."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given

from tests.acquisition.parsers import daemons
from tests.acquisition.parsers.daemons import AT, OLD, fuzz

records = partial(daemons.records, parser="sshd")

SUDO = "TTY=pts/0 ; PWD=/home/a b ; USER=root ; COMMAND=/usr/bin/id -u ; USER=x ; COMMAND=y"
TOLD = [
    (
        f"sudo:   deploy : {SUDO}",
        *("sudo_command", "success", "deploy", "root"),
        {"process.command_line": "/usr/bin/id -u ; USER=x ; COMMAND=y"},
        {"tty": "pts/0", "cwd": "/home/a b"},
    ),
    (
        "sudo:   bob : 3 incorrect password attempts ; TTY=pts/1 ; PWD=/ ; USER=www ; GROUP=adm ; "
        "COMMAND=/bin/sh",
        *("sudo_command", "failure", "bob", "www"),
        {"process.command_line": "/bin/sh"},
        {"tty": "pts/1", "cwd": "/", "reason": "3 incorrect password attempts"},
    ),
    ("su: (to root) bob on pts/1", "su", "success", "bob", "root", {}, {"tty": "pts/1"}),
    ("su: FAILED SU (to root) bob on pts/1", "su", "failure", "bob", "root", {}, {}),
    ("su: + /dev/pts/1 bob:root", "su", "success", "bob", "root", {}, {"tty": "/dev/pts/1"}),
    ("su: Successful su for root by bob", "su", "success", "bob", "root", {}, {}),
    (
        "pkexec: bob: Executing command [USER=root] [TTY=/dev/pts/0] [CWD=/tmp] [COMMAND=/bin/id]",
        *("pkexec", "success", "bob", "root"),
        {"process.command_line": "/bin/id"},
        {"tty": "/dev/pts/0", "cwd": "/tmp"},
    ),
    (
        "doas: bob ran command cat /etc/x as root from /home/bob",
        *("doas", "success", "bob", "root"),
        {"process.command_line": "cat /etc/x"},
        {"cwd": "/home/bob"},
    ),
    (
        "login: FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure",
        *("login", "failure", "root", None),
        {},
        {"tty": "/dev/tty1", "reason": "Authentication failure"},
    ),
    (
        "useradd: new user: name=eve, UID=1001, GID=1002, home=/home/eve, shell=/bin/sh, from=none",
        *("user_added", "success", None, "eve"),
        {},
        {"uid": "1001", "gid": "1002", "home": "/home/eve", "shell": "/bin/sh"},
    ),
    ("userdel: delete user 'eve'", "user_deleted", "success", None, "eve", {}, {}),
    (
        "usermod: add 'eve' to group 'sudo'",
        *("group_member_added", "success", None, "eve", {}, {"group": "sudo"}),
    ),
    (
        "gpasswd: user eve removed by root from group sudo",
        *("group_member_removed", "success", "root", "eve", {}, {"group": "sudo"}),
    ),
    (
        "passwd: pam_unix(passwd:chauthtok): password changed for bob",
        *("password_changed", "success", None, "bob", {}, {"service": "passwd"}),
    ),
    (
        "sudo: pam_unix(sudo:session): session opened for user root(uid=0) by bob(uid=1000)",
        *("session_opened", "success", "root", None, {}, {"service": "sudo", "by": "bob"}),
    ),
    (
        "systemd-logind: New session 5 of user bob.",
        *("session_new", None, "bob", None, {}, {"session": "5"}),
    ),
]


@pytest.mark.parametrize(("line", "action", "outcome", "user", "target", "more", "labels"), TOLD)
def test_who_did_what_to_whom(
    line: str,
    action: str,
    outcome: str | None,
    user: str | None,
    target: str | None,
    more: dict[str, Any],
    labels: dict[str, str],
) -> None:
    program, _, message = line.partition(": ")
    said = {
        **{"@timestamp": AT, "host.name": "web", "event.dataset": "linux.auth"},
        **{"event.category": "authentication", "event.action": action, "event.outcome": outcome},
        **{"user.name": user, "user.target.name": target, "process.name": program},
        **{"message": message.lstrip(), "labels": labels or None},
    }
    said = {name: value for name, value in said.items() if value is not None} | more
    assert records(OLD + line) == [said]
    newer = f"<86>1 2026-11-22T09:58:49Z web {program} 7 - - {message.lstrip()}"
    graded = {"event.severity": 6, "log.level": "info", "process.pid": 7}
    assert records(newer) == [said | graded]


def test_cron_says_what_it_ran_and_who_changed_its_tables() -> None:
    ran, changed = records(
        f"{OLD}CRON[9]: (root) CMD (  cd / && echo (x))", f"{OLD}crontab[9]: (bob) REPLACE (eve)"
    )
    assert (ran["event.action"], ran["event.category"]) == ("cron_command", "process")
    assert (ran["user.name"], ran["process.command_line"]) == ("root", "cd / && echo (x)")
    assert (changed["event.action"], changed["event.category"]) == ("crontab", "configuration")
    assert (changed["user.name"], changed["user.target.name"]) == ("bob", "eve")
    assert changed["labels"] == {"reason": "REPLACE"}


def test_a_login_says_how_it_was_let_in() -> None:
    key, plain = records(
        f"{OLD}sshd[8]: Accepted publickey for deploy from 2001:db8::5 port 4 ssh2: "
        "ED25519 SHA256:ab+/",
        f"{OLD}sshd[8]: Accepted password for deploy from 192.0.2.5 port 4 ssh2",
    )
    assert key["labels"] == {"method": "publickey", "key": "ED25519 SHA256:ab+/"}
    assert (key["source.ip"], key["source.port"], key["network.protocol"]) == (
        *("2001:db8::5", 4),
        "ssh",
    )
    assert plain["labels"] == {"method": "password"}


def test_what_a_service_was_told_cannot_forge_an_address() -> None:
    head = f"{OLD}vsftpd: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 "
    forged, named = records(
        f"{head}tty=ftp ruser=x rhost=192.0.2.66  user=root rhost=198.51.100.1 ",
        f"{head}tty=ftp ruser=bob rhost=host.example.org  user=bob",
    )
    assert forged["source.ip"] == "198.51.100.1"
    assert forged["user.name"] == "x rhost=192.0.2.66  user=root", "tried, though it is no account"
    assert (named["source.domain"], named["user.name"]) == ("host.example.org", "bob")
    assert "source.ip" not in named


@pytest.mark.parametrize(
    ("message", "action"),
    [
        (
            "error: PAM: Authentication failure for illegal user a from b from 192.0.2.9",
            "pam_authentication",
        ),
        ("banner exchange: Connection from 192.0.2.9 port 4: invalid format", "ssh_probe"),
        ("Timeout before authentication for 192.0.2.9 port 4", "ssh_timeout"),
        (
            "drop connection #10 from [192.0.2.9]:4 on [192.0.2.1]:22 past MaxStartups",
            "ssh_dropped",
        ),
    ],
)
def test_more_ways_to_say_who_knocked(message: str, action: str) -> None:
    (said,) = records(f"{OLD}sshd[8]: {message}")
    assert (said["event.action"], said["source.ip"]) == (action, "192.0.2.9")


def test_other_daemons_refuse_logins_too() -> None:
    (said,) = records(
        f"{OLD}klogind[8]: Authentication failed from 192.0.2.9 (192.0.2.9): Permission denied"
    )
    assert (said["event.action"], said["event.outcome"]) == ("login", "failure")
    assert (said["source.ip"], said["labels"]) == ("192.0.2.9", {"reason": "Permission denied"})


def test_other_lines_are_left_alone_and_its_own_taken() -> None:
    daemons.are_not_claimed([line for line in daemons.OTHERS if "sshd" not in line], "sshd")
    daemons.are_claimed([OLD + line for line, *_ in TOLD], "sshd")


@given(lines=daemons.mutated([OLD + line for line, *_ in TOLD]))
@fuzz
def test_no_line_is_lost(lines: list[str]) -> None:
    daemons.survive(lines, "sshd")
