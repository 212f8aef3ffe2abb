"""Zeek's logs, tab-separated below `#fields` headers or as JSON: each as `zeek.<path>`.

Formats: docs.zeek.org, "Zeek Log Formats and Inspection" and "Log files". What a log says beyond
what is known here goes into `labels`, so that logs of any script are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import polars as pl

from apps.acquisition.frames import INSTANT, instants, integers, since_epoch
from apps.acquisition.parsers import _json, _labels, _rows, _zeek_logs
from apps.acquisition.parsers.access_log import unescape
from apps.acquisition.parsing import LONGEST_HEADER, Context, Parsed, below_headers, share

_TIED = '"id.orig_h"'  # a log of a connection
_OTHER = r'"ts":.*"(?:fuid|_path|software_type|fingerprint|certificate\.serial|peer|actions)":'
_PATH = r"^[a-z][a-z0-9_-]{1,40}$"
_FILE = re.compile(r"(?:^|[/\\])([a-z][a-z0-9_]{1,40})\.(?:[\d:.T-]+\.)?(?:log|json)")
_UNSET = ("-", "(empty)", "")


class Told(Protocol):
    """Cells of N rows by the names of their fields, as `_json.Documents` gives them."""

    def text(self, *names: str) -> pl.Series: ...
    def integer(self, *names: str) -> pl.Series: ...
    def number(self, *names: str) -> pl.Series: ...
    def time(self, *names: str) -> pl.Series: ...
    def labels(self, *, more: Mapping[str, pl.Series]) -> pl.Series: ...


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows below one header."""

    cells: pl.DataFrame
    taken: set[str] = field(default_factory=set)

    def text(self, *names: str) -> pl.Series:
        self.taken.update(names)
        told = [self.cells[name] for name in names if name in self.cells.columns]
        if not told:
            return pl.Series([None], dtype=pl.String).new_from_index(0, self.cells.height)
        whole = told[0]
        for column in told[1:]:
            whole = whole.fill_null(column)
        return unescape(whole)

    def integer(self, *names: str) -> pl.Series:
        return integers(self.text(*names))

    def number(self, *names: str) -> pl.Series:
        numbers = self.text(*names).cast(pl.Float64, strict=False)
        return numbers.set((~numbers.is_finite()).fill_null(False), None)

    def time(self, *names: str) -> pl.Series:
        texts = self.text(*names)
        time = since_epoch(texts.cast(pl.Float64, strict=False)).cast(INSTANT)
        return time.fill_null(instants(texts)) if time.null_count() > texts.null_count() else time

    def labels(self, *, more: Mapping[str, pl.Series]) -> pl.Series:
        rest = [name for name in self.cells.columns if name not in self.taken]
        rest = rest[: _json.MOST_LABELS]
        columns = [unescape(self.cells[name]).alias(name) for name in rest]
        columns += [column.alias(name) for name, column in more.items()]
        columns = [column for column in columns if column.null_count() < column.len()]
        if not columns:
            return pl.Series("labels", [None], dtype=pl.String).new_from_index(0, self.cells.height)
        return _labels.of(pl.DataFrame(columns))


class Zeek:
    name = "zeek"

    def sniff(self, lines: pl.Series) -> float:
        json = lines.str.starts_with("{") & (
            lines.str.contains(_TIED, literal=True) | lines.str.contains(_OTHER)
        )
        headers, paths = _headers(lines)
        if any(_path(header, paths[row], "") for row, header in headers.items()):
            return 0.99
        return min(share(json), 0.99)

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        by_file = _FILE.search(context.file_name)
        hint = by_file.group(1) if by_file else ""
        parts, structure = _tabbed(lines, hint)
        rows = (lines.str.starts_with("{") & lines.str.contains('"ts"', literal=True)).arg_true()
        if rows.len():
            told = _json.read(lines.gather(rows))
            path = _paths(told, hint)
            frame = _zeek_logs.records(told, path)
            known = told.known & path.is_not_null() & _told(frame)
            parts.append(frame.with_columns(rows.alias("_row")).filter(known))
        return Parsed.of(_rows.placed(lines.len(), *parts), structure)


def _told(frame: pl.DataFrame) -> pl.Series:
    """bool[N], whether records say enough: when, and of a flow between whom."""
    flow = (frame["event.dataset"] == "zeek.conn").fill_null(False)
    whole = frame["source.ip"].is_not_null() & frame["network.transport"].is_not_null()
    return frame["@timestamp"].is_not_null() & (whole | ~flow)


def _headers(lines: pl.Series) -> tuple[dict[int, str], dict[int, str]]:
    """Rows of `#fields` → their texts, and → the `#path` told above them."""
    meta = (lines.str.starts_with("#fields\t") | lines.str.starts_with("#path\t")).fill_null(False)
    meta &= lines.str.len_bytes() < LONGEST_HEADER
    headers, paths, path = {}, {}, ""
    at = meta.arg_true()
    for row, text in zip(at.to_list(), lines.gather(at).to_list(), strict=True):
        if text.startswith("#path"):
            path = text[6:]
        else:
            headers[row], paths[row] = text, path
            path = ""
    return headers, paths


@lru_cache(maxsize=256)
def _path(header: str, path: str, hint: str) -> str | None:
    """Which log a header belongs to; None where it is none of Zeek's."""
    fields = header.split("\t")[1:]
    if "ts" not in fields or len(set(fields)) < len(fields):
        return None
    guess = _zeek_logs.guess(fields)
    if "conn" in (guess, path):  # flows need their fields, whatever the file is called
        return guess
    if re.match(_PATH, path) and (guess or "uid" in fields or path in _zeek_logs.UNTIED):
        return path
    return guess or (hint if hint in _zeek_logs.UNTIED and hint != "conn" else None)


def _tabbed(lines: pl.Series, hint: str) -> tuple[list[pl.DataFrame], pl.Series]:
    """Records of the rows below `#fields` headers, and the mask of `#` lines."""
    structure = lines.str.starts_with("#")
    headers, paths = _headers(lines)
    known = {row: _path(header, paths[row], hint) for row, header in headers.items()}
    if not any(known.values()):
        return [], structure & False
    parts = []
    ours = structure & (pl.Series(range(lines.len()), dtype=pl.Int64) < min(headers))
    named = {row: f"{known[row] or ''}\n{header}" for row, header in headers.items()}
    for text, below in below_headers(lines.len(), named):
        path, _, header = text.partition("\n")
        if not path:
            continue
        comment = structure.gather(below)
        ours = ours.scatter(below.filter(comment), True)
        rows = below.filter(~comment)
        names = header.split("\t")[1:]
        cells, enough = _cut(lines.gather(rows), names, path)
        if not cells.height:
            continue
        told = Table(cells)
        frame = _zeek_logs.records(told, pl.Series([path]).new_from_index(0, cells.height))
        frame = frame.with_columns(rows.filter(enough).alias("_row"))
        parts.append(frame.filter(_told(frame)))
    here = [row for row, path in known.items() if path]
    return parts, ours.scatter(pl.Series(here, dtype=pl.UInt32), True)


def _cut(lines: pl.Series, names: Sequence[str], path: str) -> tuple[pl.DataFrame, pl.Series]:
    """Cells of the lines that have as many as the header, and the mask of these lines."""
    tabs = lines.str.count_matches("\t", literal=True)
    enough = tabs == len(names) - 1
    if path == "conn":  # labelled variants part their last columns by spaces
        enough = tabs >= max(names.index(name) for name in _zeek_logs.NEEDED["conn"])
    cells = (
        lines.filter(enough)
        .str.split_exact("\t", len(names) - 1)
        .struct.rename_fields([str(place) for place in range(len(names))])
        .struct.unnest()
    )
    unset = pl.all().is_in(_UNSET)
    cells = cells.with_columns(pl.when(~unset).then(pl.all()))
    return cells.rename(dict(zip(cells.columns, names, strict=True))), enough


def _paths(told: _json.Documents, hint: str) -> pl.Series:
    """Which log each document belongs to; null where none of Zeek's."""
    named = told.text("_path").str.extract(_PATH.replace("^", "^(").replace("$", ")$"), 1)
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, named.len())
    path = nothing
    said: dict[str, pl.Series] = {}
    for log, needed in _zeek_logs.NEEDED.items():
        if not all(name in told.cells for name in needed):
            continue
        mask = path.is_null()
        for name in needed:
            mask &= said.setdefault(name, told.has(name))
        path = path.zip_with(~mask, pl.Series([log]).new_from_index(0, mask.len()))
    other = named if not hint else named.fill_null(pl.Series([hint]).new_from_index(0, named.len()))
    tied = told.has("id.orig_h") & told.has("uid")
    other = other.fill_null(pl.Series(["log"]).new_from_index(0, named.len()).set(~tied, None))
    sure = tied | other.is_in(list(_zeek_logs.UNTIED)) | named.is_not_null()
    return named.fill_null(path).fill_null(other.set(~sure.fill_null(False), None))


PARSER = Zeek()
