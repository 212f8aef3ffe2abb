"""Malicious files, and web shells on their way to a server, by the YARA rules of the knowledge base."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl
import yara_x

from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import FRESH, RECORD, SEEN, TIME, grade, many, new, shown
from apps.knowledge.rules import yara_sources

log = logging.getLogger(__name__)

_FILE = ("host.name", "file.path", "file.hash.sha256")
_UPLOAD = ("source.ip", "host.name", "destination.ip", "body")
_MAY_BE_CODE = r"<\?|<%|#!|runat|\bimport\b|/dev/tcp|base64"
_UPLOADS = (
    (pl.col("event.category") == "web")
    & pl.col("source.ip").is_not_null()
    & pl.col("http.request.body.content").str.contains(_MAY_BE_CODE)
)
_FILE_NAME = re.compile(r'filename="([^"\r\n]{1,200})"')


@dataclass(frozen=True, slots=True)
class Hit:
    """A YARA rule that matched, with what its author says of it."""

    rule: str
    description: str
    kind: Kind
    risk: Risk
    severity: int
    technique: str
    sign: str
    reference: str
    strings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class YaraFiles:
    """Scans the content of files, and of request bodies that may hold a program.

    A scan may take ten seconds: our rules read a gigabyte in less, so what takes longer was made to.
    """

    name: str = "yara_files"
    title: str = "YARA rules over files"
    description: str = (
        "Scans files and uploads for web shells, reverse shells, miners, droppers and obfuscated "
        "scripts with YARA rules."
    )
    seconds: int = 10

    @property
    def reads(self) -> pl.Expr:
        return pl.col("file.content").is_not_null() | _UPLOADS

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        return [*self._files(frame), *self._uploads(frame)]

    def _files(self, frame: pl.DataFrame) -> Iterator[Finding]:
        content = frame["file.content"]
        # only the places of contents are moved about: they may be large, and each move a copy
        files = frame.select(RECORD, FRESH, TIME, *_FILE, "file.size").with_row_index("place")
        files = files.filter(content.is_not_null())
        groups = files.group_by(_FILE).agg(*SEEN, pl.col("file.size", "place").first())
        for row in new(groups, *_FILE):
            if (hits := self._scan(content[row["place"]])) is None:
                yield self._too_slow(row)
            elif hits:
                yield self._file(row, hits)

    def _uploads(self, frame: pl.DataFrame) -> Iterator[Finding]:
        body = pl.col("http.request.body.content")
        sent = frame.filter(_UPLOADS).select(
            RECORD,
            FRESH,
            TIME,
            *_UPLOAD[:3],
            body.alias("body"),
            status="http.response.status_code",
            path=pl.coalesce("url.path", "url.original"),
        )
        groups = sent.group_by(_UPLOAD).agg(
            *SEEN,
            pl.col("path").drop_nulls().first(),
            succeeded=pl.col("status").is_between(200, 399).sum(),
            refused=(pl.col("status") >= 400).sum(),
        )
        for row in new(groups, *_UPLOAD):
            # Bodies out of captures are text of one byte a character.
            if hits := self._scan(row["body"].encode("latin-1", "replace")):
                yield self._upload(row, hits)

    def _scan(self, content: bytes) -> tuple[Hit, ...] | None:
        """What matches, the gravest first; None if it took too long."""
        scanner = yara_x.Scanner(_rules())
        scanner.set_timeout(self.seconds)
        scanner.max_matches_per_pattern(16)
        try:
            found = scanner.scan(content)
        except yara_x.TimeoutError:
            return None
        hits = (_hit(rule) for rule in found.matching_rules)
        return tuple(sorted(hits, key=lambda hit: (-hit.severity, hit.rule)))

    def _file(self, row: dict[str, Any], hits: tuple[Hit, ...]) -> Finding:
        path, host = row["file.path"] or "a file without a name", row["host.name"] or ""
        worst = hits[0]
        on = f" on {host}" if host else ""
        return Finding(
            tool=self.name,
            kind=worst.kind,
            risk=worst.risk,
            title=f"{_what(worst)}{on}: {shown(path, 160)} ({worst.description})",
            subject=path,
            target=host,
            severity=grade(worst.severity, len(hits), 1, step=8),
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            host=host,
            techniques=tuple(dict.fromkeys(hit.technique for hit in hits)),
            parameters={
                **_told(hits),
                "path": path,
                "sha256": row["file.hash.sha256"] or "",
                "size": row["file.size"],
            },
        )

    def _upload(self, row: dict[str, Any], hits: tuple[Hit, ...]) -> Finding:
        worst, count = hits[0], len(row["records"])
        target = row["destination.ip"] or row["host.name"] or ""
        name = _FILE_NAME.search(row["body"])
        file_name = shown(name[1], 160) if name else ""
        as_what = f" as {file_name}" if file_name else ""
        refused = bool(row["refused"]) and not row["succeeded"]
        return Finding(
            tool=self.name,
            kind=Kind.WEB_INJECTION if refused else worst.kind,
            risk=worst.risk,
            title=f"{_what(worst)} sent to {target or 'a server'} by {row['source.ip']}{as_what}: "
            f"{many(count, 'request')}{', refused' if refused else ''}",
            subject=row["source.ip"],
            target=target,
            severity=max(10, worst.severity - 20) if refused else worst.severity,
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            host=row["host.name"] or "",
            network="requests",
            techniques=tuple(dict.fromkeys(hit.technique for hit in hits)),
            parameters={
                **_told(hits),
                "file_name": file_name,
                "paths": [shown(row["path"], 200)] if row["path"] else [],
                "requests": count,
                "http_status_ok": row["succeeded"],
            },
        )

    def _too_slow(self, row: dict[str, Any]) -> Finding:
        path, host = row["file.path"] or "a file without a name", row["host.name"] or ""
        return Finding(
            tool=self.name,
            kind=Kind.ANOMALY,
            risk=Risk.MALICIOUS_CODE,
            title=f"Not examined: {shown(path, 160)} took more than {self.seconds} s to scan",
            subject=path,
            target=host,
            severity=20,
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            host=host,
            parameters={"signs": ["not_examined"], "path": path, "size": row["file.size"]},
        )


def _told(hits: tuple[Hit, ...]) -> dict[str, Any]:
    return {
        "signs": sorted({hit.sign for hit in hits}),
        "rules": {hit.rule: hit.description for hit in hits},
        "strings": {hit.rule: list(hit.strings) for hit in hits},
        "references": sorted({hit.reference for hit in hits}),
    }


def _what(hit: Hit) -> str:
    if hit.kind is Kind.WEB_SHELL:
        return "Web shell"
    return {
        "reverse_shell": "Reverse shell",
        "miner": "Miner",
        "dropper": "Dropper",
        "rootkit": "Rootkit",
        "test_file": "Test file for scanners",
    }.get(hit.sign, "Malicious file")


def _hit(rule: yara_x.Rule) -> Hit:
    meta = dict(rule.metadata)
    return Hit(
        rule=rule.identifier,
        description=meta["description"],
        kind=Kind(meta["kind"]),
        risk=Risk(meta["risk"]),
        severity=int(meta["severity"]),
        technique=meta["technique"],
        sign=meta["sign"],
        reference=meta["reference"],
        strings=tuple(p.identifier for p in rule.patterns if p.matches),
    )


@cache
def _rules() -> yara_x.Rules:
    compiler = yara_x.Compiler()
    for name, text in yara_sources():
        compiler.add_source(text, origin=name)
    return compiler.build()


TOOL = YaraFiles()
