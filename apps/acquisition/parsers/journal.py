"""The systemd journal as `journalctl -o json` and systemd-journal-upload's readers write it.

An entry whose message another parser understands, as a line of the program that sent it, becomes
that parser's record; what the journal itself knows is kept beside it.
Fields: systemd.journal-fields(7); systemd's documentation, "Journal Export Formats", JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from apps.acquisition.frames import INSTANT, believable
from apps.acquisition.parsers import _json, _labels, _syslog
from apps.acquisition.parsing import Context, Parsed, parse_inside, share

_MARK = '"__REALTIME_TIMESTAMP"'
_WITHOUT = ("journal", "ecs", "cicflowmeter", "syslog")
_TAG = r"^[^\s\[\]:()]{1,64}$"
_LABELS = {
    "unit": ("_SYSTEMD_UNIT", "UNIT", "_SYSTEMD_USER_UNIT", "USER_UNIT"),
    "transport": ("_TRANSPORT",),
    "sender_uid": ("_UID",),
    "message_id": ("MESSAGE_ID",),
    "container": ("CONTAINER_NAME", "CONTAINER_ID"),
    "code_file": ("CODE_FILE",),
    "errno": ("ERRNO",),
}


class Journal:
    name = "journal"

    def sniff(self, lines: pl.Series) -> float:
        mark = lines.str.contains(_MARK, literal=True) & lines.str.contains(r"^\s*\{")
        return share(mark)

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        height = lines.len()
        rows = lines.str.contains(_MARK, literal=True).fill_null(False).arg_true()
        if not rows.len():
            return Parsed.none(lines)
        entries = _json.read(lines.gather(rows))
        known = entries.known & entries.has("__REALTIME_TIMESTAMP")
        told = _told(entries)
        known &= told["@timestamp"].is_not_null()
        inner = _inner(_lines(told, entries), context)
        read = _beside(inner, told).filter(known)
        return Parsed.of(_syslog.place(read, rows.filter(known), height))


def _told(entries: _json.Documents) -> pl.DataFrame:
    """What the journal says of N entries, in columns of a record."""
    severity = entries.integer("PRIORITY")
    severity = severity.set(~severity.is_in(list(range(8))).fill_null(True), None)
    facility = entries.integer("SYSLOG_FACILITY")
    named = dict(enumerate(_syslog.FACILITIES))
    labels = pl.DataFrame({name: entries.text(*paths) for name, paths in _LABELS.items()})
    labels = labels.with_columns(
        facility.replace_strict(named, default=None, return_dtype=pl.String).alias("facility")
    )
    message = _messages(*entries.raw("MESSAGE"), entries.known.len())
    return pl.DataFrame(
        {
            "@timestamp": _micros(entries, "_SOURCE_REALTIME_TIMESTAMP").fill_null(
                _micros(entries, "__REALTIME_TIMESTAMP")
            ),
            "host.name": entries.text("_HOSTNAME"),
            "process.name": entries.text("SYSLOG_IDENTIFIER", "_COMM"),
            "process.pid": entries.integer("_PID", "SYSLOG_PID"),
            "process.executable": entries.text("_EXE"),
            "process.command_line": entries.text("_CMDLINE"),
            "event.severity": severity,
            "log.level": severity.replace_strict(
                dict(enumerate(_syslog.SEVERITIES)), default=None, return_dtype=pl.String
            ),
            "message": message,
            "labels": _labels.of(labels),
        },
        schema_overrides={"@timestamp": INSTANT},
    )


def _micros(entries: _json.Documents, field: str) -> pl.Series:
    return believable(entries.integer(field).cast(INSTANT))


def _messages(rows: Sequence[int], values: Sequence[Any], height: int) -> pl.Series:
    """Texts; what is not printable comes as the list of its bytes."""
    texts = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    if not rows:
        return texts
    plain = [value if isinstance(value, str) else _decoded(value) for value in values]
    return texts.scatter(pl.Series(rows, dtype=pl.UInt32), pl.Series(plain, dtype=pl.String))


def _decoded(value: Any) -> str:
    if isinstance(value, list) and value:
        if all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
            return bytes(value).decode("utf-8", "replace")
        if all(isinstance(byte, list | str) for byte in value):  # a field that came more than once
            first = value[0]
            return first if isinstance(first, str) else _decoded(first)
    return _json.text_of(value)


def _lines(told: pl.DataFrame, entries: _json.Documents) -> pl.Series:
    """The entries as the lines their programs would have written; null where there is no message."""
    audit = pl.DataFrame(
        {
            "type": entries.text("_AUDIT_TYPE_NAME"),
            "id": entries.text("_AUDIT_ID"),
            "transport": entries.text("_TRANSPORT"),
        }
    )
    name = pl.col("process.name")
    tagged = name.str.contains(_TAG) & (pl.col("message").str.len_bytes() > 0)
    host = pl.col("host.name").fill_null("-").str.replace_all(r"\s", "_")
    pid = pl.coalesce(pl.format("[{}]", pl.col("process.pid")), pl.lit(""))
    stamp = pl.col("@timestamp").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    line = pl.format("{} {} {}{}: {}", stamp, host, name, pid, pl.col("message"))
    seconds = pl.col("@timestamp").dt.timestamp("ms")
    millis = (seconds % 1000).cast(pl.String).str.zfill(3)
    record = pl.format(
        "node={} type={} msg=audit({}.{}:{}): {}",
        *(host, "type", seconds // 1000, millis, "id"),
        pl.col("message").str.replace(r"^[A-Z0-9_]+ ", ""),
    )
    return told.hstack(audit).select(
        pl.when((pl.col("transport") == "audit") & pl.col("type").str.contains(r"^[A-Z0-9_]+$"))
        .then(record)
        .when(tagged)
        .then(line)
        .alias("line")
    )["line"]


def _inner(lines: pl.Series, context: Context) -> pl.DataFrame:
    """N rows of what the other parsers make of the lines, null where nothing."""
    rows = lines.is_not_null().arg_true().cast(pl.UInt32)
    parsed = parse_inside(lines.gather(rows), context, without=_WITHOUT).frame
    done = parsed["event.dataset"].is_not_null()
    return _syslog.place(parsed.filter(done), rows.filter(done), lines.len())


def _beside(inner: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """What the lines say, and beside it what only the journal knows."""
    both = inner.with_columns(
        inner[name].fill_null(told[name]) if name in inner.columns else told[name]
        for name in told.columns
        if name not in ("labels", "@timestamp")
    )
    labels = told["labels"]
    if "labels" in inner.columns:
        joined = inner["labels"].str.head(-1) + "," + labels.str.slice(1)
        labels = joined.fill_null(inner["labels"]).fill_null(labels)
    category = (
        inner["event.category"].fill_null("host")
        if "event.category" in inner.columns
        else pl.lit("host")
    )
    return both.with_columns(
        told["@timestamp"],
        labels.alias("labels"),
        inner["event.dataset"].fill_null("journald.log"),
        category.alias("event.category"),
    )


PARSER = Journal()
