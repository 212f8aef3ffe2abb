"""PostgreSQL's server log: stderr with the usual prefixes, syslog, csvlog and jsonlog.

Formats: PostgreSQL manual, "Error Reporting and Logging"; `src/backend/utils/error/elog.c`. A
client chooses its user's and application's name, which stand in the prefix: of a line that could be
read in two ways, only that a client was refused counts, and what any other means is left open.
Where a prefix tells no address, that of the process's last "connection received" in the batch
counts.
"""

from __future__ import annotations

import polars as pl

from apps.acquisition.frames import INSTANT
from apps.acquisition.parsers import _json, _labels, _rows
from apps.acquisition.parsers._lines import below, bodies, groups, of_above, told, zoned
from apps.acquisition.parsers._meaning import Rule, judged
from apps.acquisition.parsing import Context, Parsed, share

_LEVEL = (
    r"(?P<level>DEBUG[1-5]?|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC"
    r"|STATEMENT|DETAIL|HINT|CONTEXT|QUERY|LOCATION)"
)
_TIME = r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})?) (?P<zone>[A-Z][A-Za-z]{0,5}|[+-]\d\d(?::?\d\d)?)"
_STDERR = rf"^(?:< ?|\[)?{_TIME}(?P<prefix>|[\s:>,\]\[(].*?[\s:>,\])-]|:|>){_LEVEL}: {{1,2}}(?P<message>.*)$"
_BARE = rf"^(?P<prefix>|.*?[\s:>,\])-]){_LEVEL}: {{2}}(?P<message>.*)$"
_AGAIN = rf"(?:^|[\s:>,\])-]){_LEVEL}:  ".replace("?P<level>", "?:")
_REFUSED = r'^.*FATAL: {2}(.{1,40} authentication failed for user ".*")$'
_PID = r"\[(?P<a>\d{1,10})(?:-\d+)?\]|^:? ?(?P<b>\d{1,10}) "
_NOBODY = r"^[\s:>,-]*(?:\d+[\s:>,-]*)?(?:\[[\d-]+\][\s:>,-]*)*$"
_ADDRESS = r"[0-9a-fA-F]*[.:][0-9a-fA-F.:]*[0-9a-fA-F]"
_NAMED = r"user=(?P<user>[^,]*),(?: ?)db=(?P<database>[^,]*)(?:, ?app=(?P<app>.*?), ?client=|[, ])"
_AT = r"(?:^|[\]\s:,])(?P<user>[^\s:@\[\]]+)@(?P<database>[^\s:@/\[\]]+)"
_CLIENT = rf"^.*client=(?P<address>{_ADDRESS})?"
_REMOTE = rf"^:? ?(?P<address>{_ADDRESS})\((?P<port>\d{{1,5}})\)"

_CELL = r'(?:"(?:[^"]|"")*"|[^",]*)'
_CSV_HEAD = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Za-z0-9+:-]+,"
_CSV = (
    rf"^{_TIME},(?P<user>{_CELL}),(?P<database>{_CELL}),(?P<pid>\d+)?,(?P<remote>{_CELL}),"
    rf"[0-9a-f]+\.[0-9a-f]+,\d+,(?P<tag>{_CELL}),[^,]*,[^,]*,\d*,(?P<level>[A-Z]+[1-5]?),"
    rf"(?P<code>[0-9A-Z]{{5}}),(?P<message>{_CELL}|\"(?:[^\"]|\"\")*$)(?:,(?P<detail>{_CELL}),"
    rf"{_CELL},{_CELL},\d*,{_CELL},(?P<query>{_CELL}),\d*,{_CELL},(?P<app>{_CELL}))?(?:[,].*)?$"
)
_JSON_MARK = '"error_severity"'

_LOGIN = ("postgresql_login", "authentication", "failure")
_RULES = (
    Rule("authentication failed for user", r'^FATAL: .{1,40}? authentication failed for user "(?P<user>.*)"', *_LOGIN),
    Rule("no pg_hba.conf entry for", r'^FATAL: no pg_hba\.conf entry for .{0,40}?host "(?P<address>[^"]*)", user "(?P<user>.*?)"(?:, database "(?P<database>.*)")?', *_LOGIN),
    Rule("pg_hba.conf rejects", r'^FATAL: pg_hba\.conf rejects .{0,40}?host "(?P<address>[^"]*)", user "(?P<user>.*?)"(?:, database "(?P<database>.*)")?', *_LOGIN),
    Rule("FATAL: role ", r'^FATAL: role "(?P<user>.*)" (?:does not exist|is not permitted to log in)$', *_LOGIN),
    Rule("FATAL: database ", r'^FATAL: database "(?P<database>.*)" does not exist$', *_LOGIN),
    Rule("FATAL: permission denied for database", r'^FATAL: permission denied for database "(?P<database>.*)"$', *_LOGIN),
    Rule("connection received: ", r"^LOG: connection received: host=(?P<address>\S+)(?: port=(?P<port>\d+))?$", "connection_received", "network"),
    Rule("connection authenticated: ", r'^LOG: connection authenticated: (?:identity="(?P<identity>.*)" method=|user=)', "identity_verified", "authentication"),
    Rule("connection authorized: ", r"^LOG: (?:replication )?connection authorized: user=(?P<user>.*?)(?: database=(?P<database>.*?))?(?: application_name=.*?)?(?: SSL enabled.*)?$", "postgresql_login", "authentication", "success"),
    Rule("disconnection: ", r"^LOG: disconnection: session time: \S+ user=(?P<user>.*) database=(?P<database>.*) host=(?P<address>\S+)(?: port=(?P<port>\d+))?$", "disconnection", "network"),
    Rule("duration: ", r"^LOG: duration: (?P<ms>[\d.]+) ms(?:  .*)?$", "statement", "database"),
    Rule("LOG: ", r"^LOG: (?:statement|execute [^:]*|fastpath function call): ", "statement", "database"),
    Rule("STATEMENT: ", "^STATEMENT: ", "failed_statement", "database"),
    Rule("", "^(?:DETAIL|HINT|CONTEXT|QUERY|LOCATION): ", "detail", "database"),
    Rule("ready to accept", "^LOG: database system is ready to accept", "service_started", "host", "success"),
    Rule("shut", "^LOG: (?:received .* shutdown request|database system is shut down)", "service_stopped", "host"),
    Rule("permission denied for", "^ERROR: permission denied for", "access_denied", "database", "failure"),
    Rule("", "^(?:ERROR|FATAL|PANIC): ", "database_error", "database", "failure"),
)  # fmt: skip
_OTHER = Rule("", "", "message_logged", "database")
_NAMES = {"user": "user.name", "database": "database", "address": "source.ip", "port": "port"} | {
    "ms": "ms",
    "identity": "identity",
}
_COLUMNS = (
    *("time", "zone", "level", "message", "pid", "user", "database", "app", "address", "port"),
    *("code", "tag", "detail", "query", "program", "host"),
)


class Postgresql:
    name = "postgresql"

    def sniff(self, lines: pl.Series) -> float:
        return 0.985 * share(self.parse(lines, Context()).frame["event.dataset"].is_not_null())

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        height = lines.len()
        csv = lines.str.contains(_CSV_HEAD)
        json = lines.str.contains(_JSON_MARK, literal=True)
        stamped = lines.str.contains(rf"^(?:< ?|\[)?\d{{4}}-\d\d-\d\d \d\d.*?{_LEVEL}: ")
        named = lines.str.contains(r"\bpostgres\w*\[\d+\]: |> ?\d* ?\S+ \S+ postgres\w* ")
        parts = []
        for mask, read in (
            (csv, _csv),
            (json & ~csv, _document),
            (stamped & ~csv & ~json, _stderr),
        ):
            if mask.any():
                rows = mask.arg_true()
                parts.append(read(lines.gather(rows)).with_columns(rows.alias("_row")))
        headed = named & ~csv & ~json & ~stamped
        if headed.any():
            rows = headed.arg_true()
            parts.append(_headed(lines.gather(rows), context).with_columns(rows.alias("_row")))
        if not parts:
            return Parsed.of(_rows.placed(height))
        found = pl.concat(parts, how="diagonal_relaxed")
        found = found.with_columns(
            pl.lit(None, pl.String).alias(name) for name in _COLUMNS if name not in found.columns
        )
        found = found.filter(found["level"].is_not_null()).sort("_row")
        whole = _rows.placed(height, _records(found))
        return Parsed.of(_with_more(whole, lines, csv))


def _with_more(whole: pl.DataFrame, lines: pl.Series, csv: pl.Series) -> pl.DataFrame:
    """What goes on below a line (a tab in front, or an open quote of csvlog) belongs to it."""
    claimed = whole["event.dataset"].is_not_null()
    quotes = pl.DataFrame({"n": lines.str.count_matches('"', literal=True), "head": csv & claimed})
    since = pl.col("head").cum_sum()
    before = (pl.col("n").cum_sum() - pl.col("n")).over(since)
    inside = quotes.select((before % 2 == 1) & (since > 0)).to_series()
    under = below(claimed, lines.str.starts_with("\t") | inside)
    if not under.any():
        return whole
    kept = ("@timestamp", "log.level", "event.dataset", "event.category", "process.pid")
    return whole.with_columns(
        *(
            of_above(whole[name], under, claimed).alias(name)
            for name in (*kept, "host.name", "source.ip", "user.name")
        ),
        whole["event.action"].set(under, "continuation"),
        lines.zip_with(under, whole["message"]).alias("message"),
    )


def _stderr(lines: pl.Series) -> pl.DataFrame:
    found = groups(lines, _STDERR)
    return found.hstack(_prefix(found["prefix"])).drop("prefix")


def _headed(lines: pl.Series, context: Context) -> pl.DataFrame:
    """Behind a head of syslog: what is no beginning of a message goes on with the one before."""
    head = bodies(lines, context.received)
    ours = head["program"].str.starts_with("postgres").fill_null(False)
    body = head["body"].set(~ours, None)
    text = body.str.replace(r"^\[\d+(?:-\d+)?\] ", "")
    stamped, bare = groups(text, _STDERR), groups(text, _BARE)
    level = stamped["level"].fill_null(bare["level"])
    prefix = stamped["prefix"].fill_null(bare["prefix"])
    message = stamped["message"].fill_null(bare["message"]).fill_null(text)
    return _prefix(prefix).with_columns(
        stamped["time"].fill_null(head["time"].dt.strftime("%Y-%m-%d %H:%M:%S%.3f")),
        stamped["zone"],
        level.fill_null(pl.select(pl.when(pl.lit(ours)).then(pl.lit(""))).to_series()),
        message.str.replace_all("#011", "\t", literal=True),
        head["pid"],
        head["host"],
        head["program"],
    )


def _prefix(texts: pl.Series) -> pl.DataFrame:
    """Process, user, database, application and address of the usual prefixes."""
    named, at = groups(texts, _NAMED), groups(texts, _AT)
    client, remote = groups(texts, _CLIENT), groups(texts, _REMOTE)
    pid = groups(texts, _PID)
    return pl.DataFrame(
        {
            "pid": pid["a"].fill_null(pid["b"]),
            "user": told(named["user"].fill_null(at["user"]), ("", "[unknown]")),
            "database": told(named["database"].fill_null(at["database"]), ("", "[unknown]")),
            "app": told(named["app"], ("", "[unknown]")),
            "address": client["address"].fill_null(remote["address"]),
            "port": remote["port"],
            # a name may hold what looks like the level and the message
            "named": ~texts.str.contains(_NOBODY),
        }
    )


def _csv(lines: pl.Series) -> pl.DataFrame:
    found = groups(lines, _CSV)
    for name in ("user", "database", "remote", "tag", "message", "detail", "query", "app"):
        plain = found[name].str.strip_prefix('"').str.strip_suffix('"')
        plain = plain.str.replace_all('""', '"', literal=True)
        quoted = found[name].str.starts_with('"').fill_null(False)
        found = found.with_columns(told(plain.zip_with(quoted, found[name]), ("",)).alias(name))
    return found.with_columns(
        found["remote"].str.extract(r"^(.*?)(?::\d+)?$", 1).alias("address"),
        found["remote"].str.extract(r":(\d+)$", 1).alias("port"),
    ).drop("remote")


def _document(lines: pl.Series) -> pl.DataFrame:
    said = _json.read(lines)
    stamp = groups(said.text("timestamp"), f"^{_TIME}$")
    names = {"level": "error_severity", "message": "message", "pid": "pid", "user": "user"} | {
        **{"database": "dbname", "app": "application_name", "address": "remote_host"},
        **{"port": "remote_port", "code": "state_code", "tag": "ps", "detail": "detail"},
        "query": "statement",
    }
    known = stamp["time"].is_not_null()
    columns = {name: said.text(path).set(~known, None) for name, path in names.items()}
    return stamp.hstack(pl.DataFrame(columns))


def _records(found: pl.DataFrame) -> pl.DataFrame:
    time = found["time"].str.replace(r"(:\d\d)$", "${1}.0")
    time = time.str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f", time_unit="us", time_zone="UTC", strict=False
    )
    level, message = found["level"], found["message"].fill_null("")
    twice = message.str.contains(_AGAIN)
    twice &= found["named"].fill_null(False) if "named" in found.columns else False
    # a refused client is refused, whatever it called itself
    refused = message.set(~twice, None).str.extract(_REFUSED, 1)
    level = level.set(refused.is_not_null(), "FATAL")
    message = refused.fill_null(message)
    twice &= refused.is_null()
    among = level.is_not_null() & ~twice
    meaning = judged(level + ": " + message, _RULES, _NAMES, among=among, other=_OTHER)
    unclear = pl.lit(twice)
    goes_on = pl.lit(level == "")
    ms = meaning["ms"].cast(pl.Float64, strict=False)
    said = pl.DataFrame(
        {
            "database": found["database"].fill_null(meaning["database"]),
            "application": found["app"],
            "command": found["tag"],
            "detail": found["detail"],
            "statement": found["query"],
            "identity": meaning["identity"],
        }
    )
    frame = pl.DataFrame(
        {
            "_row": found["_row"],
            "@timestamp": zoned(time, found["zone"]).cast(INSTANT),
            "event.code": told(found["code"], ("", "00000")),
            "event.outcome": meaning["event.outcome"],
            "event.duration": (ms * 1e6).round().cast(pl.Int64, strict=False),
            "host.name": found["host"],
            "user.name": meaning["user.name"].fill_null(found["user"].set(twice, None)),
            "source.ip": meaning["source.ip"].fill_null(found["address"]),
            "source.port": meaning["port"].fill_null(found["port"]).cast(pl.Int64, strict=False),
            "process.pid": found["pid"].cast(pl.Int64, strict=False),
            "process.name": found["program"],
            "log.level": told(level.str.to_lowercase(), ("",)),
            "message": message,
            "labels": _labels.of(said),
        }
    ).with_columns(
        pl.lit("postgresql.log").alias("event.dataset"),
        meaning["event.category"].fill_null("database").alias("event.category"),
        pl.when(goes_on)
        .then(pl.lit("continuation"))
        .when(unclear)
        .then(pl.lit(_OTHER.action))
        .otherwise(meaning["event.action"])
        .alias("event.action"),
        pl.lit("postgresql").alias("network.protocol"),
    )
    # an address of a process that told it when its client came, until the next one comes
    came = pl.col("event.action") == "connection_received"
    session = came.cast(pl.UInt32).cum_sum().over("host.name", "process.pid")
    silent = pl.col("source.ip").is_null() & pl.col("process.pid").is_not_null() & (session > 0)
    process = ("host.name", "process.pid")
    return frame.with_columns(
        pl.when(silent)
        .then(pl.when(came).then(pl.col(name)).forward_fill().over(process))
        .otherwise(name)
        .alias(name)
        for name in ("source.ip", "source.port")
    )


PARSER = Postgresql()
