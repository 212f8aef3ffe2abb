"""Zeek's conn.log, as tab-separated values with `#fields` headers or as JSON.

Formats: docs.zeek.org, "conn.log" and "Log Formats and Inspection".
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
import polars as pl

from apps.acquisition.documents import BAD_JSON
from apps.acquisition.frames import INSTANT, instants, since_epoch
from apps.acquisition.parsing import LONGEST_HEADER, Context, Parsed, below_headers, share

_DECODE = msgspec.json.Decoder().decode
_JSON_MARK = '"id.orig_h"'
_FIELDS: dict[str, pl.DataType] = dict.fromkeys(
    (
        *("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service"),
        *("duration", "orig_bytes", "resp_bytes", "conn_state", "local_orig", "local_resp"),
        *("history", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes"),
    ),
    pl.String(),
)
_NEEDED = ("ts", "id.orig_h", "id.resp_h", "proto", "conn_state")
_OUTCOME = {
    **dict.fromkeys(("SF", "S1", "S2", "S3", "RSTO", "RSTR"), "success"),
    **dict.fromkeys(("S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR"), "failure"),
    "OTH": "unknown",
}
"""Whether a connection was established, by its `conn_state`."""


class ZeekConn:
    name = "zeek_conn"

    def sniff(self, lines: pl.Series) -> float:
        json = share(lines.str.contains(_JSON_MARK, literal=True))
        headers = lines.filter(_headers(lines))
        tabbed = any(_is_conn(header) for header in headers.to_list())
        return 0.99 if tabbed else min(json, 0.99)

    def parse(self, lines: pl.Series, _context: Context) -> Parsed:
        table, structure = _tabbed(lines)
        json = lines.str.starts_with("{") & lines.str.contains(_JSON_MARK, literal=True)
        if json.any():
            rows = json.arg_true()
            table = pl.concat([table, _json(lines.gather(rows)).with_columns(rows.alias("_row"))])
        every = pl.DataFrame({"_row": pl.Series(range(lines.len()), dtype=pl.UInt32)})
        table = every.join(table, on="_row", how="left", maintain_order="left")
        return Parsed.of(_records(table), structure)


def _headers(lines: pl.Series) -> pl.Series:
    return lines.str.starts_with("#fields\t") & (lines.str.len_bytes() < LONGEST_HEADER)


@lru_cache(maxsize=128)
def _is_conn(header: str) -> bool:
    return set(_NEEDED) <= set(header.split("\t"))


def _tabbed(lines: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Rows below `#fields` headers, each cut by the header above it, and the mask of `#` lines."""
    empty = pl.DataFrame(schema={**_FIELDS, "_row": pl.UInt32()})
    structure = lines.str.starts_with("#")
    at = _headers(lines).arg_true()
    headers = dict(zip(at.to_list(), lines.gather(at).to_list(), strict=True))
    if not any(map(_is_conn, headers.values())):
        return empty, structure & False
    parts = [empty]
    ours = structure & (pl.Series(range(lines.len()), dtype=pl.Int64) < min(headers))
    for header, below in below_headers(lines.len(), headers):
        if not _is_conn(header):
            continue
        names = header.split("\t")[1:]
        comment = structure.gather(below)
        ours = ours.scatter(below.filter(comment), True)
        rows = below.filter(~comment)
        cut = lines.gather(rows).str.split("\t")
        # labelled variants part their last columns by spaces: a row may be shorter at its end
        enough = cut.list.len() >= 1 + max(names.index(name) for name in _NEEDED)
        cut = cut.filter(enough)
        cells = {
            name: cut.list.get(names.index(name), null_on_oob=True)
            for name in _FIELDS
            if name in names
        }
        parts.append(pl.DataFrame({**cells, "_row": rows.filter(enough)}))
    conn = [row for row, text in headers.items() if _is_conn(text)]
    ours = ours.scatter(pl.Series(conn, dtype=pl.UInt32), True)
    table = pl.concat(parts, how="diagonal").select(*_FIELDS, "_row")
    unset = pl.col(*_FIELDS).is_in(["-", "(empty)", ""])
    return table.with_columns(pl.when(~unset).then(pl.col(*_FIELDS))), ours


def _json(lines: pl.Series) -> pl.DataFrame:
    """JSON lines → cells as text; a line that is no JSON object gives nulls."""
    rows = [_cells(line) for line in lines.to_list()]
    return pl.DataFrame(rows, schema=_FIELDS, orient="row")


def _cells(line: str) -> list[str | None]:
    try:
        document = _DECODE(line)
    except BAD_JSON:
        return [None] * len(_FIELDS)
    values = map(document.get, _FIELDS) if isinstance(document, dict) else ()
    cells = [v if v is None or isinstance(v, str) else str(v) for v in values]
    return cells or [None] * len(_FIELDS)


def _records(cells: pl.DataFrame) -> pl.DataFrame:
    ts = cells["ts"]
    time = since_epoch(ts.cast(pl.Float64, strict=False))
    time = time.fill_null(instants(ts)) if time.null_count() > ts.null_count() else time
    numbers = {
        name: cells[name].cast(pl.Int64, strict=False)
        for name in ("id.orig_p", "id.resp_p", "orig_pkts", "resp_pkts")
    }
    sent, received = _bytes(cells, "orig"), _bytes(cells, "resp")
    known = time.is_not_null() & cells["id.orig_h"].is_not_null() & cells["proto"].is_not_null()
    ported = ~cells["proto"].str.contains("icmp", literal=True)
    duration = cells["duration"].cast(pl.Float64, strict=False)
    duration = duration.set((~duration.is_finite() | (duration.abs() > 1e9)).fill_null(False), None)
    frame = pl.DataFrame(
        {
            "@timestamp": time,
            "source.ip": cells["id.orig_h"],
            "source.port": numbers["id.orig_p"].set(~ported.fill_null(False), None),
            "source.bytes": sent,
            "source.packets": numbers["orig_pkts"],
            "destination.ip": cells["id.resp_h"],
            "destination.port": numbers["id.resp_p"].set(~ported.fill_null(False), None),
            "destination.bytes": received,
            "destination.packets": numbers["resp_pkts"],
            "network.transport": cells["proto"].str.to_lowercase(),
            "network.protocol": cells["service"].str.to_lowercase(),
            "network.bytes": sent + received,
            "network.packets": numbers["orig_pkts"] + numbers["resp_pkts"],
            "network.direction": _direction(cells["local_orig"], cells["local_resp"]),
            "event.duration": (duration * 1e9).cast(pl.Int64, strict=False),
            "event.outcome": cells["conn_state"].replace_strict(_OUTCOME, default=None),
            "message": "conn_state="
            + cells["conn_state"]
            + " history="
            + cells["history"].fill_null("-"),
        },
        schema_overrides={"@timestamp": INSTANT},
    )
    constant = {
        "event.dataset": "zeek.conn",
        "event.category": "network",
        "event.action": "network_flow",
    }
    mask = pl.lit(known)
    return frame.with_columns(
        *(pl.when(mask).then(pl.lit(value)).alias(name) for name, value in constant.items())
    )


def _bytes(cells: pl.DataFrame, side: str) -> pl.Series:
    """Bytes of whole IP packets, where Zeek counted them, else of payloads."""
    whole = cells[f"{side}_ip_bytes"].cast(pl.Int64, strict=False)
    return whole.fill_null(cells[f"{side}_bytes"].cast(pl.Int64, strict=False))


def _direction(local_source: pl.Series, local_target: pl.Series) -> pl.Series:
    both = (local_source + local_target).str.to_lowercase().str.replace_all(r"rue|alse", "")
    told = {"tt": "internal", "tf": "outbound", "ft": "inbound", "ff": "external"}
    return both.replace_strict(told, default=None, return_dtype=pl.String)


PARSER = ZeekConn()
