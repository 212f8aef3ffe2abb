"""What the platform fetches itself."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.acquisition.models.sources import Source


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
