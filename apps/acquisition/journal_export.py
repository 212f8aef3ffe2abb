"""The systemd journal's export format (`journalctl -o export`, systemd-journal-upload) → documents.

An entry is a run of fields, and an empty line ends it. A field is `NAME=value`, or, where the value
is no plain text, its name alone, then its length in 64 bits little-endian, its bytes and a line end.
Format: systemd's documentation, "Journal Export Formats". An entry becomes the JSON object that
`journalctl -o json` would write, which the parser `journal` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from apps.acquisition.documents import Documents

_MOST_FIELDS = 2000
_NAME = re.compile(rb"^[A-Z0-9_]{1,64}$")
_BEGINS = re.compile(rb"^\s*__(?:CURSOR|REALTIME_TIMESTAMP)=[^\n]*\n(?:[^\n]*\n)*?__[A-Z_]+=")
_ENCODE = msgspec.json.Encoder().encode


def is_export(content: bytes) -> bool:
    """Whether a body begins as an entry does: with two fields that the journal itself adds."""
    head = content[:4096]
    return head.lstrip()[:2] == b"__" and _BEGINS.match(head) is not None


def split(content: bytes, max_line: int) -> Documents:
    """The entries of a body. One that breaks off or makes no sense costs none of the others."""
    found = Documents()
    for entry, problem in _entries(content):
        found.add(b"" if problem else _ENCODE(entry), max_line, problem)
    return found


def _entries(content: bytes) -> Iterator[tuple[dict[str, Any], str]]:
    at, end = 0, len(content)
    entry: dict[str, Any] = {}
    problem = ""
    while at < end:
        stop = content.find(b"\n", at)
        line = content[at : stop if stop >= 0 else end]
        at = stop + 1 if stop >= 0 else end
        if not line:
            if entry or problem:
                yield entry, problem
            entry, problem = {}, ""
            continue
        name, equals, value = line.partition(b"=")
        if not _NAME.match(name):
            problem = problem or "a journal entry with a field that has no name"
            continue
        if not equals:  # its bytes follow
            size = int.from_bytes(content[at : at + 8], "little")
            if size > end - at - 8:
                problem = problem or "a journal entry that breaks off"
                continue
            value = content[at + 8 : at + 8 + size]
            at += 8 + size + 1
        if len(entry) >= _MOST_FIELDS:
            problem = problem or f"a journal entry of more than {_MOST_FIELDS} fields"
            continue
        _put(entry, name.decode(), value.decode("utf-8", "replace"))
    if entry or problem:
        yield entry, problem


def _put(entry: dict[str, Any], name: str, value: str) -> None:
    """A field that comes again makes a list, as in the journal's own JSON."""
    known = entry.get(name)
    if known is None:
        entry[name] = value
    elif isinstance(known, list):
        if len(known) < _MOST_FIELDS:
            known.append(value)
    else:
        entry[name] = [known, value]
