"""Floods: more connections, requests or packets than a service is meant to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import (
    FRESH,
    RECORD,
    SEEN,
    TIME,
    WEB_REQUESTS,
    crossings,
    grade,
    many,
    new,
    peaks,
    shown,
    top,
    web_requests,
    within,
)
from apps.detection.flows import FLOWS, flows

_SERVICE = ("destination.ip", "destination.port")
_PAIR = ("source.ip", "destination.ip", "destination.port")
_STREAM = ("source.ip", "destination.ip", "network.transport")
_SITE = ("source.ip", "host.name", "destination.ip")
WEB_PORTS = (80, 443, 3000, 5000, 8000, 8008, 8080, 8081, 8088, 8443, 8888, 9000)


@dataclass(frozen=True, slots=True)
class Flood:
    """Compares rates of one service, source or pair with what people and programs do.

    Thresholds. Half-open connections: a healthy service has one now and then; a hundred in ten
    seconds, most of all there are, fill a backlog. Requests: a page brings up to a hundred in a
    few seconds and then rests; thirty a second for ten seconds, over few paths or by no browser's
    pattern, do not come from reading. Slow connections: browsers hold six, a proxy perhaps ten,
    and all of them get answers; fifteen at once, each sending under fifty bytes a second for ten
    seconds and answered by nearly nothing, are held open on purpose. Packets: a stream that nobody
    answers, a thousand a second and five thousand in all; even video over UDP is answered.
    """

    name: str = "flood"
    title: str = "Flood"
    description: str = (
        "Finds denial of service: SYN floods, HTTP floods, slow HTTP, and streams of packets that "
        "nobody answers."
    )
    span: timedelta = timedelta(seconds=10)
    half_open: int = 100
    half_open_share: float = 0.8
    requests: int = 300
    path_share: float = 0.2
    connections: int = 200
    slow_span: timedelta = timedelta(minutes=2)
    slow: int = 15
    slow_seconds: float = 10.0
    slow_rate: float = 50.0  # bytes a second, sent
    slow_answer: float = 1024.0  # bytes, received
    packets: int = 5_000
    packet_rate: float = 1_000.0
    packet_answers: float = 0.02
    few_sources: int = 20
    loud: float = 0.05  # share of a SYN flood from which a source is named

    @property
    def reads(self) -> pl.Expr:
        return FLOWS | WEB_REQUESTS

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        table = flows(frame)
        tcp = table.filter((pl.col("network.transport") == "tcp") & pl.col("asked"))
        return [
            *self._half_open(tcp),
            *self._connections(tcp),
            *self._slow_flows(tcp),
            *self._packets(table.filter(pl.col("network.transport") != "tcp")),
            *self._requests(_requests(frame)),
            *self._slow_requests(_requests(frame)),
        ]

    def _half_open(self, tcp: pl.DataFrame) -> list[Finding]:
        """SYN flood: by service, because the sources may be made up."""
        half_open = pl.col("bare") & ~pl.col("refused")
        windows = crossings(
            tcp,
            _SERVICE,
            span=self.span,
            counts={"peak": half_open.sum(), "all": pl.len()},
            over=(pl.col("peak") >= self.half_open)
            & (pl.col("peak") >= self.half_open_share * pl.col("all")),
        )
        rows = within(tcp.filter(half_open), windows, _SERVICE, self.span)
        # Who sent next to nothing is a client the flood kept out, or an address made up.
        share = pl.len().over(*_SERVICE, "source.ip") / pl.len().over(_SERVICE)
        loud = pl.when(share >= self.loud).then("source.ip").otherwise(pl.lit(""))
        key = (*_SERVICE, "who")
        groups = (
            rows.with_columns(who=loud)
            .group_by(key)
            .agg(
                *SEEN,
                count=pl.len(),
                sources=pl.col("source.ip").n_unique(),
                busiest=top("source.ip", 20),
                host=pl.col("host.name").drop_nulls().first(),
            )
            .filter(
                (pl.col("who") != "")
                | ((pl.col("count") >= self.half_open) & (pl.col("sources") > self.few_sources))
            )
            .join(peaks(windows, _SERVICE, "peak"), on=list(_SERVICE), nulls_equal=True)
        )
        return [self._syn_flood(row) for row in new(groups, *key)]

    def _syn_flood(self, row: dict[str, Any]) -> Finding:
        who = row["who"] or many(row["sources"], "address", "addresses")
        return self._finding(
            row,
            title=f"SYN flood against {row['destination.ip']} port {row['destination.port']} from "
            f"{who}: {many(row['count'], 'half-open connection')}",
            subject=row["who"],
            severity=grade(60, row["peak"], self.half_open),
            techniques=("T1499.001", "T1498.001"),
            signs=["syn_flood"] if row["who"] else ["syn_flood", "distributed"],
            network="flows",
            parameters={
                "port": row["destination.port"],
                "half_open": row["count"],
                "sources": row["sources"],
                "busiest_sources": row["busiest"],
                "peak_per_second": _rate(row["peak"], self.span),
                "threshold": f"{self.half_open} in {_seconds(self.span)}",
            },
        )

    def _connections(self, tcp: pl.DataFrame) -> list[Finding]:
        """HTTP flood, seen as finished connections to a web service."""
        web = tcp.filter(
            pl.col("destination.port").is_in(WEB_PORTS) & (pl.col("data") | pl.col("one_way"))
        )
        return self._by_key(
            web,
            _PAIR,
            span=self.span,
            counts={"peak": pl.len()},
            over=pl.col("peak") >= self.connections,
            extra={},
            tell=lambda row: {
                "title": f"HTTP flood against {row['destination.ip']} port "
                f"{row['destination.port']} from {row['source.ip']}: "
                f"{many(row['count'], 'connection')}",
                "severity": grade(50, row["peak"], self.connections),
                "techniques": ("T1499.002",),
                "signs": ["http_flood"],
                "network": "flows",
                "parameters": {
                    "port": row["destination.port"],
                    "connections": row["count"],
                    "peak_per_second": _rate(row["peak"], self.span),
                    "threshold": f"{self.connections} in {_seconds(self.span)}",
                },
            },
        )

    def _slow_flows(self, tcp: pl.DataFrame) -> list[Finding]:
        """Slow HTTP: connections held open, hardly fed, hardly answered."""
        held = tcp.filter(
            pl.col("destination.port").is_in(WEB_PORTS)
            & (pl.col("seconds") >= self.slow_seconds)
            & (pl.col("sent") > 0)
            & (pl.col("sent") <= self.slow_rate * pl.col("seconds"))
            & (pl.col("received") <= self.slow_answer)
        )
        took = (pl.col(TIME).max() - pl.col(TIME).min()).dt.total_microseconds() / 1e6
        at_once = pl.col("seconds").sum() / (took + pl.col("seconds").median())
        return self._by_key(
            held,
            _PAIR,
            span=self.slow_span,
            counts={"peak": pl.len(), "at_once": at_once},
            over=(pl.col("peak") >= self.slow) & (pl.col("at_once") >= self.slow / 2),
            extra={"seconds": pl.col("seconds").mean(), "sent": pl.col("sent").mean()},
            tell=lambda row: {
                "title": f"Slow HTTP against {row['destination.ip']} port "
                f"{row['destination.port']} from {row['source.ip']}: "
                f"{many(row['count'], 'connection')} held open",
                "severity": grade(55, row["peak"], self.slow),
                "techniques": ("T1499.002",),
                "signs": ["slow_http"],
                "network": "flows",
                "parameters": {
                    "port": row["destination.port"],
                    "connections": row["count"],
                    "at_once": round(row["at_once"], 1),
                    "mean_seconds": round(row["seconds"], 1),
                    "mean_bytes_sent": round(row["sent"]),
                    "threshold": f"{self.slow} in {_seconds(self.slow_span)}",
                },
            },
        )

    def _packets(self, table: pl.DataFrame) -> list[Finding]:
        """Streams of datagrams or echo requests that hardly anybody answers."""
        sent, received = pl.col("source.packets"), pl.col("destination.packets").fill_null(0)
        took = (pl.col(TIME).max() - pl.col(TIME).min()).dt.total_microseconds() / 1e6
        seconds = pl.max_horizontal(took, pl.col("seconds").max(), pl.lit(1.0))
        return self._by_key(
            table,
            _STREAM,
            span=self.slow_span,
            counts={"peak": sent.sum(), "answers": received.sum(), "rate": sent.sum() / seconds},
            over=(pl.col("peak") >= self.packets)
            & (pl.col("rate") >= self.packet_rate)
            & (pl.col("answers") <= self.packet_answers * pl.col("peak")),
            extra={"packets": sent.sum()},
            tell=lambda row: {
                "title": f"{(row['network.transport'] or '').upper()} flood against "
                f"{row['destination.ip']} from {row['source.ip']}: {many(row['packets'], 'packet')}",
                "severity": grade(50, row["rate"], self.packet_rate),
                "techniques": ("T1498.001",),
                "signs": ["packet_flood"],
                "network": "flows",
                "parameters": {
                    "packets": row["packets"],
                    "answers": row["answers"],
                    "per_second": round(row["rate"]),
                    "threshold": f"{self.packets} at {self.packet_rate:.0f} a second",
                },
            },
        )

    def _requests(self, requests: pl.DataFrame) -> list[Finding]:
        """HTTP flood, seen as requests: fast, and over and over the same few paths."""
        return self._by_key(
            requests,
            _SITE,
            span=self.span,
            counts={"peak": pl.len(), "paths": pl.col("url.path").n_unique()},
            over=(pl.col("peak") >= self.requests)
            & (pl.col("paths") <= self.path_share * pl.col("peak")),
            extra={
                "top_paths": top("url.path", 5),
                "failed": (pl.col("http.response.status_code") >= 500).sum(),
            },
            tell=lambda row: {
                "title": f"HTTP flood from {row['source.ip']}: {many(row['count'], 'request')}, "
                f"{_rate(row['peak'], self.span):,.0f} a second",
                "severity": grade(55 + (10 if row["failed"] else 0), row["peak"], self.requests),
                "techniques": ("T1499.002",),
                "signs": ["http_flood"],
                "network": "",
                "parameters": {
                    "requests": row["count"],
                    "peak_per_second": _rate(row["peak"], self.span),
                    "distinct_paths": row["paths"],
                    "paths": [shown(path, 200) for path in row["top_paths"]],
                    "server_errors": row["failed"],
                    "threshold": f"{self.requests} in {_seconds(self.span)} over few paths",
                },
            },
        )

    def _slow_requests(self, requests: pl.DataFrame) -> list[Finding]:
        """Slow HTTP, seen as requests that the server gave up waiting for (408)."""
        return self._by_key(
            requests.filter(pl.col("http.response.status_code") == 408),
            _SITE,
            span=self.slow_span,
            counts={"peak": pl.len()},
            over=pl.col("peak") >= self.slow,
            extra={},
            tell=lambda row: {
                "title": f"Slow HTTP from {row['source.ip']}: "
                f"{many(row['count'], 'request')} never finished",
                "severity": grade(50, row["peak"], self.slow),
                "techniques": ("T1499.002",),
                "signs": ["slow_http"],
                "network": "",
                "parameters": {
                    "timed_out": row["count"],
                    "threshold": f"{self.slow} in {_seconds(self.slow_span)}",
                },
            },
        )

    def _by_key(
        self,
        rows: pl.DataFrame,
        key: tuple[str, ...],
        *,
        span: timedelta,
        counts: dict[str, pl.Expr],
        over: pl.Expr,
        extra: dict[str, pl.Expr],
        tell: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> list[Finding]:
        windows = crossings(rows, key, span=span, counts=counts, over=over)
        inside = within(rows, windows, key, span)
        groups = inside.group_by(key).agg(
            *SEEN,
            count=pl.len(),
            host=pl.col("host.name").drop_nulls().first()
            if "host.name" not in key
            else pl.lit(None, pl.String),
            **extra,
        )
        groups = groups.join(peaks(windows, key, "peak"), on=list(key), nulls_equal=True)
        return [
            self._finding(row, subject=row["source.ip"], **tell(row)) for row in new(groups, *key)
        ]

    def _finding(
        self,
        row: dict[str, Any],
        *,
        title: str,
        subject: str,
        severity: int,
        techniques: tuple[str, ...],
        signs: list[str],
        network: str,
        parameters: dict[str, Any],
    ) -> Finding:
        host = row.get("host.name") or row.get("host") or ""
        return Finding(
            tool=self.name,
            kind=Kind.FLOOD,
            risk=Risk.INTRUSION,
            title=title,
            subject=subject,
            target=row.get("destination.ip") or host,
            severity=severity,
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            host=host,
            network=network,
            techniques=techniques,
            parameters={"signs": signs, **parameters},
        )


def _requests(frame: pl.DataFrame) -> pl.DataFrame:
    return web_requests(frame).select(
        RECORD,
        FRESH,
        TIME,
        *_SITE,
        "http.response.status_code",
        pl.coalesce("url.path", pl.col("url.original").str.extract(r"^([^?]*)", 1)),
    )


def _rate(count: int, span: timedelta) -> float:
    return round(count / span.total_seconds(), 1)


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"


TOOL = Flood()
