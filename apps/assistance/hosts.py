"""The hosts we may repair: who they are, how they are reached, what must stay reachable."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.assistance import addresses
from apps.assistance.action import Output, Probe
from apps.assistance.execution import ask
from apps.assistance.models import Host
from apps.assistance.recorded import kept, recording
from apps.assistance.ssh import (
    OVERLAYS,
    Connection,
    Endpoint,
    HostKey,
    Unreachable,
    private_key,
)
from apps.contracts import Command, Refused
from apps.protection import outbound, vault
from apps.protection.services import audit

HOST_PROBES = (
    *addresses.PROBES,
    Probe("uname", Command(("/usr/bin/uname", "-a"), why="its system")),
    Probe("accounts", Command(("/usr/bin/getent", "--service=files", "passwd"))),
    Probe("groups", Command(("/usr/bin/getent", "--service=files", "group"))),
)
"""What is read of a host when it is registered or looked at, whatever is to be repaired."""


@transaction.atomic
def register_host(
    *,
    name: str,
    address: str,
    host_key: str,
    private_key_pem: str,
    actor: str,
    port: int = 22,
    user: str = "tocsin",
    relay: str = "",
    protected: Iterable[str] = (),
) -> Host:
    """Lets a host be repaired over SSH; registering it again replaces its access.

    `host_key` is `TYPE BASE64`, confirmed by a person: it is pinned. `private_key_pem` opens
    the repair account and is kept in the vault. `relay` is a unix socket that leads to the
    host's SSH where no address does. `protected` are addresses and networks that no repair of
    this host touches. Raises `Refused` with a sentence for the person who filled in the form.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}", name):
        raise Refused(_("The name of the host may have letters, digits, dots, hyphens and _."))
    if not relay and not re.fullmatch(r"[A-Za-z0-9_.:-]{1,253}", address):
        raise Refused(_("The address must be an IP address or a host name."))
    for literal in [] if relay else _literal(address):
        if why := outbound.obstacle(ip_address(literal), private=True, networks=OVERLAYS):
            said = {"address": literal, "why": why}
            raise Refused(_("No host is reached at %(address)s, %(why)s.") % said)
    if not 1 <= port <= 65535:
        raise Refused(_("The SSH port must be from 1 to 65535."))
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", user):
        raise Refused(_("The repair account is not a name a Linux host would have."))
    try:
        pinned = HostKey.parse(host_key)
        private_key(private_key_pem)
        networks = [str(ip_network(text, strict=False)) for text in protected]
    except ValueError as wrong:
        raise Refused(str(wrong)) from wrong
    host = Host.objects.update_or_create(
        name=name,
        defaults={
            "address": address,
            "addresses": _literal(address),
            "port": port,
            "user": user,
            "relay": relay,
            "host_key": pinned.line,
            "private_key": vault.encrypt(private_key_pem.encode()),
            "protected": networks,
            "enabled": True,
            "trouble": "",
        },
    )[0]
    detail = {"address": relay or f"{address}:{port}", "host_key": pinned.fingerprint}
    audit(actor=actor, action="host.registered", object=f"host:{name}", detail=detail)
    return host


@transaction.atomic
def register_recorded_host(*, name: str, facts: dict[str, Any], actor: str) -> Host:
    """A host of the demonstration: its repairs can be previewed from what was recorded of it.

    `facts` is the `facts.json` of a recording. Raises `Refused` where it is not. A host of this
    name that can really be reached keeps its access and its own answers.
    """
    try:
        said = recording(facts)
    except ValueError as wrong:
        raise Refused(str(wrong)) from wrong
    about = facts["host"]
    host, is_new = Host.objects.get_or_create(
        name=name,
        defaults={
            "address": about.get("address", ""),
            "addresses": _literal(about.get("address", "")),
            "user": facts["repair_account"],
            "facts": said,
            "facts_at": facts.get("gathered") or timezone.now(),
            "is_demonstration": True,
        },
    )
    if is_new:
        audit(actor=actor, action="host.recorded", object=f"host:{name}")
    elif not host.host_key:
        host.facts = {**host.facts, **said}
        host.save(update_fields=["facts"])
    return host


@transaction.atomic
def forget_access(*, name: str, actor: str) -> None:
    """Takes away the way in: keys and relay. What was done there stays written.

    Raises `Refused` where no host has this name.
    """
    host = Host.objects.filter(name=name).first()
    if host is None:
        raise Refused(_("There is no host called %(host)s.") % {"host": name})
    host.host_key, host.private_key, host.relay = "", None, ""
    host.save(update_fields=["host_key", "private_key", "relay"])
    audit(actor=actor, action="host.access_forgotten", object=f"host:{name}")


@transaction.atomic
def enable_host(*, name: str, enabled: bool, actor: str) -> None:
    """Says whether a host may be repaired at all. Raises `Refused` where there is none."""
    if not Host.objects.filter(name=name).update(enabled=enabled):
        raise Refused(_("There is no host called %(host)s.") % {"host": name})
    action = "host.enabled" if enabled else "host.disabled"
    audit(actor=actor, action=action, object=f"host:{name}")


@transaction.atomic
def forget_demonstration() -> int:
    """Removes the hosts the demonstration brought; returns how many."""
    found = Host.objects.filter(is_demonstration=True)
    count = found.count()
    found.delete()
    return count


def read_facts(host: Host) -> Host:
    """Asks the host who it is and keeps the answers. Raises `Unreachable`."""
    with connect(host) as connection:
        outputs = ask(connection, HOST_PROBES, given(host))
    remember(host, kept(HOST_PROBES, outputs))
    return host


def remember(host: Host, answers: dict[str, Any]) -> None:
    host.facts, host.facts_at, host.trouble = {**host.facts, **answers}, timezone.now(), ""
    host.save(update_fields=["facts", "facts_at", "trouble"])


# ── Reaching one ─────────────────────────────────────────────────────────────────────────


def obstacle(host: Host | None, name: str = "") -> str:
    """Why nothing can be repaired on a host from here, in one sentence; empty where it can."""
    if host is None:
        return _("No host called %(host)s is registered here.") % {"host": name}
    if not host.enabled:
        return _("%(host)s is registered as not to be repaired.") % {"host": host.name}
    if not host.host_key or not host.private_key:
        if host.is_demonstration:
            return _("%(host)s is a recording: there is no machine to repair.") % {
                "host": host.name
            }
        return _("There is no key to reach %(host)s with.") % {"host": host.name}
    return ""


def connect(host: Host) -> Connection:
    """Opens a connection to a host. Raises `Unreachable` and notes why with the host."""
    if why := obstacle(host):
        raise Unreachable(why)
    assert host.private_key is not None
    try:
        pem = vault.decrypt(bytes(host.private_key)).decode()
        return Connection(
            Endpoint(host.address, host.port, host.relay),
            user=host.user,
            host_key=HostKey.parse(host.host_key),
            key=private_key(pem),
        )
    except (Unreachable, vault.VaultError, ValueError) as wrong:
        host.trouble = str(wrong)
        host.save(update_fields=["trouble"])
        raise Unreachable(f"{host.name}: {wrong}") from wrong


@contextmanager
def reached(host: Host) -> Iterator[Connection | None]:
    """A connection where there is one, else None."""
    try:
        connection = connect(host)
    except Unreachable:
        yield None
        return
    with connection:
        yield connection


def given(host: Host) -> dict[str, Output]:
    """The answers the platform has itself: who repairs, and what no repair may touch."""
    untouchable = {*settings.TOCSIN["protected"], *host.protected, *platform_addresses()}
    return {
        "account": Output(0, host.user),
        "protected": Output(0, "\n".join(sorted(untouchable))),
    }


def platform_addresses() -> set[str]:
    """The addresses of this machine, and that of the site where its name is one."""
    found = {str(address) for address in (*_inet(), *_inet6())}
    return found | set(_literal(urlsplit(settings.TOCSIN["public_url"]).hostname or ""))


def _inet() -> set[str]:
    try:
        lines = Path("/proc/net/fib_trie").read_text().splitlines()
    except OSError:  # not Linux: what the resolver says of our own name
        try:
            return set(socket.gethostbyname_ex(socket.gethostname())[2])
        except OSError:
            return set()
    return {
        above.split()[-1]
        for above, line in pairwise(lines)
        if line.split()[-2:] == ["host", "LOCAL"]
    }


def _inet6() -> set[str]:
    try:
        lines = Path("/proc/net/if_inet6").read_text().splitlines()
    except OSError:
        return set()
    return {str(IPv6Address(bytes.fromhex(line.split()[0]))) for line in lines if line}


def _literal(address: str) -> list[str]:
    try:
        return [str(ip_address(address))]
    except ValueError:
        return []
