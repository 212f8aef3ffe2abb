"""What becomes of a line: which parser reads it, how sure it is, and which tools then look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from apps.acquisition import frames, plain_text
from apps.acquisition.parsing import Choice, Context, Parser, parse_lines, parsers
from apps.acquisition.written.store import of_home
from apps.contracts import UNPARSED
from apps.detection import run

MOST_LINES = 200
LONGEST_TEXT = 256 * 1024
"""What is looked at in one go; the rest is left out."""
_HIDDEN = {"event.original", "event.sequence", "tocsin.features", "file.content"}


@dataclass(frozen=True, slots=True)
class Line:
    """Attributes:
    parser: who read it; empty where nobody did.
    is_structure: it describes other lines (a header) and is no record.
    others: parsers that would have read it too, had they been asked first.
    fields: column → what the record says there.
    tools: those that look at such a record.
    """

    text: str
    parser: str
    is_structure: bool
    others: tuple[str, ...]
    fields: dict[str, Any]
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    lines: tuple[Line, ...]
    choices: tuple[Choice, ...]
    left_out: int  # lines that were too many


def explain(
    text: str,
    *,
    received: datetime,
    written: Sequence[Parser] = (),
    file_name: str = "",
    host_name: str = "",
    zone: str = "",
    proxies: Sequence[str] = (),
) -> Explanation:
    """Reads `text` line by line as a batch of it would be read; nothing is kept."""
    told = [line.removesuffix("\r") for line in text[:LONGEST_TEXT].split("\n")]
    told = [line for line in told if line.strip()]
    lines = pl.Series(told[:MOST_LINES], dtype=pl.String)
    received = received.astimezone(ZoneInfo(zone)) if zone else received
    context = Context(received, host_name, file_name, tuple(written), tuple(proxies))
    parsed = parse_lines(lines, context)
    frame = frames.conform(parsed.frame)
    frame = frame.with_columns(
        pl.col("event.dataset").fill_null(UNPARSED), pl.col("event.category").fill_null(UNPARSED)
    )
    looks = run.lookers(frame)
    able = _able(lines, context)
    names = [choice.parser for choice in parsed.choices]
    explained = []
    for row, record in enumerate(frame.iter_rows(named=True)):
        at, is_structure = parsed.chosen[row], parsed.structure[row]
        parser = "" if at is None else names[at]
        explained.append(
            Line(
                text=lines[row],
                parser=parser,
                is_structure=is_structure,
                others=tuple(name for name in able if row in able[name] and name != parser),
                fields={} if at is None or is_structure else _said(record),
                tools=() if is_structure else tuple(n for n, mask in looks.items() if mask[row]),
            )
        )
    return Explanation(tuple(explained), parsed.choices, max(0, len(told) - MOST_LINES))


def explain_text(content: bytes, *, file_name: str = "") -> Explanation:
    """What the terminal asks: bytes of a file, read with the parsers of this home."""
    text = plain_text.utf8(content).decode("utf-8", "replace")
    if len(content) >= LONGEST_TEXT:  # the last line is cut
        text = text.rpartition("\n")[0] or text
    return explain(text, received=datetime.now(UTC), written=of_home().parsers, file_name=file_name)


def _able(lines: pl.Series, context: Context) -> dict[str, set[int]]:
    """Parser → the rows that it reads where it is asked alone."""
    able = {}
    for parser in (*context.written, *parsers().values()):
        dataset = parser.parse(lines, context).frame["event.dataset"]
        able[parser.name] = set(dataset.is_not_null().arg_true().to_list())
    return able


def _said(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in record.items() if value is not None and name not in _HIDDEN
    }
