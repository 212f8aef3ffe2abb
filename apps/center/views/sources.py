"""Sources: created with a token shown once, watched, disabled; and files brought by hand."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.acquisition import compression, leaving, limits
from apps.acquisition import selectors as records
from apps.acquisition import services as acquisition
from apps.acquisition.models import Source
from apps.analysis.selectors import evidence_of
from apps.center import demonstration, pipeline, selectors, shippers
from apps.center.forms import LimitsForm, SourceForm, SourceLogsForm, UploadForm
from apps.center.views.doors import actor, attempt, deed, form, page, site
from apps.center.views.listening import listening_of
from apps.contracts import Refused
from apps.protection.permissions import Capability


@page(Capability.VIEW_INCIDENTS)
def listing(request: HttpRequest) -> HttpResponse:
    waiting, archived = limits.backlog(), "archived" in request.GET
    found = [
        (source, selectors.lag(source), waiting.get(source.pk))
        for source in selectors.sources(archived=archived)
    ]
    return render(
        request,
        "center/sources.html",
        {
            "sources": found,
            "archived": archived,
            "others": selectors.sources(archived=not archived).count(),
        },
    )


@page(Capability.VIEW_INCIDENTS)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(Source, pk=pk)
    return render(
        request,
        "center/source.html",
        {
            "source": source,
            "doing": selectors.lag(source),
            "waiting": limits.backlog().get(source.pk),
            "clock": selectors.clock(source),
            "bounds": selectors.bounds(source),
            "adds_up": source.received == source.stored + source.rejected,
            "unparsed": records.unparsed_of(source, 8),
            "terms": (),
            "batches": source.batches.order_by("-received_at")[:8],
            "configs": shippers.configs(site(request)),
            "listening": listening_of(source),
            "kept": leaving.kept_of(pk) if source.archived_at else None,
            "evidence": evidence_of(pk) if source.archived_at else 0,
        },
    )


@form(Capability.MANAGE_SOURCES)
def create(request: HttpRequest) -> HttpResponse:
    asked = SourceForm(request.POST or None)
    if request.method == "POST" and asked.is_valid():
        told = {name: asked.cleaned_data[name] for name in ("name", "kind", "host_name")}
        try:
            source, token = acquisition.create_source(actor=actor(request), **told)
        except Refused as refusal:
            asked.add_error(None, str(refusal))
        else:
            limits = asked.limits()
            if any(limits.values()):
                acquisition.limit_source(source_id=source.pk, actor=actor(request), **limits)
            return _token(request, source, token)
    return render(
        request,
        "center/form.html",
        {
            "form": asked,
            "title": _("New source"),
            "deed": _("Create the source"),
            "back": "sources",
        },
    )


@form(Capability.MANAGE_SOURCES)
def limit(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(Source, pk=pk)
    asked = LimitsForm(request.POST or None, initial=LimitsForm.initial_of(source))
    if request.method == "POST" and asked.is_valid():
        acquisition.limit_source(source_id=pk, actor=actor(request), **asked.limits())
        return redirect("source", pk)
    return render(
        request,
        "center/form.html",
        {
            "form": asked,
            "title": _("What %(name)s may send") % {"name": source.name},
            "deed": _("Set the limits"),
            "back": "sources",
        },
    )


@form(Capability.MANAGE_SOURCES)
def logs(request: HttpRequest, pk: int) -> HttpResponse:
    """What its lines do not say themselves."""
    source = get_object_or_404(Source, pk=pk)
    told = {
        "time_zone": source.time_zone,
        "trusted_proxies": "\n".join(source.trusted_proxies),
    }
    asked = SourceLogsForm(request.POST or None, initial=told)
    if request.method == "POST" and asked.is_valid():
        try:
            acquisition.tell_about_logs(source_id=pk, actor=actor(request), **asked.cleaned_data)
        except Refused as refusal:
            asked.add_error(None, str(refusal))
        else:
            return redirect("source", pk)
    return render(
        request,
        "center/form.html",
        {
            "form": asked,
            "title": _("The logs of %(name)s") % {"name": source.name},
            "deed": _("Keep it"),
            "back": "sources",
        },
    )


@deed(Capability.MANAGE_SOURCES)
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(Source, pk=pk, archived_at=None)
    return _token(request, source, acquisition.rotate_token(source_id=pk, actor=actor(request)))


def _token(request: HttpRequest, source: Source, token: str) -> HttpResponse:
    """The token is on this page and nowhere else: no redirect, no message, no cookie."""
    return render(
        request,
        "center/shown_once.html",
        {
            "title": _("The token of %(name)s") % {"name": source.name},
            "explanation": _("Copy it now: it is not kept, and cannot be shown again."),
            "secret": token,
            "configs": shippers.configs(site(request), token),
            "back": reverse("source", args=[source.pk]),
        },
    )


@deed(Capability.MANAGE_SOURCES)
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(Source, pk=pk, archived_at=None)
    enabled = request.POST.get("enabled") == "1"
    acquisition.enable_source(source_id=pk, enabled=enabled, actor=actor(request))
    return redirect("source", pk)


@deed(Capability.MANAGE_SOURCES)
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(Source, pk=pk)
    attempt(
        request,
        lambda: leaving.archive_source(source_id=pk, actor=actor(request)),
        _("%(name)s is in the archive. Its token is void.") % {"name": source.name},
    )
    return redirect("source", pk)


@deed(Capability.MANAGE_SOURCES)
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(Source, pk=pk)
    attempt(
        request,
        lambda: leaving.restore_source(source_id=pk, actor=actor(request)),
        _("%(name)s is back. Make it a token and enable it.") % {"name": source.name},
    )
    return redirect("source", pk)


@deed(Capability.MANAGE_SOURCES)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(Source, pk=pk)
    name = request.POST.get("name", "").strip()
    gone = attempt(
        request,
        lambda: leaving.delete_source(
            source_id=pk, name=name, actor=actor(request), evidence=evidence_of
        ),
        _("%(name)s and what it brought are deleted.") % {"name": source.name},
    )
    return redirect("sources") if gone else redirect("source", pk)


@deed(Capability.MANAGE_SOURCES)
def remove_demonstration(request: HttpRequest) -> HttpResponse:
    attempt(
        request,
        lambda: demonstration.remove(actor=actor(request)),
        _("The demonstration data is gone."),
    )
    return redirect("overview")


@form(Capability.WORK_INCIDENTS)
def upload(request: HttpRequest) -> HttpResponse:
    """A file brought by hand becomes a batch like any other. Scripts are answered in JSON."""
    asked = UploadForm(request.POST or None, request.FILES or None)
    wants_json = request.headers.get("X-Requested-With") == "fetch"
    if request.method == "POST":
        if asked.is_valid():
            try:
                address = _receive(request, asked)
            except (Refused, ValueError) as refusal:
                asked.add_error("file", str(refusal))
            else:
                return JsonResponse({"batch": address}) if wants_json else redirect(address)
        if wants_json:
            problems = [text for errors in asked.errors.values() for text in errors]
            return JsonResponse({"problem": " ".join(map(str, problems))}, status=400)
    return render(request, "center/upload.html", {"form": asked})


def _receive(request: HttpRequest, asked: UploadForm) -> str:
    file, protocol = asked.cleaned_data["file"], asked.cleaned_data["protocol"]
    content = file.read()
    if protocol != "file":  # a suspicious archive stays as it is
        most = settings.TOCSIN["max_body"]
        content = compression.open_body(content, compression.encoding_of(content), most)
    source = Source.objects.filter(kind=Source.Kind.UPLOAD, is_demonstration=False).first()
    if source is None:
        source, _token = acquisition.create_source(
            name="uploads", kind=Source.Kind.UPLOAD, actor=actor(request)
        )
    receipt = acquisition.receive(
        source=source,
        protocol=protocol,
        content=content,
        file_name=file.name,
        host_name=asked.cleaned_data["host_name"],
    )
    if receipt.is_new:
        async_to_sync(pipeline.start)(receipt.batch.pk)
    else:
        messages.info(request, _("This very file came before: it added nothing."))
    return reverse("batch", args=[receipt.batch.pk])
