"""Small made-up records, findings and verdicts for the tests of analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from apps.acquisition.frames import conform
from apps.contracts import (
    TECHNIQUE,
    Assessment,
    AutomaticStep,
    Condition,
    ExpertRecord,
    Finding,
    Kind,
    ManualTask,
    Risk,
)

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MALLORY, TRUDY = "203.0.113.5", "203.0.113.9"
SHOP = "198.51.100.10"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Records in memory: their ids are their row numbers. `t` is seconds after START."""
    columns = {name for row in rows for name in row if name != "t"}
    table = {name: [row.get(name) for row in rows] for name in sorted(columns)}
    table["@timestamp"] = [at(row.get("t", 0)) for row in rows]
    return conform(pl.DataFrame(table, strict=False))


def finding(
    kind: Kind = Kind.BRUTE_FORCE,
    subject: str = MALLORY,
    target: str = SHOP,
    *,
    t: float = 0,
    lasts: float = 10,
    records: Sequence[int] = (0,),
    severity: int = 60,
    tool: str = "",
    **more: Any,
) -> Finding:
    technique = TECHNIQUE.get(kind)
    return Finding(
        tool=tool or f"{kind}_tool",
        kind=kind,
        risk=more.pop("risk", Risk.INTRUSION),
        title=more.pop("title", f"{kind} by {subject}"),
        subject=subject,
        target=target,
        severity=severity,
        first=at(t),
        last=at(t + lasts),
        records=tuple(records),
        techniques=more.pop("techniques", (technique,) if technique else ()),
        **more,
    )


def verdict(label: str, p_attack: float, *, unsure: bool = False, scored: int = 8) -> Assessment:
    return Assessment(
        network="flows",
        model="flows-test 0123456789ab",
        label=label,
        probability=p_attack if label.lower() != "normal" else 1 - p_attack,
        p_attack=p_attack,
        unsure=unsure,
        probabilities={"Normal": 1 - p_attack, "Other": p_attack},
        reasons=(),
        scored=scored,
    )


def login(t: float, user: str, outcome: str = "failure", source: str = MALLORY) -> dict[str, Any]:
    return {
        "t": t,
        "event.dataset": "sshd.auth",
        "event.category": "authentication",
        "event.action": "ssh_login",
        "event.outcome": outcome,
        "event.original": f"sshd: {outcome} password for {user} from {source}",
        "source.ip": source,
        "user.name": user,
        "host.name": "shop",
    }


def request(t: float, method: str, url: str, *, status: int = 200, **more: Any) -> dict[str, Any]:
    return {
        "t": t,
        "event.dataset": "nginx.access",
        "event.category": "web",
        "source.ip": more.pop("source", MALLORY),
        "http.request.method": method,
        "url.original": url,
        "url.path": url.partition("?")[0],
        "http.response.status_code": status,
        "host.name": "shop",
        "event.original": f'{MALLORY} "{method} {url}" {status}',
        **more,
    }


def knock(t: float, port: int, source: str = MALLORY) -> dict[str, Any]:
    return {
        "t": t,
        "event.dataset": "network.flow",
        "event.category": "network",
        "source.ip": source,
        "destination.ip": SHOP,
        "destination.port": port,
        "network.transport": "tcp",
    }


def expert(
    slug: str = "ssh-brute-force",
    kinds: Sequence[Kind] = (Kind.BRUTE_FORCE,),
    *,
    when: Sequence[Condition] = (),
    automatic: Sequence[AutomaticStep] = (
        AutomaticStep("block_address", "attacker.addresses", "Keeps {address} out.", {"hours": 24}),
        AutomaticStep("disable_account", "accounts_taken", "{account} is in their hands."),
        AutomaticStep("quarantine_file", "files", "{path} must not be called."),
    ),
    manual: Sequence[ManualTask] = (ManualTask("Change the passwords", "of {accounts_taken}"),),
    techniques: Sequence[str] = (),
) -> ExpertRecord:
    return ExpertRecord(
        slug=slug,
        version="1",
        title=slug.replace("-", " "),
        summary="",
        risk=Risk.INTRUSION,
        kinds=tuple(kinds),
        when=tuple(when),
        automatic=tuple(automatic),
        manual=tuple(manual),
        verify=(),
        techniques=tuple(techniques),
        references=(),
        digest="0" * 64,
    )
