"""The head of a syslog line as daemons write it to files: RFC 3164, or with ISO 8601 times."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from apps.acquisition.frames import INSTANT, instants

HEAD = (
    r"^(?:<\d{1,3}>)?"
    r"(?:(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d)(?:\.\d+)?"
    r"|(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)) "
    r"(?P<host>\S+) "
)
_LINE = HEAD + (
    r"(?P<program>[^\s\[\]:()]+)(?P<module>\([^)]*\))?(?:\[(?P<pid>\d+)\])?: *(?P<message>.*)$"
)
_AHEAD = timedelta(days=1)  # clocks and time zones ahead of ours
_LEAP_CYCLE = 8  # there is a 29 February in every eight years in a row, even around 2100


def split(lines: pl.Series, received: datetime) -> pl.DataFrame:
    """N lines → time, host, program, module ("(pam_unix)"), pid, message; null where no syslog."""
    found = lines.str.extract_groups(_LINE).struct.unnest()
    time = instants(found["iso"]) if found["iso"].null_count() < found.height else None
    if found["month"].null_count() < found.height:
        yearless = with_year(found["month"], found["day"], found["clock"], received)
        time = yearless if time is None else time.fill_null(yearless)
    if time is None:
        time = pl.Series([None], dtype=INSTANT).new_from_index(0, found.height)
    return found.select("host", "program", "module", "pid", "message").with_columns(
        time.alias("time")
    )


def with_year(month: pl.Series, day: pl.Series, clock: pl.Series, received: datetime) -> pl.Series:
    """Times that carry no year, in the latest year that does not lie after their reception.

    So around New Year the lines of December get the old year and those of January the new one.
    A 29 February moves all lines of the batch back to years in which it exists: they belong
    together.
    """
    text = pl.select(pl.concat_str(pl.lit(month), day.str.zfill(2), pl.lit(clock), separator=" "))
    limit = received + _AHEAD
    some_year = _in_year(text.to_series(), 2000)  # a leap year, to tell real days from others
    later = (some_year > limit.replace(year=2000)).fill_null(False)
    for back in range(_LEAP_CYCLE):
        this = _in_year(text.to_series(), limit.year - back)
        last = _in_year(text.to_series(), limit.year - back - 1)
        chosen = last.zip_with(later, this)
        if chosen.null_count() == some_year.null_count():
            break
    return chosen


def _in_year(text: pl.Series, year: int) -> pl.Series:
    return (f"{year} " + text).str.to_datetime(
        "%Y %b %d %H:%M:%S", time_unit="us", time_zone="UTC", strict=False
    )
