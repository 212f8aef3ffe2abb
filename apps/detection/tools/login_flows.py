"""Password guessing where no log tells of it: many short, alike conversations with one service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import SEEN, TIME, crossings, grade, many, new, peaks, within
from apps.detection.flows import FLOWS, flows

_KEY = ("source.ip", "destination.ip", "destination.port")

LOGIN_PORTS = {
    21: "ftp",
    22: "ssh",
    23: "telnet",
    139: "smb",
    445: "smb",
    990: "ftp",
    2121: "ftp",
    2222: "ssh",
    3389: "rdp",
    5900: "vnc",
}
LOGIN_PROTOCOLS = ("ssh", "ftp", "telnet", "smb", "rdp", "vnc")

# Services that are meant to be called often and briefly: many short flows there say nothing.
CHATTY_PORTS = (
    *(25, 53, 80, 88, 110, 123, 135, 143, 389, 443, 465, 587, 636, 853, 873, 993, 995),
    *(1433, 1521, 1883, 3000, 3128, 3268, 3306, 5000, 5222, 5432, 5601, 5672, 6379, 6443),
    *(8000, 8001, 8008, 8080, 8081, 8086, 8088, 8443, 8883, 8888, 9000, 9090, 9092, 9100),
    *(9200, 9300, 10250, 11211, 27017),
)


@dataclass(frozen=True, slots=True)
class LoginFlows:
    """Counts short TCP conversations between one source and one login service.

    Thresholds: a person opens a handful of sessions in two minutes and keeps them; a guessing
    program needs a new one for every few passwords, none long and none carrying much. Twelve on a
    known login port. A login service hidden on another port is told by its shape: guesses at one
    service are nearly the same size (half of them within a tenth of the median), wait for its
    answer (servers delay failures on purpose) and run side by side, which polling does not.
    """

    name: str = "login_flows"
    title: str = "Login brute force in flows"
    description: str = (
        "Finds password guessing without logs: many short, alike connections of one source to "
        "one login service (SSH, FTP, Telnet, SMB, RDP, VNC), on its usual port or another."
    )
    span: timedelta = timedelta(minutes=2)
    sessions: int = 12
    hidden_sessions: int = 30
    longest: float = 60.0  # seconds
    most_bytes: float = 16_384.0  # payload, each way
    spread: float = 0.1  # median absolute deviation / median of the bytes sent
    shortest_wait: float = 0.5  # seconds, median of a hidden service's conversations
    side_by_side: float = 2.0  # conversations at a time, on average

    @property
    def reads(self) -> pl.Expr:
        return FLOWS

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        short = self._short_sessions(flows(frame))
        sent, seconds, sessions = pl.col("sent"), pl.col("seconds"), pl.col("sessions")
        took = (pl.col(TIME).max() - pl.col(TIME).min()).dt.total_microseconds() / 1e6
        windows = crossings(
            short,
            _KEY,
            span=self.span,
            counts={
                "sessions": pl.len(),
                "login": pl.col("login").any(),
                "spread": (sent - sent.median()).abs().median() / sent.median(),
                "wait": seconds.median(),
                "side_by_side": seconds.sum() / (took + seconds.median()),
            },
            over=(pl.col("login") & (sessions >= self.sessions))
            | (
                (sessions >= self.hidden_sessions)
                & (pl.col("spread") <= self.spread)
                & (pl.col("wait") >= self.shortest_wait)
                & (pl.col("side_by_side") >= self.side_by_side)
            ),
        )
        rows = within(short, windows, _KEY, self.span)
        groups = rows.group_by(_KEY).agg(
            *SEEN,
            host=pl.col("host.name").drop_nulls().first(),
            service=pl.col("service").drop_nulls().first(),
            flows=pl.len(),
            seconds=pl.col("seconds").mean(),
            sent=pl.col("sent").mean(),
            received=pl.col("received").mean(),
        )
        groups = groups.join(peaks(windows, _KEY, "sessions"), on=list(_KEY), nulls_equal=True)
        return [self._finding(row) for row in new(groups, *_KEY)]

    def _short_sessions(self, table: pl.DataFrame) -> pl.DataFrame:
        """Conversations that may be one login: both sides spoke, not for long, not of much."""
        service = pl.coalesce(
            pl.when(pl.col("network.protocol").is_in(LOGIN_PROTOCOLS)).then("network.protocol"),
            pl.col("destination.port").replace_strict(
                LOGIN_PORTS, default=None, return_dtype=pl.String
            ),
        )
        return (
            table.with_columns(service=service)
            .with_columns(login=pl.col("service").is_not_null())
            .filter(
                (pl.col("network.transport") == "tcp")
                & pl.col("data")
                & pl.col("asked")
                & (pl.col("seconds").fill_null(0) <= self.longest)
                & (pl.col("sent") <= self.most_bytes)
                & (pl.col("received") <= self.most_bytes)
                & (pl.col("login") | ~pl.col("destination.port").is_in(CHATTY_PORTS))
            )
        )

    def _finding(self, row: dict[str, Any]) -> Finding:
        service, port = row["service"], row["destination.port"]
        named = service.upper() if service else f"Login to port {port}"
        base, threshold = (50, self.sessions) if service else (40, self.hidden_sessions)
        seconds = max((row["last"] - row["first"]).total_seconds(), 1.0)
        return Finding(
            tool=self.name,
            kind=Kind.BRUTE_FORCE,
            risk=Risk.INTRUSION,
            title=f"{named} brute force from {row['source.ip']} against {row['destination.ip']}: "
            f"{many(row['flows'], 'short connection')}",
            subject=row["source.ip"],
            target=row["destination.ip"],
            severity=grade(base, row["sessions"], threshold, most=75),
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            host=row["host"] or "",
            network="flows",
            techniques=("T1110.001",),
            parameters={
                "signs": [service] if service else [],
                "service": service or "",
                "port": port,
                "connections": row["flows"],
                "peak_connections": row["sessions"],
                "connections_per_minute": round(row["flows"] * 60 / seconds, 1),
                "mean_seconds": round(row["seconds"] or 0.0, 2),
                "mean_bytes_sent": round(row["sent"]),
                "mean_bytes_received": round(row["received"]),
                "side_by_side": round(row["side_by_side"] or 0.0, 1),
                "spread": round(row["spread"] or 0.0, 3),
                "threshold": f"{threshold} in {self.span.total_seconds() / 60:.0f} min",
            },
        )


TOOL = LoginFlows()
