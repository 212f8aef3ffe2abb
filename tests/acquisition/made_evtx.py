"""Windows event log files made by hand: one chunk, events without templates.

Format: libevtx, "Windows XML Event Log (EVTX) format".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

_CHUNK = 65536
_FIRST = 512


def _name(text: str, at: int) -> bytes:
    """A name that stands where it is first used, `at` bytes into its chunk."""
    number = 0
    for character in text:
        number = (number * 65599 + ord(character)) & 0xFFFFFFFF
    chars = text.encode("utf-16-le")
    return struct.pack("<IIHH", at + 4, 0, number & 0xFFFF, len(text)) + chars + b"\0\0"


def _text(text: str) -> bytes:
    return b"\x05\x01" + struct.pack("<H", len(text)) + text.encode("utf-16-le")


def _element(name: str, content: list[tuple[str, Mapping[str, str], object]] | str, attributes: Mapping[str, str], at: int) -> bytes:  # fmt: skip
    token = b"\x41" if attributes else b"\x01"
    body = _name(name, at + 5)
    if attributes:
        given = b""
        for place, (key, value) in enumerate(attributes.items()):
            more = b"\x46" if place < len(attributes) - 1 else b"\x06"
            given += more + _name(key, at + 5 + len(body) + 4 + len(given) + 1) + _text(value)
        body += struct.pack("<I", len(given)) + given
    body += b"\x02"
    if isinstance(content, str):
        body += _text(content) if content else b""
    else:
        for inner, theirs, value in content:
            body += _element(inner, value, theirs, at + 5 + len(body))  # type: ignore[arg-type]
    body += b"\x04"
    return token + struct.pack("<I", len(body)) + body


def event_log(*events: tuple[int, str, str, Mapping[str, str]]) -> bytes:
    """Events as (number, channel, time as ISO 8601, data)."""
    records = b""
    for number, (code, channel, time, data) in enumerate(events, 1):
        at = _FIRST + len(records) + 24 + 4
        tree: list[tuple[str, Mapping[str, str], object]] = [
            (
                "System",
                {},
                [
                    ("Provider", {"Name": "Microsoft-Windows-Security-Auditing"}, ""),
                    ("EventID", {}, str(code)),
                    ("TimeCreated", {"SystemTime": time}, ""),
                    ("Channel", {}, channel),
                    ("Computer", {}, "dc.example.org"),
                ],
            ),
            ("EventData", {}, [("Data", {"Name": key}, value) for key, value in data.items()]),
        ]
        xml = b"\x0f\x01\x01\x00" + _element("Event", tree, {}, at) + b"\0"
        size = 24 + len(xml) + 4
        stamp = 134_000_000_000_000_000
        records += struct.pack("<4sIQQ", b"\x2a\x2a\0\0", size, number, stamp) + xml
        records += struct.pack("<I", size)
    end = _FIRST + len(records)
    head = struct.pack("<8sQQQQIII", b"ElfChnk\0", 1, len(events), 1, len(events), 128, end, end)
    head += struct.pack("<I", zlib.crc32(records)) + b"\0" * 64 + b"\0" * 4
    tables = b"\0" * (_FIRST - 128)
    chunk = head + struct.pack("<I", zlib.crc32(head + tables)) + tables + records
    file = struct.pack("<8sQQQIHHHH", b"ElfFile\0", 0, 0, len(events) + 1, 128, 1, 3, 4096, 1)
    file += b"\0" * 76 + b"\0" * 4
    file += struct.pack("<I", zlib.crc32(file[:120]))
    return file.ljust(4096, b"\0") + chunk.ljust(_CHUNK, b"\0")
