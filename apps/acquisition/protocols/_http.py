"""HTTP on bare ASGI: what the protocols share. Bodies are read piece by piece and never beyond
their limit; whoever may not send is refused before anything is read."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

import msgspec
from django.conf import settings

from apps.acquisition import compression, selectors
from apps.acquisition.arrivals import Receipt
from apps.acquisition.documents import Documents
from apps.acquisition.limits import Allowances, Backlog, Pause
from apps.acquisition.models import Batch, Source

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_EXPECTED = 8  # times its size, of a body that is unpacked
_REMEMBERED = 1.0  # seconds
_MOST_KNOWN = 10_000
_PATIENCE = 60  # seconds without a byte
_DRAINED = 64 * 1024 * 1024  # read and thrown away, so that a client hears why it was refused
_DRAINING, _STILL = 30.0, 1.0  # seconds for that at most, and without a byte


class Disconnected(Exception):
    """The client went away."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: Any = None  # bytes are sent as they are, all else as JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """A request that is not served, and what its sender can do about it."""

    def __init__(
        self, status: int, kind: str, reason: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(reason)
        error = {"type": kind, "reason": reason}
        body = {"error": {"root_cause": [error], **error}, "status": status}
        self.response = Response(status, body, headers or {})


class Unstorable(Refusal):
    """What the database does not take, however often it comes."""

    def __init__(self) -> None:
        reason = (
            "The database does not take this content: nothing was stored, do not send it again."
        )
        super().__init__(422, "document_parsing_exception", reason)


Run = Callable[..., Awaitable[Any]]
"""Runs a function that needs the database, away from the event loop."""


class Senders:
    """The sources of tokens, asked for at most once a second each: a sender of single lines
    would cost a query a line. A source that is disabled may send for so long."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._known: dict[str, tuple[float, Source]] = {}

    async def source(self, token: str) -> Source | None:
        now = time.monotonic()
        at, source = self._known.get(token, (0.0, None))
        if source is not None and now - at < _REMEMBERED:
            return source
        found: Source | None = await self._run(selectors.source_of_token, token)
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known.pop(token, None)
        if found is not None and found.enabled:
            self._known[token] = now, found
        return found


class Gate:
    """Who must wait: sources beyond their limits, and all where too much is at hand already."""

    def __init__(self, run: Run) -> None:
        self.backlog, self.allowances = Backlog(), Allowances()
        self._run = run
        self._held = 0

    async def pass_through(self, source: Source) -> None:
        """Raises the refusal of a source that must not send now."""
        if self.backlog.is_stale():
            await self._run(self.backlog.refresh)
        pause = self.allowances.pause(source) or self.backlog.pause(source.pk)
        if pause is not None:
            raise _wait(pause)

    def hold(self, size: int, own: int) -> None:
        """Memory for a body that is read and holds `own` bytes already. It waits for others only:
        one body alone always finds room."""
        if self._held > own and self._held + size > settings.TOCSIN["in_flight_bytes"]:
            raise _wait(Pause("Too many bodies are read at once: send it again later.", 1))
        self._held += size

    def release(self, size: int) -> None:
        self._held -= size


def _wait(pause: Pause) -> Refusal:
    headers = {"Retry-After": str(pause.seconds)}
    return Refusal(429, "es_rejected_execution_exception", pause.reason, headers)


class Request:
    """One HTTP request."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive | None = None,
        senders: Senders | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.method: str = scope["method"]
        # `*`, and what a careless client sends, has no slash in front
        self.path: str = "/" + scope["path"].removeprefix("/").rstrip("/")
        self._scope = scope
        self._receive = receive
        self._senders = senders
        self._gate = gate
        self._source: Source | None = None
        self._held = 0
        self._ended = False  # the body was read to its end

    @cached_property
    def headers(self) -> dict[str, str]:
        return {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in self._scope["headers"]
        }

    @cached_property
    def query(self) -> dict[str, str]:
        text = self._scope.get("query_string", b"").decode("latin-1")
        try:
            pairs = parse_qs(text, keep_blank_values=True, max_num_fields=100, errors="replace")
        except ValueError as error:
            reason = "The address has more than 100 parameters."
            raise Refusal(400, "parse_exception", reason) from error
        return {name: values[-1] for name, values in pairs.items()}

    def allow(self, *methods: str) -> None:
        if self.method not in methods:
            raise Refusal(
                405,
                "method_not_allowed",
                f"{self.path} takes {' or '.join(methods)}, not {self.method}.",
                {"Allow": ", ".join(methods)},
            )

    async def source(self) -> Source:
        """Who sends: the enabled source of the token in the Authorization header."""
        assert self._senders is not None
        tokens = _tokens(self.headers.get("authorization", ""))
        challenge = {"WWW-Authenticate": 'Bearer realm="tocsin", ApiKey, Basic realm="tocsin"'}
        if not tokens:
            raise Refusal(
                401,
                "security_exception",
                "No token: send the token of a source as 'Authorization: Bearer …'.",
                challenge,
            )
        for token in tokens:
            found = await self._senders.source(token)
            if found is not None:
                if found.enabled:
                    self._source = found
                    return found
                raise Refusal(
                    403,
                    "security_exception",
                    f"The source {found.name!r} is disabled: ask an administrator to enable it.",
                )
        raise Refusal(
            401,
            "security_exception",
            "This token belongs to no source: make one in the dashboard under Sources.",
            challenge,
        )

    async def body(self, *, guess: bool = False, most: int = 0, waits: bool = True) -> bytes:
        """The decompressed body of what a source sends. `guess`: recognise gzip and zstd that no
        header announces; `most`: bytes, where a format takes less than the site allows; `waits`:
        whether it brings something that limits are for.

        Raises Refusal, also where the source must wait: then the body is thrown away unread.
        """
        assert self._gate is not None
        assert self._source is not None
        try:
            if waits:
                await self._gate.pass_through(self._source)
            return await self._body(guess, most)
        except Refusal as refusal:
            if refusal.response.status == 429:
                await self._drain()
            raise

    def done(self) -> None:
        """Gives back the memory that the body was held in."""
        if self._gate is not None:
            self._gate.release(self._held)

    def _hold(self, size: int) -> None:
        assert self._gate is not None
        self._gate.hold(size, self._held)
        self._held += size

    async def _body(self, guess: bool, most: int) -> bytes:
        allowed = int(settings.TOCSIN["max_body"])
        most = min(most, allowed) if most else allowed
        too_large = Refusal(
            413,
            "content_too_large",
            f"The body is larger than {most} bytes: send it in parts.",
            {"Connection": "close"},
        )
        declared = self.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > most:
            await self._drain()
            raise too_large
        pieces, size = [], 0
        async for piece in self._pieces():
            size += len(piece)
            if size > most:
                await self._drain()
                raise too_large
            self._hold(len(piece))
            pieces.append(piece)
        raw = b"".join(pieces)
        if not raw:
            raise Refusal(400, "parse_exception", "The body is empty: nothing was sent.")
        encoding = self.headers.get("content-encoding", "")
        if not encoding and guess:
            encoding = compression.encoding_of(raw)
        try:
            if encoding:
                self._hold(_EXPECTED * len(raw))
                raw = await asyncio.to_thread(compression.open_body, raw, encoding, most)
        except compression.UnknownEncoding as error:
            raise Refusal(415, "unsupported_media_type", str(error)) from error
        except compression.WrongEncoding as error:
            raise Refusal(400, "parse_exception", str(error)) from error
        except compression.TooLarge as error:
            raise too_large from error
        if not raw.strip(b" \t\r\n"):
            raise Refusal(400, "parse_exception", "The body is empty: nothing was sent.")
        return raw

    async def _pieces(self) -> AsyncIterator[bytes]:
        assert self._receive is not None
        while not self._ended:
            try:
                message = await asyncio.wait_for(self._receive(), _PATIENCE)
            except TimeoutError as error:
                self._ended = True
                reason = f"Nothing came for {_PATIENCE} seconds: nothing was stored, send it again."
                raise Refusal(408, "timeout", reason, {"Connection": "close"}) from error
            if message["type"] == "http.disconnect":
                raise Disconnected
            self._ended = not message.get("more_body")
            yield message.get("body", b"")

    async def _drain(self) -> None:
        assert self._receive is not None
        left, end = _DRAINED, time.monotonic() + _DRAINING
        while not self._ended and left >= 0 and time.monotonic() < end:
            try:
                message = await asyncio.wait_for(self._receive(), _STILL)
            except TimeoutError:
                return
            if message["type"] == "http.disconnect":
                raise Disconnected
            self._ended = not message.get("more_body")
            left -= len(message.get("body", b""))


def _tokens(authorization: str) -> list[str]:
    """The tokens an Authorization header may mean, the likeliest first."""
    scheme, _, value = authorization.strip().partition(" ")
    value = value.strip()
    match scheme.lower():
        case "bearer" | "token" | "splunk":
            return [value] if value else []
        case "apikey":  # the clients send base64(id:key), or a key as it is
            pair = _decoded(value)
            return [value, *([pair[1]] if pair else [])] if value else []
        case "basic":
            pair = _decoded(value)
            return [word for word in reversed(pair) if word] if pair else []
    return []


def _decoded(value: str) -> tuple[str, str] | None:
    try:
        name, mark, key = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, key) if mark else None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request brought; `found` are the documents in it, where it was cut into some."""

    source: Source
    protocol: str
    content: bytes
    file_name: str = ""
    host_name: str = ""
    found: Documents | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what a protocol needs to serve it.

    `work(size, function, …)` runs what takes time in proportion to so many bytes.
    """

    request: Request
    work: Callable[..., Awaitable[Any]]
    _store: Callable[[Request, Sent], Awaitable[Receipt]]
    find: Callable[[Source, str], Awaitable[Batch | None]]

    async def store(
        self,
        source: Source,
        protocol: str,
        content: bytes,
        *,
        file_name: str = "",
        found: Documents | None = None,
    ) -> Receipt:
        """Makes what was sent durable; the pipeline starts once its batch is closed."""
        host = self.request.query.get("host", "")
        return await self._store(
            self.request, Sent(source, protocol, content, file_name, host, found)
        )


async def respond(send: Send, response: Response, *, head: bool = False) -> None:
    content = b"" if response.body is None else response.body
    if not isinstance(content, bytes):
        content = msgspec.json.encode(content)
    kind = response.headers.get("Content-Type", "application/json")
    headers = {
        **response.headers,
        "Content-Type": kind,
        "Content-Length": str(len(content)),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in headers.items()
            ],
        }
    )
    await send({"type": "http.response.body", "body": b"" if head else content})
