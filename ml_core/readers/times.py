"""When flows began, from whatever a file writes: microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

F64 = npt.NDArray[np.float64]

# Day first, as CICFlowMeter writes it, then month first.
_DAY_FIRST = ("%d/%m/%Y %I:%M:%S %p", "%d/%m/%Y %H:%M:%S%.f", "%d/%m/%Y %H:%M")
_FORMS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%+",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    *_DAY_FIRST,
    *(form.replace("%d/%m", "%m/%d") for form in _DAY_FIRST),
    "%Y/%m/%d %H:%M:%S%.f",
    "%d-%m-%Y %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%b %e, %Y %H:%M:%S%.f",
    "%a %b %e %H:%M:%S %Y",
)
_DAY, _HOUR = 86_400e6, 3_600e6


class Clock(NamedTuple):
    """The times of some rows, as read: NaN where a row has none."""

    values: F64  # [N] microseconds, or numbers of a unit to be found
    numeric: bool  # whether they are such numbers
    halves: bool  # whether they may be of a clock with 12 hours, with neither AM nor PM


def read_clock(column: pl.Series) -> Clock:
    """A column of numbers, dates, or text in one of the forms that flow files use."""
    if column.dtype == pl.String:
        return _from_text(column.str.strip_chars())
    if column.dtype in (pl.Categorical, pl.Enum):
        return _from_text(column.cast(pl.String).str.strip_chars())
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        return Clock(np.full(len(column), np.nan), False, False)
    if column.dtype in (pl.Time, pl.Duration):  # since midnight, or since the first
        since = column.cast(pl.Int64) if column.dtype == pl.Time else column.dt.total_nanoseconds()
        return Clock(_floats(since) / 1e3, False, False)
    if column.dtype.is_temporal():
        epoch = column.cast(pl.Datetime("us")).dt.epoch("us")
        return Clock(_floats(epoch), False, False)
    return Clock(_floats(column.cast(pl.Float64, strict=False)), True, False)


def _from_text(column: pl.Series) -> Clock:
    numbers = column.cast(pl.Float64, strict=False)
    told = len(column) - column.replace("", None).null_count()
    if 2 * numbers.count() > told:
        return Clock(_floats(numbers), True, False)
    times = pl.Series([None] * len(column), dtype=pl.Int64)
    halves = False
    for form in _FORMS:
        missing = times.is_null()
        if not missing.any():
            break
        rest = column.filter(missing)
        zoned = form.endswith(("%z", "%+"))
        parsed = rest.str.to_datetime(
            form, time_unit="us", strict=False, time_zone="UTC" if zoned else None
        )
        if parsed.null_count() < len(rest):
            halves |= form in _DAY_FIRST[1:]
            found = pl.Series([None] * len(column), dtype=pl.Int64)
            found = found.scatter(missing.arg_true(), parsed.dt.epoch("us"))
            times = times.fill_null(found)
    if times.null_count() == len(times):  # of day, as Argus' `ra` prints them unless told to
        of_day = column.str.to_time("%H:%M:%S%.f", strict=False)
        times = of_day.cast(pl.Int64) // 1000
    return Clock(_floats(times), False, halves)


def microseconds(parts: Sequence[Clock], unit: float | None, half_days: bool, coded: bool) -> F64:
    """One file's times [N] from those of its batches; a row without one has its predecessor's.

    unit: microseconds of the format's numbers, where it is known and they are not too large for
    it. half_days: of a file whose hours are all from 1 to 12, those below 7 are in the afternoon
    (CSE-CIC-IDS2018 and CIC-IDS2017 lost AM and PM, and were recorded by day). coded: small
    numbers stand for the times, and say nothing. Where nothing is told, the row's place.
    """
    values = np.concatenate([part.values for part in parts])
    numeric = np.repeat([part.numeric for part in parts], [len(part.values) for part in parts])
    told = np.isfinite(values)
    if (numeric & told).any():
        scale = _scale(values[numeric & told], unit)
        if scale is None:
            told &= ~numeric | (not coded)
        values = np.where(numeric, values * (scale or 1.0), values)
    if not told.any():
        return np.arange(len(values), dtype=np.float64)
    if half_days and any(part.halves for part in parts):
        hour = np.where(told, values % _DAY // _HOUR, 12)
        if hour.min() >= 1 and hour.max() <= 12:
            values = values + np.where(hour < 7, _DAY / 2, 0.0)
    last = np.maximum.accumulate(np.where(told, np.arange(len(values)), -1))
    last[last < 0] = np.argmax(told)
    return values[last]


def _scale(values: F64, unit: float | None) -> float | None:
    """Microseconds of the unit that numbers since 1970 are in; None for other numbers."""
    with np.errstate(over="ignore"):  # of two that are larger than any time
        size = float(np.median(values))
    for least, scale in ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3)):
        if size >= least:
            return scale
    if unit is not None:
        return unit
    if size >= 1e8 or (values % 1 != 0).any():
        return 1e6
    return None


def _floats(series: pl.Series) -> F64:
    return series.cast(pl.Float64).to_numpy().astype(np.float64, copy=False)
