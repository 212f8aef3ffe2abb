"""Contracts as JSON, the way they are stored and handed over, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from apps.contracts import Assessment, Attacker, Clue, Json, Seen

LISTED = 2000  # record ids that a stored clue lists; more are kept as runs


def clue_json(clue: Clue, findings: Sequence[int] | None = None) -> dict[str, Json]:
    """A clue and all below it. `findings` are the ids its positions stand for.

    `records` lists at most LISTED ids; where there are more, `runs` keeps all of them as pairs
    of first and last, so that a flood's tree stays small. `record_count` is always the truth.
    `own_record_count` counts those that are its own; `own`, pairs too, is there where they are
    some of its records and not all.
    """
    made = {
        "title": clue.title,
        "detail": clue.detail,
        "kind": clue.kind,
        "tactic": clue.tactic,
        "techniques": list(clue.techniques),
        "first": clue.first.isoformat(),
        "last": clue.last.isoformat(),
        "severity": clue.severity,
        "findings": [findings[i] for i in clue.findings] if findings else list(clue.findings),
        "records": list(clue.records[:LISTED]),
        "record_count": len(clue.records),
        "own_record_count": len(clue.own),
        "children": [clue_json(child, findings) for child in clue.children],
    }
    if len(clue.records) > LISTED:
        made["runs"] = runs(clue.records)
    if 0 < len(clue.own) < len(clue.records):
        made["own"] = runs(clue.own)
    return made


def runs(ids: Sequence[int]) -> list[list[int]]:
    """Ascending ids as [first, last] of each unbroken run."""
    found: list[list[int]] = []
    for each in ids:
        if found and each == found[-1][1] + 1:
            found[-1][1] = each
        else:
            found.append([each, each])
    return found


def records_of(stored: Mapping[str, Json]) -> list[int]:
    """All record ids of a stored clue."""
    if "runs" in stored:
        return [each for first, last in stored["runs"] for each in range(first, last + 1)]
    return list(stored.get("records", ()))


def node_at(stored: Mapping[str, Json], place: str) -> Mapping[str, Json] | None:
    """The stored clue at a place: "0" is the root, "0-2" its third child. None where none is."""
    first, *path = place.split("-")
    if first != "0" or not stored:
        return None
    node = stored
    for step in path:
        children = {str(at): child for at, child in enumerate(node.get("children", ()))}
        if step not in children:
            return None
        node = children[step]
    return node


def attacker_json(attacker: Attacker) -> dict[str, Json]:
    return {
        "addresses": _seen_json(attacker.addresses),
        "tools": _seen_json(attacker.tools),
        "accounts": _seen_json(attacker.accounts),
        "accounts_taken": list(attacker.accounts_taken),
        "targets": _seen_json(attacker.targets),
        "techniques": list(attacker.techniques),
        "first": attacker.first.isoformat(),
        "last": attacker.last.isoformat(),
    }


def attacker_from(stored: Mapping[str, Json]) -> Attacker:
    """The attacker of `attacker_json`."""
    return Attacker(
        addresses=_seen_from(stored["addresses"]),
        tools=_seen_from(stored["tools"]),
        accounts=_seen_from(stored["accounts"]),
        accounts_taken=tuple(stored["accounts_taken"]),
        targets=_seen_from(stored["targets"]),
        techniques=tuple(stored["techniques"]),
        first=datetime.fromisoformat(stored["first"]),
        last=datetime.fromisoformat(stored["last"]),
    )


def assessment_json(assessment: Assessment) -> dict[str, Json]:
    """All that a verdict says; numbers rounded to what they are worth."""
    return {
        **asdict(assessment),
        "probability": round(assessment.probability, 6),
        "p_attack": round(assessment.p_attack, 6),
        "probabilities": {k: round(v, 6) for k, v in assessment.probabilities.items()},
        "reasons": [
            {"field": r.field, "value": r.value, "weight": round(r.weight, 6)}
            for r in assessment.reasons
        ],
        "steps": [round(step, 6) for step in assessment.steps],
    }


def _seen_json(seen: Iterable[Seen]) -> list[dict[str, Json]]:
    return [
        {
            "value": each.value,
            "count": each.count,
            "first": each.first.isoformat(),
            "last": each.last.isoformat(),
        }
        for each in seen
    ]


def _seen_from(stored: Iterable[Mapping[str, Json]]) -> tuple[Seen, ...]:
    return tuple(
        Seen(
            each["value"],
            each["count"],
            datetime.fromisoformat(each["first"]),
            datetime.fromisoformat(each["last"]),
        )
        for each in stored
    )
