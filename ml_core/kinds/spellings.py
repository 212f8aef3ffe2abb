"""The spellings that sequences come in, brought to lists of names.

Sources separate names by blanks, commas, semicolons or line breaks, write a JSON list (of names, or
of records that hold one), or log calls with what they were given and gave back, as strace does.
"""

from __future__ import annotations

import json
import re

_RECORD = ("api", "call", "syscall", "name", "function", "event_id", "event", "id")
_OTHER = re.compile(r"[,;|\[\]\n\"']|->")  # where blanks are not all there is between names
_BETWEEN = re.compile(r"(?:\s|[,;|\[\]\"']|->)+")
_STRING = r'"(?:\\.|[^"\\\n])*"?'  # one that is never closed ends with its line
# a name takes the bracket behind it along, and is given back without one: looking ahead from every
# letter would cost the square of a name's length
_CALLED = re.compile(rf"{_STRING}|[A-Za-z_][\w.:]*+\(?|[()\n]")


def listed(text: str) -> list[str] | None:
    """The names of a JSON list; None if the text is none."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [name for item in items if (name := _name(item))]


def names(text: str) -> list[str]:
    """The names of a sequence in order, however they are separated."""
    if not _OTHER.search(text):
        return text.split()
    found = listed(text)
    if found is not None:
        return ["_".join(name.split()) for name in found]
    return [name for name in _BETWEEN.split(text) if name]


def called(text: str) -> list[str]:
    """Likewise of calls, without arguments, results, times and process numbers.

    Where any name is directly followed by an opening bracket, only such names are calls, and only
    outside of other calls' brackets; a line break ends what is left open.
    """
    if "(" not in text:
        return names(text)
    items = listed(text)
    found, depth = list[str](), 0
    for part in _CALLED.findall(text if items is None else "\n".join(items)):
        if part == ")":
            depth = max(depth - 1, 0)
        elif part == "\n":
            depth = 0
        elif part[0] != '"' and part[-1] == "(":
            if depth == 0 and part != "(":
                found.append(part[:-1])
            depth += 1
    return found or names(text)


def _name(item: object) -> str:
    if isinstance(item, dict):
        item = next((item[key] for key in _RECORD if key in item), "")
    return str(item).strip() if isinstance(item, str | int) else ""
