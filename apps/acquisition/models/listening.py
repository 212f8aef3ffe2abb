"""Listening: what does not come by HTTP."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from apps.acquisition.models.sources import Source


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
    # below TOCSIN_HOME/drop; null: none, as many may have
    folder = models.CharField(max_length=100, unique=True, null=True)  # noqa: DJ001
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
