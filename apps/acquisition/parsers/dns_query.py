"""Query logs of name servers: BIND, dnsmasq and Unbound, in files of their own or through syslog.

Formats: BIND 9 reference, "logging" (queries, query-errors, security, rpz); dnsmasq `log-queries`
(also `extra`); unbound.conf, `log-queries`, `log-replies`, `log-local-actions`.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from apps.acquisition.frames import INSTANT, instants, local, since_epoch
from apps.acquisition.parsers import _labels, _lines, _rows, _syslog
from apps.acquisition.parsing import Context, Parsed, share

_HEAD = (
    r"^(?:<\d{1,3}>)?(?:(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d)(?:\.\d+)?"
    r"|(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)"
    r"|(?P<dated>\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d\.\d{3})|\[(?P<epoch>\d{9,11})\]) "
    r"(?:(?:(?P<host>[^\s\[\]:]+) )?(?P<program>dnsmasq|named|unbound)(?:\[(?P<pid>\d+)(?::\w+)?\])?:? )?"
    r"(?P<body>.*)$"
)
_BIND = (
    r"^(?:\d\d-[A-Z][a-z]{2}-\d{4} \S+ )?(?:[a-z-]{3,20}: )?(?:(?:info|error|notice|warning|debug \d+): )?"
    r"client (?:@0x[0-9a-f]+ )?(?P<address>[0-9a-fA-F.:]+)(?:%\w+)?#(?P<port>\d+)(?:/key \S+)?"
    r"(?: \(\S*\))?: (?:view (?P<view>[^\s:]+): )?(?P<rest>.*)$"
)
_ADDRESS = r"(?P<address>[0-9a-fA-F.:]+)"
_EXTRA = r"^(?:(?P<serial>\d+) (?P<client>[0-9a-fA-F.:]+)/(?P<client_port>\d+) )?"
_TAG = r"^(?:\[\d+:\w+\] )?(?:info|query|reply): "
_SNIFF = (
    r"(?:^|[\s:])client (?:@0x[0-9a-f]+ )?[0-9a-fA-F.:]+#\d+(?: \(\S*\))?: (?:view \S+: )?(?:query|rpz|zone t)"
    r"|dnsmasq(?:\[\d+\])?: (?:\d+ \S+/\d+ )?(?:query\[|reply |cached |forwarded |config |validation )"
    r"|unbound(?:\[[\d:]+\])?:? (?:\[\d+:\w+\] )?(?:info|query|reply): \S+ \S+\.? [A-Z0-9]+ (?:IN|CH|HS)\b"
)
_FAILED = ("NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "NOTAUTH", "BOGUS")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Messages of a program that match `pattern`, whose groups are named like what they fill."""

    program: str
    mark: str
    pattern: str
    action: str
    outcome: str | None = None


_RULES = (
    _Rule(
        "named",
        "query: ",
        r"^query: (?P<name>\S+) (?P<class>[A-Z0-9]+) (?P<type>[A-Z0-9-]+) (?P<flags>[-+]\S*)"
        r"(?: \((?P<server>[^)\s]+)\))?",
        "dns_query",
    ),
    _Rule(
        "named",
        "response: ",
        r"^response: (?P<name>\S+) (?P<class>[A-Z0-9]+) (?P<type>[A-Z0-9-]+) (?P<rcode>[A-Z]+) "
        r"(?P<flags>[-+]\S*)",
        "dns_answer",
    ),
    _Rule(
        "named",
        "denied",
        r"^query(?: \(cache\))? '(?P<name>.*)/(?P<type>[^/']+)/(?P<class>[A-Z]+)' denied",
        "dns_denied",
        "failure",
    ),
    _Rule(
        "named",
        "query failed",
        r"^query failed \((?P<reason>[^)]*)\) for (?P<name>\S+)/(?P<class>[A-Z]+)/(?P<type>\S+) at ",
        "dns_answer",
        "failure",
    ),
    _Rule(
        "named",
        "rpz ",
        r"^(?:disabled )?rpz (?P<trigger>\S+) (?P<policy>\S+) rewrite (?P<name>\S+)/(?P<type>[^/\s]+)"
        r"/(?P<class>[A-Z]+) via (?P<via>\S+)",
        "dns_blocked",
    ),
    _Rule(
        "named",
        "transfer",
        r"^zone transfer '(?P<name>[^']*)/(?P<type>AXFR|IXFR)/(?P<class>[A-Z]+)' denied",
        "zone_transfer",
        "failure",
    ),
    _Rule(
        "named",
        "transfer of",
        r"^transfer of '(?P<name>[^']*)/(?P<class>[A-Z]+)': (?P<type>AXFR|IXFR) started",
        "zone_transfer",
        "success",
    ),
    _Rule(
        "dnsmasq",
        " from ",
        rf"{_EXTRA}(?:query|auth)\[(?P<type>[^\]\s]+)\] (?P<name>.*) from {_ADDRESS}$",
        "dns_query",
    ),
    _Rule(
        "dnsmasq",
        "forwarded ",
        rf"{_EXTRA}forwarded (?P<name>.*) to (?P<server>[0-9a-fA-F.:]+)(?:#\d+)?$",
        "dns_forward",
    ),
    _Rule(
        "dnsmasq",
        "blocked ",
        rf"{_EXTRA}(?P<via>gravity blocked|exactly blacklisted|regex blacklisted) (?P<name>.*) is "
        r"(?P<answer>\S+)$",
        "dns_blocked",
    ),
    _Rule(
        "dnsmasq",
        " is ",
        rf"{_EXTRA}(?P<via>reply|cached(?:-stale)?|config|DHCP|validation|/\S+) (?P<name>.*) is "
        r"(?P<answer>\S.*)$",
        "dns_answer",
    ),
    _Rule(
        "unbound",
        ": ",
        rf"{_TAG}{_ADDRESS} (?P<name>\S+) (?P<type>\S+) (?P<class>IN|CH|HS|ANY|CLASS\d+) "
        r"(?P<rcode>[A-Z]+|-) (?P<seconds>[\d.]+|-) (?P<cached>[01-]) (?P<size>\d+|-)(?: .*)?$",
        "dns_answer",
    ),
    _Rule(
        "unbound",
        ": ",
        rf"{_TAG}{_ADDRESS} (?P<name>\S+) (?P<type>\S+) (?P<class>IN|CH|HS|ANY|CLASS\d+)$",
        "dns_query",
    ),
    _Rule(
        "unbound",
        "@",
        rf"{_TAG}(?P<via>\S+) (?P<policy>[a-z_]+) {_ADDRESS}@(?P<port>\d+) (?P<name>\S+) "
        r"(?P<type>\S+) (?P<class>\S+)$",
        "dns_local",
    ),
    _Rule(
        "unbound",
        "SERVFAIL",
        r"^(?:\[\d+:\w+\] )?error: (?P<rcode>SERVFAIL) <(?P<name>\S+) (?P<type>\S+) (?P<class>\S+)>: "
        r"(?P<reason>.*)$",
        "dns_answer",
        "failure",
    ),
)
_SAID = {
    **dict.fromkeys(("name", "type", "class", "flags", "server", "rcode", "answer", "via")),
    **dict.fromkeys(("reason", "trigger", "policy", "address", "port", "serial", "client")),
    **dict.fromkeys(("client_port", "seconds", "cached", "size", "action", "outcome", "view")),
}
_DATASETS = {"named": "bind.query", "dnsmasq": "dnsmasq.query", "unbound": "unbound.query"}


class DnsQuery:
    name = "dns_query"

    def sniff(self, lines: pl.Series) -> float:
        return share(lines.str.contains(_SNIFF))

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        rows = lines.str.contains(r"client |dnsmasq|unbound").fill_null(False).arg_true()
        if not rows.len():
            return Parsed.of(_rows.placed(lines.len()))
        head = _heads(lines.gather(rows), context).with_columns(rows.alias("_row"))
        read = _read(head)
        return Parsed.of(_rows.placed(lines.len(), read))


def _heads(lines: pl.Series, context: Context) -> pl.DataFrame:
    """Time, host, program, pid and body, in files of their own or behind heads of syslog."""
    found = lines.str.extract_groups(_HEAD).struct.unnest()
    time = instants(found["iso"], context.received).fill_null(
        since_epoch(found["epoch"].cast(pl.Float64, strict=False)).cast(INSTANT)
    )
    dated = found["dated"].str.to_datetime(
        "%d-%b-%Y %H:%M:%S%.f", time_unit="us", time_zone="UTC", strict=False
    )
    time = time.fill_null(local(dated.cast(INSTANT), context.received))
    if found["month"].null_count() < found.height:
        time = time.fill_null(
            _syslog.with_year(found["month"], found["day"], found["clock"], context.received)
        )
    syslog = _lines.bodies(lines, context.received)
    own = found["program"].is_not_null() | found["body"].str.contains(_BIND).fill_null(False)
    named = pl.Series(["named"]).new_from_index(0, lines.len())
    return pl.DataFrame(
        {
            "time": time.zip_with(own, syslog["time"]),
            "host": found["host"].zip_with(own, syslog["host"]),
            # BIND's own files name no program, nor do lines without any head
            "program": found["program"].zip_with(own, syslog["program"]).fill_null(named),
            "pid": found["pid"].zip_with(own, syslog["pid"]),
            "body": found["body"].zip_with(own, syslog["body"]),
        }
    )


def _read(head: pl.DataFrame) -> pl.DataFrame:
    bind = (head["program"] == "named").fill_null(False)
    client = head["body"].set(~bind, None).str.extract_groups(_BIND).struct.unnest()
    table = head.with_columns(
        client["view"],
        client["address"].alias("from"),
        client["port"].alias("from_port"),
        client["rest"].zip_with(bind, head["body"]).alias("message"),
        head["body"].alias("whole"),
    ).filter(pl.col("message").is_not_null())
    done = []
    for rule in _RULES:
        able = table.filter(
            (pl.col("program") == rule.program)
            & pl.col("message").str.contains(rule.mark, literal=True)
        )
        if not able.height:
            continue
        found = able["message"].str.extract_groups(rule.pattern).struct.unnest()
        matched = found["name"].is_not_null()
        kept = able.select(pl.exclude("view")).hstack(found).filter(matched)
        done.append(
            kept.with_columns(
                able["view"].filter(matched),
                pl.lit(rule.action).alias("action"),
                pl.lit(rule.outcome, dtype=pl.String).alias("outcome"),
            )
        )
        if kept.height:
            table = table.join(kept.select("_row"), on="_row", how="anti", maintain_order="left")
    if not done:
        return pl.DataFrame(schema={"_row": pl.UInt32(), "event.dataset": pl.String()})
    said = pl.concat(done, how="diagonal_relaxed")
    missing = [name for name in _SAID if name not in said.columns]
    return _records(
        said.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing)
    )


def _records(said: pl.DataFrame) -> pl.DataFrame:
    answer = said["answer"]
    word = answer.str.extract(r"^(NXDOMAIN|NODATA|SERVFAIL|REFUSED|FORMERR|NOTIMP|BOGUS)", 1)
    rcode = _lines.told(said["rcode"]).fill_null(word.replace({"NODATA": "NOERROR"}))
    named = said["name"] != "error"  # dnsmasq: "reply error is SERVFAIL"
    said = said.with_columns(rcode.alias("rcode"))
    bind = (said["program"] == "named").fill_null(False)
    outcome = (
        pl.when(pl.col("outcome").is_not_null())
        .then("outcome")
        .when(pl.col("rcode").is_in(_FAILED))
        .then(pl.lit("failure"))
        .when(pl.col("action") == "dns_answer")
        .then(pl.lit("success"))
    )
    told = said.select(pl.col("flags", "view", "class", "via", "reason", "trigger", "policy"))
    told = told.with_columns(
        said["serial"],
        said["seconds"],
        said["size"],
        _lines.told(said["cached"]).alias("cached"),
        said["class"].set((said["class"] == "IN").fill_null(False), None).alias("class"),
    )
    tcp = said["flags"].str.contains("T", literal=True)
    transport = tcp.replace_strict({True: "tcp", False: "udp"}, return_dtype=pl.String)
    seconds = said["seconds"].cast(pl.Float64, strict=False)
    return pl.DataFrame(
        {
            "_row": said["_row"],
            "@timestamp": said["time"],
            "event.dataset": said["program"].replace(_DATASETS),
            "event.category": pl.Series(["dns"]).new_from_index(0, said.height),
            "event.action": said["action"],
            "event.outcome": said.select(outcome.alias("outcome")).to_series(),
            "event.duration": (seconds * 1e9).cast(pl.Int64, strict=False),
            "source.ip": said["from"].zip_with(bind, said["address"].fill_null(said["client"])),
            "source.port": said["from_port"]
            .fill_null(said["port"])
            .fill_null(said["client_port"])
            .cast(pl.Int64, strict=False),
            "destination.ip": said["server"].str.replace(r"#\d+$", ""),
            "network.protocol": pl.Series(["dns"]).new_from_index(0, said.height),
            "network.transport": transport,
            "host.name": said["host"],
            "process.name": said["program"],
            "process.pid": said["pid"].cast(pl.Int64, strict=False),
            "dns.question.name": _trimmed(said["name"].set(~named, None)),
            "dns.question.type": said["type"],
            "dns.response_code": said["rcode"],
            "dns.answers": answer.set(
                word.is_not_null() | answer.str.starts_with("<").fill_null(False), None
            ),
            "message": said["whole"],
            "labels": _labels.of(told),
        }
    )


def _trimmed(names: pl.Series) -> pl.Series:
    """Names without the dot at their end; the root stays a dot."""
    return names.str.replace(r"(.)\.$", "${1}")


PARSER = DnsQuery()
