"""Small made-up records for the tests of detection: logins, flows, requests and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from apps.acquisition.frames import conform, pack_features
from apps.acquisition.traffic.flow_columns import FLOW_FEATURES
from apps.contracts import Finding
from apps.detection import evidence
from apps.detection.tool import Tool

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MALLORY, ALICE, BOB = "203.0.113.5", "192.0.2.10", "192.0.2.11"
SHOP = "198.51.100.10"

Row = Mapping[str, Any]


def frame(rows: Iterable[Row], fresh: Sequence[bool] | None = None) -> pl.DataFrame:
    """A frame as tools get it. `t` of a row is seconds after START, `features` its flow features."""
    listed = list(rows)
    names = {name for row in listed for name in row} - {"t", "features"}
    table = {name: [row.get(name) for row in listed] for name in sorted(names)}
    table["@timestamp"] = [START + timedelta(seconds=row.get("t", 0)) for row in listed]
    made = pl.DataFrame(table, strict=False)
    known = [row["features"] for row in listed if "features" in row]
    if known:
        values = [[each.get(name, 0) for name in FLOW_FEATURES] for each in known]
        packed = iter(pack_features(np.array(values, np.float32)).to_list())
        features = [next(packed) if "features" in row else None for row in listed]
        made = made.with_columns(pl.Series("tocsin.features", features, dtype=pl.Binary))
    made = evidence.ready(conform(made))
    return made if fresh is None else made.with_columns(pl.Series("tocsin.fresh", fresh))


def found(tool: Tool, *groups: Iterable[Row]) -> list[Finding]:
    """What `tool` finds in these rows; the same, whatever their order."""
    made = frame(row for group in groups for row in group)
    findings = tool.detect(made)
    assert tool.detect(made.sample(fraction=1.0, shuffle=True, seed=7)) == findings
    return findings


def login(t: float, user: str, outcome: str = "failure", source: str = MALLORY, **more: Any) -> Row:
    return {
        "t": t,
        "event.category": "authentication",
        "event.dataset": "sshd.auth",
        "event.action": "ssh_login",
        "event.outcome": outcome,
        "user.name": user,
        "source.ip": source,
        "source.port": 40_000 + int(t) % 1000,
        "host.name": "shop",
        "network.protocol": "ssh",
        **more,
    }


def flow(
    t: float = 0,
    source: str = MALLORY,
    target: str = SHOP,
    port: int | None = 80,
    *,
    transport: str = "tcp",
    seconds: float = 0.1,
    packets: tuple[int, int] = (6, 5),
    payload: tuple[float, float] = (400, 2000),
    flags: str = "",
    source_port: int | None = 45_000,
    **more: Any,
) -> Row:
    """A flow as the meter counts it. `flags`: S for a SYN, A for acknowledgements, R for a reset
    by the target, F for a FIN; by default what its packets would carry."""
    sent, received = packets
    if transport == "tcp" and not flags:
        flags = "SA" if received else "S"
    features = {
        "Total Fwd Packet": sent,
        "Total Bwd packets": received,
        "Total Length of Fwd Packet": payload[0],
        "Total Length of Bwd Packet": payload[1],
        "SYN Flag Count": float("S" in flags) * (2 if received and "R" not in flags else 1),
        "ACK Flag Count": float("A" in flags) * max(sent + received - 1, 1),
        "RST Flag Count": float("R" in flags),
        "Bwd RST Flags": float("R" in flags),
        "FIN Flag Count": float("F" in flags),
        "ICMP Type": more.pop("icmp", 8) if transport == "icmp" else -1,
    }
    return {
        "t": t,
        "event.category": "network",
        "event.dataset": "network.flow",
        "source.ip": source,
        "source.port": None if transport == "icmp" else source_port,
        "destination.ip": target,
        "destination.port": None if transport == "icmp" else port,
        "network.transport": transport,
        "event.duration": int(seconds * 1e9),
        "source.packets": sent,
        "destination.packets": received,
        "source.bytes": int(payload[0]) + 40 * sent,
        "destination.bytes": int(payload[1]) + 40 * received,
        "features": features,
        **more,
    }


def knock(
    t: float, port: int | None, target: str = SHOP, *, refused: bool = True, **more: Any
) -> Row:
    """A SYN that is refused, or never answered."""
    given = {"packets": (1, 1), "flags": "SR"} if refused else {"packets": (1, 0), "flags": "S"}
    return flow(t, port=port, target=target, seconds=0.001, payload=(0, 0), **{**given, **more})


def request(
    t: float, url: str, status: int | None = 200, source: str = MALLORY, **more: Any
) -> Row:
    return {
        "t": t,
        "event.category": "web",
        "event.dataset": "nginx.access",
        "source.ip": source,
        "host.name": "shop",
        "http.request.method": "GET",
        "url.original": url,
        "url.path": url.partition("?")[0],
        "http.response.status_code": status,
        "user_agent.original": "Mozilla/5.0",
        **more,
    }


def file(path: str, content: bytes, host: str = "shop") -> Row:
    return {
        "event.category": "file",
        "event.dataset": "file",
        "file.path": path,
        "file.size": len(content),
        "file.content": content,
        "host.name": host,
    }
