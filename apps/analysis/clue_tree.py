"""How an incident unfolded, as a tree whose every node leads to records. Pure.

Findings are grouped by kind, technique and target. A group hangs under what made it possible
where the evidence says so: a scan that found the port that was then attacked, the upload that
left a file, the file that was then called; otherwise under its tactic, in the order in which
the tactics began. What was tried (accounts, ports, paths) are the leaves of its group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import polars as pl

from apps.analysis import attacker
from apps.analysis.campaign import actors, host_names, kind_of, place, places, title
from apps.analysis.clue_causes import SERVICE_PORTS, Causes, shape
from apps.analysis.clue_nodes import Group, Node, grow_leaves
from apps.analysis.evidence import Evidence
from apps.analysis.words import (
    KIND_WORDS,
    SERIOUSNESS,
    TACTIC,
    TACTIC_WORDS,
    counted,
    label_words,
    some,
    span,
)
from apps.contracts import Assessment, Clue, Finding, Kind

_BETWEEN = frozenset({"against", "by", "for", "from", "of", "on", "sent", "to"})


def grow(
    frame: pl.DataFrame, findings: Sequence[Finding], assessments: Sequence[Assessment | None]
) -> Clue:
    """The clue tree of one incident: at least one finding, and the records behind them.

    `Clue.findings` are positions in `findings`; every clue holds the records and findings of
    its children, and the root holds all.
    """
    made = _groups(Evidence(frame), findings, assessments)
    for group in made:
        grow_leaves(group)
    causes = Causes(made)
    groups = causes.groups
    below = {n: node for n in range(len(groups)) if (node := causes.of(n)) is not None}
    for number, parent in below.items():
        parent.children.append(groups[number].node)
    root = _root(findings, assessments)
    stages: dict[str, Node] = {}
    for number, group in enumerate(groups):
        if number in below:
            continue
        tactic = TACTIC[group.kind]
        if tactic not in stages:
            words = TACTIC_WORDS[tactic]
            stages[tactic] = Node(words, "stage", tactic, group.node.first, group.node.last)
            root.children.append(stages[tactic])
        stages[tactic].children.append(group.node)
    for stage in root.children:
        stage.techniques = tuple(dict.fromkeys(t for n in stage.children for t in n.techniques))
    return root.freeze()


def _root(findings: Sequence[Finding], assessments: Sequence[Assessment | None]) -> Node:
    kinds = {kind_of(f, a) for f, a in zip(findings, assessments, strict=True)}
    ordered = [kind for kind in reversed(SERIOUSNESS) if kind in kinds]
    first, last = min(f.first for f in findings), max(f.last for f in findings)
    who, whom = some(actors(findings), "sources"), some(places(findings), "targets")
    return Node(
        title=f"{who} → {whom}" if who and whom else title(ordered, findings),
        detail=f"{counted(len(findings), 'finding')} within {span(last - first)}",
        kind="incident",
        tactic="",
        first=first,
        last=last,
        techniques=attacker.techniques(findings),
        findings=set(range(len(findings))),
    )


def _groups(
    evidence: Evidence, findings: Sequence[Finding], assessments: Sequence[Assessment | None]
) -> list[Group]:
    keyed: dict[tuple[Kind, str, str], list[int]] = defaultdict(list)
    names = host_names(findings)
    for i, (finding, assessment) in enumerate(zip(findings, assessments, strict=True)):
        kind = kind_of(finding, assessment)
        keyed[kind, shape(finding), place(finding, names)].append(i)
    made = []
    for (kind, _shaped, where), members in keyed.items():
        chosen = [findings[i] for i in members]
        verdicts = [assessments[i] for i in members]
        node = Node(
            title=_title(kind, where, chosen),
            kind=str(kind),
            tactic=TACTIC[kind],
            first=min(f.first for f in chosen),
            last=max(f.last for f in chosen),
            severity=max(f.severity for f in chosen),
            detail=_detail(chosen, verdicts),
            techniques=attacker.techniques(chosen),
            findings=set(members),
            records={record for f in chosen for record in f.records},
        )
        made.append(Group(kind, where, members, chosen, evidence.of(chosen), node))
    return made


def _title(kind: Kind, where: str, chosen: Sequence[Finding]) -> str:
    if len(chosen) == 1:
        return chosen[0].title
    words = _common([finding.title for finding in chosen])
    if not words:
        how = shape(chosen[0])
        words = f"{how.upper()} {KIND_WORDS[kind]}" if how in SERVICE_PORTS else KIND_WORDS[kind]
    who = some(actors(chosen), "sources")
    text = f"{words[0].upper()}{words[1:]}"
    return text + (f" on {where}" if where else "") + (f" by {who}" if who else "")


def _common(titles: Sequence[str]) -> str:
    """The words that titles begin with alike, if they say something: 'SQL injection'."""
    found: list[str] = []
    for words in zip(*(text.split() for text in titles), strict=False):
        if words[0] in _BETWEEN:
            return " ".join(found)
        if len(set(words)) > 1:
            break
        found.append(words[0])
    return " ".join(found) if len(found) > 1 else ""


def _detail(chosen: Sequence[Finding], verdicts: Sequence[Assessment | None]) -> str:
    parts = [counted(len(chosen), "finding")] if len(chosen) > 1 else []
    said = [a for a in verdicts if a is not None]
    if said:
        surest = max(said, key=lambda a: (not a.unsure, a.p_attack))
        share = f"{label_words(surest.label)}, {surest.probability:.0%}"
        parts.append(f"the network is unsure ({share})" if surest.unsure else f"network: {share}")
    return " · ".join(parts)
