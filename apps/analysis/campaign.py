"""What a group of findings amounts to: kind, severity, confidence and a title for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.analysis.words import KIND_WORDS, LABEL_KIND, SERIOUSNESS, is_address, joined, some
from apps.contracts import Assessment, Finding, Kind, Risk

# How sure a tool is by itself. A rule names what it saw; screening only says "not usual".
SCREENING = 0.3
RULE, RULE_BY_SEVERITY = 0.55, 0.35
SECOND_TOOL = 0.25  # share of the remaining doubt that each further tool takes away
AGREES = 0.5  # share of the remaining doubt that a network sure of an attack takes away
DENIES = 0.6  # what is left of the confidence when a network is sure that it is normal

NAMED = 0.9  # p_attack from which a sure network may name what no tool could name
UNFAMILIAR_SEVERITY = 25
ESCALATION = 5  # severity for every further kind that the same campaign shows


@dataclass(frozen=True, slots=True)
class Campaign:
    """Findings that belong together. `findings` are positions in the list that was correlated,
    in time order; `because` says of each why it is here; `incident` is the open incident they
    join, None for a new one. `unfamiliar`: nothing supports it but screening, and the network is
    not sure either: something to look at, nothing to repair.
    """

    kind: Kind
    risk: Risk
    kinds: tuple[Kind, ...]  # all kinds shown, the most serious first
    title: str
    severity: int  # 0 to 100
    confidence: float  # 0 to 1: tools and network together
    subjects: tuple[str, ...]
    targets: tuple[str, ...]
    hosts: tuple[str, ...]
    first: datetime
    last: datetime
    findings: tuple[int, ...]
    because: tuple[str, ...]
    network_label: str
    p_attack: float | None  # mean over what the network weighed; None where it weighed nothing
    unsure: bool
    unfamiliar: bool
    incident: int | None = None
    absorbs: tuple[int, ...] = ()  # open incidents that prove to be part of `incident`


def is_denied(assessment: Assessment | None) -> bool:
    """Whether the network, being sure, calls a finding normal."""
    return assessment is not None and not assessment.unsure and assessment.p_attack < 0.5


def is_dismissed(finding: Finding, assessment: Assessment | None) -> bool:
    """Whether a finding makes no incident: only screening found it, and the network denies it."""
    return finding.kind is Kind.ANOMALY and is_denied(assessment)


def kind_of(finding: Finding, assessment: Assessment | None) -> Kind:
    """The tool's kind; where the tool has none, the network's, if it is sure of an attack."""
    if finding.kind is not Kind.ANOMALY or assessment is None or assessment.unsure:
        return finding.kind
    if assessment.p_attack < NAMED:
        return finding.kind
    return LABEL_KIND.get(assessment.label, Kind.ANOMALY)


def describe(
    findings: Sequence[Finding],
    assessments: Sequence[Assessment | None],
    members: Sequence[int],
    because: Sequence[str],
    incident: int | None = None,
) -> Campaign:
    """The campaign made of `members` (positions in `findings`, at least one, in time order)."""
    chosen = [findings[i] for i in members]
    weighed = [assessments[i] for i in members]
    kinds = {kind_of(f, a) for f, a in zip(chosen, weighed, strict=True)}
    ordered = tuple(kind for kind in reversed(SERIOUSNESS) if kind in kinds)
    kind = ordered[0]
    leading = max(
        (f for f, a in zip(chosen, weighed, strict=True) if kind_of(f, a) is kind),
        key=lambda f: f.severity,
    )
    p_attack, label, unsure = network_view(weighed)
    attack = p_attack is not None and p_attack >= 0.5 and not unsure
    unfamiliar = ordered == (Kind.ANOMALY,) and not attack
    severity = min(100, max(f.severity for f in chosen) + ESCALATION * (len(ordered) - 1))
    subjects = tuple(dict.fromkeys(f.subject for f in chosen if f.subject))
    targets = tuple(dict.fromkeys(f.target for f in chosen if f.target))
    return Campaign(
        kind=kind,
        risk=leading.risk,
        kinds=ordered,
        title=title(ordered, chosen),
        severity=min(severity, UNFAMILIAR_SEVERITY) if unfamiliar else severity,
        confidence=confidence(chosen, p_attack, unsure),
        subjects=subjects,
        targets=targets,
        hosts=tuple(sorted({f.host for f in chosen if f.host})),
        first=min(f.first for f in chosen),
        last=max(f.last for f in chosen),
        findings=tuple(members),
        because=tuple(because),
        network_label=label,
        p_attack=p_attack,
        unsure=unsure,
        unfamiliar=unfamiliar,
        incident=incident,
    )


def network_view(assessments: Sequence[Assessment | None]) -> tuple[float | None, str, bool]:
    """(p_attack, label, unsure) over several verdicts; (None, "", False) where there are none.

    The sure ones speak, each with the number of records it weighed; the unsure ones only where
    no other is there. The label is that of the surest attack, else of the surest verdict.
    """
    all_of_them = [a for a in assessments if a is not None]
    if not all_of_them:
        return None, "", False
    sure = [a for a in all_of_them if not a.unsure]
    speaking = sure or all_of_them
    weight = sum(max(a.scored, 1) for a in speaking)
    p_attack = sum(a.p_attack * max(a.scored, 1) for a in speaking) / weight
    attacks = [a for a in speaking if a.p_attack >= 0.5]
    label = max(attacks or speaking, key=lambda a: (a.probability, a.label)).label
    return p_attack, label, not sure


def confidence(chosen: Sequence[Finding], p_attack: float | None, unsure: bool) -> float:
    """How sure tools and network are together, from 0 to 1.

    Every tool starts with its own doubt, a further tool takes away a share of what doubt is
    left, and so does a network that is sure of an attack. One that is sure of normal traffic
    lowers the result; one that is unsure changes nothing.
    """
    by_tool: dict[str, float] = {}
    for finding in chosen:
        trust = (
            SCREENING
            if finding.kind is Kind.ANOMALY
            else RULE + RULE_BY_SEVERITY * finding.severity / 100
        )
        by_tool[finding.tool] = max(trust, by_tool.get(finding.tool, 0.0))
    doubt = (1 - max(by_tool.values())) * (1 - SECOND_TOOL) ** (len(by_tool) - 1)
    if p_attack is None or unsure:
        return round(1 - doubt, 4)
    if p_attack >= 0.5:
        return round(1 - doubt * (1 - AGREES * p_attack), 4)
    return round((1 - doubt) * (DENIES + (1 - DENIES) * p_attack), 4)


def title(kinds: Sequence[Kind], chosen: Sequence[Finding]) -> str:
    """One line for people: 'Brute force on web-1 by 10.0.0.5, with port scan'."""
    words = [KIND_WORDS[kind] for kind in kinds if kind is not Kind.ANOMALY or len(kinds) == 1]
    what = words[0][0].upper() + words[0][1:]
    to, who = some(places(chosen), "targets"), some(actors(chosen), "sources")
    if kinds[0] is Kind.ANOMALY and not who and len(chosen) == 1:
        return chosen[0].title  # nobody is known to act: what was seen says more
    if kinds[0] is Kind.ANOMALY:
        return " ".join(part for part in (what, who and f"from {who}", to and f"to {to}") if part)
    text = " ".join(part for part in (what, to and f"on {to}", who and f"by {who}") if part)
    if not who and (files := [f.subject for f in chosen if f.subject]):
        text += f": {some(list(dict.fromkeys(files)), 'files')}"
    return text + (f", with {joined(words[1:])}" if len(words) > 1 else "")


def actors(chosen: Sequence[Finding]) -> list[str]:
    """The addresses that act, in order of appearance; a file acts for nobody."""
    return list(dict.fromkeys(f.subject for f in chosen if is_address(f.subject)))


def places(chosen: Sequence[Finding]) -> list[str]:
    """What is acted upon, each once: by the name of the host where that is known."""
    names = host_names(chosen)
    return list(dict.fromkeys(filter(None, (place(finding, names) for finding in chosen))))


def place(finding: Finding, names: Mapping[str, str] | None = None) -> str:
    """Where a finding happened: a log names the host, a capture only its address, for which
    `names` may hold a host."""
    return finding.host or (names or {}).get(finding.target, finding.target)


def host_names(findings: Sequence[Finding]) -> dict[str, str]:
    """The host behind an address, where the findings leave no doubt.

    A host was attacked by its name, what it saw itself went to one address alone, and no other
    host saw that address attacked. A sensor that watches a network sees several and names none.
    """
    by_name = {f.target for f in findings if f.target and not is_address(f.target)}
    seen: dict[str, set[str]] = defaultdict(set)
    seen_by: dict[str, set[str]] = defaultdict(set)
    for finding in findings:
        if finding.host and is_address(finding.target):
            seen[finding.host].add(finding.target)
            seen_by[finding.target].add(finding.host)
    return {
        address: host
        for host, addresses in seen.items()
        for address in addresses
        if host in by_name and len(addresses) == len(seen_by[address]) == 1
    }
