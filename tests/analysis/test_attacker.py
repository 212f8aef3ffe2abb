"""What the records say of an attacker."""

from __future__ import annotations

import pytest

from apps.analysis.attacker import profile, program
from apps.analysis.serialise import attacker_from, attacker_json
from apps.contracts import Finding, Kind
from tests.analysis.made import MALLORY, SHOP, TRUDY, at, finding, frame, knock, login, request


def test_accounts_tried_and_the_one_taken_after_failures() -> None:
    rows = [login(i, "root") for i in range(5)] + [login(6, "anna"), login(9, "anna", "success")]
    who = profile(frame(rows), [finding(records=range(6), target="shop")])
    assert [(s.value, s.count) for s in who.accounts] == [("root", 5), ("anna", 1)]
    assert who.accounts_taken == ("anna",)
    assert [(s.value, s.count) for s in who.addresses] == [(MALLORY, 6)]
    assert [s.value for s in who.targets] == ["shop"]
    assert (who.addresses[0].first, who.addresses[0].last) == (at(0), at(6))


def test_an_ordinary_login_and_a_key_are_not_taken_accounts() -> None:
    rows = [login(0, "anna"), login(1, "anna"), login(5, "anna", "success")]
    assert profile(frame(rows), [finding(records=(0, 1))]).accounts_taken == ()
    rows = [login(i, "root") for i in range(9)]
    with_key = login(20, "anna", "success")
    with_key["event.original"] = f"sshd: Accepted publickey for anna from {MALLORY}"
    assert profile(frame([*rows, with_key]), [finding(records=range(9))]).accounts_taken == ()
    from_elsewhere = login(20, "anna", "success", source=TRUDY)
    assert profile(frame([*rows, from_elsewhere]), [finding(records=range(9))]).accounts_taken == ()


def test_the_typing_errors_of_someone_who_guessed_nothing_take_no_account() -> None:
    rows = [request(0, "GET", "/?q=it's")]
    rows += [login(i, "carol") for i in range(1, 4)] + [login(5, "carol", "success")]
    who = profile(frame(rows), [finding(Kind.WEB_INJECTION, records=(0,))])
    assert (who.accounts, who.accounts_taken) == ((), ())


def test_what_a_tool_says_was_taken_counts() -> None:
    seen = finding(parameters={"accounts_taken": ["ben"]})
    assert profile(frame([login(0, "ben")]), [seen]).accounts_taken == ("ben",)


def test_tools_by_user_agent_and_no_browser_among_them() -> None:
    agents = [
        "sqlmap/1.8.2#stable (https://sqlmap.org)",
        "sqlmap/1.7",
        "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
        "-",
    ]
    rows = [
        request(i, "GET", "/", **{"user_agent.original": agent}) for i, agent in enumerate(agents)
    ]
    who = profile(frame(rows), [finding(Kind.WEB_INJECTION, records=range(5))])
    assert [(s.value, s.count) for s in who.tools] == [("sqlmap", 2), ("Nmap", 1)]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/4.0 (Hydra)", "Hydra"),
        ("curl/8.5.0", "curl"),
        ("evilbot/2", "evilbot/2"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537.36", ""),
    ],
)
def test_programs_by_name(agent: str, name: str) -> None:
    assert program(agent) == name


def test_a_finding_that_knows_only_a_file_leads_to_who_called_it() -> None:
    rows = [request(0, "GET", "/up/x.php", source=TRUDY)]
    who = profile(frame(rows), [finding(Kind.WEB_SHELL, "/srv/up/x.php", "shop")])
    assert [s.value for s in who.addresses] == [TRUDY]


def test_addresses_known_only_to_the_finding_are_kept_and_techniques_in_order() -> None:
    seen = [
        finding(Kind.FLOOD, TRUDY, t=50, records=(99,)),
        finding(Kind.PORT_SCAN, t=0, records=(0,)),
    ]
    who = profile(frame([knock(0, 22)]), seen)
    assert {s.value for s in who.addresses} == {MALLORY, TRUDY}
    assert who.techniques == ("T1046", "T1498")
    assert [s.value for s in who.targets] == [SHOP]
    assert attacker_from(attacker_json(who)) == who


def seen_twice(*addresses: str) -> list[Finding]:
    """Guesses that the log of `shop` tells of, and those that its own capture shows."""
    by_log = finding(target="shop", host="shop", records=(0, 1))
    return [by_log, *(finding(target=each, host="shop", records=(2,)) for each in addresses)]


def test_a_host_seen_by_its_name_and_by_its_address_is_one_target() -> None:
    rows = [login(0, "root"), login(1, "root"), knock(2, 22)]
    targets = profile(frame(rows), seen_twice(SHOP)).targets
    assert [(s.value, s.count) for s in targets] == [(f"shop ({SHOP})", 3)]


def test_a_host_that_watches_a_network_names_none_of_its_addresses() -> None:
    rows = [login(0, "root"), login(1, "root"), knock(2, 22)]
    targets = profile(frame(rows), seen_twice(SHOP, "198.51.100.77")).targets
    assert {s.value for s in targets} == {"shop", SHOP, "198.51.100.77"}
