"""Lines gone wrong: a seeded mutator of real ones, and the long lines that make bad patterns slow."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

LONG = 60_000
"""Characters of a run in a line that is meant to be slow."""
RUNS = (
    *("[", "(", "{", "<", '"', "'", "\\", '\\"', "=", "a=", "|", ",", ";", ":", ".", "-", "%", "/"),
    *(" ", "\t", "0", "9", "a", "a ", '="', "[[]", "{}", "\\x", "%25", ", ", ": ", "1.", "é", "\0"),
    *('{"a":', '["', "<a>", "[pid 1] ", "user=", "for x from 1 port ", "from ", "T", "::"),
)
"""What is repeated: brackets, quotes, escapes, marks of formats, and words that patterns look for."""
_PIECES = (
    *RUNS,
    *("-1", "1e999", "99999999999999999999", "0x", "NaN", "null", "true", "\x1d", "\x1e", "\x1f"),
    *("\ufeff", "\u202e", "\ud7ff", "\U0001f514", "255.255.255.256", "::ffff:1.2.3.4", "fe80::1%eth0"),
    *("Feb 30 25:61:61 ", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999999999+99:99", "<999>"),
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 2**64, 1e308, "", " ", "\0", "\u202e", [], {}, [[]], [None], {"": ""}),
    *("x" * 3000, [1, "a", None], {"a": {"b": {"c": []}}}, "1970-01-01T00:00:00Z", "::1", 0),
)


def mutations(lines: Sequence[str], seed: int) -> Iterator[str]:
    """Endlessly many lines made of `lines`; the same for the same seed."""
    dice = random.Random(seed)
    kinds: tuple[Callable[[random.Random, str, Sequence[str]], str], ...] = (
        *(_cut, _splice, _sprinkle, _repeat, _digits, _shuffle, _document),
    )
    while True:
        line = dice.choice(lines)
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            line = dice.choice(kinds)(dice, line, lines)
        yield line.replace("\n", " ").replace("\r", " ")[:20_000]


def slow_lines(lines: Sequence[str], seed: int) -> Iterator[str]:
    """For each line and each run: the run at a chance place, or instead of all that follows."""
    dice = random.Random(seed)
    for line in lines:
        for run in RUNS:
            at = dice.randrange(len(line) + 1)
            rest = line[at:] if dice.random() < 0.5 else ""
            yield line[:at] + (run * LONG)[:LONG] + rest


def _cut(dice: random.Random, line: str, _lines: Sequence[str]) -> str:
    at, until = sorted(dice.randrange(len(line) + 1) for _ in range(2))
    return dice.choice((line[:at], line[until:], line[:at] + line[until:]))


def _splice(dice: random.Random, line: str, lines: Sequence[str]) -> str:
    other = dice.choice(lines)
    return line[: dice.randrange(len(line) + 1)] + other[dice.randrange(len(other) + 1) :]


def _sprinkle(dice: random.Random, line: str, _lines: Sequence[str]) -> str:
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(line) + 1)
        line = line[:at] + dice.choice(_PIECES) + line[at + dice.randint(0, 3) :]
    return line


def _repeat(dice: random.Random, line: str, _lines: Sequence[str]) -> str:
    at = dice.randrange(len(line) + 1)
    part = line[at : at + dice.randint(1, 12)]
    return line[:at] + part * dice.choice((2, 5, 40, 300)) + line[at:]


def _digits(dice: random.Random, line: str, _lines: Sequence[str]) -> str:
    return "".join(
        dice.choice("0123456789-. ") if each.isdigit() and dice.random() < 0.2 else each
        for each in line
    )


def _shuffle(dice: random.Random, line: str, _lines: Sequence[str]) -> str:
    mark = dice.choice((" ", ",", "=", "\t", '"', ":"))
    parts = line.split(mark)
    dice.shuffle(parts)
    return mark.join(parts)


def _document(dice: random.Random, line: str, lines: Sequence[str]) -> str:
    """A JSON document with one of its values replaced; other lines are sprinkled."""
    try:
        document = json.loads(line)
    except ValueError:
        return _sprinkle(dice, line, lines)
    if not isinstance(document, dict) or not document:
        return line
    inner = document
    while True:
        key = dice.choice(list(inner))
        if isinstance(inner[key], dict) and inner[key] and dice.random() < 0.7:
            inner = inner[key]
            continue
        inner[dice.choice((key, key, f"{key}.{key}", ""))] = dice.choice(_VALUES)
        return json.dumps(document, ensure_ascii=dice.random() < 0.5)
