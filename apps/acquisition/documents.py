"""Bodies of JSON documents, cut into items: NDJSON, JSON arrays and Elasticsearch's `_bulk`.

Cutting is strict and happens twice, when a batch is received (the sender is told what is wrong)
and when it is parsed; both times it comes to the same.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

DEEPEST = 64
"""Levels of nesting a document may have."""

MOST_ITEMS, MOST_BYTES = 2_000_000, 512 * 1024 * 1024
"""What one body may unfold to: labels that are said once stand in each of its documents."""

BAD_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding hostile JSON raises."""

_DECODE = msgspec.json.Decoder().decode
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw]).decode
_ADDS = ("index", "create")
_ACTIONS = (*_ADDS, "update", "delete")


class Malformed(ValueError):
    """A body cannot be told into documents: one sentence for the sender."""


class Overfull(Malformed):
    """A body unfolds to more than one batch takes."""


class MalformedBulk(Malformed):
    """A `_bulk` body cannot be told into actions and documents."""


@dataclass(slots=True)
class Documents:
    """Items of one body: `texts[i]` is the good item number `sequence[i]`.

    `rejected` are the others with their reasons; `actions` (of `_bulk`) has one entry per item.
    """

    items: int = 0
    texts: list[bytes] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    actions: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    size: int = 0  # bytes of `texts`

    def add(self, raw: bytes, max_line: int, problem: str = "") -> None:
        if self.items >= MOST_ITEMS or self.size + len(raw) > MOST_BYTES:
            raise Overfull("The body unfolds to too much for one batch: send it in parts.")
        problem = problem or check(raw, max_line)
        if problem:
            self.rejected.append((self.items, problem))
        else:
            self.texts.append(raw)
            self.size += len(raw)
            self.sequence.append(self.items)
        self.items += 1


def joined(parts: Iterable[Documents]) -> Documents:
    """Several bodies as one, their items numbered through."""
    whole = Documents()
    for part in parts:
        at = whole.items
        whole.texts += part.texts
        whole.sequence += [at + number for number in part.sequence]
        whole.rejected += [(at + number, reason) for number, reason in part.rejected]
        whole.actions += part.actions
        whole.items += part.items
        whole.size += part.size
    return whole


def check(raw: bytes, max_line: int) -> str:
    """Why `raw` is no document we take; empty if it is one: a JSON object, or a line as string."""
    if len(raw) > max_line:
        return f"longer than {max_line} bytes"
    try:
        value = _DECODE(raw)
    except RecursionError:
        return f"nested more than {DEEPEST} levels deep"
    except UnicodeDecodeError:
        return "not UTF-8"
    except msgspec.MsgspecError as error:
        return f"not valid JSON: {_said(error)}"
    if not isinstance(value, dict | str):
        return "not a JSON object"
    if raw.count(b"[") + raw.count(b"{") > DEEPEST and is_deeper(value, DEEPEST):
        return f"nested more than {DEEPEST} levels deep"
    return ""


def split(content: bytes, max_line: int) -> Documents:
    """The documents of an NDJSON body, of a JSON array, or of a body that is one object."""
    body = content.removeprefix(codecs.BOM_UTF8)
    found = Documents()
    for raw in _array(body) or _whole(body) or _lines(body):
        found.add(raw, max_line)
    return found


def is_array(content: bytes) -> bool:
    """Whether a body is a JSON array."""
    return _array(content.removeprefix(codecs.BOM_UTF8)) is not None


def split_bulk(content: bytes, max_line: int) -> Documents:
    """The documents of a `_bulk` body. Blank lines between them are allowed: rsyslog sends them.

    Raises MalformedBulk where a line that should be an action is none.
    """
    lines = content.removeprefix(codecs.BOM_UTF8).split(b"\n")
    return _pairs(lines, max_line) or _bulk(lines, max_line)


def _pairs(lines: list[bytes], max_line: int) -> Documents | None:
    """The documents of a body as almost all are: an action and a good document by turns. None
    where anything is otherwise; then each line is looked at by itself, at five times the cost."""
    if not lines[-1]:
        lines = lines[:-1]
    texts = lines[1::2]
    if not texts or len(lines) % 2 or len(texts) > MOST_ITEMS:
        return None
    try:
        known = {line: _action(line, 0) for line in set(lines[0::2])}
        values = list(map(_DECODE, texts))
    except (*BAD_JSON, MalformedBulk):
        return None
    size = sum(map(len, texts))
    if (
        any(action not in _ADDS for action, _ in known.values())
        or set(map(type, values)) != {dict}
        or max(map(len, texts)) > max_line
        or size > MOST_BYTES
        or max(text.count(b"{") + text.count(b"[") for text in texts) > DEEPEST
        or any(text[:1] != b"{" or text[-1:] != b"}" for text in texts)  # space is stripped
    ):
        return None
    actions = [known[line] for line in lines[0::2]]
    return Documents(len(texts), texts, list(range(len(texts))), [], actions, size)


def _bulk(bare: list[bytes], max_line: int) -> Documents:
    found = Documents()
    known: dict[bytes, tuple[str, dict[str, object]]] = {}
    lines = iter(enumerate(bare, 1))
    for number, line in lines:
        line = line.strip()
        if not line:
            continue
        if line not in known:
            known[line] = _action(line, number)
        action, target = known[line]
        found.actions.append((action, target))
        if action == "delete":
            found.add(b"", max_line, "records are never deleted")
            continue
        document = next((text for _, raw in lines if (text := raw.strip())), None)
        if document is None:
            found.add(b"", max_line, "no document follows this action")
        elif action == "update":
            found.add(document, max_line, "records are never changed")
        else:
            found.add(document, max_line)
    return found


def _array(body: bytes) -> Iterator[bytes] | None:
    if not body.lstrip().startswith(b"["):
        return None
    try:
        return (bytes(raw) for raw in _ARRAY(body))
    except BAD_JSON:
        return None


def _whole(body: bytes) -> list[bytes] | None:
    """A body that is one object written over several lines."""
    first, _, rest = body.lstrip().partition(b"\n")
    if not first.startswith(b"{") or not rest.strip():
        return None
    try:
        _DECODE(first)
    except BAD_JSON:
        try:
            _DECODE(body)
        except BAD_JSON:
            return None
        return [body.strip()]
    return None


def _lines(body: bytes) -> Iterator[bytes]:
    return (line for raw in body.split(b"\n") if (line := raw.strip()))


def _action(line: bytes, number: int) -> tuple[str, dict[str, object]]:
    try:
        value = _DECODE(line)
    except BAD_JSON as error:
        raise MalformedBulk(
            f"Malformed action/metadata line [{number}]: it is not valid JSON."
        ) from error
    if isinstance(value, dict) and len(value) == 1:
        action, target = next(iter(value.items()))
        if action in _ACTIONS and isinstance(target, dict):
            return action, target
    raise MalformedBulk(
        f"Malformed action/metadata line [{number}], expected one of "
        f"{', '.join(_ACTIONS)} with an object."
    )


def _said(error: Exception) -> str:
    return str(error).removeprefix("JSON is malformed: ")


def is_deeper(value: object, most: int) -> bool:
    """Whether containers are nested more than `most` levels; without recursion."""
    level: list[Any] = [value]
    for _ in range(most):
        level = [
            item
            for container in level
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def text_of(raw: bytes) -> object:
    """The value of a document that was found good."""
    return _DECODE(raw)
