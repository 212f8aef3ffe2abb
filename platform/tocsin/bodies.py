"""Bodies of requests to pages come whole before Django is asked: bounded in size, time and number.

Django itself waits for a body for ever and writes it to the disk, whoever sends it. (Bulk ingest
has bounds of its own.)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Awaitable[None]]

PATIENCE = 30.0
"""Seconds that any body has, and no byte may take longer to come."""
SLOWEST = 8 * 1024
"""Bytes a second that buy more: whoever sends slower only keeps a place."""
_DRAINED, _DRAINING = 16 * 1024 * 1024, 2.0
"""Bytes and seconds that are still listened to, so that the answer is not lost in a reset."""


class _Refused(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Bounded:
    """`application` behind bounds: at most `most(path)` bytes a body, and `together` of all bodies
    that are there at once."""

    def __init__(self, application: Application, most: Callable[[str], int], together: int) -> None:
        self._application, self._most, self._together = application, most, together
        self._held = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        body = _Body(receive, self._most(scope["path"]), self)
        try:
            body.expect(dict(scope["headers"]).get(b"content-length", b""))
            await self._application(scope, body.receive, send)
        except _Refused as refusal:
            await _answer(refusal, receive, send)
        finally:
            self._held -= body.size

    def hold(self, size: int, own: int) -> None:
        """Room for more of a body that has `own` bytes. One alone always finds it."""
        if self._held > own and self._held + size > self._together:
            raise _Refused(503, "Too many bodies are sent at once: send it again later.")
        self._held += size


class _Body:
    def __init__(self, receive: Receive, most: int, room: Bounded) -> None:
        self._receive, self._most, self._room = receive, most, room
        self._began, self._ended, self.size = time.monotonic(), False, 0

    def expect(self, length: bytes) -> None:
        if length.isdigit() and int(length) > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        if self._ended:
            return await self._receive()
        end = self._began + PATIENCE + self.size / SLOWEST
        try:
            message = await asyncio.wait_for(
                self._receive(), min(PATIENCE, max(0.0, end - time.monotonic()))
            )
        except TimeoutError:
            raise _Refused(408, "The body of the request did not come in time.") from None
        size = len(message.get("body", b""))
        if self.size + size > self._most:
            raise self._too_large()
        self._room.hold(size, self.size)
        self.size += size
        self._ended = not message.get("more_body", False)
        return message

    def _too_large(self) -> _Refused:
        return _Refused(413, f"The body of the request is larger than {self._most} bytes.")


async def _answer(refusal: _Refused, receive: Receive, send: Send) -> None:
    content = f"{refusal}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    if refusal.status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": True})
    left, end = _DRAINED, time.monotonic() + _DRAINING
    more = refusal.status != 408
    while more and left > 0 and (patience := end - time.monotonic()) > 0:
        try:
            message = await asyncio.wait_for(receive(), patience)
        except TimeoutError:
            break
        left -= len(message.get("body", b""))
        more = bool(message.get("more_body", False))
    await send({"type": "http.response.body", "body": b""})
