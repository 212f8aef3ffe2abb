"""How an incident unfolded, as a tree whose every node leads to records. Pure.

Findings are grouped by kind, technique and target. A group hangs under what made it possible
where the evidence says so: a scan that found the port that was then attacked, the upload that
left a file, the file that was then called; otherwise under its tactic, in the order in which
the tactics began. What was tried (accounts, ports, paths) are the leaves of its group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import polars as pl

from apps.analysis import attacker
from apps.analysis.campaign import actors, kind_of, places, title
from apps.analysis.clue_nodes import Group, Node, grow_leaves
from apps.analysis.evidence import Evidence
from apps.analysis.words import (
    KIND_WORDS,
    SERIOUSNESS,
    TACTIC,
    TACTIC_WORDS,
    counted,
    is_address,
    some,
    span,
)
from apps.contracts import Assessment, Clue, Finding, Kind

_HTTP_PORTS = (80, 443, 8080, 8000, 8443)


def grow(
    frame: pl.DataFrame, findings: Sequence[Finding], assessments: Sequence[Assessment | None]
) -> Clue:
    """The clue tree of one incident: at least one finding, and the records behind them.

    `Clue.findings` are positions in `findings`; every clue holds the records and findings of
    its children, and the root holds all.
    """
    groups = _groups(Evidence(frame), findings, assessments)
    below: dict[int, Node] = {}
    for place, group in enumerate(groups):
        grow_leaves(group)
        parent = _cause(groups, place)
        if parent is not None:
            below[place] = parent
    for place, parent in below.items():
        parent.children.append(groups[place].node)
    root = _root(findings, assessments)
    stages: dict[str, Node] = {}
    for place, group in enumerate(groups):
        if place in below:
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
    """The groups in the order in which they began."""
    keyed: dict[tuple[Kind, str, str], list[int]] = defaultdict(list)
    for i, (finding, assessment) in enumerate(zip(findings, assessments, strict=True)):
        kind = kind_of(finding, assessment)
        keyed[kind, _shape(finding), finding.target].append(i)
    made = []
    for (kind, _shaped, target), members in keyed.items():
        chosen = [findings[i] for i in members]
        verdicts = [assessments[i] for i in members]
        node = Node(
            title=_title(kind, target, chosen),
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
        made.append(Group(kind, target, members, chosen, evidence.of(chosen), node))
    made.sort(key=lambda g: (g.node.first, SERIOUSNESS.index(g.kind), g.target, g.node.title))
    return made


def _shape(finding: Finding) -> str:
    """How the kind was done: the tool's own word for it ("ssh", "sql_injection"), a technique."""
    signs = finding.parameters.get("signs") or finding.techniques
    return str(signs[0]) if signs else ""


def _title(kind: Kind, target: str, chosen: Sequence[Finding]) -> str:
    if len(chosen) == 1:
        return chosen[0].title
    shape = _shape(chosen[0])
    words = KIND_WORDS[kind]
    if kind is Kind.BRUTE_FORCE and shape.isalpha():
        words = f"{shape.upper()} {words}"
    elif kind in (Kind.WEB_INJECTION, Kind.FLOOD) and "_" in shape:
        words = shape.replace("_", " ")
    who = some(actors(chosen), "sources")
    text = f"{words[0].upper()}{words[1:]}"
    return text + (f" on {target}" if target else "") + (f" by {who}" if who else "")


def _detail(chosen: Sequence[Finding], verdicts: Sequence[Assessment | None]) -> str:
    records = len({record for f in chosen for record in f.records})
    parts = [counted(records, "record")]
    if len(chosen) > 1:
        parts.insert(0, counted(len(chosen), "finding"))
    said = [a for a in verdicts if a is not None]
    if said:
        surest = max(said, key=lambda a: (not a.unsure, a.p_attack))
        share = f"{surest.label}, {surest.probability:.0%}"
        parts.append(f"the network is unsure ({share})" if surest.unsure else f"network: {share}")
    return " · ".join(parts)


# ── Causes: what made it possible ────────────────────────────────────────────────────────


def _cause(groups: Sequence[Group], place: int) -> Node | None:
    """The node that led to a group: made by an earlier group, so that no circle can arise."""
    group = groups[place]
    for earlier in reversed(groups[:place]):
        if earlier.kind is Kind.PORT_SCAN and group.kind is not Kind.PORT_SCAN:
            found = _found_port(earlier, group)
            if found is not None:
                return found
        if _leads_to_file(earlier, group) or _calls_file(earlier, group):
            return earlier.node
    return None


def _found_port(scan: Group, group: Group) -> Node | None:
    """The leaf of the port that the scan found and the group attacked."""
    if not scan.subjects & group.subjects or not _may_be_same(scan, group):
        return None
    ports = group.records["destination.port"].drop_nulls()
    attacked = ports.mode().sort().to_list()[:1] if len(ports) else list(_usual_ports(group))
    return next((scan.ports[port] for port in attacked if port in scan.ports), None)


def _usual_ports(group: Group) -> Iterator[int]:
    """A log of one service does not name its port: the service does."""
    datasets = set(group.records["event.dataset"].drop_nulls().to_list())
    if "sshd.auth" in datasets:
        yield 22
    elif any(name.endswith(".access") for name in datasets):
        yield from _HTTP_PORTS


def _may_be_same(scan: Group, group: Group) -> bool:
    """Whether two targets may be one machine: a log names a host, a capture its address."""
    if scan.target == group.target or not scan.target:
        return True
    hosts = {f.host for f in scan.findings} & {f.host for f in group.findings} - {""}
    one_is_name = _is_name(scan.target) != _is_name(group.target)
    return bool(hosts) or one_is_name


def _is_name(target: str) -> bool:
    return not is_address(target)


def _leads_to_file(earlier: Group, group: Group) -> bool:
    """Requests that carried a file's name in, before the file was found."""
    names = _file_names(group)
    if not names or _file_names(earlier):
        return False
    carried = earlier.records.filter(pl.col("http.request.method").is_in(["POST", "PUT"])).select(
        pl.concat_str(
            pl.col("url.original").fill_null(""), pl.col("http.request.body.content").fill_null("")
        )
    )
    text = carried.to_series()
    return any(text.str.contains(name, literal=True).any() for name in names)


def _calls_file(earlier: Group, group: Group) -> bool:
    """Requests for a file that was found, or for one that stands where it was left."""
    names = _file_names(earlier)
    if not names or _file_names(group):
        return False
    paths = group.records["url.original"].drop_nulls().str.split("?").list.first()
    return any(paths.str.ends_with("/" + name).any() for name in names)


def _file_names(group: Group) -> set[str]:
    paths = {p for p in group.records["file.path"].drop_nulls().unique().to_list() if p}
    return {PurePosixPath(path.replace("\\", "/")).name for path in paths} - {""}
