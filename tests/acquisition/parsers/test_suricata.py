"""EVE JSON: what Suricata saw, in all the ways it tells it."""

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

one = partial(any_one, parser="suricata")
records = partial(any_records, parser="suricata")


def eve(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "timestamp": "2026-11-22T10:58:49.250123+0100",
        "flow_id": 1805461738637437,
        "in_iface": "eth0",
        "event_type": kind,
        "src_ip": "203.0.113.9",
        "src_port": 51022,
        "dest_ip": "192.0.2.10",
        "dest_port": 80,
        "proto": "TCP",
        "community_id": "1:abc=",
        **more,
    }


ALERT = eve(
    "alert",
    alert={
        "action": "blocked",
        "gid": 1,
        "signature_id": 2100498,
        "rev": 7,
        "signature": "GPL ATTACK_RESPONSE id check returned root",
        "category": "Potentially Bad Traffic",
        "severity": 2,
        "metadata": {"created_at": ["2010_09_23"]},
    },
    app_proto="http",
    flow={"pkts_toserver": 6, "pkts_toclient": 5, "bytes_toserver": 496, "bytes_toclient": 876},
    http={"hostname": "example.org", "url": "/uid/?a=1", "http_method": "GET", "status": 200},
    payload="R0VU",
    payload_printable="GET",
)
FLOW = eve(
    "flow",
    app_proto="failed",
    flow={
        "pkts_toserver": 3,
        "pkts_toclient": 2,
        "bytes_toserver": 180,
        "bytes_toclient": 120,
        "start": "2026-11-22T10:58:40.250123+0100",
        "end": "2026-11-22T10:58:41.750123+0100",
        "state": "closed",
        "reason": "timeout",
    },
)
HTTP = eve(
    "http",
    tx_id=0,
    http={
        "hostname": "example.org",
        "url": "/a?b=' OR 1=1",
        "http_user_agent": "curl/8",
        "http_method": "POST",
        "http_refer": "http://example.org/",
        "protocol": "HTTP/1.1",
        "status": 403,
        "length": 162,
        "http_request_body_printable": "x=1",
        "http_response_body_printable": "no" * 900,
    },
)
DNS1 = eve("dns", dns={"type": "answer", "id": 7, "rrname": "example.org", "rrtype": "A",
                       "rcode": "NOERROR", "rdata": "192.0.2.1"})  # fmt: skip
DNS2 = eve(
    "dns",
    dns={
        "version": 2,
        "type": "answer",
        "id": 7,
        "flags": "8180",
        "rrname": "example.org",
        "rrtype": "A",
        "rcode": "NXDOMAIN",
        "answers": [
            {"rrname": "example.org", "rrtype": "CNAME", "ttl": 5, "rdata": "www.example.org"},
            {"rrname": "www.example.org", "rrtype": "A", "ttl": 5, "rdata": "192.0.2.1"},
        ],
    },
)
DNS3 = eve(
    "dns",
    dns={
        "version": 3,
        "type": "request",
        "id": 7,
        "queries": [{"rrname": "x.example.org", "rrtype": "TXT"}],
    },
)
TLS = eve("tls", tls={"subject": "CN=example.org", "sni": "example.org", "version": "TLS 1.2",
                      "ja3": {"hash": "aa"}})  # fmt: skip
FILE = eve("fileinfo", fileinfo={"filename": "/x.exe", "size": 9, "sha256": "ab", "stored": False})
MAIL = eve("smtp", smtp={"helo": "mx", "mail_from": "<a@example.org>", "rcpt_to": ["<b@example.org>", "<c@example.org>"]})  # fmt: skip
STATS = {
    "timestamp": "2026-11-22T10:58:49.250123+0100",
    "event_type": "stats",
    "stats": {"uptime": 8, "decoder": {"pkts": 5, "ipv4": 4}, "detect": {"engines": [{"id": 0}]}},
}
ALL = [ALERT, FLOW, HTTP, DNS1, DNS2, DNS3, TLS, FILE, MAIL, STATS]


def test_alerts_say_which_rule_fired_on_whom() -> None:
    assert one(ALERT) == {
        "@timestamp": datetime(2026, 11, 22, 9, 58, 49, 250123, tzinfo=UTC),
        "event.dataset": "suricata.eve",
        "event.category": "intrusion_detection",
        "event.action": "alert",
        "event.severity": 2,
        "source.ip": "203.0.113.9",
        "source.port": 51022,
        "source.bytes": 496,
        "source.packets": 6,
        "destination.ip": "192.0.2.10",
        "destination.port": 80,
        "destination.bytes": 876,
        "destination.packets": 5,
        "network.transport": "tcp",
        "network.protocol": "http",
        "network.bytes": 1372,
        "network.packets": 11,
        "rule.id": "2100498",
        "rule.name": "GPL ATTACK_RESPONSE id check returned root",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "url.original": "/uid/?a=1",
        "url.domain": "example.org",
        "url.path": "/uid/",
        "url.query": "a=1",
        "message": "GPL ATTACK_RESPONSE id check returned root",
        "labels": {
            "flow_id": 1805461738637437,
            "in_iface": "eth0",
            "community_id": "1:abc=",
            "alert.action": "blocked",
            "alert.gid": 1,
            "alert.rev": 7,
            "alert.category": "Potentially Bad Traffic",
            "alert.metadata.created_at": "2010_09_23",
            "payload_printable": "GET",
        },
    }


def test_a_flow_is_dated_from_its_beginning() -> None:
    said = one(FLOW)
    assert said["@timestamp"] == datetime(2026, 11, 22, 9, 58, 40, 250123, tzinfo=UTC)
    assert (said["event.duration"], said["event.outcome"]) == (1_500_000_000, "success")
    assert (said["event.category"], said["event.action"]) == ("network", "network_flow")
    assert (said["source.packets"], said["network.bytes"]) == (3, 300)
    assert "network.protocol" not in said
    one_way = one(
        eve("netflow", netflow={"pkts": 4, "bytes": 200, "start": "2026-11-22T10:58:40+0100"})
    )
    assert (one_way["source.packets"], one_way["network.bytes"]) == (4, 200)
    fresh = {**FLOW, "flow": {**FLOW["flow"], "state": "new"}}
    assert one(fresh)["event.outcome"] == "failure"
    assert one({**fresh, "proto": "UDP"})["event.outcome"] == "unknown"


def test_requests_are_kept_as_they_were_sent() -> None:
    said = one(HTTP)
    assert (said["event.category"], said["event.action"]) == ("web", "http_request")
    assert (said["url.path"], said["url.query"]) == ("/a", "b=' OR 1=1")
    assert (said["http.request.method"], said["http.response.status_code"]) == ("POST", 403)
    assert (said["event.outcome"], said["http.response.body.bytes"]) == ("failure", 162)
    assert said["http.request.body.content"] == "x=1"
    assert said["user_agent.original"] == "curl/8"
    assert said["http.request.referrer"] == "http://example.org/"
    assert "http.http_response_body_printable" not in said["labels"]


def test_dns_is_understood_in_all_versions() -> None:
    first, second, third = records(DNS1, DNS2, DNS3)
    assert (first["dns.question.name"], first["dns.answers"]) == ("example.org", "192.0.2.1")
    assert (first["event.action"], first["event.outcome"]) == ("dns_answer", "success")
    assert second["dns.answers"] == "www.example.org 192.0.2.1"
    assert (second["dns.response_code"], second["event.outcome"]) == ("NXDOMAIN", "failure")
    assert (third["dns.question.name"], third["dns.question.type"]) == ("x.example.org", "TXT")
    assert (third["event.action"], third["event.category"]) == ("dns_query", "dns")
    asked = {
        **ALERT,
        "dns": {"query": [{"type": "query", "rrname": "a.example.org", "rrtype": "A"}]},
    }
    assert one(asked)["dns.question.name"] == "a.example.org"
    grouped = eve(
        "dns", dns={"type": "answer", "rrname": "e", "grouped": {"A": ["192.0.2.1", "192.0.2.2"]}}
    )
    assert one(grouped)["dns.answers"] == "192.0.2.1 192.0.2.2"


def test_other_protocols_keep_what_matters() -> None:
    tls, file, mail, stats = records(TLS, FILE, MAIL, STATS)
    assert (tls["event.category"], tls["tls.client.server_name"]) == ("session", "example.org")
    assert tls["labels"]["tls.ja3.hash"] == "aa"
    assert (file["file.path"], file["file.size"], file["file.hash.sha256"]) == ("/x.exe", 9, "ab")
    assert mail["email.from.address"] == "a@example.org"
    assert mail["email.to.address"] == "b@example.org c@example.org"
    assert (stats["event.category"], stats["labels"]) == (
        *("host",),
        {"stats.uptime": "8", "stats.decoder.pkts": "5"},
    )


@pytest.mark.parametrize(
    ("event", "action", "outcome", "user"),
    [
        (eve("ftp", ftp={"command": "PASS", "completion_code": ["530"]}), "ftp_login", "failure", None),
        (eve("ftp", ftp={"command": "PASS", "completion_code": ["230"]}), "ftp_login", "success", None),
        (eve("krb5", krb5={"msg_type": "KRB_AS_REP", "cname": "ann", "realm": "EXAMPLE"}), "krb5_login", "success", "ann"),
        (eve("krb5", krb5={"msg_type": "KRB_ERROR", "error_code": "KDC_ERR_PREAUTH_FAILED"}), "krb5_login", "failure", None),
        (eve("krb5", krb5={"msg_type": "KRB_ERROR", "error_code": "KDC_ERR_PREAUTH_REQUIRED"}), "krb5_login", None, None),
        (eve("smb", smb={"command": "SMB2_COMMAND_SESSION_SETUP", "status": "STATUS_LOGON_FAILURE", "ntlmssp": {"user": "bob"}}), "smb_login", "failure", "bob"),
        (eve("smb", smb={"command": "SMB2_COMMAND_SESSION_SETUP", "status": "STATUS_MORE_PROCESSING_REQUIRED"}), "smb_login", None, None),
        (eve("rfb", rfb={"authentication": {"security_result": "FAIL"}}), "rfb_login", "failure", None),
    ],
)  # fmt: skip
def test_logins_are_told_by_their_protocols(
    event: dict[str, Any], action: str, outcome: str | None, user: str | None
) -> None:
    said = one(event)
    assert (said["event.category"], said["event.action"]) == ("authentication", action)
    assert (said.get("event.outcome"), said.get("user.name")) == (outcome, user)


def test_user_of_ftp_and_drops() -> None:
    assert one(eve("ftp", ftp={"command": "USER", "command_data": "ann"}))["user.name"] == "ann"
    assert "user.name" not in one(eve("ftp", ftp={"command": "RETR", "command_data": "x"}))
    drop = one(eve("drop", drop={"len": 60, "reason": "rules"}))
    assert (drop["event.category"], drop["event.outcome"]) == ("network", "failure")
    assert drop["labels"]["drop.reason"] == "rules"


def test_it_finds_its_lines_behind_syslog_heads() -> None:
    said = one("Nov 22 09:58:49 sensor suricata[812]: " + lines_of(ALERT)[0])
    assert (said["event.action"], said["host.name"]) == ("alert", "sensor")


def test_it_leaves_what_is_not_its_own() -> None:
    assert claims_nothing_else("suricata")
    foreign = [
        {"event_type": "order placed", "timestamp": "2026-11-22T10:58:49Z"},
        {"event_type": "made_up", "timestamp": "2026-11-22T10:58:49Z"},
        {"event_type": "alert"},
        {"event_type": ["alert"], "timestamp": {"x": 1}, "src_ip": 5},
        '{"event_type": "alert", "timestamp"',
    ]
    said = records(*foreign)
    assert all("event.dataset" not in row for row in said)


def test_it_is_surest_of_its_own_lines() -> None:
    lines = lines_of(*ALL)
    assert first_choice(lines) == "suricata"
    assert {row["event.dataset"] for row in any_records(*lines)} == {"suricata.eve"}


@given(mutated(lines_of(*ALL)))
@few
def test_no_line_makes_it_raise(lines: list[str]) -> None:
    survives("suricata", lines)
