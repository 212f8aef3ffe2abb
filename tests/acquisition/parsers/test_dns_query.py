"""Query logs of BIND, dnsmasq and Unbound: who asked for what, and what was answered."""

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
    mutated,
    survives,
)
from tests.acquisition.parsers.trying import one as any_one
from tests.acquisition.parsers.trying import records as any_records

one = partial(any_one, parser="dns_query")
records = partial(any_records, parser="dns_query")

BIND = "22-Nov-2026 09:58:49.250 queries: info: client @0x7fb24da1d898 203.0.113.9#16491 (x.example.org): query: x.example.org IN TXT +E(0)TK (192.0.2.1)"
OLD = "Nov 22 09:58:49 ns1 named[812]: client 203.0.113.9#16491 (x.example.org): view internal: query: x.example.org IN A + (192.0.2.1)"
CASES: list[tuple[str, tuple[Any, ...]]] = [
    (BIND, ("bind.query", "dns_query", None, "203.0.113.9", "x.example.org", "TXT", None, None)),
    (OLD, ("bind.query", "dns_query", None, "203.0.113.9", "x.example.org", "A", None, None)),
    ("client 2001:db8::7#1: query: . IN NS -", ("bind.query", "dns_query", None, "2001:db8::7", ".", "NS", None, None)),
    ("22-Nov-2026 09:58:49.250 security: info: client @0x7f 203.0.113.9#1 (a.example.org): query (cache) 'a.example.org/A/IN' denied (allow-query-cache did not match)",
     ("bind.query", "dns_denied", "failure", "203.0.113.9", "a.example.org", "A", None, None)),
    ("22-Nov-2026 09:58:49.250 client @0x7f 203.0.113.9#1 (a.example.org): query failed (timed out) for a.example.org/IN/TXT at query.c:7916",
     ("bind.query", "dns_answer", "failure", "203.0.113.9", "a.example.org", "TXT", None, None)),
    ("<30>1 2026-11-22T09:58:49.25Z ns1 named 812 - - client @0x7f 203.0.113.9#1 (b.example.org): rpz QNAME NXDOMAIN rewrite b.example.org/A/IN via b.example.org.rpz",
     ("bind.query", "dns_blocked", None, "203.0.113.9", "b.example.org", "A", None, None)),
    ("22-Nov-2026 09:58:49.250 client @0x7f 203.0.113.9#1 (example.org): zone transfer 'example.org/AXFR/IN' denied",
     ("bind.query", "zone_transfer", "failure", "203.0.113.9", "example.org", "AXFR", None, None)),
    ("Nov 22 09:58:49 dnsmasq[21439]: query[AAAA] ns.example.org from 203.0.113.9",
     ("dnsmasq.query", "dns_query", None, "203.0.113.9", "ns.example.org", "AAAA", None, None)),
    ("Nov 22 09:58:49 gw dnsmasq[21432]: 13 203.0.113.9/42825 config h.example.net is 192.0.2.5",
     ("dnsmasq.query", "dns_answer", "success", "203.0.113.9", "h.example.net", None, None, "192.0.2.5")),
    ("Nov 22 09:58:49 dnsmasq[21439]: forwarded ns.example.org to 192.0.2.53#5301",
     ("dnsmasq.query", "dns_forward", None, None, "ns.example.org", None, None, None)),
    ("Nov 22 09:58:49 dnsmasq[21439]: reply a.example.org is NXDOMAIN",
     ("dnsmasq.query", "dns_answer", "failure", None, "a.example.org", None, "NXDOMAIN", None)),
    ("Nov 22 09:58:49 dnsmasq[21439]: reply a.example.org is NODATA-IPv6",
     ("dnsmasq.query", "dns_answer", "success", None, "a.example.org", None, "NOERROR", None)),
    ("Nov 22 09:58:49 dnsmasq[21439]: reply error is SERVFAIL",
     ("dnsmasq.query", "dns_answer", "failure", None, None, None, "SERVFAIL", None)),
    ("Nov 22 09:58:49 dnsmasq[21439]: reply w.example.org is <CNAME>",
     ("dnsmasq.query", "dns_answer", "success", None, "w.example.org", None, None, None)),
    ("Nov 22 09:58:49 dnsmasq[21439]: gravity blocked ad.example.org is 0.0.0.0",
     ("dnsmasq.query", "dns_blocked", None, None, "ad.example.org", None, None, "0.0.0.0")),
    ("[1795341529] unbound[21440:0] query: 203.0.113.9 www.example.org. A IN",
     ("unbound.query", "dns_query", None, "203.0.113.9", "www.example.org", "A", None, None)),
    ("[1795341529] unbound[21440:0] reply: 203.0.113.9 www.example.org. A IN NXDOMAIN 0.000423 1 77",
     ("unbound.query", "dns_answer", "failure", "203.0.113.9", "www.example.org", "A", "NXDOMAIN", None)),
    ("Nov 22 09:58:49 gw unbound[812]: [812:0] info: 203.0.113.9 example.org. A IN",
     ("unbound.query", "dns_query", None, "203.0.113.9", "example.org", "A", None, None)),
    ("[1795341529] unbound[21440:0] info: bad.example. always_nxdomain 203.0.113.9@39338 x.bad.example. A IN",
     ("unbound.query", "dns_local", None, "203.0.113.9", "x.bad.example", "A", None, None)),
    ("[1795341529] unbound[21440:0] error: SERVFAIL <x.example. TXT IN>: all servers failed",
     ("unbound.query", "dns_answer", "failure", None, "x.example", "TXT", "SERVFAIL", None)),
]  # fmt: skip
FIELDS = ("event.dataset", "event.action", "event.outcome", "source.ip", "dns.question.name",
          "dns.question.type", "dns.response_code", "dns.answers")  # fmt: skip


@pytest.mark.parametrize(("line", "said"), CASES, ids=[line[-30:] for line, _ in CASES])
def test_a_line_says(line: str, said: tuple[Any, ...]) -> None:
    row = one(line)
    assert tuple(row.get(name) for name in FIELDS) == said
    assert (row["event.category"], row["network.protocol"]) == ("dns", "dns")
    if not line.startswith("client"):
        when = row["@timestamp"].replace(microsecond=0)
        assert when == datetime(2026, 11, 22, 9, 58, 49, tzinfo=UTC)


def test_the_rest_of_a_line_is_kept_too() -> None:
    assert one(BIND) == {
        "@timestamp": datetime(2026, 11, 22, 9, 58, 49, 250_000, tzinfo=UTC),
        "event.dataset": "bind.query",
        "event.category": "dns",
        "event.action": "dns_query",
        "source.ip": "203.0.113.9",
        "source.port": 16491,
        "destination.ip": "192.0.2.1",
        "network.transport": "tcp",
        "network.protocol": "dns",
        "process.name": "named",
        "dns.question.name": "x.example.org",
        "dns.question.type": "TXT",
        "message": BIND.partition(" 09:58:49.250 ")[2],
        "labels": {"flags": "+E(0)TK"},
    }
    old, reply = one(OLD), one(CASES[16][0])
    assert (old["host.name"], old["process.pid"], old["labels"]["view"]) == ("ns1", 812, "internal")
    assert (old["network.transport"], old["destination.ip"]) == ("udp", "192.0.2.1")
    assert reply["event.duration"] == 423_000
    assert reply["labels"] == {"seconds": "0.000423", "size": "77", "cached": "1"}


def test_a_name_cannot_forge_who_asked() -> None:
    said = one("Nov 22 09:58:49 dnsmasq[9]: query[A] a from 192.0.2.66 from 203.0.113.9")
    assert (said["source.ip"], said["dns.question.name"]) == ("203.0.113.9", "a from 192.0.2.66")


def test_it_leaves_what_is_not_its_own() -> None:
    assert claims_nothing_else("dns_query")
    foreign = [
        "Nov 22 09:58:49 web app[8]: client 192.0.2.66#1 (a): query: a IN A +",
        "Nov 22 09:58:49 web sshd[8]: Invalid user query[A] a from 192.0.2.66",
        "Nov 22 09:58:49 dnsmasq[9]: started, version 2.90 cachesize 150",
        "[1795341529] unbound[21440:0] info: start of service (unbound 1.17.1).",
        "Nov 22 09:58:49 ns1 named[812]: running",
    ]
    assert all("event.dataset" not in row for row in records(*foreign))


def test_it_is_surest_of_its_own_lines() -> None:
    lines = [line for line, _ in CASES]
    assert first_choice(lines) == "dns_query"
    said = any_records(*lines)
    assert all(row["event.dataset"].endswith(".query") for row in said)


@given(mutated([line for line, _ in CASES]))
@few
def test_no_line_makes_it_raise(lines: list[str]) -> None:
    survives("dns_query", lines)
