"""Matches an incident with expert knowledge and says why. Pure.

Paper 2's risk processing: where a record matches, its repair is proposed; where none does, the
incident goes to the remote responder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.analysis.campaign import Campaign
from apps.analysis.words import kind_words, some
from apps.contracts import Attacker, Condition, ExpertRecord, Json, Match

FACTS = (
    "kind",
    "risk",
    "severity",
    "confidence",
    "kinds",
    "techniques",
    "finding_count",
    "record_count",
    "accounts_taken",
    "files",
    "attacker_addresses",
    "targets",
    "hosts",
    "network_label",
    "p_attack",
    "unsure",
    "http_status_ok",
    "unfamiliar",
    "signs",
)
"""What a record's conditions may speak of."""

# What a fit is worth: being about this very kind, each condition that held, shared techniques.
EXACT, PART, CONDITIONS, TECHNIQUES = 0.5, 0.3, 0.35, 0.15
_ENOUGH = 4  # conditions of full weight


def facts_of(
    campaign: Campaign,
    attacker: Attacker,
    *,
    record_count: int,
    files: Sequence[str] = (),
    http_status_ok: bool = False,
    signs: Sequence[str] = (),
) -> dict[str, Json]:
    """The facts of an incident as JSON: exactly the names of `FACTS`.

    `p_attack` is None where the network weighed nothing; `http_status_ok` says whether the
    server answered any of the attacker's requests with success; `signs` are the finer names that
    tools give to what they saw ("ssh", "sql_injection", "syn_flood").
    """
    return {
        "kind": str(campaign.kind),
        "risk": str(campaign.risk),
        "severity": campaign.severity,
        "confidence": round(campaign.confidence, 4),
        "kinds": [str(kind) for kind in campaign.kinds],
        "techniques": list(attacker.techniques),
        "finding_count": len(campaign.findings),
        "record_count": record_count,
        "accounts_taken": list(attacker.accounts_taken),
        "files": list(files),
        "attacker_addresses": [seen.value for seen in attacker.addresses],
        "targets": list(campaign.targets),
        "hosts": list(campaign.hosts),
        "network_label": campaign.network_label,
        "p_attack": None if campaign.p_attack is None else round(campaign.p_attack, 4),
        "unsure": campaign.unsure,
        "http_status_ok": http_status_ok,
        "unfamiliar": campaign.unfamiliar,
        "signs": list(signs),
    }


def match(facts: Mapping[str, Json], records: Sequence[ExpertRecord]) -> list[Match]:
    """The records that fit, the best first. Empty where none does.

    A record fits when it answers the incident's kind, or one of the kinds in it, and all its
    conditions hold. Its score is from 0 to 1: more for the very kind, for every condition (up
    to four) and for the share of its techniques that were seen.
    """
    found = [fit for record in records if (fit := _fit(facts, record)) is not None]
    return sorted(found, key=lambda each: (-each.score, each.record.slug))


def _fit(facts: Mapping[str, Json], record: ExpertRecord) -> Match | None:
    kinds = {str(kind) for kind in record.kinds}
    shown = kinds & set(facts.get("kinds") or ())
    exact = facts.get("kind") in kinds
    if kinds and not exact and not shown:
        return None
    if not all(holds(condition, facts) for condition in record.when):
        return None
    seen = set(facts.get("techniques") or ())
    shared = [t for t in record.techniques if _covers(t, seen)]
    score = (
        (EXACT if exact else PART)
        + CONDITIONS * min(len(record.when), _ENOUGH) / _ENOUGH
        + (TECHNIQUES * len(shared) / len(record.techniques) if record.techniques else 0.0)
    )
    return Match(record, round(min(score, 1.0), 4), tuple(_reasons(facts, record, shared)))


def holds(condition: Condition, facts: Mapping[str, Json]) -> bool:
    """Whether a condition holds. A fact that is not known meets no condition but `!=`.

    `in`: the fact is one of the condition's values, or shares one with them if it is a list.
    `contains`: the fact (a list or a text) holds the value, or all of a list of values.
    """
    fact, value = facts.get(condition.field), condition.value
    match condition.operator:
        case "==":
            return bool(fact == value)
        case "!=":
            return bool(fact != value)
        case ">=" | "<=":
            return _compares(condition.operator, fact, value)
        case "in":
            options = value if isinstance(value, list | tuple) else [value]
            return any(v in options for v in (fact if isinstance(fact, list) else [fact]))
        case "contains":
            wanted = value if isinstance(value, list | tuple) else [value]
            return isinstance(fact, list | str) and all(_held(v, fact) for v in wanted)
    raise ValueError(f"unknown operator {condition.operator!r} in a condition on {condition.field}")


def _held(value: Json, fact: list[Any] | str) -> bool:
    return str(value) in fact if isinstance(fact, str) else value in fact


def _compares(operator: str, fact: Json, value: Json) -> bool:
    if isinstance(fact, list):  # a list is compared by how long it is
        fact = len(fact)
    if not isinstance(fact, int | float) or not isinstance(value, int | float):
        return False
    return fact >= value if operator == ">=" else fact <= value


def _covers(technique: str, seen: set[str]) -> bool:
    """A technique is seen when it, one of its sub-techniques or its parent was."""
    parent = technique.partition(".")[0]
    return any(t in (technique, parent) or t.startswith(f"{technique}.") for t in seen)


def _reasons(facts: Mapping[str, Json], record: ExpertRecord, shared: Sequence[str]) -> list[str]:
    kind = facts.get("kind")
    if kind in {str(k) for k in record.kinds}:
        reasons = [f"The incident is a {kind_words(str(kind))}, which this record answers."]
    elif record.kinds:
        among = [kind_words(str(k)) for k in record.kinds if str(k) in (facts.get("kinds") or ())]
        reasons = [f"The incident includes a {' and a '.join(among)}, which this record answers."]
    else:
        reasons = ["This record answers incidents of any kind."]
    for condition in record.when:
        if sentence := condition.because and filled(condition.because, facts):
            reasons.append(sentence if sentence[-1] in ".!?" else f"{sentence}.")
    if shared:
        reasons.append(f"Techniques seen that it is about: {', '.join(shared)}.")
    return reasons


def filled(text: str, values: Mapping[str, Json]) -> str:
    """`text` with each {name} replaced by its value; names that are not known stay as they are."""
    for name, value in values.items():
        if f"{{{name}}}" in text:
            text = text.replace(f"{{{name}}}", shown(value))
    return text


def shown(value: Json) -> str:
    """A fact as people read it."""
    if isinstance(value, list | tuple):
        return some([str(item) for item in value], "of them", limit=5) if value else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    return "not known" if value is None else str(value)
