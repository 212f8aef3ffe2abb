"""HTTP/1.x requests, and the answers to them, out of captured TCP payload, on any port.

The parser forgives what attackers get wrong on purpose: bare line feeds, spaces in the target,
unknown methods, missing versions, headers that never end. RFC 9112 says how it should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from apps.acquisition.traffic.tcp_streams import Piece

MOST_BODY = 4_096
"""Bytes kept of a request's body."""
MOST_HEAD = 65_536
"""Bytes a request line with its headers may have; what is longer is cut there."""

_METHODS = frozenset(
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK "
    b"UNLOCK SEARCH REPORT DEBUG TRACK".split()
)
_BEGINNINGS = frozenset(method[:length] for method in _METHODS for length in range(1, 10))
_METHOD = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{1,31}")
_VERSION = re.compile(rb"HTTP/\d(?:\.\d)?")
_STATUS = re.compile(rb"HTTP/1\.[01] +(\d{3})(?:[ \r\n]|$)")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_HEAD_END = re.compile(rb"\n\r?\n")
_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")

SCHEMA: dict[str, pl.DataType] = {
    "@timestamp": pl.Datetime("us", "UTC"),
    "source.ip": pl.String(),
    "source.port": pl.Int64(),
    "destination.ip": pl.String(),
    "destination.port": pl.Int64(),
    "http.request.method": pl.String(),
    "url.original": pl.String(),
    "url.path": pl.String(),
    "url.query": pl.String(),
    "url.domain": pl.String(),
    "user_agent.original": pl.String(),
    "http.request.referrer": pl.String(),
    "http.request.body.content": pl.String(),
    "http.request.body.bytes": pl.Int64(),
    "http.response.status_code": pl.Int64(),
    "http.response.body.bytes": pl.Int64(),
}
"""Columns of a table of requests. Texts are Latin-1 (a byte a character, NUL as U+FFFD); the target
is as sent, undecoded. `http.request.body.bytes` counts what was captured of the body. Query, host,
user agent, referrer and body are null where absent, and so is the response where the capture does
not hold it."""


Ends = tuple[str, int, str, int]


@dataclass(slots=True)
class Request:
    """A request: when its first byte came (ns), what it says, the beginning of its body and how much
    of that was captured."""

    time: int
    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes
    body_bytes: int


@dataclass(slots=True)
class Response:
    """A response: when its first byte came (ns), its status, and the length of its body."""

    time: int
    status: int
    body_bytes: int


def begins_request(data: bytes) -> bool:
    """Whether a segment begins like a request, or is so short that it may be a piece of its method."""
    return data.rstrip(b" ").upper() in _BEGINNINGS or _request_line(data, 0) is not None


def read_dialogue(
    asked: list[Piece], answered: list[Piece], waiting: list[Request]
) -> list[tuple[Request, Response | None]]:
    """The requests that were `waiting` for their answers and those in what one side sent, in order,
    each with its answer from what the other side sent."""
    requests = [*waiting, *(request for piece in asked for request in _requests(piece))]
    return list(zip(requests, _answers(requests, answered), strict=True))


def row_of(ends: Ends, request: Request, response: Response | None) -> tuple[object, ...]:
    """A row of `SCHEMA`, its time in nanoseconds."""
    target = _text(request.target)
    host = request.headers.get(b"host")
    domain = _text(host) if host is not None else None
    local = target
    if absolute := _ABSOLUTE.match(target):
        domain, local = absolute[1].rpartition("@")[2], target[absolute.end() :] or "/"
    path, mark, query = local.partition("?")

    def header(name: bytes) -> str | None:
        value = request.headers.get(name)
        return None if value is None else _text(value)

    return (
        request.time,
        *ends,
        _text(request.method),
        target,
        path,
        query if mark else None,
        _without_port(domain) if domain else None,
        header(b"user-agent"),
        header(b"referer"),
        _text(request.body) if request.body else None,
        request.body_bytes,
        response.status if response else None,
        response.body_bytes if response else None,
    )


def _request_line(data: bytes, at: int) -> tuple[bytes, bytes, int] | None:
    """Method, target and the offset behind the line of a request that begins at `at`, or None."""
    space = data.find(b" ", at, at + 33)
    if space < 0 or not _METHOD.fullmatch(data, at, space) or data[at:space] == b"PRI":
        return None  # PRI opens HTTP/2
    end = data.find(b"\n", space, at + MOST_HEAD)
    behind = end + 1 if end >= 0 else min(at + MOST_HEAD, len(data))
    method, rest = data[at:space], data[space:behind].strip(b" \t\r\n")
    target, _, version = rest.rpartition(b" ")
    if _VERSION.fullmatch(version):
        return method, target.rstrip(b" \t"), behind
    sure = method.upper() in _METHODS and rest.startswith((b"/", b"*", b"http:", b"https:"))
    return (method, rest, behind) if sure else None


def _head(data: bytes, at: int) -> tuple[dict[bytes, bytes], int | None]:
    """The headers that begin at `at`, names in lower case and the first of each standing, and where
    the body begins; None if the headers never end."""
    if data[at : at + 1] == b"\n" or data[at : at + 2] == b"\r\n":
        return {}, at + (1 if data[at : at + 1] == b"\n" else 2)
    found = _HEAD_END.search(data, at, at + MOST_HEAD)
    headers: dict[bytes, bytes] = {}
    for line in data[at : found.start() if found else at + MOST_HEAD].split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return headers, found.end() if found else None


def _body(data: bytes, at: int, headers: dict[bytes, bytes], rest: bool) -> tuple[bytes, int, int]:
    """The beginning of a body, its captured length, and the offset behind it.

    `rest` says whether a body of unannounced length runs to the end of the stream.
    """
    if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
        return _chunked(data, at)
    announced = _content_length(headers)
    if announced is None:
        announced = len(data) if rest else 0
    end = min(at + announced, len(data))
    return data[at : min(end, at + MOST_BODY)], end - at, end


def _content_length(headers: dict[bytes, bytes]) -> int | None:
    announced = headers.get(b"content-length", b"")
    return int(announced) if announced.isdigit() and len(announced) < 19 else None


def _chunked(data: bytes, at: int) -> tuple[bytes, int, int]:
    kept, length = bytearray(), 0
    while size := _SIZE.match(data, at, at + 256):
        count = int(size[1], 16)
        chunk_end = min(size.end() + count, len(data))
        kept += data[size.end() : min(chunk_end, size.end() + MOST_BODY - len(kept))]
        length += chunk_end - size.end()
        at = chunk_end
        if count == 0:
            _, end = _head(data, at)
            return bytes(kept), length, end if end is not None else len(data)
        if data[at : at + 2] == b"\r\n":
            at += 2
    return bytes(kept), length, at


def _requests(piece: Piece) -> Iterator[Request]:
    data, at = piece.data, 0
    while at < len(data):
        line = _request_line(data, at)
        if line is None:
            at = piece.next_start(at)
            continue
        method, target, behind = line
        headers, body_at = _head(data, behind)
        if body_at is None:
            body, length, end = b"", 0, max(behind, min(at + MOST_HEAD, len(data)))
        else:
            body, length, end = _body(data, body_at, headers, rest=False)
        yield Request(piece.time_at(at), method, target, headers, body, length)
        at = end


def _answers(requests: list[Request], pieces: list[Piece]) -> list[Response | None]:
    """For each request its response where the capture has it.

    Responses come in the order of the requests, and after them. Where bytes are missing, one that
    came after the next request was sent is taken for the answer to that one.
    """
    bodiless = {i for i, request in enumerate(requests) if request.method.upper() == b"HEAD"}
    waiting = _responses(pieces, bodiless)
    gaps = len(pieces) > 1
    answers: list[Response | None] = []
    response = next(waiting, None)
    for i, request in enumerate(requests):
        while response and response.time < request.time:
            response = next(waiting, None)
        in_turn = (
            not gaps
            or i + 1 == len(requests)
            or (response is not None and response.time < requests[i + 1].time)
        )
        if response and in_turn:
            answers.append(response)
            response = next(waiting, None)
        else:
            answers.append(None)
    return answers


def _responses(pieces: list[Piece], bodiless: set[int]) -> Iterator[Response]:
    """Final responses in order; those to the requests numbered `bodiless` have no body."""
    number = 0
    for piece in pieces:
        data, at = piece.data, 0
        while at < len(data):
            status_line = _STATUS.match(data, at)
            if status_line is None:
                at = piece.next_start(at)
                continue
            status, began = int(status_line[1]), at
            line_end = data.find(b"\n", at, at + MOST_HEAD)
            headers, body_at = _head(data, line_end + 1 if line_end >= 0 else len(data))
            if body_at is None:
                at, length = len(data), 0
            elif status < 200 or status in (204, 304) or number in bodiless:
                at, length = body_at, 0
            else:
                _, captured, at = _body(data, body_at, headers, rest=True)
                announced = _content_length(headers)
                length = captured if announced is None else announced
            if status >= 200:
                number += 1
                yield Response(piece.time_at(began), status, length)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() and "]" not in port else host).strip("[]")


def _text(raw: bytes) -> str:
    """Latin-1, so that no byte is lost; NUL, which databases refuse in text, as U+FFFD."""
    return raw.decode("latin-1").replace("\0", "\ufffd")
