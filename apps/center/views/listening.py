"""What a source takes in without a token: who may write, which files it follows, its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.acquisition import listening
from apps.acquisition.listeners.files import is_meant
from apps.acquisition.models import FollowedFile, Listening, Source
from apps.center.forms import ListeningForm
from apps.center.views.doors import actor, form
from apps.contracts import Refused
from apps.protection.permissions import Capability

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Hearing:
    """What the page of a source shows of its listening."""

    row: Listening | None
    folder: str
    files: list[tuple[FollowedFile, bool]]
    """Each with whether it was rotated: it has a name now that the source does not follow."""
    places: list[str]
    """What a listening process has open now: "syslog-udp 0.0.0.0:514"."""


def listening_of(source: Source) -> Hearing:
    row = Listening.objects.filter(source=source).first()
    patterns = row.files if row else ()
    files = [
        (file, not is_meant(file.path, patterns))
        for file in FollowedFile.objects.filter(source=source, ended=False)[:_SHOWN]
    ]
    places = [
        f"{one['what']} {one['address']}"
        for process, is_fresh in listening.listeners()
        if is_fresh
        for one in process.report.get("listening", ())
    ]
    folder = str(Path(settings.HOME, "drop", row.folder)) if row and row.folder else ""
    return Hearing(row, folder, files, places)


@form(Capability.MANAGE_SOURCES)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    source = get_object_or_404(Source, pk=pk)
    row = Listening.objects.filter(source=source).first()
    said = {
        "networks": "\n".join(row.networks if row else ()),
        "certificates": "\n".join(row.certificates if row else ()),
        "paths": "\n".join(row.files if row else ()),
        "folder": (row.folder if row else "") or "",
    }
    asked = ListeningForm(request.POST or None, initial=said)
    if request.method == "POST" and asked.is_valid():
        try:
            listening.listen_for(
                source=source,
                allowed=[Path(folder) for folder in settings.TOCSIN["listen"]["tail"]],
                networks=asked.cleaned_data["networks"],
                certificates=asked.cleaned_data["certificates"],
                files=asked.cleaned_data["paths"],
                folder=asked.cleaned_data["folder"],
                actor=actor(request),
            )
        except Refused as refusal:
            asked.add_error(None, str(refusal))
        else:
            return redirect("source", pk)
    return render(
        request,
        "center/form.html",
        {
            "form": asked,
            "title": _("Listening for %(name)s") % {"name": source.name},
            "deed": _("Save"),
            "address": reverse("source", args=[pk]),
        },
    )
