"""Flow files of any known format to one table of arrays."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from ml_core.errors import DataError
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.readers import argus, cicflowmeter, kdd, netflow, zeek
from ml_core.readers.frames import Table, plain, shown
from ml_core.readers.labels import Labels, label_column, label_of, meaning
from ml_core.readers.times import Clock, microseconds, read_clock
from ml_core.readers.told import Told

I32 = npt.NDArray[np.int32]
I8 = npt.NDArray[np.int8]

ODD = 1_000  # rows of a file that are looked at for what they may be

FORMATS: dict[str, Callable[[Table], Told | None]] = {
    "CICFlowMeter": cicflowmeter.read,
    "Argus": argus.read,  # some of its columns are called like Zeek's and NetFlow's
    "Zeek": zeek.read,
    "NetFlow": netflow.read,
    "KDD": kdd.read,
}


@dataclass(frozen=True)
class FlowTable:
    """N flows; every array [N] or [N, F]. 199 bytes a flow."""

    features: npt.NDArray[np.float32]  # [N, F] in FLOW_COLUMNS' order; NaN where not told
    group: I32  # number of the source host, or of the row itself where hosts are not told
    time: npt.NDArray[np.int64]  # microseconds, or the row's place where times are not told
    destination: I32  # number of the destination host, -1 where not told
    port: I32  # destination port, -1 where not told
    source_port: I32  # -1 where not told
    protocol: I8  # 6, 17 or 1 (TCP, UDP, ICMP), -1 where not told or another
    same_network: I8  # 1: both addresses share 16 (IPv6: 64) bits; 0: not; -1: not told
    source: npt.NDArray[np.int64]  # number of the file
    cut: npt.NDArray[np.bool_]  # whether its meter ends a flow at the first FIN

    def __len__(self) -> int:
        return len(self.group)

    def take(self, rows: npt.ArrayLike) -> FlowTable:
        """The same table with only some rows."""
        return FlowTable(*(getattr(self, f.name)[rows] for f in fields(self)))

    def as_streams(self) -> FlowTable:
        """The same flows where nothing is told of hosts: each file is one stream, as paper 1 has it."""
        return replace(
            self,
            group=self.source.astype(np.int32),
            destination=np.full(len(self), -1, dtype=np.int32),
        )


class LabelledFlows(NamedTuple):
    table: FlowTable
    labels: Labels


def read_flows(
    sources: Sequence[Path | pl.DataFrame],
    say: Callable[[int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> FlowTable:
    """The flows of all files, in order; `say` hears how many rows there are so far, `tell` of
    values that are no numbers and are taken as not told.

    Hosts are numbered by file, so that equal private addresses of two sites stay two hosts.
    DataError for files that are of no known format, cannot be read, or hold no numbers.
    """
    return _read(sources, say, tell, None).table


def read_labelled_flows(
    sources: Sequence[Path | pl.DataFrame],
    columns: str | None = None,
    say: Callable[[int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> LabelledFlows:
    """Likewise, with the label of each row (see `labels.label_column`)."""
    return _read(sources, say, tell, columns or "")


def flow_format(table: Table) -> tuple[str, Told]:
    """The format's name and what it tells; DataError if none fits."""
    for name, read in FORMATS.items():
        told = read(table)
        if told is not None:
            return name, told
    missing = ", ".join(FLOW_COLUMNS[:3])
    raise DataError(
        f"{table.name}: no known flow format; missing flow columns: {missing} and "
        f"{len(FLOW_COLUMNS) - 3} more (there are: {shown(list(table.schema))})"
    )


def _read(
    sources: Sequence[Path | pl.DataFrame],
    say: Callable[[int], None] | None,
    tell: Callable[[str], None] | None,
    columns: str | None,
) -> LabelledFlows:
    labels, parts, rows, hosts = Labels.empty(), [], 0, 0
    opened = [Table.open(source) for source in sources]
    for number, table in enumerate(opened):
        _, told = flow_format(table)
        column = None if columns is None else label_column(table, columns)
        part = _File(number, rows, told, table.unread)
        for batch in table.batches(
            part.chosen(None if column is None else label_of(table, column))
        ):
            part.add(batch)
            if column is not None:
                labels.add(batch["label"], column, meaning(table))
            if say is not None:
                say(rows + part.rows)
        if not part.rows:
            raise DataError(f"{table.name}: no rows")
        _refuse_other_headers(table, part.odd)
        parts.append(part.arrays(hosts))
        if np.isnan(parts[-1]["features"]).all():
            raise DataError(f"{table.name}: the flow columns hold no numbers")
        if tell is not None and (unread := part.not_read()):
            tell(f"{table.name}: taken as not told, for they cannot be read: {unread}")
        rows += part.rows
        hosts = 1 + max(int(parts[-1]["group"].max()), int(parts[-1]["destination"].max()))
    whole = FlowTable(**{f.name: _joined(f.name, parts) for f in fields(FlowTable)})
    return LabelledFlows(whole, labels)


def _refuse_other_headers(table: Table, rows: Sequence[int]) -> None:
    """DataError where one of these rows is the header of a flow table: those after it would be
    read by the columns of the first."""
    place = pl.int_range(pl.len()).alias("row of the file")
    chosen = table.rows.select(place, *table.schema).filter(pl.nth(0).is_in(rows))
    for row, *cells in chosen.collect(engine="streaming").iter_rows() if rows else ():
        names = [cell for cell in cells if isinstance(cell, str)]
        if [*map(plain, names)] == [*map(plain, table.schema)][: len(names)]:
            continue
        header = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        try:
            flow_format(Table.open(header))
        except DataError:
            continue
        raise DataError(f"{table.name}: row {row + 1:,} is another header ({shown(names)}); "
                        "keep the rows from there in a file of their own")  # fmt: skip


class _File:
    """What has been read of one file."""

    def __init__(self, number: int, first: int, told: Told, unread: Mapping[str, pl.Expr]) -> None:
        self.number, self.first, self.told, self.rows = number, first, told, 0
        self._unread, self._lost = unread, Counter[str]()
        self._batches: list[dict[str, npt.NDArray[Any]]] = []
        self._clocks: list[Clock] = []
        self.odd: list[int] = []  # rows, ODD at most, that say something and no number

    def chosen(self, label: pl.Expr | None) -> list[pl.Expr]:
        told, none = self.told, pl.lit(None)
        exprs = [
            told.features.get(name, none).cast(pl.Float32).alias(name) for name in FLOW_COLUMNS
        ]
        for name in ("source", "destination"):
            address = getattr(told, name)
            exprs.append((none if address is None else address).cast(pl.String).alias(name))
        for name, dtype in (("port", pl.Int32), ("source_port", pl.Int32), ("protocol", pl.Int8)):
            value = getattr(told, name)
            number = (none if value is None else value).cast(dtype, strict=False)
            exprs.append(number.fill_null(-1).alias(name))
        exprs.append((none if told.time is None else pl.col(told.time)).alias("time"))
        if label is not None:
            exprs.append(label.alias("label"))
        exprs += [lost.alias(f"unread {name}") for name, lost in self._unread.items()]
        return exprs

    def not_read(self) -> str:
        """Of which columns how many values could not be read."""
        lost = [f"{n:,} of {name!r}" for name, n in self._lost.most_common() if n]
        return ", ".join(lost[:8]) + (f" and of {len(lost) - 8} more columns" * (len(lost) > 8))

    def add(self, batch: pl.DataFrame) -> None:
        features = np.ascontiguousarray(batch.select(FLOW_COLUMNS).to_numpy())
        odd = np.zeros(len(batch), dtype=np.bool_)
        for name in self._unread:
            lost = batch[f"unread {name}"].fill_null(value=False).to_numpy()
            self._lost[name] += int(lost.sum())
            odd |= lost
        rows = np.flatnonzero(odd & np.isnan(features).all(axis=1)) + self.rows
        self.odd += rows[: ODD - len(self.odd)].tolist()
        self.rows += len(batch)
        self._clocks.append(read_clock(batch["time"]))
        if self.told.time is not None and batch["time"].dtype == pl.String:
            said = batch["time"].str.strip_chars().fill_null("")
            told = ~said.is_in(["", "-", self.told.time.strip()]).to_numpy()
            lost = np.isnan(self._clocks[-1].values) & told
            self._lost[self.told.time] += int(lost.sum())
        self._batches.append(
            {
                "features": features,
                "same_network": _same_network(batch["source"], batch["destination"]),
                **{name: _keys(batch[name]) for name in ("source", "destination")},
                **{name: batch[name].to_numpy() for name in ("port", "source_port", "protocol")},
            }
        )

    def arrays(self, hosts: int) -> dict[str, npt.NDArray[Any]]:
        """FlowTable's arrays; hosts are numbered from `hosts`."""
        parts = self._batches
        found = {
            name: _joined(name, parts)
            for name in ("features", "same_network", "port", "source_port", "protocol")
        }
        keys = np.concatenate([_joined("source", parts), _joined("destination", parts)])
        unique, number = np.unique(keys, return_inverse=True)
        number = (number + hosts).astype(np.int32)
        own = np.arange(self.rows, dtype=np.int32) + (hosts + len(unique))
        group = np.where(keys[: self.rows] == 0, own, number[: self.rows])
        destination = np.where(keys[self.rows :] == 0, np.int32(-1), number[self.rows :])
        coded = self.told.source is not None and bool((found["same_network"] < 0).all())
        time = microseconds(self._clocks, self.told.clock, self.told.half_days, coded)
        return {
            **found,
            "group": group,
            "destination": destination,
            "time": np.clip(time, -9e15, 9e15).astype(np.int64),
            "source": np.full(self.rows, self.number, dtype=np.int64),
            "cut": np.full(self.rows, self.told.cut),
        }


def _joined(name: str, parts: Iterable[dict[str, npt.NDArray[Any]]]) -> npt.NDArray[Any]:
    """The arrays called `name`, end to end; each is let go as soon as it is copied."""
    arrays = [part.pop(name) for part in parts]
    if len(arrays) == 1:
        return arrays[0]
    whole = np.empty((sum(map(len, arrays)), *arrays[0].shape[1:]), dtype=arrays[0].dtype)
    end = len(whole)
    while arrays:
        array = arrays.pop()
        whole[end - len(array) : end] = array
        end -= len(array)
    return whole


def _keys(addresses: pl.Series) -> npt.NDArray[np.uint64]:
    """A number that stands for each address, 0 for none."""
    hashed = addresses.hash(seed=0)
    return hashed.set(addresses.is_null(), 0).to_numpy()


def _same_network(source: pl.Series, destination: pl.Series) -> I8:
    if source.null_count() == len(source) or destination.null_count() == len(destination):
        return np.full(len(source), -1, dtype=np.int8)
    same = _networks(source) == _networks(destination)
    return same.cast(pl.Int8).fill_null(-1).to_numpy()


def _networks(addresses: pl.Series) -> pl.Series:
    """The first 16 bits of IPv4 addresses, 64 of IPv6 addresses, as text; null for others."""
    short = addresses.str.extract(r"^(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}$")
    long = addresses.filter(addresses.str.contains(":", literal=True)).unique().to_list()
    if not long:
        return short
    prefixes = addresses.replace_strict(
        {address: _prefix(address) for address in long}, default=None, return_dtype=pl.String
    )
    return short.fill_null(prefixes)


def _prefix(address: str) -> str | None:
    try:
        return str(int(ipaddress.IPv6Address(address.partition("%")[0])) >> 64)
    except ValueError:
        return None
