"""Postfix's mail log: connections, logins, and the way of each message through the queue.

Lines of one message share `queue_id` in their labels. What a client says (its greeting, addresses)
stands behind what Postfix found out itself: the client is read from the left.
Messages: postfix smtpd(8), cleanup(8), qmgr(8), smtp(8), local(8), bounce(8), postscreen(8).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from apps.acquisition.parsers import _labels, _syslog
from apps.acquisition.parsing import Context, Parsed

_PROGRAMS = r"postfix[\w.-]*(?:/[\w.-]+){1,3}"
_QUEUE_ID = r"^(?P<queue_id>[0-9A-F]{6,16}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20}|NOQUEUE): (?P<rest>(?s:.*))$"
_CLIENT = r"(?P<domain>[^\s\[\]]*)\[(?P<address>[^\]\s]*)\](?::(?P<port>\d+))?"
_RELAY = r"(?P<relay>[^\s,\[]+)\[(?P<relay_ip>[^\]]*)\](?::(?P<relay_port>\d+))?"
_ADDRESSES = (
    r"(?:; from=<(?P<sender>.*?)>)?(?: to=<(?P<recipient>.*?)>)?"
    r"(?: proto=(?P<protocol>[A-Z]+))?(?: helo=<(?P<helo>.*)>)?"
)
_VERBS = "warning|prepend|replace|hold|discard|filter|redirect|strip|bcc|info|ignore"


@dataclass(frozen=True, slots=True)
class _Rule:
    """Messages, without their queue id, that hold `mark` and match `pattern`."""

    mark: str
    pattern: str
    action: str
    outcome: str | None = None
    category: str = "email"


_RULES = (
    _Rule(
        "SASL ",
        rf"^warning: {_CLIENT}: SASL (?P<method>\S+) authentication failed:? ?(?P<reason>.*?)"
        r"(?:, sasl_username=(?P<user>.*))?$",
        *("smtp_login", "failure", "authentication"),
    ),
    _Rule(
        "sasl_username=",
        rf"^client={_CLIENT}.*?, sasl_method=(?P<method>[^,\s]+), sasl_username=(?P<user>.*)$",
        *("smtp_login", "success", "authentication"),
    ),
    _Rule("client=", rf"^client={_CLIENT}", "email_received"),
    _Rule("connect from", rf"^connect from {_CLIENT}", "smtp_connection", None, "network"),
    _Rule("CONNECT from", rf"^CONNECT from {_CLIENT}", "smtp_connection", None, "network"),
    _Rule(
        "connect from",
        rf"^disconnect from {_CLIENT}(?: (?P<commands>.*))?$",
        *("smtp_disconnect", None, "network"),
    ),
    _Rule(
        " after ",
        rf"^(?:warning: )?(?P<reason>lost connection|timeout|too many errors|improper command "
        rf"pipelining|HANGUP|SSL_accept error) after (?P<stage>\S+)(?: \([^)]*\))? from {_CLIENT}",
        *("smtp_disconnect", "failure", "network"),
    ),
    _Rule(
        "TLS connection established",
        rf"^(?P<trust>\w+) TLS connection established from {_CLIENT}: "
        r"(?P<cipher>\S+ with cipher \S+)",
        *("smtp_tls", "success", "network"),
    ),
    _Rule(
        "TLS connection established",
        rf"^(?P<trust>\w+) TLS connection established to {_RELAY}: (?P<cipher>\S+ with cipher \S+)",
        *("smtp_tls", "success", "network"),
    ),
    _Rule(
        "SSL_accept error",
        rf"^SSL_accept error from {_CLIENT}: (?P<reason>.*)$",
        *("smtp_tls", "failure", "network"),
    ),
    _Rule(
        "reject",
        rf"^(?:milter-)?reject: (?P<stage>[A-Z-]+) from {_CLIENT}: (?P<dsn>\d{{3}}(?: \d\.\d+\.\d+)?) ?"
        rf"(?P<reason>.*?){_ADDRESSES}$",
        *("email_rejected", "failure"),
    ),
    _Rule(
        "reject",
        # headers and bodies hold anything: the client is read where no other brackets stand
        r"^(?:milter-)?reject: (?P<stage>header|body|mime-header) (?P<reason>[^\[\]]*) "
        rf"from {_CLIENT}(?:;[^\[\]]*)?$",
        *("email_rejected", "failure"),
    ),
    _Rule("reject", r"^(?:milter-)?reject: (?P<stage>[\w-]+) ", "email_rejected", "failure"),
    _Rule(
        ": ",
        rf"^(?P<verb>{_VERBS}): (?P<stage>[A-Z-]+) from {_CLIENT}: (?P<reason>.*?){_ADDRESSES}$",
        "email_matched",
    ),
    _Rule(
        ": ",
        rf"^(?P<verb>{_VERBS}): (?P<stage>header|body|mime-header) (?P<reason>[^\[\]]*) "
        rf"from {_CLIENT}(?:;[^\[\]]*)?$",
        "email_matched",
    ),
    _Rule(
        "status=",
        r"^to=<(?P<recipient>.*?)>, (?:orig_to=<(?P<orig_to>.*?)>, )?relay=(?P<relay>[^\s,\[]+)"
        r"(?:\[(?P<relay_ip>[^\]]*)\])?(?::(?P<relay_port>\d+))?,(?: conn_use=\d+,)? "
        r"delay=(?P<delay>[\d.]+),(?: delays=(?P<delays>[\d./]+),)?(?: dsn=(?P<dsn>[\d.]+),)? "
        r"status=(?P<status>\w[\w-]*)(?: \((?P<reason>.*)\))?$",
        "email_delivery",
    ),
    _Rule(
        "from=<",
        r"^from=<(?P<sender>.*?)>, status=(?P<status>expired|force-expired), (?P<reason>.*)$",
        *("email_expired", "failure"),
    ),
    _Rule(
        "from=<",
        r"^from=<(?P<sender>.*)>, size=(?P<size>\d+), nrcpt=(?P<recipients>\d+) ",
        "email_queued",
    ),
    _Rule("removed", r"^removed$", "email_removed"),
    _Rule("message-id=", r"^(?:resent-)?message-id=<?(?P<message_id>.*?)>?$", "email_message_id"),
    _Rule("from=<", r"^uid=(?P<uid>\d+) from=<(?P<sender>.*)>$", "email_submitted"),
    _Rule(
        " notification: ",
        r"^sender (?P<status>non-delivery|delivery status|delay) notification: (?P<notice>\w+)$",
        "email_bounced",
    ),
    _Rule(
        " said: ",
        r"^host (?P<relay>[^\s\[]+)\[(?P<relay_ip>[^\]]*)\](?::(?P<relay_port>\d+))? "
        r"(?:said|refused to talk to me): (?P<reason>.*)$",
        *("email_deferred", "failure"),
    ),
    _Rule(
        "connect to ",
        r"^connect to (?P<relay>[^\s\[]+)\[(?P<relay_ip>[^\]]*)\]:(?P<relay_port>\d+): "
        r"(?P<reason>.*)$",
        *("smtp_connection", "failure", "network"),
    ),
    _Rule(
        "warning: ",
        r"^warning: hostname (?P<domain>\S+) does not resolve to address (?P<address>[0-9a-fA-F:.]+)"
        r"(?:: (?P<reason>.*))?$",
        *("smtp_probe", None, "network"),
    ),
    _Rule(
        "non-SMTP command",
        rf"^warning: non-SMTP command from {_CLIENT}: (?P<reason>.*)$",
        *("smtp_probe", "failure", "network"),
    ),
    _Rule(
        "from [",
        rf"^(?P<reason>PREGREET|BARE NEWLINE|COMMAND \w+ LIMIT|NON-SMTP COMMAND)[^\[]* from {_CLIENT}",
        *("smtp_probe", "failure", "network"),
    ),
    _Rule(
        "[",
        rf"^(?P<reason>PASS (?:OLD|NEW)|WHITELISTED|ALLOWLISTED) {_CLIENT}",
        *("smtp_screened", "success", "network"),
    ),
    _Rule(
        "DNSBL",
        rf"^DNSBL rank (?P<reason>\d+) for {_CLIENT}",
        *("smtp_screened", "failure", "network"),
    ),
)
_LEVEL = r"^(warning|error|fatal|panic): "
_DELIVERED = {
    **dict.fromkeys(("sent", "deliverable", "expanded"), "success"),
    **dict.fromkeys(
        ("bounced", "deferred", "undeliverable", "expired", "force-expired"), "failure"
    ),
}
_FIELDS = (
    *("domain", "address", "port", "sender", "recipient", "user", "size", "relay", "relay_ip"),
    *("relay_port", "delay"),
)
_LABELS = (
    *(
        "queue_id",
        "verb",
        "stage",
        "dsn",
        "status",
        "reason",
        "helo",
        "protocol",
        "method",
        "orig_to",
    ),
    *("delays", "recipients", "message_id", "uid", "notice", "commands", "trust", "cipher"),
)


class Postfix:
    name = "postfix"

    def sniff(self, lines: pl.Series) -> float:
        return _syslog.sureness(lines, _PROGRAMS)

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        rows, head = _syslog.written_by(lines, _PROGRAMS, context.received)
        if not rows.len():
            return Parsed.of(_syslog.place(head, rows, lines.len()))
        read = _read(head["message"]).hstack(_syslog.told(head).drop("log.level"))
        level = _syslog.told(head)["log.level"]
        return Parsed.of(
            _syslog.place(
                read.with_columns(pl.col("log.level").fill_null(level)), rows, lines.len()
            )
        )


def _read(messages: pl.Series) -> pl.DataFrame:
    """Messages of Postfix's programs → what happened to which mail."""
    queued = messages.str.extract_groups(_QUEUE_ID).struct.unnest()
    rest = queued["rest"].fill_null(messages)
    left = pl.DataFrame({"rest": rest}).with_row_index("_row")
    done = []
    for rule in _RULES:
        able = left.filter(pl.col("rest").str.contains(rule.mark, literal=True))
        if able.is_empty():
            continue
        found = able["rest"].str.extract_groups(rule.pattern).struct.unnest()
        matched = able["rest"].str.contains(rule.pattern)
        done.append(
            found.with_columns(able["_row"])
            .filter(matched)
            .with_columns(
                pl.lit(rule.action).alias("action"),
                pl.lit(rule.outcome, dtype=pl.String).alias("outcome"),
                pl.lit(rule.category).alias("category"),
            )
        )
        left = left.join(done[-1].select("_row"), on="_row", how="anti", maintain_order="left")
    names = (*_FIELDS, *_LABELS, "action", "outcome", "category")
    wanted = {"_row": pl.UInt32} | dict.fromkeys(names, pl.String)
    read = pl.concat([pl.DataFrame(schema=wanted), *done], how="diagonal").drop("queue_id")
    every = pl.DataFrame({"_row": pl.Series(range(messages.len()), dtype=pl.UInt32)})
    said = every.join(read, on="_row", how="left", maintain_order="left")
    said = said.with_columns(queued["queue_id"])
    known = ~said["domain"].is_in(["unknown", ""])
    delivered = said["status"].replace_strict(_DELIVERED, default=None, return_dtype=pl.String)
    seconds = said["delay"].cast(pl.Float64, strict=False)
    short = (seconds < 1e9).fill_null(False)
    return pl.DataFrame(
        {
            "event.dataset": pl.Series(["postfix.log"]).new_from_index(0, messages.len()),
            "event.category": said["category"].fill_null("email"),
            "event.action": said["action"],
            "event.outcome": said["outcome"].fill_null(delivered),
            "event.duration": (seconds.set(~short, None) * 1e9).cast(pl.Int64, strict=False),
            "network.protocol": pl.Series(["smtp"]).new_from_index(0, messages.len()),
            "source.ip": said["address"],
            "source.port": said["port"].cast(pl.Int64, strict=False),
            "source.domain": said["domain"].set(~known.fill_null(False), None),
            "destination.ip": said["relay_ip"],
            "destination.domain": said["relay"].set(
                (said["relay"] == "none").fill_null(False), None
            ),
            "destination.port": said["relay_port"].cast(pl.Int64, strict=False),
            "user.name": said["user"],
            "email.from.address": said["sender"],
            "email.to.address": said["recipient"],
            "file.size": said["size"].cast(pl.Int64, strict=False),
            "log.level": messages.str.extract(_LEVEL, 1).replace(
                {"fatal": "critical", "panic": "emergency"}
            ),
            "message": messages,
            "labels": _labels.of(said, _LABELS),
        }
    )


PARSER = Postfix()
