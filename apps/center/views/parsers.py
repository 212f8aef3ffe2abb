"""Parsers: which there are, what becomes of a line, and those that users write."""

from __future__ import annotations

import sys
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.acquisition import services as acquisition
from apps.acquisition.models import Record, Source, WrittenParser
from apps.acquisition.parsing import parsers
from apps.acquisition.written import store
from apps.acquisition.written.checking import load
from apps.acquisition.written.document import Broken
from apps.acquisition.written.reader import Written
from apps.center import explain
from apps.center.forms import ExplainForm, ParserForm
from apps.center.views.doors import actor, attempt, deed, form, page
from apps.center.views.evidence import raw_of
from apps.contracts import Refused
from apps.detection.run import tools
from apps.protection.permissions import Capability

BLANK = """\
name: my_program
dataset: my_program.log
category: host
pattern: '^(?P<time>\\S+) (?P<log.level>[A-Z]+) (?P<message>.*)$'
time:
  formats: iso8601
examples:
  - line: '2026-11-22T09:58:49Z WARN door open'
    fields:
      "@timestamp": 2026-11-22T09:58:49Z
      log.level: WARN
      message: door open
"""
"""What a new parser begins with; it works."""


@page(Capability.VIEW_INCIDENTS)
def listing(request: HttpRequest) -> HttpResponse:
    kept = store.current()
    saved = set(WrittenParser.objects.values_list("name", flat=True))
    return render(
        request,
        "center/parsers.html",
        {
            "own": [(parser, parser.name in saved) for parser in kept.parsers],
            "problems": kept.problems,
            "broken": sorted(saved - {parser.name for parser in kept.parsers}),
            "shipped": [(name, _about(parser)) for name, parser in parsers().items()],
            "folder": store.folder(),
        },
    )


def _about(parser: object) -> str:
    """The first sentence of what its module says of itself."""
    text = (sys.modules[type(parser).__module__].__doc__ or "").strip()
    return " ".join(text.partition("\n\n")[0].split())


@form(Capability.VIEW_INCIDENTS)
def explain_lines(request: HttpRequest) -> HttpResponse:
    """Lines that are pasted, or that of a record; nothing is kept of them."""
    asked = ExplainForm(request.POST or None, initial=_of_record(request))
    told = None
    if request.method == "POST" and asked.is_valid():
        source = asked.cleaned_data["source"] or Source()
        told = explain.explain(
            asked.cleaned_data["lines"],
            received=timezone.now(),
            written=store.current().parsers,
            file_name=asked.cleaned_data["file_name"],
            host_name=source.host_name,
            zone=source.time_zone,
            proxies=source.trusted_proxies,
        )
    return render(request, "center/explain.html", {"form": asked, **_shown(told)})


def _of_record(request: HttpRequest) -> dict[str, Any]:
    number = request.GET.get("record", "")
    if not number.isdecimal() or len(number) > 18:
        return {}
    record = get_object_or_404(Record.objects.select_related("batch"), pk=int(number))
    batch = record.batch
    return {
        "lines": raw_of(record.pk) or "",
        "file_name": batch.file_name,
        "source": batch.source_id,
    }


def _shown(told: explain.Explanation | None) -> dict[str, Any]:
    return {
        "told": told,
        "terms": (),
        "titles": {name: tool.title for name, tool in tools().items()},
    }


# ── Written in the dashboard ─────────────────────────────────────────────────────────────


@form(Capability.MANAGE_SOURCES)
def create(request: HttpRequest) -> HttpResponse:
    return _written(request, None)


@form(Capability.MANAGE_SOURCES)
def change(request: HttpRequest, name: str) -> HttpResponse:
    return _written(request, get_object_or_404(WrittenParser, name=name))


def _written(request: HttpRequest, kept: WrittenParser | None) -> HttpResponse:
    """Tried as often as one likes; saved only when it keeps what its examples promise."""
    asked = ParserForm(request.POST or None, initial={"text": kept.text if kept else BLANK})
    told = parser = None
    if request.method == "POST" and asked.is_valid():
        text = asked.cleaned_data["text"].replace("\r\n", "\n")
        try:
            if "save" in request.POST:
                replaces = kept.name if kept else ""
                acquisition.save_parser(text=text, actor=actor(request), replaces=replaces)
                return redirect("parsers")
            parser = load(text, _("the parser"))
        except Broken as problem:
            asked.add_error("text", str(problem))
        else:
            told = _tried(parser, asked.cleaned_data["lines"])
    return render(
        request,
        "center/parser.html",
        {"form": asked, "kept": kept, "parser": parser, **_shown(told)},
    )


def _tried(parser: Written, lines: str) -> explain.Explanation:
    """The parser beside all others but its own former self, on its examples and more lines."""
    others = [other for other in store.current().parsers if other.name != parser.name]
    text = "\n".join([*parser.examples, lines])
    return explain.explain(text, received=timezone.now(), written=[parser, *others])


@deed(Capability.MANAGE_SOURCES)
def remove(request: HttpRequest, name: str) -> HttpResponse:
    def act() -> None:
        if not WrittenParser.objects.filter(name=name).exists():
            raise Refused(_("There is no such parser."))
        acquisition.remove_parser(name=name, actor=actor(request))

    attempt(request, act, _("The parser is gone; what it read stays as it was read."))
    return redirect("parsers")
