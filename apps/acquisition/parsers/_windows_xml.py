"""Windows events as XML, one a line: turned into the JSON that `evtx_dump` writes.

The standard library's expat, with every declaration of a document type refused: no entity is ever
defined, so none can expand or point outside.
"""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

import msgspec

_ENCODE = msgspec.json.Encoder().encode
_DEEPEST = 12
_MOST = 500  # elements of one event


class _Refused(ValueError):
    """XML that no Windows wrote."""


class _Event:
    """Builds {"Event": {…}} from expat's calls: attributes below "#attributes", named data by name."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self.open: list[tuple[str, dict[str, Any]]] = [("", self.root)]
        self.text: list[str] = []
        self.elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > _MOST or len(self.open) > _DEEPEST:
            raise _Refused("too much in one event")
        given = {key: value for key, value in attributes.items() if not key.startswith("xmlns")}
        self.open.append((name, {"#attributes": given} if given else {}))
        self.text = []

    def end(self, name: str) -> None:
        _, element = self.open.pop()
        above = self.open[-1][1]
        text = "".join(self.text).strip()
        self.text = []
        if name == "Data" and "Name" in element.get("#attributes", {}):
            above[element["#attributes"]["Name"]] = text
        elif not element:
            known = above.get(name)
            above[name] = f"{known} {text}" if isinstance(known, str) else text
        else:
            if text:
                element["#text"] = text
            above[name] = element

    def data(self, text: str) -> None:
        self.text.append(text)


def to_json(line: str) -> str | None:
    """One event as JSON; None of what is no well-formed Windows event."""
    begin, end = line.find("<Event"), line.rfind("</Event>")
    if begin < 0 or end < begin:
        return None
    event = _Event()
    parser = expat.ParserCreate()
    parser.StartElementHandler = event.start
    parser.EndElementHandler = event.end
    parser.CharacterDataHandler = event.data
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(line[begin : end + len("</Event>")], True)
    except (expat.ExpatError, _Refused, UnicodeEncodeError):
        return None
    return _ENCODE(event.root).decode()


def _refuse(*_: object) -> None:
    raise _Refused("a document type")
