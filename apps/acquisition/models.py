"""What acquisition keeps: sources, their batches as they came, and the records in them."""

# ruff: noqa: DJ001 - null means that the record does not say, the empty text that it says nothing

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
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


class WrittenParser(models.Model):
    """A parser that a user wrote in the dashboard, as the YAML it is; docs/parsers.md."""

    name = models.CharField(max_length=64, unique=True)
    text = models.TextField()
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=150)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Record(models.Model):
    """One item of a batch. The columns are `contracts.RECORD_COLUMNS`; a test holds that.

    The table is partitioned by the day its batch was received, which is the upper part of the id
    (`storage`). Nothing checks `batch` row by row: `storage` writes and deletes whole batches.
    """

    batch = models.ForeignKey(
        Batch, models.DO_NOTHING, related_name="records", db_constraint=False, db_index=False
    )
    timestamp = models.DateTimeField(null=True)
    event_sequence = models.BigIntegerField()
    event_dataset = models.TextField()
    event_category = models.TextField(null=True)
    event_action = models.TextField(null=True)
    event_outcome = models.TextField(null=True)
    event_code = models.TextField(null=True)
    event_provider = models.TextField(null=True)
    event_severity = models.BigIntegerField(null=True)
    event_duration = models.BigIntegerField(null=True)
    event_original = models.TextField(null=True)
    source_ip = models.GenericIPAddressField(null=True)
    source_domain = models.TextField(null=True)
    source_port = models.BigIntegerField(null=True)
    source_bytes = models.BigIntegerField(null=True)
    source_packets = models.BigIntegerField(null=True)
    destination_ip = models.GenericIPAddressField(null=True)
    destination_domain = models.TextField(null=True)
    destination_port = models.BigIntegerField(null=True)
    destination_bytes = models.BigIntegerField(null=True)
    destination_packets = models.BigIntegerField(null=True)
    network_transport = models.TextField(null=True)
    network_protocol = models.TextField(null=True)
    network_bytes = models.BigIntegerField(null=True)
    network_packets = models.BigIntegerField(null=True)
    network_direction = models.TextField(null=True)
    host_name = models.TextField(null=True)
    user_name = models.TextField(null=True)
    user_domain = models.TextField(null=True)
    user_target_name = models.TextField(null=True)
    process_name = models.TextField(null=True)
    process_pid = models.BigIntegerField(null=True)
    process_executable = models.TextField(null=True)
    process_command_line = models.TextField(null=True)
    process_parent_executable = models.TextField(null=True)
    log_level = models.TextField(null=True)
    rule_id = models.TextField(null=True)
    rule_name = models.TextField(null=True)
    dns_question_name = models.TextField(null=True)
    dns_question_type = models.TextField(null=True)
    dns_response_code = models.TextField(null=True)
    dns_answers = models.TextField(null=True)
    tls_client_server_name = models.TextField(null=True)
    email_from_address = models.TextField(null=True)
    email_to_address = models.TextField(null=True)
    http_request_method = models.TextField(null=True)
    http_request_body_content = models.TextField(null=True)
    http_request_body_bytes = models.BigIntegerField(null=True)
    http_request_referrer = models.TextField(null=True)
    http_response_status_code = models.BigIntegerField(null=True)
    http_response_body_bytes = models.BigIntegerField(null=True)
    url_original = models.TextField(null=True)
    url_domain = models.TextField(null=True)
    url_path = models.TextField(null=True)
    url_query = models.TextField(null=True)
    user_agent_original = models.TextField(null=True)
    file_path = models.TextField(null=True)
    file_size = models.BigIntegerField(null=True)
    file_hash_sha256 = models.TextField(null=True)
    message = models.TextField(null=True)
    error_message = models.TextField(null=True)
    labels = models.TextField(null=True)
    tocsin_features = models.BinaryField(null=True)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(
                models.F("timestamp").desc(nulls_last=True),
                models.F("id").desc(),
                name="record_newest_first",
            ),
            models.Index(
                fields=("source_ip", "timestamp"),
                condition=models.Q(event_category="authentication"),
                name="record_logins",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_dataset} {self.event_sequence}"


class Block(models.Model):
    """Some thousand records stored one after the other, and which words they may hold.

    `id` is that of the first record. Search reads only the blocks that may hold what it looks
    for (`words`). Partitioned as the records are.
    """

    id = models.BigIntegerField(primary_key=True)
    last_record = models.BigIntegerField()
    first_at = models.DateTimeField(null=True)  # of its records; null where none has a time
    last_at = models.DateTimeField(null=True)
    has_untimed = models.BooleanField()  # some record has no time
    words = models.BinaryField()  # a filter; empty: it may hold anything

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("-last_at", "-id"), name="block_newest_first"),)

    def __str__(self) -> str:
        return f"{self.id} to {self.last_record}"


class Watch(models.Model):
    """Something the platform fetches itself, again and again, and what came of it last.

    `kind` names a collector. A worker that is at it holds `claimed_at`; `next_at` is when it is
    due, and the same as `claimed_at` once the run has begun. `secret` goes with what is asked for, encrypted by the vault.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=32)
    target = models.CharField(_("target"), max_length=2000)
    options = models.JSONField(default=dict, blank=True)
    networks = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    secret = models.BinaryField(null=True, blank=True)
    every = models.PositiveIntegerField(_("every"), default=3600)  # seconds
    source = models.ForeignKey(Source, models.PROTECT, related_name="watches")
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    next_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)  # the end of the last run
    last_error = models.TextField(blank=True)
    last_notes = models.JSONField(default=list, blank=True)
    last_records = models.PositiveIntegerField(default=0)
    last_changes = models.PositiveIntegerField(default=0)
    last_baselines = models.PositiveIntegerField(default=0)  # what it saw for the first time
    last_batch = models.UUIDField(null=True, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)  # something was other than before
    failures = models.PositiveIntegerField(default=0)  # in a row

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "watches"
        indexes = (models.Index(fields=("enabled", "next_at")),)

    def __str__(self) -> str:
        return self.name


class WatchBaseline(models.Model):
    """How everything that a watch looks at was in its last run: JSON, compressed with zstd."""

    watch = models.OneToOneField(Watch, models.CASCADE, primary_key=True, related_name="baseline")
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"baseline of {self.watch_id}"


# ── Listening: what does not come by HTTP ────────────────────────────────────────────────


class Listening(models.Model):
    """Who may write for a source without a token, and which files are its own.

    Nothing is let in that no row names. `accepted` counts messages and datagrams taken in,
    `dropped` those that came while its share of the buffer was full.
    """

    source = models.OneToOneField(
        Source, models.CASCADE, primary_key=True, related_name="listening"
    )
    networks = ArrayField(models.CharField(max_length=43), default=list)
    certificates = ArrayField(models.CharField(max_length=255), default=list)
    files = ArrayField(models.CharField(max_length=1000), default=list)  # patterns to follow
    folder = models.CharField(max_length=100, unique=True, null=True)  # below TOCSIN_HOME/drop
    accepted = models.BigIntegerField(default=0)
    dropped = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.source_id)


class FollowedFile(models.Model):
    """A file that is followed, and how far it has been read.

    It is known by its device and inode, and by the digests of its first `head_size` bytes and of
    as many `before` the offset, so that an inode given to another file is noticed. `claimed` is set before the bytes from `offset` to
    there are sent on: after a crash exactly these are sent again, under the same key.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(Source, models.CASCADE, related_name="followed")
    path = models.TextField()  # as last seen
    identity = models.CharField(max_length=64)  # device:inode; empty where it ended for good
    head_size = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)  # SHA-256
    before = models.CharField(max_length=64, blank=True)
    machine = models.CharField(max_length=64, default="")  # whose file it is
    offset = models.BigIntegerField(default=0)
    claimed = models.BigIntegerField(null=True)
    size = models.BigIntegerField(default=0)  # as last seen
    ended = models.BooleanField(default=False)  # gone, cut or replaced: nothing more will come
    lost = models.BigIntegerField(default=0)  # bytes that went before they could be read
    found_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ("path",)
        indexes = (models.Index(fields=("source", "identity")),)

    def __str__(self) -> str:
        return self.path

    @property
    def behind(self) -> int:
        """Bytes that are there and not read yet."""
        return max(0, self.size - self.offset)


class FlowExporter(models.Model):
    """What an exporter of NetFlow v9 or IPFIX taught: datagrams with its templates alone, which go
    before its data in every batch."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="exporters")
    address = models.CharField(max_length=64)  # address:port
    lessons = models.BinaryField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("source", "address"), name="exporter_teaches_once"),
        )

    def __str__(self) -> str:
        return self.address


class Listener(models.Model):
    """A listening process, as it last reported: addresses, connections, what it holds."""

    name = models.CharField(max_length=255, primary_key=True)  # the machine it runs on
    seen_at = models.DateTimeField()
    report = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
