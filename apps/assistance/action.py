"""What a repair action is: questions to a host in, commands out, and a judgement of the result.

An action never touches a host. It names the questions (`probes`), turns the answers into facts
(`read`), facts into commands (`plan`, `undo`), and says from facts whether they worked (`judge`).
Execution asks, runs and keeps; so a plan can be shown, tested and replayed without a host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from apps.contracts import Command, CommandPlan, Json, Refused

Facts = Mapping[str, Json]
"""What an action knows of a host: JSON, without secrets, so that it may be stored."""

Parameters = Mapping[str, Json]
Phase = Literal["verify", "undo"]

NOT_KNOWN = 127
"""Status of an answer nobody has: what a shell says of a program that is not there."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a command answered."""

    status: int
    stdout: str = ""
    stderr: str = ""


Outputs = Mapping[str, Output]
"""Answers by the name of their probe."""


def whole(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Probe:
    """One read-only question to a host.

    `plain` questions are asked as the account that logged in, never through sudo. `keep` takes
    out of the answer what must not be stored; facts read from a kept answer give the same plan.
    `shown` questions are part of what a person approves: they are the snapshot before and the
    check after.
    """

    name: str
    command: Command
    plain: bool = False
    keep: Callable[[str], str] = whole
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether something holds on the host, and the sentence that says so to people."""

    holds: bool
    sentence: str


class Action(Protocol):
    """One kind of reversible repair. Each module of `apps.assistance.actions` has one, `ACTION`.

    `plan` raises `contracts.Refused` with one plain sentence where a precondition does not hold;
    `undo` likewise where it cannot undo safely. Both are functions of their arguments alone.
    `judge("verify", …)` says whether the act holds now, `judge("undo", …)` whether the host is
    as `before` has it.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    def probes(self, parameters: Parameters) -> tuple[Probe, ...]: ...
    def read(self, parameters: Parameters, outputs: Outputs) -> Facts: ...
    def plan(self, parameters: Parameters, facts: Facts) -> CommandPlan: ...
    def undo(self, parameters: Parameters, facts: Facts, before: Facts) -> tuple[Command, ...]: ...
    def judge(
        self, phase: Phase, parameters: Parameters, facts: Facts, before: Facts
    ) -> Judgement: ...


def answer(outputs: Outputs, name: str) -> Output:
    return outputs.get(name, Output(NOT_KNOWN, "", "not known"))


def shown(probes: Iterable[Probe]) -> tuple[Command, ...]:
    return tuple(probe.command for probe in probes if probe.shown)


def only(parameters: Parameters, *names: str) -> None:
    """Refuses parameters that an action does not know: a misspelt one must not be ignored."""
    if unknown := sorted(set(parameters) - {*names, "case"}):
        raise Refused(f"It has parameters that this action does not know: {', '.join(unknown)}.")


def case(parameters: Parameters) -> str:
    """The step's own mark, for names on the host: letters, digits and hyphens."""
    mark = str(parameters.get("case", "0"))
    if not re.fullmatch(r"[A-Za-z0-9-]{1,40}", mark):
        raise Refused("The step's mark has characters other than letters, digits and hyphens.")
    return mark


def elevate(command: Command, uid: int) -> Command:
    """The command as the repair account must run it: through sudo unless it is root."""
    return command if uid == 0 else replace(command, argv=("sudo", "-n", "--", *command.argv))
