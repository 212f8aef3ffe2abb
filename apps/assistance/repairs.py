"""Carries out approved remedies, verifies them and takes them back.

A remedy is worked on under its own lock, by one worker at a time. What each step found before it
acted is stored before it acts, and each command is written down before it runs. So whatever moment
a worker dies at, the next one reads from the host what was done, and goes on or takes it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from apps.analysis.models import Incident, Remedy, Step
from apps.assistance.execution import Changed, Failed, Hand, action_named
from apps.assistance.hosts import connect, given, obstacle
from apps.assistance.journal import Diary
from apps.assistance.models import Attempt, Host, Snapshot
from apps.assistance.previews import digest_of, parameters_of, preview
from apps.assistance.ssh import Unreachable
from apps.contracts import Refused
from apps.protection.locks import held
from apps.protection.masking import mask
from apps.protection.selectors import last_sealed
from apps.protection.services import audit

UNDO_WAITS = 120.0  # seconds for a verification under way: a person asked, and is not put off
TRIES = 3
"""How often a remedy is taken up again after its worker died or its host went away half-way."""
WAIT = 60.0  # seconds for another repair of the same host to end

_R, _S, _I = Remedy.State, Step.State, Incident.State
_BEGUN = (_S.APPLIED, _S.APPLYING, _S.UNDOING, _S.FAILED)


def apply(remedy_id: int) -> None:
    """Carries out an approved remedy, step by step: look, compare, act, verify.

    Where a host would now get other commands than those approved, nothing runs and the remedy
    waits for a new decision. Where a step fails, those before it are taken back.
    """
    with _alone(remedy_id) as remedy:
        if remedy is None or remedy.state not in (_R.APPROVED, _R.APPLYING):
            return
        attempt = _attempt(remedy, Attempt.Kind.APPLY, remedy.decided_by)
        work = _Work(remedy, [step for step in remedy.steps.order_by("order") if step.commands])
        try:
            # the seal is of the approval itself: rows can be altered, the chain cannot
            approved = last_sealed("remedy", str(remedy.pk))
            if not approved or not digest_of(remedy) == remedy.digest == approved:
                raise Changed("The stored plan is not the one that was approved.")
            if remedy.state == _R.APPROVED:
                _move(attempt, _R.APPLYING, _I.REPAIRING)
            elif _tries(remedy) > TRIES:
                raise Failed(f"It was begun {TRIES} times and never came to its end.")
            with work.at_hand():
                _carry_out(work)
        except (Changed, Failed, Refused, Unreachable) as why:
            _stop(attempt, work, why)
        else:
            sentence = " ".join(work.sentences)
            _move(attempt, _R.APPLIED, _I.REPAIRED, succeeded=True, sentence=sentence)


def verify(remedy_id: int) -> bool | None:
    """Looks whether an applied remedy still holds; None where there is nothing to look at.

    One that no longer holds is marked as failed, and can still be undone.
    """
    with _alone(remedy_id) as remedy:
        if remedy is None or remedy.state != _R.APPLIED:
            return None
        attempt = _attempt(remedy, Attempt.Kind.VERIFY, "platform")
        work = _Work(remedy, list(remedy.steps.filter(state=_S.APPLIED).order_by("order")))
        try:
            with work.at_hand():
                found = [
                    work.hand(step).judge("verify", step.snapshot.before, "verify")
                    for step in work.steps
                ]
        except (Refused, Unreachable) as why:
            _note(attempt, succeeded=False, sentence=str(why))
            return None
        sentence = " ".join(judgement.sentence for judgement in found)
        if all(judgement.holds for judgement in found):
            _note(attempt, succeeded=True, sentence=sentence)
            return True
        _move(attempt, _R.FAILED, _I.FAILED, succeeded=False, sentence=sentence)
        return False


def undo(remedy_id: int, actor: str) -> None:
    """Takes an applied remedy back, last step first, and looks whether all is as it was.

    What cannot be taken back stays marked as applied, with the reason, and can be tried again.
    """
    with _alone(remedy_id, UNDO_WAITS) as remedy:
        if remedy is None or remedy.state not in (_R.APPLIED, _R.FAILED, _R.UNDOING):
            return
        steps = remedy.steps.filter(state__in=_BEGUN, snapshot__isnull=False)
        work = _Work(remedy, list(steps.order_by("order")))
        if not work.steps:
            return
        attempt = _attempt(remedy, Attempt.Kind.UNDO, actor)
        before = _R.FAILED if remedy.state == _R.UNDOING else remedy.state
        _move(attempt, _R.UNDOING)
        try:
            with work.at_hand():
                problems = _take_back(work)
        except (Refused, Unreachable) as why:
            _move(attempt, _R(before), succeeded=False, sentence=f"Nothing was undone. {why}")
            return
        sentence = " ".join([*work.sentences, *problems])
        if problems:
            _move(attempt, _R.FAILED, _I.FAILED, succeeded=False, sentence=sentence)
        else:
            _move(attempt, _R.UNDONE, _I.OPEN, succeeded=True, sentence=sentence)


# ── The work itself ──────────────────────────────────────────────────────────────────────


@dataclass
class _Work:
    """A remedy's steps with, inside `at_hand`, an open connection to each of their hosts."""

    remedy: Remedy
    steps: list[Step]
    sentences: list[str] = field(default_factory=list)
    hands: dict[int, Hand] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Opens every host, under its lock. Raises `Unreachable` before anything has run."""
        names = sorted({step.host for step in self.steps})
        self.hosts = {host.name: host for host in Host.objects.filter(name__in=names)}
        for name in names:
            if why := obstacle(self.hosts.get(name), name):
                raise Unreachable(why)
        with ExitStack() as stack:
            if not stack.enter_context(held(*(f"host {name}" for name in names), wait=WAIT)):
                raise Unreachable("Another repair is at work on the same host.")
            links = {name: stack.enter_context(connect(self.hosts[name])) for name in names}
            for step in self.steps:
                self.hands[step.pk] = Hand(
                    action=action_named(step.action),
                    parameters=parameters_of(step),
                    runner=links[step.host],
                    given=given(self.hosts[step.host]),
                    journal=Diary(step),
                )
            yield

    def hand(self, step: Step) -> Hand:
        return self.hands[step.pk]

    @property
    def has_begun(self) -> bool:
        return any(step.state in _BEGUN for step in self.steps)


def _carry_out(work: _Work) -> None:
    if any(step.state in (_S.UNDOING, _S.UNDONE, _S.FAILED) for step in work.steps):
        raise Failed("It was being taken back when its worker died.")
    for step in work.steps:
        if step.state == _S.APPLYING:
            _recover(work, step)
    for step in work.steps:
        if step.state == _S.PLANNED:
            work.hand(step).check(step.commands)
    for step in work.steps:
        if step.state == _S.PLANNED:
            _do(work, step)


def _do(work: _Work, step: Step) -> None:
    hand = work.hand(step)
    commands, before = hand.check(step.commands, "snapshot")
    with transaction.atomic():
        host = work.hosts[step.host]
        Snapshot.objects.update_or_create(
            step=step, defaults={"host": host, "before": dict(before)}
        )
        _mark(step, _S.APPLYING)
    found = hand.act(commands, before)
    if not found.holds:
        raise Failed(found.sentence)
    _mark(step, _S.APPLIED)
    work.sentences.append(found.sentence)


def _recover(work: _Work, step: Step) -> None:
    """A worker died over this step: what the host shows decides, not what was written down."""
    snapshot = Snapshot.objects.filter(step=step).first()
    hand = work.hand(step)
    if snapshot is None or hand.judge("undo", snapshot.before).holds:
        _mark(step, _S.PLANNED)
        return
    found = hand.judge("verify", snapshot.before, "verify")
    if found.holds:
        _mark(step, _S.APPLIED)
        work.sentences.append(found.sentence)
        return
    undone = hand.undo(snapshot.before)
    if not undone.holds:
        raise Failed(f"It was left half-way by a worker that died. {undone.sentence}")
    _mark(step, _S.PLANNED)


def _take_back(work: _Work) -> list[str]:
    """Undoes every step that has begun, the last first; returns what could not be undone."""
    problems = []
    for step in reversed(work.steps):
        snapshot = Snapshot.objects.filter(step=step).first()
        if step.state not in _BEGUN or snapshot is None:
            continue
        _mark(step, _S.UNDOING)
        try:
            found = work.hand(step).undo(snapshot.before)
        except (Refused, Unreachable) as why:
            _mark(step, _S.APPLIED)
            problems.append(f"{step} was not undone: {why}")
            continue
        _mark(step, _S.UNDONE if found.holds else _S.FAILED)
        (work.sentences if found.holds else problems).append(found.sentence)
    return problems


def _stop(attempt: Attempt, work: _Work, why: Exception) -> None:
    """Ends an attempt that cannot go on, leaving every host in a state that is known."""
    if not work.has_begun:
        _return(attempt, f"Nothing has run. {why}")
        return
    if isinstance(why, Unreachable) and _tries(work.remedy) < TRIES:
        _note(attempt, succeeded=False, sentence=f"{why} It is tried again shortly.")
        return
    work.sentences.clear()
    try:
        with work.at_hand():
            problems = _take_back(work)
    except (Refused, Unreachable) as away:
        problems = [f"What had been done was not undone: {away}"]
    _move(
        attempt,
        _R.FAILED,
        _I.FAILED,
        succeeded=False,
        sentence=" ".join([str(why), *work.sentences, *problems]),
    )


# ── What is written down ─────────────────────────────────────────────────────────────────


@contextmanager
def _alone(remedy_id: int, wait: float = 0) -> Iterator[Remedy | None]:
    """The remedy as it is now, under its lock; None where another worker keeps it `wait` seconds."""
    with held(f"remedy {remedy_id}", wait=wait) as ours:
        yield Remedy.objects.filter(pk=remedy_id).first() if ours else None


def _attempt(remedy: Remedy, kind: Attempt.Kind, actor: str) -> Attempt:
    """Opens an attempt, and ends those of the same kind that died without a word."""
    died = Attempt.objects.filter(remedy=remedy, kind=kind, ended_at=None)
    died.update(ended_at=timezone.now(), succeeded=False, sentence="Its worker died.")
    return Attempt.objects.create(remedy=remedy, kind=kind, actor=actor)


def _tries(remedy: Remedy) -> int:
    """How often this approval of the remedy was taken up."""
    taken_up = Attempt.objects.filter(remedy=remedy, kind=Attempt.Kind.APPLY)
    if remedy.decided_at is not None:
        taken_up = taken_up.filter(started_at__gte=remedy.decided_at)
    return taken_up.count()


def _mark(step: Step, state: Step.State) -> None:
    step.state = state
    step.save(update_fields=["state"])


def _return(attempt: Attempt, sentence: str) -> None:
    """Back to the people: shows what would run now, for a new decision."""
    _move(attempt, _R.PROPOSED, _I.AWAITING_APPROVAL, succeeded=False, sentence=sentence)
    preview(attempt.remedy_id)


@transaction.atomic
def _move(
    attempt: Attempt,
    state: Remedy.State,
    incident: Incident.State | None = None,
    *,
    succeeded: bool | None = None,
    sentence: str = "",
) -> None:
    """Sets the remedy's state, and with it the incident's unless a person closed that."""
    remedy, now = attempt.remedy, timezone.now()
    remedy.state = state
    remedy.save(update_fields=["state", "updated_at"])
    if incident is not None:
        open_ = Incident.objects.filter(pk=remedy.incident_id).exclude(state=_I.CLOSED)
        open_.update(state=incident, updated_at=now)
    _note(attempt, succeeded=succeeded, sentence=sentence)


@transaction.atomic
def _note(attempt: Attempt, *, succeeded: bool | None, sentence: str) -> None:
    if succeeded is not None:
        attempt.succeeded, attempt.sentence = succeeded, mask(sentence)
        attempt.ended_at = timezone.now()
        attempt.save(update_fields=["succeeded", "sentence", "ended_at"])
    remedy = attempt.remedy
    result = {None: "begun", True: "done", False: "failed"}[succeeded]
    audit(
        actor=attempt.actor,
        action=f"remedy.{attempt.kind}.{result}",
        object=f"incident:{remedy.incident_id}",
        detail={"remedy": remedy.pk, "plan": remedy.digest, "sentence": mask(sentence)},
    )
