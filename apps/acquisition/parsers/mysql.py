"""MySQL's and MariaDB's error, general and slow query logs.

Formats: MySQL 5.7 and 8 manuals, "The Error Log", "The General Query Log", "The Slow Query Log";
MariaDB's of the same names. A statement may go on over many lines: those below a statement, until
one ends with ";" in the slow log, are records of their own with `event.action` `continuation`.
"""

from __future__ import annotations

import polars as pl

from apps.acquisition.frames import INSTANT, instants
from apps.acquisition.parsers import _labels, _rows
from apps.acquisition.parsers._lines import bodies, groups, of_above
from apps.acquisition.parsers._meaning import Rule, judged
from apps.acquisition.parsing import Context, Parsed, share

_STAMP = (
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)"
    r"|\d{4}-\d\d-\d\d [ \d]\d:\d\d:\d\d|\d{6} [ \d]\d:\d\d:\d\d)"
)
_LEVEL = r"\[(?P<level>ERROR|Error|Warning|WARNING|Note|NOTE|System|SYSTEM)\]"
_ERROR = (
    rf"^{_STAMP} +(?:(?P<thread>\d+) +)?{_LEVEL} (?:\[(?P<code>MY-\d{{6}})\] "
    r"(?:\[(?P<part>[A-Za-z_ -]+)\] )?)?(?P<message>.*)$"
)
_HEADED = rf"^(?:{_STAMP} +(?:(?P<thread>\d+) +)?)?{_LEVEL} (?P<message>.*)$"
_COMMANDS = (
    "Connect|Query|Quit|Init DB|Prepare|Execute|Close stmt|Field List|Statistics|Reset stmt|"
    "Change user|Ping|Fetch|Long Data|Binlog Dump|Binlog Dump GTID|Register Slave|Refresh|"
    "Shutdown|Set option|Daemon|Reset Connection|Bulk execute|Kill|Create DB|Drop DB|Debug"
)
_GENERAL = (
    rf"^(?:{_STAMP}?\t+ *| +)(?P<thread>\d+) (?P<command>{_COMMANDS})(?:\t(?P<message>.*)|\s*)$"
)
_CONNECT = (
    r"^(?:(?P<denied>Access denied) for user )?'?(?P<user>.*?)'?@'?(?P<host>[^\s'@]*)'?"
    r"(?: on (?P<database>.*?)?(?: using (?P<via>[A-Za-z/ ]+))?| \(using password: (?:YES|NO)\))?$"
)
_SLOW_TIME = (
    r"^# Time: (?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)|\d{6} [ \d]\d:\d\d:\d\d)$"
)
_SLOW_USER = (
    r"^# User@Host: (?P<user>.*?)\[(?P<login>[^\[\]]*)\] @ +(?P<host>\S*) *\[(?P<address>[^\]]*)\]"
    r"(?: +Id: *(?P<thread>\d+))?.*$"
)
_SLOW_QUERY = (
    r"^# Query_time: +(?P<seconds>\d+(?:\.\d+)?) +Lock_time: +[\d.]+ +Rows_sent: +(?P<sent>\d+)"
    r" +Rows_examined: +(?P<examined>\d+).*$"
)
_SLOW_MORE = (
    r"^# (?:Thread_id: |Rows_affected: |Full_scan: |Filesort: |Schema: |Bytes_sent: |Tmp_|Priority_queue: |"
    r"Stored_routine: |Start: |administrator command: |InnoDB_|explain: )"
)
_SET = r"^SET timestamp=(?P<epoch>\d{9,11});$"
_USE = r"^use `?(?P<database>[^;`]+)`?;$"
_BANNER = r"^(?:\S.*, Version: \S.* started with:|Tcp port: \d+ +Unix socket: .*|Time\s+Id Command\s+Argument)$"

_LOGIN = ("mysql_login", "authentication", "failure")
_RULES = (
    Rule("Access denied for user", r"^Access denied for user '(?P<user>.*)'@'(?P<address>[^']*)'(?: to database '(?P<database>.*)')?(?: \(using password: (?:YES|NO)\))?$", *_LOGIN),
    Rule("Access denied for user", "", *_LOGIN),
    Rule("Aborted connection", r"^Aborted connection \d+ to db: '(?P<database>.*)' user: '(?P<user>.*)' host: '(?P<address>[^']*)' \(.*\)\.?$", "connection_aborted", "network", "failure"),
    Rule("is not allowed to connect", r"^Host '(?P<address>[^']*)' is not allowed to connect", *_LOGIN),
    Rule("is blocked because of", r"^Host '(?P<address>[^']*)' .*is blocked because of", *_LOGIN),
    Rule("ready for connections", "", "service_started", "host", "success"),
    Rule("hutdown complete", "", "service_stopped", "host"),
    Rule("IP address '", r"^IP address '(?P<address>[^']*)' (?:could not be resolved|has been resolved)", "name_not_resolved", "network", "failure"),
)  # fmt: skip
_OTHER = Rule("", "", "message_logged", "database")
_NAMES = {"user": "user.name", "address": "source", "database": "database"}


class Mysql:
    name = "mysql"

    def sniff(self, lines: pl.Series) -> float:
        parsed = self.parse(lines, Context())
        return 0.985 * share(parsed.frame["event.dataset"].is_not_null() | parsed.structure)

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        parts: list[pl.DataFrame] = []
        taken = pl.Series([False], dtype=pl.Boolean).new_from_index(0, lines.len())
        able = lines.str.contains(r"^\d{6} |^\d{4}-\d\d-\d\d[T ]|^[\t ]|^# |mysqld?|mariadb")
        readers = (
            (rf"^{_STAMP} +(?:\d+ +)?{_LEVEL} ", _error),
            (_GENERAL, _general),
            (r"(?:mysqld?\w*|mariadbd?)(?:-safe)?(?:\[\d+\])?: ", _headed),
        )
        for pattern, read in readers:
            rows = (able & ~taken & lines.str.contains(pattern)).arg_true()
            if rows.len():
                part = read(lines.gather(rows), context).with_columns(rows.alias("_row"))
                part = part.filter(part["event.dataset"].is_not_null())
                taken = taken.scatter(part["_row"], True)
                parts.append(part)
        slow = _slow(lines, context)
        if slow.height:
            parts.append(slow.filter(~taken.gather(slow["_row"])))
        whole = _rows.placed(lines.len(), *parts)
        banner = lines.str.contains(_BANNER) & whole["event.dataset"].is_null()
        none = not parts
        return Parsed.of(_with_more(whole, lines, banner), banner & (not none))


def _with_more(whole: pl.DataFrame, lines: pl.Series, banner: pl.Series) -> pl.DataFrame:
    """Lines below a statement of the general log that begin like none of its own."""
    if "_open" not in whole.columns:
        return whole
    table = pl.DataFrame({"open": whole["_open"], "lines": lines, "banner": banner})
    table = table.with_columns(
        claimed=pl.lit(whole["event.dataset"]).is_not_null(),
        # indented or SQL: what else stands between records may be anybody's
        able=pl.col("lines").str.contains(
            r"(?i)^(?:\s+\S|Version: '[^']*'  socket: |(?:select|from|where|and|or|values|set|join|left|inner|order|group|limit|on|union|having|\)|\(|--)\b?)"
        ),
    )
    state = pl.when("claimed").then("open").when(~pl.col("able") | pl.col("banner")).then(False)
    under = table.select(
        (~pl.col("claimed") & state.otherwise(None).forward_fill().fill_null(False)).alias("under")
    ).to_series()
    claimed = table["claimed"]
    whole = whole.drop("_open")
    if not under.any():
        return whole
    kept = ("@timestamp", "event.dataset", "event.category", "labels", "network.protocol")
    return whole.with_columns(
        *(of_above(whole[name], under, claimed).alias(name) for name in kept),
        whole["event.action"].set(under, "continuation"),
        lines.zip_with(under, whole["message"]).alias("message"),
    )


def _times(texts: pl.Series, context: Context) -> pl.Series:
    """Times of both servers and all their ages; without a zone that of the source."""
    shaped = texts.str.replace(r"^(\d\d)(\d\d)(\d\d) ", "20${1}-${2}-${3} ")
    shaped = shaped.str.replace(r"^(\S+)  (\d:)", "${1} 0${2}")
    return instants(shaped, context.received).cast(INSTANT)


def _placed_at(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Where a client came from → its address, or its name."""
    numeric = texts.str.contains(r"^[\d.]+$|:").fill_null(False)
    name = texts.set(numeric | texts.is_in(["", "localhost"]).fill_null(False), None)
    return texts.set(~numeric, None), name


def _frame(dataset: str, known: pl.Series, columns: dict[str, pl.Series]) -> pl.DataFrame:
    lit = pl.lit(known)
    return pl.DataFrame(columns).with_columns(
        pl.when(lit).then(pl.lit(dataset)).alias("event.dataset"),
        pl.when(lit).then(pl.lit("mysql")).alias("network.protocol"),
    )


def _error(lines: pl.Series, context: Context) -> pl.DataFrame:
    return _told(groups(lines, _ERROR), context)


def _headed(lines: pl.Series, context: Context) -> pl.DataFrame:
    head = bodies(lines, context.received)
    ours = head["program"].str.contains(r"^(?:mysqld?|mariadbd?)").fill_null(False)
    found = groups(head["body"].set(~ours, None), _HEADED)
    frame = _told(found, context)
    return frame.with_columns(
        frame["@timestamp"].fill_null(head["time"]),
        head["host"].alias("host.name"),
        head["program"].alias("process.name"),
        head["pid"].cast(pl.Int64, strict=False).alias("process.pid"),
    )


def _told(found: pl.DataFrame, context: Context) -> pl.DataFrame:
    message = found["message"]
    known = message.is_not_null()
    meaning = judged(message, _RULES, _NAMES, among=known, other=_OTHER)
    address, name = _placed_at(meaning["source"])
    said = {"connection": found["thread"], "database": meaning["database"]}
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, found.height)
    columns = {
        "@timestamp": _times(found["time"], context),
        "event.code": found["code"] if "code" in found.columns else nothing,
        "event.provider": found["part"] if "part" in found.columns else nothing,
        "source.ip": address,
        "source.domain": name,
        "log.level": found["level"].str.to_lowercase(),
        "message": message,
        "labels": _labels.of(pl.DataFrame(said)),
        "_open": message.str.contains("ready for connections", literal=True),
    }
    meant = meaning.drop("source", "database")
    return _frame("mysql.error", known, columns).hstack(meant)


def _general(lines: pl.Series, context: Context) -> pl.DataFrame:
    found = groups(lines, _GENERAL)
    command, message = found["command"], found["message"]
    known = command.is_not_null()
    connects = (command == "Connect").fill_null(False)
    client = groups(message.set(~connects, None), _CONNECT)
    denied = client["denied"].is_not_null()
    address, name = _placed_at(client["host"])
    said = {"connection": found["thread"], "command": command, "database": client["database"]}
    time = _times(found["time"], context).forward_fill()  # MariaDB tells each second once
    actions = {"Connect": "mysql_login", "Query": "statement", "Execute": "statement"} | {
        "Prepare": "statement",
        "Quit": "disconnection",
    }
    columns = {
        "@timestamp": time,
        "user.name": client["user"],
        "source.ip": address,
        "source.domain": name,
        "message": message,
        "labels": _labels.of(pl.DataFrame(said)),
        "event.action": command.replace_strict(
            actions, default="command", return_dtype=pl.String
        ).set(~known, None),
        "_open": command.is_in(["Query", "Execute", "Prepare"]),
    }
    # a refused client is told twice: as it comes, and why it may not stay
    return _frame("mysql.general", known, columns).with_columns(
        pl.when(pl.lit(connects)).then(pl.lit("authentication"))
        .when(pl.lit(known)).then(pl.lit("database")).alias("event.category"),
        pl.when(pl.lit(denied)).then(pl.lit("failure")).alias("event.outcome"),
        pl.when(pl.lit(connects & ~denied)).then(pl.lit("connection_received"))
        .otherwise("event.action").alias("event.action"),
    )  # fmt: skip


def _slow(lines: pl.Series, context: Context) -> pl.DataFrame:
    """Blocks of the slow query log: who, how long, and the statement until its semicolon."""
    table = pl.DataFrame({"line": lines}).with_row_index("_row")
    query = pl.col("line").str.contains(_SLOW_QUERY)
    if not table.select(query.any()).item():
        return pl.DataFrame()
    header = query | pl.any_horizontal(
        pl.col("line").str.contains(pattern) for pattern in (_SLOW_TIME, _SLOW_USER, _SLOW_MORE)
    )
    block = (header & ~header.shift(1, fill_value=False)).cum_sum()
    table = table.with_columns(header=header, query=query, block=block)
    table = table.with_columns(
        _asked=pl.col("query").cum_max().over("block"),
        _set=pl.col("line").str.contains(_SET) | pl.col("line").str.contains(_USE),
    )
    body = ~pl.col("header") & (pl.col("block") > 0)
    ends = body & ~pl.col("_set") & pl.col("line").str.ends_with(";")
    before = ends.cast(pl.UInt32).cum_sum().over("block") - ends.cast(pl.UInt32)
    table = table.filter(
        (pl.col("header") | (body & pl.col("_asked") & (before == 0))) & (pl.col("block") > 0)
    )
    user, spent = groups(table["line"], _SLOW_USER), groups(table["line"], _SLOW_QUERY)
    time = _times(groups(table["line"], _SLOW_TIME)["time"], context)
    epoch = groups(table["line"], _SET)["epoch"].cast(pl.Int64, strict=False)
    since = (epoch * 1_000_000).cast(INSTANT)
    seconds = spent["seconds"].cast(pl.Float64, strict=False)
    said = pl.DataFrame({"rows_sent": spent["sent"], "rows_examined": spent["examined"]})
    database = groups(table["line"], _USE)["database"]
    return pl.DataFrame(
        {
            "_row": table["_row"],
            "block": table["block"],
            "@timestamp": time.fill_null(since),
            "event.duration": (seconds * 1e9).round().cast(pl.Int64, strict=False),
            "user.name": user["login"].set((user["login"] == "").fill_null(False), None),
            "source.ip": user["address"],
            "message": table["line"],
            "labels": _labels.of(said.with_columns(database.alias("database"))),
        }
    ).with_columns(
        # the epoch stands below who asked: it holds for the whole block
        pl.col("@timestamp").fill_null(strategy="forward").over("block"),
        pl.lit("mysql.slowlog").alias("event.dataset"),
        pl.lit("database").alias("event.category"),
        pl.when(pl.col("event.duration").is_not_null())
        .then(pl.lit("slow_query"))
        .otherwise(pl.lit("continuation"))
        .alias("event.action"),
        pl.col("user.name", "source.ip").forward_fill().over("block"),
        pl.lit("mysql").alias("network.protocol"),
    ).with_columns(
        pl.col("@timestamp").fill_null(strategy="backward").over("block")
    ).drop("block")  # fmt: skip


PARSER = Mysql()
