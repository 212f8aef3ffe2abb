"""Frames of records: polars tables whose columns are `contracts.RECORD_COLUMNS`."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.acquisition.traffic.flow_columns import FLOW_FEATURES
from apps.contracts import RECORD_COLUMNS, ColumnType

INSTANT = pl.Datetime("us", "UTC")
_TYPES: dict[ColumnType, pl.DataType] = {
    ColumnType.TEXT: pl.String(),
    ColumnType.INTEGER: pl.Int64(),
    ColumnType.ADDRESS: pl.String(),
    ColumnType.TIMESTAMP: INSTANT,
    ColumnType.BYTES: pl.Binary(),
}
SCHEMA: dict[str, pl.DataType] = {column.name: _TYPES[column.type] for column in RECORD_COLUMNS}
"""Column → type of every frame of records."""

_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_OFFSET = r"(?:[Zz]|[+-]\d\d:?\d\d)$"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_DOTTED = rf"^{_OCTET}(?:\.{_OCTET}){{3}}$"


def empty() -> pl.DataFrame:
    """A frame of no records."""
    return pl.DataFrame(schema=SCHEMA)


def conform(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of `frame` with exactly the columns of `SCHEMA`, in that order and of those types.

    Missing columns become null, other columns are dropped. What cannot be a value of its column
    becomes null too: text that is no address, a number beyond 64 bits, a time outside the years
    1900 to 2199. U+0000, which PostgreSQL cannot keep in text, becomes U+FFFD.
    """
    columns = []
    for column in RECORD_COLUMNS:
        if column.name not in frame.columns:
            columns.append(pl.Series(column.name, [None], dtype=_TYPES[column.type]))
            continue
        series = frame[column.name]
        match column.type:
            case ColumnType.TEXT:
                series = storable(series.cast(pl.String))
            case ColumnType.ADDRESS:
                series = addresses(series.cast(pl.String))
            case ColumnType.INTEGER:
                series = integers(series)
            case ColumnType.TIMESTAMP:
                series = believable(series)
            case ColumnType.BYTES:
                series = series.cast(pl.Binary)
        columns.append(series.alias(column.name))
    height = frame.height
    return pl.DataFrame(
        [s if s.len() == height else s.new_from_index(0, height).alias(s.name) for s in columns],
        schema=SCHEMA,
    )


def storable(texts: pl.Series) -> pl.Series:
    """`texts` without U+0000."""
    if texts.str.contains("\0", literal=True).any():
        return texts.str.replace_all("\0", "\ufffd", literal=True)
    return texts


def integers(values: pl.Series) -> pl.Series:
    """Whole numbers of a numeric or text column; null for what is none, or beyond 64 bits."""
    whole = values.cast(pl.Int64, strict=False)
    if values.dtype == pl.String and whole.null_count() > values.null_count():
        rounded = values.cast(pl.Float64, strict=False)
        rounded = rounded.set((~rounded.is_finite()).fill_null(False), None)
        whole = whole.fill_null(rounded.cast(pl.Int64, strict=False))
    return whole


def believable(times: pl.Series) -> pl.Series:
    """Times in microseconds UTC; null outside the years 1900 to 2199."""
    if times.dtype != INSTANT:
        times = times.cast(INSTANT, strict=False)
    wrong = ((times < _EARLIEST) | (times >= _LATEST)).fill_null(False)
    return times.set(wrong, None) if wrong.any() else times


def addresses(texts: pl.Series) -> pl.Series:
    """IPv4 and IPv6 addresses in canonical text; null for anything else.

    IPv4 mapped into IPv6 becomes IPv4: a host must not have two names.
    """
    other = (~texts.str.contains(_DOTTED)).fill_null(False)
    if not other.any():
        return texts
    distinct = texts.filter(other).unique()
    canonical = pl.Series([_address(text) for text in distinct.to_list()], dtype=pl.String)
    replaced = texts.filter(other).replace_strict(distinct, canonical, return_dtype=pl.String)
    return texts.scatter(other.arg_true(), replaced)


def _address(text: str) -> str | None:
    text = text.strip().strip("[]").partition("%")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def local(times: pl.Series, received: datetime) -> pl.Series:
    """Times without an offset, which were read as if they were UTC: as those of the zone that
    `received` is in. Of an hour that the clock shows twice, the first; one that it leaves out stays."""
    zone = getattr(received.tzinfo, "key", "UTC")
    if zone == "UTC":
        return times
    here = times.dt.replace_time_zone(None).dt.replace_time_zone(
        zone, ambiguous="earliest", non_existent="null"
    )
    return here.dt.convert_time_zone("UTC").cast(INSTANT).fill_null(times.cast(INSTANT))


def instants(texts: pl.Series, received: datetime | None = None) -> pl.Series:
    """ISO 8601 text, or seconds or milliseconds since 1970, as microseconds UTC; null for others.

    Without an offset the time is taken as UTC, or as `local` takes it where `received` is given.
    """
    texts = texts.cast(pl.String).str.strip_chars()
    shaped = texts.str.replace(r"^(\d{4}-\d\d-\d\d)[ t]", "${1}T").str.replace(
        ",", ".", literal=True
    )
    shaped = shaped.str.replace(r"^(\d{4}-\d\d-\d\d)$", "${1}T00:00:00")
    shaped = shaped.str.replace(r"(T\d\d:\d\d)(Z|z|[+-]\d\d:?\d\d)?$", "${1}:00${2}")
    shaped = shaped.str.replace(r"(T\d\d:\d\d:\d\d(?:\.\d+)?)$", "${1}Z").str.replace(r"z$", "Z")
    read = shaped.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=False
    )
    if received is not None and received.tzinfo is not UTC:
        bare = ~texts.str.contains(_OFFSET).fill_null(True)
        read = read.zip_with(~bare, local(read, received)) if bare.any() else read
    if read.null_count() > texts.null_count():
        number = texts.cast(pl.Float64, strict=False)
        read = read.fill_null(since_epoch(number))
    return believable(read)


def since_epoch(numbers: pl.Series) -> pl.Series:
    """Seconds since 1970, or milliseconds where that is the likelier reading, as microseconds."""
    numbers = numbers.set((~numbers.is_finite() | (numbers.abs() >= 1e15)).fill_null(False), None)
    scale = (numbers.abs() < 1e11).cast(pl.Float64) * 999_000 + 1_000
    return (numbers * scale).round().cast(pl.Int64, strict=False).cast(INSTANT)


def pack_features(features: NDArray[np.floating]) -> pl.Series:
    """Flow features [N, F] → N times F float32, little-endian: the column `tocsin.features`."""
    flat = np.ascontiguousarray(features, dtype="<f4")
    width, data = flat.shape[1] * 4, flat.tobytes()
    rows = [data[at : at + width] for at in range(0, len(data), width)] if width else []
    return pl.Series("tocsin.features", rows, dtype=pl.Binary)


def has_features(packed: pl.Series) -> NDArray[np.bool_]:
    """Which of N records carry all flow features: [N]."""
    return (packed.bin.size() == 4 * len(FLOW_FEATURES)).fill_null(False).to_numpy()


def unpack_features(packed: pl.Series) -> NDArray[np.float32]:
    """`tocsin.features` of N records → float32 [N, F]. ValueError where a row is null or short."""
    if not has_features(packed).all():
        raise ValueError("every record must carry all flow features")
    data = b"".join(packed.to_list())
    return np.frombuffer(data, dtype="<f4").reshape(-1, len(FLOW_FEATURES))
