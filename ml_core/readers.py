"""Labelled tables to arrays. The only module here that opens data files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError
from ml_core.windows import FLOW_COLUMNS

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int64]

# Older CICFlowMeter spellings of the columns used here; surrounding spaces are ignored.
_SPELLINGS = {
    "Total Fwd Packet": ("Tot Fwd Pkts", "Total Fwd Packets"),
    "Total Bwd packets": ("Tot Bwd Pkts", "Total Backward Packets"),
    "Total Length of Fwd Packet": (
        "TotLen Fwd Pkts",
        "Total Length of Fwd Packets",
        "Fwd Packets Length Total",
    ),
    "Total Length of Bwd Packet": (
        "TotLen Bwd Pkts",
        "Total Length of Bwd Packets",
        "Bwd Packets Length Total",
    ),
    "Flow Bytes/s": ("Flow Byts/s",),
    "Flow Packets/s": ("Flow Pkts/s",),
    "Packet Length Min": ("Pkt Len Min", "Min Packet Length"),
    "Packet Length Max": ("Pkt Len Max", "Max Packet Length"),
    "Packet Length Mean": ("Pkt Len Mean",),
    "Packet Length Std": ("Pkt Len Std",),
    "Fwd Act Data Pkts": ("act_data_pkt_fwd", "Fwd Act Data Packets"),
    **{
        f"{way} Packet Length {what}": (f"{way} Pkt Len {what}",)
        for way in ("Fwd", "Bwd")
        for what in ("Max", "Min", "Mean", "Std")
    },
    **{f"{flag} Flag Count": (f"{flag} Flag Cnt",) for flag in ("FIN", "SYN", "RST", "PSH", "ACK")},
    "Src IP": ("Source IP", "source.ip"),
    "Dst IP": ("Destination IP", "destination.ip"),
    "Dst Port": ("Destination Port", "destination.port"),
    "Timestamp": ("@timestamp",),
}
_OURS = {old: ours for ours, spellings in _SPELLINGS.items() for old in spellings}
_HOST = re.compile(r"^https?://[^/]*")
_TEXTS = ("request", "text", "payload", "query", "raw_request")


@dataclass(frozen=True)
class FlowTable:
    """N flows; every array [N] or [N, F]."""

    features: npt.NDArray[np.float64]  # [N, F] in the order of FLOW_COLUMNS
    group: Ints  # number of the source host, or of the row itself where hosts are not told
    time: Ints  # microseconds, or the row's place where times are not told
    destination: Ints  # number of the destination host, -1 where not told
    port: Ints  # destination port, -1 where not told
    source: Ints  # number of the file

    def take(self, rows: npt.ArrayLike) -> FlowTable:
        """The same table with only some rows."""
        return FlowTable(*(getattr(self, f.name)[rows] for f in fields(self)))


def read_frames(paths: Sequence[Path]) -> list[pl.DataFrame]:
    """Parquet or CSV files; DataError, in one line, for those that are neither or are empty."""
    import polars as pl

    frames = []
    for path in paths:
        try:
            if path.suffix == ".parquet":
                frame = pl.read_parquet(path)
            else:
                frame = pl.read_csv(
                    path, infer_schema_length=None, null_values=["", "NaN"], encoding="utf8-lossy"
                )
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{path}: not readable: {str(error).splitlines()[0]}") from error
        if frame.is_empty():
            raise DataError(f"{path}: no rows")
        names = {name: _OURS.get(name.strip(), name.strip()) for name in frame.columns}
        if len(set(names.values())) < len(names):
            raise DataError(f"{path}: the same column twice")
        frames.append(frame.rename(names))
    return frames


def labelled(frames: Sequence[pl.DataFrame], columns: str) -> tuple[list[pl.DataFrame], list[str]]:
    """The rows that have a label, and their labels as text.

    `columns` are names joined by commas; of each file the first that it has is its label column.
    """
    import polars as pl

    kept, labels = [], []
    for frame in frames:
        column = next((name for name in columns.split(",") if name in frame.columns), None)
        if column is None:
            raise DataError(f"no column {columns!r} (there are: {', '.join(frame.columns[:6])}, …)")
        told = frame.filter(pl.col(column).is_not_null())
        kept.append(told)
        labels += told[column].cast(pl.String).to_list()
    if not labels:
        raise DataError(f"no row has a label in {columns!r}")
    return kept, labels


def text_column(frame: pl.DataFrame) -> str:
    """The column that holds requests, or bare parameter values (`payload`)."""
    for name in _TEXTS:
        if name in frame.columns:
            return name
    raise DataError(f"none of the columns {', '.join(_TEXTS)}")


def read_texts(frames: Sequence[pl.DataFrame]) -> list[str]:
    """The requests of all rows, one by one as `METHOD path?query`, line break, body."""
    import polars as pl

    texts: list[str] = []
    for frame in frames:
        column = text_column(frame)
        values = frame[column].cast(pl.String).fill_null("").to_list()
        texts += map(_from_raw, values) if column == "raw_request" else values
    return texts


def _from_raw(raw: str) -> str:
    """An HTTP message with its headers to the text the network reads: no host, no headers."""
    head, _, body = raw.replace("\r\n", "\n").partition("\n\n")
    method, _, rest = head.partition("\n")[0].partition(" ")
    target = rest.rpartition(" HTTP/")[0] or rest
    return f"{method} {_HOST.sub('', target)}\n{body}".strip()


def read_flows(frames: Sequence[pl.DataFrame]) -> FlowTable:
    """CICFlowMeter tables, corrected or original, as one."""
    parts = [_one(frame, number) for number, frame in enumerate(frames)]
    return FlowTable(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _one(
    frame: pl.DataFrame, number: int
) -> tuple[npt.NDArray[np.float64], Ints, Ints, Ints, Ints, Ints]:
    import polars as pl

    missing = [name for name in FLOW_COLUMNS if name not in frame.columns]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise DataError(f"missing flow columns: {', '.join(missing[:3])}{more}")
    numeric = frame.select(pl.col(name).cast(pl.Float64, strict=False) for name in FLOW_COLUMNS)
    features = numeric.to_numpy()
    if np.isnan(features).all():
        raise DataError("the flow columns hold no numbers")
    row = np.arange(len(frame), dtype=np.int64)
    nowhere = np.full(len(frame), -1, dtype=np.int64)
    # hosts are numbered by file, so that equal private addresses of two sites stay two hosts
    base = number << 40
    told = "Src IP" in frame.columns and "Dst IP" in frame.columns
    group, destination = (base + row, nowhere)
    if told:
        hosts = pl.concat([frame["Src IP"].cast(pl.String), frame["Dst IP"].cast(pl.String)])
        numbers = hosts.rank("dense").to_numpy().astype(np.int64)
        group, destination = base + numbers[: len(frame)], base + numbers[len(frame) :]
    port = nowhere
    if told and "Dst Port" in frame.columns:
        port = frame["Dst Port"].cast(pl.Int64, strict=False).fill_null(-1).to_numpy()
    return features, group, _times(frame, row), destination, port, np.full_like(row, number)


def _times(frame: pl.DataFrame, row: Ints) -> Ints:
    """Microseconds where the file tells them, else the row's place."""
    import polars as pl

    if "Timestamp" not in frame.columns:
        return row
    column = frame["Timestamp"]
    if column.dtype.is_numeric():
        return column.cast(pl.Int64).fill_null(0).to_numpy()
    if column.dtype == pl.String:
        for form in (None, "%d/%m/%Y %I:%M:%S %p", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M"):
            try:
                times = column.str.to_datetime(form, time_unit="us", strict=True)
            except pl.exceptions.PolarsError:
                continue
            return times.dt.epoch("us").fill_null(0).to_numpy()
        return row
    return column.cast(pl.Datetime("us")).dt.epoch("us").fill_null(0).to_numpy()
