"""Texts of every kind: one a row, from the column that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from ml_core.errors import DataError
from ml_core.kinds.text import TextKind
from ml_core.readers.frames import Table

BATCH = 20_000  # texts read at a time

RAW = "raw_request"  # whole HTTP messages, with their headers


def text_column(source: Table | pl.DataFrame, kind: TextKind) -> str:
    """The kind's name of the column that holds its texts; DataError if there is none."""
    table = source if isinstance(source, Table) else Table.open(source)
    for name in kind.columns:
        if table.find(name) is not None:
            return name
    there = ", ".join(list(table.schema)[:6])
    raise DataError(f"{table.name}: none of the columns {', '.join(kind.columns)} "
                    f"(there are: {there})")  # fmt: skip


def read_texts(source: Path | pl.DataFrame, kind: TextKind) -> list[str]:
    """The texts of all rows, in order.

    A null is an empty text; a raw HTTP message loses its host and its headers. A .txt file holds
    one text a line.
    """
    return [text for batch in text_batches(Table.open(source, lines=True), kind) for text in batch]


def text_batches(table: Table, kind: TextKind, size: int = BATCH) -> Iterator[list[str]]:
    """Likewise, a batch at a time."""
    column = text_column(table, kind)
    name = table.find(column)
    assert name is not None
    text = pl.col(name)
    if isinstance(table.schema[name], pl.List | pl.Array):
        text = text.cast(pl.List(pl.String)).list.join(" ", ignore_nulls=True)
    text = text.cast(pl.String).fill_null("")
    if column == RAW:
        text = _without_headers(text)
    for batch in table.batches([text.alias("text")], size):
        yield batch["text"].to_list()


def _without_headers(message: pl.Expr) -> pl.Expr:
    """An HTTP message as the network reads it: `METHOD path?query`, a line break, the body."""
    message = message.str.replace_all("\r\n", "\n", literal=True).str.strip_chars_start("\n")
    parts = message.str.splitn("\n\n", 2)
    first = parts.struct.field("field_0").str.extract(r"^([^\n]*)")
    rest = first.str.extract(r"^[^ ]* (.*)$").fill_null("")
    target = rest.str.replace(r"^(.+) HTTP/.*$", "${1}").str.replace(r"^https?://[^/]*", "")
    method, body = first.str.extract("^([^ ]*)"), parts.struct.field("field_1").fill_null("")
    return pl.concat_str(method, pl.lit(" "), target, pl.lit("\n"), body).str.strip_chars()
