"""What assistance keeps: hosts, what was done on them, responders and what reached them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.analysis.models import Handover, Remedy, Step


class Host(models.Model):
    """A host we may repair over SSH, with its pinned key and what we last saw of it.

    A recorded host (demonstration) has facts but no key: its repairs can be previewed and
    never applied.
    """

    name = models.CharField(_("name"), max_length=255, unique=True)
    address = models.CharField(_("address"), max_length=255, blank=True)
    addresses = ArrayField(models.GenericIPAddressField(), default=list, blank=True)
    port = models.PositiveIntegerField(_("SSH port"), default=22)
    user = models.CharField(_("account"), max_length=64, default="tocsin")
    host_key = models.TextField(_("pinned host key"), blank=True)  # "ssh-ed25519 AAAA…"
    private_key = models.BinaryField(null=True, blank=True)  # encrypted by the vault
    relay = models.CharField(max_length=255, blank=True)  # unix socket that leads to its SSH
    protected = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    facts = models.JSONField(default=dict)
    facts_at = models.DateTimeField(null=True, blank=True)
    trouble = models.TextField(blank=True)  # why it could not be reached the last time
    enabled = models.BooleanField(_("may be repaired"), default=True)
    is_demonstration = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Attempt(models.Model):
    """One go at a remedy as a whole, and what came of it in a sentence for people.

    An attempt without an end is under way, or its worker died.
    """

    class Kind(models.TextChoices):
        APPLY = "apply", _("apply")
        VERIFY = "verify", _("verify")
        UNDO = "undo", _("undo")
        TRANSMIT = "transmit", _("transmit")

    remedy = models.ForeignKey(Remedy, models.CASCADE, related_name="attempts")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    actor = models.CharField(max_length=150, blank=True)
    succeeded = models.BooleanField(null=True)
    sentence = models.TextField(blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.kind} of remedy {self.remedy_id}"


class Snapshot(models.Model):
    """What a host was like just before a step acted: facts without secrets, to undo by."""

    step = models.OneToOneField(Step, models.CASCADE, primary_key=True, related_name="snapshot")
    host = models.ForeignKey(Host, models.PROTECT, related_name="+")
    before = models.JSONField()
    at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"before step {self.step_id}"


class Outcome(models.Model):
    """What one command of a step did."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="outcomes")
    phase = models.CharField(max_length=16)  # facts, snapshot, act, verify, undo
    command = models.JSONField()
    exit_status = models.IntegerField(null=True)
    stdout = models.TextField(blank=True)
    stderr = models.TextField(blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.phase} of step {self.step_id}"


class Responder(models.Model):
    """Someone outside who helps: where the package goes, and the secret it is signed with."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    webhook_url = models.URLField(_("webhook"), blank=True)
    secret = models.BinaryField(null=True, blank=True)  # encrypted by the vault
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One package on its way to one responder over one channel."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")

    handover = models.ForeignKey(Handover, models.CASCADE, related_name="deliveries")
    responder = models.ForeignKey(Responder, models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=32)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "deliveries"
        constraints = (
            models.UniqueConstraint(
                fields=("handover", "responder", "channel"), name="package_goes_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel} to {self.responder_id}"


class Share(models.Model):
    """An expiring link to a package. Only the token's digest is kept."""

    handover = models.ForeignKey(Handover, models.CASCADE, related_name="shares")
    token_digest = models.CharField(max_length=64, unique=True)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    opened = models.PositiveIntegerField(default=0)
    last_opened_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"share {self.pk} of handover {self.handover_id}"


class Advice(models.Model):
    """What a responder wrote back."""

    handover = models.ForeignKey(Handover, models.CASCADE, related_name="advice")
    author = models.CharField(max_length=150)
    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("at",)
        verbose_name_plural = "advice"

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:60]}"
