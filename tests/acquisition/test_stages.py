"""A claim on a batch: who holds it, and what becomes of it when its worker is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import connection

from apps.acquisition import services
from apps.acquisition.models import Batch
from apps.acquisition.stages import claimed, free_lost

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def batch_id() -> UUID:
    source, _ = services.create_source(name="shipper", actor="test")
    return services.receive(source=source, protocol="lines", content=b"a line").batch.pk


@pytest.fixture
def worker(batch_id: UUID) -> Iterator[int]:
    """Another process, which is at the batch until it is killed."""
    ready, at_it = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            connection.connection = None  # the parent's line to the database stays the parent's
            with claimed(batch_id, Batch.State.RECEIVED) as claim:
                os.write(at_it, b"y" if claim else b"n")
                time.sleep(600)
        finally:
            os._exit(1)
    assert os.read(ready, 1) == b"y"
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(ready)
    os.close(at_it)


def test_a_batch_is_its_workers_for_as_long_as_it_lives(batch_id: UUID, worker: int) -> None:
    assert free_lost() == []
    with claimed(batch_id, Batch.State.RECEIVED) as claim:
        assert claim is None
    Batch.objects.update(claimed_at=None)  # even so: a claim is the lock and the mark
    with claimed(batch_id, Batch.State.RECEIVED) as claim:
        assert claim is None


def test_a_killed_worker_gives_its_batch_back(batch_id: UUID, worker: int) -> None:
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while not (lost := free_lost()):
        assert time.monotonic() < deadline, "the lock outlived the worker"
        time.sleep(0.1)
    assert lost == [batch_id]
    with claimed(batch_id, Batch.State.RECEIVED) as claim:
        assert claim is not None
