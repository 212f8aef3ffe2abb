"""From the text of a YAML file to a parser that keeps what its examples promise."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from apps.acquisition.frames import SCHEMA, conform, instants
from apps.acquisition.parsing import Context
from apps.acquisition.written import grok
from apps.acquisition.written.document import Document, read
from apps.acquisition.written.reader import (
    COLUMNS,
    LONGEST_LINE,
    Written,
    read_times,
    written_of,
)

EXAMPLES_CAME = datetime(2026, 7, 1, 12, tzinfo=UTC)
"""When the examples are taken to have come: it gives a year to times without one."""
SLOWEST = 0.5
"""Seconds of a processor that a pattern may take for one line of the longest."""
MOST_TIMES = 1000
"""The highest count of a repetition: what a pattern costs grows with it."""
_COUNT = re.compile(r"\\[xuUpP]\{[^}]*\}|\\.|\{\s*(\d*)\s*(?:,\s*(\d*)\s*)?\}", re.DOTALL)
_LITERAL = re.compile(r"\^?((?:[^\\.^$|?*+()\[\]{}]|\\\W)*)")
_ANY = ("what?", "0", "a b c d e f g h", "{}", "x=1", "[info] started", "#")
"""Lines of nobody: a parser that reads one of them reads all."""


def load(text: str, name: str) -> Written:
    """Raises `Broken`: one line that names the file, the line in it and the key."""
    document = read(text, name)
    parser = written_of(document.content, _pattern(document))
    _names(document, parser)
    _time(document, parser)
    _bounded(document, parser)
    _examples(document, parser)
    return parser


def _pattern(document: Document) -> str:
    """The regular expression, which the engine takes."""
    if "json" in document.content:
        return ""
    key = "grok" if "grok" in document.content else "pattern"
    pattern: str = document.content[key]
    if key == "grok":
        try:
            pattern = grok.expanded(pattern)
        except ValueError as error:
            raise document.wrong(str(error), key) from error
    for found in _COUNT.finditer(pattern):
        if any(int(count or 0) > MOST_TIMES for count in (found[1], found[2])):
            raise document.wrong(f"{found[0]} counts beyond {MOST_TIMES}", key)
    try:
        groups = pl.Series([""]).str.extract_groups(pattern).struct.fields
    except pl.exceptions.PolarsError as error:
        raise document.wrong(_told(error), key) from error
    if not any(not group.isdigit() for group in groups):
        raise document.wrong("it has no named group: name one, as in (?P<source.ip>…)", key)
    return pattern


def _told(error: Exception) -> str:
    """What the engine says, without the pattern and the arrow."""
    text = str(error)
    if "look-around" in text:
        return "lookaround and backreferences are not taken: they can take forever"
    if "size limit" in text:
        return "it is too large when compiled: use smaller counts of repetition"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("error:")), lines[0] if lines else text)
    return f"no regular expression: {said.removeprefix('error:').strip()[:200]}"


def _known(parser: Written) -> set[str]:
    """The names by which a parser knows what a line says."""
    if parser.pattern:
        fields = pl.Series([""]).str.extract_groups(parser.pattern).struct.fields
        return {name for name in fields if not name.isdigit()}
    return set(parser.keys)


def _names(document: Document, parser: Written) -> None:
    content = document.content
    json = "json" in content
    place = ("json", "fields") if json else ("grok" if "grok" in content else "pattern",)
    for name in _known(parser):
        # a dot is the mark of a column: another word of one's own has none
        if name not in COLUMNS and ("." in name or name.startswith("@")):
            raise document.wrong(f"{name} is no column that a parser may fill", *place)
    for key in ("constants", "values"):
        for name in content.get(key, {}):
            if name not in COLUMNS:
                raise document.wrong(f"{name} is no column that a parser may fill", key, name)
    if json:
        return
    for name, table in content.get("values", {}).items():
        if table["from"] not in _known(parser):
            raise document.wrong(f"no group is called {table['from']}", "values", name, "from")
    if "time" in content and parser.time.source not in _known(parser):
        raise document.wrong(f"no group is called {parser.time.source}", "time")


def _time(document: Document, parser: Written) -> None:
    if not parser.time.source:
        return
    zone = parser.time.zone
    try:
        if zone:
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise document.wrong(
            f"there is no zone called {zone!r}: Europe/Berlin is one", "time", "zone"
        ) from error
    probe = pl.Series(["2026-07-01 09:58:49"])
    for form in parser.time.formats:
        try:
            read_times(probe, form, zone, Context(EXAMPLES_CAME))
        except pl.exceptions.PolarsError as error:
            said = str(error).splitlines()[0][:200]
            raise document.wrong(f"{form!r} is no format: {said}", "time", "formats") from error


def _bounded(document: Document, parser: Written) -> None:
    """A pattern that is slow, or that takes anything, is refused."""
    key = (
        "json"
        if "json" in document.content
        else "grok"
        if "grok" in document.content
        else "pattern"
    )
    if parser.pattern:
        lines = [example["line"] for example in document.content["examples"][:5]]
        spent = 0.0
        for line in dict.fromkeys(_long(lines, parser.pattern)):
            took = _seconds(parser, line)
            if took > SLOWEST:  # once more: the machine may have been busy
                took = min(took, _seconds(parser, line))
            spent += took
            if took > SLOWEST or spent > 4 * SLOWEST:
                raise document.wrong("it takes too long on a long line: make it simpler", key)
    if parser.generality < 0 and not parser.programs:
        taken = parser.parse(pl.Series(_ANY), Context(EXAMPLES_CAME)).frame["event.dataset"]
        if taken.null_count() < len(_ANY):
            raise document.wrong(
                "it reads lines of any kind, and nobody else would get any: say more, "
                "or give `order: last`",
                key,
            )


def _long(examples: list[str], pattern: str) -> Iterator[str]:
    """Lines of the longest that are looked at: examples repeated, and beginnings that the pattern
    takes with long runs behind them, which it may follow to the end."""
    literal = _LITERAL.match(pattern)
    heads = ["", re.sub(r"\\(\W)", r"\1", literal[1]) if literal else ""]
    for line in examples:
        yield (line * (LONGEST_LINE // len(line) + 1))[:LONGEST_LINE]
        heads += (line[:1], line[:8], line)
    lasts = {line[-1] for line in examples}
    for head in dict.fromkeys(heads):
        for run in dict.fromkeys(("x", "0", " ", "1.", *sorted(lasts))):
            yield (head + run * LONGEST_LINE)[:LONGEST_LINE]


def _seconds(parser: Written, line: str) -> float:
    start = time.thread_time()
    pl.Series([line]).str.extract_groups(parser.pattern)
    return time.thread_time() - start


def _examples(document: Document, parser: Written) -> None:
    examples = document.content["examples"]
    lines = pl.Series([example["line"] for example in examples], dtype=pl.String)
    parsed = parser.parse(lines, Context(EXAMPLES_CAME))
    rows = conform(parsed.frame).to_dicts()
    for place, (example, row) in enumerate(zip(examples, rows, strict=True)):
        is_read = row["event.dataset"] is not None
        if example.get("unread"):
            if is_read:
                raise document.wrong("the parser reads this line", "examples", place, "line")
            continue
        if not is_read:
            raise document.wrong("the parser does not read this line", "examples", place, "line")
        _compare(document, place, example["fields"], row)


def _compare(
    document: Document, place: int, fields: Mapping[str, str], row: Mapping[str, object]
) -> None:
    for name, expected in fields.items():
        if name not in SCHEMA:
            raise document.wrong(f"{name} is no column", "examples", place, "fields", name)
        found = row[name]
        if isinstance(found, datetime):
            wanted = instants(pl.Series([expected]))[0]
            same = wanted == found
        else:
            same = found is not None and str(found) == expected
        if not same:
            shown = found.isoformat() if isinstance(found, datetime) else found
            said = "says nothing there" if shown is None else f"reads {shown!r}"
            raise document.wrong(
                f"should be {expected!r}, the parser {said}", "examples", place, "fields", name
            )
