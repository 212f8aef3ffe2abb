"""Watched names against real name servers on loopback."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.acquisition.collecting import (
    Collected,
    Reach,
    Uncollected,
    compare,
    lines_of,
    read_options,
)
from apps.acquisition.collectors.names import COLLECTOR, server_of
from apps.acquisition.reading import read
from apps.contracts import Refused
from apps.protection.outbound import networks_of
from tests.acquisition.collectors.name_server import NameServer, Zone, name_server

LOOPBACK = Reach(networks=networks_of(["127.0.0.0/8"]))
NOW = datetime(2026, 11, 29, tzinfo=UTC)
ZONE: Zone = {
    ("shop.example", "A"): ["192.0.2.10", "192.0.2.11"],
    ("shop.example", "MX"): ["10 mail.shop.example."],
    ("shop.example", "TXT"): ['"v=spf1 -all"'],
    ("www.shop.example", "CNAME"): ["shop.example."],
}
HIJACKED: Zone = {**ZONE, ("shop.example", "A"): ["203.0.113.66"]}


def collect(*servers: NameServer | str, names: str = "shop.example", **options: Any) -> Collected:
    where = [s if isinstance(s, str) else f"127.0.0.1:{s.port}" for s in servers]
    asked = {"resolvers": where, "authoritative": False, "types": ["A", "MX", "TXT"], **options}
    return COLLECTOR.collect(
        COLLECTOR.check(names, read_options(COLLECTOR, asked)),
        read_options(COLLECTOR, asked),
        LOOPBACK,
    )


def said(collected: Collected) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (o.fields["dns.question.type"], o.fields["dns.resolver"]): dict(o.fields)
        for o in collected.observations
    }


def test_what_each_resolver_says_is_told_with_its_ttl() -> None:
    with name_server(ZONE) as one, name_server(ZONE, ttl=60) as two:
        got = said(collect(one, two))
        first = got["A", f"127.0.0.1:{one.port}"]
        assert first["dns.answers"] == "192.0.2.10 192.0.2.11"
        assert (first["dns.response_code"], first["dns.ttl"]) == ("NOERROR", 300)
        assert first["dns.differs"] is False
        assert got["A", f"127.0.0.1:{two.port}"]["dns.ttl"] == 60
        assert got["TXT", f"127.0.0.1:{one.port}"]["dns.answers"] == '"v=spf1 -all"'
        assert first["event.original"].splitlines()[0] == "shop.example. 300 IN A 192.0.2.10"


def test_a_resolver_that_says_otherwise_is_told_apart() -> None:
    with name_server(ZONE) as one, name_server(ZONE) as two, name_server(HIJACKED) as other:
        got = said(collect(one, two, other))
        odd = got["A", f"127.0.0.1:{other.port}"]
        assert odd["dns.differs"] is True
        assert odd["dns.only_here"] == "203.0.113.66"
        assert odd["dns.missing_here"] == "192.0.2.10 192.0.2.11"
        assert got["A", f"127.0.0.1:{one.port}"]["dns.differs"] is True
        assert got["MX", f"127.0.0.1:{other.port}"]["dns.differs"] is False


def test_an_answer_that_changed_is_a_change_and_a_silent_resolver_is_none() -> None:
    with name_server(ZONE) as one, name_server(ZONE) as two:
        _documents, known = compare({}, collect(one, two), NOW)
        one.zone = HIJACKED
        two.mood = "silent"
        documents, known = compare(known, collect(one, two, types=["A"]), NOW)
        actions = {(d["dns.resolver"], d["event.action"]) for d in documents}
        assert actions == {
            (f"127.0.0.1:{one.port}", "changed"),
            (f"127.0.0.1:{two.port}", "observed"),
        }
        changed = next(d for d in documents if d["event.action"] == "changed")
        assert changed["was.dns.answers"] == "192.0.2.10 192.0.2.11"
        two.mood = "well"
        documents, _known = compare(known, collect(one, two, types=["A"]), NOW)
        assert {d["event.action"] for d in documents} == {"observed"}


def test_a_name_that_vanished_is_a_change_of_its_code() -> None:
    with name_server(ZONE) as one:
        _documents, known = compare({}, collect(one, types=["A"]), NOW)
        one.zone = {}
        [document], _known = compare(known, collect(one, types=["A"]), NOW)
        assert document["dns.response_code"] == "NXDOMAIN"
        assert document["changed"] == "dns.response_code dns.answers"


def test_an_alias_is_followed_and_told() -> None:
    with name_server(ZONE) as one:
        got = said(collect(one, names="www.shop.example"))
        assert got["A", f"127.0.0.1:{one.port}"]["dns.aliases"] == "shop.example."
        assert got["A", f"127.0.0.1:{one.port}"]["dns.answers"] == "192.0.2.10 192.0.2.11"


def test_an_answer_that_does_not_fit_is_asked_for_again_by_tcp() -> None:
    many = {("big.example", "TXT"): [f'"{n:03}{"x" * 200}"' for n in range(60)]}
    with name_server(many, mood="cut") as one:
        got = said(collect(one, names="big.example", types=["TXT"]))
        assert len(got["TXT", f"127.0.0.1:{one.port}"]["dns.answers"].split()) == 60


@pytest.mark.parametrize("mood", ["silent", "garbage"])
def test_a_server_that_does_not_answer_costs_seconds_and_is_said(mood: str) -> None:
    with name_server(ZONE, mood=mood) as bad, name_server(ZONE) as good:
        began = time.monotonic()
        got = collect(bad, good)
        assert time.monotonic() - began < 8
        assert not got.failed
        assert f"127.0.0.1:{bad.port}: No answer" in got.notes[0]
        assert "3 questions" in got.notes[0]
        assert said(got)["A", f"127.0.0.1:{good.port}"]["dns.answers"]
        assert collect(bad, types=["A"]).failed


def test_a_run_ends_in_its_seconds_however_many_are_silent() -> None:
    with name_server(ZONE, mood="silent") as bad:
        names = " ".join(f"n{number}.example" for number in range(20))
        began = time.monotonic()
        got = collect(bad, names=names, seconds=1)
        assert time.monotonic() - began < 3
        assert got.failed


@pytest.mark.skipif(os.geteuid() != 0, reason="binds port 53 of a loopback address")
def test_the_servers_of_the_zone_are_found_and_asked_themselves() -> None:
    known = {
        **HIJACKED,
        ("shop.example", "NS"): ["ns1.shop.example."],
        ("ns1.shop.example", "A"): ["127.0.0.88"],
    }
    with (
        name_server(known) as resolver,
        name_server(ZONE, address="127.0.0.88", port=53, authoritative=True),
    ):
        got = said(collect(resolver, names="shop.example", types=["A"], authoritative=True))
        own = got["A", "ns1.shop.example (127.0.0.88)"]
        assert own["dns.authoritative"] is True
        assert own["dns.answers"] == "192.0.2.10 192.0.2.11"
        assert own["dns.zone_server"] == "ns1.shop.example"
        assert own["dns.differs"] is True  # the resolver was lied to
        asked = {"resolvers": [f"127.0.0.1:{resolver.port}"], "types": ["A"]}
        options = read_options(COLLECTOR, asked)
        only_one = Reach(networks=networks_of(["127.0.0.1/32"]))
        assert len(COLLECTOR.collect("shop.example", options, only_one).observations) == 1


def test_a_resolver_in_a_private_network_must_be_allowed() -> None:
    options = read_options(COLLECTOR, {"resolvers": ["10.0.0.53"]})
    with pytest.raises(Uncollected, match="private network"):
        COLLECTOR.collect("shop.example", options, Reach())


def test_records_of_answers_have_the_columns_of_the_schema() -> None:
    with name_server(ZONE) as one:
        documents, _known = compare({}, collect(one, types=["A"]), NOW)
    frame = read(lines_of(documents), protocol="observed").frame
    row = frame.row(0, named=True)
    assert row["event.dataset"] == "dns.answer"
    assert row["dns.question.name"] == "shop.example"
    assert row["dns.question.type"] == "A"
    assert row["dns.answers"] == "192.0.2.10 192.0.2.11"
    assert row["dns.response_code"] == "NOERROR"
    assert row["destination.ip"] == "127.0.0.1"
    assert '"dns.ttl":300' in row["labels"]


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("", {}),
        (".", {}),
        ("a..b", {}),
        ("x" * 64 + ".example", {}),
        (" ".join(f"n{n}.example" for n in range(21)), {}),
        ("shop.example", {"resolvers": ["resolver.example"]}),
        ("shop.example", {"resolvers": ["192.0.2.1:0"]}),
        ("shop.example", {"types": ["AXFR"]}),
        ("shop.example", {"types": ["NOTYPE"]}),
        ("shop.example", {"types": ["TYPE99999"]}),
        ("shop.example", {"types": []}),
    ],
)
def test_what_cannot_be_asked_is_refused(target: str, options: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        COLLECTOR.check(target, read_options(COLLECTOR, options))


def test_names_are_kept_as_they_go_over_the_wire() -> None:
    options = read_options(COLLECTOR, {})
    assert COLLECTOR.check("Shop.Example., bücher.example", options) == (
        "shop.example xn--bcher-kva.example"
    )
    assert str(server_of("[2001:db8::1]:5353")) == "[2001:db8::1]:5353"
    assert str(server_of("2001:db8::1")) == "2001:db8::1"
