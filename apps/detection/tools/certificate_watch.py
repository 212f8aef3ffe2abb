"""Watched TLS certificates: those that somebody else may have put there, and those that fail soon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import FRESH, RECORD, TIME, label, shown

Row = dict[str, Any]

_CERTIFICATES = (pl.col("event.dataset") == "tls.certificate") & pl.col("event.action").is_in(
    ["baseline", "changed"]
)
_LABELS = {
    "changed": "changed",
    "verified": "tls.verified",
    "was_verified": "was.tls.verified",
    "why": "tls.verify_error",
    "expiry": "tls.expiry",
    "days": "tls.days_left",
    "until": "tls.server.not_after",
    "issuer": "tls.server.issued_by",
    "was_issuer": "was.tls.server.issued_by",
    "new_issuer": "new.tls.issuers",
    "new_key": "new.tls.keys",
    "self_signed": "tls.server.self_signed",
    "key": "tls.server.key",
    "bits": "tls.server.key_bits",
    "signature": "tls.server.signature",
    "sha256": "tls.server.hash.sha256",
    "was_sha256": "was.tls.server.hash.sha256",
}
_LEAST_BITS = {"RSA": 2048, "DSA": 2048, "EC": 224}
"""NIST SP 800-57 part 1: what has less than 112 bits of security."""
_BROKEN = ("md5", "sha1")


@dataclass(frozen=True, slots=True)
class Sign:
    name: str
    severity: int
    title: str
    kind: Kind = Kind.WEAKNESS


@dataclass(frozen=True, slots=True)
class CertificateWatch:
    """Looks at certificates that are new to a watch or other than in the run before: one finding a
    name and port.

    A renewal is silent, with another key and by another name of the same authority too. Somebody
    else's it may be if authority and key are both such as no run saw, or if it was believed and
    is no longer: signed by itself, by an unknown authority, or for another name.
    """

    name: str = "certificate_watch"
    title: str = "Watched certificates"
    description: str = (
        "Says which watched certificates are no longer believed, were issued by somebody else, have "
        "expired or soon will, or are too weak."
    )

    @property
    def reads(self) -> pl.Expr:
        return _CERTIFICATES

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        name = pl.coalesce("tls.client.server_name", "destination.domain", "destination.ip")
        rows = frame.filter(_CERTIFICATES & pl.col(FRESH)).select(
            RECORD,
            TIME,
            name=name.fill_null(""),
            port=pl.col("destination.port"),
            fresh=pl.col("event.action") == "changed",
            **{name: label(path).fill_null("") for name, path in _LABELS.items()},
        )
        own = rows.filter(pl.col("verified") != "")  # those above it are told without a verdict
        return [
            self._finding(row, signs)
            for row in own.sort("name", "port", RECORD).iter_rows(named=True)
            if (signs := sorted(_signs(row), key=lambda sign: -sign.severity))
        ]

    def _finding(self, row: Row, signs: list[Sign]) -> Finding:
        kind = Kind.HIJACK if any(sign.kind is Kind.HIJACK for sign in signs) else Kind.WEAKNESS
        worst = next(sign for sign in signs if sign.kind is kind)
        hijack = kind is Kind.HIJACK
        return Finding(
            tool=self.name,
            kind=kind,
            risk=Risk.DOMAIN_HIJACK if hijack else Risk.INTRUSION,
            title=worst.title,
            subject="",
            target=row["name"],
            severity=worst.severity,
            first=row[TIME],
            last=row[TIME],
            records=(row[RECORD],),
            techniques=("T1557",) if hijack else (),
            parameters={
                "signs": [sign.name for sign in signs],
                "threshold": "; ".join(sign.title for sign in signs),
                "port": row["port"],
                "issuer": shown(row["issuer"], 200),
                "issuer_before": shown(row["was_issuer"], 200),
                "sha256": row["sha256"],
                "sha256_before": row["was_sha256"],
                "not_after": row["until"],
            },
        )


def _signs(row: Row) -> Iterator[Sign]:
    name = row["name"] if row["port"] in (443, None) else f"{row['name']}:{row['port']}"
    came = not row["fresh"] or "tls.expiry" in row["changed"].split()
    if came and row["expiry"] == "expired":
        yield Sign("expired", 50, f"The certificate of {name} expired on {row['until'][:10]}")
    elif came and row["expiry"] == "soon":
        days = "1 day" if row["days"] == "1" else f"{row['days']} days"
        yield Sign("expires_soon", 20, f"The certificate of {name} expires in {days}")
    other = not row["fresh"] or row["sha256"] != row["was_sha256"] != ""
    bits = int(row["bits"] or 0)
    if other and 0 < bits < _LEAST_BITS.get(row["key"], 0):
        weak = f"The certificate of {name} has a weak key: {row['key']} of {bits} bits"
        yield Sign("weak_key", 35, weak)
    if other and row["signature"] in _BROKEN and row["self_signed"] != "true":
        yield Sign(
            "weak_signature", 35, f"The certificate of {name} is signed with {row['signature']}"
        )
    if not row["fresh"]:
        return
    lost = row["verified"] == "false" and row["was_verified"] == "true"
    if lost and "has expired" not in row["why"]:
        if row["self_signed"] == "true":
            what = "self_signed", 70, f"{name} shows a certificate signed by itself"
        elif "not valid for" in row["why"]:
            what = "wrong_name", 60, f"{name} shows a certificate of another name"
        else:
            what = "untrusted", 65, f"{name} shows a certificate that is believed no longer"
        yield Sign(*what, Kind.HIJACK)
    elif row["new_issuer"] and row["new_key"]:
        title = f"{name} has a certificate of another authority, with another key: "
        yield Sign("issuer", 50, title + shown(row["issuer"], 80), Kind.HIJACK)


TOOL = CertificateWatch()
