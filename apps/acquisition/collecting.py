"""The contract of collectors: what the platform fetches itself, and what becomes of it.

A collector asks (the thin edge) and says what it saw as observations (the pure part); what is new,
changed or gone since the run before is found here, for all collectors in one way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from apps import plugins
from apps.contracts import Json, Refused
from apps.protection.outbound import Network

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Words = str | _StrPromise  # for people: translated when they are shown

DATASETS = frozenset(
    {
        *("web.page", "web.script", "dns.answer", "tls.certificate", "host.file", "host.package"),
        *("host.account", "host.key", "host.socket", "host.schedule", "host.unit"),
        *("host.process", "host.module"),
    }
)
"""What collectors bring, as `event.dataset`."""

Baseline = dict[str, dict[str, dict[str, Json]]]
"""Group → key → what is compared of each thing that was seen."""

_EVER = "(seen ever)"
"""The group of a baseline that holds what `Observation.ever` names: name → field → values."""
MOST_EVER = 500
"""Values of one field that are remembered, the latest."""


class Uncollected(Exception):
    """Nothing could be had of a target: one sentence for people."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing seen.

    Attributes:
        dataset: one of `DATASETS`.
        key: what it is called among the things of its group; what is compared goes by it.
        fields: its record, under names of the Elastic Common Schema; what no column keeps of them
            goes to `labels`.
        compared: what makes it the same thing as before; nothing is compared where this is empty.
        told: whether each run has a record of it, or only those in which it is new or changed.
        group: what was asked as one; a group that was not answered has not lost its things.
        ever: field → values of which every run's record says which of them no run saw before; for
            what changes back and forth, so that only what is new to a site stands out.
        ever_of: whose memory that is; things of one name share it.
    """

    dataset: str
    key: str
    fields: Mapping[str, Json]
    compared: Mapping[str, Json] = field(default_factory=dict)
    told: bool = False
    group: str = ""
    ever: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ever_of: str = ""


@dataclass(frozen=True, slots=True)
class RawFile:
    """Bytes kept as they came, as a batch of their own."""

    name: str
    content: bytes
    protocol: str = "file"


@dataclass(frozen=True, slots=True)
class Collected:
    """What one run brought.

    `groups` are those that were answered in full: only of these things can be gone. `notes` are
    sentences about what fell short; `failed` says that nothing of worth was had.
    """

    observations: Sequence[Observation]
    groups: frozenset[str] = frozenset({""})
    files: Sequence[RawFile] = ()
    notes: Sequence[str] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program on a host said."""

    status: int
    stdout: str = ""
    stderr: str = ""


Run = Callable[[Sequence[str]], Answer]
"""Runs a program on a host: words, never a shell string. Raises `Uncollected`."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a collector may use: networks it may enter besides the public one, the secret that
    belongs to the watch, and the way to a host by its name."""

    networks: tuple[Network, ...] = ()
    secret: str = ""
    on_host: Callable[[str], AbstractContextManager[Run]] | None = None


class Collector(Protocol):
    """Fetches one kind of target. Each public module of `apps.acquisition.collectors` has one,
    `COLLECTOR`.

    `options` is a frozen `msgspec.Struct` whose fields all have defaults; their `Meta` gives
    limits, and titles and descriptions for people. `secret` names what the secret is, empty where
    there is none. A `continuous` one is never run: a process of its own is at it without end.
    `check` gives the target as it is kept; raises `Refused`.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> Words: ...
    @property
    def description(self) -> Words: ...
    @property
    def target(self) -> Words: ...
    @property
    def secret(self) -> Words: ...
    @property
    def continuous(self) -> bool: ...
    @property
    def options(self) -> type[msgspec.Struct]: ...
    def check(self, target: str, options: Any) -> str: ...
    def collect(self, target: str, options: Any, reach: Reach) -> Collected: ...


@cache
def collectors() -> Mapping[str, Collector]:
    """Name → collector: ours and the installed ones."""
    return plugins.gather("apps.acquisition.collectors", "COLLECTOR")


def collector_named(name: str) -> Collector:
    try:
        return collectors()[name]
    except KeyError:
        raise Refused(f"There is no collector called {name!r}.") from None


def read_options(collector: Collector, options: Mapping[str, Json]) -> msgspec.Struct:
    """Options out of JSON, held to the collector's own. Raises `Refused` with a sentence."""
    if unknown := sorted(set(options) - set(collector.options.__struct_fields__)):
        raise Refused(f"A watch of this kind has no option {unknown[0]!r}.")
    try:
        return msgspec.convert(dict(options), collector.options)
    except msgspec.ValidationError as wrong:
        raise Refused(f"An option is wrong: {wrong}.") from wrong


# ── What changed ─────────────────────────────────────────────────────────────────────────


def compare(before: Baseline, collected: Collected, at: datetime) -> tuple[list[Json], Baseline]:
    """One run against the one before: the documents of its records, and the new baseline.

    `event.action` says what became of a thing: "baseline" (its group is seen for the first time),
    "added", "changed" or "removed"; "observed" where it is told of whatever became of it. A changed
    one names what changed in `changed`, and how it was in `was.…`. Of what is remembered, `new.…`
    has the values that no run saw before, and `known.…` how many were known.
    """
    documents: list[Json] = []
    after = {name: dict(things) for name, things in before.items() if name not in collected.groups}
    after |= {name: {} for name in collected.groups}
    for seen in collected.observations:
        action = ""
        more: dict[str, Json] = {}
        if seen.compared and seen.group in after:  # of what was never seen whole, nothing is new
            after[seen.group][seen.key] = {"event.dataset": seen.dataset, **seen.compared}
            action, more = _became(seen, before.get(seen.group))
        if action or seen.told:
            more |= _never_seen(seen, before.get(_EVER, {}))
            documents.append(_document(seen.dataset, action or "observed", seen.fields, at) | more)
        _remember(seen, after)
    for name in sorted(collected.groups & before.keys()):
        for key in before[name].keys() - after[name].keys():
            was = before[name][key]
            dataset = str(was["event.dataset"])
            gone = {field: value for field, value in was.items() if field != "event.dataset"}
            message = f"{key} is gone."
            documents.append(_document(dataset, "removed", {**gone, "message": message}, at))
    return documents, after


def _became(
    seen: Observation, known: Mapping[str, Mapping[str, Json]] | None
) -> tuple[str, dict[str, Json]]:
    if known is None:
        return "baseline", {}
    if (was := known.get(seen.key)) is None:
        return "added", {}
    changed = [name for name, value in seen.compared.items() if was.get(name) != value]
    if not changed:
        return "", {}
    return "changed", {
        "changed": " ".join(changed),
        **{f"was.{name}": was[name] for name in changed if name in was},
    }


def _never_seen(seen: Observation, memory: Mapping[str, Mapping[str, Json]]) -> dict[str, Json]:
    said: dict[str, Json] = {}
    for name, values in seen.ever.items():
        known = memory.get(seen.ever_of, {}).get(name)
        if known is None:  # nothing is new to a memory that has just begun
            continue
        said[f"known.{name}"] = len(known)
        if fresh := [value for value in values if value not in known]:
            said[f"new.{name}"] = " ".join(fresh)
    return said


def _remember(seen: Observation, after: Baseline) -> None:
    if not seen.ever:
        return
    group = after.setdefault(_EVER, {})
    memory = group[seen.ever_of] = dict(group.get(seen.ever_of, {}))  # the old one is still asked
    for name, values in seen.ever.items():
        older = [value for value in memory.get(name, ()) if value not in values]
        memory[name] = [*older, *values][-MOST_EVER:]


def _document(
    dataset: str, action: str, fields: Mapping[str, Json], at: datetime
) -> dict[str, Json]:
    return {
        "@timestamp": at.isoformat(),
        "event.dataset": dataset,
        "event.category": _CATEGORY.get(dataset, "host"),
        "event.action": action,
        **{name: value for name, value in fields.items() if value not in (None, "", [])},
    }


_CATEGORY = {
    "web.page": "web",
    "web.script": "web",
    "dns.answer": "network",
    "tls.certificate": "network",
    "host.file": "file",
    "host.package": "package",
    "host.account": "iam",
    "host.key": "iam",
    "host.process": "process",
    "host.module": "driver",
}


def lines_of(documents: Iterable[Json]) -> bytes:
    """Documents as the content of a batch of protocol "observed"."""
    return b"\n".join(map(_ENCODE, documents))


_ENCODE = msgspec.json.Encoder().encode
