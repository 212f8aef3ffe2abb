"""The column `labels`: JSON objects of what a source said and no column keeps, made column-wise."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

LONGEST = 500
"""Characters of a value that are kept."""


def of(frame: pl.DataFrame, names: Iterable[str] | None = None) -> pl.Series:
    """N rows → one JSON object of the columns that say something; null where none does.

    Columns keep their names; texts are cut at `LONGEST`, empty ones say nothing.
    """
    parts = []
    for name in frame.columns if names is None else names:
        column = frame[name]
        if column.dtype == pl.String:
            column = _short(column)
        if column.null_count() == column.len():
            continue
        # a struct of one field encodes as {"name":value}: the braces go, the pair stays
        pair = column.alias(name).to_frame().to_struct().struct.json_encode().str.slice(1)
        pair = pair.str.head(-1).alias(name)
        parts.append(pair.set(column.is_null(), None))
    if not parts:
        return pl.Series("labels", [None], dtype=pl.String).new_from_index(0, frame.height)
    joined = pl.concat_str(parts, separator=",", ignore_nulls=True)
    return pl.select(
        pl.when(joined.str.len_bytes() > 0).then("{" + joined + "}").alias("labels")
    ).to_series()


def of_pairs(rows: pl.Series, keys: pl.Series, values: pl.Series) -> pl.DataFrame:
    """Rows, keys and texts that belong together → `_row` and `labels` of each row that has any.

    Keys are plain words; a key that comes twice keeps what came first.
    """
    table = pl.DataFrame({"_row": rows, "key": keys, "value": _short(values)}).drop_nulls()
    table = table.unique(["_row", "key"], keep="first", maintain_order=True)
    encoded = table.select(pl.struct("value")).to_series().struct.json_encode().str.slice(9)
    pairs = table.select(
        "_row", pl.concat_str(pl.lit('"'), "key", pl.lit('":'), encoded.str.head(-1)).alias("pair")
    )
    return pairs.group_by("_row", maintain_order=True).agg(
        (pl.lit("{") + pl.col("pair").str.join(",") + pl.lit("}")).alias("labels")
    )


def joined(inner: pl.Series, outer: pl.Series) -> pl.Series:
    """N JSON objects that hold what both say; null where neither says anything."""
    both = inner.str.head(-1) + "," + outer.str.slice(1)
    return both.fill_null(inner).fill_null(outer)


def _short(texts: pl.Series) -> pl.Series:
    if (texts.str.len_bytes() > LONGEST).any():
        texts = texts.str.slice(0, LONGEST)
    texts = texts.set((texts == "").fill_null(False), None)
    if texts.str.contains("\0", literal=True).any():
        texts = texts.str.replace_all("\0", "\ufffd", literal=True)
    return texts
