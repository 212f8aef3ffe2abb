"""Watched hosts where somebody made himself at home: what an intruder leaves to come back, to hide and
to become root. The signs themselves are in `apps.detection.host_signs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import FRESH, RECORD, TIME, label, shown
from apps.detection.host_signs import BY_NAME, LABELS, SIGNS

_READ = pl.col("event.dataset").str.starts_with("host.").fill_null(False) & pl.col(
    "event.action"
).is_in(["baseline", "added", "changed", "removed"])
_SHOWN = 5  # things named in a title
_NAMED = 50  # and in the parameters


@dataclass(frozen=True, slots=True)
class HostChanges:
    """Looks at what was added or changed on a host since the run before: one finding a host and sign.

    What a package did is none: a file counts only if the package it belongs to was not changed in
    the same run, or the ten minutes before it; one that belongs to none, a unit, a listener or an
    account of the system only if no package was. What is removed, and what was there when a watch
    began, counts for nothing; but for processes, whose place is a sign whenever they run.
    """

    name: str = "host_changes"
    title: str = "Changes on hosts"
    description: str = (
        "Says what on watched hosts an intruder may have left: accounts, keys, files that run as their "
        "owner, changed programs, jobs, units, listeners, modules and odd processes."
    )
    infected: int = 5  # programs changed at once, from which on something infects files

    @property
    def reads(self) -> pl.Expr:
        return _READ

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        rows = frame.filter(_READ).select(
            RECORD,
            TIME,
            FRESH,
            host=pl.col("host.name").fill_null(""),
            dataset="event.dataset",
            action="event.action",
            path=pl.col("file.path").fill_null(""),
            sha256=pl.col("file.hash.sha256").fill_null(""),
            user=pl.col("user.name").fill_null(""),
            command=pl.col("process.command_line").fill_null(""),
            program=pl.coalesce("process.executable", "process.name", pl.lit("")),
            transport=pl.col("network.transport").fill_null(""),
            port=pl.col("destination.port"),
            **{name: label(path).fill_null("") for name, path in LABELS.items()},
        )
        sign = pl.coalesce(*(pl.when(s.when).then(pl.lit(s.name)) for s in SIGNS))
        groups = (
            _with_company(rows)
            .filter(FRESH)
            .with_columns(sign=sign)
            .filter(pl.col("sign").is_not_null())
            .with_columns(
                seen=pl.coalesce(
                    *(pl.when(pl.col("sign") == s.name).then(pl.col(s.told)) for s in SIGNS)
                )
            )
            .group_by("host", "sign")
            .agg(
                pl.col(RECORD).sort().alias("records"),
                pl.col(TIME).min().alias("first"),
                pl.col(TIME).max().alias("last"),
                pl.col("seen").filter(pl.col("seen") != "").unique().sort(),
                pl.col("path", "sha256").filter(pl.col("path") != "").unique().sort(),
            )
            .sort("host", "sign")
        )
        return [self._finding(row) for row in groups.iter_rows(named=True)]

    def _finding(self, row: dict[str, Any]) -> Finding:
        sign, host, seen = BY_NAME[row["sign"]], row["host"], row["seen"]
        named = ", ".join(seen[:_SHOWN]) + (" …" if len(seen) > _SHOWN else "")
        many = len(seen) > 1
        what = f"{len(seen)} {sign.words[1]}" if many else sign.words[0]
        infected = sign.name == "binary_changed" and len(seen) >= self.infected
        file = sign.told == "path" and len(seen) == 1
        return Finding(
            tool=self.name,
            kind=Kind.PERSISTENCE,
            risk=Risk.VIRUS if infected else sign.risk,
            title=f"{what[0].upper()}{what[1:]} on {host or 'a host'}: {shown(named, 160)}",
            subject=seen[0] if file else "",
            target=host,
            severity=sign.severity,
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            host=host,
            techniques=(sign.technique,),
            parameters={
                "signs": [sign.name],
                "threshold": "changed since the run before, and by no package",
                "seen": [shown(each, 300) for each in seen[:_NAMED]],
                **({"sha256": row["sha256"][0]} if file and len(row["sha256"]) == 1 else {}),
            },
        )


def _with_company(rows: pl.DataFrame) -> pl.DataFrame:
    """What was changed with a record: its own package, any package, a listener of the same port that
    went, and how many files."""
    altered = pl.col("action") != "baseline"
    packages = rows.filter((pl.col("dataset") == "host.package") & altered)
    gone = rows.filter((pl.col("dataset") == "host.socket") & (pl.col("action") == "removed"))
    written = (pl.col("dataset") == "host.file") & pl.col("action").is_in(["added", "changed"])
    return (
        rows.join(
            packages.select("host", "package", own_package=True).unique(),
            on=["host", "package"],
            how="left",
        )
        .join(packages.select("host", any_package=True).unique(), on="host", how="left")
        .join(
            gone.select("host", "transport", "port", moved=True).unique(),
            on=["host", "transport", "port"],
            how="left",
        )
        .with_columns(
            pl.col("own_package", "any_package", "moved").fill_null(False),
            written=written.sum().over("host"),
        )
    )


TOOL = HostChanges()
