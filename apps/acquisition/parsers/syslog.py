"""Any syslog line that no other parser understands: RFC 3164 and RFC 5424.

So that a record says at least when, where, which program and how grave, and what it said.
Formats: RFC 3164 section 4 and what daemons make of it, RFC 5424 section 6.
"""

from __future__ import annotations

import re

import polars as pl

from apps.acquisition.frames import conform
from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsing import Context, Parsed, parse_inside
from apps.contracts import UNPARSED

_LOOSE = (
    _syslog.HEAD
    + r" *(?:-- )?(?:(?P<program>[A-Za-z][\w./-]*)(?: \d[\d.]*)?(?:\[(?P<pid>\d+)\])?(?: \([^)]*\))?: +)?"
    r"(?P<message>(?s:.*))$"
)
_ONLY_PRIORITY = rf"^{_syslog.PRIORITY}(?P<message>(?s:.*\S.*))$"
_ELEMENT = re.compile(r'\[([^\s=\]"]+)((?: +[^\s=\]"]+="(?:[^"\\]|\\.)*")*) *\]', re.DOTALL)
_PARAMETER = re.compile(r'([^\s=\]"]+)="((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\\]])')
_MOST_PARAMETERS = 50
_LONGEST_DATA = 20_000


class Syslog:
    name = "syslog"
    generality = 2

    def sniff(self, _lines: pl.Series) -> float:
        """Never sure: a parser that knows what a program means goes before."""
        return 0.0

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        head = _syslog.split(lines, context.received)
        head = _with_loose(head, lines, context)
        known = head["message"].is_not_null() | head["priority"].is_not_null()
        said = pl.DataFrame(
            {
                "facility": _syslog.facility(head),
                "module": head["module"].str.strip_chars("()"),
                "procid": head["pid"].set(head["pid"].str.contains(r"^\d+$").fill_null(True), None),
                "msgid": head["msgid"],
            }
        )
        labels = _with_structured(_labels.of(said), head["data"])
        constant = {"event.dataset": "syslog", "event.category": "host"}
        frame = _syslog.told(head).with_columns(
            head["message"],
            labels,
            *(
                pl.when(pl.lit(known)).then(pl.lit(value)).alias(name)
                for name, value in constant.items()
            ),
        )
        return Parsed.of(_with_documents(frame, context))


def _with_documents(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Messages that are whole JSON documents, as the parser of these reads them; the head keeps
    what they do not say. Lines of other formats are not looked for: a message is what anybody may
    have a program say."""
    message = frame["message"].str.replace(r"^@cee: *", "")
    rows = message.str.contains(r"^\{.*\}\s*$").fill_null(False).arg_true().cast(pl.UInt32)
    if not rows.len():
        return frame
    parsed = parse_inside(message.gather(rows), context, without=("syslog", "cicflowmeter"))
    done = parsed.frame["event.dataset"].is_not_null()
    done &= parsed.frame["event.dataset"].cast(pl.String) != UNPARSED
    if not done.any():
        return frame
    read = _syslog.place(conform(parsed.frame.filter(done)), rows.filter(done), frame.height)
    inner = read["event.dataset"].is_not_null()
    labels = _labels.joined(read["labels"], frame["labels"])
    return frame.with_columns(
        *(
            read[name].fill_null(frame[name]) if name in frame.columns else read[name]
            for name in read.columns
            if name not in ("message", "labels")
        ),
        read["message"].zip_with(inner, frame["message"]),
        labels.zip_with(inner, frame["labels"]).alias("labels"),
    )


def _with_loose(head: pl.DataFrame, lines: pl.Series, context: Context) -> pl.DataFrame:
    """The heads of lines whose program is not followed by a colon, or that begin with a priority
    only."""
    for pattern in (_LOOSE, _ONLY_PRIORITY):
        missed = (head["message"].is_null() & head["priority"].is_null()).arg_true()
        if not missed.len():
            break
        found = lines.gather(missed).str.extract_groups(pattern).struct.unnest()
        if pattern is _LOOSE:
            dated = found["month"].is_not_null() | found["priority"].is_not_null()
            found = found.with_columns(_syslog.times(found, context.received).alias("time"))
            found = found.with_columns(pl.when(pl.lit(dated)).then(pl.all()).name.keep())
        head = head.with_columns(
            head[name].scatter(missed, found[name])
            for name in found.columns
            if name in head.columns
        )
    return head


def _with_structured(labels: pl.Series, data: pl.Series) -> pl.Series:
    """Labels, and beside them the parameters of structured data as `element.parameter`."""
    rows = data.is_not_null().arg_true()
    if not rows.len():
        return labels
    texts = data.gather(rows)
    distinct = texts.unique()
    pairs = pl.DataFrame(
        [
            (text, key, value)
            for text in distinct.to_list()
            for key, value in _parameters(text)[:_MOST_PARAMETERS]
        ],
        schema={"data": pl.String, "key": pl.String, "value": pl.String},
        orient="row",
    )
    table = pl.DataFrame({"_row": rows.cast(pl.UInt32), "data": texts}).join(pairs, on="data")
    more = _labels.of_pairs(table["_row"], table["key"], table["value"])
    every = pl.DataFrame({"_row": pl.Series(range(data.len()), dtype=pl.UInt32)})
    other = every.join(more, on="_row", how="left", maintain_order="left")["labels"]
    return _labels.joined(labels, other)


def _parameters(data: str) -> list[tuple[str, str]]:
    return [
        (_plain(f"{element}.{name}"), _ESCAPED.sub(r"\1", value))
        for element, inner in _ELEMENT.findall(data[:_LONGEST_DATA])
        for name, value in _PARAMETER.findall(inner)
    ]


def _plain(key: str) -> str:
    return re.sub(r"[^\w.@-]", "_", key)[:100]


PARSER = Syslog()
