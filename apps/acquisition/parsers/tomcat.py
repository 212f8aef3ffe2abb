"""Tomcat's own log, and what else Java programs write with log4j, logback or java.util.logging.

Formats: `org.apache.juli.OneLineFormatter` (catalina.out), the JDK's two-line `SimpleFormatter`,
the usual one-line layouts of log4j and logback, Spring Boot's. A stack trace belongs to the line
above it: each of its lines is a record of its own, at the time of that line, with `event.action`
`continuation`; no line is lost, and none is guessed to belong elsewhere.
"""

from __future__ import annotations

import polars as pl

from apps.acquisition.frames import INSTANT, instants, local
from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsers._lines import below, groups, of_above
from apps.acquisition.parsers._meaning import Rule, judged
from apps.acquisition.parsing import Context, Parsed, share

_LEVEL = r"(?:SEVERE|WARNING|WARN|INFO|CONFIG|FINE|FINER|FINEST|ERROR|FATAL|DEBUG|TRACE|ALL)"
_LOGGER = r"[A-Za-z_][\w$]*(?:\.[\w$<>\[\]/-]+)*"
_JULI = (
    r"^(?P<time>\d{1,2}-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d\.\d{3}) "
    rf"(?P<level>[A-Z]+) \[(?P<thread>[^\]]*)\] (?P<logger>{_LOGGER}) ?(?P<message>.*)$"
)
_JDK = (
    r"^(?P<time>[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d\d:\d\d [AP]M) "
    rf"(?P<logger>{_LOGGER})(?: (?P<method>\S+))?$"
)
_JDK_BELOW = rf"^{_LEVEL}: "
_ISO = r"^(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d{3,9}(?:Z|[+-]\d\d:?\d\d)?) +"
_LAYOUTS = (
    # Spring Boot: level, pid, ---, [application] [thread] logger
    _ISO + rf"(?P<level>{_LEVEL}) +(?P<pid>\d+) --- (?:\[[^\]]*\] )?\[(?P<thread>[^\]]*)\] "
    rf"(?P<logger>\S+) +: (?P<message>.*)$",
    # log4j: level [thread] logger - message, also with dashes between
    _ISO + rf"(?:- )?\[?(?P<level>{_LEVEL})\]? +\[(?P<thread>.*?)\] +(?:- )?"
    rf"(?:(?P<logger>{_LOGGER}) ?(?:\([^)]*\)|:\d+)?(?: +-|:) +)?(?P<message>.*)$",
    # logback: [thread] level logger - message
    _ISO + rf"\[(?P<thread>[^\]]*)\] +\[?(?P<level>{_LEVEL})\]? +(?P<logger>{_LOGGER})"
    r"(?: +-|:) +(?P<message>.*)$",
    # level logger - message
    _ISO + rf"(?P<level>{_LEVEL}) +(?P<logger>{_LOGGER})(?: +-|:) +(?P<message>.*)$",
)
_PATTERNS = (_JULI, _JDK, *_LAYOUTS)
_TRACE = (
    r"^(?:\s+at \S|\s*(?:Caused by|Suppressed): |\s*\.\.\. \d+ (?:more|common frames omitted)"
    r"|\s*(?:[a-z][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error|Throwable|Failure)\b"
    r"|Exception in thread |Wrapped by: | Note: further occurrences of |\t)"
)
_TARGET = r"Invalid character found in the request target \[(.*)\]\. "
_GROUPS = {"user": "user.name", "file": "file.path", "url": "url.original"}
_LOGIN = ("tomcat_login", "authentication", "failure")
_RULES = (
    Rule("locked user", r"authenticate the locked user \[(?P<user>.*)\]", *_LOGIN),
    Rule("Deploying web application", r"^Deploying web application (?:archive|directory) \[(?P<file>.*)\]", "application_deploying", "configuration"),
    Rule("Deployment of web application", r"^Deployment of web application (?:archive|directory) \[(?P<file>.*)\] has finished", "application_deployed", "configuration", "success"),
    Rule("deploying", r"^(?:Undeploying|Error deploying)[^\[]*\[(?P<file>.*?)\]", "application_undeployed", "configuration"),
    Rule("in the request target", r"Invalid character found in the request target \[(?P<url>.*)\]\. ", "invalid_request", "web", "failure"),
    Rule("parsing HTTP request header", "", "invalid_request", "web", "failure"),
    Rule("nvalid character", "(?:method name|HTTP protocol|request target)", "invalid_request", "web", "failure"),
    Rule("erver startup in", "", "service_started", "host", "success"),
    Rule("Destroying ProtocolHandler", "", "service_stopped", "host"),
    Rule("A valid shutdown command", "", "service_stopped", "host"),
    Rule("Servlet.service() for servlet", "threw exception", "script_error", "web", "failure"),
)  # fmt: skip
_OTHER = Rule("", "", "message_logged", "web")
_TOMCAT = r"^org\.apache\.(?:catalina|coyote|tomcat|jasper|juli|el|naming)\."


class Tomcat:
    name = "tomcat"

    def sniff(self, lines: pl.Series) -> float:
        return 0.98 * share(self.parse(lines, Context()).frame["event.dataset"].is_not_null())

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        height = lines.len()
        rows = lines.str.contains(
            r"^\d{1,2}-[A-Z][a-z]{2}-\d{4} |^[A-Z][a-z]{2} \d{1,2}, \d{4}|^\d{4}-\d\d-\d\d[ T]\d\d:"
        ).arg_true()
        if not rows.len():
            return Parsed.none(lines)
        heads = _syslog.place(_records(lines.gather(rows), context), rows, height)
        claimed = heads["event.dataset"].is_not_null()
        under = below(claimed, lines.str.contains(_TRACE) | lines.str.contains(_JDK_BELOW))
        if not under.any():
            return Parsed.of(heads)
        kept = ("@timestamp", "log.level", "event.dataset", "event.category", "process.pid")
        told = lines.str.extract(rf"^({_LEVEL}): ", 1).set(~under, None)
        above = [of_above(heads[name], under, claimed).alias(name) for name in kept]
        return Parsed.of(
            heads.with_columns(
                *above,
                heads["event.action"].set(under, "continuation"),
                lines.zip_with(under, heads["message"]).alias("message"),
                lines.set(~under, None)
                .str.extract(_TARGET, 1)
                .fill_null(heads["url.original"])
                .alias("url.original"),
            ).with_columns(
                pl.coalesce(pl.lit(told.str.to_lowercase()), "log.level").alias("log.level")
            )
        )


def _records(lines: pl.Series, context: Context) -> pl.DataFrame:
    height = lines.len()
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    names = ("time", "level", "thread", "logger", "method", "pid", "message")
    columns = {name: nothing.clone() for name in names}
    for pattern in _PATTERNS:
        rows = columns["time"].is_null().arg_true()
        if not rows.len():
            break
        found = groups(lines.gather(rows), pattern)
        for name in found.columns:
            columns[name].scatter(rows, found[name])
    time = _times(columns["time"], context)
    known = time.is_not_null()
    message = columns["message"].fill_null(columns["method"])
    meaning = judged(message.fill_null(""), _RULES, _GROUPS, among=known, other=_OTHER)
    path = context.file_name.lower()
    ours = columns["logger"].str.contains(_TOMCAT).fill_null(False)
    ours |= lines.str.contains(r"^\d{1,2}-[A-Z]") | ("catalina" in path or "tomcat" in path)
    lit, tomcat = pl.lit(known), pl.lit(ours)
    return pl.DataFrame(
        {
            "@timestamp": time,
            "event.provider": columns["logger"],
            "log.level": columns["level"].str.to_lowercase(),
            "process.pid": columns["pid"].cast(pl.Int64, strict=False),
            "message": message,
            "labels": _labels.of(pl.DataFrame({"thread": columns["thread"]})),
            **{name: meaning[name] for name in meaning.columns},
        }
    ).with_columns(
        pl.when(lit & tomcat)
        .then(pl.lit("tomcat.log"))
        .when(lit)
        .then(pl.lit("java.log"))
        .alias("event.dataset"),
        # what a Java program means that is no server of web pages is not ours to say
        pl.when(lit & (tomcat | (pl.col("event.action") != _OTHER.action)))
        .then(pl.col("event.category"))
        .when(lit)
        .then(pl.lit("process"))
        .alias("event.category"),
    )


def _times(texts: pl.Series, context: Context) -> pl.Series:
    """Local times of the three spellings."""
    time = instants(texts, context.received)
    for form in ("%d-%b-%Y %H:%M:%S%.f", "%b %d, %Y %I:%M:%S %p", "%b %d, %Y, %I:%M:%S %p"):
        if time.null_count() == texts.null_count():
            break
        again = texts.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
        time = time.fill_null(local(again.cast(INSTANT), context.received))
    return time.cast(INSTANT)


PARSER = Tomcat()
