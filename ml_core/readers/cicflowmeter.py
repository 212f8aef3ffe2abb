"""CICFlowMeter tables: corrected (Engelen et al. 2021, Liu et al. 2022) and original, by any spelling.

What the original meter gets wrong and its other columns set right is set right here, so that both
mean the same: it counts the first packet's length twice, divides down/up as integers, and takes
the six bytes that pad an empty TCP packet to Ethernet's least frame for payload. Its flag columns
hold 0 or 1 and do not say which flags a flow had (guessing SSH passwords "shows" neither SYN nor
ACK, a port scan PSH alone): not told. The meter rewritten in Python takes whole Ethernet frames for
lengths, and tells its times in seconds or microseconds, by release.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import NamedTuple

import polars as pl

from ml_core.errors import DataError
from ml_core.readers.frames import Table, plain
from ml_core.readers.told import Told, protocol

# Spellings of other releases; case, underscores and surrounding spaces make no difference.
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
    "Fwd Packets/s": ("Fwd Pkts/s",),
    "Bwd Packets/s": ("Bwd Pkts/s",),
    "Packet Length Min": ("Pkt Len Min", "Min Packet Length"),
    "Packet Length Max": ("Pkt Len Max", "Max Packet Length"),
    "Packet Length Mean": ("Pkt Len Mean",),
    "Packet Length Std": ("Pkt Len Std",),
    "Packet Length Variance": ("Pkt Len Var",),
    "Average Packet Size": ("Pkt Size Avg", "Avg Packet Size"),
    "Fwd Segment Size Avg": ("Fwd Seg Size Avg", "Avg Fwd Segment Size"),
    "Bwd Segment Size Avg": ("Bwd Seg Size Avg", "Avg Bwd Segment Size"),
    "Fwd Header Length": ("Fwd Header Len",),
    "Bwd Header Length": ("Bwd Header Len",),
    "FWD Init Win Bytes": ("Init Fwd Win Byts", "Init_Win_bytes_forward", "Init Fwd Win Bytes"),
    "Bwd Init Win Bytes": ("Init Bwd Win Byts", "Init_Win_bytes_backward", "Init Bwd Win Bytes"),
    "Fwd Act Data Pkts": ("act_data_pkt_fwd", "Fwd Act Data Packets"),
    "Fwd Seg Size Min": ("min_seg_size_forward",),
    "Fwd IAT Total": ("Fwd IAT Tot",),
    "Bwd IAT Total": ("Bwd IAT Tot",),
    "CWR Flag Count": ("CWE Flag Count",),
    **{
        f"{way} Packet Length {what}": (f"{way} Pkt Len {what}",)
        for way in ("Fwd", "Bwd")
        for what in ("Max", "Min", "Mean", "Std")
    },
    **{
        f"{flag} Flag Count": (f"{flag} Flag Cnt",)
        for flag in ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE")
    },
    "Src IP": ("Source IP", "source.ip"),
    "Dst IP": ("Destination IP", "destination.ip"),
    "Src Port": ("Source Port", "source.port"),
    "Dst Port": ("Destination Port", "destination.port"),
    "Timestamp": ("@timestamp",),
}
# Known by any spelling: a table that holds this many of them is CICFlowMeter's.
_LEAST = 6
_PLAIN = (
    "Flow Duration",
    "Down/Up Ratio",
    *(f"{way} PSH Flags" for way in ("Fwd", "Bwd")),
    *(
        f"{way} IAT {what}"
        for way in ("Flow", "Fwd", "Bwd")
        for what in ("Mean", "Std", "Max", "Min")
    ),
)
_ABOUT = ("Src IP", "Dst IP", "Src Port", "Dst Port", "Timestamp")
_WHOLE = (
    "Total Fwd Packet",
    "Total Bwd packets",
    "Total Length of Fwd Packet",
    "Total Length of Bwd Packet",
    *(f"{way} Packet Length {what}" for way in ("Fwd", "Bwd") for what in ("Max", "Min", "Std")),
)
FEATURES = (*_PLAIN, *(name for name in SPELLINGS if name not in _ABOUT))
_TIMES = ("Flow Duration", *(n for n in FEATURES if " IAT " in n))
_EXTREMES = ("Max", "Min")
_FRAME = 14.0  # bytes of an Ethernet frame before its IP packet
_PADDING = 6.0  # bytes of an Ethernet frame of 60 beyond its 14, and 40 of IP and TCP headers


def read(table: Table) -> Told | None:
    """None if the table is not CICFlowMeter's; DataError where two meters' columns stand side by
    side, as joined tables have them: each row is told by one of them alone."""
    features = {
        name: number
        for name in FEATURES
        if (number := table.number(name, *SPELLINGS.get(name, ()))) is not None
    }
    if len(features) < _LEAST:
        return None
    spelled = {plain(name) for name in (_WHOLE[0], *SPELLINGS[_WHOLE[0]])}
    twice = [name for name in table.schema if plain(name) in spelled]
    if len(twice) > 1:
        raise DataError(f"{table.name}: packets are counted by {' and by '.join(map(repr, twice))};"
                        " keep the flows of each meter in a file of their own")  # fmt: skip
    kind, original = protocol(table, "Protocol"), False
    if _in_python(table, features):
        features = {name: of for name, of in features.items() if "Flag" not in name}
        features |= _of_frames(features, kind)
    elif original := table.find("Total Fwd Packet") is None:
        features = {name: of for name, of in features.items() if "Flag" not in name}
        features |= _set_right(features, kind)
    return Told(
        features=features,
        source=table.text("Src IP", *SPELLINGS["Src IP"]),
        destination=table.text("Dst IP", *SPELLINGS["Dst IP"]),
        source_port=table.number("Src Port", *SPELLINGS["Src Port"]),
        port=table.number("Dst Port", *SPELLINGS["Dst Port"]),
        protocol=kind,
        time=table.find("Timestamp", *SPELLINGS["Timestamp"]),
        half_days=True,
        cut=original,
    )


def _in_python(table: Table, features: Mapping[str, pl.Expr]) -> bool:
    """Whether the meter is the one in Python: by its names, and its rates before its counts."""
    names = list(table.schema)
    rate, count = table.find("Flow Byts/s"), table.find("Tot Fwd Pkts")
    if rate is None or count is None or names.index(rate) > names.index(count):
        return False
    return all(name in features for name in (*_WHOLE, "Flow Duration", "Flow Packets/s"))


class _Way(NamedTuple):
    """What is told of the packets of one direction."""

    packets: pl.Expr
    size: pl.Expr
    largest: pl.Expr
    least: pl.Expr
    mean: pl.Expr
    std: pl.Expr


def _of_frames(told: dict[str, pl.Expr], kind: pl.Expr) -> dict[str, pl.Expr]:
    """Payload bytes and microseconds, of what the meter in Python tells in frames.

    A TCP frame's headers are taken to be the smallest frame of the flow, mostly a bare
    acknowledgement (54 bytes, with time-stamps 66); up to 74 bytes one may be an empty opening.
    """
    tcp = kind.fill_null(6) == 6
    leasts = [
        pl.when(told[_WHOLE[i]] > 0).then(told[f"{way} Packet Length Min"])
        for i, way in enumerate(("Fwd", "Bwd"))
    ]
    least = pl.min_horizontal(leasts).clip(_FRAME + 40, _FRAME + 52)
    header = pl.when(tcp).then(least).otherwise(_FRAME + 28)

    def opened(way: str, packets: str, size: str) -> _Way:
        n, largest, least = told[packets], *(told[f"{way} Packet Length {m}"] for m in _EXTREMES)
        empty = (n == 0) | (tcp & (largest <= _FRAME + 60))
        whole, largest, least = (
            pl.when(empty).then(0.0).otherwise((bytes_ - headers).clip(lower_bound=0))
            for bytes_, headers in ((told[size], n * header), (largest, header), (least, header))
        )
        mean = pl.when(n > 0).then(whole / n).otherwise(0.0)
        std = pl.when(empty).then(0.0).otherwise(told[f"{way} Packet Length Std"])
        return _Way(n, whole, largest, least, mean, std)

    forward = opened("Fwd", "Total Fwd Packet", "Total Length of Fwd Packet")
    backward = opened("Bwd", "Total Bwd packets", "Total Length of Bwd Packet")
    total = forward.packets + backward.packets
    ratio = told["Flow Duration"] * told["Flow Packets/s"] / total
    micro = pl.when(ratio.is_between(0.5, 2.0)).then(1e6).otherwise(1.0)
    right = _right(forward, backward)
    right |= {name: told[name] * micro for name in _TIMES if name in told}
    rate = told["Flow Packets/s"] * (forward.size + backward.size) / total
    right["Flow Bytes/s"] = pl.when(total > 0).then(rate)
    return right


def _set_right(told: dict[str, pl.Expr], kind: pl.Expr) -> dict[str, pl.Expr]:
    """The columns of the original meter that do not mean what the corrected one's mean."""
    tcp = kind.fill_null(6) == 6
    forward = _unpadded(told, "Fwd", "Total Fwd Packet", "Total Length of Fwd Packet", tcp)
    backward = _unpadded(told, "Bwd", "Total Bwd packets", "Total Length of Bwd Packet", tcp)
    if forward is None or backward is None:
        return {}
    right = _right(forward, backward)
    if "Flow Duration" in told and "Flow Bytes/s" in told:
        duration = told["Flow Duration"]
        rate = pl.when(duration > 0).then((forward.size + backward.size) / duration * 1e6)
        right["Flow Bytes/s"] = rate.otherwise(told["Flow Bytes/s"])
    if "Fwd Act Data Pkts" in told:
        sent = pl.when(forward.size == 0).then(0.0)
        right["Fwd Act Data Pkts"] = sent.otherwise(told["Fwd Act Data Pkts"])
    return right


def _right(forward: _Way, backward: _Way) -> dict[str, pl.Expr]:
    """The columns of lengths, of each direction and of both."""
    right = _of_both(forward, backward)
    for name, way in (("Fwd", forward), ("Bwd", backward)):
        right[f"Total Length of {name} Packet"] = way.size
        for what, value in zip(("Max", "Min", "Mean", "Std"), way[2:], strict=True):
            right[f"{name} Packet Length {what}"] = value
    return right


def _unpadded(
    told: dict[str, pl.Expr], way: str, packets: str, size: str, tcp: pl.Expr
) -> _Way | None:
    """One direction without padding; of a flow of empty and other packets only the least length."""
    names = [size, *(f"{way} Packet Length {what}" for what in ("Max", "Min", "Mean", "Std"))]
    if any(name not in told for name in (packets, *names)):
        return None
    largest, least = told[names[1]], told[names[2]]
    padded = tcp & (least == _PADDING)
    empty = padded & (largest == _PADDING)
    values = [pl.when(empty).then(0.0).otherwise(told[name]) for name in names]
    values[2] = pl.when(padded).then(0.0).otherwise(least)
    return _Way(told[packets], *values)


def _of_both(forward: _Way, backward: _Way) -> dict[str, pl.Expr]:
    """The lengths of all packets: their mean, and the deviation pooled of the two directions."""
    n, m = forward.packets, backward.packets
    mean = (forward.size + backward.size) / (n + m)
    squares = reduce(
        pl.Expr.add,
        (
            (way.packets - 1).clip(lower_bound=0) * way.std**2
            + way.packets * (way.mean - mean) ** 2
            for way in (forward, backward)
        ),
    )
    variance = pl.when(n + m > 1).then(squares / (n + m - 1)).when(n + m <= 1).then(0.0)
    least = pl.min_horizontal(forward.least, backward.least)
    alone = pl.max_horizontal(forward.least, backward.least)
    return {
        "Packet Length Max": pl.max_horizontal(forward.largest, backward.largest),
        "Packet Length Min": pl.when((n > 0) & (m > 0)).then(least).otherwise(alone),
        "Packet Length Mean": pl.when(n + m > 0).then(mean),
        "Packet Length Std": variance.sqrt(),
        "Packet Length Variance": variance,
        "Down/Up Ratio": pl.when(n > 0).then(m / n),
    }
