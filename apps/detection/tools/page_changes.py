"""Watched pages that somebody else wrote on: defaced, filled with hidden links, or made to send their
readers elsewhere (paper 2, web tampering)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from apps.acquisition.likeness import likeness
from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import FRESH, RECORD, TIME, label, shown

Row = dict[str, Any]

_PAGES = pl.col("event.dataset") == "web.page"
_LABELS = {
    "changed": "changed",
    "title": "page.title",
    "was_title": "was.page.title",
    "sketch": "page.sketch",
    "was_sketch": "was.page.sketch",
    "was_status": "was.http.response.status_code",
    "seen_by": "page.seen_by",
    "hidden_by": "page.hidden_by",
}
# How hosts come into a page: sign, severity, technique, what is said of new ones.
_HOSTS = {
    "page.hosts_for_crawlers_only": ("cloaking", 65, "T1491.002", "shows crawlers alone links to"),
    "page.hidden_link_hosts": ("hidden_links", 60, "T1491.002", "has hidden links to"),
    "page.leads_to": ("redirect", 60, "T1491.002", "sends its readers on to"),
    "page.form_hosts": ("foreign_form", 55, "T1056.003", "has a form that sends to"),
    "page.frame_hosts": ("foreign_frame", 50, "T1189", "shows a frame from"),
    "page.script_hosts": ("foreign_script", 45, "T1189", "runs scripts from"),
}
_DEFACEMENT = "T1491.002"
_CLAIM = re.compile(
    r"\b(?:h[a4@]c?k[e3]d|d[e3]f[a4@]c[e3]d|[p0]wn[e3]d|r[o0]{2}t[e3]d)\W{1,3}by\b"
    r"|\bh[a4@]ck[e3]d\s*!|\bgr[e3]{2}tz\b|\bhackead[oa] por\b|\bpirat[ée]e? par\b"
    r"|\bgehackt (?:von|durch)\b|\bhacklendi\b|\bhackerado por\b|\bвзломан[оа]?\b|被黑|黑客入侵",
    re.IGNORECASE,
)
"""How those who deface pages sign them."""


@dataclass(frozen=True, slots=True)
class Sign:
    name: str
    severity: int
    technique: str
    title: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class PageChanges:
    """Looks at what changed of a page since the run before, both views together: one finding a page.

    A host counts if no run of the watch saw it there, in that part, and if it is none of the page's
    own domain. Words count where they were not before: in a title that changed, or in a text that
    has less than half its words in common with the former one. A title that changed with all but a
    fifth of the text is no more than a hint: the network of pages says whether an intruder wrote it.
    """

    name: str = "page_changes"
    title: str = "Changed pages"
    description: str = (
        "Says which watched pages were defaced or written anew, and which bring in, send to or hide "
        "links to hosts that were never seen in them."
    )
    other: float = 0.5  # likeness below which a text is another one
    replaced: float = 0.2

    @property
    def reads(self) -> pl.Expr:
        return _PAGES

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        new = {name: label(f"new.{name}").fill_null("") for name in _HOSTS}
        rows = frame.filter(_PAGES & pl.col(FRESH)).select(
            RECORD,
            TIME,
            url=pl.col("url.original").fill_null(""),
            status=pl.col("http.response.status_code").fill_null(0),
            text=pl.col("event.original").fill_null(""),
            **{name: label(path).fill_null("") for name, path in _LABELS.items()},
            **new,
        )
        told = (pl.col("changed") != "") | pl.any_horizontal(pl.col(name) != "" for name in new)
        pages = (
            rows.filter(told).sort("url", "seen_by", RECORD).group_by("url", maintain_order=True)
        )
        found = (self._finding(str(url), group.to_dicts()) for (url,), group in pages)
        return [finding for finding in found if finding is not None]

    def _finding(self, url: str, rows: Sequence[Row]) -> Finding | None:
        host = _host(url)
        signs = sorted(self._signs(url, host, rows), key=lambda sign: -sign.severity)
        if not signs:
            return None
        behind = {row[RECORD]: row for sign in signs for row in sign.rows}
        written = {"defacement", "text_replaced"} & {sign.name for sign in signs}
        sure = [sign for sign in signs if sign.name != "text_replaced"]
        worst = (sure or signs)[0]
        return Finding(
            tool=self.name,
            kind=Kind.TAMPERING if sure else Kind.ANOMALY,
            risk=Risk.WEB_TAMPERING,
            title=worst.title,
            subject="",
            target=host,
            severity=min(95, worst.severity + 5 * (len(signs) - 1)),
            first=min(row[TIME] for row in behind.values()),
            last=max(row[TIME] for row in behind.values()),
            records=tuple(sorted(behind)),
            network="pages" if written else "",
            techniques=tuple(dict.fromkeys(sign.technique for sign in signs)),
            parameters={
                "signs": [sign.name for sign in signs],
                "threshold": "; ".join(sign.title for sign in signs),
                "url": shown(url, 300),
                "seen_by": sorted({row["seen_by"] for row in behind.values()}),
                "page_title": shown(rows[0]["title"], 200),
                "page_title_before": shown(rows[0]["was_title"], 200),
                "hidden_by": shown(rows[0]["hidden_by"], 100),
                "samples": [shown(row["text"], 200) for row in behind.values()][:2],
            },
        )

    def _signs(self, url: str, host: str, rows: Sequence[Row]) -> Iterator[Sign]:
        where = shown(url, 120)
        for column, (name, severity, technique, words) in _HOSTS.items():
            showing = [row for row in rows if _foreign(row[column], host)]
            if showing:
                hosts = dict.fromkeys(h for row in showing for h in _foreign(row[column], host))
                named = shown(", ".join(list(hosts)[:5]), 120)
                yield Sign(name, severity, technique, f"{where} {words} {named}", showing)
        if signed := [row for row in rows if self._claims(row)]:
            title = shown(signed[0]["title"] or signed[0]["text"], 80)
            yield Sign("defacement", 85, _DEFACEMENT, f"{where} is defaced: “{title}”", signed)
        elif other := [row for row in rows if self._replaced(row)]:
            title = shown(other[0]["title"] or other[0]["text"], 80)
            yield Sign(
                "text_replaced", 30, _DEFACEMENT, f"{where} was written anew: “{title}”", other
            )

    def _claims(self, row: Row) -> bool:
        """Whether a page is signed by who defaced it, and was not before."""
        changed = row["changed"].split()
        if "page.title" in changed and _CLAIM.search(row["title"]):
            return not _CLAIM.search(row["was_title"])
        another = row["was_sketch"] and likeness(row["sketch"], row["was_sketch"]) < self.other
        return bool(another and _CLAIM.search(row["text"]))

    def _replaced(self, row: Row) -> bool:
        if "page.title" not in row["changed"].split() or not (row["sketch"] and row["was_sketch"]):
            return False
        if row["status"] >= 400 or row["was_status"] >= "4":  # a page of errors, or no longer one
            return False
        return likeness(row["sketch"], row["was_sketch"]) < self.replaced


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _foreign(hosts: str, own: str) -> list[str]:
    """Of some hosts those of another domain than the page's own."""
    domain = ".".join(own.split(".")[-2:])
    return [host for host in hosts.split() if host != own and not f".{host}".endswith(f".{domain}")]


TOOL = PageChanges()
