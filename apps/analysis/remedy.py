"""Turns a match into a plan: reversible steps on hosts, and tasks for people. Pure.

Which commands a step is, assistance decides from the facts of the host; here is only what is to
be done where, and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from apps.analysis.matching import filled
from apps.analysis.words import counted, is_address, some
from apps.contracts import (
    Attacker,
    AutomaticStep,
    Json,
    Kind,
    ManualTask,
    Match,
    PlannedStep,
    Remedy,
)

MOST_ADDRESSES = 50  # of one record's step; the most active first
MOST_HOSTS = 10
MOST_STEPS = 200
LEAST_CONFIDENCE = 0.5  # below it nothing automatic is proposed

_NAMED_BY = ("address", "path", "account")  # the parameter that says what a step is done to


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of an incident, on the host that holds it; `sha256` is the content that was judged."""

    path: str
    host: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class TakenAccount:
    """An account that the attacker got, on the host where it was."""

    name: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class _Target:
    """One thing a step is done for, on one host."""

    host: str
    parameters: Mapping[str, Json]


def why_not_automatic(facts: Mapping[str, Json]) -> str:
    """Why nothing automatic may be proposed for an incident; empty where it may."""
    if facts.get("kind") == Kind.ANOMALY:
        return "No tool could say what kind of attack this is, so nothing is repaired by itself."
    confidence = facts.get("confidence") or 0.0
    if confidence < LEAST_CONFIDENCE:
        return (
            f"Tools and network together are only {confidence:.0%} sure; "
            f"from {LEAST_CONFIDENCE:.0%} on a repair is proposed."
        )
    return ""


def plan_of(
    matches: Sequence[Match],
    attacker: Attacker,
    hosts: Sequence[str],
    files: Sequence[FoundFile],
    *,
    accounts: Sequence[TakenAccount] = (),
    facts: Mapping[str, Json],
) -> Remedy:
    """One plan for all an incident shows: of the best match, and of the best for every further
    kind in it. A campaign that took an account and left a web shell needs both answers."""
    plans = [
        plan(match, attacker, hosts, files, accounts=accounts, facts=facts)
        for match in leading(matches, facts)
    ]
    steps: dict[tuple[str, str, str], PlannedStep] = {}
    tasks: dict[str, ManualTask] = {}
    for each in plans:
        for step in each.steps:
            steps.setdefault(step_key(step.action, step.host, step.parameters), step)
        for task in each.tasks:
            tasks.setdefault(task.title, task)
    return Remedy(tuple(steps.values())[:MOST_STEPS], tuple(tasks.values()))


def step_key(action: str, host: str, parameters: Mapping[str, Json]) -> tuple[str, str, str]:
    """What a step does to what on which host, whatever its other parameters."""
    return action, host, next((str(parameters[n]) for n in _NAMED_BY if n in parameters), "")


def leading(matches: Sequence[Match], facts: Mapping[str, Json]) -> Iterator[Match]:
    """The matches, best first, that answer a kind of the incident which no better one does."""
    open_kinds = set(facts.get("kinds") or ())
    for place, match in enumerate(matches):
        answers = open_kinds & {str(kind) for kind in match.record.kinds}
        if answers or place == 0:
            open_kinds -= answers
            yield match


def plan(
    match: Match,
    attacker: Attacker,
    hosts: Sequence[str],
    files: Sequence[FoundFile],
    *,
    accounts: Sequence[TakenAccount] = (),
    facts: Mapping[str, Json] | None = None,
) -> Remedy:
    """The plan of `match.record`, each step once, in the record's order and then by host.

    Steps for addresses are made on every host of the incident, those for files and accounts where
    these are. A step whose host nobody named has the host "": it can be read and not be run, and
    a task says so. `facts` (of `matching.facts_of`) fill the texts and decide whether anything
    automatic may be proposed at all. What a cap leaves out is said in a task.
    """
    facts = facts or {}
    places = list(dict.fromkeys(hosts))[:MOST_HOSTS] or [""]
    steps: dict[tuple[str, str, str], PlannedStep] = {}
    notes: list[ManualTask] = []
    if facts and (refusal := why_not_automatic(facts)):
        notes.append(ManualTask("Decide by hand whether to repair", refusal))
    else:
        for automatic in match.record.automatic:
            for target in _targets(automatic, attacker, places, files, accounts):
                step = _step(automatic, target, facts)
                key = (step.action, step.host, json.dumps(step.parameters, sort_keys=True))
                steps.setdefault(key, step)
    chosen = tuple(steps.values())[:MOST_STEPS]
    if any(not step.host for step in chosen):
        notes.append(
            ManualTask(
                "Name the host to repair",
                "The records do not say which host they are from. Give the source a host name, "
                "or repair by hand: steps without a host cannot be carried out.",
            )
        )
    if chosen:
        notes += _left_out(attacker, len(set(hosts)), len(steps))
    manual = (
        ManualTask(filled(task.title, facts), filled(task.detail, facts))
        for task in match.record.manual
    )
    return Remedy(chosen, tuple(dict.fromkeys([*notes, *manual])))


def _step(automatic: AutomaticStep, target: _Target, facts: Mapping[str, Json]) -> PlannedStep:
    values = {**facts, **target.parameters, "host": target.host}
    given = {
        name: filled(value, values) if isinstance(value, str) else value
        for name, value in automatic.parameters.items()
    }
    parameters = {**target.parameters, **given}
    return PlannedStep(automatic.action, target.host, parameters, filled(automatic.reason, values))


def _targets(
    automatic: AutomaticStep,
    attacker: Attacker,
    hosts: Sequence[str],
    files: Sequence[FoundFile],
    accounts: Sequence[TakenAccount],
) -> Iterator[_Target]:
    """What one automatic step is done for, in order."""
    match automatic.foreach:
        case "attacker.addresses":
            for host in hosts:
                for address in _addresses(attacker)[:MOST_ADDRESSES]:
                    yield _Target(host, {"address": address})
        case "files":
            only = hosts[0] if len(hosts) == 1 else ""
            for file in files:
                known = {"sha256": file.sha256} if file.sha256 else {}
                yield _Target(file.host or only, {"path": file.path, **known})
        case "accounts_taken":
            for account in accounts:
                for host in [account.host] if account.host else hosts:
                    yield _Target(host, {"account": account.name})
        case other:
            raise ValueError(f"a step cannot be done for {other!r}")


def _addresses(attacker: Attacker) -> list[str]:
    return [seen.value for seen in attacker.addresses if is_address(seen.value)]


def _left_out(attacker: Attacker, hosts: int, steps: int) -> Iterator[ManualTask]:
    """What the caps keep out of a plan, as tasks."""
    if hosts > MOST_HOSTS:
        yield ManualTask(
            f"Repair {counted(hosts - MOST_HOSTS, 'more host')} by hand",
            f"A plan reaches at most {MOST_HOSTS} hosts.",
        )
    if rest := _addresses(attacker)[MOST_ADDRESSES:]:
        yield ManualTask(
            f"Deal with {len(rest):,} more of the attacker's addresses by other means",
            f"The plan names the {MOST_ADDRESSES} most active; left out are "
            f"{some(rest, 'others')}. A rule at the network's edge may serve better.",
        )
    if steps > MOST_STEPS:
        yield ManualTask(
            f"Do {counted(steps - MOST_STEPS, 'more step')} by other means",
            f"A plan holds at most {MOST_STEPS} steps; what was left out concerns the least "
            "active addresses.",
        )
