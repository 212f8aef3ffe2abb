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

from apps.acquisition.documents import DEEPEST, Documents, Malformed

PROTOBUF, JSON = "otlp", "otlp_json"

MOST = 16 * 1024 * 1024
"""Bytes of one protobuf message: each of its empty records takes two, and a hundred in memory."""

_IDS = ("traceId", "spanId", "trace_id", "span_id")


class MalformedLogs(Malformed):
    """The body is no export of logs: one sentence for the sender."""


def split(protocol: str, content: bytes, max_line: int) -> Documents:
    """The log records of one export as JSON documents. Raises MalformedLogs."""
    found = Documents()
    for resource in _request(content, protocol).resource_logs:
        about = dict(_fields(resource.resource.attributes))
        for scope in resource.scope_logs:
            for record in scope.log_records:
                found.add(msgspec.json.encode(_document(record, about)), max_line)
    return found


def _request(content: bytes, protocol: str) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    try:
        if protocol == PROTOBUF:
            request.ParseFromString(content)
        else:
            told = msgspec.json.decode(content, type=dict[str, Any])
            json_format.ParseDict(_binary_ids(told), request, ignore_unknown_fields=True)
    except (DecodeError, json_format.ParseError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedLogs("The body is no ExportLogsServiceRequest.") from error
    except (RecursionError, AttributeError, TypeError, ValueError) as error:
        raise MalformedLogs("The body is no ExportLogsServiceRequest.") from error
    return request


def _binary_ids(value: Any, depth: int = 0) -> Any:
    """OTLP's JSON writes ids in hex, where protobuf's own mapping expects base64."""
    if depth > DEEPEST:
        raise MalformedLogs(f"nested more than {DEEPEST} levels deep")
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
