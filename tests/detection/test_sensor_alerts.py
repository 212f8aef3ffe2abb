"""Alerts of sensors, from the lines they write to the findings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.acquisition.reading import read
from apps.contracts import Finding, Kind, Risk
from apps.detection.evidence import ready
from apps.detection.tools.sensor_alerts import TOOL

OUTSIDE, INSIDE = "93.184.216.34", "10.0.0.5"


def alert(signature: str, severity: int = 1, source: str = OUTSIDE, **more: Any) -> str:
    """A line of Suricata's eve.json."""
    said = {"signature_id": 2000001, "signature": signature, "severity": severity, **more}
    target = INSIDE if source == OUTSIDE else OUTSIDE
    return json.dumps(
        {
            "timestamp": "2026-11-22T10:00:00.000000+0000",
            "flow_id": 1,
            "event_type": "alert",
            "src_ip": source,
            "src_port": 4000,
            "dest_ip": target,
            "dest_port": 22,
            "proto": "TCP",
            "alert": {"action": "allowed", **said},
        }
    )


def found(*lines: str) -> list[Finding]:
    return TOOL.detect(ready(read("\n".join(lines).encode(), protocol="lines").frame))


def test_alerts_of_one_rule_between_two_ends_are_one_finding() -> None:
    (one,) = found(*[alert("ET SCAN Potential SSH Scan", 2)] * 30)
    assert (one.kind, one.subject, one.target) == (Kind.PORT_SCAN, OUTSIDE, INSIDE)
    assert one.title == f"ET SCAN Potential SSH Scan: 30 alerts from {OUTSIDE} against {INSIDE}"
    assert (one.severity, len(one.records), one.techniques) == (52, 30, ("T1046",))
    assert one.parameters["sensor"] == "suricata"


@pytest.mark.parametrize(
    ("signature", "more", "kind", "risk"),
    [
        ("ET WEB_SERVER SQL Injection in URI", {}, Kind.WEB_INJECTION, Risk.INTRUSION),
        ("ET SCAN SSH BruteForce Tool", {}, Kind.BRUTE_FORCE, Risk.INTRUSION),
        ("ET DOS Possible NTP DDoS Amplification", {}, Kind.FLOOD, Risk.INTRUSION),
        ("ET MALWARE Win32/Loader Activity", {}, Kind.MALWARE, Risk.VIRUS),
        ("ET WEB_SHELL Generic Webshell POST", {}, Kind.WEB_SHELL, Risk.TROJAN),
        (
            "ET MALWARE Win32/Loader Activity",
            {"category": "Malware Command and Control Activity Detected"},
            Kind.COMMAND_AND_CONTROL,
            Risk.TROJAN,
        ),
        ("ACME strange bytes", {}, Kind.ANOMALY, Risk.INTRUSION),
    ],
)
def test_a_rules_own_words_say_what_it_is_about(
    signature: str, more: dict[str, Any], kind: Kind, risk: Risk
) -> None:
    (one,) = found(alert(signature, **more))
    assert (one.kind, one.risk) == (kind, risk)


def test_in_a_connection_home_our_machine_acts_whichever_side_fired_the_rule() -> None:
    checkin = "ET MALWARE CnC Checkin"
    for source in (INSIDE, OUTSIDE):
        (one,) = found(alert(checkin, source=source))
        assert (one.subject, one.target) == (INSIDE, OUTSIDE)


def test_what_a_sensor_only_notes_is_no_finding() -> None:
    assert not found(alert("SURICATA STREAM excessive retransmissions", 3))
    weird = alert("x").replace('"event_type": "alert"', '"event_type": "anomaly"')
    assert not found(weird)


def test_notices_of_zeek_are_findings_and_its_weird_log_is_not() -> None:
    fields = [
        "ts",
        "uid",
        "id.orig_h",
        "id.orig_p",
        "id.resp_h",
        "id.resp_p",
        "note",
        "msg",
        "src",
        "dst",
        "suppress_for",
    ]
    values = f"1700000000.1 C1 {OUTSIDE} 1 {INSIDE} 22 SSH::Password_Guessing guessing "
    values += f"{OUTSIDE} {INSIDE} 3600"
    notice = "\t".join(["#fields", *fields]), "\t".join(values.split())
    (one,) = found("#separator \\x09", *notice)
    assert (one.kind, one.subject, one.severity) == (Kind.BRUTE_FORCE, OUTSIDE, 40)
    fields = [
        "ts",
        "uid",
        "id.orig_h",
        "id.orig_p",
        "id.resp_h",
        "id.resp_p",
        "name",
        "addl",
        "notice",
        "peer",
    ]
    values = f"1700000000.1 C1 {OUTSIDE} 1 {INSIDE} 22 bad_TCP_checksum - F zeek"
    assert not found("#separator \\x09", "\t".join(["#fields", *fields]), "\t".join(values.split()))


@pytest.mark.parametrize(("severity", "expected"), [(10, 80), (7, 40), (99, 80), (3, None)])
def test_cef_counts_to_ten(severity: int, expected: int | None) -> None:
    line = f"CEF:0|Acme|IPS|1.0|100|SQL Injection attempt|{severity}|src={OUTSIDE} dst={INSIDE}"
    findings = found(line)
    assert [one.severity for one in findings] == ([] if expected is None else [expected])
    if findings:
        assert (findings[0].kind, findings[0].parameters["sensor"]) == (
            Kind.WEB_INJECTION,
            "Acme IPS",
        )
