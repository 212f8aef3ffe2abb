"""Turns a step into commands and runs them: ask, plan, act, look again. No database in it.

What a person approves is `CommandPlan` as JSON, with sudo where the repair account needs it.
Before anything runs, the plan is made anew from fresh facts and must be the approved one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Protocol

from apps.assistance.action import (
    Action,
    Facts,
    Judgement,
    Output,
    Outputs,
    Parameters,
    Phase,
    Probe,
    elevate,
)
from apps.contracts import Command, CommandPlan, Json, Refused
from apps.plugins import gather
from apps.protection.chain import canonical, digest

log = logging.getLogger(__name__)

APPROVED = ("snapshot", "act", "verify")
"""The phases that must be, word for word, what was approved. Undo is decided when it is asked
for, from what is there then, so that it never takes away what somebody else needs."""


class Changed(Exception):
    """The host is no longer as it was when the plan was approved: a sentence says how."""


class Failed(Exception):
    """A step ran and did not do what it was for: a sentence says how."""


class Runner(Protocol):
    """Whoever runs commands on a host: `ssh.Connection`, or a model of a host in tests."""

    def run(self, command: Command, *, timeout: float = ...) -> Output: ...


@dataclass(frozen=True, slots=True)
class Note:
    """One question that was asked of a host, and its answer as it may be kept."""

    phase: str
    command: Command
    output: Output
    started: datetime
    ended: datetime


class Journal(Protocol):
    """Writes down what runs: what acts, before it runs and when it has ended; what only looks,
    afterwards, all at once."""

    def began(self, phase: str, command: Command) -> int: ...
    def ended(self, entry: int, output: Output) -> None: ...
    def looked(self, notes: Sequence[Note]) -> None: ...


@cache
def actions() -> Mapping[str, Action]:
    """Every repair action by name: ours, and those of installed packages."""
    return gather("apps.assistance.actions", "ACTION")


def action_named(name: str) -> Action:
    try:
        return actions()[name]
    except KeyError:
        raise Refused(f"There is no repair action called {name!r}.") from None


# ── Plans as JSON ────────────────────────────────────────────────────────────────────────


def to_json(plan: CommandPlan) -> dict[str, list[dict[str, Json]]]:
    return {
        phase: [_command_json(command) for command in getattr(plan, phase)]
        for phase in (*APPROVED, "undo")
    }


def _command_json(command: Command) -> dict[str, Json]:
    return {**asdict(command), "argv": list(command.argv)}


def same(approved: Mapping[str, Json], planned: Mapping[str, Json]) -> bool:
    return all(approved.get(phase) == planned.get(phase) for phase in APPROVED)


def plan_digest(steps: Iterable[Mapping[str, Json]]) -> str:
    """SHA-256 of the canonical JSON of all steps; each `{"host", "action", "parameters",
    "commands"}`."""
    return digest(canonical(list(steps)))


# ── From answers to a plan ───────────────────────────────────────────────────────────────


def plan_step(
    action: Action, parameters: Parameters, outputs: Outputs
) -> tuple[CommandPlan, Facts]:
    """What the step runs on a host that answers so. Raises `Refused` with a sentence."""
    with _sensible():
        facts = action.read(parameters, outputs)
        return _elevated(action.plan(parameters, facts), _uid(facts)), facts


@contextmanager
def _sensible() -> Iterator[None]:
    """A host may be in the hands of its attacker: answers that mean nothing are a refusal, and no
    failure that would be tried again for ever."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as wrong:
        log.warning("a host's answers make no sense", exc_info=True)
        raise Refused("The host's answers make no sense, so nothing is done there.") from wrong


def _elevated(plan: CommandPlan, uid: int) -> CommandPlan:
    def up(commands: Sequence[Command]) -> tuple[Command, ...]:
        return tuple(elevate(command, uid) for command in commands)

    return CommandPlan(
        snapshot=up(plan.snapshot),
        act=up(plan.act),
        verify=up(plan.verify),
        undo=up(plan.undo),
        effect=plan.effect,
    )


def _uid(facts: Facts) -> int:
    uid = facts.get("uid")
    return uid if isinstance(uid, int) else 0


def ask(
    runner: Runner,
    probes: Sequence[Probe],
    given: Outputs,
    journal: Journal | None = None,
    phase: str = "facts",
) -> dict[str, Output]:
    """The host's answers; `given` are those the platform has itself. Those a person approved
    to be run are written down under `phase`, the others under "facts"."""
    outputs = dict(given)
    notes: list[Note] = []
    uid = 0
    for probe in sorted(probes, key=lambda probe: not probe.plain):
        command = probe.command if probe.plain else elevate(probe.command, uid)
        started = datetime.now(UTC)
        output = outputs[probe.name] = runner.run(command)
        kept = replace(output, stdout=probe.keep(output.stdout))
        under = phase if probe.shown else "facts"
        notes.append(Note(under, command, kept, started, datetime.now(UTC)))
        if probe.name == "uid" and output.stdout.strip().isdecimal():
            uid = int(output.stdout)
    if journal:
        journal.looked(notes)
    return outputs


# ── One step on one host ─────────────────────────────────────────────────────────────────


@dataclass
class Hand:
    """One action with its parameters on one host that can be reached."""

    action: Action
    parameters: Parameters
    runner: Runner
    given: Outputs
    journal: Journal | None = None
    answers: dict[str, Output] = field(default_factory=dict)

    def look(self, phase: str = "facts") -> Facts:
        probes = self.action.probes(self.parameters)
        self.answers = ask(self.runner, probes, self.given, self.journal, phase)
        with _sensible():
            return self.action.read(self.parameters, self.answers)

    def check(
        self, approved: Mapping[str, Json], phase: str = "facts"
    ) -> tuple[tuple[Command, ...], Facts]:
        """Looks, plans anew and compares: the commands to act with, and what is there before.

        Raises `Changed` where they are not the approved ones.
        """
        facts = self.look(phase)
        try:
            with _sensible():
                plan = _elevated(self.action.plan(self.parameters, facts), _uid(facts))
        except Refused as why:
            raise Changed(str(why)) from why
        if not same(approved, to_json(plan)):
            raise Changed("The host has changed: other commands would run than those approved.")
        return tuple(plan.act), facts

    def act(self, commands: Sequence[Command], before: Facts) -> Judgement:
        """Acts and looks again. A command that fails ends the act; what is then found on the
        host decides, and not what the commands said."""
        trouble = self._carry("act", commands)
        found = self.judge("verify", before, "verify")
        return found if found.holds else Judgement(False, f"{found.sentence}{trouble}")

    def judge(self, phase: Phase, before: Facts, noted: str = "facts") -> Judgement:
        facts = self.look(noted)
        with _sensible():
            return self.action.judge(phase, self.parameters, facts, before)

    def undo(self, before: Facts) -> Judgement:
        """Takes back what the act did, from what is there now. Raises `Refused`."""
        facts = self.look()
        with _sensible():
            commands = self.action.undo(self.parameters, facts, before)
        trouble = self._carry("undo", [elevate(command, _uid(facts)) for command in commands])
        found = self.judge("undo", before)
        return found if found.holds else Judgement(False, f"{found.sentence}{trouble}")

    def _carry(self, phase: str, commands: Sequence[Command]) -> str:
        for command in commands:
            entry = self.journal.began(phase, command) if self.journal else 0
            output = self.runner.run(command)
            if self.journal:
                self.journal.ended(entry, output)
            if output.status:
                said = (output.stderr or output.stdout).strip().splitlines()
                tail = f": {said[-1][:300]}" if said else ""
                return f" {command.argv[0]} ended with {output.status}{tail}."
        return ""
