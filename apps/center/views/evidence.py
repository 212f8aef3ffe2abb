"""Evidence: from a clue or a finding down to the raw line and the sealed batch it came in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from zstandard import ZstdError

from apps.acquisition import selectors as acquisition
from apps.acquisition.models import Batch, BatchContent, Record
from apps.acquisition.questions import Question, terms
from apps.acquisition.search import UNTIMED, Page, TooWide, find, has_untimed
from apps.analysis.models import Incident
from apps.analysis.serialise import node_at, records_of
from apps.center import selectors
from apps.center.forms import RecordSearchForm
from apps.center.views.doors import actor, page, paged
from apps.detection.models import Finding
from apps.protection.models import Seal
from apps.protection.permissions import Capability
from apps.protection.services import audit


def _terms(findings: list[Finding]) -> list[str]:
    """What to mark in raw lines: who acted, and the patterns and accounts the tools named."""
    terms = {finding.subject for finding in findings}
    for finding in findings:
        for name in ("accounts_taken", "user_agents", "paths"):
            value = finding.parameters.get(name)
            values = value if isinstance(value, list) else [value]
            terms.update(word for word in values if isinstance(word, str) and 1 < len(word) < 200)
    return sorted(terms)


def _shown(request: HttpRequest, ids: Sequence[int], context: dict[str, Any]) -> HttpResponse:
    """The page of ids first, then their records: a flood has a hundred thousand."""
    numbers = paged(request, list(ids), 50)
    found = list(selectors.records(list(numbers.object_list)))
    shown = {"page": numbers, "records": found, "missing": len(numbers.object_list) - len(found)}
    return render(request, "center/evidence.html", {**shown, **context})


@page(Capability.VIEW_INCIDENTS)
def clue(request: HttpRequest, pk: int, place: str) -> HttpResponse:
    incident = get_object_or_404(Incident, pk=pk)
    node = node_at(incident.clue_tree, place)
    if node is None:
        raise Http404
    context = {
        "incident": incident,
        "title": node["title"],
        "detail": node["detail"],
        "terms": _terms(list(selectors.findings_of(incident).defer("records")[:200])),
    }
    return _shown(request, records_of(node), context)


@page(Capability.VIEW_INCIDENTS)
def finding(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Finding.objects.select_related("batch__source"), pk=pk)
    context = {
        "incident": Incident.objects.filter(memberships__finding=found).first(),
        "finding": found,
        "title": found.title,
        "terms": _terms([found]),
    }
    return _shown(request, found.records, context)


@page(Capability.VIEW_INCIDENTS)
def record(request: HttpRequest, pk: int) -> HttpResponse:
    shown = Record.objects.select_related("batch__source").filter(pk=pk).first()
    if shown is None:
        return _record_gone(request, pk)
    found = list(Finding.objects.filter(records__contains=[pk]).select_related("membership")[:20])
    return render(
        request,
        "center/record.html",
        {
            "record": shown,
            "raw": raw_of(pk),
            "fields": selectors.fields_of(shown),
            "batch": shown.batch,
            "seal": seal_of(shown.batch),
            "findings": found,
            "terms": _terms(found),
        },
    )


def _record_gone(request: HttpRequest, pk: int) -> HttpResponse:
    """A record that was there and went by retention: what is left to tell. 404 for any other."""
    batch = acquisition.removed_batch_of(pk)
    if batch is None:
        raise Http404
    context = {"number": pk, "batch": batch, "seal": seal_of(batch)}
    return render(request, "center/record_gone.html", context, status=410)


def raw_of(pk: int) -> str | None:
    """The line as it came; None where what was kept of its batch is gone or damaged."""
    try:
        return acquisition.raw_line(pk)
    except (ZstdError, BatchContent.DoesNotExist, IndexError):
        return None


DATASETS = (
    *("nginx.access", "apache.access", "iis.access", "haproxy.log", "http.request"),
    *("nginx.error", "apache.error", "tomcat.log", "postgresql.log", "mysql.error"),
    *("sshd.auth", "linux.auth", "auditd.log", "vsftpd.log", "postfix.log", "syslog"),
    *("windows.security", "windows.sysmon", "windows.powershell"),
    *("zeek.conn", "zeek.dns", "suricata.eve", "network.flow", "iptables.log", "pf.log"),
    *("file", "ecs", "unparsed"),
)
"""What the search proposes; any other kind may be typed."""


@page(Capability.VIEW_INCIDENTS)
def search(request: HttpRequest) -> HttpResponse:
    """Newest first, from where the page before ended: the table is too large to be counted."""
    form = RecordSearchForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    found, is_too_wide = Page([], ""), False
    if form.is_valid():
        try:
            found = find(Question(**asked), after=request.GET.get("after", ""))
        except TooWide:
            is_too_wide = True
        except ValueError:
            raise Http404 from None
    later = "after" in request.GET
    bounded = asked.get("since") or asked.get("until")
    words = terms(asked.get("text", "")) + terms(asked.get("url", ""))
    marked = [asked.get(name, "") for name in ("address", "host", "user")]
    return render(
        request,
        "center/records.html",
        {
            "form": form,
            "found": found,
            "is_too_wide": is_too_wide,
            "terms": [*(word.text for word in words), *filter(None, marked)],
            "later": later,
            "untimed": UNTIMED if found.after and not (later or bounded) and has_untimed() else "",
            "datasets": DATASETS,
        },
    )


@page(Capability.VIEW_INCIDENTS)
def batches(request: HttpRequest) -> HttpResponse:
    found = Batch.objects.select_related("source").order_by("-received_at")
    asked = {name: request.GET.get(name, "") for name in ("state", "source")}
    if asked["state"] in Batch.State.values:
        found = found.filter(state=asked["state"])
    if re.fullmatch(r"\d{1,18}", asked["source"]):
        found = found.filter(source_id=int(asked["source"]))
    return render(
        request,
        "center/batches.html",
        {
            "page": paged(request, found, 50),
            "asked": asked,
            "states": Batch.State.choices,
            "sources": selectors.sources(),
        },
    )


@page(Capability.VIEW_INCIDENTS)
def batch(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "center/batch.html", _batch(pk))


@page(Capability.VIEW_INCIDENTS)
def batch_progress(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "center/_batch_progress.html", _batch(pk))


STAGES = tuple(state for state in Batch.State if state is not Batch.State.FAILED)


def _batch(pk: UUID) -> dict[str, Any]:
    shown = get_object_or_404(Batch.objects.select_related("source"), pk=pk)
    reached = STAGES.index(Batch.State(shown.state)) if shown.state in STAGES else -1
    return {
        "batch": shown,
        "seal": seal_of(shown),
        "stages": [(stage.label, place <= reached) for place, stage in enumerate(STAGES)],
        "is_moving": shown.state not in (Batch.State.DONE, Batch.State.FAILED),
        "incidents": Incident.objects.filter(memberships__finding__batch=shown).distinct(),
        "findings": shown.findings.order_by("-severity", "first")[:50],
        "terms": (),
        "unparsed": acquisition.unparsed_in(shown, 10),
        "readers": _readers(shown),
    }


def _readers(batch: Batch) -> list[dict[str, Any]]:
    """Which parsers read it: of how many of its lines, and how sure they were beforehand."""
    told = batch.summary.get("parsers", [])
    lines = sum(reader["lines"] for reader in told) + batch.unparsed
    return [{**reader, "share": reader["lines"] / max(lines, 1)} for reader in told]


def seal_of(batch: Batch) -> Seal | None:
    return Seal.objects.filter(kind="batch", subject=str(batch.pk)).order_by("id").first()


@page(Capability.MANAGE_SOURCES)
def batch_content(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The bytes as they came. Whoever takes them away is written down."""
    shown = get_object_or_404(Batch, pk=pk, removed_at=None)
    audit(actor=actor(request), action="batch.downloaded", object=f"batch:{pk}")
    response = HttpResponse(acquisition.content_of(pk), content_type="application/octet-stream")
    name = f"{pk}.{shown.protocol}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
