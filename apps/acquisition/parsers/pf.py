"""What BSD's packet filter logs: pflog as tcpdump prints it, and the filterlog of pfSense and
OPNsense.

Formats: tcpdump's print-pflog with `-e` and any `-t`, OpenBSD's tcpdump; pfSense documentation, "Raw
Filter Log Format"; OPNsense's filterlog.
"""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from apps.acquisition.frames import INSTANT, instants, since_epoch
from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsing import Context, Parsed

_WORDS = {"block": "packet_blocked", "pass": "packet_allowed", "reject": "packet_blocked"}
_OUTCOMES = {"packet_blocked": "failure", "packet_allowed": "success", "packet_logged": None}
_WAYS = {"in": "inbound", "out": "outbound"}

_MARK = r"rule \S+?\(\w*\):? ?(?:\[[^\]]*\] )?\w+ (?:in|out) on \S+: "
_END_POINT = r"(?P<{0}>\d+\.\d+\.\d+\.\d+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*?)(?:\.(?P<{0}_port>\d+))?"
_TCPDUMP = (
    r"^(?:(?P<stamp>[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?|\d{9,10}\.\d+|\d\d:\d\d:\d\d(?:\.\d+)?) )?"
    r"rule (?P<rule>\S+?)\((?P<reason>\w*)\):? ?(?:\[[^\]]*\] )?(?P<verb>\w+) (?P<way>in|out) on "
    r"(?P<interface>\S+): (?P<rest>(?:\((?P<header>[^()]*(?:\([^()]*\)[^()]*)*)\) *)?(?:IP6? )?"
    + _END_POINT.format("source")
    + " > "
    + _END_POINT.format("target")
    + r": ?(?P<packet>(?s:.*)))$"
)
_WRITERS = "pf|pflogd|tcpdump|pflog"

_FILTERLOG = "filterlog"
_FIELDS = ("rule", "subrule", "anchor", "tracker", "interface", "reason", "verb", "way", "version")
_FIELDS_4 = (
    *(*_FIELDS, "tos", "ecn", "ttl", "id", "offset", "ip_flags", "number", "protocol", "length"),
    *("source", "target"),
)
_FIELDS_6 = (
    *(*_FIELDS, "class", "flow", "ttl", "protocol", "number", "length", "source", "target"),
)
_TCP = ("source_port", "target_port", "data_length", "tcp_flags", "seq", "ack", "window", "urg")
_LABELS = (
    *("interface", "reason", "subrule", "anchor", "tracker", "ttl", "id", "ip_flags"),
    *("tcp_flags", "data_length", "seq", "ack", "window", "icmp_type"),
)


class Pf:
    name = "pf"

    def sniff(self, lines: pl.Series) -> float:
        known = self.parse(lines, Context(datetime(1970, 1, 2, tzinfo=UTC)))
        return int(known.frame["event.dataset"].is_not_null().sum()) / max(lines.len(), 1)

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        height = lines.len()
        parts = []
        marked = lines.str.contains(_MARK).fill_null(False)
        bare = (marked & lines.str.contains(_TCPDUMP)).arg_true()
        if bare.len():
            table = lines.gather(bare).str.extract_groups(_TCPDUMP).struct.unnest()
            times = _times(table["stamp"], context.received)
            parts.append(
                _tcpdump(table).with_columns(bare.alias("_row"), times.alias("@timestamp"))
            )
        rows, head = _syslog.written_by(lines.set(~marked, ""), _WRITERS, context.received)
        if rows.len():
            table = head["message"].str.extract_groups(_TCPDUMP).struct.unnest()
            known = table["verb"].is_not_null()
            read = _tcpdump(table).hstack(_syslog.told(head)).with_columns(rows.alias("_row"))
            parts.append(read.filter(known))
        rows, head = _syslog.written_by(lines, _FILTERLOG, context.received)
        if rows.len():
            read, known = _filterlog(head["message"])
            read = read.hstack(_syslog.told(head)).with_columns(rows.alias("_row"))
            parts.append(read.filter(known))
        if not parts:
            return Parsed.of(_syslog.place(pl.DataFrame(), bare, height))
        together = pl.concat(parts, how="diagonal_relaxed").unique("_row").sort("_row")
        return Parsed.of(_syslog.place(together.drop("_row"), together["_row"], height))


def _times(stamps: pl.Series, received: datetime) -> pl.Series:
    """Dates in all of tcpdump's forms; null for times of day, which name no day."""
    times = pl.Series([None], dtype=INSTANT).new_from_index(0, stamps.len())
    dated = stamps.str.contains("-", literal=True).fill_null(False)
    if dated.any():
        times = times.zip_with(~dated, instants(stamps.set(~dated, None), received))
    seconds = stamps.str.contains(r"^\d+\.\d+$").fill_null(False)
    if seconds.any():
        times = times.zip_with(~seconds, since_epoch(stamps.cast(pl.Float64, strict=False)))
    named = stamps.str.contains(r"^[A-Z]").fill_null(False)
    if named.any():
        # as a syslog line without host and program
        found = (stamps + " ").str.extract_groups(_syslog.HEAD).struct.unnest()
        times = times.zip_with(~named, _syslog.times(found, received))
    return times


def _tcpdump(table: pl.DataFrame) -> pl.DataFrame:
    header, packet = table["header"].fill_null(""), table["packet"].fill_null("")
    said = header.str.extract(r"proto:?\s+([A-Za-z0-9-]+)", 1).str.to_lowercase()
    flags = packet.str.extract(r"^(?:tcp \d+, )?Flags \[([^\]]*)\]", 1)
    lower = packet.str.to_lowercase()
    guessed = pl.select(
        pl.when(
            pl.lit(flags.is_not_null() | lower.str.contains(r"^(?:tcp|[sfrp.]+ \d+:\d+\(|[sfr] )"))
        )
        .then(pl.lit("tcp"))
        .when(pl.lit(lower.str.contains(r"^icmp6")))
        .then(pl.lit("ipv6-icmp"))
        .when(pl.lit(lower.str.contains(r"^icmp")))
        .then(pl.lit("icmp"))
        .when(pl.lit(lower.str.contains(r"^(?:\[[^\]]*\] )?udp|^\d+[+*-]*[ %]")))
        .then(pl.lit("udp"))
    ).to_series()
    length = header.str.extract(r"length (\d+)\s*$", 1)
    return _records(
        table.select("rule", "reason", "interface", "verb", "way").with_columns(
            table["source"],
            table["source_port"],
            table["target"],
            table["target_port"],
            said.fill_null(guessed).alias("protocol"),
            length.alias("length"),
            flags.alias("tcp_flags"),
            header.str.extract(r"ttl (\d+)", 1).alias("ttl"),
            table["rest"].alias("message"),
        ),
        "pf.log",
    )


def _filterlog(messages: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Comma-separated lines → records, and which of them are whole."""
    cells = messages.str.split(",")
    version = cells.list.get(8, null_on_oob=True)
    table = pl.DataFrame({"message": messages})
    for name in dict.fromkeys((*_FIELDS_4, *_FIELDS_6)):
        old = _cell(cells, _FIELDS_4, name)
        new = _cell(cells, _FIELDS_6, name)
        table = table.with_columns(old.zip_with(version == "4", new).alias(name))
    protocol = table["protocol"].str.to_lowercase()
    for place, name in enumerate(_TCP):
        old = cells.list.get(len(_FIELDS_4) + place, null_on_oob=True)
        new = cells.list.get(len(_FIELDS_6) + place, null_on_oob=True)
        more = old.zip_with(version == "4", new)
        has = (protocol == "tcp") | ((protocol == "udp") & (place < 3))
        table = table.with_columns(more.set(~has.fill_null(False), None).alias(name))
    kind = cells.list.get(len(_FIELDS_4), null_on_oob=True)
    icmp = ((protocol == "icmp") & (version == "4")).fill_null(False)
    table = table.with_columns(kind.set(~icmp, None).alias("icmp_type"), protocol.alias("protocol"))
    known = (
        version.is_in(["4", "6"]) & table["target"].is_not_null() & table["way"].is_in(list(_WAYS))
    )
    return _records(table, "pfsense.log"), known.fill_null(False)


def _cell(cells: pl.Series, names: tuple[str, ...], name: str) -> pl.Series:
    if name not in names:
        return pl.Series([None], dtype=pl.String).new_from_index(0, cells.len())
    return cells.list.get(names.index(name), null_on_oob=True)


def _records(table: pl.DataFrame, dataset: str) -> pl.DataFrame:
    """What both formats say, under one set of names → records."""
    action = table["verb"].replace_strict(_WORDS, default="packet_logged")
    protocol = table["protocol"].replace({"icmp6": "ipv6-icmp", "icmpv6": "ipv6-icmp"})
    return pl.DataFrame(
        {
            "event.dataset": pl.Series([dataset]).new_from_index(0, table.height),
            "event.category": pl.Series(["network"]).new_from_index(0, table.height),
            "event.action": action,
            "event.outcome": action.replace_strict(_OUTCOMES, return_dtype=pl.String),
            "source.ip": table["source"],
            "source.port": table["source_port"].cast(pl.Int64, strict=False),
            "destination.ip": table["target"],
            "destination.port": table["target_port"].cast(pl.Int64, strict=False),
            "network.transport": protocol,
            "network.bytes": table["length"].cast(pl.Int64, strict=False),
            "network.packets": pl.Series([1]).new_from_index(0, table.height),
            "network.direction": table["way"].replace_strict(
                _WAYS, default=None, return_dtype=pl.String
            ),
            "rule.id": table["rule"],
            "message": table["message"],
            "labels": _labels.of(table, [name for name in _LABELS if name in table.columns]),
        }
    )


PARSER = Pf()
