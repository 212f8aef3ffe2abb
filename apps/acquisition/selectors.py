"""What is asked of sources, batches and records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import reduce
from io import BytesIO
from operator import or_
from uuid import UUID

import polars as pl
import zstandard
from django.db.models import QuerySet

from apps.acquisition import copying, frames, plain_text, storage
from apps.acquisition.collecting import DATASETS
from apps.acquisition.models import Batch, BatchContent, Piece, Record, Source, Watch
from apps.contracts import RECORD_COLUMNS, UNPARSED, Column, ColumnType

LOOK_BACK = timedelta(minutes=10)
LOOK_BACK_ROWS = 20_000
"""How far the frame of a batch reaches back into its source, in time and in rows."""

_STORED = tuple(column for column in RECORD_COLUMNS if column.stored)


def _selected(column: Column) -> str:
    """A column in the text form that `copying.copy_out` reads."""
    match column.type:
        case ColumnType.TIMESTAMP:
            return f"(extract(epoch FROM {column.attribute}) * 1000000)::bigint"
        case ColumnType.ADDRESS:
            return f"host({column.attribute})"
        case ColumnType.BYTES:
            return f"encode({column.attribute}, 'hex')"
        case _:
            return column.attribute


_COLUMNS = ", ".join(_selected(column) for column in _STORED)
_SCHEMA = {"record.id": pl.Int64()} | {
    column.name: frames.SCHEMA[column.name] for column in _STORED
}
_TABLE = Record._meta.db_table


# ── Frames ───────────────────────────────────────────────────────────────────────────────


def frame_of(batch_id: UUID) -> pl.DataFrame:
    """The records of a batch after those that came shortly before from the same source.

    Columns of `frames.SCHEMA`, `record.id`, and `tocsin.fresh`: false for the look-back, which
    tools may use as context and must not report again.
    """
    batch = Batch.objects.get(pk=batch_id)
    fresh = _frame_of(batch).with_columns(pl.lit(True).alias("tocsin.fresh"))
    frame = pl.concat([_before(batch), fresh])
    if batch.protocol == "file" and fresh.height:  # last: to put frames together copies them
        content = [None] * (frame.height - fresh.height) + [content_of(batch_id)]
        place = frame.get_column_index("file.content")
        frame.replace_column(place, pl.Series("file.content", content, dtype=pl.Binary))
    return frame


def _frame_of(batch: Batch) -> pl.DataFrame:
    if batch.first_record is None:
        return _frame("batch_id = %s ORDER BY event_sequence", [batch.pk])
    run = [batch.first_record, batch.last_record, batch.pk]
    return _frame("id BETWEEN %s AND %s AND batch_id = %s ORDER BY event_sequence", run)


def _before(batch: Batch) -> pl.DataFrame:
    none = _frame("FALSE", []).with_columns(pl.lit(False).alias("tocsin.fresh"))
    if batch.first_at is None or batch.last_at is None:
        return none
    since = batch.first_at - LOOK_BACK
    earlier = Batch.objects.filter(
        source=batch.source_id,
        received_at__lt=batch.received_at,
        last_at__gte=since,
        first_at__lte=batch.last_at,
        first_record__isnull=False,
    ).order_by("-received_at")
    runs = list(earlier.values_list("first_record", "last_record", "pk")[:LOOK_BACK_ROWS])
    if not runs:
        return none
    found = _frame(
        "timestamp BETWEEN %s AND %s ORDER BY id DESC LIMIT %s",
        [*map(list, zip(*runs, strict=True)), since, batch.last_at, LOOK_BACK_ROWS],
        _RUNS,
    )
    return found.reverse().with_columns(pl.lit(False).alias("tocsin.fresh"))


def frame_of_records(ids: Sequence[int]) -> pl.DataFrame:
    """Records by id, in that column's order; `tocsin.fresh` is true for all."""
    found = _frame("id = ANY(%s) ORDER BY id", [list(ids)])
    return found.with_columns(pl.lit(True).alias("tocsin.fresh"))


_RUNS = f"""unnest(%s::bigint[], %s::bigint[], %s::uuid[]) AS run (first, last, batch)
    CROSS JOIN LATERAL (
        SELECT * FROM {_TABLE} WHERE id BETWEEN run.first AND run.last AND batch_id = run.batch
    ) AS kept"""  # noqa: S608 - names of ours


def _frame(where: str, parameters: Sequence[object], table: str = _TABLE) -> pl.DataFrame:
    query = f"SELECT id, {_COLUMNS} FROM {table} WHERE {where}"  # noqa: S608 - names of ours
    found = copying.copy_out(query, parameters, _SCHEMA)
    # PostgreSQL writes some IPv6 addresses otherwise than frames do
    found = found.with_columns(frames.addresses(found[name]) for name in storage.ADDRESSES)
    content = pl.lit(None, dtype=pl.Binary).alias("file.content")
    return found.with_columns(content).select("record.id", *frames.SCHEMA)


# ── Evidence ─────────────────────────────────────────────────────────────────────────────


def content_of(batch_id: UUID) -> bytes:
    """The bytes of a batch as they came; of an open one, those that came so far."""
    whole, unpacking = BytesIO(), None
    for packed in copying.get_bytes(BatchContent._meta.db_table, batch_id):
        unpacking = unpacking or zstandard.ZstdDecompressor().decompressobj()
        whole.write(unpacking.decompress(packed))
    if unpacking:
        if not unpacking.eof:
            raise zstandard.ZstdError(f"the content of batch {batch_id} is cut off")
        return whole.getvalue()
    pieces = Piece.objects.filter(batch=batch_id).order_by("pk").values_list("content", flat=True)
    if not pieces:
        raise BatchContent.DoesNotExist(f"there is no content of batch {batch_id}")
    return b"".join(map(zstandard.decompress, pieces))


def bodies_of(batch_id: UUID) -> tuple[bytes, list[int] | None]:
    """The bytes of a batch, and the sizes of the bodies in it where it was joined from several
    that must be read one by one."""
    kept = BatchContent.objects.filter(batch=batch_id)
    return content_of(batch_id), kept.values_list("sizes", flat=True).first()


def content_digests() -> Iterator[tuple[str, str]]:
    """(batch, SHA-256) of every content kept, computed from its bytes."""
    for batch_id in BatchContent.objects.values_list("batch_id", flat=True).iterator():
        try:
            digest = hashlib.sha256(content_of(batch_id)).hexdigest()
        except zstandard.ZstdError:
            digest = "damaged"
        yield str(batch_id), digest


def record_digests() -> Iterator[tuple[str, str]]:
    """(batch, SHA-256 of its records) of every batch that was parsed, computed from the rows."""
    parsed = Batch.objects.filter(removed_at=None).exclude(
        state__in=(Batch.State.OPEN, Batch.State.RECEIVED)
    )
    for batch in parsed.only("first_record", "last_record").iterator():
        yield str(batch.pk), _digest_of_records(batch)


def _digest_of_records(batch: Batch) -> str:
    """As `storage.store` made it, or as it was made before there were days."""
    if batch.first_record is not None and batch.first_record < storage.FIRST_DAY_ID:
        query = f"SELECT {_COLUMNS} FROM {_TABLE} WHERE id BETWEEN %s AND %s AND batch_id = %s ORDER BY event_sequence"  # noqa: S608
        run = [batch.first_record, batch.last_record, batch.pk]
        return copying.digest_of_query(query, run)
    return storage.digest_of(batch.pk, _frame_of(batch))


def records_of(batch: Batch) -> QuerySet[Record]:
    """The records of a batch, in the order they came."""
    found = Record.objects.filter(batch=batch).order_by("id")
    if batch.first_record is None:
        return found
    return found.filter(pk__range=(batch.first_record, batch.last_record))


def removed_batch_of(record_id: int) -> Batch | None:
    """The batch that a record came in, where retention removed it."""
    batches = Batch.objects.filter(
        removed_at__isnull=False, first_record__lte=record_id, last_record__gte=record_id
    )
    return batches.select_related("source").first()


def seen_by(watch: Watch, most: int) -> list[Record]:
    """What the last run of a watch had to tell: the records with a sentence, the first `most`."""
    if watch.last_batch is None:
        return []
    batch = Batch.objects.filter(pk=watch.last_batch, first_record__isnull=False).first()
    if batch is None:
        return []
    told = records_of(batch).filter(event_dataset__in=DATASETS).exclude(message=None)
    return list(told.exclude(message="")[:most])


def unparsed_in(batch: Batch, most: int) -> QuerySet[Record]:
    """The first lines of a batch that no parser understood."""
    if not batch.unparsed:
        return Record.objects.none()
    return records_of(batch).filter(event_dataset=UNPARSED)[:most]


def unparsed_of(source: Source, most: int) -> QuerySet[Record]:
    """The newest lines of a source that no parser understood."""
    batches = Batch.objects.filter(source=source, unparsed__gt=0).order_by("-received_at")[:most]
    runs = (records_of(batch).filter(event_dataset=UNPARSED) for batch in batches)
    return reduce(or_, runs, Record.objects.none()).order_by("-id")[:most]


def lines_at(batch_id: UUID, places: Iterable[int]) -> dict[int, str]:
    """The lines of a batch at these places (`event_sequence`), as they came; those there are."""
    lines = plain_text.utf8(content_of(batch_id)).split(b"\n")
    return {
        place: lines[place].rstrip(b"\r").decode("utf-8", "replace")
        for place in places
        if place < len(lines)
    }


def raw_line(record_id: int) -> str:
    """The line a record was read from, down to the sealed bytes; for packets, what they were.

    IndexError where its batch no longer holds that line.
    """
    record = Record.objects.select_related("batch").get(pk=record_id)
    if record.event_original is not None:
        return record.event_original
    if record.batch.protocol in ("lines", "flows"):
        place = record.event_sequence
        if (line := lines_at(record.batch_id, [place]).get(place)) is None:
            raise IndexError(f"batch {record.batch_id} has no line {place}")
        return line
    ends = f"{_end(record.source_ip, record.source_port)} → {_end(record.destination_ip, record.destination_port)}"
    if record.http_request_method:
        return f"{ends} {record.http_request_method} {record.url_original or ''}"
    if record.file_path:
        return f"{record.file_path} ({record.file_size} bytes, SHA-256 {record.file_hash_sha256})"
    return f"{record.network_transport or ''} {ends}, {record.network_packets} packets, {record.network_bytes} bytes"


def _end(address: str | None, port: int | None) -> str:
    host = address or "?"
    return f"[{host}]:{port}" if ":" in host and port else f"{host}:{port}" if port else host


# ── Sources ──────────────────────────────────────────────────────────────────────────────


def digest_of_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def source_of_token(token: str) -> Source | None:
    """The source a token belongs to, enabled or not."""
    return Source.objects.filter(token_digest=digest_of_token(token)).first()


def batch_of(source: Source, batch_id: UUID) -> Batch | None:
    """A batch, as far as this source may know of it."""
    return Batch.objects.filter(source=source, pk=batch_id).first()


def batches() -> QuerySet[Batch]:
    """All batches with their sources, newest first."""
    return Batch.objects.select_related("source").order_by("-received_at")
