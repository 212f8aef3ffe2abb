"""Windows events: as JSON of Winlogbeat, NXLog, evtx_dump and flat exports, or as XML lines.

Events: Microsoft, "Audit events" (Security), Sysmon's documentation.
"""

from __future__ import annotations

import polars as pl

from apps.acquisition.frames import instants
from apps.acquisition.parsers import _json, _lines, _rows, _windows_events, _windows_xml
from apps.acquisition.parsing import Context, Parsed, share

_SNIFF = (
    r'"(?:winlog|Event)": ?\{|"(?:EventID|EventId|event_id)": ?"?\d+'
    r"|<Event xmlns=.http://schemas\.microsoft\.com/win/"
)
_MARKS = r'<Event[ >]|"winlog|"Event"|"EventID"|"EventId"|"event_id"'
_DATA = ("winlog.event_data.", "Event.EventData.", "EventData.", "")
_SYSTEM = "Event.System."
_NOISE = (
    *("Event.", "EventData.#", "winlog.", "agent.", "ecs.", "host.", "log.", "input.", "@", "tags"),
    *("event.", "Keywords", "ProviderGuid", "Thread", "Opcode", "SourceModule", "Version", "Task"),
    *("SeverityValue", "EventType", "EventReceivedTime", "RecordNumber", "EventTime", "UtcTime"),
    *("ExecutionProcessID", "port", "RuleName"),
)
"""What every event says of itself, and shippers of themselves."""
_NOBODY = ("-", "", "NULL", "N/A", "null")
_FAILURE = r"(?i)failure|0x8010000000000000"
_SUCCESS = r"(?i)success|0x8020000000000000"
_NOT_REFUSED = ("0x0", "0", "0x00000000")


class Windows:
    name = "windows"

    def sniff(self, lines: pl.Series) -> float:
        return share(lines.str.contains(_SNIFF))

    def parse(self, lines: pl.Series, context: Context) -> Parsed:
        rows = lines.str.contains(_MARKS).fill_null(False).arg_true()
        if not rows.len():
            return Parsed.of(_rows.placed(lines.len()))
        head = _lines.bodies(lines.gather(rows), context.received)
        told = _json.read(_as_json(head["body"]))
        frame, ours = _records(told)
        frame = frame.with_columns(
            pl.col("host.name").fill_null(head["host"]),
            pl.col("@timestamp").fill_null(head["time"]),
            rows.alias("_row"),
        )
        return Parsed.of(
            _rows.placed(lines.len(), frame.filter(ours & frame["@timestamp"].is_not_null()))
        )


def _as_json(lines: pl.Series) -> pl.Series:
    lines = lines.str.strip_chars()
    # expat is slow, and its lines are few beside those of JSON
    xml = (lines.str.starts_with("<") & lines.str.ends_with("</Event>")).fill_null(False)
    if not xml.any():
        return lines
    read = [_windows_xml.to_json(line) for line in lines.filter(xml).to_list()]
    return lines.scatter(xml.arg_true(), pl.Series(read, dtype=pl.String))


def _records(told: _json.Documents) -> tuple[pl.DataFrame, pl.Series]:
    """Records of N documents, and bool[N]: which are Windows events."""

    def data(*names: str) -> pl.Series:
        """The first of some event data that is told, wherever its kind of export keeps it."""
        paths = [prefix + name for name in names for prefix in _DATA]
        return _lines.told(told.text(*_said(told, paths)), _NOBODY)

    def text(*paths: str) -> pl.Series:
        return told.text(*_said(told, paths))

    attributes = ("#attributes", "_attributes", "@")
    code = text("winlog.event_id", "EventID", "EventId", "event_id", f"{_SYSTEM}EventID",
                f"{_SYSTEM}EventID.#text")  # fmt: skip
    channel = text("winlog.channel", "Channel", "LogName", f"{_SYSTEM}Channel")
    provider = text(
        *("winlog.provider_name", "ProviderName", "SourceName", "Provider", "provider_name"),
        *(f"{_SYSTEM}Provider.{mark}.Name" for mark in attributes),
        f"{_SYSTEM}Provider_attributes.Name",
    )
    ours = told.known & code.str.contains(r"^\d{1,5}$").fill_null(False)
    ours &= channel.is_not_null() | provider.is_not_null()
    time = text(
        f"{_SYSTEM}TimeCreated.#attributes.SystemTime",
        f"{_SYSTEM}TimeCreated_attributes.SystemTime",
        *("@timestamp", "TimeCreated", "EventTime", "UtcTime"),
    ).str.replace(r"^/Date\((\d{1,15}).*$", "${1}")
    key = _family(channel, provider) + ":" + code
    subject, target = data("SubjectUserName"), data("TargetUserName", "targetUserName")
    logon = code.is_in(_windows_events.LOGONS).fill_null(False)
    account = data("User", "AccountName", "UserName", "user.name")
    named = account.str.splitn("\\", 2).struct.unnest()
    single = named["field_1"].is_null()
    account = named["field_0"].zip_with(single, named["field_1"])
    domain = named["field_0"].set(single, None)
    actor = target.fill_null(subject).zip_with(logon, subject.fill_null(target))
    executable = data("NewProcessName", "Image", "SourceImage", "Application", "ProcessName")
    share_, inside = data("ShareName"), data("RelativeTargetName")
    logon_type = data("LogonType")
    direction = data("Direction").replace_strict(
        {"%%14592": "inbound", "%%14593": "outbound"}, default=None, return_dtype=pl.String
    )
    level = text("log.level", "Severity", "Level", f"{_SYSTEM}Level").str.to_lowercase()
    frame = pl.DataFrame(
        {
            "@timestamp": instants(time),
            "event.dataset": "windows." + _family(channel, provider),
            "event.code": code,
            "event.provider": provider,
            "source.ip": data(
                "IpAddress", "SourceIp", "SourceAddress", "ClientAddress", "source.ip"
            ),
            "source.domain": data("WorkstationName", "Workstation", "SourceHostname"),
            "source.port": _number(data("IpPort", "SourcePort", "source.port")),
            "destination.ip": data("DestinationIp", "DestAddress", "destination.ip"),
            "destination.domain": data("DestinationHostname"),
            "destination.port": _number(data("DestinationPort", "DestPort", "destination.port")),
            "network.transport": data("Protocol")
            .str.to_lowercase()
            .replace(_windows_events.TRANSPORTS),
            "network.direction": direction,
            "host.name": text(
                "winlog.computer_name",
                f"{_SYSTEM}Computer",
                "Hostname",
                "Computer",
                "MachineName",
                "host.name",
            ),
            "user.name": actor.fill_null(account),
            "user.domain": data("TargetDomainName")
            .zip_with(logon, data("SubjectDomainName", "TargetDomainName"))
            .fill_null(domain),
            "user.target.name": target.set(logon | subject.is_null(), None),
            "process.name": executable.str.extract(r"([^\\/]+)$", 1),
            "process.pid": _number(data("NewProcessId", "ProcessId", "SourceProcessId")),
            "process.executable": executable,
            "process.command_line": data("CommandLine", "ScriptBlockText", "HostApplication"),
            "process.parent.executable": data("ParentImage", "ParentProcessName"),
            "log.level": level.replace(_windows_events.LEVELS),
            "dns.question.name": data("QueryName"),
            "dns.answers": data("QueryResults")
            .str.replace_all(r"type:\s+\d+\s|::ffff:", "")
            .str.replace_all(";", " ", literal=True)
            .str.strip_chars(),
            "file.path": data("TargetFilename", "ObjectName", "ImageLoaded").fill_null(
                (share_ + "\\" + inside.fill_null("")).str.strip_chars_end("\\")
            ),
            "file.hash.sha256": data("Hashes", "Hash").str.extract(r"SHA256=([0-9A-Fa-f]{64})", 1),
            "message": text("message", "Message", "Event.RenderingInfo.Message"),
        }
    )
    meaning = _meaning(
        key,
        logon_type,
        data("Status"),
        text(*("Keywords", "winlog.keywords", "EventType", "event.outcome", f"{_SYSTEM}Keywords")),
    )
    names = {path: _short(path) for path in told.cells}
    keep = {"LogonType": logon_type, "Channel": channel, "Status": data("Status")}
    noise = [
        path for path in told.cells if path.startswith(_NOISE) and not path.startswith(_DATA[:2])
    ]
    told.taken.update(noise)
    return frame.with_columns(*meaning, told.labels(names=names, more=keep)), ours


def _said(told: _json.Documents, paths: list[str] | tuple[str, ...]) -> list[str]:
    """Those paths that anything was said at: most of them belong to other exports."""
    return [path for path in paths if path in told.cells] or [paths[0]]


def _short(path: str) -> str:
    for prefix in _DATA[:2]:
        if path.startswith(prefix):
            return path[len(prefix) :]
    return path


def _family(channel: pl.Series, provider: pl.Series) -> pl.Series:
    """Which log an event is from: security, sysmon, powershell, system, application or other."""
    words = (channel.fill_null("") + " " + provider.fill_null("")).str.to_lowercase()
    table = pl.DataFrame({"words": words})
    has = pl.col("words").str.contains
    return table.select(
        pl.when(has("sysmon", literal=True))
        .then(pl.lit("sysmon"))
        .when(has("powershell", literal=True))
        .then(pl.lit("powershell"))
        .when(has(r"^security |microsoft-windows-security-auditing|^ security$"))
        .then(pl.lit("security"))
        .when(has(r"^system |^ service control manager$"))
        .then(pl.lit("system"))
        .when(has(r"^application "))
        .then(pl.lit("application"))
        .otherwise(pl.lit("forwarded"))
        .alias("family")
    ).to_series()


def _meaning(
    key: pl.Series, logon_type: pl.Series, status: pl.Series, keywords: pl.Series
) -> list[pl.Series]:
    """`event.category`, `event.action` and `event.outcome`."""
    events = _windows_events.EVENTS
    table = pl.DataFrame({"key": key, "type": logon_type, "status": status, "words": keywords})
    columns = [
        pl.col("key").replace_strict(
            {name: said[place] for name, said in events.items()},
            default=None,
            return_dtype=pl.String,
        )
        for place in range(3)
    ]
    by_status = pl.col("key").is_in(["security:4768", "security:4769", "security:4776"])
    remote = (pl.col("type") == "10") & (columns[1] == "windows_logon")
    return table.select(
        columns[0].fill_null("host").alias("event.category"),
        pl.when(remote)
        .then(pl.lit("rdp_logon"))
        .otherwise(columns[1])
        .fill_null("windows_event")
        .alias("event.action"),
        pl.coalesce(
            columns[2],
            pl.when(by_status & pl.col("status").is_in(_NOT_REFUSED)).then(pl.lit("success")),
            pl.when(by_status & pl.col("status").is_not_null()).then(pl.lit("failure")),
            pl.when(pl.col("words").str.contains(_FAILURE)).then(pl.lit("failure")),
            pl.when(pl.col("words").str.contains(_SUCCESS)).then(
                # that an event was written because it succeeded says nothing of a logoff
                pl.when(~by_status).then(pl.lit("success"))
            ),
        ).alias("event.outcome"),
    ).get_columns()


def _number(texts: pl.Series) -> pl.Series:
    """Numbers, as decimal or as "0x1a4"."""
    plain = texts.cast(pl.Int64, strict=False)
    hexadecimal = texts.str.extract(r"^0x([0-9a-fA-F]{1,15})$", 1)
    if hexadecimal.null_count() == texts.len():
        return plain
    return plain.fill_null(hexadecimal.str.to_integer(base=16, strict=False))


PARSER = Windows()
