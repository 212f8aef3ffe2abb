"""Plans: what is done where, what is left to people, and what is never proposed."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analysis.remedy import (
    MOST_ADDRESSES,
    MOST_HOSTS,
    MOST_STEPS,
    FoundFile,
    TakenAccount,
    plan,
    plan_of,
)
from apps.contracts import Attacker, AutomaticStep, Kind, ManualTask, Match, Remedy, Seen
from tests.analysis.made import MALLORY, TRUDY, at, expert


def attacker(*addresses: str) -> Attacker:
    seen = tuple(Seen(a, 9, at(0), at(9)) for a in addresses)
    return Attacker(seen, (), (), (), (), (), at(0), at(9))


def planned(
    addresses: tuple[str, ...] = (MALLORY,), hosts: tuple[str, ...] = ("shop",), **more: Any
) -> Remedy:
    facts = {"kind": "brute_force", "confidence": 0.9, "accounts_taken": ["anna"], **more}
    files = facts.pop("found", ())
    accounts = facts.pop("accounts", ())
    match = Match(expert(), 0.9, ())
    return plan(match, attacker(*addresses), hosts, files, accounts=accounts, facts=facts)


def test_addresses_on_every_host_accounts_and_files_where_they_are() -> None:
    made = planned(
        (MALLORY, TRUDY, MALLORY),
        ("shop", "mail"),
        accounts=(TakenAccount("anna", "shop"), TakenAccount("ben")),
        found=(FoundFile("/srv/x.php", "shop", "ab" * 32),),
    )
    assert [(s.action, s.host, dict(s.parameters)) for s in made.steps] == [
        ("block_address", "shop", {"address": MALLORY, "hours": 24}),
        ("block_address", "shop", {"address": TRUDY, "hours": 24}),
        ("block_address", "mail", {"address": MALLORY, "hours": 24}),
        ("block_address", "mail", {"address": TRUDY, "hours": 24}),
        ("disable_account", "shop", {"account": "anna"}),
        ("disable_account", "shop", {"account": "ben"}),
        ("disable_account", "mail", {"account": "ben"}),
        ("quarantine_file", "shop", {"path": "/srv/x.php", "sha256": "ab" * 32}),
    ]
    assert made.steps[0].reason == f"Keeps {MALLORY} out."
    assert [(t.title, t.detail) for t in made.tasks] == [("Change the passwords", "of anna")]


def test_without_a_host_the_plan_says_that_one_must_be_named() -> None:
    made = planned(hosts=())
    assert [s.host for s in made.steps] == [""]
    assert made.tasks[0].title == "Name the host to repair"


def test_nothing_automatic_under_half_a_confidence_or_for_an_anomaly() -> None:
    for more in ({"confidence": 0.49}, {"kind": "anomaly"}):
        made = planned(**more)
        assert made.steps == ()
        assert made.tasks[0].title == "Decide by hand whether to repair"
        assert made.tasks[1].title == "Change the passwords"
    assert "49%" in planned(confidence=0.49).tasks[0].detail


def test_what_a_cap_leaves_out_is_said() -> None:
    many = tuple(f"203.0.113.{i}" for i in range(MOST_ADDRESSES + 7))
    made = planned(many)
    assert [s.parameters["address"] for s in made.steps] == list(many[:MOST_ADDRESSES])
    assert made.tasks[0].title == "Deal with 7 more of the attacker's addresses by other means"


def test_what_is_no_address_is_not_blocked() -> None:
    assert [s.parameters["address"] for s in planned(("shop", MALLORY)).steps] == [MALLORY]


ADDRESSES = st.lists(st.ip_addresses().map(str), max_size=90)
HOSTS = st.lists(st.text("abc", max_size=3), max_size=20)


@settings(max_examples=80, deadline=None)
@given(ADDRESSES, HOSTS)
def test_no_plan_is_larger_than_its_caps_or_says_anything_twice(
    addresses: list[str], hosts: list[str]
) -> None:
    made = planned(tuple(addresses), tuple(hosts))
    assert len(made.steps) <= MOST_STEPS
    assert len({s.host for s in made.steps}) <= MOST_HOSTS
    keys = [(s.action, s.host, str(s.parameters)) for s in made.steps]
    assert len(keys) == len(set(keys))
    wanted = len(set(addresses)) * max(1, len(set(hosts)))
    if len(made.steps) < wanted:
        assert any("more" in task.title for task in made.tasks)


def test_every_kind_shown_is_answered_once_by_the_best_record_for_it() -> None:
    automatic = [
        (AutomaticStep("block_address", "attacker.addresses", "A.", {"hours": hours}),)
        for hours in (168, 24, 4)
    ]
    matches = [
        Match(expert("shell", (Kind.WEB_SHELL,), automatic=automatic[0]), 0.9, ()),
        Match(expert("shell-too", (Kind.WEB_SHELL,), automatic=automatic[1]), 0.8, ()),
        Match(expert("guess", (Kind.BRUTE_FORCE,), manual=[ManualTask("Ask the owner")]), 0.5, ()),
    ]
    facts = {"kind": "web_shell", "kinds": ["web_shell", "brute_force"], "confidence": 0.9}
    made = plan_of(
        matches,
        attacker(MALLORY),
        ["shop"],
        [],
        accounts=[TakenAccount("anna", "shop")],
        facts=facts,
    )
    assert [(s.action, dict(s.parameters)) for s in made.steps] == [
        ("block_address", {"address": MALLORY, "hours": 168}),
        ("disable_account", {"account": "anna"}),
    ]
    assert [task.title for task in made.tasks] == ["Change the passwords", "Ask the owner"]
