"""Access logs of nginx and Apache: common and combined, with a virtual host or fields behind.

Formats: nginx `log_format combined`; Apache `mod_log_config`, "common", "combined",
"vhost_combined". Both servers escape quotes in what clients send; lines of servers that do not
are read from the right, where the fields are numbers.
"""

from __future__ import annotations

import re

import polars as pl

from apps.acquisition.frames import INSTANT
from apps.acquisition.parsers._http import split_target
from apps.acquisition.parsing import Context, Parsed, share

_QUOTED = r'(?:[^"\\]|\\.)*'
_CLIENT = (
    r"^(?:(?P<vhost>[^\s:]+):\d+ )?(?P<address>\S+) (?P<ident>\S+) (?P<user>.*?) "
    r"\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
)
_STRICT = _CLIENT + (
    rf'"(?P<request>{_QUOTED})" (?P<status>\d{{3}}) (?P<bytes>\d+|-)'
    rf'(?: "(?P<referrer>{_QUOTED})" "(?P<agent>{_QUOTED})")?(?: .*)?$'
)
_LENIENT = _CLIENT + (
    r'"(?P<request>.*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r'(?: "(?P<referrer>[^"]*)" "(?P<agent>.*)")?\s*$'
)
_REQUEST = r"^(?P<method>[A-Z][A-Z_-]{0,30}) (?P<target>.*?)(?: HTTP/\d(?:\.\d)?)?$"

_ESCAPE = re.compile(r"(?:\\x[0-9a-fA-F]{2})+|\\.", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "v": "\v", "f": "\f"}


class AccessLog:
    name = "access_log"

    def sniff(self, lines: pl.Series) -> float:
        return share(lines.str.contains(_CLIENT + '"'))

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        found = lines.str.extract_groups(_STRICT).struct.unnest()
        missed = found["status"].is_null()
        if missed.any():
            rows = missed.arg_true()
            again = lines.gather(rows).str.extract_groups(_LENIENT).struct.unnest()
            found = found.with_columns(
                found[name].scatter(rows, again[name]) for name in found.columns
            )
        return Parsed.of(_records(found, _dataset(context.file_name)))


def _dataset(file_name: str) -> str:
    told = file_name.lower()
    return "apache.access" if "apache" in told or "httpd" in told else "nginx.access"


def _records(found: pl.DataFrame, dataset: str) -> pl.DataFrame:
    request = unescape(found["request"])
    said = request.str.extract_groups(_REQUEST).struct.unnest()
    target = said["target"]
    url = split_target(target)
    status = found["status"].cast(pl.Int64)
    here = status.is_not_null()
    frame = pl.DataFrame(
        {
            "@timestamp": found["time"].str.to_datetime(
                "%d/%b/%Y:%H:%M:%S %z", time_unit="us", time_zone="UTC", strict=False
            ),
            "source.ip": found["address"],
            "user.name": _told(unescape(found["user"])),
            "http.request.method": said["method"],
            # what is no request line at all (a TLS handshake, a probe) is kept as it came
            "url.original": target.fill_null(_told(request)),
            "url.domain": url["url.domain"].fill_null(found["vhost"]),
            "url.path": url["url.path"],
            "url.query": url["url.query"],
            "http.response.status_code": status,
            "http.response.body.bytes": found["bytes"].cast(pl.Int64, strict=False),
            "http.request.referrer": _told(unescape(found["referrer"])),
            "user_agent.original": _told(unescape(found["agent"])),
        },
        schema_overrides={"@timestamp": INSTANT},
    )
    constant = {
        "event.dataset": dataset,
        "event.category": "web",
        "event.action": "http_request",
        "network.protocol": "http",
        "network.transport": "tcp",
    }
    known = pl.lit(here)
    return frame.with_columns(
        *(pl.when(known).then(pl.lit(value)).alias(name) for name, value in constant.items()),
        pl.when(pl.col("http.response.status_code") < 400)
        .then(pl.lit("success"))
        .when(known)
        .then(pl.lit("failure"))
        .alias("event.outcome"),
    )


def _told(values: pl.Series) -> pl.Series:
    return values.set(values.is_in(["-", ""]).fill_null(False), None)


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
