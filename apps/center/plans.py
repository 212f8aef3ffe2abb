"""A remedy made ready to be read: its steps, their exact commands, and what each one did."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.analysis.models import Incident, Remedy, Step
from apps.assistance.hosts import obstacle
from apps.assistance.models import Attempt, Host, Outcome

PHASES: tuple[tuple[str, Promise], ...] = (
    ("snapshot", _("Keep what is there now")),
    ("act", _("Act")),
    ("verify", _("Check that it worked")),
    ("undo", _("Undo, if asked")),
)
BEGUN = (Step.State.APPLIED, Step.State.APPLYING, Step.State.UNDOING, Step.State.FAILED)
PATIENCE = timedelta(minutes=1)
"""How long a page waits for a worker to take up what was asked of it."""
LONGEST = timedelta(minutes=10)
"""An attempt without an end that began earlier has lost its worker."""
MOVING = (Remedy.State.APPROVED, Remedy.State.APPLYING, Remedy.State.UNDOING)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One command as it would be typed, and what came of it."""

    text: str
    stdin: str
    why: str
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    label: str
    commands: tuple[CommandLine, ...]


@dataclass(frozen=True, slots=True)
class StepView:
    step: Step
    phases: tuple[Phase, ...]
    host: Host | None

    @property
    def count(self) -> int:
        return sum(len(phase.commands) for phase in self.phases)

    @property
    def is_open(self) -> bool:
        """Whether the commands are shown at once: while they run, and where they failed."""
        return self.step.state in (Step.State.APPLYING, Step.State.UNDOING, Step.State.FAILED)


@dataclass(frozen=True, slots=True)
class Plan:
    """`obstacles` say why none of it can run from here; `warnings` why it might not.

    `undo_asked` is when this reader asked to have it taken back.
    """

    remedy: Remedy
    steps: tuple[StepView, ...]
    obstacles: tuple[str, ...]
    warnings: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    unregistered: tuple[str, ...] = ()  # hosts of its steps that have no access yet
    undo_asked: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        return self.remedy.state == Remedy.State.PROPOSED

    @property
    def is_moving(self) -> bool:
        return self.remedy.state in MOVING or self.is_under_way or self.is_awaited

    @property
    def is_under_way(self) -> bool:
        """Whether a worker is at it, which the state of the plan need not say."""
        since = timezone.now() - LONGEST
        return any(
            attempt.ended_at is None and attempt.started_at > since for attempt in self.attempts
        )

    @property
    def is_awaited(self) -> bool:
        """Whether an undo was asked for that no worker has taken up yet."""
        asked = self.undo_asked
        if asked is None or timezone.now() - asked > PATIENCE or not self._undoable:
            return False
        return not any(
            attempt.kind == Attempt.Kind.UNDO and attempt.started_at >= asked
            for attempt in self.attempts
        )

    @property
    def is_going_back(self) -> bool:
        return self.is_awaited or self.remedy.state == Remedy.State.UNDOING

    @property
    def applied(self) -> int:
        return sum(view.step.state == Step.State.APPLIED for view in self.steps)

    @property
    def is_partial(self) -> bool:
        """Whether it was applied without the steps that were not possible."""
        return self.remedy.state == Remedy.State.APPLIED and 0 < self.applied < len(self.steps)

    @property
    def feasible(self) -> int:
        """How many steps have commands."""
        return sum(bool(view.step.commands) for view in self.steps)

    @property
    def done(self) -> int:
        """How many manual tasks are ticked off."""
        return sum(task.done_at is not None for task in self.remedy.tasks.all())

    @property
    def can_approve(self) -> bool:
        is_open = self.remedy.incident.state != Incident.State.CLOSED
        return self.is_waiting and bool(self.remedy.digest) and not self.obstacles and is_open

    @property
    def can_undo(self) -> bool:
        return self._undoable and not self.is_awaited

    @property
    def _undoable(self) -> bool:
        begun = any(view.step.state in BEGUN for view in self.steps)
        return begun and self.remedy.state in (Remedy.State.APPLIED, Remedy.State.FAILED)


def plans(
    remedies: Sequence[Remedy], undo_asked: Mapping[int, datetime] | None = None
) -> list[Plan]:
    """Plans for remedies whose steps and outcomes are at hand (`selectors.remedies_of`)."""
    asked = undo_asked or {}
    names = {step.host for remedy in remedies for step in remedy.steps.all()}
    hosts = {host.name: host for host in Host.objects.filter(name__in=names)}
    return [_plan(remedy, hosts, asked.get(remedy.pk)) for remedy in remedies]


def _plan(remedy: Remedy, hosts: Mapping[str, Host], undo_asked: datetime | None) -> Plan:
    steps = list(remedy.steps.all())
    names = sorted({step.host for step in steps if step.commands})
    told = {name: obstacle(hosts.get(name), name) for name in names}
    return Plan(
        remedy,
        tuple(_view(step, hosts.get(step.host)) for step in steps),
        obstacles=tuple(filter(None, told.values())),
        warnings=tuple(
            host.trouble
            for name, why in told.items()
            if not why and (host := hosts.get(name)) and host.trouble
        ),
        attempts=tuple(remedy.attempts.all()),
        unregistered=tuple(
            name
            for name in sorted({step.host for step in steps if step.host})
            if not (host := hosts.get(name)) or not (host.host_key or host.is_demonstration)
        ),
        undo_asked=undo_asked,
    )


def _view(step: Step, host: Host | None) -> StepView:
    done = {
        (outcome.phase, tuple(outcome.command.get("argv", ()))): outcome
        for outcome in step.outcomes.all()
    }
    phases = tuple(
        Phase(
            name,
            str(label),
            tuple(
                CommandLine(
                    text=shlex.join(command.get("argv", ())),
                    stdin=command.get("stdin", ""),
                    why=command.get("why", ""),
                    outcome=done.get((name, tuple(command.get("argv", ())))),
                )
                for command in step.commands.get(name, ())
            ),
        )
        for name, label in PHASES
    )
    return StepView(step, tuple(phase for phase in phases if phase.commands), host)


def may_propose(incident: Incident, shown: Sequence[Plan]) -> bool:
    """Whether a person can ask for the plan again: the last one is settled and none is open."""
    settled = (Remedy.State.UNDONE, Remedy.State.REFUSED, Remedy.State.FAILED)
    return (
        incident.state != Incident.State.CLOSED
        and bool(shown)
        and shown[0].remedy.state in settled
        and not any(plan.is_waiting or plan.is_moving for plan in shown)
    )
