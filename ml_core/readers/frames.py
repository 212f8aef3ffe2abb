"""Data files to tables. The only module here that opens them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ml_core.errors import DataError
from ml_core.readers.flows import OURS

if TYPE_CHECKING:
    import polars as pl


def read_frames(paths: Sequence[Path]) -> list[pl.DataFrame]:
    """Parquet or CSV files; DataError, in one line, for those that are neither or are empty."""
    import polars as pl

    frames = []
    for path in paths:
        try:
            if path.suffix == ".parquet":
                frame = pl.read_parquet(path)
            else:
                frame = pl.read_csv(
                    path, infer_schema_length=None, null_values=["", "NaN"], encoding="utf8-lossy"
                )
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{path}: not readable: {str(error).splitlines()[0]}") from error
        if frame.is_empty():
            raise DataError(f"{path}: no rows")
        names = {name: OURS.get(name.strip(), name.strip()) for name in frame.columns}
        if len(set(names.values())) < len(names):
            raise DataError(f"{path}: the same column twice")
        frames.append(frame.rename(names))
    return frames


def labelled(frames: Sequence[pl.DataFrame], columns: str) -> tuple[list[pl.DataFrame], list[str]]:
    """The rows that have a label, and their labels as text.

    `columns` are names joined by commas; of each file the first that it has is its label column.
    """
    import polars as pl

    kept, labels = [], []
    for frame in frames:
        column = next((name for name in columns.split(",") if name in frame.columns), None)
        if column is None:
            raise DataError(f"no column {columns!r} (there are: {', '.join(frame.columns[:6])}, …)")
        told = frame.filter(pl.col(column).is_not_null())
        kept.append(told)
        labels += told[column].cast(pl.String).to_list()
    if not labels:
        raise DataError(f"no row has a label in {columns!r}")
    return kept, labels
