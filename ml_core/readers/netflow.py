"""NetFlow and IPFIX tables: the NF-*-v1, v2 and v3 data sets (nProbe), nfdump as it is printed and
as CIDDS and UGR'16 keep it, goflow, ipfixprobe, and IPFIX's own names."""

from __future__ import annotations

from functools import reduce

import polars as pl

from ml_core.readers.counters import from_counters, payload
from ml_core.readers.flags import bits, from_bits
from ml_core.readers.frames import WORDS, Table
from ml_core.readers.told import Told, protocol

# nProbe's milliseconds of a flow whose end lies before its beginning: 32 bits of microseconds
_WRAPPED = 4_290_000.0
# Beginning and end by their names, and microseconds of the unit that numbers are in.
_SPANS = (
    (("flowStartMilliseconds", "first"), ("flowEndMilliseconds", "last"), 1e3),
    (("flowStartMicroseconds",), ("flowEndMicroseconds",), 1.0),
    (("flowStartSeconds",), ("flowEndSeconds",), 1e6),
    (("time_flow_start_ns",), ("time_flow_end_ns",), 1e-3),
    (("time_flow_start", "TIME_FIRST"), ("time_flow_end", "TIME_LAST"), 1e6),
    (("FIRST_SWITCHED",), ("LAST_SWITCHED",), 1e3),
)


def read(table: Table) -> Told | None:
    """None if the table holds no NetFlow records.

    A record of one direction only (no backward counters) has zeros backward.
    """
    forward = table.number(
        "IN_PKTS", "ipkt", "packetDeltaCount", "packetTotalCount", "packets", "pkt", "pkts"
    )
    octets = table.number(
        "IN_BYTES", "ibyt", "octetDeltaCount", "octetTotalCount", "bytes", "byt", "octets"
    )
    duration = _duration(table)
    if forward is None or octets is None or duration is None:
        return None
    zero = pl.lit(0.0)
    backward = table.number(
        "OUT_PKTS", "opkt", "reversePacketDeltaCount", "reversePacketTotalCount", "PACKETS_REV"
    )
    more = table.number(
        "OUT_BYTES", "obyt", "reverseOctetDeltaCount", "reverseOctetTotalCount", "BYTES_REV"
    )
    packets = (forward, zero if backward is None else backward)
    kind = protocol(table, "PROTOCOL", "pr", "protocolIdentifier", "proto")
    tcp = kind == 6
    sizes = payload((octets, zero if more is None else more), packets, kind)
    features = from_counters(duration, packets, sizes) | _measured_gaps(table, packets)
    flags = _bits(table, "TCP_FLAGS", "flg", "tcpControlBits", "tcpFlags", "flags")
    if flags is not None:
        sides = tuple(_bits(table, name) for name in ("CLIENT_TCP_FLAGS", "SERVER_TCP_FLAGS"))
        told = None if sides[0] is None or sides[1] is None else (sides[0], sides[1])
        reverse = _bits(table, "TCP_FLAGS_REV", "reverseTcpControlBits")
        if told is None and reverse is not None:  # then the others are of the forward side alone
            told = (flags, reverse)
            each = (side.cast(pl.Int64, strict=False) for side in told)
            flags = reduce(pl.Expr.or_, each)
        features |= from_bits(flags, told, packets, tcp)
    return Told(
        features=features,
        source=table.text("IPV4_SRC_ADDR", "IPV6_SRC_ADDR", "sa", "sourceIPv4Address",
                          "sourceIPv6Address", "srcAddr", "Src IP Addr", "SRC_IP"),
        destination=table.text("IPV4_DST_ADDR", "IPV6_DST_ADDR", "da", "destinationIPv4Address",
                               "destinationIPv6Address", "dstAddr", "Dst IP Addr", "DST_IP"),
        source_port=table.number("L4_SRC_PORT", "sp", "sourceTransportPort", "srcPort", "Src Pt"),
        port=table.number("L4_DST_PORT", "dp", "destinationTransportPort", "dstPort", "Dst Pt"),
        protocol=kind,
        time=table.find("FLOW_START_MILLISECONDS", "ts", "flowStartMilliseconds",
                        "flowStartMicroseconds", "flowStartSeconds", "firstSeen", "first",
                        "Date first seen", "time_flow_start_ns", "time_flow_start", "TIME_FIRST",
                        "FIRST_SWITCHED", "te"),
    )  # fmt: skip


def _duration(table: Table) -> pl.Expr | None:
    """Microseconds; null where the exporter's clock ran backwards."""
    seconds = table.number("td")
    if seconds is not None:
        return seconds * 1e6
    told = table.number("FLOW_DURATION_MILLISECONDS", "flowDurationMilliseconds")
    if told is not None:
        return pl.when((told >= 0) & (told < _WRAPPED)).then(told * 1e3)
    micro = table.number("flowDurationMicroseconds")
    if micro is not None:
        return micro
    for start, end, unit in _SPANS:
        began, ended = _instant(table, *start), _instant(table, *end)
        if began is not None and ended is not None:
            by_number, by_date = ((b - a) for a, b in zip(began, ended, strict=True))
            return pl.coalesce(by_number * unit, by_date)
    seconds = table.number("Duration", "dur")  # nfdump's newer name of what was td
    return None if seconds is None else seconds * 1e6


def _instant(table: Table, *spellings: str) -> tuple[pl.Expr, pl.Expr] | None:
    """A time as a number of any unit, and as microseconds; null where it is not written so."""
    name = table.find(*spellings)
    if name is None:
        return None
    nothing, column = pl.lit(None, dtype=pl.Float64), pl.col(name)
    if table.schema[name] in (pl.Date, pl.Datetime):
        return nothing, column.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64)
    if table.schema[name] != pl.String:
        return column.cast(pl.Float64, strict=False), nothing
    column = column.str.strip_chars()
    date = column.str.replace("T", " ", literal=True).str.replace(r"\s*(Z|[+-]\d\d:?\d\d)$", "")
    date = date.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    return column.cast(pl.Float64, strict=False), date.dt.epoch("us").cast(pl.Float64)


def _measured_gaps(table: Table, packets: tuple[pl.Expr, pl.Expr]) -> dict[str, pl.Expr]:
    """The gaps that v3 measures itself, in milliseconds; for one packet they are zero."""
    told: dict[str, pl.Expr] = {}
    for way, side, n in (
        ("Fwd", "SRC_TO_DST", packets[0]),
        ("Bwd", "DST_TO_SRC", packets[1]),
    ):
        for what, name in (("Mean", "AVG"), ("Std", "STDDEV"), ("Max", "MAX"), ("Min", "MIN")):
            gap = table.number(f"{side}_IAT_{name}")
            if gap is not None:
                told[f"{way} IAT {what}"] = pl.when(n <= 1).then(0.0).otherwise(gap * 1e3)
    return told


def _bits(table: Table, *spellings: str) -> pl.Expr | None:
    """TCP flags as bits, from a number, hexadecimal digits, or nfdump's letters (`...AP.SF`)."""
    name, text = table.find(*spellings), table.text(*spellings)
    if name is None or text is None:
        return None
    if table.schema[name] not in WORDS:
        return table.number(name)
    hexadecimal = text.str.extract("^0[xX]([0-9a-fA-F]+)$").str.to_integer(base=16, strict=False)
    spelled = pl.when(text.str.contains(r"^[.CEUAPRSF]+$")).then(bits(text))
    return pl.coalesce(text.cast(pl.Float64, strict=False), hexadecimal, spelled)
