"""Text files that the fast reader does not take: other encodings, lines that nothing separates, and
quotes that do not pair up.

The latter are read as the csv module reads them: a quotation mark within a value is a character.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import IO, TextIO, cast

import polars as pl
import zstandard
from polars.io.plugins import register_io_source

from ml_core.errors import DataError

ROWS = 20_000  # read at a time
csv.field_size_limit(sys.maxsize)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DAMAGED = (EOFError, csv.Error, zlib.error, lzma.LZMAError, zstandard.ZstdError)
_PATTERN = re.compile(r"[*?\[]")
NOTHING = "\ud800"  # as a separator: decoded text never holds it
_END = "\x1e"  # a row of its own, unless a quote is open


def utf8(path: Path) -> Path | bytes:
    """The file, or what it says in UTF-8 where it is UTF-16 or packed by bzip2 or xz, or where its
    name would be taken for a pattern."""
    with path.open("rb") as file:
        magic = file.read(6)
    if magic.startswith(b"BZh"):
        return _as_utf8(bz2.decompress(path.read_bytes()))
    if magic == b"\xfd7zXZ\0":
        return _as_utf8(lzma.decompress(path.read_bytes()))
    if magic.startswith(_UTF16) or _PATTERN.search(str(path)):
        return _as_utf8(path.read_bytes())
    return path


def _as_utf8(content: bytes) -> bytes:
    if content.startswith(_UTF16):
        return content.decode("utf-16", "replace").encode()
    return content


@lru_cache(maxsize=32)
def pairs_up(path: Path, separator: str, changed: int, size: int, ragged: bool = True) -> bool:
    """Whether the fast reader reads all rows, which may be longer than the header if `ragged`;
    looked at once until the file is `changed`."""
    del changed, size
    rows = pl.scan_csv(
        utf8(path),
        separator=separator,
        infer_schema=False,
        truncate_ragged_lines=ragged,
        encoding="utf8-lossy",
        glob=False,
    )
    try:
        rows.select(pl.all().null_count()).collect(engine="streaming")
    except pl.exceptions.ComputeError:
        return False
    return True


def scan(path: Path, separator: str) -> pl.LazyFrame:
    """All rows as text, read when they are asked for; short rows end in nulls, long ones are cut.

    ValueError for what is damaged, and for a quote that is never closed.
    """
    header, last = list[str](), list[str]()
    try:
        with _opened(path, "") as file:
            for last in csv.reader(chain(file, [_END]), delimiter=separator):
                header = header or last
    except _DAMAGED as error:
        raise ValueError(str(error) or type(error).__name__) from error
    if last != [_END]:
        raise ValueError("a quotation mark is never closed")
    names = apart(header)
    schema = dict.fromkeys(names, pl.String)

    def read(
        columns: list[str] | None, chosen: pl.Expr | None, most: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        with _opened(path, "") as file:
            end = None if most is None else 1 + most
            rows = islice(csv.reader(file, delimiter=separator), 1, end)
            while some := list(islice(rows, size or ROWS)):
                cells = ([cell or None for cell in row[: len(names)]] for row in some)
                full = [row + [None] * (len(names) - len(row)) for row in cells]
                frame = pl.DataFrame(full, schema=schema, orient="row")
                frame = frame if columns is None else frame.select(columns)
                yield frame if chosen is None else frame.filter(chosen)

    return register_io_source(read, schema=schema)


def lines(path: Path, name: str = "") -> pl.LazyFrame:
    """A value a line, whatever stands in it, null for an empty one; without `name`, the column is
    called like the first line that is not empty."""
    skipped = 0
    if not name:
        for line in head(path):
            skipped += 1
            if name := line:
                break

    def read(
        _: list[str] | None, chosen: pl.Expr | None, most: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        rows = islice(head(path), skipped, None if most is None else skipped + most)
        try:
            while some := list(islice(rows, size or ROWS)):
                frame = pl.DataFrame({name: [row or None for row in some]}, {name: pl.String})
                yield frame if chosen is None else frame.filter(chosen)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from error

    return register_io_source(read, schema={name: pl.String})


def head(source: Path | bytes, most: int | None = None) -> Iterator[str]:
    """The first lines of a text file, packed or not. ValueError where it is damaged."""
    try:
        with _opened(source) as file:
            yield from map(_line, islice(file, most))
    except _DAMAGED as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _line(row: str) -> str:
    return row.removesuffix("\n").removesuffix("\r")


def apart(names: Sequence[str]) -> list[str]:
    """Names of columns, each once: a later one of the same name is told apart from the first."""
    found: dict[str, None] = {}
    for name in names:
        here, n = name, 0
        while here in found:
            here, n = f"{name}_duplicated_{n}", n + 1
        found[here] = None
    return list(found)


def no_json(path: Path) -> int | None:
    """The first line, counted from one, that is no JSON object."""
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                if line.strip() and not isinstance(json.loads(line), dict):
                    return number
            except (ValueError, RecursionError):
                return number
    return None


def _opened(source: Path | bytes, newline: str = "\n") -> TextIO:
    content = utf8(source) if isinstance(source, Path) else source
    raw: IO[bytes] = content.open("rb") if isinstance(content, Path) else io.BytesIO(content)
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        raw = cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    elif magic == b"\x28\xb5\x2f\xfd":
        unpacked = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        raw = cast(IO[bytes], unpacked)
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline=newline)
