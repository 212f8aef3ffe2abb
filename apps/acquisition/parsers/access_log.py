"""Access logs of nginx, Apache, Tomcat and what writes like them: common and combined.

In front may stand a virtual host or X-Forwarded-For, behind the client's address as proxies told
it, times and more. Formats: nginx `log_format combined`; Apache `mod_log_config`; Tomcat
`AccessLogValve`; Traefik's common format. These servers escape quotes in what clients send; lines
of servers that do not are read from the right, where the fields are numbers.
"""

from __future__ import annotations

import re

import polars as pl

from apps.acquisition.frames import INSTANT
from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsers._http import split_target, through_proxies
from apps.acquisition.parsers._lines import bodies, groups, told
from apps.acquisition.parsing import Context, Parsed, share

_QUOTED = r'(?:[^"\\]|\\.)*'
_TOLD_BY_PROXY = r"(?:[0-9a-fA-F.:]+|\[[0-9a-fA-F:.]+\](?::\d+)?|unknown|-)"
_CHAIN = rf"(?:{_TOLD_BY_PROXY}, ?)*"
_ADDRESS = (
    r"(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|\[[0-9a-fA-F:.]+(?:%\w+)?\](?::\d{1,5})?"
    r"|[0-9a-fA-F]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*(?:%\w+)?)"
)
_HOST = (
    r"(?:(?P<vhost>[\w*-]*[A-Za-z_*][\w*-]*|[\w*-]+(?:\.[\w*-]+)*\.[A-Za-z][\w-]*"
    r"|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]):\d{1,5}"
    r"|(?P<name>[\w*-]*[A-Za-z_*][\w*-]*|[\w*-]+(?:\.[\w*-]+)*\.[A-Za-z][\w-]*))"
)
_TIME = r"\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:[.,]\d{1,9})? [+-]\d{4})\] "
_CLIENT = (
    rf'^(?:(?:{_HOST} )?(?:(?P<forwarded>{_CHAIN}{_TOLD_BY_PROXY}|"{_QUOTED}") )?'
    rf"(?P<chain>{_CHAIN})(?P<address>{_ADDRESS})|(?P<domain>\S+)) "
    rf"(?P<ident>\S+) (?P<user>.*?) {_TIME}"
)
_PLAIN = (  # most lines by far, three times as fast
    r"^(?P<address>\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:.]+) (?P<ident>\S+) (?P<user>\S+) " + _TIME
)
_ANY = rf"^\S+ .*?{_TIME}"
_FIELDS = (
    rf'"(?P<request>{_QUOTED})" (?P<status>\d{{3}}|-) (?P<bytes>\d+|-)'
    rf'(?: "(?P<referrer>{_QUOTED})" "(?P<agent>{_QUOTED})")?(?P<behind> .*)?$'
)
_LENIENT = _CLIENT + (
    r'"(?P<request>.*)" (?P<status>\d{3}|-) (?P<bytes>\d+|-)'
    r'(?: "(?P<referrer>[^"]*)" "(?P<agent>.*)")?(?P<behind>\s*)$'
)
REQUEST = r"^(?P<method>[A-Z][A-Z_-]{0,30}) (?P<target>.*?)(?: HTTP/\d(?:\.\d)?)?$"
_BEHIND_PROXY = rf'"({_CHAIN}{_ADDRESS})"'
_TRAEFIK = rf'^ \d+ "{_QUOTED}" "{_QUOTED}" (?P<ms>\d{{1,9}})ms$'
_SECONDS = r"(?:^|[ =\[(])(\d{1,9}\.\d{1,9})s?(?:$|[ ,\])])"
_BOTH_UNITS = r"(?P<seconds>\d{1,9})/(?P<micros>\d{1,15})(?:\D|$)"  # Apache: %T/%D

_SERVERS = {
    **dict.fromkeys(("apache", "apache2", "httpd"), "apache.access"),
    **dict.fromkeys(("tomcat", "catalina", "localhost_access"), "tomcat.access"),
    "traefik": "traefik.access",
}
_ESCAPE = re.compile(r"(?:\\x[0-9a-fA-F]{2})+|\\.", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "v": "\v", "f": "\f"}


class AccessLog:
    name = "access_log"

    def sniff(self, lines: pl.Series) -> float:
        return share(lines.str.contains(_ANY + '"'))

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        able = lines.str.contains(_ANY).arg_true()
        if not able.len():
            return Parsed.none(lines)
        head = bodies(lines.gather(able), context.received)
        found = groups(head["body"], _PLAIN + _FIELDS)
        found = found.with_columns(
            pl.lit(None, pl.String).alias(name)
            for name in ("vhost", "name", "forwarded", "chain", "domain")
        )
        for pattern in (_CLIENT + _FIELDS, _LENIENT):
            missed = found["status"].is_null()
            if missed.any():
                rows = missed.arg_true()
                again = groups(head["body"].gather(rows), pattern)
                found = found.with_columns(
                    found[name].scatter(rows, again[name]) for name in found.columns
                )
        records = _records(
            found, _dataset(context.file_name, head["program"]), context
        ).with_columns(head["host"].alias("host.name"))
        return Parsed.of(_syslog.place(records, able, lines.len()))


def _dataset(file_name: str, programs: pl.Series) -> pl.Series:
    """By the program of a syslog head, else by the name of the file: servers write alike."""
    path = file_name.lower()
    by_file = next((name for mark, name in _SERVERS.items() if mark in path), "nginx.access")
    return programs.replace_strict(_SERVERS, default=by_file, return_dtype=pl.String)


def _records(found: pl.DataFrame, dataset: pl.Series, context: Context) -> pl.DataFrame:
    request = unescape(found["request"])
    said = groups(request, REQUEST)
    target = said["target"]
    url = split_target(target)
    status = found["status"].cast(pl.Int64, strict=False)
    address, port = _endpoint(found["address"])
    ends = pl.DataFrame({"source.ip": address, "source.port": port})
    duration, more = _behind(found["behind"])
    forwarded = found["forwarded"].fill_null(more["x_forwarded_for"])
    chain = found["chain"].set((found["chain"] == "").fill_null(False), None)
    more = more.with_columns(
        told(forwarded.fill_null(chain + found["address"]))
        .str.strip_chars('"')
        .alias("x_forwarded_for")
    )
    ends = through_proxies(ends, more["x_forwarded_for"], context.proxies)
    more = more.with_columns(ends["proxy"])
    frame = pl.DataFrame(
        {
            "@timestamp": instant(found["time"]),
            "source.ip": ends["source.ip"],
            "source.port": ends["source.port"],
            "source.domain": told(found["domain"]),
            "user.name": told(unescape(found["user"])),
            "http.request.method": said["method"],
            # what is no request line at all (a TLS handshake, a probe) is kept as it came
            "url.original": target.fill_null(told(request)),
            "url.domain": url["url.domain"].fill_null(found["vhost"]).fill_null(found["name"]),
            "url.path": url["url.path"],
            "url.query": url["url.query"],
            "http.response.status_code": status,
            "http.response.body.bytes": found["bytes"].cast(pl.Int64, strict=False),
            "http.request.referrer": told(unescape(found["referrer"])),
            "user_agent.original": told(unescape(found["agent"])),
            "event.duration": duration,
            "labels": _labels.of(more),
        },
        schema_overrides={"@timestamp": INSTANT},
    )
    constant = {
        "event.category": "web",
        "event.action": "http_request",
        "network.protocol": "http",
        "network.transport": "tcp",
    }
    known = pl.lit(found["bytes"].is_not_null())
    traefik = found["behind"].str.contains(_TRAEFIK).fill_null(False)
    dataset = dataset.set(traefik, "traefik.access")
    return frame.with_columns(
        *(pl.when(known).then(pl.lit(value)).alias(name) for name, value in constant.items()),
        pl.when(known).then(pl.lit(dataset)).alias("event.dataset"),
        outcome(status),
    )


def outcome(status: pl.Series) -> pl.Expr:
    """`event.outcome` by the status of a response."""
    code = pl.lit(status)
    told_so = pl.when(code < 400).then(pl.lit("success")).when(code >= 400).then(pl.lit("failure"))
    return told_so.alias("event.outcome")


def instant(texts: pl.Series) -> pl.Series:
    """Times as these servers write them: 22/Nov/2026:09:58:49 +0000, with a fraction or not."""
    form = "%d/%b/%Y:%H:%M:%S %z"
    if texts.str.contains(r":\d\d[.,]").any():
        texts = texts.str.replace(r"(:\d\d)[.,](\d+)", "${1}.${2}")
        texts = texts.str.replace(r"(:\d\d) ", "${1}.0 ")
        form = "%d/%b/%Y:%H:%M:%S%.f %z"
    return texts.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)


def _endpoint(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Address and port of "192.0.2.1:80", "[2001:db8::1]:80", or an address alone."""
    pattern = r"^(?:(?P<four>[\d.]+):(?P<p>\d+)|\[(?P<six>[^\]]+)\](?::(?P<q>\d+))?|(?P<bare>.*))$"
    if not texts.str.contains(r"^\[|^[\d.]+:\d+$").any():
        return texts, pl.Series([None], dtype=pl.Int64).new_from_index(0, texts.len())
    found = groups(texts, pattern)
    address = found["four"].fill_null(found["six"]).fill_null(found["bare"])
    return address, found["p"].fill_null(found["q"]).cast(pl.Int64, strict=False)


def _behind(texts: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
    """What stands behind the fields all know → duration in nanoseconds, labels.

    Only times that say their unit count: with a fraction they are seconds, as "0/12345" seconds
    and microseconds. A whole number can be any of three units.
    """
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, texts.len())
    texts = told(texts.str.strip_chars_end(" "))
    if texts.null_count() == texts.len():
        return nothing.cast(pl.Int64), pl.DataFrame({"x_forwarded_for": nothing, "more": nothing})
    bare = texts.str.replace_all(rf'"{_QUOTED}"', "")
    seconds = bare.str.extract(_SECONDS, 1).cast(pl.Float64, strict=False)
    both = groups(bare, _BOTH_UNITS).select(pl.all().cast(pl.Int64, strict=False))
    micros = both["micros"].set(
        (both["micros"] // 1_000_000 != both["seconds"]).fill_null(True), None
    )
    ms = groups(texts, _TRAEFIK)["ms"].cast(pl.Int64, strict=False)
    duration = (ms * 1_000_000).fill_null(micros * 1000)
    duration = duration.fill_null((seconds * 1e9).round().cast(pl.Int64, strict=False))
    told_by_proxy = texts.str.extract(_BEHIND_PROXY, 1)
    more = pl.DataFrame(
        {"x_forwarded_for": told_by_proxy, "more": texts.str.strip_chars_start(" ")}
    )
    return duration, more


def unescape(values: pl.Series) -> pl.Series:
    r"""Undo the servers' escaping (`\x22`, `\"`, `\\`): tools judge what the client sent."""
    escaped = values.str.contains("\\", literal=True).fill_null(False)
    if not escaped.any():
        return values
    plain = [_ESCAPE.sub(_unescaped, text) for text in values.filter(escaped).to_list()]
    return values.scatter(escaped.arg_true(), pl.Series(plain, dtype=pl.String))


def _unescaped(match: re.Match[str]) -> str:
    text = match.group()
    if text.startswith("\\x") and len(text) > 2:
        return bytes.fromhex(text.replace("\\x", "")).decode("utf-8", "replace")
    return _CONTROL.get(text[1], text[1])


PARSER = AccessLog()
