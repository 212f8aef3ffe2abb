"""The nodes of a clue tree while it is made: groups of findings, and what was tried as leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from apps.analysis import attacker
from apps.analysis.words import counted, joined, kind_words
from apps.contracts import Clue, Finding, Kind

FAN_OUT = 12  # children of one node; the rest is gathered in "and 37 more"
LEAVES = 8  # samples of one group


@dataclass(slots=True)
class Node:
    """A clue being made. Its records and findings are its own; a `Clue` has its children's too."""

    title: str
    kind: str
    tactic: str
    first: datetime
    last: datetime
    severity: int = 0
    detail: str = ""
    techniques: tuple[str, ...] = ()
    findings: set[int] = field(default_factory=set)
    records: set[int] = field(default_factory=set)
    children: list[Node] = field(default_factory=list)

    def freeze(self) -> Clue:
        """The clue, with everything below it counted in and its children kept few."""
        children = few([child.freeze() for child in self.children])
        findings, records = set(self.findings), set(self.records)
        for child in children:
            findings.update(child.findings)
            records.update(child.records)
        # A scan lasts as long as itself, not as what came of it; a stage as long as all in it.
        within = () if self.records else children
        return Clue(
            title=self.title,
            detail=self.detail,
            kind=self.kind,
            tactic=self.tactic,
            techniques=self.techniques,
            first=min([self.first, *(child.first for child in within)]),
            last=max([self.last, *(child.last for child in within)]),
            severity=max([self.severity, *(child.severity for child in children)]),
            findings=tuple(sorted(findings)),
            records=tuple(sorted(records)),
            children=children,
            own=tuple(sorted(self.records)),
        )


@dataclass(slots=True)
class Group:
    """Findings of one kind and shape at one place, and the records behind them."""

    kind: Kind
    place: str
    members: list[int]
    findings: list[Finding]
    records: pl.DataFrame
    node: Node
    ports: dict[int, Node] = field(default_factory=dict)  # a scan's leaves

    @property
    def subjects(self) -> set[str]:
        return {finding.subject for finding in self.findings}


def grow_leaves(group: Group) -> None:
    if group.kind is Kind.PORT_SCAN:
        _port_leaves(group)
    elif group.kind is Kind.BRUTE_FORCE:
        _sample(group, "user.name", "Account {}", "account")
        _taken(group)
    elif group.kind in (Kind.WEB_INJECTION, Kind.WEB_SHELL) and _has(group, "url.original"):
        column = "url.path" if _has(group, "url.path") else "url.original"
        _sample(group, column, "{}", "path")
    elif _several(group, "file.path"):
        _sample(group, "file.path", "{}", "file")
    elif group.kind is Kind.FLOOD and _several(group, "source.ip"):
        _sample(group, "source.ip", "From {}", "address")
    elif group.kind is not Kind.FLOOD and _several(group, "destination.ip"):
        _sample(group, "destination.ip", "To {}", "address")


def _has(group: Group, column: str) -> bool:
    return group.records[column].null_count() < group.records.height


def _several(group: Group, column: str) -> bool:
    """Whether samples of a column would say more than the group's own title."""
    return group.records[column].drop_nulls().n_unique() > 1


def _sample(group: Group, column: str, words: str, kind: str) -> None:
    """A leaf for each of the most frequent values; one for all the others."""
    rows = group.records.filter(pl.col(column).is_not_null())
    table = _by_value(rows, column).sort("count", column, descending=[True, False])
    for row in table.head(LEAVES).iter_rows(named=True):
        title = words.format(str(row[column])[:200])
        group.node.children.append(_leaf(group, title, kind, row))
    rest = table.slice(LEAVES)
    if rest.height:
        group.node.children.append(_leaf(group, and_more(rest.height), "more", _merged(rest)))


def _by_value(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return rows.group_by(column).agg(
        count=pl.len(),
        records=pl.col("record.id").sort(),
        first=pl.col("@timestamp").min(),
        last=pl.col("@timestamp").max(),
    )


def _merged(rows: pl.DataFrame) -> dict[str, object]:
    """One row of what was aggregated, for several."""
    return {
        "records": rows["records"].explode().to_list(),
        "first": rows["first"].min(),
        "last": rows["last"].max(),
    }


def _leaf(group: Group, title: str, kind: str, row: dict[str, object]) -> Node:
    records = row["records"]
    assert isinstance(records, list)  # an aggregated column of record ids
    ids = set(records)
    first, last = row["first"] or group.node.first, row["last"] or group.node.last
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return Node(
        title=title,
        kind=kind,
        tactic=group.node.tactic,
        first=first,
        last=last,
        severity=group.node.severity,
        findings={
            i
            for i, f in zip(group.members, group.findings, strict=True)
            if not ids.isdisjoint(f.records)
        },
        records=ids,
    )


def _port_leaves(group: Group) -> None:
    """The ports that answered, each of which may lead further; where none is known to have
    answered, some that were tried."""
    opened = {
        int(port)
        for f in group.findings
        for port in f.parameters.get("open_ports", ())
        if isinstance(port, int)
    }
    rows = group.records.filter(pl.col("destination.port").is_not_null())
    table = (
        _by_value(rows, "destination.port")
        .with_columns(open=pl.col("destination.port").is_in(sorted(opened)))
        .sort("open", "destination.port", descending=[True, False])
    )
    shown = min(int(table["open"].sum()), FAN_OUT - 1) or LEAVES
    for row in table.head(shown).iter_rows(named=True):
        state = " is open" if row["open"] else ""
        leaf = _leaf(group, f"Port {row['destination.port']}{state}", "port", row)
        group.node.children.append(leaf)
        if row["open"] or not opened:
            group.ports[row["destination.port"]] = leaf
    rest = table.slice(shown)
    if rest.height:
        words = f"and {counted(rest.height, 'more port')}"
        group.node.children.append(_leaf(group, words, "more", _merged(rest)))


def _taken(group: Group) -> None:
    """A leaf for every account that the guessing opened."""
    told = {
        str(name) for f in group.findings for name in f.parameters.get("accounts_taken", ()) or ()
    }
    entered = attacker.successes(
        group.records.filter(
            (pl.col("event.category") == "authentication") & pl.col("source.ip").is_not_null()
        )
    )
    for account in sorted(told | set(entered["user.name"].to_list())):
        rows = group.records.filter(
            (pl.col("user.name") == account) & (pl.col("event.outcome") == "success")
        )
        leaf = Node(
            title=f"Account {account} was taken",
            kind="login",
            tactic="initial-access",
            first=rows["@timestamp"].min() or group.node.last,  # type: ignore[arg-type]
            last=rows["@timestamp"].max() or group.node.last,  # type: ignore[arg-type]
            severity=max(group.node.severity, 90),
            detail="logged in after the guessing",
            techniques=("T1078",),
            findings=set(group.members),
            records=set(rows["record.id"].to_list()),
        )
        group.node.children.insert(0, leaf)


def few(children: list[Clue]) -> tuple[Clue, ...]:
    """At most FAN_OUT children; those that lead nowhere further and are mildest are gathered."""
    if len(children) <= FAN_OUT:
        return tuple(children)
    ranked = sorted(
        range(len(children)), key=lambda i: (not children[i].children, -children[i].severity, i)
    )
    kept, rest = sorted(ranked[: FAN_OUT - 1]), sorted(ranked[FAN_OUT - 1 :])
    gathered = [children[i] for i in rest]
    rest_of_them = Clue(
        title=and_more(len(gathered)),
        detail=joined(list(dict.fromkeys(kind_words(clue.kind) for clue in gathered))[:5]),
        kind="more",
        tactic=gathered[0].tactic,
        techniques=tuple(dict.fromkeys(t for clue in gathered for t in clue.techniques)),
        first=min(clue.first for clue in gathered),
        last=max(clue.last for clue in gathered),
        severity=max(clue.severity for clue in gathered),
        findings=tuple(sorted({f for clue in gathered for f in clue.findings})),
        records=tuple(sorted({r for clue in gathered for r in clue.records})),
        own=tuple(sorted({r for clue in gathered for r in clue.own})),
    )
    return (*(children[i] for i in kept), rest_of_them)


def and_more(count: int) -> str:
    return f"and {count:,} more"
