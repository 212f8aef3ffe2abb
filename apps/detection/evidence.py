"""What every tool needs: a frame made ready, sliding windows, and rows brought back as evidence.

A frame holds one record a row, with the columns of `contracts.RECORD_COLUMNS`; `record.id` (Int64)
names a record and `tocsin.fresh` (Boolean) says that it belongs to the batch at hand rather than
to the ten minutes before it, which are there only as context.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import log10
from typing import Any

import polars as pl

from apps.acquisition.frames import SCHEMA
from apps.protection.masking import mask

TIME, RECORD, FRESH = "@timestamp", "record.id", "tocsin.fresh"
STRANGE = "tocsin.strange"
"""What is strange in a request at its site (`habits.marked`); null where nothing is."""

STRANGE_KIND = pl.List(
    pl.Struct(
        {
            "path": pl.String(),
            "name": pl.String(),  # of a parameter; null: which parameters came together
            "value": pl.String(),  # its value; of such, the names
            "rare": pl.UInt64(),  # the traits that hardly any had
            "rarest": pl.Float32(),  # things that had its rarest trait …
            "seen": pl.Float32(),  # … of so many
        }
    )
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ready(frame: pl.DataFrame, received: datetime | None = None) -> pl.DataFrame:
    """`frame` with every column a tool may ask for.

    A frame that never was in the store gets row numbers as `record.id`, and all of it is fresh.
    Records without a time of their own get `received`, where it is given.
    """
    if RECORD not in frame.columns:
        frame = frame.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(RECORD))
    if FRESH not in frame.columns:
        frame = frame.with_columns(pl.lit(True).alias(FRESH))
    columns = SCHEMA | {STRANGE: STRANGE_KIND}
    absent = [
        pl.lit(None, kind).alias(name)
        for name, kind in columns.items()
        if name not in frame.columns
    ]
    frame = frame.with_columns(absent)
    return frame if received is None else frame.with_columns(pl.col(TIME).fill_null(received))


WEB_REQUESTS = (
    (pl.col("event.category") == "web")
    & pl.col("source.ip").is_not_null()
    & ~pl.col("event.dataset").str.contains(r"\.error$|^php").fill_null(False)
)
"""Web requests of known sources. What a server's error log says of one comes on top of what its
access log says, and would count it twice."""


def web_requests(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(WEB_REQUESTS)


def crossings(
    rows: pl.DataFrame,
    key: Sequence[str],
    *,
    span: timedelta,
    counts: Mapping[str, pl.Expr],
    over: pl.Expr,
) -> pl.DataFrame:
    """The windows of length `span` in which the `counts` of one `key` are `over` a threshold.

    Windows begin at every half span, counted from 1970, so a burst of half a span or less lies
    whole in one of them, and neither the order of the rows nor the cut of the batches matters.

    Returns:
        `key`, `window` (Datetime, its start) and `counts`, one row a crossing.
    """
    every = timedelta(seconds=max(1, span.total_seconds() // 2))
    return (
        rows.filter(pl.col(TIME).is_not_null())
        .sort(TIME)
        .group_by_dynamic(TIME, every=every, period=span, group_by=list(key))
        .agg(**counts)
        .filter(over)
        .rename({TIME: "window"})
    )


def within(
    rows: pl.DataFrame, windows: pl.DataFrame, key: Sequence[str], span: timedelta
) -> pl.DataFrame:
    """The rows of `key` that lie in one of its `windows`, each once.

    Windows of one key that overlap or follow each other are read as one long one.
    """
    names = list(key)
    reach = (
        windows.select(*names, start="window", end=pl.col("window") + span)
        .sort(*names, "start")
        .with_columns(gap=(pl.col("start") > pl.col("end").shift().over(names)).fill_null(True))
        .with_columns(episode=pl.col("gap").cum_sum().over(names))
        .group_by(*names, "episode")
        .agg(pl.col("start").min(), pl.col("end").max())
    )
    return (
        rows.join(reach, on=names, nulls_equal=True)
        .filter(pl.col(TIME).is_between("start", "end", closed="left"))
        .drop("start", "end", "episode")
        .unique(RECORD)
    )


def peaks(windows: pl.DataFrame, key: Sequence[str], by: str) -> pl.DataFrame:
    """Of the crossings of each `key`, the one with the most `by`; the earliest if several."""
    return windows.sort(by, "window", descending=[True, False]).unique(
        list(key), keep="first", maintain_order=True
    )


SEEN = (
    pl.col(RECORD).sort().alias("records"),
    pl.col(TIME).min().alias("first"),
    pl.col(TIME).max().alias("last"),
    pl.col(FRESH).any().alias("any_fresh"),
)
"""What every group of rows must tell: its record ids, its first and last time, whether it is new."""


def new(groups: pl.DataFrame, *order: str) -> Iterator[dict[str, Any]]:
    """The groups (aggregated with `SEEN`) that hold a fresh record, in a settled order."""
    fresh = groups.filter("any_fresh").with_columns(
        pl.col("first").fill_null(_EPOCH), pl.col("last").fill_null(_EPOCH)
    )
    return fresh.sort("first", *order, nulls_last=True).iter_rows(named=True)


def top(column: str, most: int = 5) -> pl.Expr:
    """Aggregates a text column to its `most` frequent values, ties in alphabetical order."""
    values = pl.col(column).drop_nulls().sort()
    by_frequency = values.unique(maintain_order=True).sort_by(
        values.unique_counts(), descending=True, maintain_order=True
    )
    return by_frequency.head(most)


def grade(base: int, seen: float, threshold: float, *, step: int = 10, most: int = 95) -> int:
    """A severity: `base` at the threshold and `step` more for each tenfold beyond it."""
    return min(most, base + round(step * log10(max(seen / threshold, 1.0))))


def label(name: str) -> pl.Expr:
    """What a record says under a name that no column keeps, as text: null where it says nothing."""
    return pl.col("labels").str.json_path_match(f"$['{name}']")


def many(number: int, one: str, more: str = "") -> str:
    """`1 failure`, `412 failures`, `2 accounts tried`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def shown(text: str, most: int) -> str:
    """Text of an attacker's making, fit for a title or a sample: printable, masked, at most
    `most` characters."""
    plain = "".join(c if c.isprintable() else " " for c in text[: 4 * most])
    plain = mask(plain)
    return plain if len(plain) <= most else plain[: most - 1] + "…"
