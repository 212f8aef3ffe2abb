"""The contract of parsers, and the chooser that finds the right one for each line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol, TypeVar

import numpy as np
import polars as pl

from apps import plugins
from apps.contracts import UNPARSED

_SAMPLE = 400
_MOST_HEADERS = 100
_DEEPEST = 3
LONGEST_HEADER = 20_000
"""Bytes of a line that is looked at as a header."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about lines besides themselves.

    `received` gives a year to times that carry none, and by the zone it is in a zone to those that
    carry none; `proxies` are addresses and networks that tell the truth about whom they forward
    (`parsers._http.through_proxies`); `inside` says in how many documents these lines were found,
    one in the other; `host_name` is the host that observed the
    lines unless they name one. `written` are the parsers of users, asked beside our own. `ours`
    says that our own collectors saw this: nobody else may speak in their name.
    """

    received: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    host_name: str = ""
    file_name: str = ""
    written: tuple[Parser, ...] = ()
    proxies: tuple[str, ...] = ()
    inside: int = 0
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A parser that read some of the lines, and how sure it was of them before it did.

    `sniff` is its own word on a sample, from 0 to 1; `lines` are those it read, headers too.
    """

    parser: str
    sniff: float
    lines: int


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """What a parser made of N lines.

    Attributes:
        frame: N rows with columns of `contracts.RECORD_COLUMNS`; `event.dataset` is null where
            the line was not understood, and only there.
        structure: bool[N], lines that describe others (headers, comments) and are no records.
        choices: of several parsers those that read something, in the order they were tried.
        chosen: int[N], the place in `choices` of who read a line; null where nobody did.
        notes: sentences about the reading as a whole.
    """

    frame: pl.DataFrame
    structure: pl.Series
    choices: tuple[Choice, ...] = ()
    chosen: pl.Series = field(default_factory=lambda: pl.Series([], dtype=pl.UInt8))
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, frame: pl.DataFrame, structure: pl.Series | None = None) -> Parsed:
        if structure is None:
            structure = pl.Series([False], dtype=pl.Boolean).new_from_index(0, frame.height)
        return cls(frame, structure)

    @classmethod
    def none(cls, lines: pl.Series) -> Parsed:
        """None of the lines was understood."""
        nothing = pl.Series("event.dataset", [None], dtype=pl.String)
        return cls.of(nothing.new_from_index(0, lines.len()).to_frame())


class Parser(Protocol):
    """Lines → records. Pure, and never raises, whatever the lines hold.

    A parser whose format takes in the lines of others (any JSON document, any syslog line) says
    so by `generality`, an integer above 0: the more general, the later it is asked.
    """

    @property
    def name(self) -> str: ...

    def sniff(self, lines: pl.Series) -> float:
        """How sure it is, from 0 to 1, that these lines are its own."""

    def parse(self, lines: pl.Series, context: Context, /) -> Parsed:
        """Lines without line ends and nulls, in their order."""


@cache
def parsers() -> Mapping[str, Parser]:
    """Name → parser: ours and the installed ones."""
    return plugins.gather("apps.acquisition.parsers", "PARSER")


T = TypeVar("T")
_homes: dict[tuple[int, str], ThreadPoolExecutor] = {}
_depth: ContextVar[int] = ContextVar("_depth", default=0)


def at_home(parser: Parser, work: Callable[..., T], *words: Any) -> T:
    """`work(*words)`, done in the parser's own thread.

    Polars keeps 32 compiled patterns a thread, and the parsers have over two hundred: in one
    thread each would be compiled anew for every batch, which costs more than reading it. Lines
    in lines have threads of their own, so that nobody ever waits for itself.
    """
    place = (_depth.get(), getattr(parser, "home", parser.name))
    home = _homes.get(place)
    if home is None:
        home = _homes.setdefault(place, ThreadPoolExecutor(1, f"parser-{parser.name}"))
    context = copy_context()
    context.run(_depth.set, place[0] + 1)
    return home.submit(context.run, work, *words).result()


def parse_inside(lines: pl.Series, context: Context, *, without: Collection[str]) -> Parsed:
    """What all parsers make of lines that stood in documents; beyond `_DEEPEST`, nothing."""
    if context.inside >= _DEEPEST:
        return Parsed.none(lines)
    return parse_lines(lines, replace(context, inside=context.inside + 1), without=without)


def below_headers(height: int, headers: Mapping[int, str]) -> Iterator[tuple[str, pl.Series]]:
    """Tables whose rows stand below their headers, in a batch of `height` lines.

    `headers` are the rows that are headers, in ascending order, with their texts. Yields each
    distinct header with the rows below any of its repetitions; of endlessly many different
    headers, which no real file has, only the first ones.
    """
    at = np.array(list(headers), dtype=np.int64)
    texts = list(headers.values())
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    which = np.array([numbers[text] for text in texts], dtype=np.int64)
    row = np.arange(height)
    above = np.searchsorted(at, row, side="right") - 1
    owner = np.where((above >= 0) & ~np.isin(row, at), which[above], -1)
    for text, number in list(numbers.items())[:_MOST_HEADERS]:
        yield text, pl.Series(np.flatnonzero(owner == number), dtype=pl.UInt32)


def share(mask: pl.Series) -> float:
    """The part of a mask that is true, from 0 to 1; 0 of an empty one."""
    return int(mask.sum()) / max(mask.len(), 1)


def parse_lines(
    lines: pl.Series,
    context: Context,
    *,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
) -> Parsed:
    """Let the parsers read `lines`, the surest first; each gets what those before left over.

    So a batch of one format is read in one go, and in a mixed one every line finds its parser.
    """
    able = [
        parser
        for parser in (*context.written, *parsers().values())
        if parser.name not in without and (only is None or parser.name in only)
    ]
    frames: list[pl.DataFrame] = []
    choices: list[Choice] = []
    notes: list[str] = []
    rows = pl.Series(range(lines.len()), dtype=pl.UInt32)
    structure = pl.Series([False], dtype=pl.Boolean).new_from_index(0, lines.len())
    chosen = pl.Series([None], dtype=pl.UInt8).new_from_index(0, lines.len())
    for parser, sniff in _surest_first(able, lines):
        if not rows.len():
            break
        parsed = at_home(parser, parser.parse, lines.gather(rows), context)
        notes += parsed.notes
        done = parsed.frame["event.dataset"].is_not_null()
        read = done | parsed.structure
        if not read.any():
            continue
        frames.append(parsed.frame.filter(done).with_columns(rows.filter(done).alias("_row")))
        structure = structure.scatter(rows.filter(parsed.structure), True)
        known = read & (parsed.frame["event.dataset"] != UNPARSED).fill_null(True)
        if known.any():  # of a document that says nothing, nobody says that it was read
            chosen = chosen.scatter(rows.filter(known), len(choices))
            choices.append(Choice(parser.name, sniff, int(known.sum())))
        rows = rows.filter(~read)
    frames.append(pl.DataFrame({"_row": rows, "event.dataset": [None] * rows.len()}))
    silent = structure.arg_true().cast(pl.UInt32)
    frames.append(pl.DataFrame({"_row": silent, "event.dataset": [None] * silent.len()}))
    together = pl.concat(frames, how="diagonal_relaxed").sort("_row").drop("_row")
    return Parsed(together, structure, tuple(choices), chosen, tuple(notes))


def _surest_first(able: Collection[Parser], lines: pl.Series) -> list[tuple[Parser, float]]:
    """Parsers and what they say of a sample of `lines`, in the order they are to be asked.

    Specific ones come before general ones, whatever these say: a format that is rare in the batch
    is missed by the sample, and must not be read by a parser that takes anything.
    """
    sample = lines.gather_every(max(1, lines.len() // _SAMPLE)).head(_SAMPLE)
    head = pl.concat([lines.head(20), sample])  # headers stand at the top
    sure = [(parser, at_home(parser, parser.sniff, head)) for parser in able]
    return sorted(sure, key=lambda each: (getattr(each[0], "generality", 0), -each[1]))
