"""Doors for workers: `carry_out` is a chain of the first, second and last of these."""

from __future__ import annotations

from celery import shared_task

from apps.assistance import services


@shared_task
def apply_remedy(remedy_id: int) -> int:
    services.apply(remedy_id)
    return remedy_id


@shared_task
def verify(remedy_id: int) -> int:
    services.verify(remedy_id)
    return remedy_id


@shared_task
def undo_remedy(remedy_id: int, actor: str) -> int:
    services.undo(remedy_id, actor)
    return remedy_id


@shared_task
def transmit(remedy_id: int) -> int:
    services.transmit(remedy_id)
    return remedy_id
