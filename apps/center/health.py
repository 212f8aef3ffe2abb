"""Whether the seven modules can do their work now: honest checks, each one sentence."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from time import monotonic
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.acquisition import listening, retention
from apps.acquisition.models import Batch, Source, Watch
from apps.acquisition.parsing import parsers
from apps.acquisition.written import store
from apps.analysis.models import Incident
from apps.analysis.services import model_folder
from apps.assistance.models import Delivery, Host
from apps.center.words import exact
from apps.detection import selectors as detection
from apps.protection.models import AuditEntry

QUEUES = ("ingest", "response", "learning", "scan")
STUCK = timedelta(minutes=10)
LATE = timedelta(minutes=10)
FRESH = 10
"""Seconds a look at the house stays good: pages ask often, workers answer slowly."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at and what was seen. `state` is "good", "waiting" (look soon) or "bad"."""

    title: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class Module:
    name: str
    title: str
    checks: tuple[Check, ...]

    @property
    def state(self) -> str:
        """The worst of its checks."""
        states = {check.state for check in self.checks}
        return next((name for name in ("bad", "waiting") if name in states), "good")

    @property
    def troubles(self) -> list[Check]:
        return [check for check in self.checks if check.state != "good"]


_seen: tuple[float, str | None, list[Module]] = (float("-inf"), None, [])
Look = Callable[[], tuple[str, str]]


def modules() -> list[Module]:
    """The seven modules, as seen at most FRESH seconds ago."""
    global _seen
    at, language, seen = _seen
    if monotonic() - at > FRESH or language != get_language():
        seen = [
            Module(name, str(title), tuple(_look(str(what), look) for what, look in looks))
            for name, title, looks in MODULES
        ]
        _seen = (monotonic(), get_language(), seen)
    return seen


def _look(title: str, look: Look) -> Check:
    try:
        state, detail = look()
    except Exception as problem:  # a check that cannot look is itself the finding
        line = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        state, detail = "bad", line[:300]
    return Check(title, state, detail)


# ── Liveness, for the supervisor ─────────────────────────────────────────────────────────


def ping_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def ping_broker() -> None:
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)


# ── Looks ────────────────────────────────────────────────────────────────────────────────


def _database() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database())"
        )
        version, size = cursor.fetchone()
    return "good", _("PostgreSQL %(version)s, %(size)s MB") % {
        "version": version.split()[0],
        "size": round(size / 1e6),
    }


def _retention() -> tuple[str, str]:
    """How long records are kept, and whether what is due goes."""
    days = settings.TOCSIN["retention_days"]
    oldest = retention.oldest()
    held = Incident.objects.filter(held_at__isnull=False).count()
    since = timezone.localtime(oldest).strftime("%Y-%m-%d") if oldest else "–"
    kept = ngettext("kept %(n)d day", "kept %(n)d days", days) % {"n": days}
    under = ngettext("%(n)d incident under hold", "%(n)d incidents under hold", held) % {"n": held}
    parts = (kept if days else _("kept for ever"), _("the oldest of %s") % since, under)
    detail = "; ".join(parts)
    if not days:
        return "good", detail
    late = oldest is not None and timezone.now() - oldest > timedelta(days=days + 2)
    return ("waiting" if late and not held else "good"), detail


def _sources() -> tuple[str, str]:
    enabled = Source.objects.filter(enabled=True)
    if not (total := enabled.count()):
        return "waiting", _("no source yet")
    since = timezone.now() - timedelta(minutes=15)
    live = enabled.filter(last_seen_at__gte=since).count()
    return "good", _("%(live)d of %(total)d sent something in the last 15 minutes") % {
        "live": live,
        "total": total,
    }


def _watches() -> tuple[str, str]:
    """Late ones say that no worker serves the queue `scan`, or that `tocsin capture` does not run."""
    enabled = Watch.objects.filter(enabled=True, source__enabled=True)
    if not (total := enabled.count()):
        return "waiting", _("nothing is watched yet")
    before = timezone.now() - LATE
    late = enabled.filter(next_at__lt=before).exclude(claimed_at__gte=before).count()
    failed = enabled.exclude(last_error="").count()
    detail = _("%(total)d watched, %(late)d late, %(failed)d failed last") % {
        "total": total,
        "late": late,
        "failed": failed,
    }
    return ("bad" if late else "waiting" if failed else "good"), detail


def _batches() -> tuple[str, str]:
    failed = Batch.objects.filter(state=Batch.State.FAILED).count()
    moving = Batch.objects.exclude(state__in=(Batch.State.DONE, Batch.State.FAILED))
    stuck = moving.filter(received_at__lt=timezone.now() - STUCK).count()
    detail = _("%(moving)d on the way, %(stuck)d stuck, %(failed)d failed") % {
        "moving": moving.count(),
        "stuck": stuck,
        "failed": failed,
    }
    return ("bad" if stuck else "waiting" if failed else "good"), detail


def _parsers() -> tuple[str, str]:
    kept = store.current()
    if kept.problems:
        return "bad", " · ".join(kept.problems)[:600]
    count = len(kept.parsers)
    detail = ngettext("%(n)d of your own", "%(n)d of your own", count) % {"n": count}
    return "good", f"{len(parsers())} + {detail}"


def _listening() -> tuple[str, str]:
    """Whether what should listen does, what it holds, and what it could not take."""
    found = list(listening.listeners())
    if not found:
        if settings.HEARS:
            return "bad", _("nothing listens, though the settings say so: see log/listen.log")
        return "good", _("not asked for: everything comes by HTTP")
    silent = [row.name for row, fresh in found if not fresh]
    if silent:
        return "bad", _("%(name)s has not been heard of for a while") % {"name": silent[0]}
    reports = [row.report for row, _fresh in found]
    failing = [report["failing"] for report in reports if report["failing"]]
    if failing:
        return "bad", _("nothing can be stored now: %(why)s") % {"why": failing[0]}
    detail = _listening_detail(reports)
    worried = any(report["paused"] or report["troubles"] for report in reports)
    return "waiting" if worried else "good", detail


def _listening_detail(reports: list[dict[str, Any]]) -> str:
    places = [f"{one['what']} {one['address']}" for r in reports for one in r["listening"]]
    lost = sum(one.get("lost") or 0 for r in reports for one in r["listening"])
    followed = sum(report["files"] for report in reports)
    behind = sum(report["behind"] for report in reports)
    connections = sum(report["connections"] for report in reports)
    strangers = [f"{who} ({n})" for r in reports for who, n in r["strangers"].items()]
    troubles = [trouble for r in reports for trouble in r["troubles"]]
    parts = [
        ", ".join(places),
        ngettext("%(n)d connection", "%(n)d connections", connections) % {"n": connections},
        _("%(size)s MB held") % {"size": round(sum(r["buffered"] for r in reports) / 1e6, 1)},
        ngettext("%(n)d datagram lost in the kernel", "%(n)d datagrams lost in the kernel", lost)
        % {"n": lost}
        if lost
        else "",
        ngettext(
            "%(n)d file followed, %(bytes)d bytes behind",
            "%(n)d files followed, %(bytes)d bytes behind",
            followed,
        )
        % {"n": followed, "bytes": behind}
        if followed
        else "",
        _("of no source: %(who)s") % {"who": ", ".join(strangers[:3])} if strangers else "",
        "; ".join(troubles[:3]),
    ]
    return "; ".join(part for part in parts if part)


def _tools() -> tuple[str, str]:
    from apps.plugins import gather

    names = list(gather("apps.detection.tools", "TOOL"))
    return ("good" if names else "bad"), ", ".join(names) or _("no tool found")


def _habits() -> tuple[str, str]:
    """Of how many sites enough is known to tell what is strange there."""
    sites, known, habits = detection.known_habits()
    told = ngettext(
        "%(sites)d site: %(known)d of %(habits)d parameters and paths known well enough",
        "%(sites)d sites: %(known)d of %(habits)d parameters and paths known well enough",
        sites,
    )
    return "good", told % {"known": known, "habits": habits, "sites": sites}


def _yara() -> tuple[str, str]:
    import yara_x

    from apps.knowledge.rules import yara_sources

    compiler = yara_x.Compiler()
    for name, text in yara_sources():
        compiler.add_source(text, origin=name)
    count = sum(1 for _rule in compiler.build())
    return "good", ngettext("%(n)d rule compiles", "%(n)d rules compile", count) % {"n": count}


def _models() -> tuple[str, str]:
    """Whether each network's weights are the file its manifest describes. Loading one costs
    seconds and is the workers' affair."""
    folder = model_folder() or Path(str(files("knowledge_base") / "models"))
    manifests = sorted(folder.glob("*/model.json"))
    if not manifests:
        return "bad", _("no network in %(folder)s") % {"folder": folder}
    for file in manifests:
        weights = json.loads(file.read_bytes())["weights"]
        content = (file.parent / weights["file"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != weights["sha256"]:
            return "bad", _("the weights of %(name)s are damaged") % {"name": file.parent.name}
    return "good", ", ".join(file.parent.name for file in manifests)


def _records() -> tuple[str, str]:
    from apps.knowledge import services

    count = len(services.records())
    detail = ngettext("%(n)d expert record, valid", "%(n)d expert records, all valid", count)
    return ("good" if count else "bad"), detail % {"n": count}


def _hosts() -> tuple[str, str]:
    reachable = Host.objects.filter(enabled=True).exclude(host_key="").count()
    if not reachable:
        return "waiting", _("no host can be repaired from here yet")
    detail = ngettext("%(n)d host may be repaired", "%(n)d hosts may be repaired", reachable)
    return "good", detail % {"n": reachable}


def _deliveries() -> tuple[str, str]:
    failed = Delivery.objects.filter(state=Delivery.State.FAILED).count()
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING).count()
    detail = _("%(waiting)d waiting, %(failed)d failed") % {"waiting": waiting, "failed": failed}
    return ("bad" if failed else "good"), detail


def _chain() -> tuple[str, str]:
    last = AuditEntry.objects.filter(action="chain.verified").order_by("-id").first()
    if last is None:
        return "waiting", _("never verified yet")
    when = exact(last.at)
    if n := last.detail.get("problems", 0):
        text = ngettext(
            "%(n)d thing did not hold at %(when)s", "%(n)d things did not hold at %(when)s", n
        )
        return "bad", text % {"n": n, "when": when}
    return "good", _("every seal held at %(when)s") % {"when": when}


def _broker() -> tuple[str, str]:
    ping_broker()
    return "good", _("answers")


def _workers() -> tuple[str, str]:
    ping_broker()  # asking the workers through a broker that is away would take long
    answers = current_app.control.inspect(timeout=0.5).ping() or {}
    if not answers:
        return "bad", _("no worker answers")
    return "good", ", ".join(sorted(answers))


def _queues() -> tuple[str, str]:
    depths: dict[str, int] = {}
    with current_app.connection_for_read() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)
        for name in QUEUES:
            # A queue that nobody has used yet is not there: nothing waits in it.
            try:
                depths[name] = broker.default_channel.queue_declare(
                    name, passive=True
                ).message_count
            except Exception:
                depths[name] = 0
    waiting = sum(depths.values())
    detail = ", ".join(f"{name} {depth}" for name, depth in depths.items())
    return ("waiting" if waiting > 1000 else "good"), detail


def _disk() -> tuple[str, str]:
    usage = shutil.disk_usage(settings.HOME)
    share = usage.free / usage.total
    detail = _("%(free)d GB free (%(share)d %%)") % {
        "free": usage.free // 10**9,
        "share": round(share * 100),
    }
    return ("bad" if share < 0.03 else "waiting" if share < 0.1 else "good"), detail


_t = gettext_lazy
MODULES: Sequence[tuple[str, Promise, Sequence[tuple[Promise, Look]]]] = (
    (
        "acquisition",
        _t("Acquisition"),
        (
            (_t("Database"), _database),
            (_t("Sources"), _sources),
            (_t("Listening"), _listening),
            (_t("Watches"), _watches),
            (_t("Batches"), _batches),
            (_t("Retention"), _retention),
            (_t("Parsers"), _parsers),
        ),
    ),
    (
        "detection",
        _t("Detection"),
        ((_t("Tools"), _tools), (_t("YARA rules"), _yara), (_t("Sites' habits"), _habits)),
    ),
    ("analysis", _t("Analysis"), ((_t("Networks"), _models),)),
    ("knowledge", _t("Knowledge"), ((_t("Expert records"), _records),)),
    ("assistance", _t("Assistance"), ((_t("Hosts"), _hosts), (_t("Deliveries"), _deliveries))),
    ("protection", _t("Protection"), ((_t("Chain of seals"), _chain),)),
    (
        "center",
        _t("Center"),
        (
            (_t("Broker"), _broker),
            (_t("Workers"), _workers),
            (_t("Queues"), _queues),
            (_t("Disk"), _disk),
        ),
    ),
)


def forget() -> None:
    """Looks anew at the next question."""
    global _seen
    _seen = (float("-inf"), None, [])
