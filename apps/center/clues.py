"""The stored clue tree, made ready to be drawn: nodes with addresses, and lanes over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from apps.contracts import Kind

_KINDS = frozenset(Kind)

LANE = 1000
"""Width of a lane in its own units; the page stretches it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A clue with its place in the tree: "0" is the root, "0-2" its third child."""

    place: str
    title: str
    detail: str
    kind: str
    tactic: str
    techniques: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    severity: int
    count: int  # records behind it
    children: tuple[Node, ...]

    @property
    def rank(self) -> str:
        """How it is drawn: "root", "stage" (a tactic), "group" (findings) or "leaf" (a sample)."""
        if self.kind in ("incident", "stage"):
            return "root" if self.kind == "incident" else "stage"
        return "group" if self.kind in _KINDS else "leaf"

    @property
    def is_told(self) -> bool:
        """Whether the story names it: what was found, and accounts that were taken."""
        return self.first is not None and (self.rank == "group" or self.kind == "login")

    @property
    def is_folded(self) -> bool:
        """Samples of what was tried are folded away, unless something follows from one."""
        return self.rank == "group" and not any(
            child.children or child.is_told for child in self.children
        )

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Mark:
    """One clue on its lane: from `x`, `width` wide, of LANE."""

    node: Node
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Lane:
    tactic: str
    marks: tuple[Mark, ...]


def tree(stored: Mapping[str, Any], place: str = "0") -> Node | None:
    """The nodes of `Incident.clue_tree`; None where nothing is stored yet."""
    if not stored:
        return None
    children = (
        tree(child, f"{place}-{index}") for index, child in enumerate(stored.get("children", ()))
    )
    return Node(
        place=place,
        title=stored.get("title", ""),
        detail=stored.get("detail", ""),
        kind=stored.get("kind", ""),
        tactic=stored.get("tactic", ""),
        techniques=tuple(stored.get("techniques", ())),
        first=_time(stored.get("first")),
        last=_time(stored.get("last")),
        severity=int(stored.get("severity", 0)),
        count=int(stored.get("record_count", len(stored.get("records", ())))),
        children=tuple(child for child in children if child),
    )


def story(root: Node | None) -> list[Node]:
    """What happened, in time order."""
    told = [node for node in root.walk() if node.is_told] if root else []
    return sorted(told, key=_when)


def lanes(root: Node | None) -> tuple[Lane, ...]:
    """One lane a tactic, in the order in which the tactics began."""
    told = story(root)
    if not told:
        return ()
    begin = min(_when(node)[0] for node in told)
    end = max(node.last or begin for node in told)
    scale = LANE / max((end - begin).total_seconds(), 1e-6)
    rows: dict[str, list[Mark]] = {}
    for node in told:
        first = _when(node)[0]
        start = (first - begin).total_seconds() * scale
        width = max(((node.last or first) - first).total_seconds() * scale, 8)
        mark = Mark(node, round(min(start, LANE - width)), round(width))
        rows.setdefault(node.tactic, []).append(mark)
    return tuple(Lane(tactic, tuple(marks)) for tactic, marks in rows.items())


def _when(node: Node) -> tuple[datetime, str]:
    return node.first or datetime.max.replace(tzinfo=UTC), node.place


def _time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    return parse_datetime(value) if isinstance(value, str) else None
