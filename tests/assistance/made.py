"""Incidents with remedies, and hosts to carry them out on, for the tests of repairs."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from apps.analysis.models import Incident, Remedy
from apps.analysis.services import decide
from apps.assistance import services

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
_pair = Ed25519PrivateKey.generate()
PRIVATE = _pair.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
PUBLIC = _pair.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

BLOCK = ("block_address", {"address": "203.0.113.5", "hours": 24})
SHELL = "/srv/shop/uploads/x.php"
QUARANTINE = ("quarantine_file", {"path": SHELL})
DISABLE = ("disable_account", {"account": "bob"})
ALL = (BLOCK, QUARANTINE, DISABLE)


def incident() -> Incident:
    return Incident.objects.create(
        kind="brute_force",
        risk="intrusion",
        title="Passwords were guessed",
        severity=80,
        confidence=0.9,
        state=Incident.State.AWAITING_APPROVAL,
        subjects=["203.0.113.5"],
        hosts=["web01"],
        first=NOON,
        last=NOON,
    )


def remedy(*steps: tuple[str, dict[str, object]], host: str = "web01") -> Remedy:
    made = Remedy.objects.create(incident=incident())
    for order, (action, parameters) in enumerate(steps):
        made.steps.create(
            order=order, action=action, host=host, parameters=parameters, reason="because"
        )
    return made


def approve(waiting: Remedy) -> None:
    """An approver reads the commands and says yes to them."""
    waiting.refresh_from_db()
    decide(remedy_id=waiting.pk, actor="ada", approve=True, digest=waiting.digest)


def ready(*steps: tuple[str, dict[str, object]]) -> Remedy:
    waiting = remedy(*steps)
    services.preview(waiting.pk)
    approve(waiting)
    return waiting


def state_of(it: Remedy) -> tuple[str, list[str]]:
    it.refresh_from_db()
    return it.state, [step.state for step in it.steps.order_by("order")]


def sentence_of(it: Remedy) -> str:
    last = it.attempts.last()
    assert last is not None
    assert last.ended_at is not None
    return last.sentence
