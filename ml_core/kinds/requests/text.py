"""HTTP requests as the network reads them, and as people read them back.

A request is one text: `METHOD path?query`, a line break, the body. Percent-encoding hides an
attack from a network that learned its plain form, so the text is decoded (twice, as attackers
encode twice) and brought to lower case: what is left is one spelling of each request. An `&`
that separates parameters becomes a byte of its own first, so that it stays apart from one that
was encoded, and so belongs to a value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import numpy as np
import numpy.typing as npt

from ml_core.kinds.text import Span

LENGTH = 512  # bytes; of a longer request the beginning and the end are kept
HEAD = 384
SEPARATOR = b"\x1f"
_PAIR = re.compile(rb"[^\x1f\n]+")
_REQUEST = re.compile(rb"([A-Za-z]{3,8}) \S")
_STRUCTURED = (b"{", b"[", b"<", b"--")  # JSON, XML, multipart: their & and + are data


class Field(NamedTuple):
    """One part of a request: its ECS-like name and where its bytes lie in the decoded text."""

    name: str
    start: int
    end: int


def decoded(text: str) -> bytes:
    """One request as the network reads it: decoded, lower case, at most LENGTH bytes, no zeros.

    A text that does not begin with a method is read as one bare value.
    """
    raw = text.encode("utf-8", "surrogateescape").replace(b"\r\n", b"\n").rstrip(b"\n")
    if _REQUEST.match(raw):
        line, line_end, body = raw.partition(b"\n")
        path, mark, query = line.partition(b"?")
        form = body if body.startswith(_STRUCTURED) else _parameters(body)
        raw = path + mark + _parameters(query) + line_end + form
    for _ in range(2):
        if b"%" not in raw:
            break
        raw = unquote_to_bytes(raw)
    raw = raw.replace(b"\0", b"\x01").lower()
    return raw if len(raw) <= LENGTH else raw[:HEAD] + raw[HEAD - LENGTH :]


def _parameters(text: bytes) -> bytes:
    return text.replace(b"&", SEPARATOR).replace(b"+", b" ")


def encode(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Requests [N] to byte values [N, LENGTH], zero after the end, and lengths [N] (at least 1)."""
    parts = [decoded(text) or b" " for text in texts]
    lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    flat = np.frombuffer(b"".join(part.ljust(LENGTH, b"\0") for part in parts), dtype=np.uint8)
    return flat.reshape(len(parts), LENGTH).copy(), lengths


def fields(text: bytes) -> list[Field]:
    """The parts of a decoded request that a verdict can be blamed on, in order.

    Method, path, one for each query parameter and each form parameter of the body; a text
    without a method is one nameless value.
    """
    method = _REQUEST.match(text)
    if method is None:
        return [Field("http.request", 0, len(text))]
    line_end = text.find(b"\n")
    line, body_start = (text, len(text)) if line_end < 0 else (text[:line_end], line_end + 1)
    method_end = method.end(1)
    query = line.find(b"?", method_end)
    path_end = len(line) if query < 0 else query
    parts = [
        Field("http.request.method", 0, method_end),
        Field("url.path", method_end + 1, path_end),
    ]
    if query >= 0:
        parts += _pairs("url.query", text[: len(line)], query + 1)
    if text.startswith(_STRUCTURED, body_start):
        parts.append(Field("http.request.body.content", body_start, len(text)))
    elif body_start < len(text):
        parts += _pairs("http.request.body.content", text, body_start)
    return [part for part in parts if part.end > part.start]


def spans(text: str) -> list[Span]:
    """The `fields` of a request as given, with their values."""
    raw = decoded(text)
    return [
        Span(part.name, raw[part.start : part.end].decode("utf-8", "replace"), *part[1:])
        for part in fields(raw)
    ]


def _pairs(prefix: str, text: bytes, start: int) -> list[Field]:
    found = []
    for match in _PAIR.finditer(text, start):
        name, equals, _ = match.group().partition(b"=")
        label = f"{prefix}[{name[:40].decode('utf-8', 'replace')}]" if equals else prefix
        found.append(Field(label, match.start(), match.end()))
    return found
