"""What sensors that judge by rules say: alerts of Suricata, notices of Zeek, events in CEF and LEEF.

Their rules are the site's own and its vendors'; this tool only brings an alert that fires again and
again together, and says in our words what it is about, so that it joins the incident of what else
was seen of the same source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import polars as pl

from apps.contracts import TECHNIQUE, Finding, Kind, Risk
from apps.detection.evidence import SEEN, grade, many, new, shown

_KEY = ("event.dataset", "rule.id", "rule.name", "source.ip", "destination.ip", "host.name")

_ALERTS = (
    (pl.col("event.category") == "intrusion_detection")
    & pl.col("source.ip").is_not_null()
    & (pl.col("rule.name") != "")
    & ~(pl.col("event.action") == "anomaly").fill_null(False)  # a protocol spoken badly
)

# CEF and LEEF count to 10 and are used for any event: what a vendor calls high is an alert
_TO_TEN = dict(enumerate((5, 5, 10, 10, 15, 20, 25, 40, 55, 70, 80)))
_SEVERITY = {
    # Suricata counts from 1, the worst; most rules of priority 3 only note what is unusual
    "suricata.eve": {1: 70, 2: 45, 3: 20},
    "cef.log": _TO_TEN,
    "leef.log": _TO_TEN,
}
_UNTOLD = 40  # Zeek's notices carry no severity: each is one that a site asked for
_WORST = 90

# The first that fits. Words of rules of Emerging Threats, Zeek's notices and Suricata's classes.
_WORDS: tuple[tuple[Kind, Risk, re.Pattern[str]], ...] = tuple(
    (kind, risk, re.compile(words))
    for kind, risk, words in (
        (Kind.WEB_SHELL, Risk.TROJAN, r"web_?shell|china ?chopper|behinder|godzilla"),
        (
            Kind.COMMAND_AND_CONTROL,
            Risk.TROJAN,
            r"\bcnc\b|\bc2\b|command.and.control|beacon|check-?in\b|\bbotnet\b|domain generation",
        ),
        (Kind.BRUTE_FORCE, Risk.INTRUSION, r"brute.?forc|password_?guessing|password spray"),
        (Kind.FLOOD, Risk.INTRUSION, r"\bd?dos\b|denial of service|flood|amplification|slowloris"),
        (
            Kind.WEB_INJECTION,
            Risk.INTRUSION,
            r"sql_?.?inject|cross.site|\bxss\b|web application attack|directory traversal|"
            r"path traversal|log4j|shellshock|command injection|code injection|remote code exec|"
            r"\bweb_(?:specific_apps|server)\b|file inclusion",
        ),
        (
            Kind.MALWARE,
            Risk.VIRUS,
            r"\btrojan\b|malware|ransom|worm\b|exploit.kit|coinminer|\bvirus\b|stealer",
        ),
        (
            Kind.PORT_SCAN,
            Risk.INTRUSION,
            r"\bscan\b|port_?scan|address_?scan|\bnmap\b|network scan|masscan",
        ),
    )
)
_CLASS = re.compile(r'"(?:alert\.category|cat)":"((?:[^"\\]|\\.){0,200})"')


@dataclass(frozen=True, slots=True)
class SensorAlerts:
    """Groups alerts by rule and by who did it to whom.

    Severity is the sensor's, brought to our scale, and five more for every tenfold of alerts.
    An alert of a connection home is told from whichever side fired the rule: the machine that is
    ours acts, as it does in flows.
    """

    name: str = "sensor_alerts"
    title: str = "Alerts of sensors"
    description: str = (
        "Takes over what sensors that judge by rules found: alerts of Suricata, notices of Zeek, "
        "events in CEF and LEEF."
    )
    least: int = 30  # severity of ours from which an alert is a finding

    @property
    def reads(self) -> pl.Expr:
        return _ALERTS

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        groups = (
            frame.filter(_ALERTS)
            .group_by(_KEY)
            .agg(
                *SEEN,
                worst=pl.col("event.severity").min(),
                most=pl.col("event.severity").max(),
                alerts=pl.len(),
                ports=pl.col("destination.port").drop_nulls().unique().sort().head(10),
                provider=pl.col("event.provider").drop_nulls().sort().first(),
                said=pl.col("labels").drop_nulls().sort().first(),
                refused=(pl.col("event.outcome") == "failure").sum(),
            )
        )
        found = (self._finding(row) for row in new(groups, *_KEY))
        return [finding for finding in found if finding.severity >= self.least]

    def _finding(self, row: dict[str, Any]) -> Finding:
        rule, dataset = shown(row["rule.name"], 120), row["event.dataset"]
        told = row["worst"] if dataset == "suricata.eve" else row["most"]
        kind, risk = _about(f"{row['rule.name']} {_class(row['said'])}".lower())
        source, target = row["source.ip"], row["destination.ip"] or row["host.name"] or ""
        if kind is Kind.COMMAND_AND_CONTROL and _ours(target) and not _ours(source):
            source, target = target, source
        technique = TECHNIQUE.get(kind)
        return Finding(
            tool=self.name,
            kind=kind,
            risk=risk,
            title=f"{rule}: {many(row['alerts'], 'alert')} from {source}"
            + (f" against {target}" if target else ""),
            subject=source,
            target=target,
            severity=grade(_base(dataset, told), row["alerts"], 1, step=5, most=_WORST),
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            techniques=(technique,) if technique else (),
            parameters={
                "rule": rule,
                "rule_id": row["rule.id"] or "",
                "sensor": row["provider"] or dataset.partition(".")[0],
                "alerts": row["alerts"],
                "severity_told": told,
                "refused": row["refused"],
                "ports": row["ports"],
            },
        )


def _base(dataset: str, told: int | None) -> int:
    """A sensor's severity on our scale; beyond the ends of its own it counts as the end."""
    scale = _SEVERITY.get(dataset)
    if scale is None or told is None:
        return _UNTOLD
    return scale[min(max(told, min(scale)), max(scale))]


@lru_cache(maxsize=4096)
def _about(words: str) -> tuple[Kind, Risk]:
    """What a rule is about, by its own words; anomaly where they say nothing known."""
    for kind, risk, pattern in _WORDS:
        if pattern.search(words):
            return kind, risk
    return Kind.ANOMALY, Risk.INTRUSION


def _class(labels: str | None) -> str:
    """The class of a rule, as Suricata's alerts and CEF's events tell it beside the name."""
    found = _CLASS.search(labels or "")
    return found[1] if found else ""


def _ours(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False


TOOL = SensorAlerts()
