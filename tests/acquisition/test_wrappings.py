"""A line says the same, whatever it is wrapped in on its way to us."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.acquisition import hec, loki, otlp, reading
from tests.acquisition.parsers.examples import examples

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENT = "2026-11-22T11:00:00Z"
NANOS = str(int(datetime(2026, 11, 22, 11, tzinfo=UTC).timestamp()) * 10**9)
Wrap = Callable[[Sequence[str]], bytes]


def each(wrap: Callable[[str], Any]) -> Wrap:
    """Lines one by one, each in a JSON document."""
    return lambda lines: "\n".join(json.dumps(wrap(line)) for line in lines).encode()


def beat(line: str) -> dict[str, Any]:
    return {"@timestamp": SENT, "message": line, "log": {"file": {"path": "/var/log/x"}},
            "agent": {"type": "filebeat"}, "input": {"type": "log"}, "ecs": {"version": "8.0"}}  # fmt: skip


def as_otlp(lines: Sequence[str]) -> bytes:
    records = [{"timeUnixNano": NANOS, "body": {"stringValue": line}} for line in lines]
    scope = {"scopeLogs": [{"logRecords": records}]}
    return json.dumps({"resourceLogs": [scope]}).encode()


def as_loki(lines: Sequence[str]) -> bytes:
    values = [[NANOS, line] for line in lines]
    return json.dumps({"streams": [{"stream": {"job": "x"}, "values": values}]}).encode()


WRAPS: dict[str, tuple[str, Wrap]] = {
    "a JSON string": ("ndjson", each(lambda line: line)),
    "message of a document": ("ndjson", each(lambda line: {"message": line})),
    "Filebeat's document": ("ndjson", each(beat)),
    "Beat in bulk": (
        "bulk",
        lambda lines: b"".join(
            b'{"create":{}}\n' + json.dumps(beat(line)).encode() + b"\n" for line in lines
        ),
    ),
    "HEC event": (hec.PROTOCOL, each(lambda line: {"event": line, "sourcetype": "x"})),
    "OTLP record": (otlp.JSON, as_otlp),
    "Loki entry": (loki.JSON, as_loki),
}
HEADS = {
    "RFC 3164": "<13>Nov 22 11:00:00 relay app[9]: ",
    "RFC 3164 of a file": "Nov 22 11:00:00 relay app: ",
    "RFC 5424": "<13>1 2026-11-22T11:00:00Z relay app 9 - - ",
    "cee": "<13>Nov 22 11:00:00 relay app[9]: @cee: ",
}
BESIDE = {"event.sequence", "event.original", "labels", "message"}
"""What a wrapping may add to, or where the line stood."""
TABLE = {"cicflowmeter"}  # a CSV file is no log that is shipped line by line
DOCUMENTS = ("suricata", "web_json", "windows", "zeek", "postgresql", "ecs")


def read(content: bytes, protocol: str) -> list[dict[str, Any]]:
    told = reading.read(content, protocol=protocol, received_at=NOW)
    assert not told.rejected
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in told.frame.to_dicts()
    ]


def says_as_much(wrapped: dict[str, Any], bare: dict[str, Any], line: str) -> None:
    for name, value in bare.items():
        if name not in BESIDE:
            assert wrapped.get(name) == value, (name, line)
    kept = json.loads(bare.get("labels", "{}"))
    assert kept.items() <= json.loads(wrapped.get("labels", "{}")).items(), line


@pytest.mark.parametrize("wrapping", WRAPS)
@pytest.mark.parametrize("name", sorted(set(examples()) - TABLE))
def test_a_line_in_a_document_says_what_the_bare_line_says(name: str, wrapping: str) -> None:
    lines = examples()[name]
    bare = {row["event.sequence"]: row for row in read("\n".join(lines).encode(), "lines")}
    protocol, wrap = WRAPS[wrapping]
    wrapped = {row["event.sequence"]: row for row in read(wrap(lines), protocol)}
    for place, row in bare.items():  # headers describe what is below them, and are no records
        says_as_much(wrapped[place], row, lines[place])


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_behind_a_syslog_head_says_what_the_bare_one_says(name: str, head: str) -> None:
    lines = [line for line in examples()[name] if line.startswith("{")]
    assert lines
    bare = read("\n".join(lines).encode(), "lines")
    headed = read("\n".join(HEADS[head] + line for line in lines).encode(), "lines")
    for row, told, line in zip(bare, headed, lines, strict=True):
        says_as_much(told, row, line)
        assert told["host.name"] == row.get("host.name", "relay")


def test_a_message_of_another_format_is_only_what_a_program_said() -> None:
    """Anybody may have a program say it: it must not become somebody else's failed login."""
    forged = examples()["sshd"][0]
    told = read(f"{HEADS['RFC 5424']}{forged}".encode(), "lines")
    assert (told[0]["event.dataset"], told[0]["message"]) == ("syslog", forged)


def test_documents_in_documents_end_somewhere() -> None:
    line = examples()["sshd"][0]
    for depth in range(1, 12):
        line = json.dumps({"message": line})
        told = read(line.encode(), "lines")
        assert len(told) == 1
        assert (told[0]["event.dataset"] == "sshd.auth") == (depth <= 3)
