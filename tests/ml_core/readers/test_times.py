"""When flows began, in every way that files write it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from ml_core.readers.times import microseconds, read_clock

NOON = int(datetime(2017, 7, 5, 12, 30, 1, tzinfo=UTC).timestamp() * 1e6)


def times(
    column: pl.Series, unit: float | None = None, half_days: bool = False, coded: bool = False
) -> list[float]:
    found: list[float] = microseconds([read_clock(column)], unit, half_days, coded).tolist()
    return found


@pytest.mark.parametrize(
    "text",
    [
        "2017-07-05 12:30:01",
        " 2017-07-05 12:30:01.000000 ",
        "2017-07-05T12:30:01",
        "2017-07-05T12:30:01Z",
        "2017-07-05T14:30:01.000+02:00",
        "2017-07-05T14:30:01.000000+0200",
        "2017/07/05 12:30:01.0",
        "05-07-2017 12:30:01",
        "Jul  5, 2017 12:30:01.000",
        "Wed Jul  5 12:30:01 2017",
        "05/07/2017 12:30:01",
        "5/7/2017 12:30:01 PM",
        "1499257801",
        "1499257801000",
        "1499257801.0",
    ],
)
def test_one_moment_in_every_form(text: str) -> None:
    assert times(pl.Series([text])) == [NOON]


def test_minutes_alone_and_months_first() -> None:
    assert times(pl.Series(["5/7/2017 12:30"])) == [NOON - 10**6]
    assert times(pl.Series(["07/25/2017 12:30:01"])) == [NOON + 20 * 86_400 * 10**6]


def test_dates_and_numbers_of_any_unit() -> None:
    moment = datetime(2017, 7, 5, 12, 30, 1)
    assert times(pl.Series([moment])) == [NOON]
    for scale in (1e-6, 1e-3, 1.0, 1e3):
        assert times(pl.Series([NOON * scale])) == pytest.approx([NOON], abs=1000)


def test_times_from_a_start_of_their_own() -> None:
    assert times(pl.Series([19.5, 20.0])) == [19.5e6, 20e6]
    assert times(pl.Series([3, 1, 2])) == [3, 1, 2]
    assert times(pl.Series([3, 1, 2]), unit=1e6) == [3e6, 1e6, 2e6]
    assert times(pl.Series([3, 1, 2]), coded=True) == [0, 1, 2]


def test_rows_without_a_time_have_their_predecessors() -> None:
    column = pl.Series([None, "2017-07-05 12:30:01", "Timestamp", "2017-07-05 12:30:02"])
    assert times(column) == [NOON, NOON, NOON, NOON + 10**6]
    assert times(pl.Series(["?", None, ""])) == [0, 1, 2]
    assert times(pl.Series([None, None], dtype=pl.Null)) == [0, 1]


def test_batches_may_be_of_different_kinds() -> None:
    parts = [read_clock(pl.Series([None, None], dtype=pl.String)),
             read_clock(pl.Series(["1499257801", "1499257802"]))]  # fmt: skip
    assert microseconds(parts, None, False, False).tolist() == [NOON, NOON, NOON, NOON + 10**6]


def test_a_clock_of_twelve_hours_is_told_by_its_hours() -> None:
    day = pl.Series(["5/7/2017 8:00", "5/7/2017 12:00", "5/7/2017 1:00"])
    hours = np.diff(times(day, half_days=True)) / 3600e6
    assert hours.tolist() == [4, 1]
    assert (np.diff(times(day)) / 3600e6).tolist() == [4, -11]
    whole = pl.Series(["5/7/2017 8:00", "5/7/2017 13:00", "5/7/2017 1:00"])
    assert (np.diff(times(whole, half_days=True)) / 3600e6).tolist() == [5, -12]


def test_spans_and_hours_are_times_and_lists_are_none() -> None:
    assert times(pl.Series([timedelta(seconds=1), timedelta(seconds=3)])) == [1e6, 3e6]
    assert times(pl.Series([time(0, 0, 1), time(0, 1)])) == [1e6, 60e6]
    assert times(pl.Series([[5], [4]])) == [0, 1]


def test_numbers_between_empty_rows_are_times() -> None:
    said = ["1499257801", None, "", "1499257802", " ", None]
    assert np.diff(times(pl.Series(said))).tolist() == [0, 0, 1e6, 0, 0]


@pytest.mark.filterwarnings("error")
def test_numbers_larger_than_any_time_do_no_harm() -> None:
    assert np.isfinite(times(pl.Series([1e308] * 2))).all()
