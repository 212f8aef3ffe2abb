"""JSON documents that carry Elastic Common Schema fields, nested or dotted, or a raw line; and what
programs that log JSON say of themselves: a time, a level, a message.

A document whose `event.original` or `message` is a line that another parser understands becomes
that parser's record; what the document adds is kept beside it. Fields: Elastic Common Schema 8.
"""

from __future__ import annotations

import polars as pl

from apps.acquisition.collecting import DATASETS
from apps.acquisition.frames import SCHEMA, addresses, instants, integers
from apps.acquisition.parsers import _json, sshd
from apps.acquisition.parsers._http import split_target
from apps.acquisition.parsing import Context, Parsed, parse_inside, share
from apps.contracts import RECORD_COLUMNS, UNPARSED, ColumnType

_OURS = [
    column.name
    for column in RECORD_COLUMNS
    if column.type is not ColumnType.BYTES and column.name not in ("event.sequence", "labels")
]
_ALIASES = {
    "client.ip": "source.ip",
    "client.port": "source.port",
    "server.ip": "destination.ip",
    "server.port": "destination.port",
    "source.address": "source.ip",
    "destination.address": "destination.ip",
    "host.hostname": "host.name",
    "host": "host.name",
    "hostname": "host.name",
    "log.syslog.hostname": "host.name",
    "log.syslog.appname": "process.name",
    "log.syslog.procid": "process.pid",
    "program": "process.name",
    "process.program": "process.name",
    "dns.resolved_ip": "dns.answers",
    "url.full": "url.original",
    # what programs that log JSON call it: zap, slog, zerolog, logrus, pino, Caddy; containers
    **dict.fromkeys(("ts", "time", "timestamp"), "@timestamp"),
    **dict.fromkeys(("msg", "log"), "message"),
    **dict.fromkeys(("level", "severity", "levelname"), "log.level"),
}
_PATHS = {
    column: (column, *(name for name, ours in _ALIASES.items() if ours == column))
    for column in _OURS
}
"""Column → where it is looked for; an alias counts where the field itself is missing."""
_ENVELOPE = {"@timestamp", "message", "event.original", "host.name", "error.message", "labels"}
"""What says nothing by itself about what happened."""

_CATEGORIES = (
    *("network", "web", "authentication", "file", "process", "database", "email"),
    *("intrusion_detection", "configuration", "host", "session", "dns"),
)
_SEVERAL = ("dns.answers", "email.to.address")
_SHIPPER = (
    "agent.",
    "ecs.",
    "elastic_agent.",
    "@metadata.",
    "@version",
    "data_stream.",
    "log.offset",
)
"""What a shipper says of itself."""
_KEPT_DATASETS = ("nginx.access", "apache.access", "sshd.auth", "linux.auth")
_FOREIGN = ("id.orig_h", "flow_id", "__REALTIME_TIMESTAMP")  # Zeek's, Suricata's, journald's


class Ecs:
    name = "ecs"
    generality = 1

    def sniff(self, lines: pl.Series) -> float:
        return 0.1 * share(lines.str.contains(r"^\s*\{"))  # any other parser of JSON goes first

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        told = _json.read(lines)
        frame = _columns(told)
        understood = told.known
        for key in _FOREIGN:
            understood &= ~told.has(key)
        return Parsed.of(_records(frame, understood, lines, context))


def _columns(told: _json.Documents) -> pl.DataFrame:
    """What the documents say, in the columns of a record."""
    columns = {}
    for column, paths in _PATHS.items():
        whole = None
        for path in paths:
            rows, values = told.raw(path)
            if not rows:
                continue
            cells = _typed(column, told.column(rows, [_text(value, column) for value in values]))
            whole = cells if whole is None else whole.fill_null(cells)
        if whole is not None:
            columns[column] = whole
    labels = told.labels(without=_SHIPPER)
    if labels.null_count() < labels.len():
        columns["labels"] = labels
    height = told.known.len()
    return pl.DataFrame(columns) if columns else pl.DataFrame({"message": [None] * height})


def _text(value: object, column: str) -> str | None:
    if isinstance(value, list):
        if column == "dns.answers":
            value = [item.get("data") if isinstance(item, dict) else item for item in value]
        told = [_text(item, column) for item in value if item and not isinstance(item, list | dict)]
        if column == "event.category":
            told = [item for item in told if item in _CATEGORIES] or told
        if column in _SEVERAL:
            return " ".join(item for item in told if item)
        return (told or [""])[0]
    return _json.text_of(value)


def _typed(name: str, column: pl.Series) -> pl.Series:
    if name == "@timestamp":
        return instants(column)
    if name.endswith(".ip"):
        return addresses(column)
    return integers(column) if SCHEMA[name] == pl.Int64 else column


def _records(
    told: pl.DataFrame, understood: pl.Series, lines: pl.Series, context: Context
) -> pl.DataFrame:
    nothing = pl.lit(None, dtype=pl.String)
    for name in ("message", "event.original", "event.dataset", "event.category", "process.name"):
        if name not in told.columns:
            told = told.with_columns(nothing.alias(name))
    line = told["event.original"].fill_null(told["message"]).str.strip_chars_end("\r\n")
    # what our own collectors saw of a page or a host is no line of a log, whatever it says
    kept = (*_KEPT_DATASETS, *DATASETS) if context.ours else _KEPT_DATASETS
    seen = told["event.dataset"].is_in(DATASETS if context.ours else ()).fill_null(False)
    read = _read_lines(line, told, context, ~seen)
    meaning = [name for name in told.columns if name not in _ENVELOPE and "event." not in name]
    meaning += [name for name in ("event.action", "event.category") if name in told.columns]
    says = told.select(pl.any_horizontal(pl.col(meaning).is_not_null())).to_series()
    dataset = (
        pl.when(pl.lit(read["event.dataset"]).is_not_null())
        .then(pl.lit(read["event.dataset"]))
        .when(pl.col("event.dataset").is_in(kept))
        .then(pl.col("event.dataset"))
        .when(pl.lit(says))
        .then(pl.lit("ecs"))
        .otherwise(pl.lit(UNPARSED))
    )
    category = (
        pl.when(pl.lit(read["event.category"]).is_not_null())
        .then(pl.lit(read["event.category"]))
        .when(pl.lit(says))
        .then(pl.col("event.category"))
        .otherwise(pl.lit(UNPARSED))
    )
    whole = told.with_columns(
        # what the line itself says is nearer to what happened than what a shipper made of it
        *(
            read[name].fill_null(told[name]) if name in told.columns else read[name]
            for name in read.columns
            if name not in ("event.dataset", "event.category", "event.original", "labels")
        ),
        _both(read, told),
        line.fill_null(lines).alias("event.original"),
        dataset.alias("event.dataset"),
        category.alias("event.category"),
    )
    if "url.original" in whole.columns:
        parts = split_target(whole["url.original"])
        whole = whole.with_columns(
            whole[name].fill_null(parts[name]) if name in whole.columns else parts[name]
            for name in parts.columns
        )
    return whole.with_columns(
        pl.when(pl.lit(understood)).then(pl.col("event.dataset")).alias("event.dataset")
    )


def _both(read: pl.DataFrame, told: pl.DataFrame) -> pl.Series:
    """`labels` of the line and of the document around it."""
    nothing = pl.Series("labels", [None], dtype=pl.String).new_from_index(0, told.height)
    inner, outer = (
        frame["labels"] if "labels" in frame.columns else nothing for frame in (read, told)
    )
    joined = inner.str.head(-1) + "," + outer.str.slice(1)
    return joined.fill_null(inner).fill_null(outer).alias("labels")


def _read_lines(
    line: pl.Series, told: pl.DataFrame, context: Context, able: pl.Series
) -> pl.DataFrame:
    """N rows of what the other parsers make of the lines inside, null where nothing or where they
    are not to be read (`able`, bool[N])."""
    empty = pl.DataFrame({"_row": [], "event.dataset": [], "event.category": []})
    parts = [
        empty.cast({"_row": pl.UInt32, "event.dataset": pl.String, "event.category": pl.String})
    ]
    body = sshd.is_sshd(told["process.name"]).fill_null(False) & told["message"].is_not_null()
    body &= able
    rows = (line.is_not_null() & able).arg_true().cast(pl.UInt32)
    if rows.len():
        parsed = parse_inside(line.gather(rows), context, without=("cicflowmeter",))
        done = (parsed.frame["event.dataset"].cast(pl.String) != UNPARSED).fill_null(False)
        parts.append(parsed.frame.with_columns(rows.alias("_row")).filter(done))
        body = body.scatter(rows.filter(done), False)
    if body.any():  # the shipper took off the head of the line
        rows = body.arg_true().cast(pl.UInt32)
        read = sshd.read_messages(told["process.name"].gather(rows), told["message"].gather(rows))
        parts.append(read.with_columns(rows.alias("_row")))
    every = pl.DataFrame({"_row": pl.Series(range(line.len()), dtype=pl.UInt32)})
    read = pl.concat(parts, how="diagonal_relaxed")
    return every.join(read, on="_row", how="left", maintain_order="left").drop("_row")


PARSER = Ecs()
