"""Watched names whose answers lead elsewhere: what a hijack of a domain looks like from outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import FRESH, RECORD, TIME, label, shown

Row = dict[str, Any]

_ANSWERS = (pl.col("event.dataset") == "dns.answer") & (pl.col("event.outcome") == "success")
_LABELS = {
    "changed": "changed",
    "places": "dns.places",
    "new": "new.dns.places",
    "known": "known.dns.places",
    "was": "was.dns.answers",
    "was_code": "was.dns.response_code",
    "ttl": "dns.ttl",
    "was_ttl": "was.dns.ttl",
    "aliases": "dns.aliases",
    "server": "dns.resolver",
    "zone_server": "dns.zone_server",
}
# What leads elsewhere: sign, words, severity if all of an answer is new, and if a part is.
_LEADS = {
    "NS": ("name_servers", "name servers", 80, 60),
    "MX": ("mail_servers", "mail servers", 55, 40),
    "CNAME": ("alias", "alias", 50, 50),
    "A": ("addresses", "networks", 50, 0),
    "AAAA": ("addresses", "networks", 50, 0),
}
_ALONE = 65
_DOMAIN, _BETWEEN = "T1584.001", "T1557"


@dataclass(frozen=True, slots=True)
class Sign:
    """One way in which the answers of a name changed, and the records that show it."""

    name: str
    severity: int
    title: str
    rows: Sequence[Row]
    technique: str = _DOMAIN


@dataclass(frozen=True, slots=True)
class DnsChanges:
    """Looks at answers that changed since the run before: one finding a name.

    What counts is where an answer leads: networks (/24; /48 of IPv6), name servers, mail servers, an
    alias. Addresses count only if all of them lie where no run of the watch ever saw the name: one
    more address, a rotation and a move within a network are silent. So is a name that has shown
    more than four times as many networks as one answer holds, for it rotates; and one whose
    addresses are those of an alias in somebody else's zone, which moves them as it likes.
    Where the zone's own servers say what they said, a resolver that does not is alone.
    A time to live has collapsed if it fell from an hour or more to a minute or less: answers are
    made short-lived before they are made to lead elsewhere.
    """

    name: str = "dns_changes"
    title: str = "Changed DNS answers"
    description: str = (
        "Says where watched names lead elsewhere than ever before: to other name servers, networks "
        "or mail servers, at one resolver alone, or nowhere."
    )
    rotates: int = 4  # times as many networks as one answer holds
    long_ttl: int = 3600  # seconds
    short_ttl: int = 60

    @property
    def reads(self) -> pl.Expr:
        return _ANSWERS

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        rows = frame.filter(_ANSWERS & pl.col(FRESH)).select(
            RECORD,
            TIME,
            name="dns.question.name",
            type="dns.question.type",
            code="dns.response_code",
            answers=pl.col("dns.answers").fill_null(""),
            differs=pl.col("event.action") == "changed",
            **{name: label(path).fill_null("") for name, path in _LABELS.items()},
        )
        rows = rows.filter(pl.col("differs").any().over("name")).sort("name", "server", RECORD)
        names = rows.group_by("name", maintain_order=True)
        found = (self._finding(str(name), group.to_dicts()) for (name,), group in names)
        return [finding for finding in found if finding is not None]

    def _finding(self, name: str, rows: Sequence[Row]) -> Finding | None:
        signs = sorted(self._signs(name, rows), key=lambda sign: -sign.severity)
        if not signs:
            return None
        worst = signs[0]
        behind = {row[RECORD]: row for sign in signs for row in sign.rows}
        return Finding(
            tool=self.name,
            kind=Kind.HIJACK,
            risk=Risk.DOMAIN_HIJACK,
            title=worst.title,
            subject="",
            target=name,
            severity=min(95, worst.severity + 5 * (len({s.name for s in signs}) - 1)),
            first=min(row[TIME] for row in behind.values()),
            last=max(row[TIME] for row in behind.values()),
            records=tuple(sorted(behind)),
            techniques=tuple(dict.fromkeys(sign.technique for sign in signs)),
            parameters={
                "signs": list(dict.fromkeys(sign.name for sign in signs)),
                "threshold": "; ".join(dict.fromkeys(sign.title for sign in signs)),
                "answers": shown(worst.rows[0]["answers"] or worst.rows[0]["code"], 400),
                "answers_before": shown(worst.rows[0]["was"], 400),
                "servers": list(dict.fromkeys(row["server"] for row in behind.values()))[:10],
            },
        )

    def _signs(self, name: str, rows: Sequence[Row]) -> Iterator[Sign]:
        for kind, (sign, words, all_new, part_new) in _LEADS.items():
            answers = [row for row in rows if row["type"] == kind]
            moved = [row for row in answers if row["differs"] and self._moved(name, row)]
            if not moved:
                continue
            whole = any(row["new"] == row["places"] for row in moved)
            where = shown(" ".join(dict.fromkeys(row["new"] for row in moved)), 120)
            zone = [row for row in answers if row["zone_server"] and row["answers"]]
            if whole and zone and not any(row["new"] for row in zone):
                title = f"{moved[0]['server']} alone says other {words} of {name}: {where}"
                yield Sign("resolver_alone", _ALONE, title, moved, _BETWEEN)
            else:
                title = (
                    f"{name} has {'other' if whole else 'more'} {words} than ever before: {where}"
                )
                yield Sign(sign, all_new if whole else part_new, title, moved)
        if gone := [r for r in rows if r["code"] == "NXDOMAIN" and r["was_code"] == "NOERROR"]:
            witnesses = [row for row in rows if row["zone_server"]] or rows
            alone = any(row["code"] == "NOERROR" for row in witnesses)
            title = f"{name} does not exist any more" + (f" for {gone[0]['server']}" * alone)
            yield Sign("name_gone", 30 if alone else 60, title, gone)
        if short := [row for row in rows if self._collapsed(row)]:
            fell = f"{short[0]['was_ttl']} to {short[0]['ttl']} seconds"
            yield Sign("short_lived", 25, f"Answers about {name} hold no longer: {fell}", short)

    def _moved(self, name: str, row: Row) -> bool:
        """Whether an answer leads to where the watch never saw its name lead."""
        if not row["new"] or row["type"] not in ("A", "AAAA"):
            return bool(row["new"])
        of_others = row["aliases"] and not _of_one_domain(row["aliases"].split()[-1], name)
        if of_others and "dns.aliases" not in row["changed"].split():
            return False
        rotates = int(row["known"]) > self.rotates * max(1, len(row["was"].split()))
        return row["new"] == row["places"] and not rotates

    def _collapsed(self, row: Row) -> bool:
        if not (row["ttl"] and row["was_ttl"]):
            return False
        return int(row["was_ttl"]) >= self.long_ttl and int(row["ttl"]) <= self.short_ttl


def _of_one_domain(one: str, other: str) -> bool:
    """Whether two names end alike; of a suffix like co.uk that says too much, and costs a finding
    too many rather than one too few."""
    return one.rstrip(".").lower().split(".")[-2:] == other.split(".")[-2:]


TOOL = DnsChanges()
