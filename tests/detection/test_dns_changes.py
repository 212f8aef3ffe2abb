"""What becomes of watched names, from what servers say to the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from apps.acquisition.collecting import Collected, Reach, compare, lines_of, read_options
from apps.acquisition.collectors.names import COLLECTOR, Said, Server, observed
from apps.acquisition.reading import read
from apps.contracts import Kind, Risk
from apps.detection.evidence import ready
from apps.detection.tools.dns_changes import TOOL
from apps.protection.outbound import networks_of
from tests.acquisition.collectors.name_server import Zone, name_server
from tests.detection.watched import last, told

NAME = "shop.example"
OURS, THEIRS = Server(ip_address("192.0.2.53"), zone_server="ns1.shop.example"), "203.0.113.66"
PUBLIC = (Server(ip_address("192.0.2.1")), Server(ip_address("192.0.2.2")))
HOME = {"A": ["198.51.100.10"], "NS": ["ns1.host.example.", "ns2.host.example."]}
HOME |= {"MX": ["10 mail.shop.example."]}

Answers = Mapping[str, Sequence[str]]


def run(
    answers: Answers,
    by_server: Mapping[Server, Answers] | None = None,
    *,
    ttl: int = 3600,
    code: str = "NOERROR",
    aliases: Sequence[str] = (),
) -> Collected:
    """A run that asked two resolvers and the zone; `by_server` has who says otherwise."""
    said = {}
    for server in (*PUBLIC, OURS):
        for kind, values in {**answers, **(by_server or {}).get(server, {})}.items():
            said[NAME, kind, server] = Said(
                code=code,
                values=tuple(sorted(values)),
                ttl=ttl if server is OURS else 60,
                authoritative=server is OURS,
                aliases=tuple(aliases) if kind == "A" else (),
            )
    return observed(said)


def test_other_name_servers_are_the_gravest() -> None:
    stolen = {"NS": ["ns1.evil.example.", "ns2.evil.example."], "A": [THEIRS]}
    (one,) = last(run(HOME), run(HOME), run({**HOME, **stolen}))
    assert (one.kind, one.risk, one.target) == (Kind.HIJACK, Risk.DOMAIN_HIJACK, NAME)
    assert (one.severity, one.subject, one.techniques) == (85, "", ("T1584.001",))
    assert one.parameters["signs"] == ["name_servers", "addresses"]
    assert (
        one.title
        == f"{NAME} has other name servers than ever before: ns1.evil.example ns2.evil.example"
    )
    assert one.parameters["answers_before"] == "ns1.host.example. ns2.host.example."


def test_one_new_name_server_beside_the_others_is_told_less_gravely() -> None:
    more = [*HOME["NS"], "ns3.evil.example."]
    (one,) = last(run(HOME), run({**HOME, "NS": more}))
    assert (one.severity, one.parameters["signs"]) == (60, ["name_servers"])
    assert one.title.endswith("more name servers than ever before: ns3.evil.example")


def test_addresses_that_all_lie_elsewhere_are_a_finding_and_each_change_is_told_once() -> None:
    moved = {**HOME, "A": [THEIRS]}
    zone_first = {server: {"A": HOME["A"]} for server in PUBLIC}  # they hold what they know a while
    days = told([run(HOME), run(moved, zone_first), run(moved), run(moved), run(HOME), run(moved)])
    assert [len(day) for day in days] == [0, 1, 0, 0, 0, 0]
    (one,) = days[1]
    assert (one.severity, one.parameters["signs"]) == (50, ["addresses"])
    assert one.title == f"{NAME} has other networks than ever before: 203.0.113.0/24"


@pytest.mark.parametrize(
    "addresses",
    [
        ["198.51.100.10", THEIRS],  # one more
        ["198.51.100.99"],  # another of the same network
    ],
)
def test_an_ordinary_change_of_addresses_is_silent(addresses: list[str]) -> None:
    assert not last(run(HOME), run({**HOME, "A": addresses}))


def test_a_round_robin_of_networks_is_silent_once_it_is_known() -> None:
    """Six networks in turn, and then some of a seventh and an eighth: it rotates."""
    turn = [run({"A": [f"198.51.{n % 6}.1"]}) for n in range(12)]
    days = told([*turn, run({"A": ["198.51.77.1"]}), run({"A": ["198.51.78.1"]})])
    assert sum(map(len, days)) == 4  # while it looked like a name that does not rotate
    assert not any(days[5:])


def test_a_name_in_somebody_elses_zone_moves_as_that_one_likes() -> None:
    at_a_cdn = [
        run({"A": [f"203.0.{n}.1"], "CNAME": ["d1.cdn.example."]}, aliases=["d1.cdn.example."])
        for n in range(4)
    ]
    assert not last(*at_a_cdn)
    own = [run({"A": [f"203.0.{n}.1"]}, aliases=["www.shop.example."]) for n in range(2)]
    assert last(*own)
    dangling = run({"A": [THEIRS], "CNAME": ["x.evil.example."]}, aliases=["x.evil.example."])
    (one,) = last(at_a_cdn[0], dangling)
    assert one.parameters["signs"] == ["alias", "addresses"]


def test_a_resolver_that_says_otherwise_than_the_zone_is_alone() -> None:
    lied_to = {PUBLIC[1]: {"A": [THEIRS]}}
    (one,) = last(run(HOME), run(HOME, lied_to))
    assert one.title == f"192.0.2.2 alone says other networks of {NAME}: 203.0.113.0/24"
    assert (one.severity, one.techniques) == (65, ("T1557",))
    assert one.parameters["signs"] == ["resolver_alone"]
    assert len(one.records) == 1


def test_a_name_that_vanished_everywhere_or_for_one_resolver() -> None:
    (one,) = last(run(HOME), run(dict.fromkeys(HOME, ()), code="NXDOMAIN"))
    assert (one.severity, one.parameters["signs"]) == (60, ["name_gone"])
    assert one.title == f"{NAME} does not exist any more"
    blocked = {PUBLIC[0]: {"A": ()}}
    assert not last(run(HOME), run(HOME, blocked))  # no data is not no name
    failing = run(dict.fromkeys(HOME, ()), code="SERVFAIL")
    assert not last(run(HOME), failing)


def test_answers_made_short_lived_are_a_hint_and_longer_ones_none() -> None:
    (one,) = last(run(HOME, ttl=86_400), run(HOME, ttl=60))
    assert (one.severity, one.parameters["signs"]) == (25, ["short_lived"])
    assert not last(
        run(HOME, ttl=86_400), run(HOME, ttl=3600), run(HOME, ttl=300), run(HOME, ttl=60)
    )
    assert not last(run(HOME, ttl=60), run(HOME, ttl=86_400))


def test_mail_that_goes_elsewhere_is_a_finding() -> None:
    (one,) = last(run(HOME), run({**HOME, "MX": ["5 mx.evil.example."]}))
    assert (one.severity, one.parameters["signs"]) == (55, ["mail_servers"])


def test_a_watch_begun_before_there_was_a_memory_learns_it_first() -> None:
    known = {
        group: things
        for group, things in compare({}, run(HOME), datetime(2026, 11, 28, tzinfo=UTC))[1].items()
        if not group.startswith("(")
    }
    documents, _known = compare(known, run({**HOME, "A": [THEIRS]}), datetime.now(UTC))
    assert not TOOL.detect(ready(read(lines_of(documents), protocol="observed").frame))


def test_the_answers_of_real_servers_lead_to_a_finding() -> None:
    zone: Zone = {(NAME, kind): list(values) for kind, values in HOME.items()}
    reach = Reach(networks=networks_of(["127.0.0.0/8"]))
    with name_server(zone) as one:
        asked = {"resolvers": [f"127.0.0.1:{one.port}"], "authoritative": False}
        options = read_options(COLLECTOR, asked)
        before = COLLECTOR.collect(NAME, options, reach)
        one.zone = {**zone, (NAME, "NS"): ["ns.evil.example."]}
        (found,) = last(before, COLLECTOR.collect(NAME, options, reach))
    assert found.parameters["signs"] == ["name_servers"]


def test_a_server_that_was_never_asked_before_has_no_changed_answer() -> None:
    before = run({**HOME, "TXT": ['"one"']})
    few = [seen for seen in before.observations if PUBLIC[1].address.compressed not in seen.key]
    first = Collected(few, frozenset(seen.group for seen in few))
    assert not last(first, run({**HOME, "TXT": ['"two"']}, {PUBLIC[1]: {"A": [THEIRS]}}))
