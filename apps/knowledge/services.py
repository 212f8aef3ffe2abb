"""Loads expert records from the knowledge base."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from apps.contracts import AutomaticStep, Condition, ExpertRecord, Kind, ManualTask, Risk
from apps.knowledge.documents import KnowledgeError, checked

_MOST_BASES = 4
_read: dict[str, tuple[ExpertRecord, ...]] = {}  # digest of all the content → what it says


def records(base: Traversable | None = None) -> tuple[ExpertRecord, ...]:
    """Every expert record of `base` (default: the shipped knowledge base), in order of slug.

    Read again only when a file changed. Raises `KnowledgeError`, naming the file and the line or
    field, if a record is not readable, does not fit `record.schema.json`, lies in the folder of
    another risk or carries the slug of another one.
    """
    base = base or files("knowledge_base")
    found = sorted(_documents(base / "records"), key=lambda pair: (pair[0], pair[1].name))
    content = hashlib.sha256((base / "record.schema.json").read_bytes())
    for folder, file in found:
        content.update(f"{folder}/{file.name}".encode() + b"\0" + file.read_bytes() + b"\0")
    digest = content.hexdigest()
    if digest not in _read:
        known = _load(base / "record.schema.json", found)
        if len(_read) >= _MOST_BASES:
            _read.clear()
        _read[digest] = known
    return _read[digest]


def record(slug: str) -> ExpertRecord | None:
    """The expert record of this slug, None if there is none."""
    return next((each for each in records() if each.slug == slug), None)


def _load(
    schema: Traversable, found: Sequence[tuple[str, Traversable]]
) -> tuple[ExpertRecord, ...]:
    by_slug: dict[str, tuple[str, ExpertRecord]] = {}
    for folder, file in found:
        place = f"{folder}/{file.name}"
        record = _record(checked(file, schema), hashlib.sha256(file.read_bytes()).hexdigest())
        if record.risk != folder:
            raise KnowledgeError(f"{place}: risk: is {record.risk}, but the folder is {folder}")
        if record.slug in by_slug:
            other = by_slug[record.slug][0]
            raise KnowledgeError(f"{place}: slug: {record.slug!r} is also that of {other}")
        by_slug[record.slug] = place, record
    return tuple(by_slug[slug][1] for slug in sorted(by_slug))


def _documents(folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    """(folder name, file) of every YAML file one folder down."""
    for risk in folder.iterdir():
        if risk.is_dir():
            yield from ((risk.name, f) for f in risk.iterdir() if f.name.endswith(".yml"))


def _record(document: dict[str, Any], digest: str) -> ExpertRecord:
    return ExpertRecord(
        slug=document["slug"],
        version=document["version"],
        title=document["title"],
        summary=document["summary"],
        risk=Risk(document["risk"]),
        kinds=tuple(Kind(kind) for kind in document["kinds"]),
        when=tuple(Condition(**condition) for condition in document["when"]),
        automatic=tuple(AutomaticStep(**step) for step in document["automatic"]),
        manual=tuple(ManualTask(**task) for task in document["manual"]),
        verify=tuple(document["verify"]),
        techniques=tuple(document["techniques"]),
        references=tuple(document["references"]),
        digest=digest,
    )
