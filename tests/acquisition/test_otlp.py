"""OpenTelemetry's exports become documents, whatever their attributes hold."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from apps.acquisition import otlp, reading

EXPORT = {
    "resourceLogs": [
        {
            "resource": {"attributes": [{"key": "host.name", "value": {"stringValue": "web"}}]},
            "scopeLogs": [
                {
                    "logRecords": [
                        {
                            "timeUnixNano": "1795341529250001999",
                            "severityText": "WARN",
                            "traceId": "5b8efff798038103d269b633813fc60c",
                            "body": {"stringValue": "refused"},
                            "attributes": [
                                {"key": "source.ip", "value": {"stringValue": "192.0.2.7"}},
                                {"key": "source.port", "value": {"intValue": "51022"}},
                            ],
                        },
                        {
                            "observedTimeUnixNano": 1795341530000000000,
                            "body": {
                                "kvlistValue": {
                                    "values": [{"key": "message", "value": {"stringValue": "b"}}]
                                }
                            },
                            "unheard": 1,
                        },
                    ]
                }
            ],
        }
    ]
}


def test_records_carry_what_they_and_their_resource_say() -> None:
    found = otlp.split(otlp.JSON, json.dumps(EXPORT).encode(), 1 << 20)
    first, second = (json.loads(text) for text in found.texts)
    assert first == {
        "host.name": "web",
        "source.ip": "192.0.2.7",
        "source.port": 51022,
        "message": "refused",
        "@timestamp": "2026-11-22T09:58:49.250001Z",
        "log.level": "warn",
        "trace.id": "5b8efff798038103d269b633813fc60c",
    }
    assert second["message"] == "b"
    assert second["@timestamp"] == "2026-11-22T09:58:50.000000Z"


def test_protobuf_and_json_say_the_same() -> None:
    told = json.loads(json.dumps(EXPORT))
    record = told["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    record["traceId"] = base64.b64encode(bytes.fromhex(record["traceId"])).decode()
    request = ExportLogsServiceRequest()
    json_format.ParseDict(told, request, ignore_unknown_fields=True)
    binary = otlp.split(otlp.PROTOBUF, request.SerializeToString(), 1 << 20)
    assert binary.texts == otlp.split(otlp.JSON, json.dumps(EXPORT).encode(), 1 << 20).texts


def test_a_record_becomes_a_record() -> None:
    read = reading.read(json.dumps(EXPORT).encode(), protocol=otlp.JSON)
    row = read.frame.row(0, named=True)
    assert (row["source.ip"], row["source.port"], row["host.name"]) == ("192.0.2.7", 51022, "web")
    assert (row["message"], row["log.level"]) == ("refused", "warn")


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b'{"resourceLogs": 1}', b'{"resourceLogs":' + b"[" * 9000, b"\xff", b"1"],
)
def test_what_is_no_export_is_refused_in_one_sentence(content: bytes) -> None:
    for protocol in (otlp.JSON, otlp.PROTOBUF):
        with pytest.raises(otlp.MalformedLogs, match=r"no ExportLogs|levels deep"):
            otlp.split(protocol, content, 1 << 20)


@given(st.binary(max_size=200))
def test_any_bytes_are_split_or_refused(content: bytes) -> None:
    for protocol in (otlp.JSON, otlp.PROTOBUF):
        try:
            found = otlp.split(protocol, content, 1 << 20)
        except otlp.MalformedLogs:
            continue
        assert found.items == len(found.texts) + len(found.rejected)


@pytest.mark.parametrize("levels", [*range(12, 40), 100, 200])
def test_a_value_nested_too_deep_costs_its_record_alone(levels: int) -> None:
    value: dict[str, Any] = {"stringValue": "x"}
    for level in range(levels):
        pair = {"kvlistValue": {"values": [{"key": "a", "value": value}]}}
        value = pair if level % 2 else {"arrayValue": {"values": [value]}}
    records = [{"body": {"stringValue": "before"}}, {"body": value}]
    export = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    found = otlp.split(otlp.JSON, json.dumps(export).encode(), 1 << 20)
    assert json.loads(found.texts[0])["message"] == "before"
    assert found.items == 2
    assert len(found.rejected) == (levels > 25)


def nested(levels: int) -> bytes:
    """An export of one record in protobuf, its body an array in an array and so on."""

    def field(number: int, content: bytes) -> bytes:
        size, length = len(content), b""
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content

    value = field(1, b"x")
    for _ in range(levels):
        value = field(5, field(1, value))
    return field(1, field(2, field(2, field(5, value))))


@pytest.mark.parametrize("levels", [0, 48, 49, 200, 20_000])
def test_a_value_nested_too_deep_in_protobuf_refuses_the_export_with_a_reason(levels: int) -> None:
    if levels <= 48:
        assert otlp.split(otlp.PROTOBUF, nested(levels), 1 << 20).items == 1
        return
    with pytest.raises(otlp.MalformedLogs, match="nested more than 48 deep"):
        otlp.split(otlp.PROTOBUF, nested(levels), 1 << 20)


def test_a_record_without_a_time_happened_when_it_was_observed_or_else_received() -> None:
    records = [{"observedTimeUnixNano": "1764500000000000000"}, {"body": {"stringValue": "x"}}]
    export = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)
    read = reading.read(json.dumps(export).encode(), protocol=otlp.JSON, received_at=now)
    observed = datetime.fromtimestamp(1764500000, UTC)
    assert read.frame["@timestamp"].to_list() == [observed, now]
