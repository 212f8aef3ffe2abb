"""Suricata's EVE JSON: every type of event, bare or behind a syslog head.

Format: Suricata user guide, "EVE JSON Format" (versions 4 to 8; DNS events of versions 1, 2, 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from apps.acquisition.parsers import _json, _lines, _rows
from apps.acquisition.parsers._http import split_target
from apps.acquisition.parsing import Context, Parsed, share

_MARK = '"event_type"'
_KINDS = {
    "alert": ("intrusion_detection", "alert"),
    "anomaly": ("intrusion_detection", "anomaly"),
    "drop": ("network", "drop"),
    "dns": ("dns", "dns_query"),
    "mdns": ("dns", "dns_query"),
    "http": ("web", "http_request"),
    "http2": ("web", "http_request"),
    "flow": ("network", "network_flow"),
    "netflow": ("network", "network_flow"),
    "fileinfo": ("file", "file_seen"),
    "smtp": ("email", "email"),
    "krb5": ("authentication", "krb5_login"),
    "rfb": ("authentication", "rfb_login"),
    "ldap": ("authentication", "ldap_request"),
    "mysql": ("database", "mysql_request"),
    "pgsql": ("database", "pgsql_request"),
    "nfs": ("file", "nfs_request"),
    "tftp": ("file", "tftp_request"),
    "ftp_data": ("file", "ftp_data"),
    "stats": ("host", "stats"),
    "engine": ("host", "engine"),
}
"""Type of event → category and action; of other protocols: session, and the type itself."""

_PROTOCOL = {
    **{"http2": "http", "krb5": "kerberos", "ftp_data": "ftp"},
    **dict.fromkeys(("alert", "anomaly", "drop", "flow", "netflow", "fileinfo", "stats"), ""),
    **dict.fromkeys(("engine", "metadata", "dataset"), ""),
}
_STATES = {"established": "success", "closed": "success", "bypassed": "success", "new": "failure"}
_SMB_LOGIN = "SMB2_COMMAND_SESSION_SETUP|SMB1_COMMAND_SESSION_SETUP_ANDX"
_STATS = (
    *("uptime", "capture.kernel_packets", "capture.kernel_drops", "decoder.pkts", "decoder.bytes"),
    *("decoder.invalid", "detect.alert", "tcp.reassembly_gap", "flow.memuse"),
)
_BULKY = ("payload", "packet", "packet_info", "stats.", "http.http_re", "dns.", "tls.chain")
"""What stays in the line itself only."""


class Suricata:
    name = "suricata"

    def sniff(self, lines: pl.Series) -> float:
        ours = lines.str.contains(_MARK, literal=True) & lines.str.contains(
            '"timestamp"', literal=True
        )
        return share(ours)

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        rows = lines.str.contains(_MARK, literal=True).fill_null(False).arg_true()
        if not rows.len():
            return Parsed.of(_rows.placed(lines.len()))
        head = _lines.bodies(lines.gather(rows), context.received)
        told = _json.read(head["body"])
        kind = told.text("event_type")
        ours = told.known & kind.str.contains(r"^[a-z0-9_]{2,30}$").fill_null(False)
        ours &= kind.is_in(list(_KINDS)) | told.has("src_ip") | told.has("flow_id")
        frame = _records(told, kind).with_columns(
            pl.col("host.name").fill_null(head["host"]), rows.alias("_row")
        )
        ours &= frame["@timestamp"].is_not_null()
        return Parsed.of(_rows.placed(lines.len(), frame.filter(ours)))


def _records(told: _json.Documents, kind: pl.Series) -> pl.DataFrame:
    text, integer = told.text, told.integer
    url = text("http.url")
    parts = split_target(url)
    begin = told.time("flow.start", "netflow.start")
    transport = text("proto").str.to_lowercase()
    flow = kind.is_in(["flow", "netflow"])
    sent, received = integer("flow.bytes_toserver", "netflow.bytes"), integer("flow.bytes_toclient")
    packets = integer("flow.pkts_toserver", "netflow.pkts")
    answered = integer("flow.pkts_toclient")
    protocol = text("app_proto")
    protocol = protocol.set(protocol.is_in(["failed", "unknown"]).fill_null(False), None)
    names, types, answers = _dns(told)
    frame = pl.DataFrame(
        {
            # a flow is told when it is over; what it did began before
            "@timestamp": begin.zip_with(flow & begin.is_not_null(), told.time("timestamp")),
            "event.dataset": pl.Series(["suricata.eve"]).new_from_index(0, kind.len()),
            "event.severity": integer("alert.severity"),
            "event.duration": (
                (told.time("flow.end", "netflow.end") - begin).dt.total_microseconds() * 1000
            ).set(~flow, None),
            "source.ip": text("src_ip"),
            "source.port": integer("src_port"),
            "source.bytes": sent,
            "source.packets": packets,
            "destination.ip": text("dest_ip"),
            "destination.port": integer("dest_port"),
            "destination.bytes": received,
            "destination.packets": answered,
            "network.transport": transport,
            "network.protocol": protocol.fill_null(
                kind.replace(_PROTOCOL).set(kind.replace(_PROTOCOL) == "", None)
            ),
            "network.bytes": sent + received.fill_null(0),
            "network.packets": packets + answered.fill_null(0),
            "host.name": text("host"),
            "user.name": text("krb5.cname", "smb.ntlmssp.user", "rdp.cookie").fill_null(
                text("ftp.command_data").set(told_is(text("ftp.command"), "USER"), None)
            ),
            "user.domain": text("krb5.realm", "smb.ntlmssp.domain"),
            "rule.id": text("alert.signature_id"),
            "rule.name": text("alert.signature"),
            "dns.question.name": names,
            "dns.question.type": types,
            "dns.response_code": text("dns.rcode"),
            "dns.answers": answers,
            "tls.client.server_name": text("tls.sni", "quic.sni"),
            "email.from.address": _bare(text("smtp.mail_from", "email.from")),
            "email.to.address": _bare(text("smtp.rcpt_to", "email.to")),
            "http.request.method": text("http.http_method"),
            "http.request.body.content": text("http.http_request_body_printable"),
            "http.request.referrer": text("http.http_refer"),
            "http.response.status_code": integer("http.status"),
            "http.response.body.bytes": integer("http.length"),
            "url.original": url,
            "url.domain": parts["url.domain"].fill_null(text("http.hostname")),
            "url.path": parts["url.path"],
            "url.query": parts["url.query"],
            "user_agent.original": text("http.http_user_agent"),
            "file.path": text("fileinfo.filename", "smb.filename", "nfs.filename"),
            "file.size": integer("fileinfo.size"),
            "file.hash.sha256": text("fileinfo.sha256"),
            "message": text("alert.signature", "anomaly.event", "engine.message"),
        }
    )
    return frame.with_columns(*_meaning(told, kind, frame), _labels(told))


def told_is(values: pl.Series, word: str) -> pl.Series:
    """Whether values are another word than `word`, or nothing."""
    return (values != word).fill_null(True)


def _meaning(told: _json.Documents, kind: pl.Series, frame: pl.DataFrame) -> list[pl.Series]:
    """`event.category`, `event.action` and `event.outcome`."""
    category = kind.replace_strict(
        {name: said[0] for name, said in _KINDS.items()},
        default="session",
        return_dtype=pl.String,
    )
    action = kind.replace({name: said[1] for name, said in _KINDS.items()})
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, kind.len())
    work = pl.DataFrame(
        {
            "kind": kind,
            "category": category,
            "action": action,
            "status": frame["http.response.status_code"],
            "rcode": frame["dns.response_code"],
            "dns": told.text("dns.type"),
            "state": told.text("flow.state").replace_strict(_STATES, default=None),
            "transport": frame["network.transport"],
            "command": told.text("ftp.command"),
            "reply": told.text("ftp.completion_code"),
            "smb": told.text("smb.command"),
            "smb_status": told.text("smb.status"),
            "krb": told.text("krb5.msg_type"),
            "krb_error": told.text("krb5.error_code"),
            "rfb": told.text("rfb.authentication.security_result"),
            "none": nothing,
        },
        schema_overrides={"state": pl.String},
    )
    kind_is = pl.col("kind").__eq__
    ftp_login = kind_is("ftp") & (pl.col("command") == "PASS")
    smb_login = kind_is("smb") & pl.col("smb").str.contains(_SMB_LOGIN)
    wanted = pl.col("smb_status").is_in(["STATUS_MORE_PROCESSING_REQUIRED"])
    # that a Kerberos server asks for a password first is how every login begins
    asked = pl.col("krb_error").is_in(["KDC_ERR_PREAUTH_REQUIRED"]).fill_null(False)
    good, bad = pl.lit("success"), pl.lit("failure")
    failed_tcp = (pl.col("state") == "failure") & (pl.col("transport") != "tcp")
    outcome = (
        pl.when(kind_is("drop"))
        .then(bad)
        .when(kind_is("flow"))
        .then(pl.when(failed_tcp).then(pl.lit("unknown")).otherwise("state"))
        .when(pl.col("category") == "web")
        .then(pl.when(pl.col("status") < 400).then(good).when(pl.col("status") >= 400).then(bad))
        .when(pl.col("category") == "dns")
        .then(
            pl.when(pl.col("rcode") == "NOERROR").then(good).when(pl.col("rcode") != "").then(bad)
        )
        .when(ftp_login)
        .then(
            pl.when(pl.col("reply").str.starts_with("2"))
            .then(good)
            .when(pl.col("reply").str.starts_with("5"))
            .then(bad)
        )
        .when(smb_login)
        .then(
            pl.when(pl.col("smb_status") == "STATUS_SUCCESS")
            .then(good)
            .when(~wanted & pl.col("smb_status").str.starts_with("STATUS_"))
            .then(bad)
        )
        .when(kind_is("krb5"))
        .then(
            pl.when(pl.col("krb").str.ends_with("_REP"))
            .then(good)
            .when((pl.col("krb") == "KRB_ERROR") & ~asked)
            .then(bad)
        )
        .when(kind_is("rfb"))
        .then(pl.when(pl.col("rfb") == "OK").then(good).when(pl.col("rfb").is_not_null()).then(bad))
    )
    answer = pl.col("dns").is_in(["answer", "response"])
    return work.select(
        pl.when(ftp_login | smb_login.fill_null(False))
        .then(pl.lit("authentication"))
        .otherwise("category")
        .alias("event.category"),
        pl.when(ftp_login)
        .then(pl.lit("ftp_login"))
        .when(smb_login)
        .then(pl.lit("smb_login"))
        .when((pl.col("category") == "dns") & answer)
        .then(pl.lit("dns_answer"))
        .otherwise("action")
        .alias("event.action"),
        outcome.alias("event.outcome"),
    ).get_columns()


def _dns(told: _json.Documents) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Name, type and answers, as told by any version of DNS events, or within alerts."""
    height = told.known.len()
    names: list[str | None] = [None] * height
    types: list[str | None] = [None] * height
    answers: list[str | None] = [None] * height
    for path in ("dns.queries", "dns.query"):  # version 3, and within alerts
        for row, value in zip(*told.raw(path), strict=True):
            first = value[0] if isinstance(value, list) and value else None
            if isinstance(first, dict):
                names[row], types[row] = _string(first, "rrname"), _string(first, "rrtype")
    for path in ("dns.answers", "dns.answer.answers"):
        for row, value in zip(*told.raw(path), strict=True):
            answers[row] = " ".join(_rdata(value)) or None
    grouped = told.text("dns.grouped.CNAME") + " "
    addresses = told.text("dns.grouped.A", "dns.grouped.AAAA", "dns.grouped.TXT", "dns.grouped.MX")
    grouped = grouped.fill_null("") + addresses.fill_null("")
    grouped = grouped.str.strip_chars()
    grouped = grouped.set(grouped == "", None)
    return (
        told.text("dns.rrname", "dns.answer.rrname").fill_null(pl.Series(names, dtype=pl.String)),
        told.text("dns.rrtype", "dns.answer.rrtype").fill_null(pl.Series(types, dtype=pl.String)),
        pl.Series(answers, dtype=pl.String).fill_null(grouped).fill_null(told.text("dns.rdata")),
    )


def _rdata(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict) and isinstance(rdata := item.get("rdata"), str) and rdata:
            yield rdata


def _string(item: dict[str, Any], key: str) -> str | None:
    value = item.get(key)
    return value if isinstance(value, str) else None


def _bare(addresses: pl.Series) -> pl.Series:
    """Mail addresses without the brackets around them."""
    return addresses.str.replace_all(r"[<>]", "")


def _labels(told: _json.Documents) -> pl.Series:
    more = {f"stats.{name}": told.text(f"stats.{name}") for name in _STATS}
    more["dns.id"] = told.text("dns.id")
    more["payload_printable"] = told.text("payload_printable")
    return told.labels(without=_BULKY, more=more)


PARSER = Suricata()
