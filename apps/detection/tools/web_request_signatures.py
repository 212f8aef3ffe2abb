"""Attacks in web requests, by the signatures of the knowledge base."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from apps.contracts import Finding, Kind
from apps.detection.decoding import decoded
from apps.detection.evidence import (
    FRESH,
    RECORD,
    SEEN,
    TIME,
    WEB_REQUESTS,
    grade,
    many,
    new,
    shown,
    web_requests,
)
from apps.knowledge.rules import WebClass, WebSignature, web_classes

_KEY = ("source.ip", "host.name", "destination.ip", "class")
_FIELDS = ("url", "body", "referrer", "agent")
_STATUS = "http.response.status_code"

_TOGETHER = 7  # patterns in one pass: fourteen times as fast; with all 48 it is slower again


@dataclass(frozen=True, slots=True)
class WebRequestSignatures:
    """Searches what a server would read in a request, decoded, for known attacks.

    Severity is that of the gravest signature met. A request that the server refused outright
    (every answer 4xx) is an attempt: twenty less. One answered with success or with a server's
    error reached the application: five more. A web shell that never answered with success is not
    a web shell, only a search for one.
    """

    name: str = "web_request_signatures"
    title: str = "Web request signatures"
    description: str = (
        "Searches requests for SQL injection, cross-site scripting, path traversal, command and "
        "code injection, Log4Shell, web shells and scanners, after undoing encodings."
    )
    refused: int = 20
    reached: int = 5
    samples: int = 5

    @property
    def reads(self) -> pl.Expr:
        return WEB_REQUESTS

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        requests = _requests(frame)
        hits = _hits(requests)
        if hits.is_empty():
            return []
        status, severity = pl.col(_STATUS), pl.col("severity")
        # A record that meets several signatures of a class counts once, by its gravest.
        by_gravity = hits.sort(["severity", "signature", RECORD], descending=[True, False, False])
        records = by_gravity.unique([RECORD, "class"], keep="first", maintain_order=True)
        groups = (
            records.sort(["severity", RECORD], descending=[True, False])
            .group_by(_KEY)
            .agg(
                *SEEN,
                pl.col("url.domain").drop_nulls().first(),
                severity=severity.max(),
                requests=pl.len(),
                answered=status.is_not_null().sum(),
                succeeded=status.is_between(200, 299).sum(),
                failed=(status >= 500).sum(),
                refused=status.is_between(400, 499).sum(),
                statuses=status.drop_nulls().cast(pl.String).sort().value_counts(name="n"),
                paths=pl.col("path").drop_nulls().unique(maintain_order=True).head(10),
                samples=pl.col("text").unique(maintain_order=True).head(self.samples),
                agents=pl.col("user_agent.original").drop_nulls().unique().sort().head(3),
                methods=pl.col("http.request.method").drop_nulls().unique().sort(),
            )
            .join(_signatures(hits), on=list(_KEY), nulls_equal=True)
        )
        return [self._finding(row) for row in new(groups, *_KEY)]

    def _finding(self, row: dict[str, Any]) -> Finding:
        kind_of = _classes()[row["class"]]
        title, kind, severity = kind_of.title, kind_of.kind, self._severity(row)
        only_refused = bool(row["answered"]) and not row["succeeded"] and not row["failed"]
        if kind is Kind.WEB_SHELL and not row["succeeded"]:
            title, kind, severity = "Search for web shells", Kind.WEB_INJECTION, min(severity, 40)
        target = row["destination.ip"] or row["host.name"] or row["url.domain"] or ""
        told = [many(row["requests"], "request")]
        if row["succeeded"]:
            told.append(f"{row['succeeded']:,} answered with success")
        elif only_refused:
            told.append("none answered with success")
        to = f" against {target}" if target else ""
        return Finding(
            tool=self.name,
            kind=kind,
            risk=kind_of.risk,
            title=f"{title}{to} from {row['source.ip']}: {', '.join(told)}",
            subject=row["source.ip"],
            target=target,
            severity=severity,
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            host=row["host.name"] or "",
            network="requests",
            techniques=(kind_of.technique,),
            parameters={
                "signs": [row["class"]],
                "requests": row["requests"],
                "signatures": {each["signature"]: each["n"] for each in row["signatures"]},
                "http_status": {each[_STATUS]: each["n"] for each in row["statuses"]},
                "http_status_ok": row["succeeded"],
                "methods": [shown(each, 20) for each in row["methods"]],
                "paths": [shown(each, 200) for each in row["paths"]],
                "samples": [shown(each, 240) for each in row["samples"]],
                "user_agents": [shown(each, 160) for each in row["agents"]],
                "references": list(kind_of.references),
            },
        )

    def _severity(self, row: dict[str, Any]) -> int:
        severity = grade(row["severity"], row["requests"], 1, step=5)
        if row["answered"] and row["refused"] == row["answered"]:
            return max(10, severity - self.refused)
        if row["succeeded"] or row["failed"]:
            return min(95, severity + self.reached)
        return severity


def _requests(frame: pl.DataFrame) -> pl.DataFrame:
    """Web requests of known sources, with the four texts that signatures read, as they came."""
    url = pl.coalesce(
        "url.original",
        pl.concat_str("url.path", pl.lit("?"), "url.query"),
        "url.path",
    )
    return web_requests(frame).select(
        RECORD,
        FRESH,
        TIME,
        "source.ip",
        "host.name",
        "destination.ip",
        "url.domain",
        "http.request.method",
        "user_agent.original",
        _STATUS,
        path=pl.coalesce("url.path", pl.col("url.original").str.extract(r"^([^?]*)", 1)),
        url=url,
        body="http.request.body.content",
        referrer="http.request.referrer",
        agent="user_agent.original",
    )


def _hits(requests: pl.DataFrame) -> pl.DataFrame:
    """One row for each record and signature that meet: the record's columns, `class`,
    `signature`, `severity` and `text`, the decoded field in which it was met.

    Equal texts are searched once. Several patterns at a time say which texts are worth a closer
    look; of harmless traffic hardly any is.
    """
    fields = pl.concat(
        requests.select(RECORD, pl.lit(field).alias("field"), pl.col(field).alias("sent"))
        for field in _FIELDS
    ).filter(pl.col("sent").is_not_null())
    distinct = fields.select("field", "sent").unique(maintain_order=True)
    distinct = distinct.with_columns(decoded(distinct["sent"]).alias("text"))
    distinct = distinct.filter(
        pl.any_horizontal(pl.col("text").str.contains(patterns) for patterns in _sieve())
    )
    met = [
        distinct.filter(
            pl.col("field").is_in(signature.fields)
            & pl.col("text").str.contains(_pattern(signature))
        ).with_columns(
            pl.lit(group.name).alias("class"),
            pl.lit(signature.id).alias("signature"),
            pl.lit(signature.severity, pl.Int64).alias("severity"),
        )
        for group, signature in _searched()
        if distinct.height
    ]
    if not met:
        return pl.DataFrame()
    rows = fields.join(pl.concat(met), on=["field", "sent"], maintain_order="left_right")
    rows = rows.drop("field", "sent")
    first = rows.unique([RECORD, "signature"], keep="first", maintain_order=True)
    return requests.drop(_FIELDS).join(first, on=RECORD)


def _signatures(hits: pl.DataFrame) -> pl.DataFrame:
    """How many records met each signature, by group."""
    counted = hits.group_by(*_KEY, "signature").agg(n=pl.col(RECORD).n_unique())
    ordered = counted.sort(["n", "signature"], descending=[True, False])
    return ordered.group_by(_KEY, maintain_order=True).agg(signatures=pl.struct("signature", "n"))


@cache
def _classes() -> dict[str, WebClass]:
    return {each.name: each for each in web_classes()}


@cache
def _searched() -> tuple[tuple[WebClass, WebSignature], ...]:
    return tuple((group, each) for group in web_classes() for each in group.signatures)


@cache
def _sieve() -> tuple[str, ...]:
    """All patterns, several joined into one; each text that meets a signature meets one of these."""
    patterns = [_ascii(each) for _, each in _searched()]
    return tuple(
        # a comment at the end of a pattern must not take in the next one
        "(?isx)" + "|".join(f"(?:{pattern}\n)" for pattern in patterns[at : at + _TOGETHER])
        for at in range(0, len(patterns), _TOGETHER)
    )


def _pattern(signature: WebSignature) -> str:
    return f"(?isx){_ascii(signature)}"


def _ascii(signature: WebSignature) -> str:
    # Word boundaries of Unicode keep the engine from its fast path: fifty times slower.
    return signature.pattern.replace(r"\b", r"(?-u:\b)")


TOOL = WebRequestSignatures()
