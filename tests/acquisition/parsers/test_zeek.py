"""Zeek's logs in both their forms: what each says, and that any other is kept too."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given

from tests.acquisition.parsers.trying import (
    claims_nothing_else,
    few,
    first_choice,
    lines_of,
    mutated,
    survives,
)
from tests.acquisition.parsers.trying import one as any_one
from tests.acquisition.parsers.trying import records as any_records
from tests.acquisition.samples import ZEEK, ZEEK_HEADER, ZEEK_JSON

one = partial(any_one, parser="zeek")
records = partial(any_records, parser="zeek")

WHEN = datetime.fromtimestamp(1795341529.25, UTC)
TIED = {
    "ts": 1795341529.25,
    "uid": "C1",
    "id.orig_h": "203.0.113.9",
    "id.orig_p": 40001,
    "id.resp_h": "192.0.2.10",
    "id.resp_p": 80,
}
ENDS = {
    "@timestamp": WHEN,
    "source.ip": "203.0.113.9",
    "source.port": 40001,
    "destination.ip": "192.0.2.10",
    "destination.port": 80,
}
DNS = {**TIED, "proto": "udp", "trans_id": 7, "rtt": 0.01, "query": "example.org", "qtype": 1,
       "qtype_name": "A", "rcode": 3, "rcode_name": "NXDOMAIN", "AA": False,
       "answers": ["192.0.2.1", "192.0.2.2"], "rejected": False}  # fmt: skip
HTTP = {**TIED, "trans_depth": 1, "method": "POST", "host": "example.org:8080", "uri": "/a?b=1",
        "referrer": "http://example.org/", "version": "1.1", "user_agent": "curl/8",
        "request_body_len": 3, "response_body_len": 162, "status_code": 403,
        "status_msg": "Forbidden", "tags": []}  # fmt: skip
SSL = {**TIED, "version": "TLSv12", "server_name": "example.org", "resumed": False,
       "established": True, "ja3": "aa"}  # fmt: skip
SSH = {**TIED, "version": 2, "auth_success": False, "auth_attempts": 4, "client": "SSH-2.0-x",
       "direction": "INBOUND"}  # fmt: skip
FILES = {"ts": 1795341529.25, "fuid": "F1", "tx_hosts": ["203.0.113.9"], "rx_hosts": ["192.0.2.10"],
         "conn_uids": ["C1"], "source": "HTTP", "seen_bytes": 9, "total_bytes": 10,
         "filename": "x.exe", "mime_type": "application/x-dosexec", "sha256": "ab"}  # fmt: skip
NOTICE = {"ts": 1795341529.25, "note": "Scan::Port_Scan", "msg": "scanned at least 15 ports",
          "src": "203.0.113.9", "dst": "192.0.2.10", "actions": ["Notice::ACTION_LOG"],
          "suppress_for": 3600.0}  # fmt: skip
WEIRD = {**TIED, "name": "bad_TCP_checksum", "notice": False, "peer": "zeek"}
FTP = {**TIED, "user": "ann", "password": "<hidden>", "command": "RETR", "arg": "ftp://192.0.2.10/x",
       "reply_code": 226}  # fmt: skip
SMTP = {**TIED, "trans_depth": 1, "helo": "mx", "mailfrom": "<a@example.org>",
        "rcptto": ["<b@example.org>", "<c@example.org>"], "tls": False, "path": ["192.0.2.1"],
        "subject": "hi"}  # fmt: skip
X509 = {"ts": 1795341529.25, "fingerprint": "aa", "certificate.serial": "01",
        "certificate.subject": "CN=example.org"}  # fmt: skip
DHCP = {"ts": 1795341529.25, "uids": ["C1"], "client_addr": "203.0.113.9", "server_addr": "192.0.2.10",
        "mac": "00:00:5e:00:53:01", "msg_types": ["REQUEST", "ACK"]}  # fmt: skip
SOFTWARE = {
    "ts": 1795341529.25,
    "host": "203.0.113.9",
    "software_type": "HTTP::SERVER",
    "name": "nginx",
}
KERBEROS = {**TIED, "request_type": "AS", "client": "ann/EXAMPLE.ORG", "service": "krbtgt/X",
            "success": False, "error_msg": "KDC_ERR_PREAUTH_FAILED"}  # fmt: skip
SHARED = {**TIED, "action": "SMB::FILE_OPEN", "path": "\\\\srv\\c$", "name": "a.exe", "size": 5,
          "times.modified": 1.0}  # fmt: skip
ODD = {**TIED, "lua_thing": "yes"}
ALL = [DNS, HTTP, SSL, SSH, FILES, NOTICE, WEIRD, FTP, SMTP, X509, DHCP, SOFTWARE, KERBEROS, SHARED]

EXPECTED: list[tuple[Any, dict[str, Any]]] = [
    (DNS, {**ENDS, "event.dataset": "zeek.dns", "event.category": "dns", "event.action": "dns_query",
           "event.outcome": "failure", "network.transport": "udp", "network.protocol": "dns",
           "dns.question.name": "example.org", "dns.question.type": "A",
           "dns.response_code": "NXDOMAIN", "dns.answers": "192.0.2.1 192.0.2.2",
           "labels": {"uid": "C1", "trans_id": 7, "rtt": 0.01, "qtype": 1, "rcode": 3, "AA": False,
                      "rejected": False}}),
    (HTTP, {**ENDS, "event.dataset": "zeek.http", "event.category": "web",
            "event.action": "http_request", "event.outcome": "failure", "network.transport": "tcp",
            "network.protocol": "http", "http.request.method": "POST", "url.domain": "example.org",
            "url.original": "/a?b=1", "url.path": "/a", "url.query": "b=1",
            "http.request.referrer": "http://example.org/", "user_agent.original": "curl/8",
            "http.request.body.bytes": 3, "http.response.body.bytes": 162,
            "http.response.status_code": 403,
            "labels": {"uid": "C1", "trans_depth": 1, "version": "1.1", "status_msg": "Forbidden",
                       "tags": ""}}),
    (SSL, {**ENDS, "event.dataset": "zeek.ssl", "event.category": "session", "event.action": "ssl",
           "network.transport": "tcp", "network.protocol": "tls",
           "tls.client.server_name": "example.org",
           "labels": {"uid": "C1", "version": "TLSv12", "resumed": False, "established": True,
                      "ja3": "aa"}}),
    (SSH, {**ENDS, "event.dataset": "zeek.ssh", "event.category": "authentication",
           "event.action": "ssh_login", "event.outcome": "failure", "network.transport": "tcp",
           "network.protocol": "ssh",
           "labels": {"uid": "C1", "version": 2, "auth_attempts": 4, "client": "SSH-2.0-x",
                      "direction": "INBOUND"}}),
    (FILES, {"@timestamp": WHEN, "event.dataset": "zeek.files", "event.category": "file",
             "event.action": "file_seen", "source.ip": "203.0.113.9",
             "destination.ip": "192.0.2.10", "file.path": "x.exe", "file.size": 10,
             "file.hash.sha256": "ab",
             "labels": {"fuid": "F1", "conn_uids": "C1", "source": "HTTP",
                        "mime_type": "application/x-dosexec"}}),
    (NOTICE, {"@timestamp": WHEN, "event.dataset": "zeek.notice",
              "event.category": "intrusion_detection", "event.action": "notice",
              "source.ip": "203.0.113.9", "destination.ip": "192.0.2.10",
              "rule.name": "Scan::Port_Scan", "message": "scanned at least 15 ports",
              "labels": {"actions": "Notice::ACTION_LOG", "suppress_for": 3600.0}}),
    (WEIRD, {**ENDS, "event.dataset": "zeek.weird", "event.category": "intrusion_detection",
             "event.action": "anomaly", "rule.name": "bad_TCP_checksum",
             "labels": {"uid": "C1", "notice": False, "peer": "zeek"}}),
    (FTP, {**ENDS, "event.dataset": "zeek.ftp", "event.category": "file", "event.action": "ftp_retr",
           "event.outcome": "success", "network.transport": "tcp", "network.protocol": "ftp",
           "user.name": "ann",
           "labels": {"uid": "C1", "password": "<hidden>", "arg": "ftp://192.0.2.10/x"}}),
    (SMTP, {**ENDS, "event.dataset": "zeek.smtp", "event.category": "email", "event.action": "email",
            "network.transport": "tcp", "network.protocol": "smtp",
            "email.from.address": "a@example.org",
            "email.to.address": "b@example.org c@example.org",
            "labels": {"uid": "C1", "trans_depth": 1, "helo": "mx", "tls": False, "subject": "hi",
                       "path": "192.0.2.1"}}),
    (X509, {"@timestamp": WHEN, "event.dataset": "zeek.x509", "event.category": "session",
            "event.action": "x509",
            "labels": {"fingerprint": "aa", "certificate.serial": "01",
                       "certificate.subject": "CN=example.org"}}),
    (DHCP, {"@timestamp": WHEN, "event.dataset": "zeek.dhcp", "event.category": "session",
            "event.action": "dhcp", "network.protocol": "dhcp", "source.ip": "203.0.113.9",
            "destination.ip": "192.0.2.10",
            "labels": {"uids": "C1", "mac": "00:00:5e:00:53:01", "msg_types": "REQUEST ACK"}}),
    (SOFTWARE, {"@timestamp": WHEN, "event.dataset": "zeek.software", "event.category": "host",
                "event.action": "host_seen", "source.ip": "203.0.113.9",
                "labels": {"software_type": "HTTP::SERVER", "name": "nginx"}}),
    (KERBEROS, {**ENDS, "event.dataset": "zeek.kerberos", "event.category": "authentication",
                "event.action": "krb5_login", "event.outcome": "failure",
                "network.protocol": "kerberos", "user.name": "ann", "user.domain": "EXAMPLE.ORG",
                "labels": {"uid": "C1", "request_type": "AS", "service": "krbtgt/X",
                           "error_msg": "KDC_ERR_PREAUTH_FAILED"}}),
    (SHARED, {**ENDS, "event.dataset": "zeek.smb_files", "event.category": "file",
              "event.action": "smb_file", "network.transport": "tcp", "network.protocol": "smb",
              "file.path": "\\\\srv\\c$\\a.exe", "file.size": 5,
              "labels": {"uid": "C1", "action": "SMB::FILE_OPEN", "times.modified": 1.0}}),
    (ODD, {**ENDS, "event.dataset": "zeek.log", "event.category": "session", "event.action": "log",
           "labels": {"uid": "C1", "lua_thing": "yes"}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"), EXPECTED, ids=[said["event.dataset"] for _, said in EXPECTED]
)
def test_a_log_says_in_json(line: Any, said: dict[str, Any]) -> None:
    assert one(line) == said


def tabbed(path: str, document: dict[str, Any]) -> list[str]:
    """A log as Zeek writes it without JSON."""
    cells = []
    for value in document.values():
        if isinstance(value, bool):
            cells.append("T" if value else "F")
        elif isinstance(value, list):
            cells.append(",".join(value) or "(empty)")
        else:
            cells.append(str(value).replace("\\", "\\\\"))
    return [
        "#separator \\x09",
        f"#path\t{path}",
        "#fields\t" + "\t".join(document),
        "\t".join(cells),
    ]


@pytest.mark.parametrize(
    ("line", "said"), EXPECTED[:-1], ids=[said["event.dataset"] for _, said in EXPECTED[:-1]]
)
def test_a_log_says_the_same_in_tabs(line: Any, said: dict[str, Any]) -> None:
    rows = records(*tabbed(said["event.dataset"].removeprefix("zeek."), line))
    assert all("event.dataset" not in row for row in rows[:-1])
    told = dict(rows[-1])
    labels, expected = told.pop("labels", {}), dict(said)
    expected.pop("labels", None)
    assert told == expected
    assert set(labels) >= set(said["labels"]) - {"tags"}


def test_conn_keeps_all_it_said_before() -> None:
    assert records(*ZEEK_HEADER.split("\n"), ZEEK)[-1] == {
        "@timestamp": WHEN,
        "event.dataset": "zeek.conn",
        "event.category": "network",
        "event.action": "network_flow",
        "event.outcome": "success",
        "event.duration": 1_500_000_000,
        "source.ip": "203.0.113.9",
        "source.port": 40001,
        "source.bytes": 500,
        "source.packets": 10,
        "destination.ip": "192.0.2.10",
        "destination.port": 22,
        "destination.bytes": 620,
        "destination.packets": 8,
        "network.transport": "tcp",
        "network.protocol": "ssh",
        "network.bytes": 1120,
        "network.packets": 18,
        "network.direction": "inbound",
        "message": "conn_state=SF history=ShADadFf",
        "labels": {"uid": "C1", "missed_bytes": "0"},
    }
    ping = ZEEK.replace("tcp", "icmp")
    assert "source.port" not in records(*ZEEK_HEADER.split("\n"), ping)[-1]


def test_logs_of_other_scripts_are_kept_by_their_name() -> None:
    lines = ["#path\tmy_log", "#fields\tts\tuid\tcolour", "1795341529.25\tC1\tr\\xc3\\xa9d\\x09x"]
    said = records(*lines)[-1]
    assert said["event.dataset"] == "zeek.my_log"
    assert said["labels"] == {"uid": "C1", "colour": "réd\tx"}
    named = one({"_path": "modbus", "ts": 1795341529.25, "func": "READ_COILS"})
    assert (named["event.dataset"], named["network.protocol"]) == ("zeek.modbus", "modbus")
    file = "/opt/zeek/logs/current/ntlm.log"
    guessed = one({**TIED, "username": "ann", "success": True}, file_name=file)
    assert (guessed["event.dataset"], guessed["event.outcome"]) == ("zeek.ntlm", "success")


def test_ssh_whose_outcome_is_not_known_is_no_login() -> None:
    said = one({key: value for key, value in SSH.items() if key != "auth_success"})
    assert (said["event.category"], said["event.action"]) == ("session", "ssh_connection")


def test_rows_belong_to_the_header_above_them() -> None:
    dns, http = tabbed("dns", DNS), tabbed("http", HTTP)
    said = records(*dns, *http, dns[-1], "what?", *dns[1:])
    assert [row.get("event.dataset") for row in said] == [
        *(None, None, None, "zeek.dns", None, None, None, "zeek.http"),
        *(None, None, None, None, "zeek.dns"),
    ]


def test_what_zeek_observed_cannot_forge_fields() -> None:
    forged = {**HTTP, "user_agent": '","id.orig_h":"192.0.2.66","conn_state":"SF", "proto":"tcp'}
    said = one(forged)
    assert (said["event.dataset"], said["source.ip"]) == ("zeek.http", "203.0.113.9")
    assert said["user_agent.original"] == forged["user_agent"]
    cells = tabbed("http", {**HTTP, "uri": "/a"})
    escaped = cells[-1].replace("/a", "/a\\x09192.0.2.66")
    assert records(*cells[:-1], escaped)[-1]["url.path"] == "/a\t192.0.2.66"


def test_it_leaves_what_is_not_its_own() -> None:
    assert claims_nothing_else("zeek")
    foreign = [
        "#fields\tname\tvalue",
        "a\tb",
        "#path\tconn",
        "#fields\tts\tuid\tproto",
        "1795341529.25\tC1\ttcp",
        {"ts": 1795341529.25, "message": "hello"},
        {"ts": "soon", "uid": "C1", "id.orig_h": "192.0.2.1"},
        '{"ts": 1795341529.25, "id.orig_h"',
    ]
    assert all("event.dataset" not in row for row in records(*foreign))


def test_it_is_surest_of_its_own_lines() -> None:
    lines = lines_of(*ALL, ZEEK_JSON)
    assert first_choice(lines) == "zeek"
    assert first_choice(tabbed("dns", DNS) * 5) == "zeek"
    said = any_records(*lines)
    assert {row["event.dataset"].partition(".")[0] for row in said} == {"zeek"}


@given(mutated([*lines_of(*ALL, ZEEK_JSON), *tabbed("dns", DNS), *tabbed("conn", TIED), ZEEK_HEADER.split("\n")[2], ZEEK]))  # fmt: skip
@few
def test_no_line_makes_it_raise(lines: list[str]) -> None:
    survives("zeek", lines)
