"""The head of a syslog line: RFC 3164 as daemons write it to files, also with ISO 8601 times, and
RFC 5424.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from apps.acquisition.frames import INSTANT, believable, instants, local

SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"),
    *("authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2"),
    *("local3", "local4", "local5", "local6", "local7"),
)

_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
PRIORITY = r"<(?P<priority>1[0-8]\d|19[01]|\d\d?)>"
HEAD = (
    rf"^(?:{PRIORITY})?(?:(?P<month>[A-Z][a-z]{{2}}) {{1,2}}(?P<day>\d{{1,2}}) (?:(?P<year>\d{{4}}) )?"
    rf"(?P<clock>\d\d:\d\d:\d\d)(?P<fraction>\.\d{{1,9}})?|(?P<iso>{_ISO})) (?:(?P<host>\S*[^\s:]) )?"
)
"""RFC 3164 up to the name of the host, which local senders leave out."""

TAG = r"(?P<program>[^\s\[\]:()]+)(?P<module>\([^)]*\))?(?:\[(?P<pid>\d+)\])?: *"
_LINE = HEAD + TAG + r"(?P<message>(?s:.*))$"
_PARAMETER = r'[^\s="\]]+="(?:[^"\\]|\\.)*"'
_LINE_5424 = (
    rf"^{PRIORITY}[1-9]\d? (?:-|(?P<iso>{_ISO})) (?:-|(?P<host>\S+)) "
    r"(?:-|(?P<program>\S+)) (?:-|(?P<pid>\S+)) (?:-|(?P<msgid>\S+)) "
    rf"(?:-|(?P<data>(?:\[[^\s=\"\]]+(?: +{_PARAMETER})* *\])+))(?: \ufeff?(?P<message>(?s:.*)))?$"
)
_LEVEL = r"(?i)^\[?(?:trace|debug|info|notice|warn|warning|error|fatal|critical|panic)\]?$"
_MARK_5424 = r"^<\d{1,3}>[1-9]\d? "
_COLUMNS = ("host", "program", "module", "pid", "message")
_MORE = ("priority", "msgid", "data")
_NO_HEADS = pl.DataFrame(schema=dict.fromkeys((*_COLUMNS, *_MORE), pl.String()) | {"time": INSTANT})

_AHEAD = timedelta(days=1)  # clocks and time zones ahead of ours
_LEAP_CYCLE = 8  # there is a 29 February in every eight years in a row, even around 2100


def split(lines: pl.Series, received: datetime) -> pl.DataFrame:
    """N lines → host, program, module ("(pam_unix)"), pid, message, time; null where no syslog.

    Also priority (the number in front), and of RFC 5424 msgid and data (its structured data as
    it stands).
    """
    if not lines.len():
        return _NO_HEADS.clone()
    found = lines.str.extract_groups(_LINE).struct.unnest()
    found = found.with_columns(
        pl.lit(None, dtype=pl.String).alias(name) for name in ("msgid", "data")
    )
    # a time and a word with a colon are any program's own log, where no priority and host stand
    bare = found["iso"].is_not_null() & found["priority"].is_null()
    bare &= found["host"].is_null() | found["host"].str.contains(_LEVEL)
    if bare.any():
        found = found.with_columns(pl.when(~pl.lit(bare)).then(pl.all()).name.keep())
    newer = lines.str.contains(_MARK_5424)
    if newer.any():
        rows = newer.arg_true()
        other = lines.gather(rows).str.extract_groups(_LINE_5424).struct.unnest()
        found = found.with_columns(found[name].scatter(rows, other[name]) for name in other.columns)
    return found.select(*_COLUMNS, *_MORE).with_columns(times(found, received).alias("time"))


def times(found: pl.DataFrame, received: datetime) -> pl.Series:
    """The groups iso, month, day, year, clock and fraction of `HEAD` → N times."""
    time = instants(found["iso"], received) if found["iso"].null_count() < found.height else None
    if found["month"].null_count() < found.height:
        clock = found["clock"]
        yearless = with_year(found["month"], found["day"], clock, received)
        if found["year"].null_count() < found.height:
            text = pl.concat_str(found["year"], found["month"], found["day"].str.zfill(2), clock)
            told = (
                pl.select(text)
                .to_series()
                .str.to_datetime("%Y%b%d%H:%M:%S", time_unit="us", time_zone="UTC", strict=False)
            )
            told = local(believable(told), received)
            yearless = yearless.zip_with(found["year"].is_null(), told)
        if found["fraction"].null_count() < found.height:
            micros = found["fraction"].cast(pl.Float64, strict=False).fill_null(0) * 1_000_000
            yearless = yearless + micros.round().cast(pl.Int64).cast(pl.Duration("us"))
        time = yearless if time is None else time.fill_null(yearless)
    if time is None:
        return pl.Series([None], dtype=INSTANT).new_from_index(0, found.height)
    return time


def written_by(
    lines: pl.Series, programs: str, received: datetime
) -> tuple[pl.Series, pl.DataFrame]:
    """The rows whose program matches the regex `programs`, and their heads as `split` gives them.

    Cheap where few lines do: only those that may are taken apart.
    """
    may = lines.str.contains(rf" (?:{programs})(?:[\[(: ])").fill_null(False)
    rows = may.arg_true()
    head = split(lines.gather(rows), received)
    if not rows.len():
        return rows, head
    ours = head["program"].str.contains(rf"^(?:{programs})$").fill_null(False)
    return rows.filter(ours), head.filter(ours)


def sureness(lines: pl.Series, programs: str) -> float:
    """The part of the lines that `programs` wrote: what a daemon's parser answers to `sniff`."""
    rows, _ = written_by(lines, programs, datetime(1970, 1, 2, tzinfo=UTC))
    return rows.len() / max(lines.len(), 1)


def told(head: pl.DataFrame) -> pl.DataFrame:
    """What a head says, in columns of a record."""
    severity = head["priority"].cast(pl.Int64, strict=False) % 8
    return pl.DataFrame(
        {
            "@timestamp": head["time"],
            "host.name": head["host"],
            "process.name": head["program"],
            "process.pid": head["pid"].cast(pl.Int64, strict=False),
            "event.severity": severity,
            "log.level": severity.replace_strict(
                dict(enumerate(SEVERITIES)), default=None, return_dtype=pl.String
            ),
        },
        schema_overrides={"@timestamp": INSTANT},
    )


def facility(head: pl.DataFrame) -> pl.Series:
    """The name of the facility in the priority, where there is one."""
    number = head["priority"].cast(pl.Int64, strict=False) // 8
    return number.replace_strict(
        dict(enumerate(FACILITIES)), default=None, return_dtype=pl.String
    ).alias("facility")


def place(read: pl.DataFrame, rows: pl.Series, height: int) -> pl.DataFrame:
    """What was read of some rows, in a frame of `height` rows: the others are null."""
    if not rows.len():
        nothing = pl.Series("event.dataset", [None], dtype=pl.String)
        return nothing.new_from_index(0, height).to_frame()
    if rows.len() == height:
        return read
    at = pl.Series("at", [None], dtype=pl.UInt32).new_from_index(0, height)
    at = at.scatter(rows, pl.Series(range(rows.len()), dtype=pl.UInt32))
    return read.select(pl.all().gather(pl.lit(at)))


def with_year(month: pl.Series, day: pl.Series, clock: pl.Series, received: datetime) -> pl.Series:
    """Times that carry neither year nor zone: those of `received`'s zone, in the latest year that does not lie after their reception.

    So around New Year the lines of December get the old year and those of January the new one.
    A 29 February moves all lines of the batch back to years in which it exists: they belong
    together.
    """
    text = pl.select(pl.concat_str(pl.lit(month), day.str.zfill(2), pl.lit(clock), separator=" "))
    ahead = received + _AHEAD
    limit = ahead.replace(microsecond=0, tzinfo=UTC)  # whole seconds of a clock on the wall
    some_year = _in_year(text.to_series(), 2000)  # a leap year, to tell real days from others
    later = (some_year >= limit.replace(year=2000)).fill_null(False)
    for back in range(_LEAP_CYCLE):
        this = _in_year(text.to_series(), limit.year - back)
        last = _in_year(text.to_series(), limit.year - back - 1)
        chosen = last.zip_with(later, this)
        if chosen.null_count() == some_year.null_count():
            break
    return local(chosen, received)


def _in_year(text: pl.Series, year: int) -> pl.Series:
    return (f"{year} " + text).str.to_datetime(
        "%Y %b %d %H:%M:%S", time_unit="us", time_zone="UTC", strict=False
    )
