"""Hosts that may be repaired: shown their key, confirmed by a person, pinned; and watched."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from apps.analysis.models import Step
from apps.assistance import services as assistance
from apps.assistance.hosts import obstacle
from apps.assistance.models import Host
from apps.assistance.ssh import HostKey, Unreachable, scan_host_key
from apps.center.forms import HostConfirmForm, HostForm
from apps.center.views.doors import actor, attempt, deed, form, page
from apps.contracts import Refused
from apps.protection import vault
from apps.protection.permissions import Capability

SALT = "center.host"


@page(Capability.VIEW_INCIDENTS)
def listing(request: HttpRequest) -> HttpResponse:
    hosts = [(host, obstacle(host)) for host in Host.objects.order_by("is_demonstration", "name")]
    return render(request, "center/hosts.html", {"hosts": hosts})


@page(Capability.VIEW_INCIDENTS)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    host = get_object_or_404(Host, pk=pk)
    facts = [(name, said) for name, said in sorted(host.facts.items()) if isinstance(said, dict)]
    return render(
        request,
        "center/host.html",
        {
            "host": host,
            "obstacle": obstacle(host),
            "fingerprint": HostKey.parse(host.host_key).fingerprint if host.host_key else "",
            "facts": facts,
            "public": _public(host) if host.trouble and host.private_key else "",
            "steps": Step.objects.filter(host=host.name)
            .exclude(state=Step.State.PLANNED)
            .select_related("remedy__incident")
            .order_by("-id")[:20],
        },
    )


@form(Capability.MANAGE_HOSTS)
def create(request: HttpRequest) -> HttpResponse:
    """First the host shows its key; a person compares it; only then is it pinned.

    What was typed and seen travels to the confirmation encrypted, so that the key that is
    confirmed is the key that was shown, and no private key stands in a page.
    """
    asked = HostForm(request.POST or None, initial={"name": request.GET.get("name", "")})
    if request.method == "POST" and asked.is_valid():
        given = asked.cleaned_data
        try:
            seen = scan_host_key(given["address"], given["port"])
        except Unreachable as problem:
            asked.add_error("address", str(problem))
        else:
            public, pem = _key(given["private_key"])
            sealed = vault.encrypt(
                signing.dumps(
                    {**given, "private_key": pem, "host_key": seen.line}, salt=SALT
                ).encode()
            )
            return render(
                request,
                "center/host_confirm.html",
                {
                    "given": given,
                    "seen": seen,
                    "public": public,
                    "generated": not given["private_key"],
                    "form": HostConfirmForm(initial={"sealed": sealed.hex()}),
                },
            )
    return render(request, "center/host_new.html", {"form": asked})


@deed(Capability.MANAGE_HOSTS)
def confirm(request: HttpRequest) -> HttpResponse:
    asked = HostConfirmForm(request.POST)
    if not asked.is_valid():
        messages.error(request, _("Confirm that the fingerprint is the host's own."))
        return redirect("host-new")
    try:
        opened = vault.decrypt(bytes.fromhex(asked.cleaned_data["sealed"])).decode()
        given: dict[str, Any] = signing.loads(opened, salt=SALT, max_age=1800)
    except (ValueError, vault.VaultError, signing.BadSignature):
        messages.error(request, _("That took too long, or was altered: start again."))
        return redirect("host-new")
    try:
        host = assistance.register_host(
            name=given["name"],
            address=given["address"],
            port=given["port"],
            user=given["user"],
            host_key=given["host_key"],
            private_key_pem=given["private_key"],
            protected=given["protected"].split(),
            actor=actor(request),
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("host-new")
    try:
        assistance.read_facts(host)
    except Unreachable:  # the page of the host says why
        messages.success(request, _("Its key is pinned. Now put our key on the host."))
    else:
        messages.success(request, _("The host may now be repaired; its key is pinned."))
    return redirect("host", host.pk)


def _key(given: str) -> tuple[str, str]:
    """(authorized_keys line, private key) of a key that was pasted, or of a new one."""
    if given:
        from apps.assistance.ssh import private_key

        key = private_key(given)
        return f"{key.get_name()} {key.get_base64()} tocsin", given
    made = Ed25519PrivateKey.generate()
    public = made.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return f"{public.decode()} tocsin", pem.decode()


def _public(host: Host) -> str:
    """The line to install on a host that does not let us in; empty where it cannot be told."""
    try:
        return _key(vault.decrypt(bytes(host.private_key or b"")).decode())[0]
    except (vault.VaultError, ValueError):
        return ""


def _look(request: HttpRequest, host: Host) -> None:
    try:
        assistance.read_facts(host)
    except Unreachable as problem:
        messages.error(request, str(problem))


@deed(Capability.MANAGE_HOSTS)
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks the host for its facts again, and previews what waits for it."""
    host = get_object_or_404(Host, pk=pk)
    _look(request, host)
    assistance.preview_for(host.name)
    return redirect("host", pk)


@deed(Capability.MANAGE_HOSTS)
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    host = get_object_or_404(Host, pk=pk)
    enabled = request.POST.get("enabled") == "1"
    attempt(
        request,
        lambda: assistance.enable_host(name=host.name, enabled=enabled, actor=actor(request)),
        _("The host may be repaired.") if enabled else _("The host is not to be repaired."),
    )
    return redirect("host", pk)


@deed(Capability.MANAGE_HOSTS)
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes away the keys. What was done on the host stays written."""
    host = get_object_or_404(Host, pk=pk)
    attempt(
        request,
        lambda: assistance.forget_access(name=host.name, actor=actor(request)),
        _("The host can no longer be reached from here."),
    )
    return redirect("host", pk)
