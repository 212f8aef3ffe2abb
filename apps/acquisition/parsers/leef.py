"""QRadar's Log Event Extended Format, versions 1.0 and 2.0, bare or behind a syslog head.

Format: IBM QRadar, "Log Event Extended Format (LEEF)": version 2.0 names its own delimiter.
"""

from __future__ import annotations

import re

import polars as pl

from apps.acquisition.frames import INSTANT, believable, local
from apps.acquisition.parsers import _pairs, _rows
from apps.acquisition.parsers._http import split_target
from apps.acquisition.parsing import Context, Parsed, share

_MARK = "LEEF:"
_HEAD = (
    r"^LEEF: ?(?P<major>[12])(?:\.\d)?\|(?P<vendor>[^|]*)\|(?P<product>[^|]*)\|(?P<version>[^|]*)"
    r"\|(?P<code>[^|]*)(?:\|(?P<rest>.*))?$"
)
_DELIMITED = r"^(?P<delimiter>(?:0?x[0-9A-Fa-f]{1,4}|[^0-9A-Za-z=|]|))\|(?P<rest>.*)$"
_MOST = 20  # delimiters, and formats of times, that one batch may have
_JAVA = (
    *(("yyyy", "%Y"), ("yy", "%y"), ("MMM", "%b"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H")),
    *(("mm", "%M"), ("ss", "%S"), (".SSS", "%.f"), ("XXX", "%#z"), ("zzz", "%#z"), ("z", "%#z")),
    *(("Z", "%#z"), ("X", "%#z")),
)
_KEYS = (
    *("devTime", "devTimeFormat", "cat", "sev", "src", "dst", "srcPort", "dstPort", "proto"),
    *("usrName", "accountName", "identHostName", "srcBytes", "dstBytes", "srcPackets"),
    *("dstPackets", "url", "domain", "policy", "action", "resource", "msg", "realm", "method"),
    *("requestMethod", "userAgent", "fileName", "fileHash", "sha256", "devName"),
)


class Leef:
    name = "leef"

    def sniff(self, lines: pl.Series) -> float:
        return share(lines.str.contains(r"(?:^|[\s>])LEEF: ?[12](?:\.\d)?\|.*\|.*\|"))

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        here = _pairs.marked(lines, _MARK, context.received)
        head = here["body"].str.extract_groups(_HEAD).struct.unnest()
        ours = head["code"].is_not_null()
        here, head = here.filter(ours), head.filter(ours)
        if not here.height:
            return Parsed.of(_rows.placed(lines.len()))
        frame = _records(here, head, context)
        return Parsed.of(_rows.placed(lines.len(), frame.with_columns(here["_row"])))


def _records(here: pl.DataFrame, head: pl.DataFrame, context: Context) -> pl.DataFrame:
    said = _pairs.Pairs.of(_parted(head), _KEYS)
    text, integer = said.text, said.integer
    url = _pairs.url_of(text("url"))
    parts = split_target(url)
    category = text("cat")
    frame = pl.DataFrame(
        {
            "@timestamp": _times(text("devTime"), text("devTimeFormat"), context).fill_null(
                here["time"]
            ),
            "event.dataset": pl.Series(["leef.log"]).new_from_index(0, here.height),
            "event.action": _pairs.word(text("action")).fill_null(_pairs.word(head["code"])),
            "event.outcome": pl.Series([None], dtype=pl.String).new_from_index(0, here.height),
            "event.code": head["code"],
            "event.provider": (head["vendor"] + " " + head["product"]).str.strip_chars(),
            "event.severity": integer("sev"),
            "source.ip": text("src"),
            "source.port": integer("srcPort"),
            "source.bytes": integer("srcBytes"),
            "source.packets": integer("srcPackets"),
            "destination.ip": text("dst"),
            "destination.port": integer("dstPort"),
            "destination.bytes": integer("dstBytes"),
            "destination.packets": integer("dstPackets"),
            "network.transport": text("proto").str.to_lowercase(),
            "host.name": text("devName").fill_null(here["host"]),
            "user.name": text("usrName", "accountName"),
            "user.domain": text("domain"),
            "rule.id": head["code"],
            "rule.name": text("policy"),
            "http.request.method": text("requestMethod", "method"),
            "url.original": url,
            **{name: parts[name] for name in parts.columns},
            "user_agent.original": text("userAgent"),
            "file.path": text("fileName"),
            "file.hash.sha256": _pairs.sha256_of(text("sha256", "fileHash")),
            "message": text("msg"),
        }
    )
    frame = _pairs.category(frame, head["code"] + " " + category.fill_null(""))
    said.taken.difference_update({"cat", "realm", "fileHash"})
    return frame.with_columns(said.labels())


def _parted(head: pl.DataFrame) -> pl.Series:
    """Attributes with the marks of `_pairs` in place of the delimiter and the equals sign."""
    rest = head["rest"].fill_null("").str.replace_all("[\x1d-\x1f]", " ")
    second = (head["major"] == "2").fill_null(False)
    named = rest.str.extract_groups(_DELIMITED).struct.unnest()
    own = second & named["rest"].is_not_null()
    rest = named["rest"].zip_with(own, rest)
    delimiter = named["delimiter"].set(~own, None).fill_null("")
    parted = rest
    for text in delimiter.unique().to_list()[:_MOST]:
        mask = delimiter == text
        parted = rest.str.replace_all(_character(text), _pairs.PAIR, literal=True).zip_with(
            mask, parted
        )
    # only the first equals sign of a pair parts it
    return parted.str.replace_all(
        rf"(^|{_pairs.PAIR})([^={_pairs.PAIR}]{{1,63}})=", f"${{1}}${{2}}{_pairs.EQUALS}"
    )


def _character(delimiter: str) -> str:
    if len(delimiter) > 1:
        number = int(delimiter.rpartition("x")[2], 16)
        return chr(number) if 0 < number < 0xD800 else "\t"
    return delimiter or "\t"


def _times(texts: pl.Series, formats: pl.Series, context: Context) -> pl.Series:
    """Times in the formats that events name, as Java writes them, or in a usual one."""
    time = _pairs.times(texts, context.received)
    for java in formats.drop_nulls().unique().to_list()[:_MOST]:
        here = (formats == java).fill_null(False) & texts.is_not_null()
        time = _in_format(texts, java, context).fill_null(time).zip_with(here, time)
    return time


def _in_format(texts: pl.Series, java: str, context: Context) -> pl.Series:
    python = re.sub(r"'([^']*)'", r"\1", java)[:60].replace("%", "%%")
    for theirs, ours in _JAVA:
        python = re.sub(rf"(?<![%#A-Za-z.]){re.escape(theirs)}(?![A-Za-z])", ours, python, count=1)
    try:
        if python.endswith("%#z"):
            read = texts.str.to_datetime(python, time_unit="us", time_zone="UTC", strict=False)
        else:
            read = texts.str.to_datetime(python, time_unit="us", strict=False)
            read = local(believable(read.dt.replace_time_zone("UTC")), context.received)
    except (pl.exceptions.PolarsError, ValueError):
        return pl.Series([None], dtype=INSTANT).new_from_index(0, texts.len())
    return believable(read)


PARSER = Leef()
