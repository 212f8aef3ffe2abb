"""Holds incidents against expert knowledge and proposes what is to be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps import contracts
from apps.acquisition.models import Batch
from apps.acquisition.stages import claimed
from apps.analysis import matching, remedy, selectors
from apps.analysis.models import Incident, Match, Remedy, Step, Task
from apps.analysis.remedy import FoundFile, TakenAccount, step_key
from apps.analysis.serialise import attacker_from
from apps.analysis.transmission import hand_over
from apps.contracts import Kind, Refused
from apps.knowledge.services import records
from apps.protection.services import audit

ACTOR = "platform"
MOST_MATCHES = 5
_AT_WORK = (Remedy.State.APPROVED, Remedy.State.APPLYING, Remedy.State.UNDOING)
_HOLDS = (Step.State.APPLYING, Step.State.APPLIED, Step.State.UNDOING)
NO_MATCH = "No expert record matches this incident."


def match_batch(batch_id: UUID) -> None:
    """Writes down which expert records fit the incidents of a correlated batch, and why."""
    with claimed(batch_id, Batch.State.CORRELATED) as claim:
        if claim is None:
            return
        known = records()
        with transaction.atomic():
            # Locked, and in order: whoever proposes for the same incidents waits, and two
            # batches that share several of them cannot wait for each other.
            for incident in selectors.incidents_of(batch_id).select_for_update(of=("self",)):
                _write_matches(incident, matching.match(incident.facts, known))
            claim.finish(Batch.State.MATCHED)


def propose_batch(batch_id: UUID) -> list[int]:
    """Proposes remedies for the incidents of a matched batch; the batch is then done.

    Returns the waiting remedies of these incidents whose commands are not made yet, whether
    proposed now or before: a worker that died in between is made up for. Where no record
    matches, the incident goes to the remote responder, unless it is only unfamiliar traffic.
    """
    with claimed(batch_id, Batch.State.MATCHED) as claim:
        if claim is not None:
            known = {record.slug: record for record in records()}
            for incident_id in list(selectors.incidents_of(batch_id).values_list("id", flat=True)):
                _propose(incident_id, known)
            claim.finish(Batch.State.DONE)
    waiting = Remedy.objects.filter(
        state=Remedy.State.PROPOSED, digest="", incident__batches__batch_id=batch_id
    )
    return list(waiting.order_by("id").values_list("id", flat=True))


@transaction.atomic
def propose_again(*, incident_id: int, actor: str) -> list[int]:
    """Proposes the best plan anew, though a settled remedy may hold the same steps: a person
    asks for it, after an undo or a refusal.

    What an applied remedy still holds is left out. Returns the new remedy, for its commands to
    be made. Raises `Refused` where a plan waits or is at work, where no expert record matches,
    where nothing is left to be done, and for a closed incident.
    """
    incident = Incident.objects.select_for_update().get(pk=incident_id)
    if incident.state == Incident.State.CLOSED:
        raise Refused(_("The incident is closed. Reopen it first."))
    if incident.remedies.filter(state=Remedy.State.PROPOSED).exists():
        raise Refused(_("A plan is waiting for a decision already."))
    if incident.remedies.filter(state__in=_AT_WORK).exists():
        raise Refused(_("A repair is at work. Wait until it has ended."))
    known = {record.slug: record for record in records()}
    fitting = [row for row in incident.matches.all() if row.slug in known]
    if not fitting:
        raise Refused(_("No expert record matches this incident."))
    plan = _plan(incident, fitting, known)
    holding = Step.objects.filter(remedy__incident=incident, state__in=_HOLDS)
    held = {step_key(step.action, step.host, step.parameters) for step in holding}
    steps = [s for s in plan.steps if step_key(s.action, s.host, s.parameters) not in held]
    if not steps:
        raise Refused(_("There is nothing more that a plan could do."))
    before = Task.objects.filter(remedy__incident=incident)
    kept = before.exclude(remedy__state=Remedy.State.SUPERSEDED)
    told = set(kept.values_list("title", flat=True))
    tasks = [task for task in plan.tasks if task.title not in told]
    return [_put_forward(incident, fitting[0], steps, tasks, actor).pk]


def _write_matches(incident: Incident, found: Sequence[contracts.Match]) -> None:
    """Keeps those that the plan is made of and the next best, not every record that fits."""
    used = [fit.record.slug for fit in remedy.leading(found, incident.facts)]
    found = [fit for n, fit in enumerate(found) if n < MOST_MATCHES or fit.record.slug in used]
    rows = [
        Match(
            incident=incident,
            slug=fit.record.slug,
            version=fit.record.version,
            digest=fit.record.digest,
            title=fit.record.title,
            score=fit.score,
            reasons=list(fit.reasons),
        )
        for fit in found
    ]
    slugs = [row.slug for row in rows]
    incident.matches.filter(remedies=None).exclude(slug__in=slugs).delete()
    Match.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["incident", "slug"],
        update_fields=["version", "digest", "title", "score", "reasons"],
    )


@transaction.atomic
def _propose(incident_id: int, known: Mapping[str, contracts.ExpertRecord]) -> None:
    incident = Incident.objects.select_for_update().get(pk=incident_id)
    if incident.state == Incident.State.CLOSED:
        return
    fitting = [row for row in incident.matches.all() if row.slug in known]
    if fitting:
        _offer(incident, fitting[0], _plan(incident, fitting, known))
    else:
        _without_knowledge(incident)


def _plan(
    incident: Incident, fitting: Sequence[Match], known: Mapping[str, contracts.ExpertRecord]
) -> contracts.Remedy:
    return remedy.plan_of(
        [contracts.Match(known[row.slug], row.score, tuple(row.reasons)) for row in fitting],
        attacker_from(incident.attacker),
        incident.hosts,
        [FoundFile(**file) for file in incident.assets.get("files", ())],
        accounts=[TakenAccount(**account) for account in incident.assets.get("accounts", ())],
        facts=incident.facts,
    )


def _without_knowledge(incident: Incident) -> None:
    if incident.kind == Kind.ANOMALY or incident.handovers.exists():
        return
    if incident.state == Incident.State.OPEN:
        hand_over(incident_id=incident.pk, reason=NO_MATCH, actor=ACTOR)


def _offer(incident: Incident, match: Match, plan: contracts.Remedy) -> None:
    """Proposes a plan, as far as it is new.

    What a person decided on, or a hand has begun, is never altered or asked again: only what no
    decided remedy holds is proposed, beside it. A waiting proposal gives way only to another plan.
    """
    made_before = incident.remedies.exclude(state=Remedy.State.SUPERSEDED)
    rows = list(made_before.prefetch_related("steps", "tasks"))
    live = [row for row in rows if _may_give_way(row)]
    settled = [row for row in rows if row not in live]
    # What a person asked for again waits beside the settled one it repeats.
    done = _keys(settled) - _keys(live)
    told = {task.title for r in settled for task in r.tasks.all()}
    steps = [s for s in plan.steps if step_key(s.action, s.host, s.parameters) not in done]
    tasks = [t for t in plan.tasks if t.title not in told]
    if not steps and (not tasks or settled):
        return
    if any(_same(row, match, steps, tasks) for row in live):
        return
    superseded = [row.pk for row in live]
    Remedy.objects.filter(pk__in=superseded).update(state=Remedy.State.SUPERSEDED)
    _put_forward(incident, match, steps, tasks, ACTOR, superseded)


def _put_forward(
    incident: Incident,
    match: Match,
    steps: Sequence[contracts.PlannedStep],
    tasks: Sequence[contracts.ManualTask],
    actor: str,
    superseded: Sequence[int] = (),
) -> Remedy:
    made = _create(incident, match, steps, tasks)
    waits = made.state == Remedy.State.PROPOSED
    if waits and incident.state not in (Incident.State.REPAIRING, Incident.State.CLOSED):
        incident.state = Incident.State.AWAITING_APPROVAL
        incident.save(update_fields=["state", "updated_at"])
    audit(
        actor=actor,
        action="remedy.proposed",
        object=f"incident:{incident.pk}",
        detail={
            "remedy": made.pk,
            "record": match.slug,
            "steps": len(steps),
            "tasks": len(tasks),
            "supersedes": list(superseded),
        },
    )
    return made


def _keys(rows: Sequence[Remedy]) -> set[tuple[str, str, str]]:
    return {step_key(s.action, s.host, s.parameters) for row in rows for s in row.steps.all()}


def _may_give_way(row: Remedy) -> bool:
    """A proposal nobody decided on; tasks for people as long as none of them is done."""
    if row.state == Remedy.State.BY_HAND:
        return not any(task.done_at for task in row.tasks.all())
    return row.state == Remedy.State.PROPOSED


def _same(
    row: Remedy,
    match: Match,
    steps: Sequence[contracts.PlannedStep],
    tasks: Sequence[contracts.ManualTask],
) -> bool:
    """Whether a proposal asks for the same. Wording may have changed: that is no new plan."""
    mine = [(s.action, s.host, s.parameters) for s in row.steps.all()]
    theirs = [(s.action, s.host, dict(s.parameters)) for s in steps]
    return (
        row.match_id == match.pk
        and mine == theirs
        and [t.title for t in row.tasks.all()] == [t.title for t in tasks]
    )


def _create(
    incident: Incident,
    match: Match,
    steps: Sequence[contracts.PlannedStep],
    tasks: Sequence[contracts.ManualTask],
) -> Remedy:
    state = Remedy.State.PROPOSED if steps else Remedy.State.BY_HAND
    made = Remedy.objects.create(incident=incident, match=match, state=state)
    Step.objects.bulk_create(
        Step(
            remedy=made,
            order=order,
            action=step.action,
            host=step.host,
            parameters=dict(step.parameters),
            reason=step.reason,
        )
        for order, step in enumerate(steps)
    )
    Task.objects.bulk_create(
        Task(remedy=made, order=order, title=task.title, detail=task.detail)
        for order, task in enumerate(tasks)
    )
    return made
