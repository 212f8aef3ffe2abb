"""Splunk's HTTP Event Collector: bodies of events, cut into documents with ECS fields.

Source: Splunk, "Format events for HTTP Event Collector".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from apps.acquisition.documents import BAD_JSON, Documents, Malformed

PROTOCOL = "hec"

_FIRST = json.JSONDecoder()
_DECODE = msgspec.json.Decoder().decode


class MalformedEvents(Malformed):
    """A body that cannot be told into events: one sentence, and which event is at fault."""

    def __init__(self, reason: str, number: int) -> None:
        super().__init__(reason)
        self.number = number


def split(content: bytes, max_line: int) -> Documents:
    """The events of one body: JSON objects one after the other, with or without space between.

    An event without `event`, or with an empty one, is rejected alone. Raises MalformedEvents
    where what should be an event is no JSON: what follows cannot be told apart.
    """
    found = Documents()
    for raw, value in _objects(content):
        if not isinstance(value, dict):
            found.add(raw, max_line, "not a JSON object")
        elif value.get("event") is None:
            found.add(raw, max_line, "event field is required")
        elif value["event"] == "":
            found.add(raw, max_line, "event field cannot be blank")
        elif len(raw) > max_line:
            found.add(raw, max_line)
        else:
            try:
                found.add(msgspec.json.encode(_document(value)), max_line)
            except UnicodeEncodeError:
                found.add(b"", max_line, "half of a surrogate pair is no text")
    return found


def _objects(content: bytes) -> Iterator[tuple[bytes, Any]]:
    """Each value with its text. Most senders write one a line, which is read much faster."""
    number = 0
    lines = content.split(b"\n")
    for at, line in enumerate(lines):
        text = line.strip()
        if not text:
            continue
        try:
            yield text, _DECODE(text)
            number += 1
        except BAD_JSON:
            yield from _glued(b"\n".join(lines[at:]), number)
            return


def _glued(content: bytes, number: int) -> Iterator[tuple[bytes, Any]]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise MalformedEvents("The body is not UTF-8.", number) from error
    at = 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at == len(text):
            return
        try:
            value, end = _FIRST.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise MalformedEvents("Invalid data format: not JSON.", number) from error
        yield text[at:end].encode("utf-8", "replace"), value
        number, at = number + 1, end


def _document(told: dict[str, Any]) -> dict[str, Any]:
    event, fields = told["event"], told.get("fields")
    document: dict[str, Any] = {}
    if isinstance(fields, dict):
        document |= fields
    if isinstance(event, dict):
        document |= event
    else:
        document["message"] = event if isinstance(event, str) else json.dumps(event)
    for key, name in (("time", "@timestamp"), ("host", "host.name")):
        if isinstance(told.get(key), str | int | float) and told[key] != "":
            document[name] = told[key]
    for key, name in (("source", "log.file.path"), ("sourcetype", "sourcetype")):
        if isinstance(told.get(key), str):
            document.setdefault(name, told[key])
    return document
