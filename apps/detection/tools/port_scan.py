"""Port scans and sweeps: a source that knocks at many doors and gets hardly anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import SEEN, crossings, grade, many, new, peaks, top, within
from apps.detection.flows import FLOWS, flows

_VERTICAL = ("source.ip", "destination.ip")
_HORIZONTAL = ("source.ip", "network.transport", "destination.port")
_TRACEROUTE = (33434, 33534)  # UDP ports traceroute counts through, one a hop and probe
_ICMP = ("icmp", "ipv6-icmp")


@dataclass(frozen=True, slots=True)
class PortScan:
    """Counts the distinct doors a source knocks at, among conversations that led nowhere.

    A knock is a connection without payload, a datagram without answer, or an echo request.
    Thresholds: ordinary software fails at one or two ports of a machine, not at fifteen; a
    browser or resolver talks to many addresses, but they answer, so of the doors of one kind at
    least 60 % must be knocks. An echo sweep asks each address once or twice and a quarter of them
    is not there; a monitoring system asks the same few again and again, and they answer.
    """

    name: str = "port_scan"
    title: str = "Port scan"
    description: str = (
        "Finds scans in flows: many ports of one target, one port of many targets, sweeps by "
        "echo request; SYN, connect, UDP, FIN, NULL and Xmas."
    )
    span: timedelta = timedelta(minutes=2)
    ports: int = 15
    targets: int = 15
    swept: int = 10
    share: float = 0.6
    absent: float = 0.25

    @property
    def reads(self) -> pl.Expr:
        return FLOWS

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        table = _doors(flows(frame))
        return [
            *self._vertical(table.filter(pl.col("destination.port").is_not_null())),
            *self._horizontal(table.filter(~pl.col("network.transport").is_in(_ICMP))),
            *self._sweep(table.filter(pl.col("network.transport").is_in(_ICMP))),
        ]

    def _vertical(self, table: pl.DataFrame) -> list[Finding]:
        door = pl.struct("network.transport", "destination.port")
        return self._scans(
            table.filter(~pl.col("network.transport").is_in(_ICMP)),
            _VERTICAL,
            counts={
                "doors": door.filter("knock").n_unique(),
                "all": door.n_unique(),
            },
            over=(pl.col("doors") >= self.ports) & (pl.col("doors") >= self.share * pl.col("all")),
            threshold=self.ports,
        )

    def _horizontal(self, table: pl.DataFrame) -> list[Finding]:
        return self._scans(
            table,
            _HORIZONTAL,
            counts={
                "doors": pl.col("destination.ip").filter("knock").n_unique(),
                "all": pl.col("destination.ip").n_unique(),
            },
            over=(pl.col("doors") >= self.targets)
            & (pl.col("doors") >= self.share * pl.col("all")),
            threshold=self.targets,
        )

    def _sweep(self, table: pl.DataFrame) -> list[Finding]:
        target, alone = pl.col("destination.ip"), ~pl.col("answered")
        return self._scans(
            table.filter(pl.col("source.packets").fill_null(1) <= 3),
            ("source.ip",),
            counts={
                "doors": target.n_unique(),
                "all": target.n_unique(),
                "absent": target.filter(alone).n_unique(),
                "asked_each": pl.len() / target.n_unique(),
            },
            over=(pl.col("doors") >= self.swept)
            & (pl.col("absent") >= self.absent * pl.col("doors"))
            & (pl.col("asked_each") <= 2),
            threshold=self.swept,
        )

    def _scans(
        self,
        table: pl.DataFrame,
        key: tuple[str, ...],
        *,
        counts: dict[str, pl.Expr],
        over: pl.Expr,
        threshold: int,
    ) -> list[Finding]:
        windows = crossings(table, key, span=self.span, counts=counts, over=over)
        rows = within(table, windows, key, self.span)
        groups = rows.group_by(key).agg(
            *SEEN,
            flows=pl.len(),
            targets=pl.col("destination.ip").n_unique(),
            ports=pl.col("destination.port").drop_nulls().n_unique(),
            open=pl.col("destination.port").filter(pl.col("open")).drop_nulls().unique().sort(),
            answered=pl.col("destination.ip").filter("answered").unique().sort(),
            sample_ports=pl.col("destination.port").drop_nulls().unique().sort().head(20),
            sample_targets=top("destination.ip", 10),
            methods=pl.col("method").drop_nulls().unique().sort(),
            host=pl.col("host.name").drop_nulls().first(),
        )
        groups = groups.join(peaks(windows, key, "doors"), on=list(key), nulls_equal=True)
        return [self._finding(row, key, threshold) for row in new(groups, *key)]

    def _finding(self, row: dict[str, Any], key: tuple[str, ...], threshold: int) -> Finding:
        source = row["source.ip"]
        one_target = key == _VERTICAL
        if one_target:
            what = (
                f"Port scan of {row['destination.ip']} from {source}: {many(row['ports'], 'port')}"
            )
            target = row["destination.ip"]
        elif key == _HORIZONTAL:
            door = f"{(row['network.transport'] or '').upper()} port {row['destination.port']}"
            what = f"Scan for {door} from {source}: {many(row['targets'], 'address', 'addresses')}"
            target = ""
        else:
            what = f"Echo sweep from {source}: {many(row['targets'], 'address', 'addresses')}"
            target = ""
        return Finding(
            tool=self.name,
            kind=Kind.PORT_SCAN,
            risk=Risk.INTRUSION,
            title=what,
            subject=source,
            target=target,
            severity=grade(30, row["doors"], threshold, most=55),
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            host=(row["host"] or "") if one_target else "",
            network="flows",
            techniques=("T1046",) if row["ports"] else ("T1018",),
            parameters={
                "signs": ["vertical_scan" if one_target else "horizontal_scan"],
                "methods": row["methods"],
                "flows": row["flows"],
                "ports": row["ports"],
                "targets": row["targets"],
                "open_ports": row["open"][:20],
                "answering_targets": row["answered"][:20],
                "sample_ports": row["sample_ports"],
                "sample_targets": row["sample_targets"],
                "peak": row["doors"],
                "threshold": f"{threshold} in {self.span.total_seconds() / 60:.0f} min",
            },
        )


def _doors(table: pl.DataFrame) -> pl.DataFrame:
    """What a source began itself, with `knock`, `open` and `method`."""
    transport, port = pl.col("network.transport"), pl.col("destination.port")
    tcp, udp = transport == "tcp", transport == "udp"
    knock = (
        pl.when(tcp)
        .then(pl.col("bare"))
        .when(transport.is_in(_ICMP))
        .then(pl.lit(True))
        .otherwise(~pl.col("answered"))
    )
    method = (
        pl.when(tcp & (pl.col("source.packets") <= 2))
        .then(pl.lit("half-open or stealth"))
        .when(tcp)
        .then(pl.lit("connect"))
        .when(udp)
        .then(pl.lit("udp"))
        .when(transport.is_in(_ICMP))
        .then(pl.lit("echo"))
    )
    traceroute = udp & port.is_between(*_TRACEROUTE)
    return table.filter(pl.col("asked") & ~traceroute.fill_null(False)).with_columns(
        knock=knock,
        method=method,
        open=pl.col("answered") & ~pl.col("refused"),
    )


TOOL = PortScan()
