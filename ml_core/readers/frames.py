"""Data files as tables of rows, whatever their form, read a batch at a time.

Parquet and Arrow files are known by their first bytes; of text files the first lines tell whether
they are Zeek logs, JSON lines, KDD records without a header, or separated values. Text may be
compressed (gzip, zstandard).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import polars as pl

from ml_core.errors import DataError

BATCH = 100_000  # rows read at a time

_UNREADABLE = (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
_SPACE = re.compile(r"[\s_/]+")
_NO_SEPARATOR = "\x1f"  # of a file of one column, whose texts may hold commas
_KDD_PROTOCOLS = {"tcp", "udp", "icmp"}


def plain(name: str) -> str:
    """A column name as all spellings of it share it: small letters, single spaces."""
    return _SPACE.sub(" ", name.strip("\ufeff\"' \t\r")).strip().lower()


@dataclass(frozen=True)
class Table:
    """One data file (or frame in memory), opened but not read.

    `number` and `text` give columns of `batches`: each is converted once, however many
    expressions read it.
    """

    name: str
    rows: pl.LazyFrame
    _converted: dict[str, pl.Expr] = field(default_factory=dict)

    @classmethod
    def open(cls, source: Path | pl.DataFrame, lines: bool = False) -> Table:
        """DataError, in one line, for what cannot be read or has no columns.

        `lines`: a .txt file is a list of texts, one a line, in the column `text`.
        """
        if isinstance(source, pl.DataFrame):
            return cls("table", source.lazy())
        if source.is_dir():
            raise DataError(f"{source}: a folder, not a file; name the files in it")
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
        """The first of these columns as numbers; null where it holds none."""
        name = self.find(*spellings)
        if name is None:
            return None
        column = pl.col(name)
        if self.schema[name] == pl.String:
            column = column.str.strip_chars()
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
        column = pl.col(name).cast(pl.String).str.strip_chars()
        told = pl.when(~column.is_in(["", "-", "(empty)"])).then(column)
        return self._once(f"{name} in words", told)

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
            rows = self.rows.with_columns(self._converted.values()).select(chosen)
            yield from rows.collect_batches(
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
    if lines and ".txt" in path.suffixes:
        return _scan_text(path, False, _NO_SEPARATOR, None, ["text"])
    head = _head(path)
    first = head[0] if head else ""
    if first.lstrip("\ufeff").startswith("{"):
        file_now = path.stat()
        schema = _json_schema(path, file_now.st_mtime_ns, file_now.st_size)
        return _flat(pl.scan_ndjson(path, schema=schema, ignore_errors=True))
    if first.startswith("[{"):
        return _flat(pl.read_json(path, infer_schema_length=None).lazy())
    if any(line.startswith("#fields") for line in head):
        return _scan_zeek(path, next(line for line in head if line.startswith("#fields")))
    separator = max(",\t;|", key=first.count)
    fields = first.split(separator)
    if len(fields) >= 41 and fields[1].strip().lower() in _KDD_PROTOCOLS:
        from ml_core.readers.kdd import COLUMNS

        return _scan_text(path, False, separator, '"', [*COLUMNS[: len(fields)]])
    return _scan_text(path, True, separator if separator in first else _NO_SEPARATOR, '"')


def _scan_text(
    path: Path,
    header: bool,
    separator: str,
    quote: str | None,
    columns: Sequence[str] | None = None,
    comment: str | None = None,
) -> pl.LazyFrame:
    """Everything is text: official files repeat their header among the numbers."""
    return pl.scan_csv(
        path,
        has_header=header,
        separator=separator,
        quote_char=quote,
        comment_prefix=comment,
        schema=None if columns is None else dict.fromkeys(columns, pl.String),
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
    rows = pl.scan_ndjson(path, infer_schema_length=None, ignore_errors=True)
    try:
        return rows.collect_schema()
    except pl.exceptions.SchemaError as error:
        raise DataError(
            f"{path}: not readable: a column holds numbers in some lines and lists in others"
        ) from error


def _flat(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Objects in objects as columns with dots in their names: `source.ip`."""
    while inner := [name for name, of in rows.collect_schema().items() if of == pl.Struct]:
        rows = rows.unnest(inner, separator=".")
    return rows


def _head(path: Path) -> list[str]:
    """The first lines of a text file, compressed or not."""
    rows = _scan_text(path, False, _NO_SEPARATOR, None, ["line"]).head(20).collect()
    return [line or "" for line in rows["line"].to_list()]


def _scan_zeek(path: Path, fields: str) -> pl.LazyFrame:
    """A Zeek log; the labels that IoT-23 appends to the last field by spaces become columns."""
    columns = fields.split("\t")[1:]
    last = re.split(r"\s{2,}", columns[-1])
    rows = _scan_text(path, False, "\t", None, [*columns[:-1], last[0]], comment="#")
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
