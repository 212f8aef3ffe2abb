"""Windows events: the same event says the same in every export, and XML can do no harm."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given

from tests.acquisition.parsers.trying import (
    claims_nothing_else,
    few,
    first_choice,
    lines_of,
    mutated,
    survives,
)
from tests.acquisition.parsers.trying import one as any_one
from tests.acquisition.parsers.trying import records as any_records

one = partial(any_one, parser="windows")
records = partial(any_records, parser="windows")

AUDIT = "Microsoft-Windows-Security-Auditing"
WHEN = "2026-11-22T09:58:49.250Z"
FAILED = {"SubjectUserName": "-", "TargetUserName": "ann", "TargetDomainName": "EXAMPLE",
          "Status": "0xc000006d", "LogonType": "10", "WorkstationName": "PC",
          "IpAddress": "203.0.113.9", "IpPort": "51022"}  # fmt: skip


def winlog(
    code: int, channel: str = "Security", provider: str = AUDIT, **data: Any
) -> dict[str, Any]:
    return {
        "@timestamp": WHEN,
        "event": {"code": str(code), "kind": "event"},
        "winlog": {"channel": channel, "event_id": str(code), "computer_name": "dc.example.org",
                   "provider_name": provider, "event_data": data},
        "host": {"name": "dc"},
        "agent": {"version": "9"},
    }  # fmt: skip


def flat(
    code: int, channel: str = "Security", provider: str = AUDIT, **data: Any
) -> dict[str, Any]:
    return {"@timestamp": WHEN, "EventID": code, "Channel": channel, "SourceName": provider,
            "Hostname": "dc.example.org", "EventTime": "2026-11-22 10:58:49", **data}  # fmt: skip


def dumped(
    code: int, channel: str = "Security", provider: str = AUDIT, **data: Any
) -> dict[str, Any]:
    system = {"Provider": {"#attributes": {"Name": provider}}, "EventID": code, "Channel": channel,
              "TimeCreated": {"#attributes": {"SystemTime": WHEN}}, "Computer": "dc.example.org",
              "Keywords": "0x8010000000000000", "EventRecordID": 7}  # fmt: skip
    return {"Event": {"#attributes": {"xmlns": "x"}, "System": system, "EventData": data}}


def xml(code: int, channel: str = "Security", provider: str = AUDIT, **data: Any) -> str:
    cells = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in data.items())
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<Provider Name='{provider}' Guid='{{5}}'/><EventID Qualifiers='0'>{code}</EventID>"
        f"<TimeCreated SystemTime='{WHEN}'/><Channel>{channel}</Channel>"
        f"<Computer>dc.example.org</Computer></System><EventData>{cells}</EventData></Event>"
    )


EXPORTS = [winlog, flat, dumped, xml]
SYSMON = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon")
STARTED = {"User": "EXAMPLE\\ann", "Image": "C:\\Windows\\cmd.exe", "CommandLine": "cmd /c whoami",
           "ProcessId": "77", "ParentImage": "C:\\x.exe", "Hashes": "MD5=1,SHA256=" + "ab" * 32}  # fmt: skip
ALL = [make(4625, **FAILED) for make in EXPORTS] + [make(1, *SYSMON, **STARTED) for make in EXPORTS]


@pytest.mark.parametrize("export", EXPORTS)
def test_a_failed_logon_says_who_tried_from_where(export: Any) -> None:
    assert one(export(4625, **FAILED)) == {
        "@timestamp": datetime(2026, 11, 22, 9, 58, 49, 250_000, tzinfo=UTC),
        "event.dataset": "windows.security",
        "event.category": "authentication",
        "event.action": "rdp_logon",
        "event.outcome": "failure",
        "event.code": "4625",
        "event.provider": AUDIT,
        "source.ip": "203.0.113.9",
        "source.domain": "PC",
        "source.port": 51022,
        "host.name": "dc.example.org",
        "user.name": "ann",
        "user.domain": "EXAMPLE",
        "labels": {"LogonType": "10", "Channel": "Security", "Status": "0xc000006d"},
    }


@pytest.mark.parametrize("export", EXPORTS)
def test_a_process_of_sysmon_says_what_ran(export: Any) -> None:
    said = one(export(1, *SYSMON, **STARTED))
    assert (said["event.dataset"], said["event.action"]) == ("windows.sysmon", "process_started")
    assert (said["user.name"], said["user.domain"]) == ("ann", "EXAMPLE")
    assert (said["process.executable"], said["process.name"]) == ("C:\\Windows\\cmd.exe", "cmd.exe")
    assert (said["process.command_line"], said["process.pid"]) == ("cmd /c whoami", 77)
    assert said["process.parent.executable"] == "C:\\x.exe"
    assert said["file.hash.sha256"] == "ab" * 32
    assert said["event.category"] == "process"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (flat(4624, **{**FAILED, "LogonType": 3}), {"event.action": "windows_logon", "event.outcome": "success"}),
        (flat(4768, TargetUserName="ann", Status="0x6", IpAddress="::ffff:203.0.113.9"), {"event.outcome": "failure", "source.ip": "203.0.113.9", "event.category": "authentication"}),
        (flat(4768, TargetUserName="ann", Status="0x0"), {"event.outcome": "success", "user.name": "ann"}),
        (flat(4776, TargetUserName="ann", Status="0xc0000064", Workstation="PC"), {"event.action": "ntlm_logon", "event.outcome": "failure", "source.domain": "PC"}),
        (flat(4634, TargetUserName="ann"), {"event.action": "logoff", "user.name": "ann"}),
        (flat(4648, SubjectUserName="ann", TargetUserName="root"), {"user.name": "ann", "user.target.name": "root", "event.category": "authentication"}),
        (flat(4720, SubjectUserName="ann", TargetUserName="eve"), {"event.action": "user_added", "user.target.name": "eve", "event.category": "configuration"}),
        (flat(4688, SubjectUserName="ann", NewProcessName="C:\\a.exe", NewProcessId="0x1a4"), {"process.pid": 420, "process.name": "a.exe", "user.name": "ann"}),
        (flat(5156, SourceAddress="192.0.2.1", SourcePort=5, DestAddress="192.0.2.2", DestPort="80", Protocol="6", Direction="%%14593"), {"event.category": "network", "network.transport": "tcp", "destination.port": 80, "network.direction": "outbound"}),
        (flat(22, *SYSMON, QueryName="example.org", QueryResults="type:  5 w.example.org;::ffff:192.0.2.1;"), {"dns.question.name": "example.org", "dns.answers": "w.example.org 192.0.2.1", "event.category": "dns"}),
        (flat(11, *SYSMON, TargetFilename="C:\\x.ps1", Image="C:\\a.exe"), {"file.path": "C:\\x.ps1", "event.action": "file_created"}),
        (flat(4104, "Microsoft-Windows-PowerShell/Operational", "x", ScriptBlockText="iex"), {"event.dataset": "windows.powershell", "process.command_line": "iex", "event.action": "script_block"}),
        (flat(7045, "System", "Service Control Manager", ServiceName="evil"), {"event.action": "service_installed", "event.dataset": "windows.system"}),
        (flat(4625, "Application", "Microsoft-Windows-EventSystem"), {"event.category": "host", "event.action": "windows_event", "event.dataset": "windows.application"}),
    ],
)  # fmt: skip
def test_numbers_mean_what_they_mean_in_their_log(event: Any, expected: dict[str, Any]) -> None:
    said = one(event)
    assert {name: said.get(name) for name in expected} == expected


def test_what_no_column_keeps_is_a_label() -> None:
    said = one(winlog(7045, "System", "Service Control Manager", ServiceName="evil", ImagePath="x"))
    assert said["labels"] == {"ServiceName": "evil", "ImagePath": "x", "Channel": "System"}


def test_xml_is_read_without_entities() -> None:
    good = xml(4624, TargetUserName="ann &amp; bob")
    assert one(good)["user.name"] == "ann & bob"
    entity = xml(4624, TargetUserName="&a;")
    inside = good.replace("<System>", "<!DOCTYPE x [<!ENTITY a 'aa'>]><System>")
    deep = "<Event xmlns='x'>" + "<a>" * 9000 + "</a>" * 9000 + "</Event>"
    wide = "<Event xmlns='x'>" + "<a/>" * 9000 + "</Event>"
    rows = records(entity, inside, good[:-9], deep, wide, "<Event></Event>")
    assert all("event.dataset" not in row for row in rows)
    headed = one("Nov 22 09:58:49 collector events[3]: " + good)
    assert headed["host.name"] == "dc.example.org"


def test_text_in_an_event_cannot_forge_fields() -> None:
    forged = '","EventID":4624,"IpAddress":"192.0.2.66","x":"'
    said = one(flat(4625, **{**FAILED, "TargetUserName": forged}))
    assert (said["user.name"], said["event.code"]) == (forged, "4625")
    assert said["source.ip"] == "203.0.113.9"


def test_it_leaves_what_is_not_its_own() -> None:
    assert claims_nothing_else("windows")
    foreign = [
        {"EventID": 4625, "time": WHEN},
        {"EventID": "login", "Channel": "Security", "@timestamp": WHEN},
        {"Event": "x"},
        {"winlog": 5},
        '{"EventID": 4625, "Channel"',
    ]
    assert all("event.dataset" not in row for row in records(*foreign))


def test_it_is_surest_of_its_own_lines() -> None:
    lines = lines_of(*ALL)
    assert first_choice(lines) == "windows"
    assert {row["event.dataset"].partition(".")[0] for row in any_records(*lines)} == {"windows"}


@given(mutated(lines_of(*ALL)))
@few
def test_no_line_makes_it_raise(lines: list[str]) -> None:
    survives("windows", lines)
