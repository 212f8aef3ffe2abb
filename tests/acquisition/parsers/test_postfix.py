"""Postfix's log: who connected, logged in, and what became of each message."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given

from tests.acquisition.parsers import daemons
from tests.acquisition.parsers.daemons import AT, OLD, fuzz

records = partial(daemons.records, parser="postfix")

HOST = {"source.ip": "198.51.100.7", "source.domain": "host.example.org"}
UNKNOWN = {"source.ip": "198.51.100.7"}
RELAY = {
    **{"destination.ip": "192.0.2.25", "destination.domain": "mx.example.org"},
    "destination.port": 25,
}
TOLD: list[tuple[str, str, str, dict[str, Any], dict[str, str]]] = [
    ("smtpd: connect from unknown[198.51.100.7]", "network", "smtp_connection", UNKNOWN, {}),
    (
        "smtpd: disconnect from host.example.org[198.51.100.7] ehlo=1 auth=0/1 commands=1/2",
        *("network", "smtp_disconnect", HOST, {"commands": "ehlo=1 auth=0/1 commands=1/2"}),
    ),
    (
        "smtpd: lost connection after AUTH from unknown[198.51.100.7]",
        *("network", "smtp_disconnect", UNKNOWN | {"event.outcome": "failure"}),
        {"stage": "AUTH", "reason": "lost connection"},
    ),
    (
        "submission/smtpd: warning: unknown[198.51.100.7]: SASL LOGIN authentication failed: "
        "UGFzc3dvcmQ6, sasl_username=bob from x[192.0.2.66]",
        *("authentication", "smtp_login"),
        {
            **UNKNOWN,
            **{"event.outcome": "failure", "user.name": "bob from x[192.0.2.66]"},
            "log.level": "warning",
        },
        {"method": "LOGIN", "reason": "UGFzc3dvcmQ6"},
    ),
    (
        "smtpd: 4XyZbc2Hq3z1Yw: client=host.example.org[198.51.100.7], sasl_method=PLAIN, "
        "sasl_username=bob@example.org",
        *("authentication", "smtp_login"),
        HOST | {"event.outcome": "success", "user.name": "bob@example.org"},
        {"queue_id": "4XyZbc2Hq3z1Yw", "method": "PLAIN"},
    ),
    (
        "smtpd: 3F2A1B4C5D: client=host.example.org[198.51.100.7]:4001",
        *("email", "email_received", HOST | {"source.port": 4001}, {"queue_id": "3F2A1B4C5D"}),
    ),
    (
        "smtpd: NOQUEUE: reject: RCPT from unknown[198.51.100.7]: 554 5.7.1 <x@example.org>: Relay "
        "access denied; from=<a@example.org> to=<x@example.org> proto=ESMTP "
        "helo=<x from y[192.0.2.66]: > to=<z>>",
        *("email", "email_rejected"),
        {
            **UNKNOWN,
            **{"event.outcome": "failure", "email.from.address": "a@example.org"},
            "email.to.address": "x@example.org",
        },
        {
            **{"queue_id": "NOQUEUE", "stage": "RCPT", "dsn": "554 5.7.1", "protocol": "ESMTP"},
            "reason": "<x@example.org>: Relay access denied",
            "helo": "x from y[192.0.2.66]: > to=<z>",
        },
    ),
    (
        "smtp: Anonymous TLS connection established to mx.example.org[192.0.2.25]:25: TLSv1.3 with "
        "cipher TLS_AES_256_GCM_SHA384 (256/256 bits)",
        *("network", "smtp_tls", RELAY | {"event.outcome": "success"}),
        {"trust": "Anonymous", "cipher": "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384"},
    ),
    (
        "cleanup: 3F2A1B4C5D: warning: header Subject: win from unknown[198.51.100.7]; from=<a@b>",
        *("email", "email_matched", UNKNOWN),
        {
            **{"queue_id": "3F2A1B4C5D", "verb": "warning", "stage": "header"},
            "reason": "Subject: win",
        },
    ),
    (
        "cleanup: 3F2A1B4C5D: message-id=<a.b@example.org>",
        *("email", "email_message_id", {}),
        {"queue_id": "3F2A1B4C5D", "message_id": "a.b@example.org"},
    ),
    (
        "qmgr: 3F2A1B4C5D: from=<a@example.org>, size=1234, nrcpt=2 (queue active)",
        *("email", "email_queued"),
        {"email.from.address": "a@example.org", "file.size": 1234},
        {"queue_id": "3F2A1B4C5D", "recipients": "2"},
    ),
    (
        "smtp: 3F2A1B4C5D: to=<x@example.org>, orig_to=<y>, relay=mx.example.org[192.0.2.25]:25, "
        "delay=1.5, delays=0.1/0/1/0.4, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as ABC)",
        *("email", "email_delivery"),
        {
            **RELAY,
            **{"event.outcome": "success", "event.duration": 1_500_000_000},
            "email.to.address": "x@example.org",
        },
        {
            **{"queue_id": "3F2A1B4C5D", "dsn": "2.0.0", "status": "sent", "orig_to": "y"},
            **{"reason": "250 2.0.0 Ok: queued as ABC", "delays": "0.1/0/1/0.4"},
        },
    ),
    (
        "local: 3F2A1B4C5D: to=<root@example.org>, relay=none, delay=3, delays=0/0/3/0, dsn=5.1.1, "
        'status=bounced (unknown user: "root")',
        *("email", "email_delivery"),
        {
            **{"event.outcome": "failure", "event.duration": 3_000_000_000},
            "email.to.address": "root@example.org",
        },
        {
            **{"queue_id": "3F2A1B4C5D", "dsn": "5.1.1", "status": "bounced"},
            **{"reason": 'unknown user: "root"', "delays": "0/0/3/0"},
        },
    ),
    (
        "bounce: 3F2A1B4C5D: sender non-delivery notification: 5A6B7C8D9E",
        *("email", "email_bounced", {}),
        {"queue_id": "3F2A1B4C5D", "status": "non-delivery", "notice": "5A6B7C8D9E"},
    ),
    ("qmgr: 3F2A1B4C5D: removed", "email", "email_removed", {}, {"queue_id": "3F2A1B4C5D"}),
    (
        "smtp: connect to mx.example.org[192.0.2.25]:25: Connection refused",
        *("network", "smtp_connection", RELAY | {"event.outcome": "failure"}),
        {"reason": "Connection refused"},
    ),
    (
        "pickup: 3F2A1B4C5D: uid=33 from=<www-data>",
        *("email", "email_submitted", {"email.from.address": "www-data"}),
        {"queue_id": "3F2A1B4C5D", "uid": "33"},
    ),
    (
        "postscreen: PREGREET 11 after 0.07 from [198.51.100.7]:4000: EHLO x\\r\\n",
        *("network", "smtp_probe"),
        UNKNOWN | {"event.outcome": "failure", "source.port": 4000},
        {"reason": "PREGREET"},
    ),
]
LINES = [f"{OLD}postfix/{line}" for line, *_ in TOLD]


@pytest.mark.parametrize(("line", "category", "action", "more", "labels"), TOLD)
def test_each_line_says_what_happened(
    line: str, category: str, action: str, more: dict[str, Any], labels: dict[str, str]
) -> None:
    program, _, message = line.partition(": ")
    said = {
        **{"@timestamp": AT, "host.name": "web", "event.dataset": "postfix.log"},
        **{"event.category": category, "event.action": action, "network.protocol": "smtp"},
        **{"process.name": f"postfix/{program}", "process.pid": 8, "message": message},
        **more,
        **({"labels": labels} if labels else {}),
    }
    assert records(f"{OLD}postfix/{program}[8]: {message}") == [said]
    (newer,) = records(f"<22>1 2026-11-22T09:58:49Z web postfix/{program} 8 - - {message}")
    assert newer == {"log.level": "info", "event.severity": 6} | said


def test_a_subject_cannot_forge_a_client() -> None:
    head = f"{OLD}postfix/cleanup[8]: 3F2A1B4C5D: reject: header Subject: "
    plain, forged = records(
        f"{head}win from unknown[198.51.100.7]; from=<a@b> to=<c@d> proto=ESMTP helo=<e>: 5.7.1 no",
        f"{head}x from y[192.0.2.66]; from=<z> from unknown[198.51.100.7]; from=<a@b> helo=<e>",
    )
    assert (plain["source.ip"], plain["labels"]["reason"]) == ("198.51.100.7", "Subject: win")
    assert forged["event.action"] == plain["event.action"] == "email_rejected"
    assert "source.ip" not in forged


def test_hostile_lines() -> None:
    long = "x" * 100_000
    (said,) = records(f"{OLD}postfix/qmgr[8]: 3F2A1B4C5D: from=<{long}>, size=1, nrcpt=1 (queue)")
    assert said["email.from.address"] == long
    daemons.are_not_claimed(
        [f"{OLD}app[8]: postfix/smtpd: connect from x[192.0.2.9]", "postfix/smtpd[8]: connect"],
        "postfix",
    )


def test_other_lines_are_left_alone_and_its_own_taken() -> None:
    daemons.are_not_claimed([line for line in daemons.OTHERS if "postfix" not in line], "postfix")
    daemons.are_claimed(LINES, "postfix")


@given(lines=daemons.mutated(LINES))
@fuzz
def test_no_line_is_lost(lines: list[str]) -> None:
    daemons.survive(lines, "postfix")
