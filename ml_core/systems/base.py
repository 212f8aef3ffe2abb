"""What a system is given and what it must answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError

Ints = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Windows:
    """M windows over R flows: the flows once, the windows as indices into them."""

    rows: F32  # [R, F] scaled
    index: Ints  # [M, T] rows of each window, oldest first, -1 after the last

    def __post_init__(self) -> None:
        if self.rows.ndim != 2 or self.index.ndim != 2:
            raise DataError("windows need rows [R, F] and an index [M, T]")
        if len(self.index) and self.index[:, 0].min() < 0:
            raise DataError("a window holds at least one flow")

    def __len__(self) -> int:
        return len(self.index)

    @property
    def lengths(self) -> Ints:
        """Flows in each window: [M], in 1..T."""
        return np.asarray((self.index >= 0).sum(axis=1), dtype=np.int64)

    def last(self) -> F32:
        """The flow that is judged: [M, F]."""
        return self.rows[self.index[np.arange(len(self)), self.lengths - 1]]

    def take(self, windows: npt.NDArray[np.int64 | np.bool_]) -> Windows:
        """Some of the windows, over the same flows."""
        return replace(self, index=self.index[windows])

    def with_rows(self, rows: F32) -> Windows:
        """The same windows over other features of the same flows [R, F']."""
        return replace(self, rows=rows)


Validation = tuple[Windows, Ints]


class System(Protocol):
    """A classifier of windows into classes 0..C-1."""

    def fit(self, windows: Windows, y: Ints, validation: Validation | None = None) -> Self:
        """Learn from M windows and their classes y [M].

        `validation` is for what a system chooses by it: when to stop, which features to keep.
        DataError where fewer than two classes are to be told apart.
        """
        ...

    def predict(self, windows: Windows) -> Ints:
        """The most likely class of each window [M]."""
        ...

    def predict_proba(self, windows: Windows) -> F32:
        """[M, C], rows that sum to one; zero for a class that was never seen in `fit`."""
        ...


class Judge:
    """`predict` by `predict_proba`, which a system adds."""

    def predict_proba(self, windows: Windows) -> F32:
        raise NotImplementedError

    def predict(self, windows: Windows) -> Ints:
        return np.asarray(self.predict_proba(windows).argmax(axis=1), dtype=np.int64)


def check(windows: Windows, y: Ints, classes: int) -> None:
    """DataError, in one line, for what no system can learn from."""
    if len(windows) != len(y):
        raise DataError(f"{len(windows)} windows, but {len(y)} classes")
    if len(np.unique(y)) < 2:
        raise DataError("nothing to tell apart: fewer than two classes to learn from")
    if y.min() < 0 or y.max() >= classes:
        raise DataError(f"classes must lie in 0..{classes - 1}")


def spread(p: npt.NDArray[np.floating], known: Ints, classes: int) -> F32:
    """Probabilities [M, K] of the classes `known` [K] as [M, C], zero for the others."""
    out = np.zeros((len(p), classes), dtype=np.float32)
    out[:, known] = p
    return out


def thin(y: Ints, most: int, seed: int) -> Ints:
    """At most `most` of the rows, in order; every class keeps its share, and at least one row."""
    if len(y) <= most:
        return np.arange(len(y))
    rng = np.random.default_rng(seed)
    kept = [
        rng.choice(rows, max(1, round(most * len(rows) / len(y))), replace=False)
        for rows in (np.flatnonzero(y == c) for c in np.unique(y))
    ]
    return np.sort(np.concatenate(kept))
