"""How far what a model sees now has moved from what it was tuned on; no labels needed.

A model keeps a profile of its validation part: of every column its distribution, class by class.
New rows are compared with the profile mixed in *their* shares of verdicts, so that a quiet day, or
a day of scans, is not taken for another network. Two measures a column: the population stability
index PSI = Σ (p - q) log(p / q) over ten bins (B. Yurdakul, "Statistical properties of population
stability index", 2018, whose section 3 gives the expectation under no change that is taken off
here), and the two-sample Kolmogorov-Smirnov distance. The last column is the open-set score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_core.stored import Arrays, Numbers, check

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NOVELTY = "novelty"  # the open-set score's name among the columns
STABLE, MOVED, STRANGE = "stable", "moved", "strange"
# Of the index. Credit scoring's rule of thumb calls a PSI above 0.25 a shift; later days of one
# network come to a few tenths, other networks to several (docs/models/tables.md, drift).
LIMITS = (0.25, 1.0)
LEAST = 100  # rows below which nothing is said
TEXT_MEASURES = (
    "length",
    "letters",
    "capitals",
    "digits",
    "blanks",
    "signs",
    "beyond ASCII",
    "different characters",
)
_POINTS = 101  # quantiles a column is kept as
_BINS = 10
_MOST = 20_000  # texts that are measured


@dataclass(frozen=True)
class ColumnDrift:
    """One column, as it was and as it is."""

    name: str
    psi: float
    ks: float  # 0..1


@dataclass(frozen=True)
class Drift:
    """What became of N rows' columns; the most moved first."""

    rows: int
    index: float  # mean PSI over the columns, or the open-set score's where that is more
    level: str  # stable below LIMITS[0], strange above LIMITS[1], moved between
    novelty: ColumnDrift  # of the open-set score
    p_value: float  # of the open-set score's two samples being one (Kolmogorov-Smirnov)
    columns: tuple[ColumnDrift, ...]

    @property
    def moved(self) -> tuple[str, ...]:
        """The columns that have moved by themselves."""
        return tuple(column.name for column in self.columns if column.psi > LIMITS[0])


@dataclass(frozen=True)
class Profile:
    """Distributions of F columns in each of C classes (as the model calls them), by quantiles."""

    names: tuple[str, ...]  # [F], NOVELTY last
    grid: F64  # [F, G] quantiles of all rows, rising
    shares: F64  # [C, F, G] of the class's told values, those up to each point of the grid
    missing: F64  # [C, F] share of the class's rows whose value is not told
    rows: Ints  # [C]

    @classmethod
    def fit(
        cls,
        names: Sequence[str],
        values: npt.ArrayLike,
        label: Ints,
        distance: npt.ArrayLike,
        classes: int,
    ) -> Profile:
        """From values [N, F - 1] (NaN: not told), verdicts [N] and open-set scores [N]."""
        X = _joined(values, distance)
        grid = np.stack([_quantiles(column) for column in X.T])
        rows = np.bincount(label, minlength=classes)
        # a class that nothing was called so far is taken for the mixture of all
        parts = [X[label == c] if rows[c] else X for c in range(classes)]
        shares = np.stack([[_up_to(v, g) for v, g in zip(x.T, grid, strict=True)] for x in parts])
        missing = np.stack([np.isnan(x).mean(axis=0) for x in parts])
        return cls((*names, NOVELTY), grid, shares, missing, rows)

    def drift(self, values: npt.ArrayLike, label: Ints, distance: npt.ArrayLike) -> Drift | None:
        """Of rows [N] seen now; None for fewer than LEAST, which can tell nothing."""
        from scipy.stats import kstwobign

        X = _joined(values, distance)
        if len(X) < LEAST:
            return None
        mix = np.bincount(label, minlength=len(self.rows)) / len(label)  # [C]
        missing = mix @ self.missing  # [F]
        told = mix[:, None] * (1 - self.missing)  # [C, F]
        told /= np.maximum(told.sum(axis=0), 1e-12)
        then = np.einsum("cf,cfg->fg", told, self.shares)  # [F, G]
        noise = 1 / len(X) + 1 / max(int(self.rows.sum()), 1)
        columns = [
            _compare(name, X[:, i], self.grid[i], then[i], float(missing[i]), noise)
            for i, name in enumerate(self.names)
        ]
        novelty, others = columns[-1], columns[:-1]
        mean = float(np.mean([column.psi for column in others])) if others else 0.0
        index = max(mean, novelty.psi)
        level = STABLE if index < LIMITS[0] else MOVED if index <= LIMITS[1] else STRANGE
        others.sort(key=lambda column: -column.psi)
        p_value = float(kstwobign.sf(novelty.ks / np.sqrt(noise)))
        return Drift(len(X), index, level, novelty, p_value, tuple(others))

    def tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything but the names, to be stored."""
        return {
            "grid": self.grid.astype(np.float32),
            "shares": self.shares.astype(np.float32),
            "missing": self.missing.astype(np.float32),
            "rows": self.rows,
        }

    @classmethod
    def of(cls, names: Sequence[str], tensors: Arrays, classes: int) -> Profile:
        """What was stored. ValueError if it is not that."""
        columns = len(names)
        expected = {
            "grid": Numbers((columns, _POINTS)),
            "shares": Numbers((classes, columns, _POINTS), 0, 1),
            "missing": Numbers((classes, columns), 0, 1),
            "rows": Numbers((classes,), 0),
        }
        check(tensors, expected, "drift.")
        grid, shares, missing = (
            tensors[name].astype(np.float64) for name in ("grid", "shares", "missing")
        )
        rows = tensors["rows"].astype(np.int64)
        if (np.diff(grid) < 0).any():
            raise ValueError("drift.grid does not rise")
        return cls(tuple(names), grid, shares, missing, rows)


def text_measures(texts: Sequence[str]) -> F32:
    """TEXT_MEASURES of N texts [N, 8]: length in characters (its logarithm), then shares of it."""
    table = np.zeros((len(texts), len(TEXT_MEASURES)), dtype=np.float32)
    for i, text in enumerate(texts):
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        if not len(codes):
            continue
        low, high = (codes >= 97) & (codes <= 122), (codes >= 65) & (codes <= 90)
        digits, blanks = (codes >= 48) & (codes <= 57), codes <= 32
        beyond = codes > 126
        signs = ~(low | high | digits | blanks | beyond)
        kinds = (low | high, high, digits, blanks, signs, beyond)
        table[i, 0] = np.log1p(len(codes))
        table[i, 1:7] = [kind.mean() for kind in kinds]
        table[i, 7] = len(np.unique(codes)) / len(codes)
    return table


def chosen(count: int) -> Ints:
    """Which of `count` rows to measure: all, or evenly spread ones."""
    return np.unique(np.linspace(0, count - 1, min(count, _MOST)).astype(np.int64))


def _joined(values: npt.ArrayLike, distance: npt.ArrayLike) -> F64:
    """[N, F] as stored: float32, so that a value equals its own quantile."""
    score = np.asarray(distance, dtype=np.float32)
    columns = np.asarray(values, dtype=np.float32).reshape(len(score), -1)
    return np.column_stack([columns, score]).astype(np.float64)


def _quantiles(column: F64) -> F64:
    told = column[~np.isnan(column)]
    if not len(told):
        return np.zeros(_POINTS)
    # of values that occur: a quantile between two of them would split no rows
    points = np.quantile(told, np.linspace(0, 1, _POINTS), method="inverted_cdf")
    return np.asarray(points, dtype=np.float64)


def _up_to(column: F64, grid: F64) -> F64:
    """Share of the told values up to each point of the grid; ones if none is told."""
    told = np.sort(column[~np.isnan(column)])
    if not len(told):
        return np.ones(len(grid))
    return np.asarray(np.searchsorted(told, grid, side="right") / len(told))


def _compare(
    name: str, column: F64, grid: F64, then: F64, missing: float, noise: float
) -> ColumnDrift:
    now = _up_to(column, grid)
    untold = float(np.isnan(column).mean())
    distance = float(np.abs(now - then).max()) if untold < 1 and missing < 1 else 0.0
    ks = max(distance, abs(untold - missing))
    # equal quantiles are one border: a bin is what lies between two different ones
    borders = np.unique(np.linspace(0, len(grid) - 1, _BINS + 1).round().astype(int)[1:-1])
    borders = borders[np.unique(grid[borders], return_index=True)[1]]
    p, q = (
        np.append(np.diff(np.concatenate([[0.0], share[borders], [1.0]])) * (1 - gone), gone)
        for share, gone in ((now, untold), (then, missing))
    )
    bins = (p + q) > 0
    # half a row in every bin: an empty one is no infinite surprise
    half = noise / 2
    p, q = ((share[bins] + half) / (1 + half * bins.sum()) for share in (p, q))
    psi = float(((p - q) * np.log(p / q)).sum() - (bins.sum() - 1) * noise)
    return ColumnDrift(name, max(psi, 0.0), ks)
