"""Making what came in durable: one content at a time, tried again until the database takes it.

What a stop cannot store any more lies in the spool folder and is stored at the next start, under
the key it would have had.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db import IntegrityError, close_old_connections

from apps.acquisition import services
from apps.acquisition.models import Batch, Source

log = logging.getLogger(__name__)

OnBatch = Callable[[UUID], object]


class NotTaken(ValueError):
    """This content will never be stored, and why."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What becomes one batch."""

    source_id: int
    protocol: str
    content: bytes
    key: str
    file_name: str = ""
    host_name: str = ""


def deliver(delivery: Delivery, on_batch: OnBatch) -> Batch:
    """Stores a delivery and starts the response to it. Doing it again adds nothing.

    Raises NotTaken for what can never be stored; whatever else it raises may be over soon.
    """
    close_old_connections()
    try:
        source = Source.objects.filter(pk=delivery.source_id).first()
        if source is None:
            raise NotTaken("its source is gone")
        try:
            receipt = services.receive(
                source=source,
                protocol=delivery.protocol,
                content=delivery.content,
                file_name=delivery.file_name,
                host_name=delivery.host_name,
                key=delivery.key,
            )
        except ValueError as error:
            raise NotTaken(str(error)) from error
        except IntegrityError as error:
            if not Source.objects.filter(pk=delivery.source_id).exists():
                raise NotTaken("its source is gone") from error
            raise
        if receipt.is_new or receipt.batch.state == Batch.State.RECEIVED:
            try:
                on_batch(receipt.batch.pk)
            except Exception:
                log.exception("batch %s is stored; nobody could be told", receipt.batch.pk)
        return receipt.batch
    finally:
        close_old_connections()


def waits() -> Iterator[float]:
    """Seconds between tries: soon at first, then every half minute."""
    wait = 0.25
    while True:
        yield wait
        wait = min(wait * 2, 30.0)


# ── The spool ────────────────────────────────────────────────────────────────────────────


def spool(folder: Path, delivery: Delivery) -> Path:
    """Writes a delivery to the disk; when this returns, it is there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    head = {
        name: getattr(delivery, name)
        for name in ("source_id", "protocol", "key", "file_name", "host_name")
    }
    final = folder / f"{delivery.key.replace(':', '-').replace('/', '-')}.delivery"
    draft = final.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(json.dumps(head).encode() + b"\n" + delivery.content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(final)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return final


def spooled(folder: Path) -> Iterator[tuple[Path, Delivery]]:
    """What an earlier stop left, the oldest first. What cannot be read is left and named."""
    for file in sorted(folder.glob("*.delivery"), key=lambda file: file.stat().st_mtime):
        head, _, content = file.read_bytes().partition(b"\n")
        try:
            yield file, Delivery(content=content, **json.loads(head))
        except (ValueError, TypeError):
            log.error("%s is damaged and is left where it is", file)
