"""Deliveries that wait while a commit is in progress are committed together, in the next one.

No delay is added: the first to come starts a commit at once, and the slower the database, the more
share one. Small bodies cost a row each then, not a transaction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from uuid import UUID

from django.db import Error, close_old_connections, connections

from apps.acquisition import open_batches, receiving
from apps.acquisition.arrivals import Arrival, Receipt
from apps.acquisition.models import Batch
from apps.acquisition.open_batches import Gathering

log = logging.getLogger(__name__)

_MOST, _MOST_BYTES = 2_000, 64 * 1024 * 1024  # of one commit
_PATIENCE = 1.0  # seconds before a batch that could not be closed is tried again

OnReady = Callable[[Sequence[UUID]], None]
"""Told the batches that are closed, sealed and committed; called by the committing thread."""


class GroupCommit:
    """One thread of this process that commits deliveries and closes its open batches."""

    def __init__(self, on_ready: OnReady) -> None:
        self._on_ready = on_ready
        self._waiting: SimpleQueue[tuple[Arrival, Future[Receipt]] | None] = SimpleQueue()
        self._gathering = Gathering()
        self._thread: Thread | None = None
        self._start = Lock()
        self._ends = False

    def submit(self, arrival: Arrival) -> Future[Receipt]:
        """The receipt, once the delivery is durable; or what was wrong with it."""
        outcome: Future[Receipt] = Future()
        with self._start:
            if self._ends:
                raise RuntimeError("nothing is received any more")
            if self._thread is None:
                self._thread = Thread(target=self._run, name="receiving", daemon=True)
                self._thread.start()
            self._waiting.put((arrival, outcome))
        return outcome

    def stop(self) -> None:
        """Commits what waits, closes what is open, and ends the thread."""
        with self._start:
            self._ends = True
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join(60)

    def _run(self) -> None:
        ended, checked = False, 0.0
        while not ended:
            group, ended = self._group()
            if time.monotonic() - checked > _PATIENCE:
                close_old_connections()  # the database may have been restarted
                checked = time.monotonic()
            if group:
                self._commit(group)
            try:
                self._close_due(everything=ended)
            except Exception:  # without this thread nobody could send any more
                log.exception("open batches could not be closed")
        connections.close_all()

    def _group(self) -> tuple[list[tuple[Arrival, Future[Receipt]]], bool]:
        """All that waits, within bounds; waits itself until a batch is to be closed."""
        group: list[tuple[Arrival, Future[Receipt]]] = []
        size = 0
        due = self._gathering.due
        patience = max(0.0, min(due.values()) - time.monotonic()) if due else None
        while len(group) < _MOST and size < _MOST_BYTES:
            try:
                one = self._waiting.get(timeout=patience)
            except Empty:
                break
            if one is None:
                return group, True
            if not one[1].set_running_or_notify_cancel():
                continue  # its sender is gone, and was told nothing
            group.append(one)
            size += len(one[0].content)
            patience = 0.0
        return group, False

    def _commit(self, group: Sequence[tuple[Arrival, Future[Receipt]]]) -> None:
        try:
            outcomes = receiving.commit([arrival for arrival, _ in group], self._gathering)
        except Exception as error:  # every sender is told that nothing was stored
            connections.close_all()  # whatever it was, the next commit begins anew
            for _, future in group:
                future.set_exception(error)
            return
        ready = []
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
                continue
            future.set_result(outcome)
            if outcome.is_new and outcome.batch.state == Batch.State.RECEIVED:
                ready.append(outcome.batch.pk)
        self._tell(ready)

    def _close_due(self, *, everything: bool) -> None:
        now = time.monotonic()
        if not everything:
            self._gathering.prolong(now)
        for batch_id, at in list(self._gathering.due.items()):
            if not everything and at > now:
                continue
            try:
                ready = open_batches.close([batch_id])
            except Error:
                connections.close_all()
                log.exception("batch %s stays open for now", batch_id)
                self._gathering.due[batch_id] = now + _PATIENCE
                continue
            self._gathering.forget(batch_id)
            self._tell(ready)

    def _tell(self, ready: Sequence[UUID]) -> None:
        if not ready:
            return
        try:
            self._on_ready(ready)
        except Exception:
            log.exception("%s batches are stored; nobody could be told", len(ready))
