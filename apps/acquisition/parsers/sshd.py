"""auth.log: sshd, and the other programs that decide who may do what on a Linux host.

What a client chose (its user name) stands in these lines unescaped. So addresses are read from the
right, where sshd itself wrote them: a user called "root from 192.0.2.1 port 22 ssh2" stays a name.
Messages: OpenSSH auth.c, packet.c, sshd.c; Linux-PAM pam_unix; sudo; shadow.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from apps.acquisition.parsers import _syslog
from apps.acquisition.parsing import Context, Parsed, share

_SSHD = ("sshd", "sshd-session", "sshd-auth")
_AUTH = (
    *("sudo", "su", "login", "passwd", "chpasswd", "useradd", "userdel", "usermod", "groupadd"),
    *("groupdel", "groupmod", "gpasswd", "chage", "chfn", "chsh", "newgrp", "pkexec", "polkitd"),
    *("polkit-agent-helper-1", "systemd-logind", "systemd-user", "CRON", "cron", "crond", "doas"),
    *("gdm-password", "gdm", "lightdm", "sddm", "vsftpd", "ftpd", "proftpd", "dovecot", "auth"),
    *("unix_chkpwd", "klogind", "rlogind", "runuser", "sssd", "fail2ban"),
)
_REPEATED = r"^message repeated \d+ times: \[ (.*)\]$"

_PORT = r"(?: port (?P<port>\d+))?"
_ADDRESS = r"(?P<address>[0-9a-fA-F:.]+)"
_AT = _ADDRESS + _PORT
# An account that exists has a name without spaces, and ends at the first " from ". What else a
# client calls itself is anything, and ends at the last: nothing it chose may follow there.
_REAL = rf"(?P<user>\S+) from {_AT}(?: ssh\d?)?(?:: .*)?$"
_CLAIMED = rf"(?:invalid|illegal) user (?P<user>.*) from (?P<address>\S+){_PORT}(?: ssh\d?)?"
_KEY = r"(?:: \S+ (?:SHA256|MD5):[A-Za-z0-9+/:=]+)?$"
_END = r"(?: \[preauth\])?$"


@dataclass(frozen=True, slots=True)
class _Rule:
    """Messages that hold the text `mark` and match `pattern` (groups: user, address, port)."""

    mark: str
    pattern: str
    action: str
    outcome: str | None = None
    anyone: bool = False  # programs other than sshd say so too


_SSH_RULES = (
    _Rule("Accepted ", rf"^Accepted \S+ for {_REAL}", "ssh_login", "success"),
    # "none" is what clients ask before they show any credential
    _Rule("Failed none", rf"^Failed none for {_CLAIMED}{_KEY}", "ssh_invalid_user", "failure"),
    _Rule("Failed ", rf"^Failed \S+ for {_CLAIMED}{_KEY}", "ssh_login", "failure"),
    _Rule("Failed ", rf"^Failed \S+ for {_REAL}", "ssh_login", "failure"),
    _Rule(
        " user ",
        rf"^(?:Invalid|Illegal) user (?P<user>.*) from (?P<address>\S+){_PORT}$",
        "ssh_invalid_user",
        "failure",
    ),
    _Rule(
        "attempts exceeded",
        r"^error: maximum authentication attempts exceeded for (?:invalid user )?(?P<user>.*) "
        rf"from (?P<address>\S+){_PORT}(?: ssh\d?)?{_END}",
        "ssh_too_many_attempts",
        "failure",
    ),
    _Rule(
        "not allowed because",
        r"^User (?P<user>.*) from (?P<address>\S+) not allowed because",
        "ssh_login_refused",
        "failure",
    ),
    _Rule(
        "eceived disconnect from",
        rf"^(?:error: )?Received disconnect from {_AT}: ?\d+:",
        "ssh_disconnect",
    ),
    _Rule(
        " user ",
        r"^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting)"
        rf" (?:(?:authenticating|invalid) )?user (?P<user>.*) {_ADDRESS} port (?P<port>\d+)"
        rf"(?:: Too many authentication failures)?{_END}",
        "ssh_disconnect",
    ),
    _Rule(
        "onnect",
        rf"^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) {_AT}(?:: .*)?{_END}",
        "ssh_disconnect",
    ),
    _Rule("onnection from", rf"Connection from {_AT}(?: on |:|$)", "ssh_connection"),
    _Rule(
        "identification",
        rf"^(?:Did not receive|Bad protocol version) identification .*from {_AT}$",
        "ssh_probe",
    ),
    _Rule("to negotiate with", rf"Unable to negotiate with {_AT}: ", "ssh_probe"),
    _Rule("reverse mapping", r"\[(?P<address>[^\]]+)\] failed", "ssh_reverse_mapping"),
)
_PAM_RULES = (
    _Rule(
        "uthentication failure",
        r"authentication failures?;.* rhost=(?P<address>\S*)(?:\s+user=(?P<user>\S+))?",
        "pam_authentication",
        "failure",
        anyone=True,
    ),
    _Rule(
        "session opened for",
        r"session opened for user (?P<user>[^\s(]+)",
        "session_opened",
        "success",
        anyone=True,
    ),
    _Rule(
        "session closed for",
        r"session closed for user (?P<user>[^\s(]+)",
        "session_closed",
        "success",
        anyone=True,
    ),
    _Rule(
        "password changed for",
        r"password changed for (?P<user>\S+)$",
        "password_changed",
        "success",
        anyone=True,
    ),
    _Rule(
        "new user: name=",
        r"^new user: name=(?P<user>[^,\s]+)",
        "user_added",
        "success",
        anyone=True,
    ),
    _Rule(
        "COMMAND=",
        r"^(?P<user>\S+) : (?:\d+ incorrect password|a password is req|.*not allowed|.*NOT in sudo)",
        "sudo_command",
        "failure",
        anyone=True,
    ),
    _Rule("COMMAND=", r"^(?P<user>\S+) : TTY=", "sudo_command", "success", anyone=True),
    _Rule("FAILED SU", r"^FAILED SU .*\) (?P<user>\S+) on ", "su", "failure", anyone=True),
    _Rule("uccessful su", r"^Successful su for \S+ by (?P<user>\S+)", "su", "success", anyone=True),
)
_RULES = _SSH_RULES + _PAM_RULES

ACTIONS = tuple(dict.fromkeys(rule.action for rule in _RULES))
"""Every `event.action` this parser can give."""


class Sshd:
    name = "sshd"

    def sniff(self, lines: pl.Series) -> float:
        program = rf"\S+ (?:{'|'.join(_SSHD + _AUTH)})(?:\([^)]*\))?(?:\[\d+\])?: "
        head = _syslog.HEAD.rpartition("(?P<host>")[0]
        return share(lines.str.contains(head + program))

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        head = _syslog.split(lines, context.received)
        ours = head["program"].is_in(_SSHD + _AUTH)
        ours |= (head["module"] == "(pam_unix)") | head["message"].str.starts_with("pam_")
        rows = ours.fill_null(False).arg_true()
        if not rows.len():
            nothing = pl.Series("event.dataset", [None], dtype=pl.String)
            return Parsed.of(nothing.new_from_index(0, lines.len()).to_frame())
        head = head[rows]
        read = read_messages(head["program"], head["message"]).with_columns(
            head["time"].alias("@timestamp"),
            head["host"].alias("host.name"),
            head["pid"].cast(pl.Int64, strict=False).alias("process.pid"),
            rows.alias("_row"),
        )
        every = pl.DataFrame({"_row": pl.Series(range(lines.len()), dtype=rows.dtype)})
        return Parsed.of(
            every.join(read, on="_row", how="left", maintain_order="left").drop("_row")
        )


def is_sshd(programs: pl.Series) -> pl.Series:
    return programs.is_in(_SSHD)


def read_messages(programs: pl.Series, messages: pl.Series) -> pl.DataFrame:
    """Program and message of N auth lines → who did what, from where."""
    plain = messages.str.extract(_REPEATED, 1).fill_null(messages)
    table = pl.DataFrame({"program": programs, "message": plain.fill_null("")}).with_row_index(
        "_row"
    )
    ssh = pl.col("program").is_in(_SSHD)
    left, done = table, []
    for rule in _RULES:
        hit = pl.col("message").str.contains(rule.mark, literal=True)
        able = left.filter(hit if rule.anyone else hit & ssh)
        if able.is_empty():
            continue
        found = able["message"].str.extract_groups(rule.pattern).struct.unnest()
        matched = able["message"].str.contains(rule.pattern)
        done.append(
            found.with_columns(able["_row"])
            .filter(matched)
            .with_columns(
                pl.lit(rule.action).alias("event.action"),
                pl.lit(rule.outcome, dtype=pl.String).alias("event.outcome"),
            )
        )
        left = left.join(done[-1].select("_row"), on="_row", how="anti", maintain_order="left")
    names = {"user": "user.name", "address": "source.ip", "port": "source.port"}
    wanted = {"_row": pl.UInt32} | dict.fromkeys(
        (*names, "event.action", "event.outcome"), pl.String
    )
    read = pl.concat([pl.DataFrame(schema=wanted), *done], how="diagonal").rename(names)
    said = table.select("_row", ssh.alias("ssh")).join(
        read, on="_row", how="left", maintain_order="left"
    )
    return said.select(
        pl.when("ssh")
        .then(pl.lit("sshd.auth"))
        .otherwise(pl.lit("linux.auth"))
        .alias("event.dataset"),
        pl.lit("authentication").alias("event.category"),
        "event.action",
        "event.outcome",
        "user.name",
        "source.ip",
        pl.col("source.port").cast(pl.Int64, strict=False),
        pl.when("ssh").then(pl.lit("ssh")).alias("network.protocol"),
        programs.fill_null("").alias("process.name"),
        messages.alias("message"),
    )


PARSER = Sshd()
