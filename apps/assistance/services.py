"""What assistance does, for those who ask: hosts, repairs, deliveries. The only writers.

Failures that a person can do something about are `contracts.Refused`, one plain sentence each.
"""

from __future__ import annotations

from django.db import transaction

from apps.assistance import hosts
from apps.assistance.deliveries import (
    add_advice,
    create_share,
    deliver,
    deliver_due,
    enable_responder,
    open_share,
    register_responder,
    revoke_share,
    transmit,
)
from apps.assistance.hosts import (
    enable_host,
    forget_access,
    forget_demonstration,
    read_facts,
    register_recorded_host,
)
from apps.assistance.models import Host
from apps.assistance.previews import preview, preview_for
from apps.assistance.repairs import apply, undo, verify
from apps.assistance.ssh import HostKey, Unreachable, scan_host_key

__all__ = [
    "HostKey",
    "Unreachable",
    "add_advice",
    "apply",
    "create_share",
    "deliver",
    "deliver_due",
    "enable_host",
    "enable_responder",
    "forget_access",
    "forget_demonstration",
    "open_share",
    "preview",
    "preview_for",
    "read_facts",
    "register_host",
    "register_recorded_host",
    "register_responder",
    "revoke_share",
    "scan_host_key",
    "transmit",
    "undo",
    "verify",
]


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
    protected: tuple[str, ...] = (),
) -> Host:
    """`hosts.register_host`; the plans that wait for this host are then previewed anew."""
    host = hosts.register_host(
        name=name,
        address=address,
        host_key=host_key,
        private_key_pem=private_key_pem,
        actor=actor,
        port=port,
        user=user,
        relay=relay,
        protected=protected,
    )
    transaction.on_commit(lambda: preview_for(name))
    return host
