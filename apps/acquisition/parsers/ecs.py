"""JSON documents that carry Elastic Common Schema fields, nested or dotted, or a raw line.

A document whose `event.original` or `message` is a line that another parser understands becomes
that parser's record; what the document adds is kept beside it. Fields: Elastic Common Schema 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl

from apps.acquisition.documents import BAD_JSON
from apps.acquisition.frames import SCHEMA, addresses, instants, integers
from apps.acquisition.parsers import sshd
from apps.acquisition.parsers._http import split_target
from apps.acquisition.parsing import Context, Parsed, parse_lines, share
from apps.contracts import RECORD_COLUMNS, UNPARSED, ColumnType

_OURS = {
    column.name: column.name
    for column in RECORD_COLUMNS
    if column.type is not ColumnType.BYTES and column.name not in ("event.sequence", "labels")
}
_ALIASES = {
    "client.ip": "source.ip",
    "client.port": "source.port",
    "server.ip": "destination.ip",
    "server.port": "destination.port",
    "source.address": "source.ip",
    "destination.address": "destination.ip",
    "host.hostname": "host.name",
    "host": "host.name",
    "hostname": "host.name",
    "log.syslog.hostname": "host.name",
    "log.syslog.appname": "process.name",
    "log.syslog.procid": "process.pid",
    "program": "process.name",
    "process.program": "process.name",
}
_ALIAS = "~"  # marks cells of an alias: they count where the field itself is missing
_FIELDS = {name: _ALIAS + column for name, column in _ALIASES.items()} | _OURS
_ENVELOPE = {"@timestamp", "message", "event.original", "host.name", "error.message"}
"""What says nothing by itself about what happened."""

_CATEGORIES = ("network", "web", "authentication", "file")
_KEPT_DATASETS = ("nginx.access", "apache.access", "sshd.auth", "linux.auth")
_ZEEK = "id.orig_h"  # these documents belong to the parser of Zeek's logs
_DECODE = msgspec.json.Decoder().decode


def _tree() -> dict[str, dict[str, tuple[str | None, str | None]]]:
    """Prefix → key → (column it fills, prefix it leads to), for every way to nest or to dot."""
    tree: dict[str, dict[str, tuple[str | None, str | None]]] = {}
    for field, column in _FIELDS.items():
        words = field.split(".")
        for begin in range(len(words)):
            prefix = ".".join(words[:begin])
            for end in range(begin + 1, len(words) + 1):
                node = tree.setdefault(prefix, {})
                key, path = ".".join(words[begin:end]), ".".join(words[:end])
                fills, leads = node.get(key, (None, None))
                node[key] = (column, leads) if end == len(words) else (fills, path)
    return tree


_TREE = _tree()


class Ecs:
    name = "ecs"

    def sniff(self, lines: pl.Series) -> float:
        return 0.9 * share(lines.str.contains(r"^\s*\{"))

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        cells: dict[str, tuple[list[int], list[str]]] = {}
        objects: list[int] = []
        for row, line in enumerate(lines.to_list()):
            if line[:1] in "{ \t":
                try:
                    document = _DECODE(line)
                except BAD_JSON:
                    continue
                if isinstance(document, dict) and _ZEEK not in document:
                    objects.append(row)
                    _collect("", document, row, cells)
        frame = _columns(cells, lines.len())
        understood = pl.Series([False], dtype=pl.Boolean).new_from_index(0, lines.len())
        understood = understood.scatter(pl.Series(objects, dtype=pl.UInt32), True)
        return Parsed.of(_records(frame, understood, lines, context))


def _collect(
    prefix: str,
    document: Mapping[str, Any],
    row: int,
    cells: dict[str, tuple[list[int], list[str]]],
) -> None:
    node = _TREE[prefix]
    for key, value in document.items():
        found = node.get(key)
        if found is None or value is None:
            continue
        column, path = found
        if isinstance(value, dict):
            if path is not None:
                _collect(path, value, row, cells)
        elif column is not None:
            rows, values = cells.setdefault(column, ([], []))
            rows.append(row)
            values.append(value if isinstance(value, str) else _text(value, column))


def _text(value: object, column: str) -> str:
    if isinstance(value, list):
        told = [_text(item, column) for item in value if not isinstance(item, list | dict)]
        if column == "event.category":
            told = [item for item in told if item in _CATEGORIES] or told
        return (told or [""])[0]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _columns(cells: dict[str, tuple[list[int], list[str]]], height: int) -> pl.DataFrame:
    columns = {}
    for name, (rows, values) in cells.items():
        column = pl.Series([None], dtype=pl.String).new_from_index(0, height)
        column = column.scatter(
            pl.Series(rows, dtype=pl.UInt32), pl.Series(values, dtype=pl.String)
        )
        columns[name] = _typed(name.removeprefix(_ALIAS), column)
    for name in [name for name in columns if name.startswith(_ALIAS)]:
        field, other = name.removeprefix(_ALIAS), columns.pop(name)
        columns[field] = columns[field].fill_null(other) if field in columns else other
    return pl.DataFrame(columns) if columns else pl.DataFrame({"message": [None] * height})


def _typed(name: str, column: pl.Series) -> pl.Series:
    if name == "@timestamp":
        return instants(column)
    if name.endswith(".ip"):
        return addresses(column)
    return integers(column) if SCHEMA[name] == pl.Int64 else column


def _records(
    told: pl.DataFrame, understood: pl.Series, lines: pl.Series, context: Context
) -> pl.DataFrame:
    nothing = pl.lit(None, dtype=pl.String)
    for name in ("message", "event.original", "event.dataset", "event.category", "process.name"):
        if name not in told.columns:
            told = told.with_columns(nothing.alias(name))
    line = told["event.original"].fill_null(told["message"]).str.strip_chars_end("\r\n")
    read = _read_lines(line, told, context)
    meaning = [name for name in told.columns if name not in _ENVELOPE and "event." not in name]
    meaning += [name for name in ("event.action", "event.category") if name in told.columns]
    says = told.select(pl.any_horizontal(pl.col(meaning).is_not_null())).to_series()
    dataset = (
        pl.when(pl.lit(read["event.dataset"]).is_not_null())
        .then(pl.lit(read["event.dataset"]))
        .when(pl.col("event.dataset").is_in(_KEPT_DATASETS))
        .then(pl.col("event.dataset"))
        .when(pl.lit(says))
        .then(pl.lit("ecs"))
        .otherwise(pl.lit(UNPARSED))
    )
    category = (
        pl.when(pl.lit(read["event.category"]).is_not_null())
        .then(pl.lit(read["event.category"]))
        .when(pl.lit(says))
        .then(pl.col("event.category"))
        .otherwise(pl.lit(UNPARSED))
    )
    whole = told.with_columns(
        # what the line itself says is nearer to what happened than what a shipper made of it
        *(
            read[name].fill_null(told[name]) if name in told.columns else read[name]
            for name in read.columns
            if name not in ("event.dataset", "event.category")
        ),
        line.fill_null(lines).alias("event.original"),
        dataset.alias("event.dataset"),
        category.alias("event.category"),
    )
    if "url.original" in whole.columns:
        parts = split_target(whole["url.original"])
        whole = whole.with_columns(
            whole[name].fill_null(parts[name]) if name in whole.columns else parts[name]
            for name in parts.columns
        )
    return whole.with_columns(
        pl.when(pl.lit(understood)).then(pl.col("event.dataset")).alias("event.dataset")
    )


def _read_lines(line: pl.Series, told: pl.DataFrame, context: Context) -> pl.DataFrame:
    """N rows of what the other parsers make of the lines inside, null where nothing."""
    empty = pl.DataFrame({"_row": [], "event.dataset": [], "event.category": []})
    parts = [
        empty.cast({"_row": pl.UInt32, "event.dataset": pl.String, "event.category": pl.String})
    ]
    body = sshd.is_sshd(told["process.name"]).fill_null(False) & told["message"].is_not_null()
    rows = line.is_not_null().arg_true().cast(pl.UInt32)
    if rows.len():
        parsed = parse_lines(line.gather(rows), context, without=("ecs", "cicflowmeter"))
        done = parsed.frame["event.dataset"].is_not_null()
        parts.append(parsed.frame.with_columns(rows.alias("_row")).filter(done))
        body = body.scatter(rows.filter(done), False)
    if body.any():  # the shipper took off the head of the line
        rows = body.arg_true().cast(pl.UInt32)
        read = sshd.read_messages(told["process.name"].gather(rows), told["message"].gather(rows))
        parts.append(read.with_columns(rows.alias("_row")))
    every = pl.DataFrame({"_row": pl.Series(range(line.len()), dtype=pl.UInt32)})
    read = pl.concat(parts, how="diagonal_relaxed")
    return every.join(read, on="_row", how="left", maintain_order="left").drop("_row")


PARSER = Ecs()
