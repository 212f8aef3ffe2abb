"""HTTP requests as the network reads them, and as people read them back.

A request comes as a raw message with headers, as `METHOD path?query`, line break, body, as a line
of an access log, as a URL, or as one bare parameter value. All become one spelling: no method,
host, version or headers; decoded (up to three times, as attackers encode twice), lower case; so
that what a network learned of one form holds for the others. An `&` that separates parameters
becomes a byte of its own first, so that it stays apart from one that was encoded, and so belongs
to a value.
Letters beyond ASCII become one byte: which charset a site writes says nothing of an attack.
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
CODES = 3  # times that a request may be percent-encoded
SEPARATOR = b"\x1f"
FOREIGN = b"\x80"  # a run of letters beyond ASCII
_METHODS = rb"GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH|TRACE|TRACK|CONNECT|PROPFIND|SEARCH|DEBUG"
_REQUEST = re.compile(
    rb"(?:%s)[ \t]+(?=/|\*(?: HTTP|$)|[a-z][a-z+.-]*://|\S+[ \t]+HTTP/)" % _METHODS, re.I
)
_STATUS = re.compile(rb'" \d{3}(?: |$)')
_LOGGED = re.compile(rb'(?:\] |^\s*)"((?:%s) .*?)" \d{3}(?: |$)' % _METHODS, re.I)
_QUOTED = re.compile(rb"\s*([\"']?)((?:%s) [^\n]* HTTP/[0-9.]+)\1\s*$" % _METHODS, re.I)
_VERSION = re.compile(rb"(?<![ \t])[ \t]+HTTP/[0-9.]+\s*$", re.I)
_ESCAPED = re.compile(rb"^[^\n]* HTTP/[0-9.]+\\r?\\?n", re.I)  # line breaks that a table wrote out
_HOST = re.compile(rb"^https?://[^/?#\s]*(?=/|\?|$)", re.I)
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:[ \t]")
_TARGET = re.compile(rb"/[^\s?]*\?|[\w./%~-]*\?[\w.\[\]%-]+=")
_FORM = re.compile(rb"[\w.\[\]-]+=[^&\s]*(?:&[\w.\[\]-]+=[^&\s]*)+$")
_SPACED = re.compile(rb"[^+]\+(?=[^+])")  # a + that stands for a space
_PAIR = re.compile(rb"[^\x1f\n]+")
_STRUCTURED = (b"{", b"[", b"<", b"--")  # JSON, XML, multipart: their & and + are data
_UNICODE = re.compile(rb"(?:%u|\\u)00([0-7][0-9a-f])", re.I)
_BACKSLASH = re.compile(rb"\\x([0-9a-f]{2})", re.I)
_OVERLONG = re.compile(rb"\xc0[\x80-\xbf]|\xc1[\x80-\xbf]")  # ASCII hidden in two bytes of UTF-8
_BEYOND = re.compile(rb"[\x80-\xff]+")


class Field(NamedTuple):
    """One part of a request: its ECS-like name and where its bytes lie in the decoded text."""

    name: str
    start: int
    end: int


def decoded(text: str) -> bytes:
    """One request as the network reads it: decoded, lower case, at most LENGTH bytes, no zeros.

    `path?query`, and after a line break the body; a text that is no request is one bare value.
    """
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a pair, which stands for no byte either
        raw = text.encode("utf-8", "replace")
    raw = raw.replace(b"\r\n", b"\n").strip(b"\n")
    logged, quoted = _logged(raw), _QUOTED.match(raw)
    if logged:
        raw = logged.group(1)
    elif quoted:
        raw = quoted.group(2)
    elif _ESCAPED.match(raw):
        raw = raw.replace(b"\\r\\n", b"\n").replace(b"\\n", b"\n")
    method = _REQUEST.match(raw)
    if method:
        line, _, rest = raw[method.end() :].partition(b"\n")
        path, mark, query = _HOST.sub(b"", _VERSION.sub(b"", line), count=1).partition(b"?")
        body = _body(rest)
        form = body if body.startswith(_STRUCTURED) else _parameters(body)
        raw = (path or b"/") + mark + _parameters(query) + (b"\n" + form if form else b"")
    else:
        raw = _value(raw)
    raw = _BEYOND.sub(FOREIGN, _plain(raw)).replace(b"\0", b"\x01").lower()
    return raw if len(raw) <= LENGTH else raw[:HEAD] + raw[HEAD - LENGTH :]


def _logged(raw: bytes) -> re.Match[bytes] | None:
    """The request of a line of an access log, sought no further than the line's last status.

    Not in later lines: a body may hold whatever hides the request before it.
    """
    line = raw.partition(b"\n")[0]
    end = max((match.end() for match in _STATUS.finditer(line)), default=0)
    return _LOGGED.search(line, 0, end)


def _body(rest: bytes) -> bytes:
    """What follows the request line, without the headers if there are any."""
    if not _HEADER.match(rest):
        return rest.strip(b"\n")
    head, blank, body = rest.partition(b"\n\n")
    return body.strip(b"\n") if blank or _HEADER.match(head) else rest


def _value(raw: bytes) -> bytes:
    """A text without a method: a target, a form, or one value."""
    if raw.startswith((b"/", b"http")):
        raw = _VERSION.sub(b"", raw)
    host = _HOST.match(raw)
    if host and b"=" in raw and not re.search(rb"\s", raw):
        raw = raw[host.end() :] or b"/"
    if _TARGET.match(raw):
        path, mark, query = raw.partition(b"?")
        return path + mark + _parameters(query)
    if _FORM.match(raw):
        return _parameters(raw)
    if (b"%" in raw or len(_SPACED.findall(raw)) > 1) and not re.search(rb"\s", raw):
        return raw.replace(b"+", b" ")
    return raw


def _parameters(text: bytes) -> bytes:
    return text.replace(b"&", SEPARATOR).replace(b"+", b" ")


def _plain(raw: bytes) -> bytes:
    """Percent signs, %u, \\x and \\u00 escapes and overlong UTF-8 undone."""
    for _ in range(CODES):
        if b"%" in raw:
            raw = unquote_to_bytes(_UNICODE.sub(_byte, raw))
    if b"\\" in raw:
        raw = _BACKSLASH.sub(_byte, _UNICODE.sub(_byte, raw))
    if b"\xc0" in raw or b"\xc1" in raw:
        raw = _OVERLONG.sub(_short, raw)
    return raw


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes([int(match.group(1), 16)])


def _short(match: re.Match[bytes]) -> bytes:
    lead, tail = match.group()
    return bytes([(lead & 1) << 6 | tail & 0x3F])


def encode(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Requests [N] to byte values [N, LENGTH], zero after the end, and lengths [N] (at least 1)."""
    parts = [decoded(text) or b" " for text in texts]
    lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    flat = np.frombuffer(b"".join(part.ljust(LENGTH, b"\0") for part in parts), dtype=np.uint8)
    return flat.reshape(len(parts), LENGTH).copy(), lengths


def fields(text: bytes) -> list[Field]:
    """The parts of a decoded request that a verdict can be blamed on, in order.

    Path, one for each query parameter and each form parameter of the body; a bare value is one
    nameless part.
    """
    if not text.startswith(b"/"):
        return _pairs("http.request", text, 0)
    line_end = text.find(b"\n")
    line, body_start = (text, len(text)) if line_end < 0 else (text[:line_end], line_end + 1)
    query = line.find(b"?")
    parts = [Field("url.path", 0, len(line) if query < 0 else query)]
    if query >= 0:
        parts += _pairs("url.query", line, query + 1)
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
        told = equals and (prefix != "http.request" or SEPARATOR in text)
        label = f"{prefix}[{name[:40].decode('utf-8', 'replace')}]" if told else prefix
        found.append(Field(label, match.start(), match.end()))
    return found
