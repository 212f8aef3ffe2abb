"""A remedy as the commands a person reads: made from facts, sealed by their digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

from django.db import transaction
from django.utils.translation import gettext as _

from apps.analysis.models import Remedy, Step
from apps.assistance.execution import action_named, ask, plan_digest, plan_step, to_json
from apps.assistance.hosts import given, obstacle, reached, remember
from apps.assistance.models import Host
from apps.assistance.recorded import answers, kept
from apps.assistance.ssh import Connection, Unreachable
from apps.contracts import Json, Refused


@dataclass(frozen=True, slots=True)
class Draft:
    """What becomes of a step: its commands, or why there are none."""

    commands: Mapping[str, Json] = field(default_factory=dict)
    effect: str = ""
    refusal: str = ""


def preview(remedy_id: int) -> None:
    """Writes each step's commands, effect or refusal, and the digest over all of them.

    Facts are read from the host where it can be reached, else those it told last are used. A
    remedy that is no longer waiting for a decision is left as it is.
    """
    remedy = Remedy.objects.filter(pk=remedy_id, state=Remedy.State.PROPOSED).first()
    if remedy is None:
        return
    steps = list(remedy.steps.order_by("host", "order"))
    drafts: dict[int, Draft] = {}
    for name, group in groupby(steps, key=lambda step: step.host):
        drafts |= _drafts(name, list(group))
    with transaction.atomic():
        remedy = Remedy.objects.select_for_update().get(pk=remedy_id)
        if remedy.state != Remedy.State.PROPOSED:
            return
        for step in steps:
            draft = drafts[step.pk]
            step.commands, step.effect = draft.commands, draft.effect
            step.refusal = draft.refusal
            step.state = Step.State.REFUSED if draft.refusal else Step.State.PLANNED
            step.save(update_fields=["commands", "effect", "refusal", "state"])
        remedy.digest = digest_of(remedy)
        remedy.save(update_fields=["digest", "updated_at"])


def preview_for(host_name: str) -> None:
    """Previews every waiting remedy that has a step on this host."""
    waiting = Remedy.objects.filter(state=Remedy.State.PROPOSED, steps__host=host_name)
    for remedy_id in waiting.distinct().values_list("pk", flat=True):
        preview(remedy_id)


def digest_of(remedy: Remedy) -> str:
    """The digest of the commands as they are stored; empty where no step has any."""
    steps = [
        {
            "host": step.host,
            "action": step.action,
            "parameters": step.parameters,
            "commands": step.commands,
        }
        for step in remedy.steps.order_by("order")
        if step.commands
    ]
    return plan_digest(steps) if steps else ""


def parameters_of(step: Step) -> dict[str, Json]:
    """A step's parameters, with its own mark for names on the host."""
    return {**step.parameters, "case": str(step.pk)}


def _drafts(host_name: str, steps: list[Step]) -> dict[int, Draft]:
    host = Host.objects.filter(name=host_name).first()
    if host is None:
        return {step.pk: Draft(refusal=obstacle(None, host_name)) for step in steps}
    with reached(host) as connection:
        return {step.pk: _draft(host, connection, step) for step in steps}


def _draft(host: Host, connection: Connection | None, step: Step) -> Draft:
    parameters = parameters_of(step)
    try:
        action = action_named(step.action)
        probes = action.probes(parameters)
        outputs = {**answers(host.facts), **given(host)}
        if connection is not None:
            try:
                outputs = ask(connection, probes, given(host))
                remember(host, kept(probes, outputs))
            except Unreachable as why:
                host.trouble = str(why)
                host.save(update_fields=["trouble"])
        elif not host.facts:
            raise Refused(host.trouble or obstacle(host) or _("Nothing is known of %s.") % host)
        plan = plan_step(action, parameters, outputs)[0]
    except Refused as why:
        return Draft(refusal=str(why))
    return Draft(to_json(plan), plan.effect)
