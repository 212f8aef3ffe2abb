"""Writes down what a step's commands did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from django.utils import timezone

from apps.analysis.models import Step
from apps.assistance.action import Output
from apps.assistance.execution import Note
from apps.assistance.models import Outcome
from apps.contracts import Command
from apps.protection.masking import mask

MOST_KEPT = 64 * 1024  # characters of each stream


class Diary:
    """The outcomes of one step. An outcome without an end is of a command whose worker died."""

    def __init__(self, step: Step) -> None:
        self.step = step

    def began(self, phase: str, command: Command) -> int:
        outcome = Outcome.objects.create(
            step=self.step, phase=phase, command=asdict(command), started_at=timezone.now()
        )
        return outcome.pk

    def looked(self, notes: Sequence[Note]) -> None:
        Outcome.objects.bulk_create(
            Outcome(
                step=self.step,
                phase=note.phase,
                command=asdict(note.command),
                exit_status=note.output.status,
                stdout=mask(note.output.stdout[:MOST_KEPT]),
                stderr=mask(note.output.stderr[:MOST_KEPT]),
                started_at=note.started,
                ended_at=note.ended,
            )
            for note in notes
        )

    def ended(self, entry: int, output: Output) -> None:
        Outcome.objects.filter(pk=entry).update(
            exit_status=output.status,
            stdout=mask(output.stdout[:MOST_KEPT]),
            stderr=mask(output.stderr[:MOST_KEPT]),
            ended_at=timezone.now(),
        )
