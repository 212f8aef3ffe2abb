"""Grafana Loki's push bodies, JSON or protobuf in snappy, as documents with ECS fields.

Source: Loki's `pkg/push/push.proto` and "Loki HTTP API", ingest endpoints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import cramjam
import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.protobuf.message import DecodeError

from apps.acquisition.documents import BAD_JSON, Documents, Malformed
from apps.acquisition.otlp import instant

JSON, PROTOBUF = "loki", "loki_proto"

_LABEL = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')
_HOSTS = ("host", "hostname", "node_name", "nodename", "instance")
_FILES = ("filename", "__path__")


class MalformedPush(Malformed):
    """The body is no push: one sentence for the sender."""


def split(protocol: str, content: bytes, max_line: int) -> Documents:
    """The entries of all streams of one push, in order. Raises MalformedPush."""
    found = Documents()
    streams = _from_json(content) if protocol == JSON else _from_protobuf(content)
    for labels, entries in streams:
        about = _about(labels)
        for time, line, metadata in entries:
            if time is None or line is None:
                found.add(b"", max_line, 'an entry is ["nanoseconds", "line"]')
                continue
            document = {**about, **metadata, "@timestamp": instant(time), "message": line}
            found.add(msgspec.json.encode(document), max_line)
    return found


def open_snappy(content: bytes, most: int) -> bytes:
    """The protobuf message in a snappy block. Raises MalformedPush."""
    try:
        if cramjam.snappy.decompress_raw_len(content) > most:
            raise MalformedPush(f"The body is larger than {most} bytes: send it in parts.")
        return bytes(cramjam.snappy.decompress_raw(content))
    except cramjam.DecompressionError as error:
        raise MalformedPush("The body is no snappy block.") from error


Entry = tuple[int | None, str | None, dict[str, str]]


def _from_json(content: bytes) -> Iterator[tuple[dict[str, str], Iterator[Entry]]]:
    try:
        streams = msgspec.json.decode(content)["streams"]
    except (*BAD_JSON, KeyError, TypeError) as error:
        raise MalformedPush('The body is not {"streams": […]}.') from error
    if not isinstance(streams, list):
        raise MalformedPush('The body is not {"streams": […]}.')
    for stream in streams:
        if not isinstance(stream, dict):
            raise MalformedPush("A stream is an object.")
        labels, values = stream.get("stream"), stream.get("values")
        if not isinstance(labels, dict) or not isinstance(values, list):
            raise MalformedPush('A stream has "stream" (its labels) and "values".')
        yield _texts(labels), map(_entry, values)


def _entry(value: Any) -> Entry:
    match value:
        case [str() | int() as time, str() as line, *more] if (
            len(str(time)) < 20 and str(time).isdecimal()
        ):
            return int(time), line, _texts(more[0]) if more and isinstance(more[0], dict) else {}
    return None, None, {}


def _texts(labels: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if isinstance(value, str)}


def _from_protobuf(content: bytes) -> Iterator[tuple[dict[str, str], Iterator[Entry]]]:
    request = _PUSH()
    try:
        request.ParseFromString(content)
    except DecodeError as error:
        raise MalformedPush("The body is no PushRequest.") from error
    for stream in request.streams:
        labels = dict(_labels(stream.labels))
        yield (
            labels,
            (
                (
                    entry.timestamp.seconds * 1_000_000_000 + entry.timestamp.nanos,
                    entry.line,
                    {pair.name: pair.value for pair in entry.metadata},
                )
                for entry in stream.entries
            ),
        )


def _labels(text: str) -> Iterator[tuple[str, str]]:
    """`{name="value", …}`, read from one end to the other: never sought from every place."""
    at = 1
    while found := _LABEL.match(text, at):
        yield found[1], _unquoted(found[2])
        at = found.end()


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text)


def _about(labels: dict[str, str]) -> dict[str, str]:
    """What a stream's labels say of each of its lines."""
    about = dict(labels)
    for names, field in ((_HOSTS, "host.name"), (_FILES, "log.file.path")):
        said = next((labels[name] for name in names if labels.get(name)), None)
        if said is not None:
            about[field] = said
            about.pop("host", None)  # where it is text, it would stand in the way of host.name
    return about


def _push() -> Any:
    """Loki's PushRequest, told in Python: its Go module ships no descriptor."""
    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="tocsin/loki.proto",
        package="logproto",
        syntax="proto3",
        dependency=[timestamp_pb2.DESCRIPTOR.name],
    )
    for message, fields in {
        "Pair": (("name", 1, ""), ("value", 2, "")),
        "Entry": (
            ("timestamp", 1, ".google.protobuf.Timestamp"),
            ("line", 2, ""),
            ("metadata", 3, "*.logproto.Pair"),
        ),
        "Stream": (("labels", 1, ""), ("entries", 2, "*.logproto.Entry")),
        "PushRequest": (("streams", 1, "*.logproto.Stream"),),
    }.items():
        told = file.message_type.add(name=message)
        for name, number, of in fields:
            told.field.add(
                name=name,
                number=number,
                type=kind.TYPE_MESSAGE if of else kind.TYPE_STRING,
                type_name=of.lstrip("*") or None,
                label=kind.LABEL_REPEATED if of.startswith("*") else kind.LABEL_OPTIONAL,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("logproto.PushRequest"))


_PUSH = _push()
