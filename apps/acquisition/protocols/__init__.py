"""What shippers speak: raw ASGI in front of Django, one file a protocol.

A protocol is an object `PROTOCOL` with a `name`, `wants(request)` and `answer(exchange)`.
Success is only said when what was sent is committed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db import DatabaseError, close_old_connections, connections

from apps import plugins
from apps.acquisition import arrivals, receiving, selectors
from apps.acquisition.arrivals import Receipt
from apps.acquisition.documents import Overfull
from apps.acquisition.group_commit import GroupCommit
from apps.acquisition.models import Batch, Source
from apps.acquisition.protocols._http import (
    Disconnected,
    Exchange,
    Gate,
    Receive,
    Refusal,
    Request,
    Response,
    Scope,
    Send,
    Senders,
    Sent,
    Unstorable,
    respond,
)
from apps.acquisition.reading import Unreadable

log = logging.getLogger(__name__)

OnBatch = Callable[[UUID], Awaitable[None] | None]

T = TypeVar("T")

_THREADS = 4  # requests that are worked on at once
_SMALL = 16 * 1024  # bytes that are read sooner than a thread is found for them


class Speaks(Protocol):
    name: str

    def wants(self, request: Request) -> bool:
        """Whether this protocol serves the request, by its method, path and headers alone."""

    async def answer(self, exchange: Exchange) -> Response:
        """Serve it; raises `Refusal`."""


def spoken() -> list[Speaks]:
    """All protocols, ours and the installed ones."""
    return list(plugins.gather(__name__, "PROTOCOL").values())


def wants(scope: Scope) -> bool:
    """Whether a request is a shipper's, and not for the pages."""
    request = Request(scope)
    return any(protocol.wants(request) for protocol in _SPOKEN)


def application(on_batch: OnBatch) -> Application:
    """The ASGI application of all protocols. `on_batch` is called with each new batch, after its
    commit; where it fails, the batch stays and the answer is unchanged."""
    return Application(on_batch)


class Application:
    def __init__(self, on_batch: OnBatch) -> None:
        self._on_batch = on_batch
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ingest")
        self._commits = GroupCommit(self._ready)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._senders = Senders(self._run)
        self._gate = Gate(self._run)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._loop = asyncio.get_running_loop()
        request = Request(scope, receive, self._senders, self._gate)
        exchange = Exchange(request, self._work, self._store, self._find)
        try:
            response = await self._answer(exchange)
        except Disconnected:
            return
        finally:
            request.done()
        await respond(send, response, head=request.method == "HEAD")

    async def _answer(self, exchange: Exchange) -> Response:
        request = exchange.request
        try:
            for protocol in _SPOKEN:
                if protocol.wants(request):
                    return await protocol.answer(exchange)
            raise Refusal(404, "resource_not_found_exception", f"There is no {request.path} here.")
        except Refusal as refusal:
            return refusal.response
        except (Overfull, Unreadable) as error:
            return Refusal(413, "content_too_large", str(error)).response
        except DatabaseError:
            log.exception("the database refused %s %s", request.method, request.path)
            busy = "Nothing was stored: the database is not available. Send it again later."
            return Refusal(503, "unavailable", busy, {"Retry-After": "5"}).response
        except (Disconnected, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            sorry = "Nothing was stored: the platform's log says why. Send it again later."
            return Refusal(500, "internal_error", sorry).response

    async def _run(self, function: Callable[..., Any], *words: Any, **named: Any) -> Any:
        call = partial(_with_connection, function, *words, **named)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def _work(self, size: int, function: Callable[..., T], *words: Any, **named: Any) -> T:
        """Runs what takes time in proportion to `size` bytes; away from the loop if they are many."""
        if size < _SMALL:
            return function(*words, **named)
        call = partial(function, *words, **named)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def _store(self, request: Request, delivery: Sent) -> Receipt:
        try:
            arrival = await self._work(
                len(delivery.content),
                arrivals.arrive,
                source=delivery.source,
                protocol=delivery.protocol,
                content=delivery.content,
                file_name=delivery.file_name,
                host_name=delivery.host_name,
                found=delivery.found,
                key=request.headers.get("idempotency-key", ""),
                gather=True,
            )
            self._gate.backlog.add(arrival.source.pk, arrival.size)
            self._gate.allowances.take(arrival.source, arrival.items or 1, arrival.size)
            return await asyncio.wrap_future(self._commits.submit(arrival))
        except arrivals.KeyReused as error:
            raise Refusal(422, "version_conflict_engine_exception", str(error)) from error
        except DatabaseError as error:
            if not receiving.is_refused_for_ever(error):
                raise
            log.exception("the database takes no such delivery of source %s", delivery.source.pk)
            raise Unstorable from error

    def _ready(self, batch_ids: Sequence[UUID]) -> None:
        """Called by the committing thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._start_telling, batch_ids)

    def _start_telling(self, batch_ids: Sequence[UUID]) -> None:
        task = asyncio.ensure_future(self._tell(batch_ids))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, batch_ids: Sequence[UUID]) -> None:
        for batch_id in batch_ids:
            try:
                if inspect.iscoroutinefunction(self._on_batch):
                    await self._on_batch(batch_id)
                else:
                    told = await asyncio.to_thread(self._on_batch, batch_id)
                    if inspect.isawaitable(told):
                        await told
            except Exception:
                log.exception("batch %s is stored; nobody could be told", batch_id)

    async def _find(self, source: Source, batch_id: str) -> Batch | None:
        try:
            wanted = UUID(batch_id)
        except ValueError:
            return None
        found: Batch | None = await self._run(selectors.batch_of, source, wanted)
        return found

    async def leave(self) -> None:
        """Commit and close what is at hand, and pass it on, before the server ends."""
        await asyncio.to_thread(self._commits.stop)
        await asyncio.sleep(0)  # what the last commit calls soon
        if self._telling:
            await asyncio.wait(self._telling, timeout=10)
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """End the threads, each after closing its connection to the database."""
        self._commits.stop()
        together = Barrier(_THREADS)

        def leave() -> None:
            together.wait(timeout=30)
            connections.close_all()

        for left in [self._threads.submit(leave) for _ in range(_THREADS)]:
            left.result()
        self._threads.shutdown()


def _with_connection(function: Callable[..., Any], *words: Any, **named: Any) -> Any:
    """Django closes stale connections around its own requests; these threads serve others."""
    close_old_connections()
    try:
        return function(*words, **named)
    finally:
        close_old_connections()


_SPOKEN = spoken()
