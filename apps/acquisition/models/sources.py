"""Where data comes from, and the batches of it as they came."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Source(models.Model):
    """Where data comes from. Its token is kept only as a digest.

    `received` counts the items of batches that were parsed; each is either stored or rejected, and
    `received = stored + rejected` always. `unparsed` are those stored records that no parser
    understood, `late` those that tell of something long before they came; `doubled` are items of
    deliveries that had come before and added nothing. What waits to be parsed is counted by
    `limits.backlog`.
    """

    class Kind(models.TextChoices):
        SHIPPER = "shipper", _("Log shipper")
        SENSOR = "sensor", _("Network sensor")
        UPLOAD = "upload", _("Upload")
        HOST = "host", _("Watched host or site")

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices, default=Kind.SHIPPER)
    token_digest = models.CharField(max_length=64, unique=True, null=True, blank=True)
    host_name = models.CharField(_("host name"), max_length=255, blank=True)
    # What its lines do not say themselves; docs/operating.md.
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)  # empty: UTC
    trusted_proxies = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    archived_at = models.DateTimeField(null=True, blank=True)  # given up, and out of the lists
    is_demonstration = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    received = models.BigIntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    unparsed = models.BigIntegerField(default=0)
    doubled = models.BigIntegerField(default=0)
    late = models.BigIntegerField(default=0)
    delay = models.FloatField(null=True)  # seconds from event to receipt: the last batch's median
    # What it may send; null is without limit.
    events_per_s = models.PositiveIntegerField(null=True, blank=True)
    bytes_per_s = models.PositiveBigIntegerField(null=True, blank=True)
    bytes_per_day = models.PositiveBigIntegerField(null=True, blank=True)
    day = models.DateField(null=True)  # UTC; of `day_bytes`
    day_bytes = models.BigIntegerField(default=0)  # what it sent that day, decompressed

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Batch(models.Model):
    """What one request brought, or several small ones of a second: stored once, sealed, parsed.

    While it is open, its bytes are in `Piece`s and `digest` is empty; then they are its content.
    """

    class State(models.TextChoices):
        OPEN = "open", _("being gathered")
        RECEIVED = "received", _("received")
        PARSED = "parsed", _("parsed")
        DETECTED = "detected", _("searched by the tools")
        ASSESSED = "assessed", _("weighed by the network")
        CORRELATED = "correlated", _("brought into incidents")
        MATCHED = "matched", _("matched with knowledge")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(Source, models.PROTECT, related_name="batches")
    protocol = models.CharField(max_length=16)  # ndjson, bulk, lines, capture, flows, file
    file_name = models.CharField(max_length=255, blank=True)
    host_name = models.CharField(max_length=255, blank=True)
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the content as it came
    size = models.BigIntegerField(default=0)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.RECEIVED)
    claimed_at = models.DateTimeField(null=True, blank=True)  # a stage is at work since
    attempts = models.PositiveSmallIntegerField(default=0)
    restarted_at = models.DateTimeField(null=True, blank=True)  # when the last attempt began
    items = models.BigIntegerField(default=0)  # = stored + rejected
    stored = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    unparsed = models.BigIntegerField(default=0)
    late = models.BigIntegerField(default=0)
    repeats = models.BigIntegerField(default=0)  # came again before its items could be counted
    first_record = models.BigIntegerField(null=True, blank=True)  # its records are one run of ids
    last_record = models.BigIntegerField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)  # records and bytes went, by retention
    first_at = models.DateTimeField(null=True, blank=True)  # of its records
    last_at = models.DateTimeField(null=True, blank=True)
    summary = models.JSONField(default=dict)  # records by dataset; first rejections with reasons
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("-received_at",)
        indexes = (
            models.Index(fields=("state", "claimed_at")),
            models.Index(fields=("source", "last_at")),
            models.Index(fields=("-received_at",)),
            models.Index(
                fields=("source", "received_at"),
                condition=models.Q(state__in=("open", "received")),
                name="batch_waits",
            ),
        )
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return str(self.id)


class BatchContent(models.Model):
    """The bytes of a batch as they came, compressed with zstd.

    `sizes` are those of the bodies it was joined from, where each must be read by itself.
    """

    batch = models.OneToOneField(Batch, models.CASCADE, primary_key=True, related_name="content")
    content = models.BinaryField()
    sizes = ArrayField(models.IntegerField(), null=True)

    def __str__(self) -> str:
        return str(self.batch_id)


class Piece(models.Model):
    """What one commit added to an open batch; gone once the batch is closed."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="pieces")
    content = models.BinaryField()  # the bodies one after the other, compressed with zstd
    sizes = ArrayField(models.IntegerField())  # of each body in it

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"piece {self.pk} of {self.batch_id}"


class Delivery(models.Model):
    """What one request brought, so that its repetition is known and adds nothing.

    `key` is the SHA-256 of what the sender named it, or of protocol, names and content. It holds
    for a time (`receiving.forget_keys`) and is then forgotten.
    """

    source = models.ForeignKey(Source, models.CASCADE, related_name="+", db_index=False)
    key = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32, null=True)  # of the content, where a key was named
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="deliveries")
    start = models.BigIntegerField()  # where it begins in the batch, in bytes
    size = models.BigIntegerField()
    first = models.BigIntegerField()  # `event.sequence` of its first item
    received_at = models.DateTimeField()
    repeats = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = (
            models.UniqueConstraint(fields=("key", "source"), name="delivery_arrives_once"),
        )
        indexes = (models.Index(fields=("received_at",)),)

    def __str__(self) -> str:
        return f"delivery {self.pk} in {self.batch_id}"
