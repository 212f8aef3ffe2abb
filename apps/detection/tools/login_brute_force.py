"""Password guessing, as the logs of the service tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import (
    FRESH,
    RECORD,
    SEEN,
    TIME,
    crossings,
    grade,
    many,
    new,
    shown,
    top,
    within,
)

_KEY = ("source.ip", "host.name", "destination.ip", "service")
_BESIDE = ("pam_authentication", "ssh_too_many_attempts", "ssh_login_refused", "ssh_disconnect")
_LOGINS = (
    (pl.col("event.category") == "authentication")
    & pl.col("event.outcome").is_in(["success", "failure"])
    & pl.col("source.ip").is_not_null()
    # sshd tells of each failure itself; what PAM says of it beside would count it twice.
    & ~((pl.col("event.dataset") == "sshd.auth") & pl.col("event.action").is_in(_BESIDE))
)
_PROGRAMS = {
    "sshd": "ssh",
    "sshd-session": "ssh",
    "vsftpd": "ftp",
    "ftpd": "ftp",
    "proftpd": "ftp",
    "dovecot": "imap",
    "auth": "imap",
    "login": "telnet",
}


@dataclass(frozen=True, slots=True)
class LoginBruteForce:
    """Counts failed logins by source and service in two windows, a fast and a slow one.

    Thresholds: people give up or ask for help after a handful of mistakes, and sshd closes a
    connection after six; ten failures in five minutes are a program. A patient program is caught
    by thirty in an hour. Six accounts failing from one source are nobody's typing error. Many
    people behind one address mostly get in, so failures must outweigh successes.
    """

    name: str = "login_brute_force"
    title: str = "Login brute force"
    description: str = (
        "Counts failed logins by source in sliding windows: password guessing, password spraying, "
        "and the accounts that were taken by it."
    )
    fast: timedelta = timedelta(minutes=5)
    fast_failures: int = 10
    slow: timedelta = timedelta(hours=1)
    slow_failures: int = 30
    sprayed_accounts: int = 6
    failures_per_success: float = 2.0

    @property
    def reads(self) -> pl.Expr:
        return _LOGINS

    def detect(self, frame: pl.DataFrame) -> list[Finding]:
        logins = _logins(frame)
        suspicious = pl.concat([self._over(logins, self.fast), self._over(logins, self.slow)])
        guessing = pl.concat([suspicious, _later_successes(logins, suspicious)])
        guessing = guessing.unique(RECORD)
        return [self._finding(row) for row in new(_summary(guessing), "source.ip", "service")]

    def _over(self, logins: pl.DataFrame, span: timedelta) -> pl.DataFrame:
        enough = self.fast_failures if span == self.fast else self.slow_failures
        failures, accounts = pl.col("failures"), pl.col("accounts")
        windows = crossings(
            logins,
            _KEY,
            span=span,
            counts={
                "failures": pl.col("failed").sum(),
                "successes": (~pl.col("failed")).sum(),
                "accounts": pl.col("user.name").filter(pl.col("failed")).drop_nulls().n_unique(),
            },
            over=((failures >= enough) | (accounts >= self.sprayed_accounts))
            & (failures >= self.failures_per_success * pl.col("successes")),
        )
        return within(logins, windows, _KEY, span)

    def _finding(self, row: dict[str, Any]) -> Finding:
        failures, accounts, taken = row["failures"], row["accounts"], row["accounts_taken"]
        sprayed = accounts >= self.sprayed_accounts and failures < 3 * accounts
        severity = grade(55, failures, self.fast_failures)
        if taken:
            severity = max(90, severity)
        service = row["service"]
        what = "password spraying" if sprayed else "password guessing"
        parts = [many(failures, "failure"), many(accounts, "account")]
        if taken:
            parts.append(shown(f"{', '.join(taken)} taken", 120))
        minutes = max((row["last"] - row["first"]).total_seconds() / 60, 1 / 60)
        techniques = ["T1110.003" if sprayed else "T1110.001"]
        return Finding(
            tool=self.name,
            kind=Kind.BRUTE_FORCE,
            risk=Risk.INTRUSION,
            title=f"{service.upper()} {what} from {row['source.ip']}: {', '.join(parts)}",
            subject=row["source.ip"],
            target=row["destination.ip"] or row["host.name"] or "",
            severity=severity,
            first=row["first"],
            last=row["last"],
            records=tuple(row["records"]),
            host=row["host.name"] or "",
            techniques=(*techniques, "T1078") if taken else tuple(techniques),
            parameters={
                "signs": [service],
                "service": service,
                "failures": failures,
                "successes": row["successes"],
                "accounts": accounts,
                "accounts_tried": row["tried"],
                "accounts_taken": taken,
                "failures_per_minute": round(failures / minutes, 1),
                "threshold": f"{self.fast_failures} failures in "
                f"{self.fast.total_seconds() / 60:.0f} min, {self.slow_failures} in "
                f"{self.slow.total_seconds() / 60:.0f} min, or {self.sprayed_accounts} accounts",
            },
        )


def _logins(frame: pl.DataFrame) -> pl.DataFrame:
    """Logins over the network that succeeded or failed, each attempt once, with `failed`,
    `service` and `with_key`."""
    lines = frame.filter(_LOGINS)
    # Only where no password was ever asked is an unknown user all that is said of an attempt.
    unknown = pl.col("event.action") == "ssh_invalid_user"
    lines = _told_once(lines)
    connection = ["source.ip", "source.port", "host.name"]
    asked = lines.filter(pl.col("event.action") == "ssh_login").select(connection).unique()
    silent = lines.filter(unknown).join(asked, on=connection, how="anti", nulls_equal=True)
    return pl.concat([lines.filter(~unknown.fill_null(False)), silent]).select(
        RECORD,
        FRESH,
        TIME,
        "source.ip",
        "host.name",
        "destination.ip",
        "user.name",
        "service",
        failed=pl.col("event.outcome") == "failure",
        # Nobody guesses a private key: who comes in with one is no proof of a password found.
        with_key=pl.coalesce("event.original", "message", pl.lit("")).str.contains("publickey"),
    )


def _told_once(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines with their `service`, without what PAM and the kernel's audit say beside the service's
    own log of the same source and host. Audit alone tells of a failure by the password that was
    wrong, of a success by the session that began."""
    lines = lines.with_columns(
        service=pl.coalesce("network.protocol", _service(), pl.lit("login")),
    )
    audit = pl.col("event.dataset") == "auditd.log"
    wrong = (pl.col("event.action") == "user_auth") & (pl.col("event.outcome") == "failure")
    session = (pl.col("event.action") == "user_login") & (pl.col("event.outcome") == "success")
    echo = audit | (pl.col("event.action") == "pam_authentication").fill_null(False)
    key = ["source.ip", "host.name", "service"]
    own = lines.filter(~echo)
    beside = lines.filter(echo & (~audit | wrong | session))
    alone = beside.join(own.select(key).unique(), on=key, how="anti", nulls_equal=True)
    return pl.concat([own, alone])


def _service() -> pl.Expr:
    """`ftp` of the program vsftpd or of the action `ftp_login`, `ssh` of the data set `sshd.auth`."""
    by_program = pl.col("process.name").replace_strict(
        _PROGRAMS, default=None, return_dtype=pl.String
    )
    by_action = pl.col("event.action").str.extract(r"^([a-z0-9]+)_log(?:in|on)$")
    by_dataset = pl.col("event.dataset").replace_strict(
        {"sshd.auth": "ssh"}, default=None, return_dtype=pl.String
    )
    return pl.coalesce(by_program, by_action, by_dataset)


def _later_successes(logins: pl.DataFrame, guessing: pl.DataFrame) -> pl.DataFrame:
    """Logins by a source that had been guessing: it may come back at leisure with what it found."""
    since = guessing.group_by(_KEY).agg(since=pl.col(TIME).min())
    return (
        logins.filter(~pl.col("failed"))
        .join(since, on=_KEY, nulls_equal=True)
        .filter(pl.col(TIME) >= pl.col("since"))
        .select(logins.columns)
    )


def _summary(guessing: pl.DataFrame) -> pl.DataFrame:
    failed = pl.col("failed")
    after_failure = pl.col(TIME) >= pl.col(TIME).filter(failed).min()
    taken = pl.col("user.name").filter(~failed & ~pl.col("with_key") & after_failure)
    guessing = guessing.with_columns(tried=pl.when(failed).then("user.name"))
    return (
        guessing.sort(TIME, RECORD)
        .group_by(_KEY)
        .agg(
            *SEEN,
            failures=failed.sum(),
            successes=(~failed).sum(),
            accounts=pl.col("user.name").filter(failed).drop_nulls().n_unique(),
            tried=top("tried", 10),
            accounts_taken=taken.drop_nulls().unique().sort(),
        )
    )


TOOL = LoginBruteForce()
