"""Data files as tables of rows, whatever their form, read a batch at a time.

Parquet and Arrow files are known by their first bytes; of text files the first lines tell whether
they are Zeek logs, JSON, records of KDD or UNSW-NB15 without a header, ARFF, or separated values. Text may be
compressed (gzip, zstandard, bzip2, xz), and UTF-16.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from lzma import LZMAError
from pathlib import Path

import polars as pl

from ml_core.errors import DataError
from ml_core.readers import loose

BATCH = 100_000  # rows read at a time

_UNREADABLE = (
    OSError,
    ValueError,
    LZMAError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)
_SIGNS = re.compile(r"[\W_]+")
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # no file of text begins like that
_ARRAY = re.compile(r"\[\s*(?:\{|\]|$)")
_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|\S+)", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*\d{1,3}(\.\d{1,3}){3}\s*")
_NO_SEPARATOR = "\x1f"  # of a file of one column, whose texts may hold commas
WORDS = (pl.String, pl.Categorical, pl.Enum, pl.Binary)  # types of columns that hold text
_NOTHING = ("", "-", "(empty)", "na", "n/a", "null", "none", "?")  # what stands for no number
_KDD_PROTOCOLS = {"tcp", "udp", "icmp"}


def plain(name: str) -> str:
    """A column name as all spellings of it share it: small letters and digits, nothing else.

    `Flow Byts/s`, `flow_byts_s`, `Flow.Byts.s` and `FlowBytsS` are one.
    """
    return _SIGNS.sub("", name).lower() or name.strip().lower()


def decoded(column: pl.Series) -> pl.Series:
    """Bytes as text; what is not UTF-8 is replaced."""
    texts = [None if value is None else value.decode("utf-8", "replace") for value in column]
    return pl.Series(column.name, texts, dtype=pl.String)


def shown(names: Sequence[str], most: int = 6) -> str:
    """Some names of columns, none longer than a word is, for a message."""
    some = ", ".join(n if len(n) <= 40 else f"{n[:40]}…" for n in names[:most])
    return f"{some}, …" if len(names) > most else some or "none"


@dataclass(frozen=True)
class Table:
    """One data file (or frame in memory), opened but not read.

    `number` and `text` give columns of `batches`: each is converted once, however many
    expressions read it.
    """

    name: str
    rows: pl.LazyFrame
    _converted: dict[str, pl.Expr] = field(default_factory=dict)
    _made: dict[str, pl.Expr] = field(default_factory=dict)
    unread: dict[str, pl.Expr] = field(default_factory=dict)  # by column: what is no number

    @classmethod
    def open(cls, source: Path | pl.DataFrame, lines: bool = False) -> Table:
        """DataError, in one line, for what cannot be read or has no columns.

        `lines`: a .txt file is a list of texts, one a line, in the column `text`.
        """
        if isinstance(source, pl.DataFrame):
            return cls("table", source.lazy())
        if source.is_dir():
            raise DataError(f"{source}: a folder, not a file; name the files in it")
        if source.exists() and not source.is_file():  # it is read more than once
            raise DataError(f"{source}: a pipe or device, not a file; keep it in one first")
        with _Readable(source):
            table = cls(str(source), _scan(source, lines))
            table.schema  # noqa: B018 (what cannot be opened shall say so here)
        return table

    @cached_property
    def schema(self) -> dict[str, pl.DataType]:
        return dict(self.rows.collect_schema())

    @cached_property
    def _names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for name in self.schema:
            names.setdefault(plain(name), name)
        return names

    def find(self, *spellings: str) -> str | None:
        """The file's own name of the first of these columns that it has."""
        return next((self._names[s] for s in map(plain, spellings) if s in self._names), None)

    def has(self, *columns: str) -> bool:
        """Whether all of these columns are there."""
        return all(self.find(column) is not None for column in columns)

    def number(self, *spellings: str) -> pl.Expr | None:
        """The first of these columns as numbers; null where it holds none.

        `unread` then tells of which rows it was text that says something else.
        """
        name = self.find(*spellings)
        if name is None:
            return None
        column = self._words(name)
        if self.schema[name] in WORDS:
            column = column.str.strip_chars()
            nothing = column.str.to_lowercase().is_in([*_NOTHING, name.strip().lower()])
            self.unread[name] = ~nothing & pl.col(f"{name} in numbers").is_null()
        elif self.schema[name].is_nested():
            self.unread[name] = pl.col(name).is_not_null()
        elif self.schema[name] == pl.Duration:
            column = (
                column.dt.total_microseconds() / 1e6
            )  # seconds, as formats with such columns say
        return self._once(f"{name} in numbers", column.cast(pl.Float64, strict=False))

    def text(self, *spellings: str) -> pl.Expr | None:
        """The first of these columns as text; null where it is empty, "-" or "(empty)"."""
        name = self.find(*spellings)
        if name is None:
            return None
        column = self._words(name).cast(pl.String).str.strip_chars()
        told = pl.when(~column.is_in(["", "-", "(empty)"])).then(column)
        return self._once(f"{name} in words", told)

    def once(self, name: str, made: pl.Expr) -> pl.Expr:
        """A column called `name`, made of others, for expressions that would repeat how."""
        self._made[name] = made.alias(name)
        return pl.col(name)

    def _words(self, name: str) -> pl.Expr:
        """A column as text where it holds words of any type, else as it is; lists say nothing."""
        column = pl.col(name)
        if self.schema[name].is_nested():
            return pl.lit(None, dtype=pl.String)
        if self.schema[name] == pl.Binary:
            return column.map_batches(decoded, pl.String, is_elementwise=True)
        return column.cast(pl.String) if self.schema[name] in WORDS else column

    def _once(self, name: str, column: pl.Expr) -> pl.Expr:
        self._converted[name] = column.alias(name)
        return pl.col(name)

    def count(self) -> int:
        """How many rows there are."""
        with _Readable(self.name):
            count = self.rows.select(pl.len()).collect(engine="streaming").item()
        return int(count)

    def batches(self, chosen: Sequence[pl.Expr], size: int = 0) -> Iterator[pl.DataFrame]:
        """The chosen expressions over all rows, in order, a batch (of `size`) at a time."""
        with _Readable(self.name):
            rows = self.rows.with_columns(self._converted.values())
            for made in self._made.values():
                rows = rows.with_columns(made)
            yield from rows.select(chosen).collect_batches(
                chunk_size=size or BATCH, maintain_order=True, lazy=True
            )


class _Readable:
    """Turns what the file library says into one line."""

    def __init__(self, name: Path | str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, _UNREADABLE) and not isinstance(error, DataError):
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise DataError(f"{self.name}: not readable: {said}") from error


def _scan(path: Path, lines: bool) -> pl.LazyFrame:
    with path.open("rb") as file:
        magic = file.read(6)
    if not magic:
        raise DataError(f"{path}: an empty file")
    if magic.startswith(b"PAR1"):
        return _flat(pl.scan_parquet(path, glob=False))
    if magic == b"ARROW1":
        return pl.scan_ipc(path, glob=False)
    if ".parquet" in path.suffixes:
        raise DataError(f"{path}: not readable: not a parquet file")
    source = loose.utf8(path)
    if lines and ".txt" in path.suffixes:
        return loose.lines(path, "text")
    head = list(loose.head(source, 20))
    first = next((line for line in head if line.strip()), "")
    if _BINARY.search(first):
        raise DataError(f"{path}: not a table: it begins with the bytes {magic.hex(' ')}")
    if first.startswith("{") and first.strip() != "{":
        file_now = path.stat()
        schema = _json_schema(path, file_now.st_mtime_ns, file_now.st_size)
        return _flat(pl.scan_ndjson(source, schema=schema, ignore_errors=True))
    if first.startswith("{") or _ARRAY.match(first):
        return _flat(pl.read_json(source, infer_schema_length=None).lazy())
    if any(line.startswith("#fields") for line in head):
        return _scan_zeek(source, next(line for line in head if line.startswith("#fields")))
    if first.lower().startswith("@relation"):
        return _scan_arff(source)
    separator = max(",\t;|", key=first.count)
    fields = first.split(separator)
    if columns := _columns(fields):
        return _scan_text(source, False, separator, '"', columns)
    separator = separator if separator in first else _NO_SEPARATOR
    file_now = path.stat()
    ends = "\r" in first.rstrip("\r")  # of lines, on old machines
    alone, now = separator == _NO_SEPARATOR, (file_now.st_mtime_ns, file_now.st_size)
    if not ends and loose.pairs_up(path, separator, *now, ragged=not alone):
        return _scan_text(source, True, separator, '"')
    if alone and not ends and not loose.pairs_up(path, separator, *now):
        return loose.lines(path)
    return loose.scan(path, loose.NOTHING if alone else separator)


def _columns(fields: Sequence[str]) -> list[str]:
    """The columns of a file that begins with its first record, where the record tells whose."""
    from ml_core.readers import argus, kdd

    if len(fields) >= 41 and fields[1].strip().lower() in _KDD_PROTOCOLS:
        return [*kdd.COLUMNS[: len(fields)]]
    if len(fields) == len(argus.UNSW) and all(_ADDRESS.fullmatch(fields[i]) for i in (0, 2)):
        return [*argus.UNSW]
    return []


def _scan_text(
    source: Path | bytes,
    header: bool,
    separator: str,
    quote: str | None,
    columns: Sequence[str] | None = None,
    comment: str | None = None,
    skip: int = 0,
) -> pl.LazyFrame:
    """Everything is text: official files repeat their header among the numbers."""
    return pl.scan_csv(
        source,
        has_header=header,
        separator=separator,
        quote_char=quote,
        comment_prefix=comment,
        skip_lines=skip,
        schema=None if columns is None else dict.fromkeys(loose.apart(columns), pl.String),
        infer_schema=False,
        truncate_ragged_lines=True,
        encoding="utf8-lossy",
        glob=False,
    )


@lru_cache(maxsize=32)
def _json_schema(path: Path, changed: int, size: int) -> pl.Schema:
    """The columns of a file of JSON lines, whatever line they begin in or change their type at.

    Every line is looked at, and once: a file that is `changed` has another size or time.
    """
    del changed, size
    rows = pl.scan_ndjson(loose.utf8(path), infer_schema_length=None, ignore_errors=True)
    try:
        return rows.collect_schema()
    except (pl.exceptions.SchemaError, pl.exceptions.ComputeError) as error:
        line = loose.no_json(path)
        said = "a column holds numbers in some lines and lists in others"
        if line is not None:
            said = f"line {line} is no JSON object"
        raise DataError(f"{path}: not readable: {said}") from error


def _flat(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Objects in objects as columns with dots in their names: `source.ip`."""
    while inner := [name for name, of in rows.collect_schema().items() if of == pl.Struct]:
        rows = rows.unnest(inner, separator=".")
    return rows


def _scan_arff(source: Path | bytes) -> pl.LazyFrame:
    """Weka's format, which NSL-KDD comes in, too."""
    head = [line.strip() for line in loose.head(source, 500)]
    end = next((i for i, line in enumerate(head) if line.lower().startswith("@data")), len(head))
    names = [found[1] for line in head[:end] if (found := _ATTRIBUTE.match(line))]
    return _scan_text(source, False, ",", "'", [n.strip("'\"") for n in names], "%", end + 1)


def _scan_zeek(source: Path | bytes, fields: str) -> pl.LazyFrame:
    """A Zeek log; the labels that IoT-23 appends to the last field by spaces become columns."""
    separator = fields[len("#fields")]
    columns = fields.rstrip("\r").split(separator)[1:]
    last = re.split(r"\s{2,}", columns[-1])
    rows = _scan_text(source, False, separator, None, [*columns[:-1], last[0]], comment="#")
    if len(last) == 1:
        return rows
    parts = pl.col(last[0]).str.replace_all(r"\s{2,}", "\t").str.split("\t")
    return rows.with_columns(
        parts.list.get(i, null_on_oob=True).alias(name) for i, name in enumerate(last)
    )


def read_frames(paths: Sequence[Path], lines: bool = False) -> list[pl.DataFrame]:
    """Whole files, for tables that are small; columns of text files are text. DataError if empty."""
    frames = []
    for path in paths:
        table = Table.open(path, lines)
        with _Readable(path):
            frame = table.rows.collect(engine="streaming")
        if frame.is_empty():
            raise DataError(f"{path}: no rows")
        frames.append(frame)
    return frames
