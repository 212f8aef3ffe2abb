"""What parsers of text logs share: heads taken off, zones, records of many lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from apps.acquisition.frames import INSTANT
from apps.acquisition.parsers import _syslog

_HEADED = (
    r"^(?:<\d{1,3}>|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* [^\s\[])"
)
_HOURS = {
    **dict.fromkeys(("UTC", "GMT", "Z", "WET"), 0),
    **dict.fromkeys(("CET", "WEST"), 1),
    **dict.fromkeys(("CEST", "EET", "SAST"), 2),
    **dict.fromkeys(("EEST", "MSK"), 3),
    **dict.fromkeys(("HKT", "SGT"), 8),
    **dict.fromkeys(("JST", "KST"), 9),
    **{"AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13},
    **{"EDT": -4, "EST": -5, "CDT": -5, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8},
}
"""Hours before UTC of abbreviations that mean one zone; others (IST, BST, CST) mean several."""
_LONGEST_ZONE = 40  # to look up a name that no zone bears takes the longer, the longer it is


def bodies(lines: pl.Series, received: datetime) -> pl.DataFrame:
    """N lines → what the program wrote (`body`), and `host`, `program`, `pid`, `time` of the
    syslog head in front of it; null where the line came bare."""
    height = lines.len()
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    whole = pl.DataFrame(dict.fromkeys(("host", "program", "pid"), nothing)).with_columns(
        lines.alias("body"), nothing.cast(INSTANT).alias("time")
    )
    rows = lines.str.contains(_HEADED).fill_null(False).arg_true()
    if not rows.len():
        return whole
    head = _syslog.split(lines.gather(rows), received)
    headed = head["message"].is_not_null()
    rows, head = rows.filter(headed), head.filter(headed)
    return whole.with_columns(
        *(whole[name].scatter(rows, head[name]) for name in ("host", "program", "pid", "time")),
        whole["body"].scatter(rows, head["message"]),
    )


def groups(texts: pl.Series, pattern: str) -> pl.DataFrame:
    """The named groups of `pattern` in N texts; all null where it does not match."""
    return texts.str.extract_groups(pattern).struct.unnest()


def below(claimed: pl.Series, candidates: pl.Series) -> pl.Series:
    """bool[N], candidates that stand right below a claimed row or below one another there."""
    table = pl.DataFrame({"claimed": claimed, "able": candidates & ~claimed})
    owned = pl.when("claimed").then(True).when(~pl.col("able")).then(False).forward_fill()
    return table.select((pl.col("able") & owned.fill_null(False)).alias("below")).to_series()


def of_above(values: pl.Series, below: pl.Series, claimed: pl.Series) -> pl.Series:
    """`values`, where a row is `below` that of the claimed row above it."""
    table = pl.DataFrame({"value": values, "below": below, "claimed": claimed})
    told = pl.when("claimed").then(pl.struct("value")).forward_fill().struct.field("value")
    return table.select(pl.when("below").then(told).otherwise("value").alias("value")).to_series()


def zoned(times: pl.Series, zones: pl.Series) -> pl.Series:
    """Local times with the zones written behind them ("CET", "+02", "Europe/Paris") as UTC.

    A zone that is missing or means several is taken as UTC.
    """
    known = zones.filter((zones.str.len_bytes() <= _LONGEST_ZONE).fill_null(False)).unique()
    distinct = [zone for zone in known.to_list() if zone and _HOURS.get(zone) != 0]
    for zone in distinct[:100]:
        here = (zones == zone).fill_null(False)
        times = times.zip_with(~here, _moved(times.filter(here), zone, here))
    return times


def told(values: pl.Series, nothing: Sequence[str] = ("-", "")) -> pl.Series:
    """`values` without the words for nothing."""
    return values.set(values.is_in(nothing).fill_null(False), None)


def _moved(times: pl.Series, zone: str, here: pl.Series) -> pl.Series:
    if zone in _HOURS:
        moved = times.dt.offset_by(f"{-_HOURS[zone]}h")
    elif zone[0] in "+-" and zone[1:].replace(":", "").isdecimal():
        digits = zone[1:].replace(":", "").ljust(4, "0")[:4]
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        moved = times.dt.offset_by(f"{-minutes if zone[0] == '+' else minutes}m")
    elif "/" in zone:
        try:
            local = times.dt.replace_time_zone(None).dt.replace_time_zone(
                zone, ambiguous="earliest", non_existent="null"
            )
            moved = local.dt.convert_time_zone("UTC").cast(INSTANT)
        except pl.exceptions.PolarsError:
            moved = times
    else:
        moved = times
    whole = pl.Series([None], dtype=INSTANT).new_from_index(0, here.len())
    return whole.scatter(here.arg_true(), moved)
