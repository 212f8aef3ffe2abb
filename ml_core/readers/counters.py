"""CICFlowMeter's columns from the counters that every other format has.

Only what follows from duration, packets and payload bytes of the two directions: means and rates
always; the spread of lengths and of gaps where a direction has so few packets, or so little
payload, that nothing is left open. The rest is null.
"""

from __future__ import annotations

import polars as pl

_WAYS = ("Fwd", "Bwd")


def from_counters(
    duration: pl.Expr,
    packets: tuple[pl.Expr, pl.Expr],
    payload: tuple[pl.Expr, pl.Expr],
) -> dict[str, pl.Expr]:
    """Columns by name. Duration in microseconds; packets and payload bytes forward, backward."""
    total, size = packets[0] + packets[1], payload[0] + payload[1]
    means = tuple(
        pl.when(n > 0).then(b / n).when(n == 0).then(0.0)
        for n, b in zip(packets, payload, strict=True)
    )
    told = {
        "Flow Duration": duration,
        "Total Fwd Packet": packets[0],
        "Total Bwd packets": packets[1],
        "Total Length of Fwd Packet": payload[0],
        "Total Length of Bwd Packet": payload[1],
        "Flow Bytes/s": _per_second(size, duration),
        "Flow Packets/s": _per_second(total, duration),
        "Fwd Packets/s": _per_second(packets[0], duration),
        "Bwd Packets/s": _per_second(packets[1], duration),
        "Down/Up Ratio": pl.when(packets[0] > 0).then(packets[1] / packets[0]),
        # CICFlowMeter does not count the packet that opens a flow
        "Fwd Act Data Pkts": pl.when((packets[0] <= 1) | (payload[0] == 0)).then(0.0),
    }
    for way, n, b, mean in zip(_WAYS, packets, payload, means, strict=True):
        plain = (n <= 1) | (b == 0)
        told[f"{way} Packet Length Mean"] = mean
        told[f"{way} Packet Length Max"] = pl.when(plain).then(mean)
        told[f"{way} Packet Length Min"] = pl.when(plain).then(mean)
        told[f"{way} Packet Length Std"] = pl.when(plain).then(0.0)
        told[f"{way} Segment Size Avg"] = mean
    return told | _lengths(packets, means, total, size) | _gaps(duration, packets, total)


def _per_second(amount: pl.Expr, duration: pl.Expr) -> pl.Expr:
    return pl.when(duration > 0).then(amount / duration * 1e6)


def _lengths(
    packets: tuple[pl.Expr, pl.Expr],
    means: tuple[pl.Expr, ...],
    total: pl.Expr,
    size: pl.Expr,
) -> dict[str, pl.Expr]:
    """Of the packets of both directions; each is known where there is at most one a direction."""
    empty, single = size == 0, (packets[0] <= 1) & (packets[1] <= 1)
    larger, both = pl.max_horizontal(means), (packets[0] > 0) & (packets[1] > 0)
    mean = pl.when(total > 0).then(size / total)
    least = pl.when(both).then(pl.min_horizontal(means)).otherwise(larger)
    deviation = pl.when(both).then((means[0] - means[1]).abs() / 2**0.5).otherwise(0.0)
    std = pl.when(empty).then(0.0).when(single).then(deviation)
    return {
        "Packet Length Max": pl.when(empty | single).then(larger),
        "Packet Length Min": pl.when(empty).then(0.0).when(single).then(least),
        "Packet Length Mean": mean,
        "Packet Length Std": std,
        "Packet Length Variance": std**2,
        "Average Packet Size": mean,
    }


def _gaps(
    duration: pl.Expr, packets: tuple[pl.Expr, pl.Expr], total: pl.Expr
) -> dict[str, pl.Expr]:
    """Times between packets. Of one direction they are known where it is alone, or has one packet."""
    mean = pl.when(total > 1).then(duration / (total - 1)).when(total >= 0).then(0.0)
    told = {
        "Flow IAT Mean": mean,
        "Flow IAT Std": pl.when(total <= 2).then(0.0),
        "Flow IAT Max": pl.when(total <= 2).then(mean),
        "Flow IAT Min": pl.when(total <= 2).then(mean),
    }
    for way, n, other in zip(_WAYS, packets, packets[::-1], strict=True):
        for what in ("Mean", "Std", "Max", "Min"):
            told[f"{way} IAT {what}"] = (
                pl.when(n <= 1).then(0.0).when(other == 0).then(told[f"Flow IAT {what}"])
            )
        whole = pl.when(n <= 1).then(0.0).when(other == 0).then(duration)
        told[f"{way} IAT Total"] = whole
    return told


def payload(
    octets: tuple[pl.Expr, pl.Expr], packets: tuple[pl.Expr, pl.Expr], protocol: pl.Expr
) -> tuple[pl.Expr, pl.Expr]:
    """Payload bytes of both directions, from the bytes of their IP packets.

    Exact for UDP and ICMP over IPv4 (28 bytes of headers a packet). A TCP packet's headers are 40
    bytes, or 52 with time-stamps, and up to 60 where it opens a connection: 52 (60 once), but no
    more than the smaller direction's mean packet, which is mostly bare acknowledgements.
    """
    means = [pl.when(n > 0).then(b / n) for n, b in zip(packets, octets, strict=True)]
    tcp = protocol == 6
    header = pl.when(tcp).then(pl.min_horizontal(means).clip(40.0, 52.0)).otherwise(28.0)
    opening = pl.when(tcp).then(60.0 - header).otherwise(0.0)
    forward, backward = (
        (b - n * header - opening).clip(lower_bound=0.0)
        for n, b in zip(packets, octets, strict=True)
    )
    return forward, backward
