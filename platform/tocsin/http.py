"""HTTP as uvicorn serves it, and nobody keeps a place by never saying what they want.

uvicorn waits for the head of a request for ever and counts who waits among those that are served.
Here a head has a time, whoever is slow gives way first where many wait, and only connections that
have asked for something count against `limit_concurrency`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from weakref import WeakKeyDictionary

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0
"""From opening, or from the first byte of a later request, until the head must be whole."""
SHARE, ALL = 64, 256
"""Connections of one address, and of all, that may wait with a head for longer than `PROMPT`."""
PROMPT = 1.0
"""Seconds in which no honest head is hurried, however many come at once: behind a proxy, and on
loopback, one address may be everybody."""

_BUSY = b"Too many requests are served at once: send it again later.\n"


class Waiting:
    """The connections of one server whose head is not whole, the longest wait first."""

    def __init__(self) -> None:
        self._all: dict[PromptHttp, float] = {}
        self._of: dict[str, dict[PromptHttp, float]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, connection: object) -> bool:
        return connection in self._all

    def add(self, connection: PromptHttp) -> None:
        now = time.monotonic()
        own = self._of.setdefault(connection.peer, {})
        self._all[connection] = own[connection] = now
        for some, most in ((own, SHARE), (self._all, ALL)):
            while len(some) > most:
                slowest, since = next(iter(some.items()))
                if now - since < PROMPT:
                    break
                slowest.give_up()

    def remove(self, connection: PromptHttp) -> None:
        if self._all.pop(connection, None) is not None:
            own = self._of[connection.peer]
            del own[connection]
            if not own:
                del self._of[connection.peer]


_WAITING: WeakKeyDictionary[asyncio.AbstractEventLoop, Waiting] = WeakKeyDictionary()


class PromptHttp(H11Protocol):
    """One connection."""

    peer = ""
    _end_of_patience: asyncio.TimerHandle | None = None

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self._most, self.limit_concurrency = self.limit_concurrency, None  # counted in `_serve`
        self._application, self.app = self.app, self._serve
        self._waiting = _WAITING.setdefault(self.loop, Waiting())

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self not in self._waiting and not self.transport.is_closing():
            self._wait()

    def give_up(self) -> None:
        """Closes a connection that has not said what it wants."""
        self._stop_waiting()
        self.timeout_keep_alive_handler()

    def _wait(self) -> None:
        self._end_of_patience = self.loop.call_later(HEAD_SECONDS, self.give_up)
        self._waiting.add(self)

    def _stop_waiting(self) -> None:
        self._waiting.remove(self)
        if self._end_of_patience is not None:
            self._end_of_patience.cancel()
            self._end_of_patience = None

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        asking = len(self.connections) - len(self._waiting)
        if self._most is None or max(asking, len(self.tasks)) < self._most:
            await self._application(scope, receive, send)
            return
        self.logger.warning("%d connections are served at once: one is told to wait", asking)
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(_BUSY)).encode()),
            (b"connection", b"close"),
            (b"retry-after", b"1"),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": _BUSY})
