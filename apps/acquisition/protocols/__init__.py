"""What shippers speak: raw ASGI in front of Django, one file a protocol.

A protocol is an object `PROTOCOL` with a `name`, `wants(request)` and `answer(exchange)`.
Success is only said when what was sent is committed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any, Protocol
from uuid import UUID

from django.db import DatabaseError, close_old_connections, connections

from apps import plugins
from apps.acquisition import selectors, services
from apps.acquisition.documents import Overfull
from apps.acquisition.models import Batch, Source
from apps.acquisition.protocols._http import (
    Disconnected,
    Exchange,
    Receive,
    Refusal,
    Request,
    Response,
    Scope,
    Send,
    respond,
)
from apps.acquisition.services import Receipt

log = logging.getLogger(__name__)

OnBatch = Callable[[UUID], Awaitable[None] | None]

_THREADS = 4  # requests that talk to the database at once


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, self._run)
        exchange = Exchange(request, self._store, self._find)
        try:
            response = await self._answer(exchange)
        except Disconnected:
            return
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
        except Overfull as error:
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

    async def _store(
        self, source: Source, protocol: str, content: bytes, file_name: str, host_name: str
    ) -> Receipt:
        receipt: Receipt = await self._run(
            services.receive,
            source=source,
            protocol=protocol,
            content=content,
            file_name=file_name,
            host_name=host_name,
        )
        if receipt.is_new or receipt.batch.state == Batch.State.RECEIVED:
            await self._tell(receipt.batch.pk)
        return receipt

    async def _tell(self, batch_id: UUID) -> None:
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

    def close(self) -> None:
        """End the threads, each after closing its connection to the database."""
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
