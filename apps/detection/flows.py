"""Flows and connections as the network tools read them, whoever recorded them."""

from __future__ import annotations

from functools import reduce

import numpy as np
import polars as pl
from numpy.typing import NDArray

from apps.acquisition.frames import has_features, unpack_features
from apps.acquisition.traffic.flow_columns import FLOW_FEATURES
from apps.detection.evidence import FRESH, RECORD, TIME

_AT = {name: place for place, name in enumerate(FLOW_FEATURES)}

# Headers alone: IPv6 and TCP with options. Some sources count payload, some the whole packet;
# either way, a packet that carries data weighs more than this on average.
_HEADER_BYTES = 80

_ASKING_ICMP = (8, 13, 15, 17, 128)  # echo, timestamp, information, mask; echo of version 6
_NO_ONE = r"^(?:22[4-9]|23\d)\.|^255\.255\.255\.255$|^0\.0\.0\.0$|^ff[0-9a-f]{2}:|^::$"

FLOWS = (
    (pl.col("event.category") == "network")
    & pl.col("source.ip").is_not_null()
    & pl.col("destination.ip").is_not_null()
    & ~pl.col("source.ip").str.contains(_NO_ONE)
    & ~pl.col("destination.ip").str.contains(_NO_ONE)
)
"""Flows and connections between two that can answer."""


def features(frame: pl.DataFrame) -> NDArray[np.float32]:
    """`tocsin.features` as float32[N, F] in the order of `FLOW_FEATURES`; NaN rows where absent."""
    column = frame["tocsin.features"]
    has = has_features(column)
    table = np.full((frame.height, len(FLOW_FEATURES)), np.nan, np.float32)
    table[has] = unpack_features(column.filter(pl.Series(has)))
    return table


def flows(frame: pl.DataFrame) -> pl.DataFrame:
    """The flows and connections of a frame that have two addresses, with what the tools ask.

    Beside the record's own columns:
        `seconds`: Float64, how long it lasted; null where unknown.
        `answered`: the target sent at least one packet.
        `refused`: the target's answer was a reset, as far as is known.
        `data`: both sides sent payload.
        `one_way`: the source sent payload and got none.
        `bare`: no payload on either side, at most four packets from the source: a knock.
        `asked`: begun by its source, as far as flags and ports tell. A reply whose question was
            not seen (a SYN-ACK, an RST, a service port speaking to a high one) is not.
        `sent`, `received`: Float64, bytes of payload; estimated where no extractor gave them.
    Flows to multicast, broadcast and unset addresses are left out: nobody is meant to answer.
    """
    return (
        frame.filter(FLOWS)
        .select(
            RECORD,
            FRESH,
            TIME,
            "source.ip",
            "source.port",
            "destination.ip",
            "destination.port",
            "network.transport",
            "network.protocol",
            "host.name",
            "source.packets",
            "destination.packets",
            "source.bytes",
            "destination.bytes",
            "tocsin.features",
            seconds=pl.col("event.duration") / 1e9,
        )
        .pipe(_with_judgement)
    )


def _with_judgement(table: pl.DataFrame) -> pl.DataFrame:
    measured = features(table)

    def feature(name: str) -> pl.Series:
        return pl.Series(measured[:, _AT[name]].astype(np.float64)).fill_nan(None)

    tcp = pl.col("network.transport") == "tcp"
    sent_packets = pl.col("source.packets").fill_null(1)
    received_packets = pl.col("destination.packets").fill_null(
        (pl.col("destination.bytes").fill_null(0) > 0).cast(pl.Int64)
    )

    def payload(told: str, wire: str, packets: pl.Expr) -> pl.Expr:
        """What the extractor measured, else what is left of the bytes after the headers."""
        rest = pl.col(wire).fill_null(0) - _HEADER_BYTES * packets
        return pl.coalesce(pl.lit(feature(told)), rest.clip(0).cast(pl.Float64))

    table = table.with_columns(
        answered=received_packets > 0,
        # Without flags: who is refused does not speak again.
        refused=tcp
        & (received_packets > 0)
        & pl.coalesce(pl.lit(feature("Bwd RST Flags")) > 0, sent_packets <= 1),
        sent=payload("Total Length of Fwd Packet", "source.bytes", sent_packets),
        received=payload("Total Length of Bwd Packet", "destination.bytes", received_packets),
        asked=_asked(
            tcp=tcp,
            syn=pl.lit(feature("SYN Flag Count")),
            ack=pl.lit(feature("ACK Flag Count")),
            rst=pl.lit(feature("RST Flag Count")),
            icmp=pl.lit(feature("ICMP Type")),
            packets=sent_packets,
            received=received_packets,
        ),
    )
    return table.drop("tocsin.features").with_columns(
        data=(pl.col("sent") > 0) & (pl.col("received") > 0),
        one_way=(pl.col("sent") > 0) & (pl.col("received") == 0),
        bare=(pl.col("sent") == 0) & (pl.col("received") == 0) & (sent_packets <= 4),
    )


def _asked(
    *,
    tcp: pl.Expr,
    syn: pl.Expr,
    ack: pl.Expr,
    rst: pl.Expr,
    icmp: pl.Expr,
    packets: pl.Expr,
    received: pl.Expr,
) -> pl.Expr:
    from_service = (pl.col("source.port") < 1024) & (pl.col("destination.port") >= 1024)
    by_ports = ~from_service.fill_null(False)
    only_answers = (received == 0) & (ack >= packets)  # a SYN-ACK whose SYN we did not see
    strange = (syn == 0) & (ack == 0) & (rst == 0)  # FIN, NULL and Xmas scans
    # Only knocks must show how they began: a long flow may have been cut by the timeout.
    by_flags = pl.when(packets <= 4).then((syn > 0) & ~only_answers | strange).otherwise(True)
    is_icmp = pl.col("network.transport").is_in(["icmp", "ipv6-icmp"])
    question = reduce(lambda a, b: a | b, [(icmp == kind) for kind in _ASKING_ICMP])
    by_kind = (
        pl.when(icmp.is_null())
        .then(pl.col("source.port").is_null() | pl.col("source.port").is_in(_ASKING_ICMP))
        .otherwise(question)
    )
    return (
        pl.when(is_icmp)
        .then(by_kind)
        .when(tcp & syn.is_not_null())
        .then(by_flags)
        .otherwise(by_ports)
        .fill_null(True)
    )
