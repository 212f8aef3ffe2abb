"""Reading small tables by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.readers import FlowTable, read_flows


def of(table: FlowTable, column: str, row: int = 0) -> float:
    """One feature of one flow."""
    return float(table.features[row, FLOW_COLUMNS.index(column)])


def values(table: FlowTable, *columns: str, row: int = 0) -> list[float | None]:
    """Some features of one flow; None for NaN."""
    found = [of(table, column, row) for column in columns]
    return [None if np.isnan(value) else round(value, 3) for value in found]


def read(rows: dict[str, object]) -> FlowTable:
    """The flows of a table made on the spot: columns by name, of one value or a list."""
    return read_flows(
        [pl.DataFrame({k: v if isinstance(v, list) else [v] for k, v in rows.items()})]
    )


def written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path
