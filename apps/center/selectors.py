"""What the dashboard asks of the other modules' tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.acquisition.models import Batch, Record, Source
from apps.analysis.models import Incident, Remedy, Step, Task
from apps.assistance.models import Host, Outcome
from apps.center import words
from apps.contracts import RECORD_COLUMNS, ColumnType
from apps.detection.models import Finding

LARGE = ("clue_tree", "attacker", "facts", "assets")
"""What lists need not load: a flood's tree alone may take a megabyte."""

CLOSED = (Incident.State.CLOSED, Incident.State.REPAIRED)


def decisions() -> QuerySet[Remedy]:
    """Plans that wait for a person: those that can be carried out, then the most severe first.

    `is_ready` says whether it can: it has commands, and a way to each host they are for.
    """
    reachable = Host.objects.filter(enabled=True, private_key__isnull=False).exclude(host_key="")
    stuck = (
        Step.objects.filter(remedy=OuterRef("pk"))
        .exclude(commands={})
        .exclude(host__in=reachable.values("name"))
    )
    return (
        Remedy.objects.filter(state=Remedy.State.PROPOSED)
        .exclude(incident__state=Incident.State.CLOSED)
        .annotate(is_ready=~Q(digest="") & ~Exists(stuck))
        .select_related("incident", "match")
        .defer(*(f"incident__{name}" for name in LARGE))
        .prefetch_related("steps")
        .order_by("-is_ready", "-incident__severity", "-incident__last")
    )


def approvable() -> int:
    """How many plans can be approved, by those who may."""
    return decisions().filter(Q(is_ready=True)).count()


def open_incidents() -> QuerySet[Incident]:
    return Incident.objects.exclude(state__in=CLOSED).defer(*LARGE)


def by_level(incidents: QuerySet[Incident]) -> list[tuple[str, str, int]]:
    """(class, word, how many) for each level, the most severe first."""
    counts = dict.fromkeys((name for _least, name, _word in words.LEVELS), 0)
    for severity, n in incidents.order_by().values_list("severity").annotate(n=Count("id")):
        counts[words.level(severity)[0]] += n
    return [(name, str(word), counts[name]) for _least, name, word in words.LEVELS]


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the last day: records that came, and findings by level."""

    start: datetime
    records: int
    findings: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.findings.values())


def last_day() -> list[Hour]:
    """The last 24 hours by arrival, oldest first."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    since = now - timedelta(hours=23)
    records = dict(
        Batch.objects.filter(received_at__gte=since)
        .order_by()
        .values_list(TruncHour("received_at"))
        .annotate(n=Sum("stored"))
    )
    findings: dict[datetime, dict[str, int]] = {}
    counted = (
        Finding.objects.filter(created_at__gte=since)
        .order_by()
        .values_list(TruncHour("created_at"), "severity")
        .annotate(n=Count("id"))
    )
    for hour, severity, n in counted:
        levels = findings.setdefault(hour, {})
        name = words.level(severity)[0]
        levels[name] = levels.get(name, 0) + n
    hours = [since + timedelta(hours=n) for n in range(24)]
    return [Hour(hour, records.get(hour) or 0, findings.get(hour, {})) for hour in hours]


def incidents(
    *, state: str = "", kind: str = "", level: str = "", text: str = ""
) -> QuerySet[Incident]:
    """The incidents a filter leaves. `state` may be "active": all that are not closed.

    `is_partial`: some step of its applied plan was not possible.
    """
    applied = Step.objects.filter(
        remedy__incident=OuterRef("pk"), remedy__state=Remedy.State.APPLIED
    )
    found = Incident.objects.defer(*LARGE).annotate(
        is_partial=Exists(applied.exclude(state=Step.State.APPLIED))
    )
    if state == "active":
        found = found.exclude(state=Incident.State.CLOSED)
    elif state:
        found = found.filter(state=state)
    if kind:
        found = found.filter(kind=kind)
    if level:
        least, below = words.span(level)
        found = found.filter(severity__gte=least, severity__lt=below)
    if text:
        asked = Q(title__icontains=text) | Q(assignee__iexact=text)
        for column in ("subjects", "targets", "hosts"):
            asked |= Q(**{f"{column}__contains": [text]})
        if number := re.fullmatch(r"#?(\d{1,18})", text):
            asked |= Q(pk=int(number[1]))
        found = found.filter(asked)
    return found


def findings_of(incident: Incident) -> QuerySet[Finding]:
    """An incident's findings in time order, each with its verdict and why it was brought here.

    `record_count` is how many records each has.
    """
    return (
        Finding.objects.filter(membership__incident=incident)
        .select_related("assessment", "membership", "batch__source")
        .annotate(record_count=F("records__len"))
        .order_by("first", "id")
    )


def remedies_of(incident: Incident) -> list[Remedy]:
    """An incident's plans, newest first, with steps, outcomes and tasks at hand."""
    return list(
        incident.remedies.select_related("match").prefetch_related(
            Prefetch("steps", Step.objects.order_by("order")),
            Prefetch("steps__outcomes", Outcome.objects.order_by("id")),
            Prefetch("tasks", Task.objects.order_by("order")),
            "attempts",
        )
    )


def records(ids: Sequence[int]) -> QuerySet[Record]:
    """Records by id, in the order they came."""
    return (
        Record.objects.filter(pk__in=ids)
        .select_related("batch__source")
        .defer("tocsin_features")
        .order_by("id")
    )


def sources(*, archived: bool = False) -> QuerySet[Source]:
    """Those that are used, or those of the archive."""
    found = Source.objects.filter(archived_at__isnull=not archived)
    return found.order_by("is_demonstration", "name")


def lag(source: Source, quiet: timedelta = timedelta(minutes=15)) -> str:
    """How a source is doing: "off", "never", "quiet" or "live"."""
    if not source.enabled:
        return "off"
    if source.last_seen_at is None:
        return "never"
    return "quiet" if timezone.now() - source.last_seen_at > quiet else "live"


AHEAD, BEHIND = 5, 60
"""Seconds of difference between a source's times and ours that are worth a word."""
OLD = 86400
"""Seconds after which events are old: they say nothing of a clock."""


def clock(source: Source) -> str:
    """What the times of a live source say of its clock; empty where they fit. Nothing is ever
    corrected by it."""
    if source.delay is None or lag(source) != "live" or source.kind == Source.Kind.UPLOAD:
        return ""
    if source.delay < -AHEAD:
        return _("Its clock is ahead of ours by %(time)s.") % {"time": _lasting(-source.delay)}
    if source.delay > OLD:
        return _("It tells of long ago: its latest events came %(time)s after they happened.") % {
            "time": _lasting(source.delay)
        }
    if source.delay > BEHIND:
        return _(
            "Its latest events came %(time)s after they happened: they waited on their way, "
            "or its clock is behind."
        ) % {"time": _lasting(source.delay)}
    return ""


def _lasting(seconds: float) -> str:
    """Rounded to the largest unit of which there are two."""
    unit = next((unit for unit in (86400, 3600, 60) if seconds >= 2 * unit), 1)
    return words.pace(round(seconds / unit) * unit)


def bounds(source: Source) -> list[str]:
    """The limits of a source, a sentence each."""
    told = []
    if source.events_per_s:
        told.append(_("%(n)d events a second") % {"n": source.events_per_s})
    if source.bytes_per_s:
        told.append(_("%(n)d kB a second") % {"n": source.bytes_per_s // 1000})
    if source.bytes_per_day:
        sent = source.day_bytes if source.day == datetime.now(UTC).date() else 0
        told.append(
            _("%(n)d MB a day, of which %(sent)d are sent")
            % {"n": source.bytes_per_day // 1_000_000, "sent": sent // 1_000_000}
        )
    return told


def has_demonstration() -> bool:
    return Source.objects.filter(is_demonstration=True).exists()


def fields_of(record: Record) -> list[tuple[str, Any]]:
    """Every field of a record that holds something, under its ECS name."""
    return [
        (column.name, getattr(record, column.attribute))
        for column in RECORD_COLUMNS
        if column.stored
        and column.type is not ColumnType.BYTES
        and getattr(record, column.attribute) not in (None, "")
    ]
