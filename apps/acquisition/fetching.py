"""One page over HTTP, from a server that may be hostile: bounded in time, bytes and redirects, and
never from an address that was not judged (see `apps.protection.outbound`).
"""

from __future__ import annotations

import re
import ssl
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, urljoin, urlsplit

import certifi
import httpcore

from apps.contracts import Refused
from apps.protection import outbound
from apps.protection.outbound import Network

STEP = 10.0
"""Seconds that one step of a connection may take."""
UNSENDABLE = "Its secret has line breaks or letters that no header may have: type it again."
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a URL.

    Attributes:
        url: the last one asked for, after redirects.
        status: of its answer; 0 where there was none, and `problem` says why.
        address: the address that answered.
        headers: in the order they came, names in lower case.
        body: decompressed; cut where `cut` says so.
        broken: it ended before its end: what is missing is no change of the page.
        redirects: (status, URL it led to), in their order.
    """

    url: str
    status: int = 0
    address: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    cut: str = ""
    redirects: tuple[tuple[int, str], ...] = ()
    problem: str = ""
    broken: bool = False

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known == name), "")


def check_url(text: str) -> SplitResult:
    """A URL of a page, in parts. Raises `Refused` with a sentence."""
    if re.search(r"[\x00-\x20\x7f]", text):
        raise Refused("A URL has no spaces or control characters.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as wrong:
        raise Refused("That is not a URL.") from wrong
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise Refused("The URL of a page begins with https:// or http:// and names a host.")
    if parts.username is not None or parts.password is not None:
        raise Refused("A URL with a name and password is not kept: give the secret by itself.")
    return parts


def trust(authorities: str = "") -> ssl.SSLContext:
    """Whom we believe: the public authorities, the system's, and those of a PEM text.

    Raises `Refused` where that text holds no certificates.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    if authorities.strip():
        try:
            # what stands between certificates may be in any letters
            context.load_verify_locations(cadata=authorities.encode("ascii", "ignore").decode())
        except ssl.SSLError as wrong:
            raise Refused("The authorities are not certificates in PEM.") from wrong
    return context


def fetch(
    url: str,
    *,
    headers: Mapping[str, str],
    networks: Iterable[Network] = (),
    context: ssl.SSLContext,
    most: int,
    seconds: float,
    redirects: int,
    secret: str = "",
) -> Fetched:
    """GETs a URL and follows its redirects. Never raises for what a server does.

    `secret` is sent as `Authorization`, to the origin of `url` alone. `seconds` are for all of it.
    """
    end = time.monotonic() + seconds
    networks = tuple(networks)
    origin = _origin(check_url(url))
    if not (secret.isascii() and secret.isprintable()):
        return Fetched(url, problem=UNSENDABLE)  # what cannot be sent must not be told either
    led: list[tuple[int, str]] = []
    while True:
        own = secret and _origin(urlsplit(url)) == origin
        said = {**headers, **({"Authorization": secret} if own else {})}
        got = _get(url, said, _Judging(networks, end), context, most, end)
        target = got.header("location")
        if got.status not in _REDIRECTS or not target:
            return _led(got, led)
        try:
            url = check_url(urljoin(url, target)).geturl()
        except (Refused, ValueError) as why:
            return _led(got, led, f"It leads to {target[:200]!r}, where no page is. {why}")
        led.append((got.status, url))
        if len(led) > redirects:
            return _led(got, led, f"It redirects more than {redirects} times.")


def _led(got: Fetched, led: list[tuple[int, str]], problem: str = "") -> Fetched:
    return replace(got, redirects=tuple(led), problem=problem or got.problem)


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _get(
    url: str,
    headers: Mapping[str, str],
    way: _Judging,
    context: ssl.SSLContext,
    most: int,
    end: float,
) -> Fetched:
    wait = {"connect": STEP, "read": STEP, "write": STEP, "pool": STEP}
    asked = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    try:
        plain = _ascii(url)
        asked.insert(0, (b"Host", urlsplit(plain).netloc.encode()))
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=way) as pool,
            pool.stream("GET", plain, headers=asked, extensions={"timeout": wait}) as answer,
        ):
            got = tuple(
                (name.decode("latin-1").lower(), value.decode("utf-8", "replace")[:2000])
                for name, value in answer.headers[:100]
            )
            encoding = next((value for name, value in got if name == "content-encoding"), "")
            body = _Body(encoding, most)
            try:
                for piece in answer.iter_stream():
                    if not body.take(piece):
                        break
                else:
                    body.end()
            except _TROUBLE as wrong:
                body.cut = body.cut or f"It broke off: {_said(wrong, end)}"
                body.broken = True
            whole = bytes(body.whole)
            return Fetched(
                url, answer.status, way.address, got, whole, body.cut, broken=body.broken
            )
    except (outbound.NotFound, outbound.Forbidden) as why:
        return Fetched(url, problem=not_asked(why))
    except _TROUBLE as wrong:
        return Fetched(url, address=way.address, problem=_said(wrong, end))


_TROUBLE = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
    ValueError,
)


def _said(wrong: BaseException, end: float) -> str:
    """A sentence about what went wrong."""
    if time.monotonic() >= end - 0.05:
        return "It took too long."
    if isinstance(wrong, httpcore.TimeoutException):
        return f"It did not answer within {STEP:g} seconds."
    text = re.sub(r"\[[A-Z_]+: [A-Z_0-9]+\]\s*|\s*\(_ssl\.c:\d+\)", "", str(wrong))
    return f"It cannot be fetched: {(text or type(wrong).__name__)[:300].rstrip('.')}."


def not_asked(why: outbound.NotFound | outbound.Forbidden) -> str:
    """Why a host was not asked, in sentences; and what allows it, where something does."""
    said = str(why).rstrip(".") + "."
    if isinstance(why, outbound.Forbidden) and str(why).endswith(outbound.PRIVATE):
        said += " If that is meant, name it under “Private networks it may enter”."
    return said


def _ascii(url: str) -> str:
    """A URL as it goes over the wire: names in Punycode, other letters in percent signs."""
    if url.isascii():
        return url
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    host = (parts.hostname or "").encode("idna").decode()
    rest = parts._replace(netloc=host + port, fragment="").geturl()
    return "".join(
        char if char.isascii() else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in rest
    )


@dataclass(slots=True)
class _Body:
    """A body as it comes, opened on its way: never more than `most` bytes are held."""

    encoding: str
    most: int
    whole: bytearray = field(default_factory=bytearray)
    cut: str = ""
    broken: bool = False
    _machine: zlib._Decompress | None = None
    _began: bool = False

    def take(self, piece: bytes) -> bool:
        """Whether more is wanted."""
        try:
            for part in self._opened(piece):
                self.whole += part
                if len(self.whole) > self.most:
                    del self.whole[self.most :]
                    self.cut = f"It is longer than {self.most} bytes; the rest was not fetched."
                    return False
        except zlib.error as wrong:
            self.cut = f"It is not the {self.encoding} it says it is ({wrong})."
            return False
        return True

    def end(self) -> None:
        """Told that nothing more comes: what is compressed must have come to its own end."""
        if self._machine is not None and not self._machine.eof:
            self.cut = f"Its {self.encoding} broke off: the end is missing."
            self.broken = True

    def _opened(self, piece: bytes) -> Iterable[bytes]:
        if self.encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
            return (piece,)
        return self._unfolded(piece)

    def _unfolded(self, piece: bytes) -> Iterable[bytes]:
        if self._machine is None:
            bare = self.encoding.strip().lower() == "deflate" and piece[:1] and piece[0] & 15 != 8
            self._machine = zlib.decompressobj(-15 if bare else 47)
        while piece and not self._machine.eof:
            yield self._machine.decompress(piece, 65536)
            piece = self._machine.unconsumed_tail


class _Judging(httpcore.NetworkBackend):
    """Connects to nothing that was not judged, and to that very address; and ends in time."""

    def __init__(self, networks: tuple[Network, ...], end: float) -> None:
        self.networks, self.end, self.address = networks, end, ""
        self._way = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        found = outbound.judged(host, port, networks=self.networks)
        problem: Exception | None = None
        for address in found[:4]:
            try:
                stream = self._way.connect_tcp(
                    str(address), port, _left(self.end, timeout), None, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as wrong:
                problem = wrong
                continue
            self.address = str(address)
            return _Bounded(stream, self.end)
        raise problem or httpcore.ConnectError("it has no address")


class _Bounded(httpcore.NetworkStream):
    """A stream that knows when all has to be over: a server that says a letter now and then never
    lets a single step take too long."""

    def __init__(self, stream: httpcore.NetworkStream, end: float) -> None:
        self._stream, self._end = stream, end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._end, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._end, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._end, timeout)
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, left), self._end)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _left(end: float, timeout: float | None) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("it took too long")
    return min(left, timeout or left)
