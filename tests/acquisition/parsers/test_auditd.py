"""Audit records: decoded, named, and joined by their event."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given

from tests.acquisition.parsers import daemons
from tests.acquisition.parsers.daemons import AT, OLD, fuzz

records = partial(daemons.records, parser="auditd")

EVENT = "msg=audit(1795341529.250:456): "
BASE = {"@timestamp": AT + timedelta(milliseconds=250), "event.dataset": "auditd.log"}
LOGIN = (
    'pid=812 uid=0 msg=\'op=PAM:authentication grantors=? {acct} exe="/usr/sbin/sshd" '
    "hostname=host.example.org addr=198.51.100.7 terminal=ssh res=failed'"
)
SSHD = {
    **{"event.category": "authentication", "event.outcome": "failure", "process.pid": 812},
    **{"source.ip": "198.51.100.7", "source.domain": "host.example.org"},
    **{"network.protocol": "ssh", "process.name": "sshd"},
    **{"process.executable": "/usr/sbin/sshd"},
}
TOLD: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    (
        "SYSCALL",
        "arch=c000003e syscall=59 success=no exit=-13 a0=55d a1=55e a2=7ff a3=8 items=2 ppid=8 "
        'pid=9 uid=33 suid=33 tty=pts0 comm=6122206200 exe="/usr/bin/x" key="etc"\x1dARCH=x86_64 '
        'SYSCALL=execve AUID="bob" UID="www-data" SUID="www-data"',
        {
            **{"event.category": "process", "event.action": "syscall", "event.outcome": "failure"},
            **{"user.name": "www-data", "process.name": 'a" b\ufffd', "process.pid": 9},
            "process.executable": "/usr/bin/x",
        },
        {
            **{"arch": "c000003e", "syscall": "59", "exit": "-13", "ppid": "8", "uid": "33"},
            **{"tty": "pts0", "key": "etc", "syscall_name": "execve", "auid_name": "bob"},
        },
    ),
    (
        "EXECVE",
        'argc=4 a0="sh" a1="-c" a2=6563686F20226869223B206964 a3_len=4 a3[0]=6162 a3[1]=6364',
        {
            **{"event.category": "process", "event.action": "execve"},
            "process.command_line": 'sh -c echo "hi"; id abcd',
        },
        {"a3_len": "4"},
    ),
    (
        "PATH",
        "item=0 name=2F746D702F6120622F78 inode=12 dev=08:01 mode=0100755 nametype=CREATE",
        {"event.category": "file", "event.action": "path", "file.path": "/tmp/a b/x"},
        {"mode": "0100755", "nametype": "CREATE"},
    ),
    (
        "CWD",
        'cwd="/root"',
        {"event.category": "file", "event.action": "cwd", "file.path": "/root"},
        {"cwd": "/root"},
    ),
    (
        "PROCTITLE",
        "proctitle=7368002D63006964",
        {
            **{"event.category": "process", "event.action": "proctitle"},
            "process.command_line": "sh -c id",
        },
        {},
    ),
    (
        "USER_AUTH",
        LOGIN.format(acct='acct="root"'),
        SSHD | {"event.action": "user_auth", "user.name": "root"},
        {"uid": "0", "op": "PAM:authentication", "terminal": "ssh"},
    ),
    (
        "USER_LOGIN",
        LOGIN.format(acct="acct=61222061646472" + b"=192.0.2.6".hex().upper()),
        SSHD | {"event.action": "user_login", "user.name": 'a" addr=192.0.2.6'},
        {"uid": "0", "op": "PAM:authentication", "terminal": "ssh"},
    ),
    (
        "USER_CMD",
        'pid=9 uid=1000 msg=\'cwd="/home/bob" cmd=636174202F6574632F736861646F77 '
        'exe="/usr/bin/sudo" terminal=pts/0 res=success\'\x1dUID="bob"',
        {
            **{"event.category": "process", "event.action": "user_cmd", "process.name": "sudo"},
            **{"event.outcome": "success", "user.name": "bob", "process.pid": 9},
            **{"process.executable": "/usr/bin/sudo", "process.command_line": "cat /etc/shadow"},
        },
        {"uid": "1000", "cwd": "/home/bob", "terminal": "pts/0"},
    ),
    (
        "ADD_USER",
        'pid=9 uid=0 msg=\'op=add-user id=1001 exe="/usr/sbin/useradd" hostname=? addr=? '
        'res=success\'\x1dUID="root" ID="eve"',
        {
            **{"event.category": "authentication", "event.action": "add_user"},
            **{"event.outcome": "success", "user.name": "root", "user.target.name": "eve"},
            **{"process.name": "useradd", "process.pid": 9},
            "process.executable": "/usr/sbin/useradd",
        },
        {"uid": "0", "op": "add-user", "id": "1001"},
    ),
    (
        "AVC",
        'avc:  denied  { read open } for  pid=77 comm="httpd" name="shadow" dev="vda1" '
        "tcontext=x:y tclass=file",
        {
            **{"event.category": "host", "event.action": "avc", "event.outcome": "failure"},
            **{"process.name": "httpd", "process.pid": 77, "file.path": "shadow"},
        },
        {"permissions": "read open", "tcontext": "x:y", "tclass": "file"},
    ),
    (
        "SOCKADDR",
        "saddr=02000050C00002010000000000000000",
        {"event.category": "network", "event.action": "sockaddr"},
        {
            **{"socket_address": "192.0.2.1", "socket_port": "80"},
            "saddr": "02000050C00002010000000000000000",
        },
    ),
    (
        "UNKNOWN[1334]",
        "prog-id=5 op=LOAD",
        {"event.category": "configuration", "event.action": "bpf"},
        {"prog-id": "5", "op": "LOAD"},
    ),
]
LINES = [f"type={kind} {EVENT}{body}" for kind, body, *_ in TOLD]
HEADED = [
    f'{OLD}audispd: node=db type=CWD {EVENT}cwd="/root"',
    f'{OLD}kernel: [   12.5] audit: type=1307 audit(1795341529.250:456): cwd="/root"',
    f'<86>1 2026-11-22T09:58:49Z web audisp-syslog - - - type=CWD {EVENT}cwd="/root"',
]


@pytest.mark.parametrize(("kind", "body", "said", "labels"), TOLD)
def test_each_record_says_what_it_is_about(
    kind: str, body: str, said: dict[str, Any], labels: dict[str, str]
) -> None:
    (found,) = records(f"type={kind} {EVENT}{body}")
    assert found.pop("message") == body.replace("\x1d", " ")
    assert found == BASE | said | {"labels": {"audit_id": "1795341529.250:456"} | labels}


def test_heads_name_the_host() -> None:
    told = records(*HEADED)
    assert [said["host.name"] for said in told] == ["db", "web", "web"]
    assert {(said["event.action"], said["file.path"]) for said in told} == {("cwd", "/root")}


def test_sockets_of_all_kinds() -> None:
    six = "0A000050" + "00000000" + "20010DB8" + "00" * 11 + "01" + "00000000"
    told = records(
        f"type=SOCKADDR {EVENT}saddr={six}",
        f"type=SOCKADDR {EVENT}saddr=01002F72756E2F782E736F636B00",
        f"type=SOCKADDR {EVENT}saddr=0A00\x1dSADDR={{ saddr_fam=inet6 laddr=::1 lport=80 }}",
    )
    assert told[0]["labels"]["socket_address"].startswith("2001:0db8:")
    assert told[1]["file.path"] == "/run/x.sock"
    assert "socket_address" not in told[2]["labels"]


def test_hostile_lines() -> None:
    long = "41" * 50_000
    (said,) = records(f"type=EXECVE {EVENT}argc=1 a0={long}")
    assert said["process.command_line"] == "A" * 50_000
    daemons.are_not_claimed(
        [
            f'{OLD}sshd[8]: Invalid user type=CWD {EVENT}cwd="/" from 192.0.2.9 port 4',
            f'192.0.2.9 - - [22/Nov/2026:09:58:49 +0000] "GET /type=CWD {EVENT} HTTP/1.1" 200 1',
            *("type=CWD msg=audit(1:2): cwd=x", "type=CWD", "type= msg=audit(1795341529.250:4): "),
        ],
        "auditd",
    )


def test_other_lines_are_left_alone_and_its_own_taken() -> None:
    daemons.are_not_claimed([line for line in daemons.OTHERS if "audit" not in line], "auditd")
    daemons.are_claimed(LINES, "auditd")
    daemons.are_claimed(HEADED, "auditd")


@given(lines=daemons.mutated(LINES + HEADED))
@fuzz
def test_no_line_is_lost(lines: list[str]) -> None:
    daemons.survive(lines, "auditd")
