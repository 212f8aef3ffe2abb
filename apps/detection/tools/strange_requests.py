"""Requests unlike what their site is asked otherwise, as `habits` judged them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from apps.contracts import Finding, Kind, Risk
from apps.detection import habits
from apps.detection.evidence import (
    RECORD,
    SEEN,
    STRANGE,
    WEB_REQUESTS,
    grade,
    many,
    new,
    shown,
    top,
)

_KEY = ("source.ip", "host.name", "destination.ip")
_STATUS = "http.response.status_code"
_URL = pl.coalesce("url.original", pl.concat_str("url.path", pl.lit("?"), "url.query"))


@dataclass(frozen=True, slots=True)
class StrangeRequests:
    """Tells of each source and host what was strange, the least usual first; a hint, whose severity
    grows by five for every tenfold of requests, to 35. What the server refused outright is 20."""

    name: str = "strange_requests"
    title: str = "Strange requests"
    description: str = (
        "Points out requests unlike what their site is asked otherwise: parameters that never come "
        "together, signs and lengths that a parameter's values hardly ever have."
    )
    severity: int = 25
    refused: int = 20
    most: int = 35
    samples: int = 5

    @property
    def reads(self) -> pl.Expr:
        return WEB_REQUESTS & habits.PARAMETERISED

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        requests = frame.filter(pl.col(STRANGE).is_not_null() & self.reads)
        if requests.is_empty():
            return []
        requests = requests.with_columns(url=_URL)
        status = pl.col(_STATUS)
        groups = (
            requests.group_by(_KEY)
            .agg(
                *SEEN,
                pl.col("url.domain").drop_nulls().first(),
                requests=pl.len(),
                answered=status.is_not_null().sum(),
                succeeded=status.is_between(200, 299).sum(),
                refused=status.is_between(400, 499).sum(),
                paths=top("url.path", 10),
                samples=pl.col("url").drop_nulls().unique().sort().head(self.samples),
            )
            .join(self._strange(requests), on=list(_KEY), nulls_equal=True)
        )
        return [self._finding(row) for row in new(groups, *_KEY)]

    def _strange(self, requests: pl.DataFrame) -> pl.DataFrame:
        """What was strange in the requests of each group, the least usual first."""
        parts = requests.select(*_KEY, RECORD, STRANGE).explode(STRANGE).unnest(STRANGE)
        order = ["share", "path", "name", "rare", "value", RECORD]
        ranked = parts.with_columns(share=pl.col("rarest") / pl.col("seen")).sort(
            order, nulls_last=True
        )
        distinct = ranked.unique([*_KEY, "path", "name", "rare"], keep="first", maintain_order=True)
        told = pl.struct("path", "name", "value", "rare", "rarest", "seen").head(self.samples)
        return distinct.group_by(_KEY, maintain_order=True).agg(strange=told)

    def _finding(self, row: dict[str, Any]) -> Finding:
        target = row["destination.ip"] or row["host.name"] or row["url.domain"] or ""
        why = [_sentence(**each) for each in row["strange"]]
        all_refused = bool(row["answered"]) and row["refused"] == row["answered"]
        severity = grade(self.severity, row["requests"], 1, step=5, most=self.most)
        return Finding(
            tool=self.name,
            kind=Kind.ANOMALY,
            risk=Risk.INTRUSION,
            title=f"{many(row['requests'], 'request')} from {row['source.ip']} to {target} unlike "
            f"what is asked there otherwise: {why[0]}",
            subject=row["source.ip"],
            target=target,
            severity=self.refused if all_refused else severity,
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            host=row["host.name"] or "",
            network="requests",
            parameters={
                "signs": [habits.SIGN],
                "requests": row["requests"],
                "http_status_ok": row["succeeded"],
                "strange": why,
                "paths": [shown(each, 200) for each in row["paths"]],
                "samples": [shown(each, 240) for each in row["samples"]],
            },
        )


def _sentence(
    path: str, name: str | None, value: str, rare: int, rarest: float, seen: float
) -> str:
    """What is strange in one thing, and how usual it is."""
    where = shown(path, 80)
    usual = f"({round(rarest):,} of {round(seen):,} before)"
    if name is None:
        return f"{where} with {shown(value.replace('&', ', '), 120)} together {usual}"
    return f"{shown(name, 40)} of {where} {habits.words(rare, value)} {usual}"


TOOL = StrangeRequests()
