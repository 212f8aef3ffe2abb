"""What the fields of Zeek's logs mean: which log they belong to, and which columns they fill."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import polars as pl

from apps.acquisition.parsers._http import split_target

if TYPE_CHECKING:
    from apps.acquisition.parsers.zeek import Told

NEEDED: Mapping[str, tuple[str, ...]] = {
    "conn": ("ts", "id.orig_h", "id.resp_h", "proto", "conn_state"),
    "dns": ("ts", "uid", "id.orig_h", "proto", "trans_id"),
    "http": ("ts", "uid", "id.orig_h", "trans_depth", "request_body_len"),
    "smtp": ("ts", "uid", "id.orig_h", "trans_depth", "tls"),
    "ssl": ("ts", "uid", "id.orig_h", "resumed", "established"),
    "ssh": ("ts", "uid", "id.orig_h", "auth_attempts"),
    "files": ("ts", "fuid", "source", "seen_bytes"),
    "x509": ("ts", "certificate.serial"),
    "notice": ("ts", "note", "suppress_for"),
    "weird": ("ts", "name", "notice", "peer"),
    "signatures": ("ts", "sig_id", "event_msg"),
    "intel": ("ts", "seen.indicator", "seen.indicator_type"),
    "ftp": ("ts", "uid", "id.orig_h", "user", "command"),
    "dhcp": ("ts", "uids", "msg_types"),
    "software": ("ts", "host", "software_type"),
    "tunnel": ("ts", "id.orig_h", "tunnel_type"),
    "rdp": ("ts", "uid", "id.orig_h", "cert_count"),
    "rfb": ("ts", "uid", "id.orig_h", "share_flag"),
    "kerberos": ("ts", "uid", "id.orig_h", "request_type", "service"),
    "smb_mapping": ("ts", "uid", "id.orig_h", "share_type"),
    "smb_files": ("ts", "uid", "id.orig_h", "action", "times.modified"),
    "dce_rpc": ("ts", "uid", "id.orig_h", "endpoint", "operation"),
    "mysql": ("ts", "uid", "id.orig_h", "cmd", "arg"),
    "snmp": ("ts", "uid", "id.orig_h", "get_requests"),
    "syslog": ("ts", "uid", "id.orig_h", "facility", "severity"),
    "known_services": ("ts", "host", "port_num", "port_proto"),
    "pe": ("ts", "id", "machine", "subsystem"),
    "capture_loss": ("ts", "ts_delta", "percent_lost"),
    "stats": ("ts", "peer", "pkts_proc"),
}
"""Fields that tell a log from the others where nothing names it."""

_KINDS = {
    "conn": ("network", "network_flow"),
    "dns": ("dns", "dns_query"),
    "http": ("web", "http_request"),
    "files": ("file", "file_seen"),
    "pe": ("file", "file_seen"),
    "smb_files": ("file", "smb_file"),
    "smtp": ("email", "email"),
    "ssh": ("authentication", "ssh_login"),
    "kerberos": ("authentication", "krb5_login"),
    "ntlm": ("authentication", "ntlm_login"),
    "radius": ("authentication", "radius_login"),
    "rfb": ("authentication", "rfb_login"),
    "mysql": ("database", "mysql_request"),
    "notice": ("intrusion_detection", "notice"),
    "weird": ("intrusion_detection", "anomaly"),
    "signatures": ("intrusion_detection", "alert"),
    "intel": ("intrusion_detection", "alert"),
    **dict.fromkeys(("software", "known_hosts", "known_services"), ("host", "host_seen")),
    "known_certs": ("host", "host_seen"),
    **{name: ("host", name) for name in ("stats", "capture_loss", "reporter", "loaded_scripts")},
    **{name: ("host", name) for name in ("packet_filter", "cluster", "broker", "telemetry")},
    "syslog": ("host", "syslog"),
}
"""Log → category and action; of the others: session, and the log's name itself."""

UNTIED = (*NEEDED, *_KINDS, "dpd", "ocsp", "quic", "ldap", "ldap_search", "analyzer")
"""Logs that need no connection to be believed: Zeek's own."""

_PROTOCOL = {
    **{name: name for name in ("dns", "http", "ssh", "ftp", "smtp", "dhcp", "ntlm", "radius")},
    **{name: name for name in ("rdp", "rfb", "dce_rpc", "mysql", "snmp", "sip", "socks", "syslog")},
    **{name: name for name in ("irc", "kerberos", "modbus", "dnp3", "mqtt", "ntp", "quic")},
    **{"ssl": "tls", "smb_files": "smb", "smb_mapping": "smb", "ldap": "ldap"},
}
_OVER_TCP = ("http", "ssl", "ssh", "ftp", "smtp", "rdp", "rfb", "mysql", "smb_files", "smb_mapping")
_MOVES_FILES = ("RETR", "STOR", "STOU", "APPE", "DELE", "RNTO")
_ESTABLISHED = {
    **dict.fromkeys(("SF", "S1", "S2", "S3", "RSTO", "RSTR"), "success"),
    **dict.fromkeys(("S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR"), "failure"),
    "OTH": "unknown",
}
"""Whether a connection was established, by its `conn_state`."""
_TRUTH = {
    **dict.fromkeys(("T", "true", "success", "Success"), "success"),
    **dict.fromkeys(("F", "false", "failed", "failure"), "failure"),
}


def guess(fields: Collection[str]) -> str | None:
    """The log that has these fields."""
    here = set(fields)
    return next((log for log, needed in NEEDED.items() if here.issuperset(needed)), None)


def records(told: Told, path: pl.Series) -> pl.DataFrame:
    """N rows of the logs named by `path` → records."""
    text, integer = told.text, told.integer
    conn = (path == "conn").fill_null(False)
    transport = text("proto").str.to_lowercase()
    portless = transport.str.contains("icmp", literal=True).fill_null(False)
    sent, received = _bytes(told, "orig"), _bytes(told, "resp")
    packets, answered = integer("orig_pkts"), integer("resp_pkts")
    duration = told.number("duration")
    duration = duration.set((duration.abs() > 1e9).fill_null(False), None)
    uri, host = text("uri"), text("host")
    url = split_target(uri)
    web = (path == "http").fill_null(False)
    name = text("name")
    shared, service, client = text("path"), text("service"), text("client")
    on_share = (path == "smb_files").fill_null(False)
    weird = (path == "weird").fill_null(False)
    ticket = (path == "kerberos").fill_null(False)
    frame = pl.DataFrame(
        {
            "@timestamp": told.time("ts"),
            "event.dataset": "zeek." + path,
            "source.ip": text("id.orig_h", "src", "client_addr")
            .fill_null(_first(text("tx_hosts")))
            .fill_null(host.set(web, None)),
            "source.port": integer("id.orig_p", "src_port").set(portless, None),
            "source.bytes": sent,
            "source.packets": packets,
            "destination.ip": text("id.resp_h", "dst", "server_addr").fill_null(
                _first(text("rx_hosts"))
            ),
            "destination.port": integer("id.resp_p", "dst_port", "p").set(portless, None),
            "destination.bytes": received,
            "destination.packets": answered,
            "network.transport": transport.fill_null(
                pl.Series(["tcp"]).new_from_index(0, path.len()).set(~path.is_in(_OVER_TCP), None)
            ),
            "network.protocol": service.set(~conn, None)
            .str.to_lowercase()
            .fill_null(path.replace_strict(_PROTOCOL, default=None, return_dtype=pl.String)),
            "network.bytes": sent + received,
            "network.packets": packets + answered,
            "network.direction": _direction(text("local_orig"), text("local_resp")),
            "event.duration": (duration * 1e9).cast(pl.Int64, strict=False),
            "user.name": text("user", "username", "cookie").fill_null(
                client.set(~ticket, None).str.replace(r"/[^/]*$", "")
            ),
            "user.domain": text("domainname").fill_null(
                client.set(~ticket, None).str.extract(r"/([^/]*)$", 1)
            ),
            "rule.id": text("sig_id"),
            "rule.name": text("note").fill_null(name.set(~weird, None)),
            "dns.question.name": text("query"),
            "dns.question.type": text("qtype_name"),
            "dns.response_code": text("rcode_name"),
            "dns.answers": _listed(text("answers")),
            "tls.client.server_name": text("server_name"),
            "email.from.address": text("mailfrom", "from").str.replace_all(r"[<>]", ""),
            "email.to.address": _listed(text("rcptto", "to")).str.replace_all(r"[<>]", ""),
            "http.request.method": text("method"),
            "http.request.body.content": text("post_body"),
            "http.request.body.bytes": integer("request_body_len"),
            "http.request.referrer": text("referrer"),
            "http.response.status_code": integer("status_code"),
            "http.response.body.bytes": integer("response_body_len"),
            "url.original": uri,
            "url.domain": url["url.domain"].fill_null(
                host.set(~web, None).str.replace(r":\d{1,5}$", "")
            ),
            "url.path": url["url.path"],
            "url.query": url["url.query"],
            "user_agent.original": text("user_agent"),
            "file.path": text("filename").fill_null((shared + "\\" + name).set(~on_share, None)),
            "file.size": integer("total_bytes", "seen_bytes", "size"),
            "file.hash.sha256": text("sha256"),
            "message": _message(told, conn),
        }
    )
    more = _meaning(told, path, frame)
    rest = {  # of names that mean something else in other logs
        "name": name.set(weird | on_share, None),
        "path": shared.set(on_share, None),
        "service": service.set(conn, None),
        "client": client.set(ticket, None),
    }
    return frame.with_columns(*more, told.labels(more=rest).alias("labels"))


def _meaning(told: Told, path: pl.Series, frame: pl.DataFrame) -> list[pl.Series]:
    """`event.category`, `event.action` and `event.outcome`."""
    work = pl.DataFrame(
        {
            "path": path,
            "category": path.replace_strict(
                {log: said[0] for log, said in _KINDS.items()},
                default="session",
                return_dtype=pl.String,
            ),
            "action": path.replace({log: said[1] for log, said in _KINDS.items()}),
            "state": told.text("conn_state").replace_strict(
                _ESTABLISHED, default=None, return_dtype=pl.String
            ),
            "truth": told.text("auth_success", "success", "result", "auth").replace_strict(
                _TRUTH, default=None, return_dtype=pl.String
            ),
            "status": frame["http.response.status_code"],
            "rcode": frame["dns.response_code"],
            "command": told.text("command"),
            "reply": told.integer("reply_code"),
        }
    )
    log = pl.col("path")
    undecided = (log == "ssh") & pl.col("truth").is_null()
    moves = (log == "ftp") & pl.col("command").is_in(_MOVES_FILES)
    code = pl.when(log == "ftp").then("reply").otherwise("status")
    return work.select(
        pl.when(undecided)
        .then(pl.lit("session"))
        .when(moves)
        .then(pl.lit("file"))
        .otherwise("category")
        .alias("event.category"),
        pl.when(undecided)
        .then(pl.lit("ssh_connection"))
        .when((log == "ftp") & pl.col("command").str.contains("^[A-Z]{3,4}$"))
        .then("ftp_" + pl.col("command").str.to_lowercase())
        .otherwise("action")
        .alias("event.action"),
        pl.coalesce(
            pl.when(log == "conn").then("state").otherwise("truth"),
            pl.when(code < 400).then(pl.lit("success")).when(code >= 400).then(pl.lit("failure")),
            pl.when(pl.col("rcode") == "NOERROR")
            .then(pl.lit("success"))
            .when(pl.col("rcode").is_not_null())
            .then(pl.lit("failure")),
        ).alias("event.outcome"),
    ).get_columns()


def _message(told: Told, conn: pl.Series) -> pl.Series:
    state = told.text("conn_state")
    flow = "conn_state=" + state + " history=" + told.text("history").fill_null("-")
    return told.text("msg", "message", "event_msg").fill_null(flow.set(~conn, None))


def _bytes(told: Told, side: str) -> pl.Series:
    """Bytes of whole IP packets, where Zeek counted them, else of payloads."""
    return told.integer(f"{side}_ip_bytes").fill_null(told.integer(f"{side}_bytes"))


def _direction(local_source: pl.Series, local_target: pl.Series) -> pl.Series:
    both = (local_source + local_target).str.to_lowercase().str.replace_all(r"rue|alse", "")
    told = {"tt": "internal", "tf": "outbound", "ft": "inbound", "ff": "external"}
    return both.replace_strict(told, default=None, return_dtype=pl.String)


def _first(values: pl.Series) -> pl.Series:
    return values.str.extract(r"^([^,\s]+)", 1)


def _listed(values: pl.Series) -> pl.Series:
    """Lists are parted by commas in tab-separated logs."""
    return values.str.replace_all(r",\s*", " ")
