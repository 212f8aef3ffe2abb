"""What protection keeps: the chain of seals and the audit trail.

Both tables only grow: triggers in the database refuse to update, delete or truncate them,
whoever asks. Each row carries the hash of the one before it.
"""

from django.db import models


class Link(models.Model):
    """A row of a hash chain: `hash` = SHA-256 of the canonical content and `previous`."""

    at = models.DateTimeField()
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        abstract = True
        ordering = ("id",)


class Seal(Link):
    """The digest of something kept: a batch, a handover, a remedy's approved plan."""

    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta(Link.Meta):
        indexes = (models.Index(fields=("kind", "subject")),)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class AuditEntry(Link):
    """Who did what to what, and when."""

    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=64)
    object = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)

    class Meta(Link.Meta):
        indexes = (models.Index(fields=("object",)), models.Index(fields=("-at",)))
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object}"
