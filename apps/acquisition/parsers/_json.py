"""JSON lines into columns: what every parser of JSON logs begins with.

Lines are decoded one by one, so that a malformed one costs none of its neighbours, and then taken
apart by shape: documents with the same keys are cut into columns together. That is faster than
reading them by a schema, and nothing the schema does not know is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec
import polars as pl

from apps.acquisition.documents import BAD_JSON
from apps.acquisition.frames import INSTANT, instants, integers, since_epoch

LONGEST_LABEL = 500
"""Characters of a value that are kept in `labels`."""
LONGEST_NAME = 100
MOST_LABELS = 100

_DEEPEST = 12  # documents nested deeper keep what lies there as JSON text
_DECODE = msgspec.json.Decoder().decode
_ENCODE = msgspec.json.Encoder().encode
_OBJECT = r"^\s*\{"
_INTEGERS = range(-(2**63), 2**63)

Cells = dict[str, tuple[list[int], list[Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class Documents:
    """N lines as documents. A path names a value by its keys joined by dots, nested or dotted.

    What is asked for by path counts as taken; `labels` gives the rest.

    Attributes:
        known: bool[N], lines that are JSON objects.
        cells: path → the rows that say something there, and what: no dicts, no nulls.
    """

    known: pl.Series
    cells: Cells
    taken: set[str] = field(default_factory=set)

    def raw(self, path: str) -> tuple[Sequence[int], Sequence[Any]]:
        """Rows and values at a path, as they were decoded; it counts as taken."""
        self.taken.add(path)
        return self.cells.get(path, ((), ()))

    def text(self, *paths: str) -> pl.Series:
        """N texts: the first of the paths that a line says. Lists are joined by spaces."""
        columns = [self.column(*self.raw(path)) for path in paths]
        whole = columns[0]
        for column in columns[1:]:
            whole = whole.fill_null(column)
        return whole

    def integer(self, *paths: str) -> pl.Series:
        return integers(self.text(*paths))

    def number(self, *paths: str) -> pl.Series:
        """N finite floats."""
        numbers = self.text(*paths).cast(pl.Float64, strict=False)
        return numbers.set((~numbers.is_finite()).fill_null(False), None)

    def time(self, *paths: str) -> pl.Series:
        """N times: ISO 8601, or seconds or milliseconds since 1970."""
        texts = self.text(*paths)
        if texts.dtype == pl.String and not texts.str.contains("-", literal=True).any():
            return since_epoch(texts.cast(pl.Float64, strict=False)).cast(INSTANT)
        return instants(texts)

    def has(self, path: str) -> pl.Series:
        """bool[N], whether a line says something at a path; it does not count as taken."""
        rows = self.cells.get(path, ((), ()))[0]
        mask = pl.Series([False], dtype=pl.Boolean).new_from_index(0, self.known.len())
        return mask.scatter(pl.Series(rows, dtype=pl.UInt32), True) if rows else mask

    def labels(
        self,
        *,
        names: Mapping[str, str] | None = None,
        without: Sequence[str] = (),
        more: Mapping[str, pl.Series] | None = None,
    ) -> pl.Series:
        """N JSON objects of what nobody asked for, and of `more`; null where nothing is left.

        `names` gives other names to paths; `without` are prefixes of paths that say nothing.
        """
        height = self.known.len()
        said: list[dict[str, Any] | None] = [None] * height
        for path, (rows, values) in self.cells.items():
            if path in self.taken or (without and path.startswith(tuple(without))):
                continue
            name = (names.get(path, path) if names else path)[:LONGEST_NAME].replace("\0", "\ufffd")
            for row, value in zip(rows, _short(values), strict=True):
                known = said[row]
                if known is None:
                    said[row] = {name: value}
                elif len(known) < MOST_LABELS:
                    known[name] = value
        for name, column in (more or {}).items():
            told = column.drop_nulls()
            rows = column.is_not_null().arg_true().to_list()
            for row, value in zip(rows, _short(told.to_list()), strict=True):
                known = said[row]
                if known is None:
                    said[row] = {name: value}
                else:
                    known[name] = value
        texts = [None if labels is None else _ENCODE(labels).decode() for labels in said]
        return pl.Series("labels", texts, dtype=pl.String)

    def column(self, rows: Sequence[int], values: Sequence[Any]) -> pl.Series:
        """N texts from the values of some rows."""
        height = self.known.len()
        texts = _texts(values)
        if len(rows) == height and (not rows or (rows[0] == 0 and rows[-1] == height - 1)):
            ordered = all(map(int.__eq__, rows, range(height)))
            if ordered:
                return texts
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)
        if not rows:
            return nothing
        return nothing.scatter(pl.Series(rows, dtype=pl.UInt32), texts)


def read(lines: pl.Series, *, only: pl.Series | None = None) -> Documents:
    """N lines → documents. `only` (bool[N]) spares looking at the others."""
    able = lines.str.contains(_OBJECT)
    able = (able & only if only is not None else able).fill_null(False)
    at = able.arg_true()
    rows, documents = [], []
    for row, line in zip(at.to_list(), lines.gather(at).to_list(), strict=True):
        try:
            document = _DECODE(line)
        except BAD_JSON:
            continue
        rows.append(row)
        documents.append(document)
    cells: Cells = {}
    _cut("", rows, documents, cells, 1)
    known = pl.Series([False], dtype=pl.Boolean).new_from_index(0, lines.len())
    return Documents(known.scatter(pl.Series(rows, dtype=pl.UInt32), True), cells)


def _cut(
    prefix: str, rows: list[int], documents: list[dict[str, Any]], cells: Cells, depth: int
) -> None:
    """Documents into columns, those with the same keys together."""
    shapes: dict[tuple[str, ...], list[int]] = {}
    for place, keys in enumerate(map(tuple, documents)):
        shapes.setdefault(keys, []).append(place)
    for keys, places in shapes.items():
        if len(shapes) == 1:
            mine, theirs = rows, documents
        else:
            mine, theirs = [rows[place] for place in places], [documents[p] for p in places]
        flat = list(chain.from_iterable(map(dict.values, theirs)))
        for place, key in enumerate(keys):
            _put(prefix + key, mine, flat[place :: len(keys)], cells, depth)


def _put(path: str, rows: list[int], values: list[Any], cells: Cells, depth: int) -> None:
    kinds = set(map(type, values))
    if dict in kinds:
        if depth >= _DEEPEST:
            values = [_ENCODE(v).decode() if isinstance(v, dict) else v for v in values]
        elif len(kinds) == 1:
            _cut(path + ".", rows, values, cells, depth + 1)
            return
        else:
            inner = [isinstance(value, dict) for value in values]
            _cut(
                path + ".",
                [row for row, deep in zip(rows, inner, strict=True) if deep],
                [value for value in values if isinstance(value, dict)],
                cells,
                depth + 1,
            )
            rows = [row for row, deep in zip(rows, inner, strict=True) if not deep]
            values = [value for value in values if not isinstance(value, dict)]
    if type(None) in kinds:
        rows = [row for row, value in zip(rows, values, strict=True) if value is not None]
        values = [value for value in values if value is not None]
    if not values:
        return
    if path in cells:
        known = cells[path]
        known[0].extend(rows)
        known[1].extend(values)
    else:
        cells[path] = (list(rows), values)


def _texts(values: Sequence[Any]) -> pl.Series:
    kinds = set(map(type, values))
    if kinds <= {str, type(None)}:
        return pl.Series(values, dtype=pl.String)
    if kinds == {int} and min(values) in _INTEGERS and max(values) in _INTEGERS:
        return pl.Series(values, dtype=pl.Int64).cast(pl.String)
    return pl.Series(
        [v if v is None or isinstance(v, str) else text_of(v) for v in values], dtype=pl.String
    )


def text_of(value: Any) -> str:
    """A decoded value as text: lists joined by spaces, what is nested in them as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(
            _ENCODE(item).decode() if isinstance(item, dict | list) else text_of(item)
            for item in value
            if item is not None
        )
    return value if isinstance(value, str) else str(value)


def _short(values: Sequence[Any]) -> Sequence[Any]:
    """Values as `labels` keeps them: numbers, booleans, and texts that are not long."""
    kinds = set(map(type, values))
    if kinds <= {bool, float}:
        return values
    if kinds == {int} and min(values) in _INTEGERS and max(values) in _INTEGERS:
        return values
    return [_shortened(value) for value in values]


def _shortened(value: Any) -> Any:
    if isinstance(value, bool | float) or (isinstance(value, int) and value in _INTEGERS):
        return value
    text = value if isinstance(value, str) else text_of(value)
    if len(text) > LONGEST_LABEL:
        text = text[: LONGEST_LABEL - 1] + "…"
    return text.replace("\0", "\ufffd") if "\0" in text else text
