"""auth.log: sshd, and the other programs that decide who may do what on a Linux host.

What a client chose (its user name) stands in these lines unescaped. So addresses are read from the
right, where sshd itself wrote them: a user called "root from 192.0.2.1 port 22 ssh2" stays a name.
Messages: OpenSSH auth.c, packet.c, sshd.c; Linux-PAM pam_unix; sudo; shadow.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsers._auth import RULES as _AUTH_RULES
from apps.acquisition.parsers._auth import Rule
from apps.acquisition.parsing import Context, Parsed

_SSHD = ("sshd", "sshd-session", "sshd-auth")
_AUTH = (
    *("sudo", "su", "login", "passwd", "chpasswd", "useradd", "userdel", "usermod", "groupadd"),
    *("groupdel", "groupmod", "gpasswd", "chage", "chfn", "chsh", "newgrp", "pkexec", "polkitd"),
    *("polkit-agent-helper-1", "systemd-logind", "systemd-user", "CRON", "cron", "crond", "doas"),
    *("crontab", "anacron", "adduser", "groupmems", "newusers", "gdm-password", "gdm", "lightdm"),
    *("sddm", "unix_chkpwd", "klogind", "rlogind", "runuser", "sssd", "fail2ban"),
)
_PAM = r"\(pam_unix\)|: *(?:message repeated \d+ times: \[ )?pam_[a-z0-9_]+\("

FIELDS = {
    "user": "user.name",
    "target": "user.target.name",
    "address": "source.ip",
    "port": "source.port",
    "command": "process.command_line",
}
LABELS = (
    *("service", "method", "key", "ruser", "by", "reason", "tty", "cwd", "session"),
    *("uid", "gid", "group", "home", "shell"),
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

_SSH_RULES = (
    Rule(
        "Accepted ",
        rf"^Accepted (?P<method>\S+) for (?P<user>\S+) from {_AT}(?: ssh\d?)?"
        r"(?:: (?P<key>\S+ (?:SHA256|MD5):[A-Za-z0-9+/:=]+))?(?:[ :].*)?$",
        "ssh_login",
        "success",
    ),
    # "none" is what clients ask before they show any credential
    Rule("Failed none", rf"^Failed none for {_CLAIMED}{_KEY}", "ssh_invalid_user", "failure"),
    Rule("Failed ", rf"^Failed \S+ for {_CLAIMED}{_KEY}", "ssh_login", "failure"),
    Rule("Failed ", rf"^Failed \S+ for {_REAL}", "ssh_login", "failure"),
    Rule(
        " user ",
        rf"^(?:Invalid|Illegal) user (?P<user>.*) from (?P<address>\S+){_PORT}$",
        "ssh_invalid_user",
        "failure",
    ),
    Rule(
        "attempts exceeded",
        r"^error: maximum authentication attempts exceeded for (?:invalid user )?(?P<user>.*) "
        rf"from (?P<address>\S+){_PORT}(?: ssh\d?)?{_END}",
        "ssh_too_many_attempts",
        "failure",
    ),
    Rule(
        "not allowed because",
        r"^User (?P<user>.*) from (?P<address>\S+) not allowed because",
        "ssh_login_refused",
        "failure",
    ),
    Rule(
        "eceived disconnect from",
        rf"^(?:error: )?Received disconnect from {_AT}: ?\d+:",
        "ssh_disconnect",
    ),
    Rule(
        " user ",
        r"^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting)"
        rf" (?:(?:authenticating|invalid) )?user (?P<user>.*) {_ADDRESS} port (?P<port>\d+)"
        rf"(?:: Too many authentication failures)?{_END}",
        "ssh_disconnect",
    ),
    Rule(
        "onnect",
        rf"^(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting) {_AT}(?:: .*)?{_END}",
        "ssh_disconnect",
    ),
    Rule(
        "error: PAM: ",
        rf"^error: PAM: (?P<reason>[A-Za-z ]+) for (?:illegal user )?(?P<user>.*) from {_ADDRESS}$",
        "pam_authentication",
        "failure",
    ),
    Rule("banner exchange", rf"^banner exchange: Connection from {_AT}: ", "ssh_probe"),
    Rule(
        "Timeout before",
        rf"Timeout before authentication for (?:connection from )?{_AT}",
        "ssh_timeout",
    ),
    Rule(
        "drop connection", rf"^drop connection .* from \[{_ADDRESS}\]:(?P<port>\d+) ", "ssh_dropped"
    ),
    Rule("onnection from", rf"Connection from {_AT}(?: on |:|$)", "ssh_connection"),
    Rule(
        "identification",
        rf"^(?:Did not receive|Bad protocol version) identification .*from {_AT}$",
        "ssh_probe",
    ),
    Rule("to negotiate with", rf"Unable to negotiate with {_AT}: ", "ssh_probe"),
    Rule("reverse mapping", r"\[(?P<address>[^\]]+)\] failed", "ssh_reverse_mapping"),
)
_RULES = tuple(replace(rule, sshd=True) for rule in _SSH_RULES) + _AUTH_RULES

ACTIONS = tuple(dict.fromkeys(rule.action for rule in _RULES))
"""Every `event.action` this parser can give."""


class Sshd:
    name = "sshd"

    def sniff(self, lines: pl.Series) -> float:
        rows, _ = _heads(lines, Context())
        return rows.len() / max(lines.len(), 1)

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        rows, head = _heads(lines, context)
        if not rows.len():
            return Parsed.none(lines)
        told = _syslog.told(head).drop("process.name")
        read = read_messages(head["program"], head["message"]).hstack(told)
        return Parsed.of(_syslog.place(read, rows, lines.len()))


def _heads(lines: pl.Series, context: Context) -> tuple[pl.Series, pl.DataFrame]:
    """The rows that are ours, and their heads."""
    daemons = "|".join(_SSHD + _AUTH)
    rows = (lines.str.contains(rf" (?:{daemons})[\[(: ]") | lines.str.contains(_PAM)).arg_true()
    head = _syslog.split(lines.gather(rows), context.received)
    if not rows.len():
        return rows, head
    ours = head["program"].is_in(_SSHD + _AUTH)
    plain = head["message"].str.extract(_REPEATED, 1).fill_null(head["message"])
    ours |= (head["module"] == "(pam_unix)").fill_null(False) | plain.str.starts_with("pam_")
    ours = (ours & head["message"].is_not_null()).fill_null(False)
    return rows.filter(ours), head.filter(ours)


def is_sshd(programs: pl.Series) -> pl.Series:
    return programs.is_in(_SSHD)


def read_messages(programs: pl.Series, messages: pl.Series) -> pl.DataFrame:
    """Program and message of N auth lines → who did what, from where."""
    plain = messages.str.extract(_REPEATED, 1).fill_null(messages)
    table = pl.DataFrame({"program": programs, "message": plain.fill_null("")}).with_row_index(
        "_row"
    )
    ssh = pl.col("program").is_in(_SSHD).fill_null(False)
    left, done = table, []
    for rule in _RULES:
        hit = pl.col("message").str.contains(rule.mark, literal=True)
        able = left.filter(hit if rule.sshd is None else hit & (ssh == rule.sshd))
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
                pl.lit(rule.category).alias("event.category"),
            )
        )
        left = left.join(done[-1].select("_row"), on="_row", how="anti", maintain_order="left")
    event = ("event.action", "event.outcome", "event.category")
    wanted = {"_row": pl.UInt32} | dict.fromkeys((*FIELDS, *LABELS, *event), pl.String)
    read = pl.concat([pl.DataFrame(schema=wanted), *done], how="diagonal")
    said = table.select("_row", ssh.alias("ssh")).join(
        read, on="_row", how="left", maintain_order="left"
    )
    # a service tells PAM what a client called itself, known or not
    named = pl.when(pl.col("user").is_null() & (pl.col("ruser") != "")).then("ruser")
    said = said.with_columns(pl.coalesce("user", named).alias("user")).rename(FIELDS)
    numeric = pl.col("source.ip").str.contains(r"^\d+(?:\.\d+){3}$|:")
    return said.select(
        pl.when("ssh")
        .then(pl.lit("sshd.auth"))
        .otherwise(pl.lit("linux.auth"))
        .alias("event.dataset"),
        pl.col("event.category").fill_null("authentication"),
        "event.action",
        "event.outcome",
        "user.name",
        "user.target.name",
        pl.when(numeric).then("source.ip").alias("source.ip"),
        pl.when(~numeric & (pl.col("source.ip") != "")).then("source.ip").alias("source.domain"),
        pl.col("source.port").cast(pl.Int64, strict=False),
        pl.when("ssh").then(pl.lit("ssh")).alias("network.protocol"),
        "process.command_line",
        programs.fill_null("").alias("process.name"),
        messages.alias("message"),
        _labels.of(said, LABELS),
    )


PARSER = Sshd()
