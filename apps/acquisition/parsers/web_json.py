"""Access logs that servers write as JSON: nginx, Caddy, Traefik, and Apache made to.

Formats: nginx `log_format … escape=json` with its variables under their own or the usual other
names; Caddy's structured log; Traefik's `accessLog.format: json`.
"""

from __future__ import annotations

import polars as pl

from apps.acquisition.frames import INSTANT, instants
from apps.acquisition.parsers import _json
from apps.acquisition.parsers._http import split_target, through_proxies
from apps.acquisition.parsers._lines import groups, told
from apps.acquisition.parsers.access_log import REQUEST, instant, outcome, unescape
from apps.acquisition.parsing import Context, Parsed, share

_MARK = r'"(?:status|status_code|response_code|response_status|DownstreamStatus|OriginStatus)"\s*:'
_STATUS = (
    *("status", "status_code", "response_code", "response_status"),
    *("DownstreamStatus", "OriginStatus"),
)
_ADDRESS = (
    *("request.client_ip", "request.remote_ip", "remote_addr", "remote_ip", "ClientHost"),
    *("clientip", "client_ip", "client_addr", "remote_host", "remote-addr", "client", "ip"),
)
_PORT = ("request.remote_port", "remote_port", "ClientPort", "client_port")
_TARGET = ("request.uri", "request_uri", "RequestPath", "uri", "url", "path")
_METHOD = ("request.method", "request_method", "RequestMethod", "method", "http_method", "verb")
_TIME = (
    *("ts", "StartUTC", "@timestamp", "time_iso8601", "msec", "time_local", "timestamp"),
    *("time", "datetime", "date"),
)
_TEXTS = {
    "user.name": ("user_id", "remote_user", "ClientUsername", "auth_user", "user"),
    "url.domain": (
        *("request.host", "http_host", "RequestHost", "vhost", "virtual_host", "server_name"),
        "host",
    ),
    "http.request.referrer": (
        *("request.headers.Referer", "http_referer", "http_referrer", "request_Referer"),
        *("referer", "referrer", "referer_url"),
    ),
    "user_agent.original": (
        *("request.headers.User-Agent", "http_user_agent", "request_User-Agent"),
        *("user_agent", "useragent", "userAgent", "agent"),
    ),
    "http.request.body.content": ("request_body",),
    "tls.client.server_name": ("request.tls.server_name", "ssl_server_name"),
    "destination.ip": ("server_addr",),
    "host.name": ("hostname",),
    "log.level": ("level",),
}
_NUMBERS = {
    "http.response.body.bytes": (
        *("size", "body_bytes_sent", "DownstreamContentSize", "bytes_sent", "bytes", "body_bytes"),
        *("response_size", "bytes_out"),
    ),
    "http.request.body.bytes": ("bytes_read", "content_length", "RequestContentSize"),
    "destination.port": ("server_port",),
    "process.pid": ("pid",),
}
_PROTOCOL = ("request.proto", "server_protocol", "RequestProtocol", "protocol", "http_version")
_FORWARDED = (
    *("request.headers.X-Forwarded-For", "http_x_forwarded_for", "request_X-Forwarded-For"),
    *("x_forwarded_for", "xff"),
)
_SILENT = (
    *("request.headers.", "resp_headers.", "request.tls.", "request_", "origin_", "downstream_"),
    *("ClientAddr", "RequestAddr", "RequestLine", "StartLocal"),
)
_OTHERS = ("event_type", "id.orig_h", "error_severity", "ecs.version")
"""Keys of other programs' documents that speak of HTTP, too."""


class WebJson:
    name = "web_json"

    def sniff(self, lines: pl.Series) -> float:
        return 0.98 * share(self.parse(lines, Context()).frame["event.dataset"].is_not_null())

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        able = lines.str.contains(_MARK)
        if not able.any():
            nothing = pl.Series("event.dataset", [None], dtype=pl.String)
            return Parsed.of(nothing.new_from_index(0, lines.len()).to_frame())
        # nginx without escape=json escapes bytes as \x22, which no JSON reader takes
        loose = able & lines.str.contains(r"(?:^|[^\\])\\x[0-9A-Fa-f]{2}")
        if loose.any():
            lines = lines.zip_with(~loose, lines.str.replace_all(r"\x", r"\\x", literal=True))
        return Parsed.of(_records(_json.read(lines, only=able), loose, context))


def _records(said: _json.Documents, loose: pl.Series, context: Context) -> pl.DataFrame:
    def text(*paths: str) -> pl.Series:
        values = told(said.text(*paths))
        return values.zip_with(~loose, unescape(values)) if loose.any() else values

    dataset = _dataset(said, context)
    request = groups(text("request", "RequestLine", "request_line"), REQUEST)
    target = text(*_TARGET).fill_null(request["target"])
    url = split_target(target)
    status = said.integer(*_STATUS)
    address, forwarded = text(*_ADDRESS), text(*_FORWARDED)
    ends = pl.DataFrame({"source.ip": address, "source.port": said.integer(*_PORT)})
    ends = through_proxies(ends, forwarded, context.proxies)
    method = text(*_METHOD).fill_null(request["method"])
    protocol = text(*_PROTOCOL)
    known = dataset.is_not_null() & status.is_between(0, 999) & address.is_not_null()
    known &= target.is_not_null() | (dataset == "nginx.access")
    columns = {name: text(*paths) for name, paths in _TEXTS.items()}
    domain = columns.pop("url.domain").str.replace(r":\d+$", "")
    frame = pl.DataFrame(
        {
            "@timestamp": _time(text(*_TIME)),
            "event.dataset": dataset,
            "event.duration": _duration(said),
            "source.ip": ends["source.ip"],
            "source.port": ends["source.port"],
            **columns,
            **{name: said.integer(*paths) for name, paths in _NUMBERS.items()},
            "http.request.method": method,
            "http.response.status_code": status,
            "url.original": target,
            "url.domain": url["url.domain"].fill_null(domain),
            "url.path": url["url.path"],
            "url.query": url["url.query"],
            "message": text("msg", "message"),
            "labels": said.labels(
                without=_SILENT,
                more={
                    "http_version": protocol,
                    "x_forwarded_for": forwarded,
                    "proxy": ends["proxy"],
                },
            ),
        },
        schema_overrides={"@timestamp": INSTANT},
    ).with_columns(
        pl.lit("web").alias("event.category"),
        pl.lit("http_request").alias("event.action"),
        pl.lit("http").alias("network.protocol"),
        pl.when(pl.lit(protocol.str.contains(r"^(?:HTTP/)?3")))
        .then(pl.lit("udp"))
        .otherwise(pl.lit("tcp"))
        .alias("network.transport"),
        outcome(status),
    )
    return frame.select(pl.when(pl.lit(known.fill_null(False))).then(pl.all()).name.keep())


def _dataset(said: _json.Documents, context: Context) -> pl.Series:
    """Whose document it is, by the keys it has; null for those that are no access log."""
    caddy = said.has("request.method") & said.has("request.uri") & said.has("status")
    traefik = said.has("RequestMethod") & said.has("RequestPath") & said.has("ClientHost")
    plain = said.has("request") & ~caddy
    method = caddy & False
    for name in _METHOD[1:]:
        method |= said.has(name)
    for name in _TARGET[1:]:
        plain |= said.has(name) & method
    for name in _OTHERS:
        plain &= ~said.has(name)
    path = context.file_name.lower()
    other = "apache.access" if "apache" in path or "httpd" in path else "nginx.access"
    return (
        pl.DataFrame({"caddy": caddy, "traefik": traefik, "plain": plain})
        .select(
            pl.when("caddy")
            .then(pl.lit("caddy.access"))
            .when("traefik")
            .then(pl.lit("traefik.access"))
            .when("plain")
            .then(pl.lit(other))
            .alias("event.dataset")
        )
        .to_series()
    )


def _time(texts: pl.Series) -> pl.Series:
    # nginx writes 22/Nov/2026:…, Caddy may write 2026/11/22 09:58:49.250
    shaped = texts.str.replace(r"^(\d{4})/(\d\d)/(\d\d) ", "${1}-${2}-${3}T")
    time = instants(shaped)
    return time.fill_null(instant(texts)) if time.null_count() > texts.null_count() else time


def _duration(said: _json.Documents) -> pl.Series:
    """Nanoseconds: nginx and Caddy count seconds, Traefik nanoseconds."""
    seconds = said.number("request_time", "duration")
    exact = said.integer("Duration")
    return exact.fill_null((seconds * 1e9).round().cast(pl.Int64, strict=False))


PARSER = WebJson()
