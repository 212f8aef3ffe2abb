"""Composes the sealed package for a remote responder. Pure: what is known in, JSON out.

Paper 2's data transmission sends the prediction, the clue tree and the attacker information.
The package adds what these rest on (records with their digests and seals), what knowledge said,
and what was repaired. Raw lines are masked: a responder needs the attack, not our secrets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from typing import Any

from apps.analysis.serialise import records_of
from apps.contracts import Json
from apps.protection.chain import digest
from apps.protection.masking import mask

FORMAT = "tocsin-handover/1"
MOST_RECORDS = 500

_DIGESTS = frozenset({"digest", "sha256", "model", "seals"})  # left as they are


def compose(
    *,
    incident: Mapping[str, Json],
    reason: str,
    prediction: Sequence[Mapping[str, Json]],
    clue_tree: Mapping[str, Json],
    attacker: Mapping[str, Json],
    records: Sequence[Mapping[str, Json]],
    seals: Sequence[Mapping[str, Json]] = (),
    matches: Sequence[Mapping[str, Json]] = (),
    remedies: Sequence[Mapping[str, Json]] = (),
) -> dict[str, Json]:
    """The package as JSON; the same input gives the same bytes.

    Args:
        prediction: one entry a finding: what the tool said and the network's verdict, if any.
        records: evidence, each with `line` (the item as it came) and its `batch`; the digest of
            every line is taken before it is masked.
        seals: the seals of the batches that the evidence is from.
        remedies: each with its steps, tasks and outcomes.
    """
    package = {
        "format": FORMAT,
        "reason": reason,
        "incident": incident,
        "prediction": list(prediction),
        "clue_tree": _for_strangers(clue_tree, {record.get("id") for record in records}),
        "attacker": attacker,
        "knowledge": {
            "matched": bool(matches),
            "said": "" if matches else "No expert record matches this incident.",
            "matches": list(matches),
        },
        "remedies": list(remedies),
        "evidence": {
            "records": [_evidence(record) for record in records],
            "record_count": clue_tree.get("record_count", len(records)),
            "seals": list(seals),
        },
    }
    masked: dict[str, Json] = _masked(package)
    return masked


def canonical(package: Mapping[str, Json]) -> bytes:
    """The package's bytes: UTF-8 JSON with sorted keys and no spaces. ValueError for NaN."""
    text = json.dumps(
        package, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return text.encode("utf-8", "replace")


def _evidence(record: Mapping[str, Json]) -> dict[str, Json]:
    line = str(record.get("line") or "")
    kept = {name: value for name, value in record.items() if value not in (None, "")}
    return {**kept, "line": line, "sha256": digest(line.encode("utf-8", "surrogatepass"))}


def _for_strangers(clue: Mapping[str, Json], included: Set[Json]) -> dict[str, Json]:
    """A clue as a responder reads it: of its records, those that the package includes."""
    ours = ("records", "runs", "own", "findings", "children")
    return {
        **{name: value for name, value in clue.items() if name not in ours},
        "evidence": [record for record in records_of(clue) if record in included],
        "children": [_for_strangers(child, included) for child in clue.get("children", ())],
    }


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {name: item if name in _DIGESTS else _masked(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value
