"""Who is behind an incident, as far as the records say. Pure: a frame and findings in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl

from apps.analysis.campaign import host_names
from apps.analysis.evidence import Evidence
from apps.analysis.words import is_address
from apps.contracts import TECHNIQUE, Attacker, Finding, Kind, Seen

MOST = 1000  # values kept of one kind, the most frequent first
_GUESSED = 3  # failures from an address after which a success is no ordinary log-in
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TOOLS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.I))
    for name, pattern in (
        ("sqlmap", r"\bsqlmap\b"),
        ("Nmap", r"\bnmap\b"),
        ("Hydra", r"\bhydra\b"),
        ("Patator", r"\bpatator\b"),
        ("Nikto", r"\bnikto\b"),
        ("Nuclei", r"\bnuclei\b"),
        ("WPScan", r"\bwpscan\b"),
        ("gobuster", r"\bgobuster\b"),
        ("DirBuster", r"\bdirbuster\b"),
        ("ffuf", r"\bffuf\b|fuzz faster u fool"),
        ("Wfuzz", r"\bwfuzz\b"),
        ("feroxbuster", r"\bferoxbuster\b"),
        ("OWASP ZAP", r"\bzap(?:roxy)?\b"),
        ("Burp Suite", r"\bburp(?:suite)?\b|burpcollaborator"),
        ("Acunetix", r"\bacunetix\b"),
        ("Nessus", r"\bnessus\b"),
        ("OpenVAS", r"\bopenvas\b"),
        ("Masscan", r"\bmasscan\b"),
        ("ZGrab", r"\bzgrab\b"),
        ("Medusa", r"\bmedusa\b"),
        ("Ncrack", r"\bncrack\b"),
        ("slowhttptest", r"\bslowhttptest\b"),
        ("ApacheBench", r"\bapachebench\b"),
        ("curl", r"^curl/"),
        ("Wget", r"^wget/"),
        ("Python requests", r"\bpython-requests\b"),
        ("Python aiohttp", r"\baiohttp\b"),
        ("Python urllib", r"\bpython-urllib\b"),
        ("Go HTTP client", r"\bgo-http-client\b"),
        ("Paramiko", r"\bparamiko\b"),
        ("libssh", r"\blibssh\d?\b"),
        ("PuTTY", r"\bputty\b"),
    )
)
"""Programs that say who they are in a user agent or an SSH banner."""


def profile(frame: pl.DataFrame, findings: Sequence[Finding]) -> Attacker:
    """The attacker of one incident. `frame` holds at least the records behind its findings.

    Addresses are those that act in the findings and, where a finding knows only a file, those
    that its records name; counts are of records. An account is taken when a finding says so, or
    when an address that guessed logged in with a password after at least three failures.
    """
    evidence = Evidence(frame)
    addresses = _addresses(evidence, findings)
    records = evidence.of(findings)
    logins = _logins(evidence, records, findings)
    return Attacker(
        addresses=addresses,
        tools=_tools(records, findings),
        accounts=_seen(logins.filter(pl.col("event.outcome") == "failure"), "user.name"),
        accounts_taken=accounts_taken(logins, findings),
        targets=_targets(findings),
        techniques=techniques(findings),
        first=min((f.first for f in findings), default=_EPOCH),
        last=max((f.last for f in findings), default=_EPOCH),
    )


def techniques(findings: Sequence[Finding]) -> tuple[str, ...]:
    """ATT&CK techniques in the order in which they were first seen."""
    found: dict[str, None] = {}
    for finding in sorted(findings, key=lambda f: (f.first, f.kind)):
        for technique in finding.techniques or filter(None, [TECHNIQUE.get(finding.kind)]):
            found.setdefault(technique)
    return tuple(found)


def accounts_taken(logins: pl.DataFrame, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Accounts that the attacker got, in alphabetical order."""
    told = {
        str(name)
        for finding in findings
        for name in _listed(finding.parameters.get("accounts_taken"))
    }
    return tuple(sorted(told | set(successes(logins)["user.name"].to_list())))


def successes(logins: pl.DataFrame) -> pl.DataFrame:
    """The log-ins that came after at least three failures from the same address.

    A log-in with a key proves no guessed password, and is left out."""
    ordered = logins.sort("@timestamp", "record.id", nulls_last=True)
    failed = pl.col("event.outcome") == "failure"
    text = pl.coalesce("event.original", "message", pl.lit(""))
    return ordered.with_columns(before=failed.cum_sum().over("source.ip")).filter(
        (pl.col("event.outcome") == "success")
        & (pl.col("before") >= _GUESSED)
        & pl.col("user.name").is_not_null()
        & ~text.str.contains("publickey")
    )


def _logins(evidence: Evidence, records: pl.DataFrame, findings: Sequence[Finding]) -> pl.DataFrame:
    """The log-ins behind the findings, and all that the guessing addresses tried since."""
    guessing = [f for f in findings if f.kind is Kind.BRUTE_FORCE and is_address(f.subject)]
    since = min((f.first for f in guessing), default=_EPOCH)
    tried = evidence.frame.select(
        (pl.col("event.category") == "authentication")
        & pl.col("event.outcome").is_in(["success", "failure"])
        & (
            (pl.col("source.ip").is_in([f.subject for f in guessing]))
            & (pl.col("@timestamp").is_null() | (pl.col("@timestamp") >= since))
            | pl.Series(np.isin(evidence.ids, records["record.id"].to_numpy()))
        )
    ).to_series()
    return evidence.take(tried.fill_null(False).arg_true().to_numpy().astype(np.int64))


def _addresses(evidence: Evidence, findings: Sequence[Finding]) -> tuple[Seen, ...]:
    acting = {f.subject for f in findings if is_address(f.subject)}
    nameless = [f for f in findings if not is_address(f.subject)]
    behind = evidence.of(nameless)["source.ip"].drop_nulls() if nameless else pl.Series([])
    wanted = acting | set(behind.to_list())
    records = evidence.of(findings)
    seen = _seen(records.filter(pl.col("source.ip").is_in(list(wanted))), "source.ip")
    missing = acting - {each.value for each in seen}
    rest = _by_finding((f.subject, f) for f in findings if f.subject in missing)
    return tuple(sorted((*seen, *rest), key=lambda s: (-s.count, s.value)))[:MOST]


def _targets(findings: Sequence[Finding]) -> tuple[Seen, ...]:
    """What was attacked; a host whose address is known is one target: 'web-1 (10.0.0.9)'."""
    names = host_names(findings)
    both = {each: f"{name} ({ip})" for ip, name in names.items() for each in (ip, name)}
    return _by_finding((both.get(f.target, f.target), f) for f in findings if f.target)


def _tools(records: pl.DataFrame, findings: Sequence[Finding]) -> tuple[Seen, ...]:
    """Programs by name; a browser's user agent says nothing of an attacker and is left out."""
    parts: dict[str, list[Seen]] = defaultdict(list)
    sent = records.filter(pl.col("source.ip").is_not_null())  # a watch names itself, not a source
    for seen in _seen(sent, "user_agent.original"):
        name = program(seen.value)
        if name:
            parts[name].append(seen)
    banners = records.filter(
        pl.col("message").str.contains(r"(?i)SSH-2\.0-|banner|client software")
    )
    for seen in _seen(banners, "message"):
        name = program(seen.value)
        if name:
            parts[name].append(seen)
    for finding in findings:
        for told in _listed(finding.parameters.get("tools")):
            name = program(str(told)) or str(told)
            if name not in parts:
                count = len(finding.records)
                parts[name].append(Seen(name, count, finding.first, finding.last))
    return _most(
        Seen(
            name,
            sum(s.count for s in seen),
            min(s.first for s in seen),
            max(s.last for s in seen),
        )
        for name, seen in parts.items()
    )


def program(text: str) -> str:
    """The program a user agent or banner names; the agent itself if it is no browser; else ''."""
    for name, pattern in TOOLS:
        if pattern.search(text):
            return name
    if not text or text == "-" or text.startswith("Mozilla/") or " " in text[:40].strip():
        return ""
    return text[:60]


def _seen(records: pl.DataFrame, column: str) -> tuple[Seen, ...]:
    """How often and from when to when each value of a column occurs, the most frequent first."""
    table = (
        records.filter(pl.col(column).is_not_null() & (pl.col(column) != ""))
        .group_by(column)
        .agg(
            count=pl.len(),
            first=pl.col("@timestamp").min().fill_null(_EPOCH),
            last=pl.col("@timestamp").max().fill_null(_EPOCH),
        )
        .sort("count", column, descending=[True, False])
        .head(MOST)
    )
    return tuple(Seen(*row) for row in table.iter_rows())


def _by_finding(pairs: Iterable[tuple[str, Finding]]) -> tuple[Seen, ...]:
    """The same over findings: a count is of the records behind them."""
    found: dict[str, Seen] = {}
    for value, f in pairs:
        before = found.get(value)
        found[value] = Seen(
            value,
            len(f.records) + (before.count if before else 0),
            min(f.first, before.first) if before else f.first,
            max(f.last, before.last) if before else f.last,
        )
    return _most(found.values())


def _most(seen: Iterable[Seen]) -> tuple[Seen, ...]:
    return tuple(sorted(seen, key=lambda s: (-s.count, s.value)))[:MOST]


def _listed(value: object) -> Sequence[object]:
    if isinstance(value, list | tuple):
        return value
    return [value] if isinstance(value, str) and value else []
