"""How records are kept: a partition a day, written by COPY, with the words of every block.

A record's id is the day its batch was received (days since 1970, UTC) times 2 ** 36 plus a running
number: an id leads to its partition at once, stays below 2 ** 53, and a day goes by dropping a
table. The day is that of reception, not of the event: event times are the sender's word. The
records of a batch are one run of ids (`Batch.first_record` to `last_record`), in their order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import polars as pl
from django.db import connection, transaction
from django.db.models import QuerySet

from apps.acquisition import copying, frames, words
from apps.acquisition.models import Batch, Block, Record
from apps.contracts import RECORD_COLUMNS, ColumnType

DAYS_AHEAD = 3
"""Partitions made before their day begins."""
BLOCK = 2048
"""Records of a block: what search reads at least."""
FIRST_DAY_ID = 1 << 36
"""Ids below are of records stored before there were days."""

_EPOCH = date(1970, 1, 1)
_TABLES = (Record._meta.db_table, Block._meta.db_table)
_STORED = tuple(column for column in RECORD_COLUMNS if column.stored)
_LOCK = 7061733  # of this module's advisory locks

TEXTS = tuple(
    column.name
    for column in _STORED
    if column.type is ColumnType.TEXT and column.name not in ("event.original", "labels")
)
"""Where the words of a record stand that never was a line (`event.original` is null)."""
URLS = ("url.domain", "url.original")
HOSTS = ("host.name",)
USERS = ("user.name", "user.target.name")
ADDRESSES = ("source.ip", "destination.ip")
VALUES = {
    "address": ADDRESSES,
    "dataset": ("event.dataset",),
    "host": HOSTS,
    "user": USERS,
}
"""Question of a search → the columns whose whole values answer it."""


# ── Days ─────────────────────────────────────────────────────────────────────────────────


def day_of(at: datetime) -> int:
    """The day of reception as ids count it."""
    return (at.astimezone(UTC).date() - _EPOCH).days


def date_of(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def ids_of(day: int) -> tuple[int, int]:
    """The first id of a day, and the first of the next one."""
    return day << 36, (day + 1) << 36


def make_days(days: Iterable[int]) -> None:
    """Makes the partitions of these days that are missing. Any number of workers may call it."""
    for day in sorted(set(days)):
        if not _has_day(day):
            _make_day(day)


def make_days_ahead() -> None:
    today = day_of(datetime.now(UTC))
    make_days(range(today, today + DAYS_AHEAD + 1))


def _has_day(day: int) -> bool:
    # not by to_regclass: it may answer from a cache that another worker's table has outdated
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE relname = ANY(%s)",
            [[_partition(table, day) for table in _TABLES]],
        )
        return bool(cursor.fetchone()[0] == len(_TABLES))


@transaction.atomic
def _make_day(day: int) -> None:
    """Made apart, then attached: that stops no reader and no writer of the other days."""
    first, end = ids_of(day)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 2)", [_LOCK])
        if _has_day(day):  # another worker was first
            return
        for table in _TABLES:
            name = _partition(table, day)
            cursor.execute(
                f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE)"
            )
            cursor.execute(
                f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})"
            )


def days() -> list[int]:
    """The days that have partitions, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE inhparent = %s::regclass",
            [_TABLES[0]],
        )
        names = [name.removeprefix(f"{_TABLES[0]}_") for (name,) in cursor.fetchall()]
    dates = (datetime.strptime(name, "%Y%m%d").date() for name in names if name.isdecimal())
    return sorted((found - _EPOCH).days for found in dates)


@transaction.atomic
def drop_day(day: int, keeping: Iterable[UUID] = ()) -> None:
    """Drops the partitions of a day. The records of the batches of `keeping` stay, with their ids,
    in new ones, and so do their blocks."""
    keeping = list(keeping)
    if not _has_day(day):
        return
    first, end = ids_of(day)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 2)", [_LOCK])
        # a worker that is storing a batch of that day ends first: its records are among those kept
        for table in _TABLES:
            cursor.execute(f"LOCK TABLE {_partition(table, day)} IN SHARE MODE")
        runs = Batch.objects.filter(pk__in=keeping, first_record__range=(first, end - 1))
        ids = runs.values_list("first_record", "last_record")
        kept = [list(column) for column in zip(*ids, strict=True)]
        for table in _TABLES:
            name = _partition(table, day)
            if kept:
                cursor.execute(f"CREATE TABLE {name}_kept (LIKE {table} INCLUDING STORAGE)")
                cursor.execute(
                    f"INSERT INTO {name}_kept SELECT old.* FROM {name} AS old"  # noqa: S608
                    " JOIN unnest(%s::bigint[], %s::bigint[]) AS run (first, last)"
                    " ON old.id BETWEEN run.first AND run.last",
                    kept,
                )
            cursor.execute(f"DROP TABLE {name}")
            if kept:
                cursor.execute(f"ALTER TABLE {name}_kept RENAME TO {name}")
                cursor.execute(
                    f"ALTER TABLE {table} ATTACH PARTITION {name}"
                    f" FOR VALUES FROM ({first}) TO ({end})"
                )


def _partition(table: str, day: int) -> str:
    return f"{table}_{date_of(day):%Y%m%d}"


# ── Batches ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch's records: their run of ids, and the digest of their rows."""

    first: int | None
    last: int | None
    digest: str


def store(batch: Batch, frame: pl.DataFrame) -> Stored:
    """Writes the records of a batch, in the caller's transaction; what it had before goes.

    `frame` has the columns of `frames.SCHEMA`. Parsed anew to as many records, a batch keeps its
    ids.
    """
    first, last = batch.first_record, batch.last_record
    if first is not None:
        forget(batch)
    if not frame.height:
        return Stored(None, None, digest_of(batch.pk, frame))
    if first is None or last != first + frame.height - 1:
        day = day_of(batch.received_at)
        make_days([day])
        first = _next_ids(day, frame.height)
    rows = rows_of(batch.pk, frame, range(first, first + frame.height))
    digest = copying.copy_in(Record._meta.db_table, rows)
    copying.copy_in(Block._meta.db_table, blocks(first, frame))
    return Stored(first, first + frame.height - 1, digest)


def rows_of(batch_id: UUID, frame: pl.DataFrame, ids: Iterable[int] | pl.Series) -> pl.DataFrame:
    """Records as the table keeps them, but for columns that say nothing: what is digested."""
    told = copying.told(frame.select(column.name for column in _STORED))
    names = {column.name: column.attribute for column in _STORED}
    return told.rename({name: names[name] for name in told.columns}).select(
        pl.Series("id", ids, dtype=pl.Int64),
        pl.lit(str(batch_id)).alias("batch_id"),
        pl.all(),
    )


def digest_of(batch_id: UUID, frame: pl.DataFrame) -> str:
    """The digest that `store` returned for these records, which have their ids in `record.id`."""
    if not frame.height:
        return hashlib.sha256().hexdigest()
    return copying.digest_of(rows_of(batch_id, frame, frame["record.id"]))


def forget(batch: Batch) -> None:
    """Deletes the records of a batch, and the blocks that are its own."""
    records = Record.objects.filter(batch=batch)
    if batch.first_record is not None and batch.last_record is not None:
        first, last = batch.first_record, batch.last_record
        records = records.filter(pk__range=(first, last))
        within = Block.objects.filter(pk__range=(first, last), last_record__lte=last)
        within._raw_delete(using="default")
    records._raw_delete(using="default")


def forget_all(batches: QuerySet[Batch]) -> None:
    """Deletes the records of many batches, and the blocks that are their own."""
    runs = batches.exclude(first_record=None).values_list("first_record", "last_record", "pk")
    if not (columns := [list(column) for column in zip(*runs, strict=True)]):
        return
    of_runs = "USING unnest(%s::bigint[], %s::bigint[], %s::uuid[]) AS run (first, last, batch)"
    with connection.cursor() as cursor:
        for table, whole in zip(
            _TABLES, ("batch_id = run.batch", "last_record <= run.last"), strict=True
        ):
            cursor.execute(
                f"DELETE FROM {table} AS kept {of_runs}"  # noqa: S608 - names of ours
                f" WHERE kept.id BETWEEN run.first AND run.last AND {whole}",
                columns,
            )


def _next_ids(day: int, many: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT acquisition_next_ids(%s, %s)", [day, many])
        return int(cursor.fetchone()[0])


# ── Blocks ───────────────────────────────────────────────────────────────────────────────


_BLOCK: dict[str, pl.DataType] = {
    "id": pl.Int64(),
    "last_record": pl.Int64(),
    "first_at": frames.INSTANT,
    "last_at": frames.INSTANT,
    "has_untimed": pl.String(),
    "words": pl.Binary(),
}


def blocks(first: int, frame: pl.DataFrame) -> pl.DataFrame:
    """The blocks of records whose ids begin at `first`: rows of the table of `Block`."""
    made = []
    for at in range(0, frame.height, BLOCK):
        piece = frame.slice(at, BLOCK)
        times = piece["@timestamp"]
        made.append(
            (
                first + at,
                first + at + piece.height - 1,
                times.min(),
                times.max(),
                "t" if times.null_count() else "f",
                b"" if _is_too_long(piece) else words.filter_of(_hashes(piece)),
            )
        )
    return pl.DataFrame(made, _BLOCK, orient="row")


def _is_too_long(piece: pl.DataFrame) -> bool:
    """Whether some text is too long for a filter: then the block may hold anything."""
    names = ("event.original", *TEXTS)
    longest = (piece[name].str.len_bytes().max() for name in names)
    return any(isinstance(size, int) and size > words.LONGEST_TEXT for size in longest)


def _hashes(piece: pl.DataFrame) -> Iterable[words.Hashes]:
    lineless = piece["event.original"].is_null()
    yield words.hashes_of_words(piece["event.original"])
    if lineless.any():
        others = piece.filter(lineless)
        for name in TEXTS:
            yield words.hashes_of_words(others[name])
    for name in URLS:
        yield words.hashes_of_words(piece[name])
    for question, names in VALUES.items():
        for name in names:
            yield words.hashes_of_values(question, piece[name])
