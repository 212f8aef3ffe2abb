"""What detection keeps: findings, each with the ids of the records behind it, and sites' habits."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.acquisition.models import Batch


class Finding(models.Model):
    """`contracts.Finding`, stored. `fingerprint` makes detecting a batch again add nothing."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="findings")
    fingerprint = models.CharField(max_length=64, unique=True)
    tool = models.CharField(max_length=64)
    kind = models.CharField(max_length=32)
    risk = models.CharField(max_length=32)
    title = models.TextField()
    subject = models.TextField()
    target = models.TextField(blank=True)
    host = models.TextField(blank=True)
    severity = models.PositiveSmallIntegerField()
    first = models.DateTimeField()
    last = models.DateTimeField()
    records = ArrayField(models.BigIntegerField())
    network = models.CharField(max_length=32, blank=True)
    techniques = ArrayField(models.CharField(max_length=16), default=list)
    parameters = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("first", "id")
        indexes = (models.Index(fields=("subject", "first")),)

    def __str__(self) -> str:
        return self.title


class Habit(models.Model):
    """What one parameter of a path, or one path, is sent: `habits.Habits`, a row of it.

    No text that was sent is kept: `key` is a digest of site, path and parameter.
    """

    key = models.BigIntegerField(primary_key=True)
    site = models.TextField()
    day = models.DateField()  # of `given`; the last one that taught anything
    seen = models.FloatField()
    counts = models.BinaryField()  # float32, little-endian
    given = models.BinaryField()

    class Meta:
        indexes = (models.Index(fields=("site",)),)

    def __str__(self) -> str:
        return f"{self.site} {self.key:x}"
