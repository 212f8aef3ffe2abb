"""What a data set calls its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ml_core.errors import DataError
from ml_core.readers import argus, kdd
from ml_core.readers.frames import Table, plain, shown

# Where data sets keep the name of the attack; then where they say no more than that it is one.
USUAL = (
    "attack_type", "injection_type", "attack_cat", "Attack", "Label", "ClassLabel", "class",
    "target", "is_attack",
)  # fmt: skip
# What tools write where there is no label: pandas, Weka, databases.
UNLABELLED = ("", "nan", "none", "null", "na", "n/a", "<na>", "?")


def label_column(table: Table, columns: str = "") -> str:
    """The file's label column: the first it has of `columns` (by comma), or of the usual names."""
    wanted = [name.strip() for name in columns.split(",") if name.strip()] or list(USUAL)
    found = table.find(*wanted)
    if found is None:
        raise DataError(f"{table.name}: no column {' or '.join(map(repr, wanted[:4]))} to take "
                        f"labels from (there are: {shown(list(table.schema))})")  # fmt: skip
    return found


def label_of(table: Table, column: str) -> pl.Expr:
    """The labels as text, null where there is none; UNSW-NB15 leaves the category of what is no
    attack empty, and says 0."""
    told = _told(pl.col(column))
    truth = table.find("Label") if plain(column) == "attackcat" else None
    return told if truth is None else told.fill_null(_told(pl.col(truth)))


def _told(column: pl.Expr) -> pl.Expr:
    label = column.cast(pl.String).str.strip_chars()
    return pl.when(~label.str.to_lowercase().is_in(UNLABELLED)).then(label)


@dataclass
class Labels:
    """The labels of N rows: each distinct one once, and which of them every row has."""

    names: list[str] = field(default_factory=list)
    _codes: list[npt.NDArray[np.int32]] = field(default_factory=list)

    @classmethod
    def empty(cls) -> Labels:
        return cls()

    @property
    def codes(self) -> npt.NDArray[np.int32]:
        """[N] places in `names`, -1 for a row without a label."""
        if len(self._codes) > 1:
            self._codes = [np.concatenate(self._codes)]
        return self._codes[0] if self._codes else np.empty(0, dtype=np.int32)

    @property
    def of_rows(self) -> npt.NDArray[np.str_]:
        """[N] the labels themselves, "" for none."""
        return np.asarray([*self.names, ""], dtype=str)[self.codes]

    def add(
        self, column: pl.Series, name: str, meaning: Callable[[str], str] | None = None
    ) -> None:
        """More rows; a label that is its own column's name is a header in the midst of the rows.

        `meaning` turns a label into another, or into "" where it says nothing.
        """
        seen: dict[str, int] = {}
        for label in column.unique().drop_nulls().sort().to_list():
            said = meaning(label) if meaning else label
            if said and plain(label) != plain(name):
                seen[label] = self._place(said)
        codes = column.replace_strict(seen, default=None, return_dtype=pl.Int32)
        self._codes.append(codes.fill_null(-1).to_numpy().astype(np.int32))

    def _place(self, label: str) -> int:
        if label not in self.names:
            self.names.append(label)
        return self.names.index(label)


def read_labels(sources: Sequence[Path | pl.DataFrame], columns: str = "") -> Labels:
    """The labels of all files' rows; DataError if no row has one."""
    labels = Labels.empty()
    for source in sources:
        table = Table.open(source, lines=True)
        column = label_column(table, columns)
        for batch in table.batches([label_of(table, column).alias("label")]):
            labels.add(batch["label"], column, meaning(table))
    if not labels.names:
        raise DataError("no row has a label")
    return labels


def meaning(table: Table) -> Callable[[str], str] | None:
    """What turns a table's labels into classes, where they are KDD's attacks or CTU-13's flows."""
    if argus.fits(table):
        return argus.class_name
    return kdd.class_name if kdd.read(table) is not None else None
