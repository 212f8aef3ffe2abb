"""What made what possible: the order of the groups of a clue tree, and who hangs under whom.

Only evidence counts: a port that a scan of the same campaign found and that was then attacked, a
request that carried in a file which was found, a request for a file that was left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

import polars as pl

from apps.analysis.clue_nodes import Group, Node
from apps.analysis.words import SERIOUSNESS, is_address
from apps.contracts import Finding, Kind

THROUGH_A_PORT = frozenset({Kind.BRUTE_FORCE, Kind.WEB_INJECTION})
"""Kinds that get in through a port and therefore follow from the scan that found it."""

SERVICE_PORTS: Mapping[str, tuple[int, ...]] = {
    "ssh": (22,),
    "ftp": (21,),
    "telnet": (23,),
    "smtp": (25, 465, 587),
    "pop3": (110, 995),
    "imap": (143, 993),
    "http": (80, 443, 8080, 8000, 8443),
    "smb": (445, 139),
    "rdp": (3389,),
    "mysql": (3306,),
    "postgresql": (5432,),
    "vnc": (5900,),
}
"""A log of one service does not name its port: the service does."""

MOST_FILES = 50  # groups of files that requests are held against
MOST_SCANS = 200
_SHORTEST_NAME = 4


@dataclass(frozen=True, slots=True)
class Carried:
    """The request that carried a file in: when, and the clue it is part of."""

    at: datetime
    node: Node


class Causes:
    """The groups in the order in which one could lead to the next, and what led to each.

    A cause always comes earlier in this order, so that no circle can arise. A file counts from
    the request that carried it in: it lay there long before anything found it. The leaves of
    all groups must be grown.
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        found = sorted(groups, key=_began)
        files = [group for group in found if file_names(group)][:MOST_FILES]
        senders = [group for group in found if files and _is_web(group)]
        self._carried = {id(f): sent for f in files if (sent := _carried(f, senders))}

        def order(group: Group) -> tuple[object, ...]:
            sent = self._carried.get(id(group))
            return (sent.at, 1, *_began(group)) if sent else (group.node.first, 0, *_began(group))

        self.groups = sorted(found, key=order)
        self._files = [(self.groups.index(file), file) for file in files]
        self._scans = [g for g in self.groups if g.kind is Kind.PORT_SCAN][:MOST_SCANS]

    def of(self, number: int) -> Node | None:
        """The node that led to the group of this number; None where the evidence names none."""
        group = self.groups[number]
        if sent := self._carried.get(id(group)):
            return sent.node
        if _is_web(group):
            for place, file in reversed(self._files):
                if place < number and _mostly_asks_for(group, file_names(file)):
                    return file.node
        if group.kind in THROUGH_A_PORT:
            earlier = [scan for scan in self._scans if scan.node.first <= group.node.first]
            earlier.sort(
                key=lambda scan: scan.subjects.isdisjoint(group.subjects)
            )  # own ones first
            return next((leaf for scan in earlier if (leaf := _found_port(scan, group))), None)
        return None


def shape(finding: Finding) -> str:
    """How the kind was done: the tool's own word for it ("ssh", "sql_injection"), a technique."""
    signs = finding.parameters.get("signs") or finding.techniques
    return str(signs[0]) if signs else ""


def file_names(group: Group) -> set[str]:
    """The names of the files that a group found, without those too short to be told apart."""
    paths = group.records["file.path"].drop_nulls().unique().to_list()
    names = {PurePosixPath(path.replace("\\", "/")).name for path in paths}
    return {name for name in names if len(name) >= _SHORTEST_NAME}


def _began(group: Group) -> tuple[object, ...]:
    return group.node.first, SERIOUSNESS.index(group.kind), group.place, group.node.title


def _is_web(group: Group) -> bool:
    return group.kind in (Kind.WEB_INJECTION, Kind.WEB_SHELL) and not file_names(group)


def _carried(file: Group, senders: Sequence[Group]) -> Carried | None:
    """The first request that carried a file's name in before it was found, of the group in which
    such requests weigh most."""
    names = sorted(file_names(file))
    best: tuple[float, Carried] | None = None
    for sender in senders:
        if sender.node.first > file.node.last:
            continue
        text = pl.concat_str(
            pl.col("url.original").fill_null(""), pl.col("http.request.body.content").fill_null("")
        )
        sent = sender.records.filter(
            pl.col("http.request.method").is_in(["POST", "PUT"])
            & pl.any_horizontal(text.str.contains(name, literal=True) for name in names)
        ).sort("@timestamp", "record.id")
        share = sent.height / max(sender.records.height, 1)
        if sent.height and (best is None or share > best[0]):
            first = sent.row(0, named=True)
            leaf = _leaf_of(sender, first["record.id"])
            best = share, Carried(first["@timestamp"] or sender.node.first, leaf)
    return best[1] if best else None


def _leaf_of(group: Group, record: int) -> Node:
    return next((leaf for leaf in group.node.children if record in leaf.records), group.node)


def _mostly_asks_for(group: Group, names: set[str]) -> bool:
    """Whether at least half of a group's requests ask for one of these files."""
    paths = group.records["url.original"].drop_nulls().str.split("?").list.first()
    asking = sum(int(paths.str.ends_with("/" + name).sum()) for name in names)
    return 2 * asking >= len(paths) > 0


def _found_port(scan: Group, group: Group) -> Node | None:
    """The leaf of the port that the scan found and the group attacked."""
    if not _may_be_same(scan, group):
        return None
    ports = group.records["destination.port"].drop_nulls()
    attacked = ports.mode().sort().to_list()[:1] if len(ports) else list(_usual_ports(group))
    return next((scan.ports[port] for port in attacked if port in scan.ports), None)


def _usual_ports(group: Group) -> Iterator[int]:
    datasets = group.records["event.dataset"].drop_nulls().unique().to_list()
    services = {shape(finding) for finding in group.findings}
    services |= {"http" for name in datasets if name.endswith(".access")}
    services |= {"ssh" for name in datasets if name == "sshd.auth"}
    for service in sorted(services):
        yield from SERVICE_PORTS.get(service, ())


def _may_be_same(scan: Group, group: Group) -> bool:
    """Whether two places may be one machine: a log names a host, a capture its address."""
    if scan.place == group.place or not scan.place:
        return True
    return is_address(scan.place) != is_address(group.place)
