"""Error logs of nginx, Apache and PHP.

Formats: nginx `ngx_log.c` and `ngx_http_log_error`; Apache 2.4 `ErrorLogFormat` default and 2.2;
PHP `log_errors` and PHP-FPM. nginx escapes nothing: a path in front of ", client: " and a header
behind it can both imitate it, so where two addresses are told, none is taken.
"""

from __future__ import annotations

import polars as pl

from apps.acquisition.frames import INSTANT, local
from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsers._http import split_target
from apps.acquisition.parsers._lines import below, bodies, groups, of_above, told, zoned
from apps.acquisition.parsers._meaning import Rule, judged
from apps.acquisition.parsers.access_log import REQUEST, unescape
from apps.acquisition.parsing import Context, Parsed, share

_NGINX = (
    r"^(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?P<level>[a-z]+)\] (?P<pid>\d+)#(?P<tid>\d+): "
    r"(?:\*(?P<connection>\d+) )?(?P<message>.*)$"
)
_CLIENT = r", client: ([^\s,]+)(?:, server: |$)"
_CLOSED = r"^client ([0-9a-fA-F.:]+) closed"
_NGINX_MORE = (
    r", client: [^\s,]+(?:, server: (?P<server>.*?))?"
    r'(?:, request: "(?P<request>.*?)")?(?:, subrequest: ".*?")?(?:, upstream: "(?P<upstream>.*?)")?'
    r'(?:, host: "(?P<host>[^"]*)")?(?:, referrer: "(?P<referrer>.*)")?$'
)
_WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_ENDPOINT = (
    r"(?:\[?(?P<{0}>[0-9a-fA-F:.]+?)\]?(?::(?P<{0}_port>\d{{1,5}}))?|(?P<{0}_name>[^\s\]]+))"
)
_LEVELS = r"(?:emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])"
_APACHE = (
    rf"^\[(?P<time>{_WEEKDAY} [A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{{1,6}})? \d{{4}})\] "
    rf"\[(?:(?P<module>[\w-]*):)?(?P<level>{_LEVELS})\] "
    r"(?:\[pid (?P<pid>\d+)(?::tid (?P<tid>\d+))?\] )?"
    r"(?P<source>(?:[\w.]+\.c\(\d+\): )?(?:\(\d+\)[^\[\]]*?: )?)"
    rf"(?:\[(?:client|remote) {_ENDPOINT.format('client')}\] )?"
    r"(?P<message>.*?)(?:, referer: (?P<referrer>.*))?$"
)
_PHP = (
    r"^\[(?P<time>\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d{1,6})?)(?: (?P<zone>[A-Za-z_/+:0-9-]+))?\] "
    r"(?:(?P<fpm>ALERT|ERROR|WARNING|NOTICE|DEBUG): (?:pid (?P<pid>\d+), .*?: )?"
    r"(?:\[pool (?P<pool>[^\]]+)\] )?|(?P<php>PHP (?:[A-Z][a-z]+ ?(?:[a-z]+ ?)?(?:error)?|Stack trace|[ \d]+\.)):? *)"
    r"(?P<message>.*)$"
)
_PHP_LEVELS = {
    **dict.fromkeys(("PHP Fatal error", "PHP Parse error", "PHP Recoverable fatal error"), "error"),
    **dict.fromkeys(("PHP Core error", "PHP Compile error"), "error"),
    **{"PHP Warning": "warning", "PHP Notice": "notice", "PHP Deprecated": "notice"},
}
_PHP_MORE = r"^(?:Stack trace:|#\d+ |  thrown in |PHP +\d+\. |\s+\d+\. )"
_PHP_FILE = r" in (/.*?)(?: on line |:)\d+$"
_MARK = (
    r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[[a-z]+\] \d+#\d+: "
    rf"|\[{_WEEKDAY} [A-Z][a-z]{{2}} [ \d]\d [\d:.]+ \d{{4}}\] \[[\w:-]*\] "
    r"|^\[\d\d-[A-Z][a-z]{2}-\d{4} [^\]]+\] (?:[A-Z]+: |PHP )"
)


_GROUPS = {"user": "user.name", "file": "file", "id": "rule.id", "name": "rule.name"}
_LOGIN = ("http_login", "authentication", "failure")
_RULES = (
    Rule("assword mismatch", r'^user "(?P<user>.*)": password mismatch', *_LOGIN),
    Rule("was not found in", r'^user "(?P<user>.*)" was not found in', *_LOGIN),
    Rule("AH01617", r"AH01617: user (?P<user>.*?): authentication failure for ", *_LOGIN),
    Rule("AH01618", r"AH01618: user (?P<user>.*) not found: ", *_LOGIN),
    Rule("AH0179", r"AH0179[04]: user [`'](?P<user>.*?)' ", *_LOGIN),
    Rule("authentication failure", r"^user (?P<user>.*?): authentication failure for ", *_LOGIN),
    Rule(
        "ModSecurity",
        r'ModSecurity: .*\[id "(?P<id>\d+)"\].*?\[msg "(?P<name>[^"]*)"\]',
        "web_rule_matched",
        outcome="failure",
    ),
    Rule("ModSecurity: ", "", "web_rule_matched", outcome="failure"),
    Rule(
        "client denied by server configuration",
        r"client denied by server configuration: (?P<file>.*)$",
        "access_denied",
        outcome="failure",
    ),
    Rule("forbidden by rule", "^access forbidden by rule", "access_denied", outcome="failure"),
    Rule(
        "is forbidden",
        r'^directory index of "(?P<file>.*?)" is forbidden',
        "access_denied",
        outcome="failure",
    ),
    Rule(
        "o such file or directory",
        r'"(?P<file>/.*)" (?:failed|is not found) \(2: No such file',
        "file_not_found",
        outcome="failure",
    ),
    Rule(
        "ile does not exist",
        "File does not exist: (?P<file>.*)$",
        "file_not_found",
        None,
        "failure",
    ),
    Rule("limiting ", "^limiting (?:requests|connections)", "rate_limited", outcome="failure"),
    Rule("PHP ", r"PHP (?:Fatal|Parse|Recoverable)", "script_error", outcome="failure"),
    Rule("upstream", "", "upstream_error", outcome="failure"),
    Rule("SSL_do_handshake", r"SSL_do_handshake\(\) failed", "tls_error", outcome="failure"),
    Rule(
        "",
        "client sent invalid|[Ii]nvalid URI|request failed|AH00126|AH00566|AH0013[056]",
        "invalid_request",
        outcome="failure",
    ),
)
_OTHER = Rule("", "", "error_logged", "web")


class WebError:
    name = "web_error"

    def sniff(self, lines: pl.Series) -> float:
        return min(share(lines.str.contains(_MARK) | lines.str.contains(_PHP_MORE)), 0.99)

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        more = lines.str.contains(_PHP_MORE)
        rows = (lines.str.contains(_MARK) | more).arg_true()
        if not rows.len():
            return Parsed.none(lines)
        head = bodies(lines.gather(rows), context.received)
        parts = [
            _nginx(head["body"], context),
            _apache(head["body"], context),
            _php(head["body"]),
        ]
        frame = parts[0]
        for part in parts[1:]:
            frame = frame.with_columns(
                frame[name].zip_with(frame["event.dataset"].is_not_null(), part[name])
                for name in frame.columns
            )
        frame = frame.with_columns(
            head["host"].alias("host.name"),
            frame["process.pid"].fill_null(head["pid"]).cast(pl.Int64, strict=False),
        )
        frame = _judged(frame)
        whole = _syslog.place(frame, rows, lines.len())
        php = (whole["event.dataset"] == "php.error").fill_null(False)
        return Parsed.of(_with_traces(whole, lines, below(php, more), php))


def _with_traces(
    frame: pl.DataFrame, lines: pl.Series, under: pl.Series, php: pl.Series
) -> pl.DataFrame:
    """Lines of a stack trace below the error become records of their own, at its time."""
    if not under.any():
        return frame
    kept = ("@timestamp", "host.name", "log.level", "event.category", "event.dataset")
    return frame.with_columns(
        *(of_above(frame[name], under, php).alias(name) for name in kept),
        frame["event.action"].set(under, "continuation"),
        lines.zip_with(under, frame["message"]).alias("message"),
    )


def _frame(height: int, **columns: pl.Series) -> pl.DataFrame:
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    names = (
        *("event.dataset", "log.level", "process.pid", "source.ip", "source.port"),
        *("source.domain", "event.code", "event.provider", "message", "file.path", "url.domain"),
        *("url.original", "url.path", "url.query", "http.request.method"),
        *("http.request.referrer", "labels"),
    )
    said = {name.replace("__", "."): column for name, column in columns.items()}
    time = said.pop("time").cast(INSTANT).alias("@timestamp")
    return pl.DataFrame({name: said.get(name, nothing) for name in names}).with_columns(time)


def _named(known: pl.Series, name: str) -> pl.Series:
    return pl.select(pl.when(pl.lit(known)).then(pl.lit(name))).to_series()


def _nginx(lines: pl.Series, context: Context) -> pl.DataFrame:
    found = groups(lines, _NGINX)
    message = found["message"]
    clients = message.str.extract_all(_CLIENT).list.unique()
    alone = (clients.list.len() == 1).fill_null(False)
    address = message.str.extract(_CLIENT, 1).set(~alone, None)
    address = address.fill_null(message.str.extract(_CLOSED, 1))
    more = groups(message.set(~alone, None), _NGINX_MORE)
    request = groups(more["request"], REQUEST)
    url = split_target(request["target"])
    said = pl.DataFrame({"connection": found["connection"], "upstream": more["upstream"]})
    time = found["time"].str.to_datetime(
        "%Y/%m/%d %H:%M:%S", time_unit="us", time_zone="UTC", strict=False
    )
    return _frame(
        lines.len(),
        time=local(time, context.received),
        event__dataset=_named(message.is_not_null(), "nginx.error"),
        log__level=found["level"],
        process__pid=found["pid"],
        # a socket of the same machine has no address
        source__ip=address.set((address == "unix:").fill_null(False), None),
        message=message,
        url__domain=url["url.domain"]
        .fill_null(more["host"].str.replace(r":\d+$", ""))
        .fill_null(told(more["server"], ("_", "", "-"))),
        url__original=request["target"].fill_null(more["request"]),
        url__path=url["url.path"],
        url__query=url["url.query"],
        http__request__method=request["method"],
        http__request__referrer=more["referrer"],
        labels=_labels.of(said),
    )


def _apache(lines: pl.Series, context: Context) -> pl.DataFrame:
    found = groups(lines, _APACHE)
    time = found["time"].str.slice(4).str.replace(r" (\d\d:\d\d:\d\d) ", " ${1}.0 ")
    time = time.str.replace("  ", " 0", literal=True)
    message = unescape(found["source"] + found["message"])
    return _frame(
        lines.len(),
        time=local(
            time.str.to_datetime(
                "%b %d %H:%M:%S%.f %Y", time_unit="us", time_zone="UTC", strict=False
            ),
            context.received,
        ),
        event__dataset=_named(message.is_not_null(), "apache.error"),
        event__code=message.str.extract(r"^(?:.{0,300}?: )?(AH\d{5}): ", 1),
        event__provider=told(found["module"], ("", "-")),
        log__level=found["level"],
        process__pid=found["pid"],
        source__ip=found["client"],
        source__port=found["client_port"],
        source__domain=found["client_name"],
        message=message,
        url__path=message.str.extract(r'\[uri "([^"]*)"\]', 1),
        http__request__referrer=unescape(told(found["referrer"])),
        labels=_labels.of(found.select("tid")),
    )  # fmt: skip


def _php(lines: pl.Series) -> pl.DataFrame:
    found = groups(lines, _PHP)
    php = found["php"].str.strip_chars_end(" ")
    level = php.replace_strict(_PHP_LEVELS, default=None, return_dtype=pl.String)
    message = (php + ": ").fill_null("") + found["message"]
    time = found["time"].str.replace(r"(:\d\d)$", "${1}.0")
    return _frame(
        lines.len(),
        time=zoned(
            time.str.to_datetime(
                "%d-%b-%Y %H:%M:%S%.f", time_unit="us", time_zone="UTC", strict=False
            ),
            found["zone"],
        ),
        event__dataset=pl.select(
            pl.when(pl.lit(found["fpm"]).is_not_null())
            .then(pl.lit("php_fpm.log"))
            .when(pl.lit(message).is_not_null())
            .then(pl.lit("php.error"))
        ).to_series(),
        log__level=found["fpm"].str.to_lowercase().fill_null(level),
        process__pid=found["pid"],
        file__path=found["message"].str.extract(_PHP_FILE, 1),
        message=message,
        labels=_labels.of(found.select("pool")),
    )


def _judged(frame: pl.DataFrame) -> pl.DataFrame:
    among = frame["event.dataset"].is_not_null()
    meaning = judged(frame["message"], _RULES, _GROUPS, among=among, other=_OTHER)
    return frame.hstack(meaning.drop("file")).with_columns(
        meaning["file"].fill_null(frame["file.path"]).alias("file.path"),
        pl.col("source.port").cast(pl.Int64, strict=False),
    )


PARSER = WebError()
