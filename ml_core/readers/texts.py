"""Texts of every kind: one a row, from the column that holds them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from polars._typing import PolarsDataType

from ml_core.errors import DataError
from ml_core.kinds import REQUESTS
from ml_core.kinds.text import TextKind
from ml_core.readers.frames import Table, decoded, plain, shown

BATCH = 20_000  # texts read at a time

RAW = "raw_request"  # whole HTTP messages, with their headers
WHOLE = ("request", RAW, "http_request", "full_request", "text")
# A request in pieces: the columns that may hold each.
METHODS = ("method", "http_method", "request_method", "verb", "http.request.method")
TARGETS = (
    "url", "uri", "target", "path", "request_uri", "request_url", "request_path", "url.original",
    "url.path", "endpoint",
)  # fmt: skip
QUERIES = ("query", "query_string", "args", "params", "url.query")
BODIES = (
    "body", "content", "post_data", "payload", "request_body", "data", "form",
    "http.request.body.content",
)  # fmt: skip
# A sequence in pieces: columns that are numbered, of one step each.
STEP = re.compile(r"(?:t|step|api|call|event|token)?(\d+)", re.ASCII)
LEAST_STEPS = 3
# Where a record of a sequence keeps its name.
NAMES = ("api", "call", "syscall", "name", "function", "event_id", "event", "id", "token")


def text_column(source: Table | pl.DataFrame, kind: TextKind) -> str:
    """The kind's name of the column that holds its texts; DataError if there is none.

    Of requests in pieces, the name of the column of their targets; of sequences, of the first step.
    """
    table = source if isinstance(source, Table) else Table.open(source)
    if (target := _in_pieces(table, kind)) is not None:
        return target
    for name in kind.columns:
        if table.find(name) is not None:
            return name
    if steps := _steps(table, kind):
        return steps[0]
    raise DataError(f"{table.name}: none of the columns {', '.join(kind.columns)} "
                    f"(there are: {shown(list(table.schema))})")  # fmt: skip


def _in_pieces(table: Table, kind: TextKind) -> str | None:
    """Which column holds the targets of requests whose methods or bodies stand in others."""
    if kind.name != REQUESTS or table.find(*WHOLE) is not None:
        return None
    if table.find(*METHODS, *QUERIES, *BODIES) is None:
        return None
    return next((name for name in TARGETS if table.find(name) is not None), None)


def _steps(table: Table, kind: TextKind) -> list[str]:
    """The columns that hold a step of a sequence each, as MalBehavD's, in order; or none."""
    if kind.architecture.stage != "tokens" or table.find(*kind.columns) is not None:
        return []
    numbered = {int(found[1]): n for n in table.schema if (found := STEP.fullmatch(plain(n)))}
    return [numbered[i] for i in sorted(numbered)] if len(numbered) >= LEAST_STEPS else []


def read_texts(source: Path | pl.DataFrame, kind: TextKind) -> list[str]:
    """The texts of all rows, in order.

    A null is an empty text; a raw HTTP message loses its host and its headers; a request in
    pieces is put together; a list, also of lists or records, is its names with blanks between.
    A .txt file holds one text a line.
    """
    return [text for batch in text_batches(Table.open(source, lines=True), kind) for text in batch]


def text_batches(table: Table, kind: TextKind, size: int = BATCH) -> Iterator[list[str]]:
    """Likewise, a batch at a time."""
    column = text_column(table, kind)
    if column == _in_pieces(table, kind):
        text = _together(table, column)
    elif steps := _steps(table, kind):
        text = pl.concat_str([_told(table, step) for step in steps], separator=" ")
        text = text.str.replace_all(r"\s+", " ").str.strip_chars()
    else:
        text = _told(table, column)
    if column == RAW:
        text = _without_headers(text)
    for batch in table.batches([text.alias("text")], size):
        yield batch["text"].to_list()


def _told(table: Table, *spellings: str) -> pl.Expr:
    """The first of these columns as text, empty where it is null or not there."""
    name = table.find(*spellings)
    if name is None:
        return pl.lit("")
    return _as_text(pl.col(name), table.schema[name]).fill_null("")


def _as_text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Binary):
        return column.map_batches(decoded, pl.String, is_elementwise=True)
    if isinstance(dtype, pl.Array):
        return _as_text(column.arr.to_list(), pl.List(dtype.inner))
    if isinstance(dtype, pl.List):
        inner = _instance(dtype.inner)
        if inner.is_nested() or inner.is_float() or isinstance(inner, pl.Binary):
            column = column.list.eval(_as_text(pl.element(), inner))
        return column.cast(pl.List(pl.String)).list.join(" ", ignore_nulls=True)
    if isinstance(dtype, pl.Struct):
        fields = {plain(field.name): field for field in dtype.fields}
        named = [fields[name] for name in map(plain, NAMES) if name in fields]
        field = (named or list(fields.values()))[0]
        return _as_text(column.struct.field(field.name), _instance(field.dtype))
    if dtype.is_float():
        column = column.fill_nan(None)  # how tables of numbers say that nothing is told
    return column.cast(pl.String)


def _instance(dtype: PolarsDataType) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype


def _together(table: Table, target: str) -> pl.Expr:
    """`METHOD path?query`, a line break, the body, of what a table tells of them."""
    method, path, query, body = (
        _told(table, *names).str.strip_chars().replace(["-", "(empty)"], "")
        for names in (METHODS, (target,), QUERIES, BODIES)
    )
    path, query = path.replace(["NaN", "nan"], ""), query.str.strip_prefix("?")
    plainly = path.str.contains(r"^(?:/|\*|[A-Za-z][A-Za-z+.-]*://)") | (path == "")
    path = pl.when(plainly).then(path).otherwise("/" + path)
    asked = (query == "") | path.str.contains("?", literal=True)
    path = pl.when(asked).then(path).otherwise(path + "?" + query)
    verb = pl.when(method != "").then(method).when(body == "").then(pl.lit("GET"))
    line = verb.otherwise(pl.lit("POST")) + " " + path
    whole = pl.when(body == "").then(line).otherwise(line + "\n" + body)
    return pl.when(path == "").then(body).otherwise(whole)


def _without_headers(message: pl.Expr) -> pl.Expr:
    """An HTTP message as the network reads it: `METHOD path?query`, a line break, the body."""
    message = message.str.replace_all("\r\n", "\n", literal=True).str.strip_chars_start("\n")
    parts = message.str.splitn("\n\n", 2)
    first = parts.struct.field("field_0").str.extract(r"^([^\n]*)")
    rest = first.str.extract(r"^[^ ]* (.*)$").fill_null("")
    target = rest.str.replace(r"^(.+) HTTP/.*$", "${1}").str.replace(r"^https?://[^/]*", "")
    method, body = first.str.extract("^([^ ]*)"), parts.struct.field("field_1").fill_null("")
    return pl.concat_str(method, pl.lit(" "), target, pl.lit("\n"), body).str.strip_chars()
