"""Records of some of the rows, put back among all rows."""

from __future__ import annotations

import polars as pl


def placed(height: int, *parts: pl.DataFrame) -> pl.DataFrame:
    """`height` rows of parts that each tell their rows in `_row` (distinct); null elsewhere."""
    parts = tuple(
        part.with_columns(pl.col("_row").cast(pl.UInt32)) for part in parts if part.height
    )
    if not parts:
        return pl.DataFrame({"event.dataset": [None] * height}, schema={"event.dataset": pl.String})
    together = pl.concat(parts, how="diagonal_relaxed") if len(parts) > 1 else parts[0]
    at = pl.Series("at", [None], dtype=pl.UInt32).new_from_index(0, height)
    at = at.scatter(together["_row"], pl.Series(range(together.height), dtype=pl.UInt32))
    return together.drop("_row").select(pl.all().gather(pl.lit(at)))
