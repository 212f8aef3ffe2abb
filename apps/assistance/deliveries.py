"""Packages on their way to responders: signed webhooks with retries, expiring links, advice."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.analysis import services as analysis
from apps.analysis.models import Handover, Remedy
from apps.assistance.channels import link, webhook
from apps.assistance.models import Advice, Attempt, Delivery, Responder, Share
from apps.contracts import Refused
from apps.protection import vault
from apps.protection.locks import held
from apps.protection.names import checked_name
from apps.protection.services import audit

WEBHOOK = "webhook"
PAUSES = tuple(timedelta(seconds=s) for s in (30, 120, 600, 3600, 4 * 3600, 12 * 3600))
"""How long to wait after each try that failed; after the last one it has failed for good."""
LEASE = timedelta(minutes=2)  # longer than a try may take: a killed worker's try is due again then
FORGOTTEN = timedelta(days=7)  # an older package that nobody sent is not sent by itself
MOST_HOURS = 24 * 30
MOST_ADVICE = 20_000  # characters


# ── Responders ───────────────────────────────────────────────────────────────────────────


@transaction.atomic
def register_responder(*, name: str, webhook_url: str, actor: str) -> tuple[Responder, str]:
    """Someone outside who gets packages. The secret returned is shown once, and signs them.

    Registering a name again changes its webhook and its secret. Raises `Refused`.
    """
    name = checked_name(name)
    if webhook_url:
        try:
            webhook.check_url(webhook_url, private=settings.TOCSIN["private_webhooks"])
        except webhook.Undelivered as why:
            raise Refused(str(why)) from why
    secret = secrets.token_urlsafe(32)
    responder = Responder.objects.update_or_create(
        name=name,
        defaults={
            "webhook_url": webhook_url,
            "secret": vault.encrypt(secret.encode()),
            "enabled": True,
        },
    )[0]
    detail = {"webhook": webhook_url}
    audit(actor=actor, action="responder.registered", object=f"responder:{name}", detail=detail)
    return responder, secret


@transaction.atomic
def enable_responder(*, name: str, enabled: bool, actor: str) -> None:
    """Says whether a responder gets packages. Raises `Refused` where there is none."""
    if not Responder.objects.filter(name=name).update(enabled=enabled):
        raise Refused(_("There is no responder called %(name)s.") % {"name": name})
    action = "responder.enabled" if enabled else "responder.disabled"
    audit(actor=actor, action=action, object=f"responder:{name}")


# ── Delivery ─────────────────────────────────────────────────────────────────────────────


def transmit(remedy_id: int) -> None:
    """After a repair, done or failed, tells the responders, if there are any: once."""
    with held(f"transmission of remedy {remedy_id}") as ours:
        ended = (Remedy.State.APPLIED, Remedy.State.FAILED)
        remedy = Remedy.objects.filter(pk=remedy_id, state__in=ended).first()
        if not ours or remedy is None or not _webhooks().exists():
            return
        told = remedy.attempts.filter(kind=Attempt.Kind.TRANSMIT, succeeded=True)
        if remedy.decided_at is not None:
            told = told.filter(started_at__gte=remedy.decided_at)
        if told.exists():
            return
        with transaction.atomic():
            last = remedy.attempts.exclude(kind=Attempt.Kind.TRANSMIT).last()
            reason = last.sentence if last else ""
            handover = analysis.hand_over(
                incident_id=remedy.incident_id,
                reason=f"The repair is {remedy.get_state_display()}. {reason}".strip(),
                actor="platform",
            )
            Attempt.objects.create(
                remedy=remedy,
                kind=Attempt.Kind.TRANSMIT,
                actor="platform",
                succeeded=True,
                sentence=f"Package {handover.pk} was made for the responders.",
                ended_at=timezone.now(),
            )
            _address(handover)
    deliver(handover.pk)


def deliver(handover_id: int) -> int:
    """Sends a package to every enabled responder that has not got it; returns how many got it.

    What does not arrive is tried again by `deliver_due`, later and later, and what was given up
    gets another chance by being asked for here.
    """
    _address(Handover.objects.get(pk=handover_id))
    failed = Delivery.objects.filter(handover_id=handover_id, state=Delivery.State.FAILED)
    failed.update(state=Delivery.State.WAITING, attempts=0, next_at=None)
    waiting = _due().filter(handover_id=handover_id).values_list("pk", flat=True)
    return sum(_send(delivery_id) for delivery_id in list(waiting))


def deliver_due() -> int:
    """Sends everything whose time has come; returns how many packages arrived."""
    recent = Handover.objects.filter(created_at__gte=timezone.now() - FORGOTTEN)
    for responder in _webhooks():
        known = recent.filter(created_at__gte=responder.created_at)
        for handover in known.exclude(deliveries__responder=responder).order_by("id")[:100]:
            _address(handover)
    waiting = _due().order_by("next_at").values_list("pk", flat=True)[:100]
    return sum(_send(delivery_id) for delivery_id in list(waiting))


def _webhooks() -> QuerySet[Responder]:
    return Responder.objects.filter(enabled=True).exclude(webhook_url="")


def _due() -> QuerySet[Delivery]:
    now = timezone.now()
    return Delivery.objects.filter(
        Q(next_at=None) | Q(next_at__lte=now),
        state=Delivery.State.WAITING,
        responder__enabled=True,
    )


def _address(handover: Handover) -> None:
    """A delivery for each responder known when the package was made; those there are, stay."""
    for responder in _webhooks().filter(created_at__lte=handover.created_at):
        Delivery.objects.get_or_create(handover=handover, responder=responder, channel=WEBHOOK)


def _send(delivery_id: int) -> bool:
    """One try at one delivery, which it claims first. Returns whether the package arrived."""
    now = timezone.now()
    claimed = _due().filter(pk=delivery_id).update(next_at=now + LEASE, attempts=F("attempts") + 1)
    if not claimed:
        return False
    delivery = Delivery.objects.select_related("handover", "responder").get(pk=delivery_id)
    responder, handover = delivery.responder, delivery.handover
    try:
        webhook.send(
            responder.webhook_url,
            bytes(handover.package),
            secret=vault.decrypt(bytes(responder.secret or b"")),
            delivery=str(delivery.pk),
            idempotency=f"{handover.digest}-{responder.pk}",
            private=settings.TOCSIN["private_webhooks"],
        )
    except (webhook.Undelivered, vault.VaultError) as why:
        _failed(delivery, str(why), again=getattr(why, "again", False), now=now)
        return False
    delivery.state, delivery.delivered_at = Delivery.State.DELIVERED, timezone.now()
    delivery.next_at, delivery.last_error = None, ""
    _keep(delivery, "handover.delivered", {})
    return True


def _failed(delivery: Delivery, why: str, *, again: bool, now: datetime) -> None:
    delivery.last_error = why
    if again and delivery.attempts <= len(PAUSES):
        delivery.next_at = now + PAUSES[delivery.attempts - 1]
        delivery.save(update_fields=["last_error", "next_at"])
        return
    delivery.state, delivery.next_at = Delivery.State.FAILED, None
    _keep(delivery, "handover.undeliverable", {"why": why})


@transaction.atomic
def _keep(delivery: Delivery, action: str, detail: dict[str, str]) -> None:
    delivery.save()
    audit(
        actor="platform",
        action=action,
        object=f"incident:{delivery.handover.incident_id}",
        detail={"handover": delivery.handover_id, "responder": delivery.responder.name, **detail},
    )


# ── Links ────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def create_share(*, handover_id: int, actor: str, hours: int = 24) -> str:
    """An expiring link to a package; returns its token, which is kept nowhere. `Refused`."""
    if not 1 <= hours <= MOST_HOURS:
        raise Refused(_("A link lasts from 1 to %(most)d hours.") % {"most": MOST_HOURS})
    handover = Handover.objects.get(pk=handover_id)
    token = link.new_token()
    share = Share.objects.create(
        handover=handover,
        token_digest=link.digest(token),
        created_by=actor,
        expires_at=timezone.now() + timedelta(hours=hours),
    )
    _share_audit(share, actor, "handover.shared", hours=hours)
    return token


@transaction.atomic
def open_share(token: str) -> Share | None:
    """The share a token opens, counted; None where it is unknown, expired or revoked."""
    now = timezone.now()
    alive = Share.objects.filter(revoked_at=None, expires_at__gt=now)
    share = alive.select_related("handover").filter(token_digest=link.digest(token)).first()
    if share is None or not link.opens(token, share.token_digest):
        return None
    Share.objects.filter(pk=share.pk).update(opened=F("opened") + 1, last_opened_at=now)
    _share_audit(share, "link", "handover.opened")
    return share


@transaction.atomic
def revoke_share(*, share_id: int, actor: str) -> None:
    """Ends a link now. Doing it again changes nothing."""
    if Share.objects.filter(pk=share_id, revoked_at=None).update(revoked_at=timezone.now()):
        share = Share.objects.select_related("handover").get(pk=share_id)
        _share_audit(share, actor, "handover.share_revoked")


def _share_audit(share: Share, actor: str, action: str, **detail: int) -> None:
    audit(
        actor=actor,
        action=action,
        object=f"incident:{share.handover.incident_id}",
        detail={"handover": share.handover_id, "share": share.pk, **detail},
    )


# ── Advice ───────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def add_advice(*, handover_id: int, author: str, text: str, actor: str = "") -> Advice:
    """What a responder wrote back. Raises `Refused` where it is empty or endless.

    `author` is who they say they are. `actor` is who the trail shall name where nobody has
    checked that, e.g. whoever holds a link.
    """
    text = text.strip().replace("\0", "")
    if not text or len(text) > MOST_ADVICE:
        raise Refused(_("Advice has from 1 to %(most)d characters.") % {"most": MOST_ADVICE})
    handover = Handover.objects.get(pk=handover_id)
    advice = Advice.objects.create(handover=handover, author=author[:150], text=text)
    audit(
        actor=actor or author[:150],
        action="handover.advised",
        object=f"incident:{handover.incident_id}",
        detail={"handover": handover.pk, "advice": advice.pk},
    )
    return advice
