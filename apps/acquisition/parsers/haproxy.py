"""HAProxy's log: HTTP, HTTPS and TCP formats, the default one, errors, and states of servers.

Formats: HAProxy configuration manual, chapter 8 "Logging": `option httplog`, `httpslog`, `tcplog`;
server and proxy messages of `src/checks.c` and `src/proxy.c`. What clients sent stands in braces
and quotes, and HAProxy writes what could end them as `#XX`. Times are local, taken as UTC.
"""

from __future__ import annotations

import re

import polars as pl

from apps.acquisition.frames import INSTANT, local
from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsers._http import split_target
from apps.acquisition.parsers._lines import bodies, groups, told
from apps.acquisition.parsers._meaning import Rule, judged
from apps.acquisition.parsers.access_log import REQUEST
from apps.acquisition.parsing import Context, Parsed, share

_CLIENT = (
    r"^(?P<address>[0-9a-fA-F.:]+|unix):(?P<port>\d{1,5}) "
    r"\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] "
)
_ROUTE = r"(?P<frontend>[^\s/~]+)(?P<tls>~?) (?P<backend>[^\s/]+)/(?P<server>\S+) "
_COUNTS = r"(?P<connections>\d+/\d+/\d+/\d+/\+?\d+) (?P<queues>\d+/\d+)"
_HTTP = (
    _CLIENT + _ROUTE + r"(?P<timers>-?\d+/-?\d+/-?\d+/-?\d+/)(?P<total>\+?-?\d+) "
    r"(?P<status>-?\d+) (?P<bytes>\+?\d+) (?P<request_cookie>\S+) (?P<response_cookie>\S+) "
    r"(?P<state>[A-Za-z-]{4}) " + _COUNTS + r"(?: \{(?P<captured>[^}]*)\})?"
    r"(?: \{(?P<returned>[^}]*)\})? "
    r'"(?P<request>[^"]*)(?:"(?P<behind> .*)?)?$'
)
_TCP = (
    _CLIENT + _ROUTE + r"(?P<timers>-?\d+/-?\d+/)(?P<total>\+?-?\d+) (?P<bytes>\+?\d+) "
    r"(?P<state>[A-Za-z-]{2}) " + _COUNTS + r"(?P<behind> .*)?$"
)
_CONNECT = (
    r"^Connect from (?P<address>[0-9a-fA-F.:]+):(?P<port>\d+) to (?P<to>[0-9a-fA-F.:]+):"
    r"(?P<to_port>\d+) \((?P<frontend>[^/()]+)/(?P<mode>HTTP|TCP)\)$"
)
_ERROR = _CLIENT + r"(?P<frontend>[^\s/]+)/(?P<bind>[^\s:]+): (?P<message>.*)$"
_STATE = (
    r"^(?:\[(?P<level>WARNING|ALERT|NOTICE)\] +(?:\d+/\d+ )?(?:\(\d+\) )?: )?"
    r"(?P<message>(?:Health check for (?:backup )?[sS]erver|(?:Backup )?[sS]erver|[Pp]roxy|[Bb]ackend|Stopping|Pausing) "
    r"(?P<name>[^\s/]+)(?:/(?P<server>\S+))? (?:is|has|was|started|stopped|succeeded|failed|in \d+ ms|.*status|backend|frontend|proxy|enters|leaves|changed).*)$"
)
_PATTERNS = (_HTTP, _TCP, _CONNECT, _ERROR, _STATE)
_PROGRAM = r"^haproxy"
_GROUPS = (
    *("address", "port", "time", "frontend", "backend", "server", "tls", "timers", "total"),
    *("status", "bytes", "request_cookie", "response_cookie", "state", "connections", "queues"),
    *("captured", "returned", "request", "behind", "to", "to_port", "mode", "bind", "message"),
    *("level", "name"),
)
_MEANINGS = (
    Rule(" is DOWN", "", "server_down", "host", "failure"),
    Rule(" is UP", "", "server_up", "host", "success"),
    Rule("no server available", "", "backend_down", "host", "failure"),
    Rule("SSL handshake failure", "", "tls_handshake", "network", "failure"),
    Rule(" started", "", "service_started", "host", "success"),
    Rule("", "^(?:Stopping|Proxy .* stopped)", "service_stopped", "host"),
    Rule("Health check", " failed", "health_check", "host", "failure"),
    Rule("Health check", " succeeded", "health_check", "host", "success"),
)
_OTHER = Rule("", "", "error_logged", "network")
_ESCAPE = re.compile(r"(?:#[0-9A-F]{2})+")


class Haproxy:
    name = "haproxy"

    def sniff(self, lines: pl.Series) -> float:
        return 0.99 * share(self.parse(lines, Context()).frame["event.dataset"].is_not_null())

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        rows = lines.str.contains(r"haproxy|\[\d\d/[A-Z][a-z]{2}/\d{4}:[\d:]+\.\d{3}\] ").arg_true()
        if not rows.len():
            return Parsed.none(lines)
        head = bodies(lines.gather(rows), context.received)
        named = head["program"].str.contains(_PROGRAM).fill_null(False)
        found = _found(head["body"], named)
        return Parsed.of(_syslog.place(_records(found, head, context), rows, lines.len()))


def _found(texts: pl.Series, named: pl.Series) -> pl.DataFrame:
    """N rows of all groups, and `format`, the number of the pattern that matched; null for none.

    A message without a client counts only behind the name of the program.
    """
    height = texts.len()
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    columns = {name: nothing.clone() for name in _GROUPS}
    form = pl.Series([None], dtype=pl.Int64).new_from_index(0, height)
    for number, pattern in enumerate(_PATTERNS):
        left = form.is_null() & (named if number in (2, 4) else True)
        rows = left.arg_true()
        if not rows.len():
            continue
        some = texts.gather(rows)
        hit = some.str.contains(pattern)
        rows, some = rows.filter(hit), some.filter(hit)
        for group in (found := groups(some, pattern)).columns:
            columns[group].scatter(rows, found[group])
        form.scatter(rows, number)
    return pl.DataFrame(columns).with_columns(form.alias("format"))


def _records(found: pl.DataFrame, head: pl.DataFrame, context: Context) -> pl.DataFrame:
    form = found["format"]
    http, tcp, known = form == 0, form == 1, form.is_not_null()
    request = _unescape(told(found["request"], ("", "-", "<BADREQ>")))
    line = groups(request, REQUEST)
    url = split_target(line["target"])
    status = found["status"].cast(pl.Int64, strict=False)
    status = status.set((status < 0).fill_null(False), None)
    total = found["total"].str.strip_prefix("+").cast(pl.Int64, strict=False)
    message = found["message"].fill_null(head["body"])
    meaning = judged(message, _MEANINGS, {}, among=form >= 3, other=_OTHER)
    state = found["state"]
    said = pl.DataFrame(
        {
            **{name: found[name] for name in ("frontend", "bind", "mode")},
            "backend": told(found["backend"].fill_null(found["name"]), ("", "<NOSRV>")),
            "server": told(found["server"], ("", "<NOSRV>")),
            "termination_state": state,
            "timers": found["timers"] + found["total"].str.strip_prefix("+"),
            **{name: found[name] for name in ("connections", "queues")},
            "captured_request": _unescape(told(found["captured"])),
            "captured_response": _unescape(told(found["returned"])),
            "more": told(found["behind"].str.strip_chars()),
        }
    )
    # a first letter tells who ended it against its will; without one it went well
    well = state.str.starts_with("-") & (http.not_() | (status < 400).fill_null(False))
    both = pl.lit((http | tcp).fill_null(False))
    time = found["time"].str.to_datetime(
        "%d/%b/%Y:%H:%M:%S%.f", time_unit="us", time_zone="UTC", strict=False
    )
    time = local(time, context.received)
    return pl.DataFrame(
        {
            "@timestamp": time.fill_null(head["time"]).cast(INSTANT),
            "event.dataset": pl.select(pl.when(pl.lit(known)).then(pl.lit("haproxy.log"))).to_series(),
            "event.duration": total * 1_000_000,
            "host.name": head["host"],
            "process.name": head["program"],
            "process.pid": head["pid"].cast(pl.Int64, strict=False),
            "source.ip": found["address"].set((found["address"] == "unix").fill_null(False), None),
            "source.port": found["port"].cast(pl.Int64, strict=False),
            "destination.ip": found["to"],
            "destination.port": found["to_port"].cast(pl.Int64, strict=False),
            "destination.bytes": found["bytes"].str.strip_prefix("+").cast(pl.Int64, strict=False),
            "http.request.method": line["method"],
            "http.response.status_code": status,
            "url.original": line["target"].fill_null(request),
            "url.domain": url["url.domain"],
            "url.path": url["url.path"],
            "url.query": url["url.query"],
            "log.level": found["level"].str.to_lowercase(),
            "message": message.set((form < 2).fill_null(False), None),
            "labels": _labels.of(said),
        },
        schema_overrides={"@timestamp": INSTANT},
    ).with_columns(
        pl.when(pl.lit(http)).then(pl.lit("web"))
        .when(pl.lit(form < 3)).then(pl.lit("network"))
        .otherwise(meaning["event.category"]).alias("event.category"),
        pl.when(pl.lit(http)).then(pl.lit("http_request"))
        .when(pl.lit(form < 3)).then(pl.lit("connection"))
        .otherwise(meaning["event.action"]).alias("event.action"),
        pl.when(both & pl.lit(well)).then(pl.lit("success")).when(both).then(pl.lit("failure"))
        .otherwise(meaning["event.outcome"]).alias("event.outcome"),
        pl.when(pl.lit(http | (found["mode"] == "HTTP"))).then(pl.lit("http")).alias("network.protocol"),
        pl.when(pl.lit(found["address"]).is_not_null()).then(pl.lit("tcp")).alias("network.transport"),
    )  # fmt: skip


def _unescape(texts: pl.Series) -> pl.Series:
    """Undo `#XX`."""
    escaped = texts.str.contains(r"#[0-9A-F]{2}").fill_null(False)
    if not escaped.any():
        return texts
    plain = [_ESCAPE.sub(_bytes, text) for text in texts.filter(escaped).to_list()]
    return texts.scatter(escaped.arg_true(), pl.Series(plain, dtype=pl.String))


def _bytes(match: re.Match[str]) -> str:
    return bytes.fromhex(match.group().replace("#", "")).decode("utf-8", "replace")


PARSER = Haproxy()
