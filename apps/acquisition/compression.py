"""Compressed bodies, opened without trusting how large they say they are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO

import zstandard

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_STEP = 1 << 20
_ZSTD_STEP = 2048  # a block of 4 bytes can stand for 128 KiB: so much comes out at most
_ZSTD_WINDOW = 1 << 27  # what the zstd program itself accepts without being told to


class WrongEncoding(ValueError):
    """The bytes are not what their Content-Encoding says: one sentence for the sender."""


class UnknownEncoding(WrongEncoding):
    """An encoding that is not supported."""


class TooLarge(ValueError):
    """More bytes than are accepted: one sentence for the sender."""


def encoding_of(content: bytes) -> str:
    """The encoding these bytes begin like: "gzip", "zstd" or ""."""
    return "gzip" if content[:2] == GZIP else "zstd" if content[:4] == ZSTD else ""


def open_body(content: bytes, encoding: str, most: int) -> bytes:
    """The bytes behind a Content-Encoding (gzip, deflate, zstd, identity or none).

    Raises WrongEncoding where they cannot be read, TooLarge as soon as they exceed `most` bytes:
    never more than that is held.
    """
    match encoding.strip().lower():
        case "" | "identity":
            pieces: Iterator[bytes] = iter((content,))
        case "gzip" | "x-gzip":
            pieces = _inflate(content, 16 + zlib.MAX_WBITS)
        case "deflate":
            bare = len(content) < 2 or content[0] & 15 != 8 or (content[0] << 8 | content[1]) % 31
            pieces = _inflate(content, -zlib.MAX_WBITS if bare else zlib.MAX_WBITS)
        case "zstd":
            pieces = _zstd(content)
        case other:
            raise UnknownEncoding(
                f"The encoding {other!r} is not supported: send gzip, deflate, zstd or none."
            )
    whole, size = BytesIO(), 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            raise TooLarge(f"The body is larger than {most} bytes: send it in parts.")
        whole.write(piece)
    return whole.getvalue()  # its own buffer: what was unpacked is held once


def _inflate(content: bytes, window: int) -> Iterator[bytes]:
    rest = content
    while rest:
        machine = zlib.decompressobj(window)
        try:
            while not machine.eof:
                piece = machine.decompress(rest, _STEP)
                rest = machine.unconsumed_tail
                if not piece and not rest and not machine.eof:
                    raise WrongEncoding(
                        "The compressed body ends too early: it was cut on its way."
                    )
                yield piece
        except zlib.error as error:
            raise WrongEncoding(f"The body is not valid gzip or deflate: {error}.") from error
        rest = machine.unused_data.lstrip(b"\0")  # another member, or padding


def _zstd(content: bytes) -> Iterator[bytes]:
    machine = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = machine.decompressobj()
    try:
        for start in range(0, len(content), _ZSTD_STEP):
            rest = content[start : start + _ZSTD_STEP]
            while rest:
                if frame.eof:
                    frame = machine.decompressobj()
                yield frame.decompress(rest)
                rest = frame.unused_data if frame.eof else b""
    except zstandard.ZstdError as error:
        raise WrongEncoding(f"The body is not valid zstd: {error}.") from error
    if not frame.eof:
        raise WrongEncoding("The body is not valid zstd: it was cut on its way.")
