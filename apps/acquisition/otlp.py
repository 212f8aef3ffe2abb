"""OpenTelemetry log records (OTLP/HTTP, protobuf or JSON) as documents with ECS fields.

Source: opentelemetry-proto, `logs/v1/logs.proto` and `collector/logs/v1/logs_service.proto`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from apps.acquisition.documents import DEEPEST, Documents, Malformed, is_deeper

PROTOBUF, JSON = "otlp", "otlp_json"

MOST = 16 * 1024 * 1024
"""Bytes of one protobuf message: each of its empty records takes two, and a hundred in memory."""

_DEEPEST_JSON = 90
"""Levels of JSON in one record: `json_format` reads 100 in all, three or four of them a value."""

_IDS = ("traceId", "spanId", "trace_id", "span_id")


class MalformedLogs(Malformed):
    """The body is no export of logs: one sentence for the sender."""


def split(protocol: str, content: bytes, max_line: int) -> Documents:
    """The log records of one export as JSON documents. Raises MalformedLogs."""
    found = Documents()
    if protocol == JSON:
        request, deep = _from_json(content)
    else:
        request, deep = _from_protobuf(content), 0
    for resource in request.resource_logs:
        about = dict(_fields(resource.resource.attributes))
        for scope in resource.scope_logs:
            for record in scope.log_records:
                found.add(msgspec.json.encode(_document(record, about)), max_line)
    for _ in range(deep):
        found.add(b"", max_line, "nested too deep")
    return found


def _from_protobuf(content: bytes) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    try:
        request.ParseFromString(content)
    except DecodeError as error:
        raise MalformedLogs(
            "The body is no ExportLogsServiceRequest, or a value in it is nested more than 48 deep."
        ) from error
    return request


def _from_json(content: bytes) -> tuple[ExportLogsServiceRequest, int]:
    """The export, and how many records were left out of it that protobuf cannot hold: a value may
    be nested some thirty levels there."""
    request = ExportLogsServiceRequest()
    try:
        told = msgspec.json.decode(content, type=dict[str, Any])
        deep = _without_deep(told)
        json_format.ParseDict(_binary_ids(told), request, ignore_unknown_fields=True)
    except (json_format.ParseError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedLogs("The body is no ExportLogsServiceRequest.") from error
    except (RecursionError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedLogs("The body is no ExportLogsServiceRequest.") from error
    return request, deep


def _without_deep(told: dict[str, Any]) -> int:
    """Takes the records that are nested too deep out of an export; returns how many."""
    gone = 0
    for resource in told.get("resourceLogs") or told.get("resource_logs") or []:
        for scope in resource.get("scopeLogs") or resource.get("scope_logs") or []:
            name = "logRecords" if "logRecords" in scope else "log_records"
            records = scope.get(name) or []
            scope[name] = [record for record in records if not is_deeper(record, _DEEPEST_JSON)]
            gone += len(records) - len(scope[name])
    return gone


def _binary_ids(value: Any, depth: int = 0) -> Any:
    """OTLP's JSON writes ids in hex, where protobuf's own mapping expects base64."""
    if depth > _DEEPEST_JSON + 10:
        raise MalformedLogs(f"nested more than {_DEEPEST_JSON} levels deep")
    if isinstance(value, list):
        return [_binary_ids(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(item)).decode()
        if key in _IDS and isinstance(item, str)
        else _binary_ids(item, depth + 1)
        for key, item in value.items()
    }


def _document(record: LogRecord, about: dict[str, Any]) -> dict[str, Any]:
    """What the record itself says goes before what its resource says."""
    document = about | dict(_fields(record.attributes))
    body = _value(record.body)
    if isinstance(body, dict):
        document |= body
    elif body is not None:
        document["message"] = body if isinstance(body, str) else str(body)
    if nanoseconds := record.time_unix_nano or record.observed_time_unix_nano:
        document["@timestamp"] = instant(nanoseconds)
    if record.severity_text:
        document["log.level"] = record.severity_text.lower()
    if record.trace_id:
        document["trace.id"] = record.trace_id.hex()
    if record.span_id:
        document["span.id"] = record.span_id.hex()
    return document


def instant(nanoseconds: int) -> str | None:
    """Nanoseconds since 1970 as ISO 8601 with microseconds; None beyond the years it can say."""
    try:
        return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC).strftime(
            f"%Y-%m-%dT%H:%M:%S.{nanoseconds % 1_000_000_000 // 1000:06}Z"
        )
    except (OverflowError, OSError, ValueError):
        return None


def _fields(attributes: Iterable[KeyValue]) -> Iterator[tuple[str, Any]]:
    for attribute in attributes:
        value = _value(attribute.value)
        if value is not None:
            yield attribute.key, value


def _value(value: AnyValue, depth: int = 0) -> Any:
    if depth > DEEPEST:
        return None
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "kvlist_value":
            return {pair.key: _value(pair.value, depth + 1) for pair in value.kvlist_value.values}
        case "array_value":
            return [_value(item, depth + 1) for item in value.array_value.values]
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case _:
            return getattr(value, kind)
