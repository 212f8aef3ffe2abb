"""vsftpd's own log, with or without the protocol's commands, and the xferlog of FTP servers.

Names of users and files stand in the log unescaped. A line whose brackets and quotes can be read
in two ways says nobody's name and address: rather none than the wrong one.
Formats: vsftpd.conf(5) (`dual_log_enable`, `log_ftp_protocol`, `syslog_enable`), xferlog(5).
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from apps.acquisition.frames import INSTANT, local
from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsing import Context, Parsed, share

_DATE = r"^[A-Z][a-z]{2} (?P<date>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}) "
_BARE = rf"{_DATE}\[pid (?P<pid>\d+)\] (?P<message>(?s:.*))$"
_VERBS = {
    "CONNECT": ("ftp_connection", "network"),
    "LOGIN": ("ftp_login", "authentication"),
    "FTP command": ("ftp_command", "network"),
    "FTP response": ("ftp_response", "network"),
    "DEBUG": ("ftp_debug", "network"),
    "UPLOAD": ("ftp_upload", "file"),
    "DOWNLOAD": ("ftp_download", "file"),
    "MKDIR": ("ftp_mkdir", "file"),
    "RMDIR": ("ftp_rmdir", "file"),
    "DELETE": ("ftp_delete", "file"),
    "RENAME": ("ftp_rename", "file"),
    "CHMOD": ("ftp_chmod", "file"),
}
_MARK = ': Client "'
_MESSAGE = (
    rf"^(?:\[(?P<user>.*)\] )?(?:(?P<result>OK|FAIL) )?(?P<verb>{'|'.join(_VERBS)}): "
    r'Client "(?P<address>[^"]*)"(?:, anon password "(?P<anon_password>.*)")?'
    r'(?:, "(?P<text>(?s:.*))")?(?:, (?P<size>\d+) bytes)?(?:, (?P<rate>[\d.]+Kbyte/sec))?$'
)
_XFERLOG = (
    rf"{_DATE}(?P<seconds>\d+) (?P<address>\S+) (?P<size>\d+) (?P<text>.*) [ab] \S+ "
    r"(?P<direction>[oid]) (?P<access>[agr]) (?P<user>\S+) (?P<service>\S+) [01] \S+ "
    r"(?P<completion>[ci])$"
)
_WAYS = {"o": "ftp_download", "i": "ftp_upload", "d": "ftp_delete"}


class Vsftpd:
    name = "vsftpd"

    def sniff(self, lines: pl.Series) -> float:
        own = lines.str.contains(_BARE) & lines.str.contains(_MARK, literal=True)
        bare = share(own | lines.str.contains(_XFERLOG))
        return min(bare + _syslog.sureness(_marked(lines), "vsftpd"), 1.0)

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        height = lines.len()
        marked = lines.str.contains(_MARK, literal=True)
        parts = []
        bare = (marked & lines.str.contains(_BARE)).arg_true()
        if bare.len():
            found = lines.gather(bare).str.extract_groups(_BARE).struct.unnest()
            head = pl.DataFrame(
                {
                    "@timestamp": _time(found["date"], context.received),
                    "process.pid": found["pid"].cast(pl.Int64, strict=False),
                }
            )
            parts.append(_deeds(found["message"]).hstack(head).with_columns(bare.alias("_row")))
        rows, head = _syslog.written_by(_marked(lines), "vsftpd", context.received)
        if rows.len():
            told = _syslog.told(head).drop("process.name")
            parts.append(_deeds(head["message"]).hstack(told).with_columns(rows.alias("_row")))
        transfers = lines.str.contains(_XFERLOG).arg_true()
        if transfers.len():
            found = lines.gather(transfers).str.extract_groups(_XFERLOG).struct.unnest()
            parts.append(_transfers(found, context.received).with_columns(transfers.alias("_row")))
        if not parts:
            return Parsed.of(_syslog.place(pl.DataFrame(), bare, height))
        read = pl.concat(parts, how="diagonal_relaxed").sort("_row")
        return Parsed.of(_syslog.place(read.drop("_row"), read["_row"], height))


def _marked(lines: pl.Series) -> pl.Series:
    """Lines that vsftpd itself may have written; the others are emptied."""
    return lines.set(~lines.str.contains(_MARK, literal=True), "")


def _time(dates: pl.Series, received: datetime) -> pl.Series:
    padded = dates.str.replace("  ", " 0", literal=True)
    read = padded.str.to_datetime(
        "%b %d %H:%M:%S %Y", time_unit="us", time_zone="UTC", strict=False
    )
    return local(read.cast(INSTANT), received)


def _deeds(messages: pl.Series) -> pl.DataFrame:
    """Messages of vsftpd's own log → who did what; the data set is null where it says neither."""
    found = messages.str.extract_groups(_MESSAGE).struct.unnest()
    clear = messages.str.count_matches(_MARK, literal=True) == 1
    # who is not logged in yet stands before the name it claims: that is certain
    clear |= messages.str.contains(r"^(?:CONNECT|FTP command|FTP response): Client ")
    known = found["verb"].is_not_null()
    verb = found["verb"].set(~clear, None)
    said = found.with_columns(pl.when(pl.lit(clear)).then(pl.all()).name.keep())
    told = said.select("anon_password", "rate").with_columns(
        said["text"].set(~verb.is_in(["FTP command"]).fill_null(False), None).alias("command"),
    )
    file = verb.replace_strict(
        {name: category == "file" for name, (_, category) in _VERBS.items()}, default=False
    )
    return pl.DataFrame(
        {
            "event.dataset": pl.select(
                pl.when(pl.lit(known)).then(pl.lit("vsftpd.log"))
            ).to_series(),
            "event.category": verb.replace_strict(
                {name: category for name, (_, category) in _VERBS.items()}, default="network"
            ),
            "event.action": verb.replace_strict(
                {name: action for name, (action, _) in _VERBS.items()},
                default=None,
                return_dtype=pl.String,
            ),
            "event.outcome": said["result"].replace_strict(
                {"OK": "success", "FAIL": "failure"}, default=None, return_dtype=pl.String
            ),
            "user.name": said["user"],
            "source.ip": said["address"],
            "file.path": said["text"].set(~file, None),
            "file.size": said["size"].cast(pl.Int64, strict=False),
            "message": messages,
            "labels": _labels.of(told),
            **_ftp(messages.len()),
        }
    )


def _transfers(found: pl.DataFrame, received: datetime) -> pl.DataFrame:
    anonymous = found["access"] == "a"
    numeric = found["address"].str.contains(r"^\d+(?:\.\d+){3}$|:")
    told = pl.DataFrame(
        {
            "access": found["access"].replace({"a": "anonymous", "g": "guest", "r": "real"}),
            "anon_password": found["user"].set(~anonymous, None),
        }
    )
    return pl.DataFrame(
        {
            "@timestamp": _time(found["date"], received),
            "event.dataset": pl.Series(["vsftpd.xferlog"]).new_from_index(0, found.height),
            "event.category": pl.Series(["file"]).new_from_index(0, found.height),
            "event.action": found["direction"].replace(_WAYS),
            "event.outcome": found["completion"].replace({"c": "success", "i": "failure"}),
            "event.duration": found["seconds"].cast(pl.Int64, strict=False) * 1_000_000_000,
            "user.name": found["user"].set(anonymous, None),
            "source.ip": found["address"].set(~numeric, None),
            "source.domain": found["address"].set(numeric, None),
            "file.path": found["text"],
            "file.size": found["size"].cast(pl.Int64, strict=False),
            "labels": _labels.of(told),
            **_ftp(found.height),
        }
    )


def _ftp(height: int) -> dict[str, pl.Series]:
    return {
        "network.protocol": pl.Series(["ftp"]).new_from_index(0, height),
        "network.transport": pl.Series(["tcp"]).new_from_index(0, height),
        "process.name": pl.Series(["vsftpd"]).new_from_index(0, height),
    }


PARSER = Vsftpd()
