"""Argus tables: `ra -c,` by its short or long columns, CTU-13's binetflow, UNSW-NB15 and Bot-IoT.

As `ra`'s manual page, the feature lists of UNSW-NB15 (Moustafa and Slay 2015) and Bot-IoT
(Koroniotis et al. 2019) and CTU-13's notes (Garcia et al. 2014) have it. Durations are in seconds,
gaps between packets in milliseconds. Bytes are those of whole Ethernet frames; of UNSW-NB15 (as its
TCP packets of 40 bytes show) and of NetFlow records they are those of IP packets. Jitter, windows,
losses and what is repeated (`sloss`, `flgs`) have no place among CICFlowMeter's columns.
"""

from __future__ import annotations

import re

import polars as pl

from ml_core.readers.counters import from_counters, payload
from ml_core.readers.flags import bits, from_bits, from_word
from ml_core.readers.frames import Table
from ml_core.readers.told import Told, protocol

# The columns of UNSW-NB15's files as they are published, without a header.
UNSW = (
    "srcip", "sport", "dstip", "dsport", "proto", "state", "dur", "sbytes", "dbytes", "sttl",
    "dttl", "sloss", "dloss", "service", "Sload", "Dload", "Spkts", "Dpkts", "swin", "dwin",
    "stcpb", "dtcpb", "smeansz", "dmeansz", "trans_depth", "res_bdy_len", "Sjit", "Djit", "Stime",
    "Ltime", "Sintpkt", "Dintpkt", "tcprtt", "synack", "ackdat", "is_sm_ips_ports", "ct_state_ttl",
    "ct_flw_http_mthd", "is_ftp_login", "ct_ftp_cmd", "ct_srv_src", "ct_srv_dst", "ct_dst_ltm",
    "ct_src_ltm", "ct_src_dport_ltm", "ct_dst_sport_ltm", "ct_dst_src_ltm", "attack_cat", "Label",
)  # fmt: skip
_TOTAL_PACKETS, _TOTAL_BYTES = ("TotPkts", "pkts"), ("TotBytes", "bytes")
_PACKETS = (("SrcPkts", "spkts"), ("DstPkts", "dpkts"))
_BYTES = (("SrcBytes", "sbytes"), ("DstBytes", "dbytes"))
_ZEEK = ("conn_state", "duration")  # with which packets and bytes of both sides are Zeek's
_FRAME = 14.0  # bytes of an Ethernet frame before its IP packet
# What `ra` calls ports unless it is told -n, as far as it tells what is spoken there.
_PORTS = {
    "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67,
    "bootpc": 68, "http": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "ntp": 123, "epmap": 135,
    "loc-srv": 135, "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139, "imap": 143,
    "imap2": 143, "snmp": 161, "ldap": 389, "https": 443, "microsoft-ds": 445, "submissions": 465,
    "urd": 465, "syslog": 514, "submission": 587, "imaps": 993, "pop3s": 995, "ms-sql-s": 1433,
    "ssdp": 1900, "mysql": 3306, "ms-wbt-server": 3389, "mdns": 5353, "hostmon": 5355,
    "postgresql": 5432, "redis": 6379, "http-alt": 8080, "webcache": 8080,
}  # fmt: skip
_FLAGS = re.compile("^([FSRPAUEC]*)_([FSRPAUEC]*)$")
_CTU = re.compile(r"^(?:flow=)?(from-|to-)?(botnet|normal|background)(?![a-z])", re.IGNORECASE)


def fits(table: Table) -> bool:
    """Whether the table's columns are Argus'."""
    if any(table.has(name) for name in _ZEEK):
        return False
    if all(table.find(*names) for names in (*_PACKETS, *_BYTES)):
        return table.find("Dur", "StartTime", "stime") is not None
    return table.has("TotPkts", "TotBytes") and table.find("SrcBytes", "Dir") is not None


def class_name(label: str) -> str:
    """Our class of CTU-13's labels; "" for its background, of which nothing is known, and for what
    goes to a bot or a harmless host, which says nothing of who sent it. Others stay as they are."""
    found = _CTU.match(label.strip())
    if found is None:
        return label
    way, what = found[1], found[2].lower()
    if what == "background" or (way and way.lower() == "to-"):
        return ""
    return "Bot" if what == "botnet" else "Normal"


def read(table: Table) -> Told | None:
    """None if the table is not Argus'.

    An arrow that points to the left tells that the source is on the right. Where only the packets
    of both directions together are told, each direction's are estimated (see `_shared`).
    """
    if not fits(table):
        return None
    kind = table.once("argus protocol", protocol(table, "proto"))
    way = table.text("Dir")
    turn = pl.lit(False) if way is None else way.str.contains(r"^<[^>]*$").fill_null(False)
    turn = table.once("argus turned", turn)
    link = table.once("argus link", _link(table, kind))
    size = _sides(table, _BYTES, _TOTAL_BYTES) or _one_way(table, way, kind)
    size = _both(table, "bytes", *size)
    packets = _sides(table, _PACKETS, _TOTAL_PACKETS) or _shared(table, size, link, kind)
    packets = _both(table, "packets", *packets)
    size = _both(table, "bytes sent", *_turned(turn, *size))
    packets = _both(table, "packets sent", *_turned(turn, *packets))
    seconds = table.number("Dur")
    duration = pl.lit(None, dtype=pl.Float64) if seconds is None else seconds * 1e6
    sizes = _both(table, "payload", *_payload(table, size, packets, link, kind, turn))
    features = from_counters(duration, packets, sizes)
    features |= _measured_gaps(table, features, packets, turn) | _flags(table, packets, kind, turn)
    source, target = (
        table.text("SrcAddr", "saddr", "srcip"),
        table.text("DstAddr", "daddr", "dstip"),
    )
    if source is not None and target is not None:
        source, target = _turned(turn, source, target)
    ports = _turned(turn, _port(table, kind, "Sport"), _port(table, kind, "Dport", "dsport"))
    return Told(
        features=features,
        source=source,
        destination=target,
        source_port=ports[0],
        port=ports[1],
        protocol=kind,
        time=table.find("StartTime", "stime"),
        clock=1e6,
    )


def _both(table: Table, what: str, forward: pl.Expr, backward: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    return table.once(f"argus {what}", forward), table.once(f"argus {what} back", backward)


def _turned(turn: pl.Expr, forward: pl.Expr, backward: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    return (
        pl.when(turn).then(backward).otherwise(forward),
        pl.when(turn).then(forward).otherwise(backward),
    )


def _sides(
    table: Table, names: tuple[tuple[str, ...], ...], whole: tuple[str, ...]
) -> tuple[pl.Expr, pl.Expr] | None:
    """What both directions have, where at most one of them is to be found from the total."""
    forward, backward = (table.number(*spellings) for spellings in names)
    if forward is not None and backward is not None:
        return forward, backward
    total = table.number(*whole)
    if total is None:
        return None
    if forward is not None:
        return forward, (total - forward).clip(lower_bound=0.0)
    return None if backward is None else ((total - backward).clip(lower_bound=0.0), backward)


def _one_way(table: Table, way: pl.Expr | None, kind: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Bytes of both directions from their sum: told where one host alone sends.

    The arrow points away from who sends; of TCP, from who opened the connection.
    """
    total, packets = table.number(*_TOTAL_BYTES), table.number(*_TOTAL_PACKETS)
    assert total is not None
    assert packets is not None
    arrow = pl.lit(None, dtype=pl.String) if way is None else way
    one = (kind.fill_null(0) != 6) | (packets <= 1)
    right = pl.when(one & arrow.str.contains("^[^<]*>$")).then(total)
    left = pl.when(one & arrow.str.contains("^<[^>]*$")).then(0.0)
    forward = pl.coalesce(right, left)
    return forward, total - forward


def _shared(
    table: Table, size: tuple[pl.Expr, pl.Expr], link: pl.Expr, kind: pl.Expr
) -> tuple[pl.Expr, pl.Expr]:
    """Packets of both directions from their sum: as even as the bytes of either side allow.

    Exact where one side sent nothing, or each a packet. A side has sent at least as many packets as
    its bytes fill (1,500 bytes each), and at most as many as could be with no payload.
    """
    total = table.number(*_TOTAL_PACKETS)
    assert total is not None
    header = link + pl.when(kind == 6).then(40.0).otherwise(28.0)
    few, many = zip(
        *(((b / (link + 1500)).ceil(), (b / header).floor()) for b in size), strict=True
    )
    least = pl.max_horizontal(few[0], total - many[1])
    most = pl.min_horizontal(pl.max_horizontal(many[0], few[0]), total - few[1])
    even = (total / 2).ceil()
    forward = pl.min_horizontal(pl.max_horizontal(even, least), most).clip(lower_bound=0.0)
    forward = pl.when(size[1] == 0).then(total).when(size[0] == 0).then(0.0).otherwise(forward)
    forward = pl.when(size[0].is_not_null()).then(pl.min_horizontal(forward, total))
    return forward, total - forward


def _link(table: Table, kind: pl.Expr) -> pl.Expr:
    """Bytes of each packet before its IP packet, as far as Argus counts them."""
    if table.find("smeansz", "smean", "ct_state_ttl") is not None:  # UNSW-NB15
        return pl.lit(0.0)
    size = [table.number(*spellings) for spellings in (*_BYTES, _TOTAL_BYTES)]
    packets = [table.number(*spellings) for spellings in (*_PACKETS, _TOTAL_PACKETS)]
    means = [
        pl.when(n > 0).then(b / n)
        for b, n in zip(size, packets, strict=True)
        if b is not None and n is not None
    ]
    bare = _FRAME + pl.when(kind == 6).then(40.0).otherwise(28.0)
    packet = pl.min_horizontal(means) < bare  # smaller than any frame
    flgs = table.text("flgs")
    if flgs is not None:
        packet |= flgs.str.contains("^T?N").fill_null(False)  # of NetFlow origin
    return pl.when(packet).then(0.0).otherwise(_FRAME)


def _payload(
    table: Table,
    size: tuple[pl.Expr, pl.Expr],
    packets: tuple[pl.Expr, pl.Expr],
    link: pl.Expr,
    kind: pl.Expr,
    turn: pl.Expr,
) -> tuple[pl.Expr, pl.Expr]:
    """Payload bytes: the application's where they are told and not more than was sent."""
    octets = [b - n * link for b, n in zip(size, packets, strict=True)]
    forward, backward = payload((octets[0], octets[1]), packets, kind)
    said = [table.number(name) for name in ("SAppBytes", "DAppBytes")]
    if said[0] is None or said[1] is None:
        return forward, backward
    told = _turned(turn, said[0], said[1])
    first, second = (
        pl.when(of <= whole).then(of).otherwise(estimate)
        for of, whole, estimate in zip(told, octets, (forward, backward), strict=True)
    )
    return first, second


def _measured_gaps(
    table: Table,
    counted: dict[str, pl.Expr],
    packets: tuple[pl.Expr, pl.Expr],
    turn: pl.Expr,
) -> dict[str, pl.Expr]:
    """The mean gaps that Argus measures, unless they exceed the flow (it waited for its first)."""
    first, second = table.number("SIntPkt", "sinpkt"), table.number("DIntPkt", "dinpkt")
    if first is None or second is None:
        return {}
    told: dict[str, pl.Expr] = {}
    for way, gap, n in zip(("Fwd", "Bwd"), _turned(turn, first, second), packets, strict=True):
        mean, name = gap * 1e3, f"{way} IAT Mean"
        inside = (mean >= 0) & (mean * (n - 1) <= counted["Flow Duration"] * 1.01 + 1e3)
        told[name] = pl.coalesce(counted[name], pl.when(inside).then(mean))
    return told


def _flags(
    table: Table, packets: tuple[pl.Expr, pl.Expr], kind: pl.Expr, turn: pl.Expr
) -> dict[str, pl.Expr]:
    """From the letters of both sides (`FSPA_FSA`, of `ra -Z b`), else from a word (`FIN`)."""
    state, tcp = table.text("State"), kind == 6
    if state is None:
        return {}
    state = state.str.to_uppercase()
    spelled = state.str.contains(_FLAGS.pattern)
    sent, got = (
        pl.when(spelled).then(bits(state.str.extract(_FLAGS.pattern, side))) for side in (1, 2)
    )
    sides = _both(table, "flags", *_turned(turn, sent, got))
    synack = table.number("SynAck")
    opened = pl.lit(None, dtype=pl.Boolean) if synack is None else synack > 0
    words = from_word(state, opened, packets, tcp)
    seen = from_bits(sides[0] | sides[1], sides, packets, tcp)
    return {name: pl.coalesce(of, words[name]) for name, of in seen.items()}


def _port(table: Table, kind: pl.Expr, *spellings: str) -> pl.Expr:
    """By number, hexadecimal number or name; 0 of ICMP, whose type and code stand there."""
    text = table.text(*spellings)
    if text is None:
        return pl.lit(None, dtype=pl.Float64)
    name = text.str.to_lowercase()
    port = pl.coalesce(
        text.cast(pl.Float64, strict=False),
        name.str.extract("^0x([0-9a-f]+)$").str.to_integer(base=16, strict=False),
        name.replace_strict(_PORTS, default=None, return_dtype=pl.Float64),
    )
    return pl.when(kind == 1).then(0.0).otherwise(port)
