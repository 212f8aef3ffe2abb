"""CICFlowMeter tables, corrected or original, to arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError
from ml_core.kinds.flows.windows import FLOW_COLUMNS

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int64]

# Older CICFlowMeter spellings of the columns used here; surrounding spaces are ignored.
SPELLINGS = {
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
OURS = {old: ours for ours, spellings in SPELLINGS.items() for old in spellings}


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
