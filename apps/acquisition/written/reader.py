"""A parser made of a checked definition: whole batches at a time, in time linear in their length."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from apps.acquisition.frames import INSTANT, SCHEMA, believable, instants, integers, local
from apps.acquisition.parsers import _json, _labels, _rows, _syslog
from apps.acquisition.parsing import Context, Parsed, share

LONGEST_LINE = 20_000
"""Bytes of a line that is looked at: what a pattern costs grows with it."""
SLICE = 32 * 1024
"""Bytes of lines that a pattern reads before it is asked what it took."""
PATIENCE, DUE = 2.0, 1e-6
"""Seconds of a processor that a pattern may take for the lines of a batch, and for each byte of
them besides: some twenty times what an honest one takes."""
RESERVED = frozenset(
    (
        *("@timestamp", "event.sequence", "event.dataset", "event.category", "event.original"),
        *("error.message", "labels", "tocsin.features", "file.content"),
    )
)
"""Columns that are made otherwise, or that nobody but us may write."""
COLUMNS = frozenset(SCHEMA) - RESERVED
log = logging.getLogger(__name__)
_ZONED = "%z", "%:z", "%#z", "%Z"


@dataclass(frozen=True, slots=True)
class Time:
    """Where the time of a record stands and how it is written."""

    source: str = ""
    formats: tuple[str, ...] = ()
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A column made of another value: `source` names it, `values` say what becomes of it."""

    source: str
    values: Mapping[str, str]
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A parser that a user wrote. Exactly one of `pattern` and `keys` says how it reads a line."""

    name: str
    dataset: str
    category: str
    generality: int
    description: str = ""
    programs: tuple[str, ...] = ()
    pattern: str = ""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # column → JSON keys
    when: Mapping[str, str] = field(default_factory=dict)
    has: tuple[str, ...] = ()
    time: Time = Time()
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Table] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    home: str = "written"  # one thread for all of them, however many are tried

    def sniff(self, lines: pl.Series) -> float:
        return share(self._parse(lines, Context()).frame["event.dataset"].is_not_null())

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        parsed = self._parse(lines, context)
        for note in parsed.notes:
            log.warning("%s", note)
        return parsed

    def _parse(self, lines: pl.Series, context: Context) -> Parsed:
        try:
            return self._read(lines, context)
        except pl.exceptions.PolarsError:  # it was tried on its examples, but never knows
            return Parsed.of(_rows.placed(lines.len()))

    def _read(self, lines: pl.Series, context: Context) -> Parsed:
        height = lines.len()
        rows = (lines.str.len_bytes() <= LONGEST_LINE).fill_null(False).arg_true()
        short = lines if rows.len() == height else lines.gather(rows)
        head = None
        if self.programs:
            head = _syslog.split(short, context.received)
            wrote = head["program"].is_in(list(self.programs)).fill_null(False)
            rows, head = rows.filter(wrote), head.filter(wrote)
            short = head["message"].fill_null("")
        mine, said, reached = self._said(short)
        notes = () if reached == short.len() else (self._too_slow(short.len() - reached),)
        if not mine.len():
            return replace(Parsed.of(_rows.placed(height)), notes=notes)
        frame = self._records(said, context)
        if head is not None:
            told = _syslog.told(head.select(pl.all().gather(pl.lit(mine))))
            frame = frame.with_columns(
                frame[name].fill_null(told[name]) if name in frame.columns else told[name]
                for name in told.columns
            )
        placed = _rows.placed(height, frame.with_columns(rows.gather(mine).alias("_row")))
        return replace(Parsed.of(placed), notes=notes)

    def _too_slow(self, left: int) -> str:
        return (
            f"The parser {self.name} was too slow: it did not look at {left} lines, "
            "which were left to the other parsers. Make its pattern simpler."
        )

    def _matched(self, lines: pl.Series) -> tuple[pl.Series, pl.DataFrame, int]:
        """The lines that the pattern takes, its groups in them, and how many lines it looked at
        before it had taken more time than it may."""
        mine, found, spent, size, reached = [], [], 0.0, 0, 0
        for start, end, grown in _slices(lines):
            if spent > PATIENCE + DUE * size:
                break
            began = time.thread_time()
            part = lines.slice(start, end - start)
            taken = part.str.contains(self.pattern).fill_null(False).arg_true()
            found.append(part.gather(taken).str.extract_groups(self.pattern).struct.unnest())
            mine.append(taken + start)
            spent += time.thread_time() - began
            size, reached = grown, end
        return pl.concat(mine), pl.concat(found), reached

    def _said(self, lines: pl.Series) -> tuple[pl.Series, dict[str, pl.Series], int]:
        """The lines that are its own, what they say by name (columns, or words of their own), and
        how many lines it looked at."""
        if self.pattern:
            mine, found, reached = self._matched(lines)
            return mine, {name: _worded(found[name]) for name in found.columns}, reached
        documents = _json.read(lines)
        ours = documents.known
        for key, value in self.when.items():
            ours &= (documents.text(key) == value).fill_null(False)
        for key in self.has:  # an object is there where something in it is
            there = pl.Series([False], dtype=pl.Boolean).new_from_index(0, lines.len())
            for path in documents.cells:
                if path == key or path.startswith(f"{key}."):
                    there |= documents.has(path)
            ours &= there
        mine = ours.arg_true()
        said = {
            name: _worded(documents.text(*keys).gather(mine)) for name, keys in self.keys.items()
        }
        if self.time.source and self.time.source not in said:
            said[self.time.source] = documents.text(self.time.source).gather(mine)
        for table in self.values.values():
            if table.source not in said:
                said[table.source] = documents.text(table.source).gather(mine)
        return mine, said, lines.len()

    def _records(self, said: dict[str, pl.Series], context: Context) -> pl.DataFrame:
        height = next(iter(said.values())).len()
        columns: dict[str, pl.Series | str] = {**self.constants}
        columns |= {name: column for name, column in said.items() if name in COLUMNS}
        for name, table in self.values.items():
            columns[name] = said[table.source].replace_strict(
                table.values, default=table.default, return_dtype=pl.String
            )
        used = {self.time.source, *(table.source for table in self.values.values())}
        rest = [name for name in said if name not in COLUMNS and name not in used]
        frame = pl.DataFrame(
            [_typed(name, value, height) for name, value in columns.items()]
            + [pl.Series("_row", [0], dtype=pl.UInt32).new_from_index(0, height)]
        )
        return frame.with_columns(
            self._times(said, context, height).alias("@timestamp"),
            pl.lit(self.dataset).alias("event.dataset"),
            pl.lit(self.category).alias("event.category"),
            _labels.of(pl.DataFrame({name: said[name] for name in rest}))
            if rest
            else pl.lit(None, dtype=pl.String).alias("labels"),
        )

    def _times(self, said: Mapping[str, pl.Series], context: Context, height: int) -> pl.Series:
        nothing = pl.Series([None], dtype=INSTANT).new_from_index(0, height)
        if not self.time.source:
            return nothing
        texts = said[self.time.source]
        for form in self.time.formats:
            if nothing.null_count() == texts.null_count():
                break
            nothing = nothing.fill_null(read_times(texts, form, self.time.zone, context))
        return nothing


def _slices(lines: pl.Series) -> Iterator[tuple[int, int, int]]:
    """Where parts of about `SLICE` bytes begin and end, and the bytes up to there; at least one."""
    sizes = lines.str.len_bytes().fill_null(0).cast(pl.Int64).to_numpy()
    grown = np.cumsum(sizes + 1)
    edges = np.flatnonzero(np.diff(grown // SLICE)) + 1
    start = 0
    for end in (*edges.tolist(), lines.len()):
        yield start, end, int(grown[end - 1]) if end else 0
        start = end


def read_times(texts: pl.Series, form: str, zone: str, context: Context) -> pl.Series:
    """Texts of one format as times; null where they are none. Raises PolarsError for no format."""
    match form:
        case "iso8601":
            told = texts.str.contains(r"(?:[Zz]|[+-]\d\d:?\d\d)\s*$") | ~texts.str.contains("-")
            read = instants(texts)
            return read.zip_with(told.fill_null(True), _local(read, zone, context))
        case "epoch":
            return believable(instants(texts.set(~texts.str.contains(r"^[\d.]+$"), None)))
        case "syslog":
            found = texts.str.extract_groups(
                r"^(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d)"
            ).struct.unnest()
            received = context.received.astimezone(UTC)
            when = _syslog.with_year(found["month"], found["day"], found["clock"], received)
            return _local(when, zone, context)
    if any(mark in form for mark in _ZONED):
        return believable(
            texts.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
        )
    read = texts.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
    return _local(believable(read), zone, context)


def _local(times: pl.Series, zone: str, context: Context) -> pl.Series:
    """Times read as UTC that are those of a zone; without one, of the source's."""
    received = context.received.astimezone(ZoneInfo(zone)) if zone else context.received
    return local(times, received)


def _worded(texts: pl.Series) -> pl.Series:
    """Texts without the words for nothing."""
    return texts.set(texts.is_in(["-", ""]).fill_null(False), None)


def _typed(name: str, value: pl.Series | str, height: int) -> pl.Series:
    """A column of a record, of the type that it has."""
    if not isinstance(value, pl.Series):
        value = pl.Series([value], dtype=pl.String).new_from_index(0, height)
    if SCHEMA[name] == pl.Int64:
        value = integers(value)
    return value.alias(name)


def written_of(content: Mapping[str, Any], pattern: str) -> Written:
    """The parser of a definition that fits the schema; `pattern` is its regular expression."""
    json = content.get("json", {})
    lines = [example["line"] for example in content["examples"]]
    time = content.get("time", {})
    return Written(
        name=content["name"],
        dataset=content["dataset"],
        category=content["category"],
        generality=9 if content.get("order") == "last" else -1,
        description=content.get("description", ""),
        programs=_several(content.get("syslog", ())),
        pattern=pattern,
        keys={name: _several(keys) for name, keys in json.get("fields", {}).items()},
        when=json.get("when", {}),
        has=_several(json.get("has", ())),
        time=Time(time.get("from", "time"), _several(time["formats"]), time.get("zone", ""))
        if time
        else Time(),
        examples=tuple(line for line in lines if "\n" not in line),
        constants=content.get("constants", {}),
        values={
            name: Table(table["from"], table["map"], table.get("default"))
            for name, table in content.get("values", {}).items()
        },
    )


def _several(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
