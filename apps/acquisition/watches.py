"""Watches: what the platform fetches itself. The only writer of them, and the life of one run.

A run is claimed by compare-and-set, collects, stores what it brought as batches, and only then
moves the baseline on: a worker that dies in between tells of a change twice, never not at all.
While it runs its database session holds a lock, which goes when the worker dies.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import zstandard
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.acquisition import collecting
from apps.acquisition.collecting import Baseline, Collected, Reach, Uncollected
from apps.acquisition.models import Source, Watch, WatchBaseline
from apps.acquisition.receiving import receive
from apps.acquisition.services import create_source
from apps.contracts import Json, Refused
from apps.protection import vault
from apps.protection.locks import held
from apps.protection.names import checked_name
from apps.protection.outbound import networks_of
from apps.protection.services import audit

LEAST_EVERY, MOST_EVERY = 60, 30 * 24 * 3600  # seconds
STALE = timedelta(minutes=15)
"""A claim so old was never taken up, or belongs to a machine that went: no collector takes so long."""
LOST = 60  # seconds until a run is tried again whose worker died
AT_ONCE = 4
"""Runs under way at the same time."""
LONGEST_BACK_OFF = 6 * 3600  # seconds
_MOST_BASELINE = 256 * 1024 * 1024


# ── What administrators do ───────────────────────────────────────────────────────────────


@transaction.atomic
def create_watch(
    *,
    name: str,
    kind: str,
    target: str,
    every: int,
    actor: str,
    options: Mapping[str, Json] | None = None,
    networks: Iterable[str] = (),
    secret: str = "",
    source: Source | None = None,
) -> Watch:
    """A new watch, due at once. Without a source it gets one of its own, of the same name.

    `networks` are private networks it may enter. Raises `Refused` with a sentence.
    """
    name = checked_name(name)
    checked = _checked(kind, target, every, options or {}) | {"networks": _entered(networks)}
    if Watch.objects.filter(name=name).exists():
        raise _taken()
    if source is None:
        if Source.objects.filter(name=name).exists():
            raise Refused(_("There is a source of this name: choose it, or another name."))
        source, _token = create_source(name=name, kind=Source.Kind.HOST, actor=actor)
    _may_be_fed(source)
    watch = Watch(
        name=name,
        kind=kind,
        source=source,
        secret=_sealed(kind, secret),
        next_at=timezone.now(),
        **checked,
    )
    _save(watch)
    _noted(actor, "watch.created", watch, checked)
    return watch


@transaction.atomic
def change_watch(
    *,
    watch_id: int,
    actor: str,
    name: str | None = None,
    target: str | None = None,
    every: int | None = None,
    options: Mapping[str, Json] | None = None,
    networks: Iterable[str] | None = None,
    secret: str | None = None,
    source: Source | None = None,
) -> Watch:
    """Other words for a watch; None keeps what it has, and its kind stays. Another target begins
    with a new baseline.

    A `secret` of "" takes it away; it is not carried over to another target. Raises `Refused` with
    a sentence.
    """
    watch = _locked(watch_id)
    checked: dict[str, Json] = {}
    if target is not None or every is not None or options is not None:
        checked = _checked(
            watch.kind,
            watch.target if target is None else target,
            watch.every if every is None else every,
            watch.options if options is None else options,
        )
    if networks is not None:
        checked["networks"] = _entered(networks)
    if name is not None:
        watch.name = checked_name(name)
    if source is not None:
        _may_be_fed(source)
        watch.source = source
    moved = checked.get("target", watch.target) != watch.target
    if moved and watch.secret and secret is None:
        raise Refused(_("The secret was for another target: type it again, or take it away."))
    if secret is not None:
        watch.secret = _sealed(watch.kind, secret)
    for field, value in checked.items():
        setattr(watch, field, value)
    watch.next_at, watch.failures = timezone.now(), 0
    watch.claimed_at = None  # a run under way asks for what is no longer wanted
    _save(watch)
    if moved:
        WatchBaseline.objects.filter(watch=watch).delete()
    _noted(actor, "watch.changed", watch, checked)
    return watch


@transaction.atomic
def enable_watch(*, watch_id: int, enabled: bool, actor: str) -> None:
    """Lets a watch run, or rests it. One that runs again is due at once."""
    watch = _locked(watch_id)
    Watch.objects.filter(pk=watch_id).update(
        enabled=enabled, next_at=timezone.now(), failures=0, claimed_at=None
    )
    _noted(actor, "watch.enabled" if enabled else "watch.disabled", watch)


@transaction.atomic
def run_now(*, watch_id: int, actor: str) -> None:
    """Makes a watch due, unless it is run already. Raises `Refused` where it is at rest."""
    watch = _locked(watch_id)
    if not watch.enabled:
        raise Refused(_("The watch is disabled: enable it first."))
    if not watch.source.enabled:
        raise Refused(_("The source it feeds is disabled: enable that first."))
    # One that runs keeps the sign that it began: `_end_lost` reads it.
    Watch.objects.filter(pk=watch_id, claimed_at=None).update(next_at=timezone.now())
    _noted(actor, "watch.run_now", watch)


@transaction.atomic
def delete_watch(*, watch_id: int, actor: str) -> None:
    """Ends a watch. Its source and what it brought stay."""
    watch = _locked(watch_id)
    _noted(actor, "watch.deleted", watch)
    watch.delete()


def _locked(watch_id: int) -> Watch:
    return Watch.objects.select_for_update().get(pk=watch_id)


def _save(watch: Watch) -> None:
    try:
        with transaction.atomic():
            watch.save()
    except IntegrityError as taken:
        raise _taken() from taken


def _taken() -> Refused:
    return Refused(_("There is a watch of this name already."))


def _checked(kind: str, target: str, every: int, options: Mapping[str, Json]) -> dict[str, Json]:
    collector = collecting.collector_named(kind)
    read = collecting.read_options(collector, options)
    if collector.continuous:
        every = getattr(read, "seconds", every)
    elif not LEAST_EVERY <= every <= MOST_EVERY:
        raise Refused(_("A watch runs at most once a minute and at least once in 30 days."))
    kept = collector.check(target.strip(), read)
    if len(kept) > 2000:
        raise Refused(_("The target is longer than 2000 characters."))
    return {"target": kept, "every": every, "options": msgspec.to_builtins(read)}


def _entered(networks: Iterable[str]) -> list[str]:
    try:
        return [str(network) for network in networks_of(networks)]
    except ValueError as wrong:
        raise Refused(str(wrong)) from wrong


def _sealed(kind: str, secret: str) -> bytes | None:
    if secret and not collecting.collector_named(kind).secret:
        raise Refused(_("A watch of this kind has no use for a secret."))
    return vault.encrypt(secret.encode()) if secret else None


def _may_be_fed(source: Source) -> None:
    if source.is_demonstration:
        raise Refused(_("A source of the demonstration goes away with it: choose another."))
    if source.archived_at:
        raise Refused(_("The source is in the archive: choose another."))


def _noted(actor: str, action: str, watch: Watch, detail: Mapping[str, Json] | None = None) -> None:
    """The audit trail never sees the secret."""
    said = {"name": watch.name, **(detail or {})}
    audit(actor=actor, action=action, object=f"watch:{watch.pk}", detail=said)


# ── Runs ─────────────────────────────────────────────────────────────────────────────────


def claim_due(*, now: datetime | None = None) -> list[tuple[int, datetime]]:
    """Claims what is due, the longest waiting first, as far as `AT_ONCE` allows: (id, claim)."""
    now = now or timezone.now()
    _end_lost()
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - STALE)
    watches = _that_run()
    room = AT_ONCE - watches.exclude(free).count()
    if room <= 0:
        return []
    due = watches.filter(free, enabled=True, source__enabled=True, next_at__lte=now)
    waiting = due.order_by("next_at").values_list("pk", flat=True)[:room]
    return [
        (watch_id, now)
        for watch_id in waiting
        if Watch.objects.filter(free, pk=watch_id, enabled=True).update(claimed_at=now)
    ]


def _that_run() -> QuerySet[Watch]:
    """All but those that go on without an end."""
    endless = [name for name, known in collecting.collectors().items() if known.continuous]
    return Watch.objects.exclude(kind__in=endless)


def _end_lost() -> None:
    """Ends the runs whose worker died: they began, and nobody holds their lock."""
    for watch in _that_run().filter(claimed_at=F("next_at")):
        with held(_lock(watch.pk)) as ours:
            if ours and watch.claimed_at:
                why = _("The worker died during the run.")
                _over(watch, watch.claimed_at, error=why, after=wait(LOST, watch.failures))


def _lock(watch_id: int) -> str:
    return f"watch {watch_id}"


def release(*, watch_id: int, claim: datetime) -> None:
    """Gives a claim back that nobody could be told of."""
    Watch.objects.filter(pk=watch_id, claimed_at=claim).update(claimed_at=None)


def run(*, watch_id: int, claim: datetime, reach: Reach) -> list[UUID]:
    """One run of a claimed watch: collects, stores, compares, and says when the next is due.

    Returns the new batches, for the pipeline. Nothing where the claim is another's by now; the
    run makes the claim its own first, so that a task that is delivered twice runs once.
    """
    with held(_lock(watch_id), wait=1) as locked:  # `_end_lost` holds it for a moment
        return _run(watch_id, claim, reach, locked)


def _run(watch_id: int, claim: datetime, reach: Reach, locked: bool) -> list[UUID]:
    now = timezone.now()
    ours = Watch.objects.filter(pk=watch_id, claimed_at=claim)
    # Both the same: it began, and lives as long as its lock. Where a run that was called off still
    # has the lock, it says nothing of this one.
    began = {"next_at": now} if locked else {}
    if not ours.update(claimed_at=now, **began):
        return []
    watch = Watch.objects.select_related("source").get(pk=watch_id)
    try:
        return _keep(watch, now, _collect(watch, reach))
    except (Uncollected, Refused, vault.VaultError, ValueError) as problem:
        _over(watch, now, error=str(problem))
        return []
    except BaseException:
        _over(watch, now, error=_("The collector failed; the worker's log says why."))
        raise


def _collect(watch: Watch, reach: Reach) -> Collected:
    collector = collecting.collector_named(watch.kind)
    options = collecting.read_options(collector, watch.options)
    secret = vault.decrypt(bytes(watch.secret)).decode() if watch.secret else ""
    reach = replace(reach, networks=networks_of(watch.networks), secret=secret)
    return collector.collect(watch.target, options, reach)


def _keep(watch: Watch, claim: datetime, collected: Collected) -> list[UUID]:
    documents, after = collecting.compare(_baseline(watch), collected, claim)
    new: list[UUID] = []
    last: UUID | None = None
    for file in collected.files:
        receipt = receive(
            source=watch.source, protocol=file.protocol, content=file.content, file_name=file.name
        )
        last = receipt.batch.pk
        if receipt.is_new:
            new.append(receipt.batch.pk)
    if documents:
        receipt = receive(
            source=watch.source,
            protocol="observed",
            content=collecting.lines_of(documents),
            file_name=watch.name,
            host_name=watch.target if watch.kind == "host" else "",
            key=f"watch {watch.pk} {claim.isoformat()}",
        )
        last = receipt.batch.pk
        new.append(receipt.batch.pk)
    actions = [document["event.action"] for document in documents]
    with transaction.atomic():
        if _over(
            watch,
            claim,
            error=" ".join(collected.notes) if collected.failed else "",
            notes=collected.notes,
            records=len(documents),
            changes=sum(action in _CHANGES for action in actions),
            baselines=actions.count("baseline"),
            batch=last,
        ):
            packed = zstandard.compress(msgspec.json.encode(after))
            WatchBaseline.objects.update_or_create(watch=watch, defaults={"content": packed})
    return new


_CHANGES = ("added", "changed", "removed")


def _baseline(watch: Watch) -> Baseline:
    kept = WatchBaseline.objects.filter(watch=watch).values_list("content", flat=True).first()
    if kept is None:
        return {}
    raw = zstandard.decompress(bytes(kept), max_output_size=_MOST_BASELINE)
    return msgspec.json.decode(raw, type=Baseline)


def _over(
    watch: Watch,
    claim: datetime,
    *,
    error: str,
    notes: Iterable[str] = (),
    records: int = 0,
    changes: int = 0,
    baselines: int = 0,
    batch: UUID | None = None,
    after: timedelta | None = None,
) -> bool:
    """Ends a run; False where the watch was changed or given to another meanwhile."""
    now = timezone.now()
    failures = watch.failures + 1 if error else 0
    ended = {
        "claimed_at": None,
        "last_at": now,
        "last_error": error,
        "last_notes": list(notes)[:20],
        "last_records": records,
        "last_changes": changes,
        "last_baselines": baselines,
        "last_batch": batch or watch.last_batch,
        "failures": failures,
        "next_at": now + (after or wait(watch.every, failures)),
    }
    if changes:
        ended["changed_at"] = now
    return bool(Watch.objects.filter(pk=watch.pk, claimed_at=claim).update(**ended))


def wait(every: int, failures: int, shake: float | None = None) -> timedelta:
    """How long until the next run: the interval, a tenth more or less so that a hundred watches do
    not ask all at once; twice as long for each failure in a row, up to six hours or the interval.

    `shake` is from -1 to 1, by chance if None.
    """
    longest = max(every, LONGEST_BACK_OFF)
    seconds = min(every * 2 ** min(failures, 20), longest)
    by_chance = random.uniform(-1, 1) if shake is None else shake  # noqa: S311 - no secret
    return timedelta(seconds=seconds * (1 + by_chance / 10))


# ── What is asked of them ────────────────────────────────────────────────────────────────


def watches() -> QuerySet[Watch]:
    """All watches, those in trouble first."""
    return Watch.objects.select_related("source").order_by(
        F("enabled").desc(), F("last_error").desc(), "name"
    )
