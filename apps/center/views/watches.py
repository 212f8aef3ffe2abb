"""Watches: what the platform fetches itself, how it went last, and what administrators say of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from apps.acquisition import watches as acquisition
from apps.acquisition.collecting import collectors
from apps.acquisition.models import Watch
from apps.acquisition.selectors import seen_by
from apps.center import watching
from apps.center.views.doors import actor, attempt, deed, form, page
from apps.center.watch_form import WatchForm
from apps.contracts import Refused
from apps.protection.permissions import Capability


@page(Capability.VIEW_INCIDENTS)
def listing(request: HttpRequest) -> HttpResponse:
    found = [(watch, _title(watch)) for watch in acquisition.watches()]
    return render(request, "center/watches.html", {"watches": found})


@page(Capability.VIEW_INCIDENTS)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    watch = get_object_or_404(Watch.objects.select_related("source"), pk=pk)
    return render(
        request,
        "center/watch.html",
        {
            "watch": watch,
            "title": _title(watch),
            "options": _options(watch),
            "seen": seen_by(watch, 20),
            "continuous": watch.kind in collectors() and collectors()[watch.kind].continuous,
            "batches": watch.source.batches.order_by("-received_at")[:8],
        },
    )


@form(Capability.MANAGE_SOURCES)
def create(request: HttpRequest) -> HttpResponse:
    """First which kind, then its form."""
    kind = request.GET.get("kind", "")
    if kind not in collectors():
        return render(request, "center/watch_kinds.html", {"collectors": collectors().values()})
    collector = collectors()[kind]
    asked = WatchForm(request.POST or None, collector=collector)
    if request.method == "POST" and asked.is_valid():
        try:
            watch = acquisition.create_watch(kind=kind, actor=actor(request), **asked.told())
        except Refused as refusal:
            asked.add_error(None, str(refusal))
        else:
            watching.start_due_soon()
            return redirect("watch", watch.pk)
    return render(request, "center/watch_form.html", {"form": asked, "collector": collector})


@form(Capability.MANAGE_SOURCES)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    watch = get_object_or_404(Watch, pk=pk)
    collector = collectors().get(watch.kind)
    if collector is None:
        return redirect("watch", pk)
    asked = WatchForm(request.POST or None, collector=collector, watch=watch)
    if request.method == "POST" and asked.is_valid():
        try:
            acquisition.change_watch(watch_id=pk, actor=actor(request), **asked.told())
        except Refused as refusal:
            asked.add_error(None, str(refusal))
        else:
            watching.start_due_soon()
            return redirect("watch", pk)
    found = {"form": asked, "collector": collector, "watch": watch}
    return render(request, "center/watch_form.html", found)


@deed(Capability.MANAGE_SOURCES)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Watch, pk=pk)
    started = attempt(
        request,
        lambda: acquisition.run_now(watch_id=pk, actor=actor(request)),
        _("It runs as soon as a worker is free."),
    )
    if started:
        watching.start_due_soon()
    return redirect("watch", pk)


@deed(Capability.MANAGE_SOURCES)
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Watch, pk=pk)
    enabled = request.POST.get("enabled") == "1"
    acquisition.enable_watch(watch_id=pk, enabled=enabled, actor=actor(request))
    return redirect("watch", pk)


@deed(Capability.MANAGE_SOURCES)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    watch = get_object_or_404(Watch, pk=pk)
    attempt(
        request,
        lambda: acquisition.delete_watch(watch_id=pk, actor=actor(request)),
        _("%(name)s is no longer watched. What it brought stays.") % {"name": watch.name},
    )
    return redirect("watches")


def _title(watch: Watch) -> str:
    known = collectors().get(watch.kind)
    return str(known.title) if known else watch.kind


def _options(watch: Watch) -> list[tuple[str, str]]:
    """The options that were set otherwise than by default, as people call them."""
    known = collectors().get(watch.kind)
    if known is None:
        return [(name, str(value)) for name, value in watch.options.items()]
    told = WatchForm(collector=known, watch=watch).special()
    usual = WatchForm(collector=known).special()
    return [
        (str(field.label), str(field.initial)[:300])
        for field, other in zip(told, usual, strict=True)
        if field.initial != other.initial
    ]
