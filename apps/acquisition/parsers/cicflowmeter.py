"""Flow tables of CICFlowMeter: every spelling of its columns, headers repeated or changing midway.

The features become `tocsin.features`; what a table lacks is NaN there, and what CICFlowMeter
divided by zero stays infinite: the networks know both.
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
import polars as pl

from apps.acquisition.frames import INSTANT, pack_features
from apps.acquisition.parsing import LONGEST_HEADER, Context, Parsed, below_headers
from apps.acquisition.traffic.flow_columns import FLOW_FEATURES, flow_name

_ENOUGH = 20
"""Features a line must name to be a header: fewer would be chance."""

_TRANSPORTS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp"}
_TIMES = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%d/%m/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M:%S%.f",
    "%d/%m/%Y %I:%M %p",
    "%d/%m/%Y %H:%M",
)
_NUMBERS = r"^\s*(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?i:inf(?:inity)?|nan))?\s*$"
_WHOLE = 2.0**62


@lru_cache(maxsize=128)
def is_header(line: str) -> bool:
    """Whether `line` names the columns of a CICFlowMeter table."""
    names = {flow_name(cell) for cell in line.split(",")}
    return len(names & set(FLOW_FEATURES)) >= _ENOUGH


class CicFlowMeter:
    name = "cicflowmeter"

    def sniff(self, lines: pl.Series) -> float:
        return 1.0 if _headers(lines) else 0.0

    def parse(self, lines: pl.Series, _context: Context) -> Parsed:
        structure = pl.Series([False], dtype=pl.Boolean).new_from_index(0, lines.len())
        headers = _headers(lines)
        parts = []
        for header, below in below_headers(lines.len(), headers) if headers else ():
            names = header.split(",")
            commas = lines.gather(below).str.count_matches(",", literal=True)
            rows = below.filter(commas == len(names) - 1)
            if not rows.len():
                continue
            part = _records(lines.gather(rows), names)
            parts.append(part.with_columns(rows.alias("_row")))
        if headers:
            structure = structure.scatter(pl.Series(list(headers), dtype=pl.UInt32), True)
        every = pl.DataFrame({"_row": pl.Series(range(lines.len()), dtype=pl.UInt32)})
        none = pl.DataFrame(schema={"_row": pl.UInt32, "event.dataset": pl.String})
        found = pl.concat([none, *parts], how="diagonal")
        frame = every.join(found, on="_row", how="left", maintain_order="left").drop("_row")
        return Parsed.of(frame, structure)


def _headers(lines: pl.Series) -> dict[int, str]:
    short = lines.str.len_bytes() < LONGEST_HEADER
    likely = (short & lines.str.contains("Flow Duration", literal=True)).arg_true()
    texts = zip(likely.to_list(), lines.gather(likely).to_list(), strict=True)
    return {row: text for row, text in texts if is_header(text)}


def _records(lines: pl.Series, names: list[str]) -> pl.DataFrame:
    """Rows of one table → records; `event.dataset` is null where a feature is no number."""
    columns: dict[str, int] = {}
    for place, name in enumerate(names):
        known = flow_name(name)
        if known is not None:
            columns.setdefault(known, place)  # a repeated column is the same again
    cells = _cells(lines, len(names))
    understood = pl.Series([True], dtype=pl.Boolean).new_from_index(0, lines.len())
    features = np.full((lines.len(), len(FLOW_FEATURES)), np.nan, np.float64)
    for place, name in enumerate(FLOW_FEATURES):
        if name in columns:
            cell = cells[columns[name]]
            understood &= cell.str.contains(_NUMBERS).fill_null(True)
            number = cell.str.strip_chars().cast(pl.Float64, strict=False)
            features[:, place] = number.fill_null(np.nan).to_numpy()
    by_name = {name: features[:, place] for place, name in enumerate(FLOW_FEATURES)}

    def cell_of(name: str) -> pl.Series:
        if name in columns:
            return cells[columns[name]].str.strip_chars()
        return pl.Series([None], dtype=pl.String).new_from_index(0, lines.len())

    def whole(values: np.ndarray) -> pl.Series:
        kept = np.isfinite(values) & (np.abs(values) < _WHOLE)
        return pl.Series(np.where(kept, values, 0).astype(np.int64)).set(pl.Series(~kept), None)

    def port(name: str) -> pl.Series:
        return cell_of(name).cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)

    sent, received = by_name["Total Length of Fwd Packet"], by_name["Total Length of Bwd Packet"]
    there, back = by_name["Total Fwd Packet"], by_name["Total Bwd packets"]
    number = cell_of("network.iana_number").str.strip_suffix(".0")
    with np.errstate(over="ignore"):
        packed = pack_features(features.astype(np.float32))
    mask = pl.lit(understood)
    return pl.DataFrame(
        {
            "@timestamp": _times(cell_of("@timestamp")),
            "source.ip": cell_of("source.ip"),
            "source.port": port("source.port"),
            "destination.ip": cell_of("destination.ip"),
            "destination.port": port("destination.port"),
            "network.transport": number.replace(_TRANSPORTS),
            "event.duration": whole(by_name["Flow Duration"] * 1000),
            "source.bytes": whole(sent),
            "source.packets": whole(there),
            "destination.bytes": whole(received),
            "destination.packets": whole(back),
            "network.bytes": whole(sent + received),
            "network.packets": whole(there + back),
            "tocsin.features": packed,
        },
        schema_overrides={"@timestamp": INSTANT},
    ).with_columns(
        pl.when(mask).then(pl.lit("network.flow")).alias("event.dataset"),
        pl.when(mask).then(pl.lit("network")).alias("event.category"),
        pl.when(mask).then(pl.lit("network_flow")).alias("event.action"),
    )


def _cells(lines: pl.Series, width: int) -> list[pl.Series]:
    """N lines of `width` comma-separated cells each → its columns as text, null where empty."""
    if not lines.len():
        return [pl.Series(str(place), [], dtype=pl.String) for place in range(width)]
    table = pl.read_csv(
        io.BytesIO("\n".join(lines.to_list()).encode()),
        has_header=False,
        schema={str(place): pl.String() for place in range(width)},
        quote_char=None,
        truncate_ragged_lines=True,
    )
    if table.height != lines.len():  # a line end inside a cell
        cut = lines.str.split(",")
        return [cut.list.get(place) for place in range(width)]
    return table.get_columns()


def _times(texts: pl.Series) -> pl.Series:
    read = pl.Series([None], dtype=INSTANT).new_from_index(0, texts.len())
    for form in _TIMES:
        if read.null_count() == texts.null_count():
            break
        again = texts.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
        read = read.fill_null(again)
    return read


PARSER = CicFlowMeter()
