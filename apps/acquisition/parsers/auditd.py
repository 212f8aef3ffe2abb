"""The Linux audit log: one line a record, raw or ENRICHED, bare or behind a syslog head.

Records of one event share `audit_id` in their labels (time and serial number). What the kernel
and libaudit do not trust, they write in hexadecimal: it is decoded, so a quote in a file name cannot
end a field.
Format: linux-audit documentation, "audit event fields"; auditd.conf(5) `log_format`; ausearch(8).
"""

from __future__ import annotations

import re

import polars as pl

from apps.acquisition.frames import INSTANT
from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsers._audit_types import CATEGORIES, NUMBERS
from apps.acquisition.parsing import Context, Parsed, share

_LINE = (
    r"^(?P<head>.{0,300}?)\b(?:node=(?P<node>\S+) )?type=(?P<type>[A-Z0-9_]+|UNKNOWN\[\d+\]) "
    r"(?:msg=)?audit\((?P<seconds>\d{1,11})\.(?P<millis>\d{3}):(?P<serial>\d+)\): ?"
    r"(?P<body>(?s:.*))$"
)
_MARK = r"type=(?:[A-Z0-9_]+|UNKNOWN\[\d+\]) (?:msg=)?audit\(\d{1,11}\.\d{3}:\d+\):"
_HEADED = r"^(?:<\d|[A-Z][a-z]{2} |\d{4}-)"
_KERNEL = r"^(?:\[ *\d+\.\d+\] ?)?(?:audit: ?)?$"
_WRITERS = ("kernel", "audit", "auditd", "audispd", "audisp-syslog", "tag_audit_log")
_PAIR = r"""[A-Za-z_][\w\-\[\]]*=(?:"[^"]*"|\{[^}]*\}|[^\s"']*)"""
_HEX = r"^(?:[0-9A-F]{2})+$"
_ENCODED = (
    *("acct", "cmd", "comm", "cwd", "data", "dir", "exe", "key", "name", "path", "proctitle"),
    *("watch", "file", "old-name", "new_name", "profile", "ocomm", "new-disk", "grp"),
)
_ARGUMENT = r"^a(\d+)(?:\[(\d+)\])?$"
_READ = (
    *("acct", "ID", "UID", "exe", "comm", "pid", "addr", "hostname", "name", "path", "cwd", "cmd"),
    *("proctitle", "res", "success", "result", "apparmor", "saddr", "SADDR"),
)
_KEPT_TOO = ("cwd", "saddr")  # in labels, too
_NOISE = (
    *("item", "items", "inode", "dev", "rdev", "cap_fp", "cap_fi", "cap_fe", "cap_fver"),
    *("cap_frootid", "suid", "fsuid", "egid", "sgid", "fsgid", "msg", "argc", "grantors"),
    *("a0", "a1", "a2", "a3", "SUID", "FSUID", "EGID", "SGID", "FSGID", "ARCH", "OUID", "OGID"),
)
_NOTHING = ("?", "(null)", "(none)", "", "UNKNOWN", "unset")
_OUTCOMES = {
    **dict.fromkeys(("success", "yes", "1", "granted", "allowed"), "success"),
    **dict.fromkeys(("failed", "no", "0", "denied", "fail", "failure"), "failure"),
}
_SERVICES = {"sshd": "ssh", "sshd-session": "ssh", "vsftpd": "ftp", "dovecot": "imap"}


class Auditd:
    name = "auditd"

    def sniff(self, lines: pl.Series) -> float:
        return share(lines.str.contains(_MARK) & ~lines.str.contains(r"^\s*[\[{]"))

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        rows = lines.str.contains(_MARK).fill_null(False).arg_true()
        found = lines.gather(rows).str.extract_groups(_LINE).struct.unnest()
        host, ours = _written(found, context)
        rows, found, host = rows.filter(ours), found.filter(ours), host.filter(ours)
        if not rows.len():
            return Parsed.of(_syslog.place(found, rows, lines.len()))
        read = _records(found).with_columns(host.alias("host.name"))
        return Parsed.of(_syslog.place(read, rows, lines.len()))


def _written(found: pl.DataFrame, context: Context) -> tuple[pl.Series, pl.Series]:
    """The hosts of N lines, and whether the audit system wrote them: elsewhere such text is quoted."""
    before = found["head"].fill_null("")
    host = found["node"]
    ours = (found["type"].is_not_null() & before.str.contains(_KERNEL)).fill_null(False)
    rows = before.str.contains(_HEADED).arg_true()
    if rows.len():
        # the record itself is not looked at: only the program before it
        head = _syslog.split(before.gather(rows), context.received)
        bare = head["message"].str.contains(_KERNEL)
        written = (bare & head["program"].is_in(_WRITERS)).fill_null(False)
        ours = ours.scatter(rows, written)
        host = host.scatter(rows, host.gather(rows).fill_null(head["host"]))
    return host, ours


def _records(found: pl.DataFrame) -> pl.DataFrame:
    kind = found["type"].str.replace(r"^UNKNOWN\[(\d+)\]$", "${1}")
    kind = kind.replace(NUMBERS).str.to_lowercase()
    bodies = found["body"].str.replace_all("\x1d", " ", literal=True)
    said = _said(bodies)
    height = found.height
    wide = _wide(said, height)

    def field(*keys: str) -> pl.Series:
        return pl.select(pl.coalesce(*(wide[key] for key in keys))).to_series()

    # who is acted upon is not who acts
    managed = kind.str.contains(r"^(?:add|del)_|^user_(?:mgmt|chauthtok)$|^grp_|^acct_")
    acting = managed | kind.is_in(["user_cmd", "syscall"])
    account, user = field("acct", "ID"), wide["UID"]
    comm = field("comm").fill_null(wide["exe"].str.extract(r"([^/]+)$", 1))
    address, named = wide["addr"], wide["hostname"]
    sockets = _sockets(field("saddr", "SADDR"))
    on_file = kind.is_in(["path", "avc", "user_avc", "fanotify", "anom_link"]).fill_null(False)
    path = field("name", "path").set(~on_file, None).fill_null(sockets["path"])
    path = path.fill_null(wide["cwd"].set(kind != "cwd", None))
    command = _arguments(said, height).fill_null(wide["cmd"])
    command = command.fill_null(wide["proctitle"].str.replace_all("\0", " ", literal=True))
    outcome = _outcome(field("res", "success", "result", "apparmor"), bodies)
    labels = _told(said, found, bodies, sockets)
    return pl.DataFrame(
        {
            "@timestamp": (
                found["seconds"].cast(pl.Int64) * 1_000_000 + found["millis"].cast(pl.Int64) * 1000
            ).cast(INSTANT),
            "event.dataset": pl.Series(["auditd.log"]).new_from_index(0, height),
            "event.category": kind.replace_strict(
                CATEGORIES, default="host", return_dtype=pl.String
            ),
            "event.action": kind,
            "event.outcome": outcome,
            "source.ip": address,
            "source.domain": named.set((named == address).fill_null(False), None),
            "network.protocol": comm.replace_strict(
                _SERVICES, default=None, return_dtype=pl.String
            ).set(address.is_null(), None),
            "user.name": user.zip_with(acting, account.fill_null(user)),
            "user.target.name": account.set(~managed, None),
            "process.name": comm,
            "process.pid": wide["pid"].cast(pl.Int64, strict=False),
            "process.executable": wide["exe"],
            "process.command_line": command,
            "file.path": path,
            "message": bodies.str.strip_chars(),
            "labels": labels,
        }
    )


def _said(bodies: pl.Series) -> pl.DataFrame:
    """Every `key=value` of N records as _row, key, value, decoded, in their order."""
    table = pl.DataFrame({"text": bodies.str.extract_all(_PAIR)})
    table = table.with_row_index("_row").explode("text").drop_nulls()
    pair = pl.col("text").str.splitn("=", 2).struct
    table = table.select(
        "_row", pair.field("field_0").alias("key"), pair.field("field_1").alias("value")
    )
    quoted = pl.col("value").str.starts_with('"')
    encodable = pl.col("key").is_in(_ENCODED) | pl.col("key").str.contains(_ARGUMENT)
    # numbers are written in lower case, and of an even length only by chance
    hidden = encodable & ~quoted & pl.col("value").str.contains(_HEX)
    table = table.with_columns(pl.col("value").str.strip_chars('"'), hidden.alias("hidden"))
    if table["hidden"].any():
        at = table["hidden"].arg_true()
        coded = table["value"].gather(at)
        distinct = coded.unique()
        plain = [bytes.fromhex(text).decode("utf-8", "replace") for text in distinct.to_list()]
        decoded = coded.replace_strict(distinct, pl.Series(plain, dtype=pl.String))
        table = table.with_columns(table["value"].scatter(at, decoded))
    said = ~pl.col("value").is_in(_NOTHING) | pl.col("key").str.contains(_ARGUMENT)
    return table.drop("hidden").filter(said)


def _wide(said: pl.DataFrame, height: int) -> pl.DataFrame:
    """N rows with a column of each key that is read; where a key came twice, what came first."""
    mine = said.filter(pl.col("key").is_in(_READ)).unique(
        ["_row", "key"], keep="first", maintain_order=True
    )
    every = pl.DataFrame({"_row": pl.Series(range(height), dtype=pl.UInt32)})
    wide = every.join(
        mine.pivot("key", index="_row", values="value"),
        on="_row",
        how="left",
        maintain_order="left",
    )
    missing = [key for key in _READ if key not in wide.columns]
    return wide.with_columns(pl.lit(None, dtype=pl.String).alias(key) for key in missing)


def _arguments(said: pl.DataFrame, height: int) -> pl.Series:
    """The command lines of EXECVE records: arguments in their order, long ones from their parts."""
    number = pl.col("key").str.extract(_ARGUMENT, 1).cast(pl.Int64, strict=False)
    part = pl.col("key").str.extract(_ARGUMENT, 2).cast(pl.Int64, strict=False)
    # in SYSCALL records a0 to a3 are bare numbers
    counted = said.filter(pl.col("key") == "argc").select("_row")
    found = said.with_columns(number.alias("number"), part.fill_null(0).alias("part"))
    found = found.drop_nulls("number").join(counted, on="_row", how="semi")
    whole = (
        found.sort("_row", "number", "part")
        .group_by("_row", "number", maintain_order=True)
        .agg(pl.col("value").str.join(""))
        .group_by("_row", maintain_order=True)
        .agg(pl.col("value").str.join(" "))
    )
    column = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    return column.scatter(whole["_row"], whole["value"])


def _outcome(results: pl.Series, bodies: pl.Series) -> pl.Series:
    said = bodies.str.extract(r"^avc: +(denied|granted) ", 1).fill_null(results)
    return said.str.to_lowercase().replace_strict(_OUTCOMES, default=None, return_dtype=pl.String)


def _told(
    said: pl.DataFrame, found: pl.DataFrame, bodies: pl.Series, sockets: pl.DataFrame
) -> pl.Series:
    """What no column keeps, and the event that the record belongs to."""
    height = found.height
    drop = [key for key in (*_NOISE, *_READ) if key not in _KEPT_TOO]
    rest = said.filter(~pl.col("key").is_in(drop) & ~pl.col("key").str.contains(_ARGUMENT))
    # the names that ENRICHED puts behind the numbers
    name = pl.col("key").str.to_lowercase() + "_name"
    interpreted = pl.when(pl.col("key").str.contains("^[A-Z]+$")).then(name).otherwise("key")
    plain = interpreted.str.replace_all(r"[^\w\-]", "_").str.slice(0, 60)
    whole = {
        "audit_id": found["seconds"] + "." + found["millis"] + ":" + found["serial"],
        "permissions": bodies.str.extract(r"^avc: +\w+ +\{ ([a-z_ ]+) \}", 1),
        "socket_address": sockets["address"],
        "socket_port": sockets["port"].cast(pl.String),
    }
    every = pl.Series(range(height), dtype=pl.UInt32)
    pairs = pl.concat(
        [
            pl.DataFrame({"_row": every, "key": [key] * height, "value": values})
            for key, values in whole.items()
        ]
        + [rest.select("_row", plain.alias("key"), "value")]
    )
    labels = _labels.of_pairs(pairs["_row"], pairs["key"], pairs["value"])
    column = pl.Series("labels", [None], dtype=pl.String).new_from_index(0, height)
    return column.scatter(labels["_row"], labels["labels"])


def _sockets(texts: pl.Series) -> pl.DataFrame:
    """SOCKADDR records → address, port, path of the socket. Only the call says whose it is."""
    kinds = {"address": pl.String, "port": pl.Int64, "path": pl.String}
    distinct = {text: _socket(text) for text in texts.drop_nulls().unique().to_list()}
    rows = [distinct.get(text, (None, None, None)) for text in texts.to_list()]
    return pl.DataFrame(rows, kinds, orient="row")


def _socket(text: str) -> tuple[str | None, int | None, str | None]:
    told = re.match(r"\{ ?saddr_fam=inet6? (?:laddr|addr)=(\S+) lport=(\d{1,5})", text)
    if told:
        return told[1], int(told[2]), None
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return None, None, None
    family, port = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "big")
    if family == 2 and len(data) >= 8:
        return ".".join(map(str, data[4:8])), port, None
    if family == 10 and len(data) >= 24:
        address = data[8:24].hex()
        return ":".join(address[at : at + 4] for at in range(0, 32, 4)), port, None
    if family == 1:
        return None, None, data[2:].strip(b"\0").partition(b"\0")[0].decode("utf-8", "replace")
    return None, None, None


PARSER = Auditd()
