"""What analysis keeps: verdicts, incidents, matches, remedies with their steps, handovers."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.acquisition.models import Batch
from apps.detection.models import Finding


class Assessment(models.Model):
    """`contracts.Assessment`, stored: the recurrent network's verdict on one finding."""

    finding = models.OneToOneField(
        Finding, models.CASCADE, primary_key=True, related_name="assessment"
    )
    network = models.CharField(max_length=32)
    model = models.CharField(max_length=120)
    label = models.CharField(max_length=64)
    probability = models.FloatField()
    p_attack = models.FloatField()
    unsure = models.BooleanField()
    probabilities = models.JSONField(default=dict)
    reasons = models.JSONField(default=list)  # [{"field", "value", "weight"}]
    steps = models.JSONField(default=list)
    scored = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.label} {self.probability:.2f}"


class Incident(models.Model):
    """The findings of one campaign, brought together: what an analyst works on."""

    class State(models.TextChoices):
        OPEN = "open", _("open")  # being worked on; no plan waits
        AWAITING_APPROVAL = "awaiting_approval", _("awaiting approval")
        REPAIRING = "repairing", _("repairing")
        REPAIRED = "repaired", _("repaired")
        FAILED = "failed", _("repair failed")
        HANDED_OVER = "handed_over", _("with the responder")
        CLOSED = "closed", _("closed")

    kind = models.CharField(max_length=32)
    risk = models.CharField(max_length=32)
    title = models.TextField()
    severity = models.PositiveSmallIntegerField()
    confidence = models.FloatField()  # 0 to 1: tools and network together
    state = models.CharField(max_length=24, choices=State.choices, default=State.OPEN)
    subjects = ArrayField(models.TextField())  # who acts
    targets = ArrayField(models.TextField(), default=list)
    hosts = ArrayField(models.TextField(), default=list)  # host names to repair
    first = models.DateTimeField()
    last = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    clue_tree = models.JSONField(default=dict)  # contracts.Clue as JSON
    attacker = models.JSONField(default=dict)  # contracts.Attacker as JSON
    facts = models.JSONField(default=dict)  # matching.FACTS: what expert records are held against
    assets = models.JSONField(default=dict)  # files, accounts and where; file names
    is_demonstration = models.BooleanField(default=False)
    assignee = models.CharField(max_length=150, blank=True)
    closed_reason = models.TextField(blank=True)
    # A legal hold: its records and raw bytes outlast the retention.
    held_at = models.DateTimeField(null=True, blank=True)
    held_by = models.CharField(max_length=150, blank=True)
    held_reason = models.TextField(blank=True)

    class Meta:
        ordering = ("-last",)
        indexes = (models.Index(fields=("state", "-last")),)

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"


class IncidentFinding(models.Model):
    """Which incident a finding belongs to: one, and only one."""

    finding = models.OneToOneField(
        Finding, models.CASCADE, primary_key=True, related_name="membership"
    )
    incident = models.ForeignKey(Incident, models.CASCADE, related_name="memberships")
    because = models.TextField()  # why it was brought here

    def __str__(self) -> str:
        return f"{self.finding_id} in {self.incident_id}"


class IncidentBatch(models.Model):
    """Which batches touched an incident: what the later stages of a batch work on."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="batches")
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("incident", "batch"), name="batch_touches_once"),
        )

    def __str__(self) -> str:
        return f"{self.batch_id} in {self.incident_id}"


class Match(models.Model):
    """An expert record that fits an incident, and why it fits."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="matches")
    slug = models.CharField(max_length=100)
    version = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    title = models.TextField()
    score = models.FloatField()
    reasons = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-score", "slug")
        constraints = (
            models.UniqueConstraint(fields=("incident", "slug"), name="record_matches_once"),
        )

    def __str__(self) -> str:
        return self.title


class Remedy(models.Model):
    """The plan made from a match. `digest` seals the very commands a person approved."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("awaiting approval")
        APPROVED = "approved", _("approved")
        APPLYING = "applying", _("being applied")
        APPLIED = "applied", _("applied and verified")
        FAILED = "failed", _("failed")
        REFUSED = "refused", _("refused")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")
        SUPERSEDED = "superseded", _("superseded")
        BY_HAND = "by_hand", _("to be done by hand")  # tasks only: there is nothing to approve

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="remedies")
    match = models.ForeignKey(Match, models.SET_NULL, null=True, related_name="remedies")
    state = models.CharField(max_length=16, choices=State.choices, default=State.PROPOSED)
    digest = models.CharField(max_length=64, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "remedies"

    def __str__(self) -> str:
        return f"remedy {self.pk} of incident {self.incident_id}"


class Step(models.Model):
    """One reversible action on one host. `commands` is `contracts.CommandPlan` as JSON."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        REFUSED = "refused", _("not possible")  # `refusal` says why
        APPLYING = "applying", _("being applied")
        APPLIED = "applied", _("applied and verified")
        FAILED = "failed", _("failed")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")

    remedy = models.ForeignKey(Remedy, models.CASCADE, related_name="steps")
    order = models.PositiveSmallIntegerField()
    action = models.CharField(max_length=64)
    host = models.CharField(max_length=255)
    parameters = models.JSONField(default=dict)
    reason = models.TextField()
    effect = models.TextField(blank=True)
    commands = models.JSONField(default=dict)
    refusal = models.TextField(blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.PLANNED)

    class Meta:
        ordering = ("remedy_id", "order")
        constraints = (
            models.UniqueConstraint(fields=("remedy", "order"), name="step_has_its_place"),
        )

    def __str__(self) -> str:
        return f"{self.action} on {self.host}"


class Task(models.Model):
    """What a person must do by hand: paper 2's manual rectification."""

    remedy = models.ForeignKey(Remedy, models.CASCADE, related_name="tasks")
    order = models.PositiveSmallIntegerField()
    title = models.TextField()
    detail = models.TextField(blank=True)
    done_by = models.CharField(max_length=150, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("remedy_id", "order")

    def __str__(self) -> str:
        return self.title


class Handover(models.Model):
    """The sealed package for a remote responder: prediction, clue tree, attacker, evidence."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="handovers")
    package = models.BinaryField()  # canonical JSON, UTF-8
    digest = models.CharField(max_length=64)
    reason = models.TextField()  # why it goes to a responder
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"handover {self.pk} of incident {self.incident_id}"
