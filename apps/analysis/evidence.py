"""The records behind findings: which rows of a frame each of them stands on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from apps.contracts import Finding

Rows = npt.NDArray[np.int64]


class Evidence:
    """A frame with a way from record ids to its rows.

    A frame without `record.id` is one in memory: a record's id is its row number there.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.ids: Rows = (
            frame["record.id"].to_numpy().astype(np.int64)
            if "record.id" in frame.columns
            else np.arange(frame.height, dtype=np.int64)
        )
        self._order = np.argsort(self.ids, kind="stable")
        self._sorted = self.ids[self._order]

    def rows(self, records: Iterable[int]) -> Rows:
        """Row numbers of the records that the frame holds, ascending, each once."""
        wanted = np.unique(np.fromiter(records, dtype=np.int64))
        if not len(wanted) or not len(self._sorted):
            return np.empty(0, dtype=np.int64)
        place = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        return np.sort(self._order[place[self._sorted[place] == wanted]])

    def of(self, findings: Sequence[Finding]) -> pl.DataFrame:
        """The rows behind any of `findings`, in the frame's order, `record.id` included."""
        records: set[int] = set()
        for finding in findings:
            records.update(finding.records)
        return self.take(self.rows(records))

    def take(self, rows: Rows) -> pl.DataFrame:
        return self.frame[rows].with_columns(pl.Series("record.id", self.ids[rows], pl.Int64))


def spread(count: int, most: int) -> Rows:
    """At most `most` positions of range(count), evenly spread, the first and the last among them."""
    if count <= most:
        return np.arange(count, dtype=np.int64)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.int64))
