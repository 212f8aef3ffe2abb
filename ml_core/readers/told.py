"""What a flow format tells, as expressions over a file's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ml_core.readers.frames import Table


@dataclass(frozen=True)
class Told:
    """Expressions over the rows of one file; None for what the format does not tell.

    `features` are named as in the corrected CICFlowMeter; addresses are text, ports and the
    protocol numbers (null where a row does not tell them).
    """

    features: Mapping[str, pl.Expr]
    source: pl.Expr | None = None
    destination: pl.Expr | None = None
    source_port: pl.Expr | None = None
    port: pl.Expr | None = None
    protocol: pl.Expr | None = None
    time: str | None = None  # the column that holds when the flow began
    clock: float | None = None  # microseconds of its unit; None: to be seen from the values
    half_days: bool = False  # whether the format is known to lose AM and PM
    cut: bool = False  # whether its meter ends a flow at the first FIN


def protocol(table: Table, *spellings: str) -> pl.Expr:
    """TCP 6, UDP 17, ICMP 1 (of IPv6, too), by number or name; null for others.

    What Argus knows by its contents (`rtp`) is UDP.
    """
    name = table.text(*spellings)
    if name is None:
        return pl.lit(None, dtype=pl.Int64)
    return name.str.to_lowercase().replace_strict(
        {
            **dict.fromkeys(("6", "6.0", "tcp"), 6),
            **dict.fromkeys(("17", "17.0", "udp", "rtp", "rtcp", "udt"), 17),
            **dict.fromkeys(("1", "1.0", "58", "58.0", "icmp", "icmp6", "ipv6-icmp"), 1),
        },
        default=None,
        return_dtype=pl.Int64,
    )
