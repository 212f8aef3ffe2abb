"""Text that does not look like text: in UTF-16, or behind the NULs of a truncated log.

A log that is cut to nothing while its writer goes on at the old place begins with as many NULs as
it was long (copytruncate). Windows writes UTF-16. Both are text where that is clear, and only there.
"""

from __future__ import annotations

import codecs
import re

_HEAD = 65536
_OTHER = re.compile(rb"[^\0]")
_RUN = re.compile(rb"\0{16,}")
_STEERING = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def wide_encoding(content: bytes) -> str:
    """`utf-16-le`, `utf-16-be`, or the empty text where content is in neither."""
    head = content[:_HEAD]
    encoding = _MARKS.get(head[:2]) or _by_zeros(head)
    return encoding if encoding and _is_text(head[:-1].decode(encoding, "replace")) else ""


def is_behind_nulls(content: bytes) -> bool:
    """Whether content is UTF-8 text once long runs of NULs are left out, which stand where lines
    end: behind the first bytes of a program they do not."""
    first = _OTHER.search(content)  # lstrip would copy all of it
    head = content[first.start() : first.start() + _HEAD] if first else b""
    if any(not head[: run.start()].endswith(b"\n") for run in _RUN.finditer(head)):
        return False
    head = _RUN.sub(b"", head)
    return bool(head.strip()) and b"\0" in content and _is_text(head.decode("utf-8", "replace"))


def is_binary(content: bytes) -> bool:
    """Whether content is neither UTF-8 nor text in an older encoding (latin-1, GBK): those have
    bytes above 127, and hardly any below 32, which are a tenth of what is packed or random."""
    head = content[:_HEAD]
    if len(_STEERING.findall(head)) <= max(8, len(head) // 20):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return not wide_encoding(content)
    return False


def utf8(content: bytes) -> bytes:
    """The same text in UTF-8, without a mark of its order and without runs of NULs."""
    if encoding := wide_encoding(content):
        content = content.decode(encoding, "replace").encode("utf-8", "replace")
    if b"\0" * 16 in content and is_behind_nulls(content):
        content = _RUN.sub(b"", content)
    return content.removeprefix(codecs.BOM_UTF8)


def _by_zeros(head: bytes) -> str:
    """Latin letters have a zero in every second byte, and nothing else has."""
    if len(head) < 32 or head.count(b"\0") * 3 < len(head):
        return ""
    even, odd = head[::2].count(b"\0") * 2 / len(head), head[1::2].count(b"\0") * 2 / len(head)
    if odd > 0.7 and even < 0.01:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 and odd < 0.01 else ""


def _is_text(text: str) -> bool:
    """Hardly anything in it steers a terminal or could not be decoded."""
    strange = len(_STEERING.findall(text.encode("utf-8", "replace"))) + text.count("\ufffd")
    return strange * 100 <= len(text)
