"""Which expert record fits an incident, and why."""

from __future__ import annotations

from typing import Any

import pytest

from apps.analysis.attacker import profile
from apps.analysis.campaign import describe
from apps.analysis.matching import FACTS, facts_of, holds, match
from apps.contracts import Attacker, Condition, Kind
from tests.analysis.made import MALLORY, expert, finding, frame, login


def facts(**more: Any) -> dict[str, Any]:
    given = {
        "kind": "brute_force",
        "kinds": ["brute_force", "port_scan"],
        "severity": 70,
        "confidence": 0.8,
        "techniques": ["T1110.001"],
        "accounts_taken": ["anna"],
        "network_label": "BruteForce",
        "p_attack": 0.9,
        "unsure": False,
        "http_status_ok": False,
        "files": [],
    }
    return {**given, **more}


def test_the_facts_of_an_incident_have_the_names_conditions_may_use() -> None:
    seen = [finding(records=range(5), host="shop")]
    who: Attacker = profile(frame([login(i, "root") for i in range(5)]), seen)
    campaign = describe(seen, [None], [0], [""])
    made = facts_of(campaign, who, record_count=5, files=["/srv/x.php"])
    assert tuple(made) == FACTS
    assert made["attacker_addresses"] == [MALLORY]
    assert (made["kind"], made["p_attack"], made["hosts"]) == ("brute_force", None, ["shop"])


def test_every_condition_must_hold_and_its_sentence_is_filled() -> None:
    severe = Condition("severity", ">=", 60, "The severity is {severity}")
    taken = Condition("accounts_taken", "contains", "anna", "{accounts_taken} was taken.")
    found = match(facts(), [expert(when=(severe, taken))])
    assert found[0].reasons == (
        "The incident is a brute force, which this record answers.",
        "The severity is 70.",
        "anna was taken.",
    )
    assert match(facts(severity=50), [expert(when=(severe, taken))]) == []


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("kind", "==", "brute_force", True),
        ("kind", "!=", "flood", True),
        ("p_attack", ">=", 0.5, True),
        ("p_attack", "<=", 0.5, False),
        ("network_label", "in", ["DoS", "BruteForce"], True),
        ("kinds", "in", ["port_scan"], True),
        ("kinds", "contains", ["port_scan", "flood"], False),
        ("network_label", "contains", "Brute", True),
        ("accounts_taken", ">=", 1, True),
        ("files", ">=", 1, False),
        ("http_status_ok", "==", True, False),
        ("unheard_of", ">=", 1, False),
        ("unheard_of", "==", "x", False),
        ("kind", ">=", 3, False),
    ],
)
def test_conditions(field: str, operator: str, value: Any, expected: bool) -> None:
    assert holds(Condition(field, operator, value, ""), facts()) is expected


def test_an_unknown_operator_is_an_error_and_not_a_no() -> None:
    with pytest.raises(ValueError, match="unknown operator"):
        holds(Condition("kind", "~", "x", ""), facts())


def test_the_more_specific_record_comes_first() -> None:
    taken = Condition("accounts_taken", ">=", 1, "An account was taken.")
    records = [
        expert("a-scan", kinds=(Kind.PORT_SCAN,)),
        expert("b-plain"),
        expert("c-taken", when=(taken,)),
        expert("d-technique", when=(taken,), techniques=("T1110",)),
    ]
    found = match(facts(), records)
    assert [m.record.slug for m in found] == ["d-technique", "c-taken", "b-plain", "a-scan"]
    assert all(0 <= m.score <= 1 for m in found)
    assert found[0].reasons[-1] == "Techniques seen that it is about: T1110."
    assert "includes a port scan" in found[3].reasons[0]


def test_no_record_about_another_kind_fits() -> None:
    assert match(facts(), [expert(kinds=(Kind.FLOOD,))]) == []
    assert match(facts(), []) == []
