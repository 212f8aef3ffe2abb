"""Zeek connection logs: TSV, JSON lines, and tables made from them (CTU, IoT-23, UWF, ToN-IoT)."""

from __future__ import annotations

import polars as pl

from ml_core.readers.counters import from_counters, payload
from ml_core.readers.flags import from_history, from_state
from ml_core.readers.frames import Table
from ml_core.readers.told import Told, protocol

_PACKETS = (("orig_pkts", "src_pkts"), ("resp_pkts", "dst_pkts"))
_BYTES = (("orig_bytes", "src_bytes"), ("resp_bytes", "dst_bytes"))
_IP_BYTES = (("orig_ip_bytes", "src_ip_bytes"), ("resp_ip_bytes", "dst_ip_bytes"))


def read(table: Table) -> Told | None:
    """None if the table is no Zeek log of connections: it has packets, or states and bytes.

    A duration or a count of bytes that Zeek leaves out is zero for a connection of one packet.
    Where Zeek's payload, taken from sequence numbers, exceeds the bytes of the IP packets (a known
    error of broken connections), it is taken from those packets.
    """
    forward, backward = (table.number(*spellings) for spellings in _PACKETS)
    state = table.text("conn_state")
    none = pl.lit(None, dtype=pl.Float64)
    if forward is None or backward is None:
        if state is None or any(table.find(*spellings) is None for spellings in _BYTES):
            return None
        forward, backward = none, none
    kind = protocol(table, "proto", "protocol")
    told = table.number("duration")
    both = (forward, backward)
    alone = pl.when(both[0] + both[1] <= 1).then(0.0)
    seconds = alone if told is None else pl.coalesce(told, alone)
    features = from_counters(seconds * 1e6, both, _payload(table, both, kind))
    history, tcp = table.text("history"), kind == 6
    flags = {} if state is None else from_state(state, tcp)
    if history is not None:
        known = from_history(history, both, tcp)
        flags = {name: pl.coalesce(of, flags.get(name, none)) for name, of in known.items()}
    ports = [
        table.number(*spellings)
        for spellings in (
            ("id.orig_p", "id_orig_p", "src_port_zeek", "src_port", "orig_p"),
            ("id.resp_p", "id_resp_p", "dest_port_zeek", "dst_port", "dest_port", "resp_p"),
        )
    ]
    # of ICMP, Zeek writes type and code where others have ports
    source_port, port = (p if p is None else pl.when(kind == 1).then(0).otherwise(p) for p in ports)
    return Told(
        features=features | flags,
        source=table.text("id.orig_h", "id_orig_h", "src_ip_zeek", "src_ip", "orig_h"),
        destination=table.text(
            "id.resp_h", "id_resp_h", "dest_ip_zeek", "dst_ip", "dest_ip", "resp_h"
        ),
        source_port=source_port,
        port=port,
        protocol=kind,
        time=table.find("ts", "_ts", "datetime"),
        clock=1e6,
    )


def _payload(
    table: Table, packets: tuple[pl.Expr, pl.Expr], kind: pl.Expr
) -> tuple[pl.Expr, pl.Expr]:
    direct = [table.number(*spellings) for spellings in _BYTES]
    octets = [table.number(*spellings) for spellings in _IP_BYTES]
    none = pl.lit(None, dtype=pl.Float64)
    plain = [pl.coalesce(b if b is not None else none, pl.when(n == 0).then(0.0))
             for b, n in zip(direct, packets, strict=True)]  # fmt: skip
    if octets[0] is None or octets[1] is None:
        return plain[0], plain[1]
    below = payload((octets[0], octets[1]), packets, kind)
    forward, backward = (
        pl.when(said <= whole).then(said).otherwise(estimate)
        for said, whole, estimate in zip(plain, octets, below, strict=True)
    )
    return forward, backward
