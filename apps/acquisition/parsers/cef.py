"""ArcSight's Common Event Format, bare or behind a syslog head.

Format: "Implementing ArcSight Common Event Format", versions 0 and 1; its extension dictionary.
"""

from __future__ import annotations

import polars as pl

from apps.acquisition.parsers import _pairs, _rows
from apps.acquisition.parsers._http import split_target
from apps.acquisition.parsing import Context, Parsed, share

_MARK = "CEF:"
_FIELD = r"(?:[^|\\]|\\.)*"
_HEAD = (
    rf"^CEF: ?\d{{1,2}}(?:\.\d)?\|(?P<vendor>{_FIELD})\|(?P<product>{_FIELD})\|(?P<version>{_FIELD})"
    rf"\|(?P<code>{_FIELD})\|(?P<name>{_FIELD})\|(?P<severity>{_FIELD})(?:\|(?P<rest>.*))?$"
)
_KEY = r"(?:^|\s)([A-Za-z0-9_.\[\]-]{1,63})="
_LABEL = r"^((?:cs|cn|cfp|c6a|flexString|flexNumber|flexDate|deviceCustom\w{1,20}?)\d{1,2})Label$"
_SEVERITIES = {"low": "low", "medium": "medium", "high": "high", "very-high": "very-high"}
_KEYS = (
    *("src", "spt", "shost", "in", "dst", "dpt", "dhost", "out", "proto", "app", "suser", "duser"),
    *("sntdom", "dntdom", "act", "outcome", "msg", "rt", "start", "end", "dvchost", "request"),
    *("requestMethod", "requestClientApplication", "requestContext", "fname", "filePath", "fsize"),
    *("fileHash", "sproc", "spid", "dproc", "dpid", "deviceProcessName", "deviceProcessId"),
    *("deviceDirection", "deviceHostName", "c6a2", "c6a3", "cat", "sourceServiceName"),
)


class Cef:
    name = "cef"

    def sniff(self, lines: pl.Series) -> float:
        return share(lines.str.contains(r"(?:^|[\s>])CEF: ?\d{1,2}(?:\.\d)?\|.*\|.*\|"))

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        here = _pairs.marked(lines, _MARK, context.received)
        if not here.height:
            return Parsed.of(_rows.placed(lines.len()))
        head = here["body"].str.extract_groups(_HEAD).struct.unnest()
        ours = head["severity"].is_not_null()
        here, head = here.filter(ours), head.filter(ours)
        if not here.height:
            return Parsed.of(_rows.placed(lines.len()))
        frame = _records(here, head, context)
        return Parsed.of(_rows.placed(lines.len(), frame.with_columns(here["_row"])))


def _records(here: pl.DataFrame, head: pl.DataFrame, context: Context) -> pl.DataFrame:
    head = head.with_columns(
        _plain(_guarded(head[name])).alias(name) for name in head.columns if name != "rest"
    )
    rest = _guarded(head["rest"].fill_null(""))
    rest = rest.str.replace_all(_KEY, f"{_pairs.PAIR}${{1}}{_pairs.EQUALS}")
    said = _pairs.Pairs.of(_plain(rest), _KEYS)
    text, integer = said.text, said.integer
    url = _pairs.url_of(text("request"))
    parts = split_target(url)
    source_user, target_user = text("suser"), text("duser")
    severity = head["severity"].str.strip_chars()
    when = _pairs.times(text("rt", "start", "end"), context.received)
    message = text("msg")
    method = text("requestMethod")
    frame = pl.DataFrame(
        {
            "@timestamp": when.fill_null(here["time"]),
            "event.dataset": pl.Series(["cef.log"]).new_from_index(0, here.height),
            "event.action": _pairs.word(text("act")),
            "event.outcome": text("outcome"),
            "event.code": head["code"],
            "event.provider": (head["vendor"] + " " + head["product"]).str.strip_chars(),
            "event.severity": severity.cast(pl.Int64, strict=False),
            "log.level": severity.str.to_lowercase().replace_strict(
                _SEVERITIES, default=None, return_dtype=pl.String
            ),
            "source.ip": text("src", "c6a2"),
            "source.domain": text("shost"),
            "source.port": integer("spt"),
            "source.bytes": integer("in"),
            "destination.ip": text("dst", "c6a3"),
            "destination.domain": text("dhost"),
            "destination.port": integer("dpt"),
            "destination.bytes": integer("out"),
            "network.transport": text("proto").str.to_lowercase(),
            "network.protocol": text("app").str.to_lowercase(),
            "network.direction": text("deviceDirection").replace({"0": "inbound", "1": "outbound"}),
            "host.name": text("dvchost", "deviceHostName").fill_null(here["host"]),
            "user.name": source_user.fill_null(target_user),
            "user.domain": text("sntdom", "dntdom"),
            "user.target.name": target_user.set(source_user.is_null(), None),
            "process.name": text("sproc", "deviceProcessName", "dproc"),
            "process.pid": integer("spid", "deviceProcessId", "dpid"),
            "rule.id": head["code"],
            "rule.name": head["name"],
            "http.request.method": method,
            "http.request.referrer": text("requestContext"),
            "url.original": url,
            "url.domain": parts["url.domain"].fill_null(text("dhost").set(method.is_null(), None)),
            "url.path": parts["url.path"],
            "url.query": parts["url.query"],
            "user_agent.original": text("requestClientApplication"),
            "file.path": text("filePath", "fname"),
            "file.size": integer("fsize"),
            "file.hash.sha256": _pairs.sha256_of(text("fileHash")),
            "message": message.fill_null(head["name"]),
        }
    )
    frame = _pairs.category(frame, head["name"] + " " + text("cat").fill_null(""))
    said.taken.difference_update({"cat", "outcome", "c6a2", "c6a3", "fileHash"})
    given = said.table.filter(pl.col("key").str.contains(_LABEL)).select(
        "_row", pl.col("key").str.extract(_LABEL, 1), pl.col("value").alias("name")
    )
    said.taken.update(key + "Label" for key in given["key"].unique())
    return frame.with_columns(said.labels(given))


def _guarded(texts: pl.Series) -> pl.Series:
    """Texts whose escaped backslashes cannot be taken for others any more."""
    clean = texts.str.replace_all("[\x1d-\x1f]", " ")
    return clean.str.replace_all("\\\\", _pairs.BACKSLASH, literal=True)


def _plain(texts: pl.Series) -> pl.Series:
    """Texts with the format's escapes undone."""
    if texts.str.contains("\\", literal=True).any():
        for escaped, meant in (("\\=", "="), ("\\|", "|"), ("\\n", "\n"), ("\\r", "\r")):
            texts = texts.str.replace_all(escaped, meant, literal=True)
    return texts.str.replace_all(_pairs.BACKSLASH, "\\", literal=True)


PARSER = Cef()
