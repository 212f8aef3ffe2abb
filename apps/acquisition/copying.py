"""Whole frames into and out of PostgreSQL by COPY: ten times the speed of INSERT."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any
from uuid import UUID

import polars as pl
from django.db import connection

_ROWS = 20_000  # per piece sent: bounds the memory of the text form
_PIECE = 8 * 1024 * 1024  # bytes of a content that are fetched at once
_INSTANT = "%Y-%m-%dT%H:%M:%S%.6fZ"


def told(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of `frame` that say something in some row: the others cost as much to send."""
    return frame.select(name for name in frame.columns if frame[name].null_count() < frame.height)


def pieces(frame: pl.DataFrame) -> Iterator[bytes]:
    """The text form of `frame`, as COPY reads it, in pieces of bounded size."""
    binary = [name for name, kind in frame.schema.items() if kind == pl.Binary]
    for piece in frame.iter_slices(_ROWS):
        text = piece.with_columns(
            (pl.lit("\\x") + pl.col(name).bin.encode("hex")).alias(name) for name in binary
        )
        yield text.write_csv(
            include_header=False, quote_style="non_numeric", datetime_format=_INSTANT
        ).encode()


def copy_in(table: str, frame: pl.DataFrame) -> str:
    """Append the rows of `frame` to `table`; columns are named as there. Inside the caller's
    transaction: all rows or none. Returns `digest_of` what was sent."""
    names = ", ".join(connection.ops.quote_name(name) for name in frame.columns)
    statement = f"COPY {connection.ops.quote_name(table)} ({names}) FROM STDIN (FORMAT csv)"
    digest = _begun(frame)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for piece in pieces(frame):
            digest.update(piece)
            copy.write(piece)
    return digest.hexdigest()


def digest_of(frame: pl.DataFrame) -> str:
    """SHA-256 of the names of the columns of `frame` and of its text form."""
    digest = _begun(frame)
    for piece in pieces(frame):
        digest.update(piece)
    return digest.hexdigest()


def _begun(frame: pl.DataFrame) -> hashlib._Hash:
    return hashlib.sha256(",".join(frame.columns).encode() + b"\n")


def copy_out(
    query: str, parameters: Sequence[Any], schema: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """The rows of `query` (a SELECT whose columns come in the order of `schema`) as a frame.

    Bytes must be selected as hex, times as microseconds since 1970.
    """
    sent = {
        name: pl.Int64()
        if isinstance(kind, pl.Datetime)
        else pl.String()
        if kind == pl.Binary
        else kind
        for name, kind in schema.items()
    }
    body = io.BytesIO()
    with connection.cursor() as cursor:
        statement = f"COPY ({query}) TO STDOUT (FORMAT csv)"
        with cursor.cursor.copy(statement, list(parameters)) as copy:
            for piece in copy:
                body.write(piece)
    if not body.tell():
        return pl.DataFrame(schema=dict(schema))
    body.seek(0)
    text = pl.read_csv(body, has_header=False, new_columns=list(sent), schema=sent)
    return text.with_columns(
        pl.col(name).str.decode("hex") if kind == pl.Binary else pl.col(name).cast(kind)
        for name, kind in schema.items()
    )


def digest_of_query(query: str, parameters: Sequence[Any]) -> str:
    """SHA-256 of the rows of `query` in their text form; its ORDER BY must leave no choice."""
    digest = hashlib.sha256()
    statement = f"COPY ({query}) TO STDOUT (FORMAT csv)"
    with connection.cursor() as cursor, cursor.cursor.copy(statement, list(parameters)) as copy:
        for piece in copy:
            digest.update(piece)
    return digest.hexdigest()


def put_rows(table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """Append rows (values of `columns`: name → PostgreSQL type) in binary form: large contents
    are never written as text."""
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    statement = f"COPY {connection.ops.quote_name(table)} ({names}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)


def get_bytes(table: str, key: UUID) -> Iterator[bytes]:
    """The `content` of the row with this `batch_id`, piece by piece; nothing where there is none."""
    name = connection.ops.quote_name(table)
    statement = (
        f"COPY (SELECT substring(content FROM %s FOR %s) FROM {name} WHERE batch_id = %s)"  # noqa: S608
        " TO STDOUT (FORMAT binary)"
    )
    for at in count(1, _PIECE):
        with (
            connection.cursor() as cursor,
            cursor.cursor.copy(statement, [at, _PIECE, key]) as copy,
        ):
            copy.set_types(["bytea"])
            piece = next((row[0] for row in list(copy.rows())), b"")
        if piece:
            yield piece
        if len(piece) < _PIECE:
            return
