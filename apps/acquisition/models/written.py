"""Parsers that users write."""

from __future__ import annotations

from django.db import models


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
