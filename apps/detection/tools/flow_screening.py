"""Screens flows for what is unusual, and leaves the verdict to the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import SEEN, TIME, many, new
from apps.detection.flows import FLOWS, flows

_PAIR = ("source.ip", "destination.ip", "network.transport", "destination.port")
_SIZES = ("seconds", "source.packets", "destination.packets", "sent", "received")
_PRIVATE = (
    r"^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d"
    r"|12[0-7])\.)|^f[cd][0-9a-f]{2}:|^fe[89ab][0-9a-f]:|^::1$"
)
# Services that call at fixed times by design.
_PUNCTUAL = (53, 67, 68, 123, 137, 138, 161, 162, 514, 853, 1900, 3702, 5351, 5353, 5355)


@dataclass(frozen=True, slots=True)
class FlowScreening:
    """Three questions by robust statistics; each answer is a hint of low severity.

    Out of line with its service: against the other flows of the batch to the same port, at least
    fifty of them, three of five sizes lie six deviations off (median and median absolute deviation
    of logarithms, so that one attack cannot widen the scale); eight such flows of one pair, half of
    all it has there, and at most a fifth of the service's, or they would be the rule themselves. Beyond its protocol: more
    in one flow than name look-ups, clocks and echo requests carry. Like clockwork: thirty calls to
    a public address at even intervals and of even size, which programs make and people do not.
    """

    name: str = "flow_screening"
    title: str = "Flow screening"
    description: str = (
        "Points out flows that are out of line with their service, too large for their protocol, "
        "or repeated like clockwork. The network decides what they are."
    )
    baseline: int = 50
    deviations: float = 6.0
    least_deviation: float = 0.35  # of a natural logarithm: a factor of 1.4
    sizes: int = 3
    flows_of_pair: int = 8
    share_of_pair: float = 0.5
    share_of_service: float = 0.2
    lookup_bytes: float = 10_000.0
    echo_bytes: float = 10_000.0
    calls: int = 30
    jitter: float = 0.15
    size_jitter: float = 0.1

    @property
    def reads(self) -> pl.Expr:
        return FLOWS

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        table = flows(frame).filter("asked")
        return [
            *self._findings(self._out_of_line(table), self.flows_of_pair, "out_of_line", 20),
            *self._findings(self._beyond_protocol(table), 1, "beyond_protocol", 30),
            *self._findings(self._like_clockwork(table), self.calls, "like_clockwork", 25),
        ]

    def _out_of_line(self, table: pl.DataFrame) -> pl.DataFrame:
        table = table.filter(~pl.col("bare"))  # a flood of knocks must not become the rule
        service = ["network.transport", "destination.port"]
        logs = [pl.col(name).fill_null(0).cast(pl.Float64).log1p().alias(name) for name in _SIZES]
        sizes = table.with_columns(logs)
        off = [(pl.col(name) - pl.col(name).median().over(service)).abs() for name in _SIZES]
        sizes = sizes.with_columns(
            o.alias(f"off {name}") for name, o in zip(_SIZES, off, strict=True)
        )
        far = [
            pl.col(f"off {name}")
            > self.deviations
            * pl.max_horizontal(
                1.4826 * pl.col(f"off {name}").median().over(service), self.least_deviation
            )
            for name in _SIZES
        ]
        marked = sizes.with_columns(
            strange=pl.sum_horizontal(far) >= self.sizes, all=pl.len().over(service)
        )
        few = pl.col("strange").sum().over(service) <= self.share_of_service * pl.col("all")
        mostly = pl.col("strange").mean().over(_PAIR) >= self.share_of_pair
        kept = marked.filter(pl.col("strange") & few & mostly & (pl.col("all") >= self.baseline))
        return table.join(kept.select("record.id"), on="record.id", how="semi")

    def _beyond_protocol(self, table: pl.DataFrame) -> pl.DataFrame:
        carried = pl.col("sent") + pl.col("received")
        lookup = (pl.col("network.transport") == "udp") & pl.col("destination.port").is_in(
            [53, 123]
        )
        echo = pl.col("network.transport").is_in(["icmp", "ipv6-icmp"])
        return table.filter(
            (lookup & (carried >= self.lookup_bytes)) | (echo & (carried >= self.echo_bytes))
        )

    def _like_clockwork(self, table: pl.DataFrame) -> pl.DataFrame:
        calls = table.filter(
            pl.col("data")
            & ~pl.col("destination.port").is_in(_PUNCTUAL)
            & ~pl.col("destination.ip").str.contains(_PRIVATE)
        ).sort(TIME)
        gap = pl.col(TIME).diff().dt.total_microseconds().drop_nulls() / 1e6
        sent = pl.col("sent")
        even = (
            calls.group_by(_PAIR)
            .agg(
                calls=pl.len(),
                gap=gap.median(),
                jitter=(gap - gap.median()).abs().median() / gap.median(),
                size_jitter=(sent - sent.median()).abs().median() / sent.median(),
            )
            .filter(
                (pl.col("calls") >= self.calls)
                & (pl.col("gap") >= 1)
                & (pl.col("jitter") <= self.jitter)
                & (pl.col("size_jitter") <= self.size_jitter)
            )
        )
        return calls.join(even, on=list(_PAIR), how="semi", nulls_equal=True)

    def _findings(self, rows: pl.DataFrame, least: int, sign: str, severity: int) -> list[Finding]:
        groups = (
            rows.group_by(_PAIR)
            .agg(
                *SEEN,
                flows=pl.len(),
                host=pl.col("host.name").drop_nulls().first(),
                sent=pl.col("sent").sum(),
                received=pl.col("received").sum(),
                seconds=pl.col("seconds").median(),
                gap=(pl.col(TIME).sort().diff().dt.total_microseconds() / 1e6).median(),
            )
            .filter(pl.col("flows") >= least)
        )
        return [_finding(self.name, row, sign, severity) for row in new(groups, *_PAIR)]


_WORDS = {
    "out_of_line": "unlike the others to this service",
    "beyond_protocol": "carrying more than the protocol does",
    "like_clockwork": "repeated like clockwork",
}
_TECHNIQUES = {
    "out_of_line": (),
    "beyond_protocol": ("T1572",),
    "like_clockwork": ("T1071",),
}


def _finding(tool: str, row: dict[str, Any], sign: str, severity: int) -> Finding:
    transport, port = row["network.transport"] or "", row["destination.port"]
    door = f"{transport.upper()} port {port}" if port is not None else transport.upper()
    return Finding(
        tool=tool,
        kind=Kind.ANOMALY,
        risk=Risk.INTRUSION,
        title=f"{many(row['flows'], 'flow')} from {row['source.ip']} to {row['destination.ip']} "
        f"({door}) {_WORDS[sign]}",
        subject=row["source.ip"],
        target=row["destination.ip"],
        severity=severity,
        first=row["first"],
        last=row["last"],
        records=tuple(row["records"]),
        host=row["host"] or "",
        network="flows",
        techniques=_TECHNIQUES[sign],
        parameters={
            "signs": [sign],
            "flows": row["flows"],
            "transport": transport,
            "port": port,
            "bytes_sent": round(row["sent"]),
            "bytes_received": round(row["received"]),
            "median_seconds": round(row["seconds"] or 0.0, 3),
            "median_interval": round(row["gap"] or 0.0, 2),
        },
    )


TOOL = FlowScreening()
