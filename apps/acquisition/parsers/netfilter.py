"""What the Linux firewall logs of packets: LOG of iptables and nftables, ufw, firewalld, Shorewall.

Format: the kernel's nf_log_ipv4, nf_log_ipv6 and nf_log_arp; a prefix of the administrator's stands
before it. What became of the packet is said only where the prefix says it.
"""

from __future__ import annotations

import polars as pl

from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsing import Context, Parsed, share

_MARK = r"IN=\S* OUT=\S* (?:[A-Z]+=\S* )*SRC=[0-9A-Fa-f.:]+ DST=[0-9A-Fa-f.:]+ "
_WRITERS = "kernel|klogd|vmunix|ulogd"
# Other programs' lines may quote what looks like a packet: behind a program's name that is not the
# kernel's, it is not one.
_REST = (
    rf"^(?:(?:{_WRITERS})(?:\[\d+\])?: +)?(?:\[ *\d+\.\d+\] ?)?"
    r"(?P<prefix>(?:[^:=\[]|:[^ =]|\[[^\d=])*(?:: ?)?)(?P<packet>IN=\S* OUT=(?s:.*))$"
)
_LOOSE = r"(?P<rest>(?s:.*))$"
# rule sets of EdgeOS and VyOS end their prefixes in -A, -D or -R
_BLOCKED = (
    r"(?i)(?:^|[^a-z])(?:block|blocked|drop|dropped|reject|rejected|deny|denied|discard)(?:[^a-z]|$)"
    r"|-[DR]\]$"
)
_ALLOWED = (
    r"(?i)(?:^|[^a-z])(?:allow|allowed|accept|accepted|pass|permit|permitted)(?:[^a-z]|$)|-A\]$"
)
_LABELS = {
    "in": "IN",
    "out": "OUT",
    "mac": "MAC",
    "ttl": "TTL",
    "hop_limit": "HOPLIMIT",
    "tos": "TOS",
    "id": "ID",
    "window": "WINDOW",
    "icmp_type": "TYPE",
    "icmp_code": "CODE",
    "uid": "UID",
    "gid": "GID",
    "mark": "MARK",
    "physin": "PHYSIN",
    "physout": "PHYSOUT",
}
_FLAGS = r"RES=\S+ ((?:CWR |ECE |URG |ACK |PSH |RST |SYN |FIN )+)"


class Netfilter:
    name = "netfilter"

    def sniff(self, lines: pl.Series) -> float:
        return share(lines.str.contains(_MARK))

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        # a document that holds such a line is no line
        ours = lines.str.contains(_MARK) & ~lines.str.contains(r"^\s*\{")
        rows = ours.fill_null(False).arg_true()
        if not rows.len():
            return Parsed.none(lines)
        able = lines.gather(rows)
        found = able.str.extract_groups(_syslog.HEAD + _LOOSE).struct.unnest()
        rest = found["rest"].fill_null(able)
        newer = able.str.contains(r"^<\d+>\d ").arg_true()
        head = found.select("host", "priority").with_columns(
            _syslog.times(found, context.received).alias("time")
        )
        if newer.len():
            other = _syslog.split(able.gather(newer), context.received)
            ours = other["program"].str.contains(f"^(?:{_WRITERS})$").fill_null(True)
            rest = rest.scatter(newer, other["message"].set(~ours, "").fill_null(""))
            head = head.with_columns(
                head[name].scatter(newer, other[name]) for name in head.columns
            )
        body = rest.str.extract_groups(_REST).struct.unnest()
        known = body["packet"].is_not_null()
        rows, head, body = rows.filter(known), head.filter(known), body.filter(known)
        nothing = pl.lit(None, dtype=pl.String)
        told = _syslog.told(head.with_columns(nothing.alias("program"), nothing.alias("pid")))
        read = _packets(body["prefix"], body["packet"]).hstack(
            told.drop("process.name", "process.pid")
        )
        return Parsed.of(_syslog.place(read, rows, lines.len()))


def _packets(prefixes: pl.Series, packets: pl.Series) -> pl.DataFrame:
    """What stood before the packets, and the packets → records."""
    # an ICMP error quotes the packet it answers in brackets
    outer = packets.str.extract(r"^([^\[]*)", 1)
    prefix = prefixes.str.strip_chars(" :-")
    prefix = prefix.set(prefix == "", None)
    # the interface is a name, and a name may hold a word: only the prefix counts
    blocked = prefix.str.contains(_BLOCKED).fill_null(False)
    allowed = prefix.str.contains(_ALLOWED).fill_null(False) & ~blocked
    inside, outside = _field(outer, "IN"), _field(outer, "OUT")
    told = pl.DataFrame({name: _field(outer, key) for name, key in _LABELS.items()})
    told = told.with_columns(
        outer.str.extract(_FLAGS, 1).str.strip_chars().str.replace_all(" ", ",").alias("tcp_flags")
    )
    table = pl.DataFrame({"blocked": blocked, "allowed": allowed, "in": inside, "out": outside})
    verdict = table.select(
        pl.when("blocked")
        .then(pl.lit("packet_blocked"))
        .when("allowed")
        .then(pl.lit("packet_allowed"))
        .otherwise(pl.lit("packet_logged"))
        .alias("event.action"),
        pl.when("blocked")
        .then(pl.lit("failure"))
        .when("allowed")
        .then(pl.lit("success"))
        .alias("event.outcome"),
        pl.when((pl.col("in") != "") & (pl.col("out") == ""))
        .then(pl.lit("inbound"))
        .when((pl.col("in") == "") & (pl.col("out") != ""))
        .then(pl.lit("outbound"))
        .alias("network.direction"),
    )
    return verdict.with_columns(
        pl.lit("iptables.log").alias("event.dataset"),
        pl.lit("network").alias("event.category"),
        _field(outer, "SRC").alias("source.ip"),
        _number(outer, "SPT").alias("source.port"),
        _field(outer, "DST").alias("destination.ip"),
        _number(outer, "DPT").alias("destination.port"),
        _transport(_field(outer, "PROTO")).alias("network.transport"),
        _number(outer, "LEN").alias("network.bytes"),
        pl.lit(1, dtype=pl.Int64).alias("network.packets"),
        prefix.alias("rule.name"),
        (prefixes + packets).str.strip_chars().alias("message"),
        _labels.of(told),
    )


def _field(packets: pl.Series, key: str) -> pl.Series:
    """The first value of a key: UDP names a second length behind the packet's."""
    return packets.str.extract(rf"(?:^| ){key}=(\S*)", 1)


def _number(packets: pl.Series, key: str) -> pl.Series:
    return _field(packets, key).cast(pl.Int64, strict=False)


def _transport(names: pl.Series) -> pl.Series:
    numbers = {"1": "icmp", "2": "igmp", "6": "tcp", "17": "udp", "47": "gre", "58": "ipv6-icmp"}
    return names.str.to_lowercase().replace(numbers).replace({"icmpv6": "ipv6-icmp"})


PARSER = Netfilter()
