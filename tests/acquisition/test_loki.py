"""Loki's push bodies."""

from __future__ import annotations

import contextlib
import json

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.acquisition import loki, reading
from apps.acquisition.documents import Overfull

PUSH = {
    "streams": [
        {
            "stream": {"app": "shop", "host": "web", "filename": "/var/log/x"},
            "values": [
                ["1795341529250001999", "refused", {"trace": "7"}],
                ["1795341530000000000", "b"],
            ],
        }
    ]
}


def protobuf() -> bytes:
    push = loki._PUSH()
    for stream in PUSH["streams"]:
        labels = ", ".join(f'{key}="{value}"' for key, value in stream["stream"].items())
        sent = push.streams.add(labels="{" + labels + "}")
        for time, line, *metadata in stream["values"]:
            entry = sent.entries.add(line=line)
            entry.timestamp.FromNanoseconds(int(time))
            for name, value in (metadata[0] if metadata else {}).items():
                entry.metadata.add(name=name, value=value)
    content: bytes = push.SerializeToString()
    return content


def test_lines_carry_their_stream_s_labels() -> None:
    found = loki.split(loki.JSON, json.dumps(PUSH).encode(), 1 << 20)
    first, second = (json.loads(text) for text in found.texts)
    assert first == {
        "app": "shop",
        "host.name": "web",
        "filename": "/var/log/x",
        "log.file.path": "/var/log/x",
        "trace": "7",
        "@timestamp": "2026-11-22T09:58:49.250001Z",
        "message": "refused",
    }
    assert second["message"] == "b"


def test_protobuf_and_json_say_the_same() -> None:
    packed = bytes(cramjam.snappy.compress_raw(protobuf()))
    content = loki.open_snappy(packed, 1 << 20)
    told = loki.split(loki.PROTOBUF, content, 1 << 20)
    assert told.texts == loki.split(loki.JSON, json.dumps(PUSH).encode(), 1 << 20).texts
    row = reading.read(content, protocol=loki.PROTOBUF).frame.row(0, named=True)
    assert (row["host.name"], row["message"]) == ("web", "refused")


def test_labels_are_read_as_prometheus_quotes_them() -> None:
    push = loki._PUSH()
    sent = push.streams.add(labels=r'{a="x, b=\"y\"", c="back\\slash", d="line\nend"}')
    sent.entries.add(line="l")
    (text,) = loki.split(loki.PROTOBUF, push.SerializeToString(), 1 << 20).texts
    told = json.loads(text)
    assert (told["a"], told["c"], told["d"]) == ('x, b="y"', "back\\slash", "line\nend")


def test_a_bad_entry_costs_none_of_its_neighbours() -> None:
    values = [["x", "a"], ["1", "b"], [1, 2], "c", ["2"]]
    body = {"streams": [{"stream": {}, "values": values}]}
    found = loki.split(loki.JSON, json.dumps(body).encode(), 1 << 20)
    assert found.sequence == [1]
    assert len(found.rejected) == 4


def test_snappy_never_unfolds_beyond_the_limit() -> None:
    packed = bytes(cramjam.snappy.compress_raw(b"x" * 5000))
    with pytest.raises(loki.MalformedPush, match="larger than 4999"):
        loki.open_snappy(packed, 4999)
    for broken in (b"", packed[:-1], b"\xff" * 20):
        with pytest.raises(loki.MalformedPush, match="snappy"):
            loki.open_snappy(broken, 1 << 20)


@given(st.binary(max_size=100))
def test_any_bytes_are_split_or_refused(content: bytes) -> None:
    for protocol in (loki.JSON, loki.PROTOBUF):
        try:
            found = loki.split(protocol, content, 1 << 20)
        except loki.MalformedPush:
            continue
        assert found.items == len(found.texts) + len(found.rejected)
    with contextlib.suppress(loki.MalformedPush):
        assert len(loki.open_snappy(content, 1 << 16)) <= 1 << 16


def test_labels_are_never_sought_from_every_place() -> None:
    for labels in ("{" + " " * 500_000 + "}", "{" + "a" * 500_000 + "}"):
        push = loki._PUSH()
        push.streams.add(labels=labels).entries.add(line="l")
        found = loki.split(loki.PROTOBUF, push.SerializeToString(), 1 << 20)  # hours, if sought
        assert len(found.texts) == 1


def test_labels_said_once_may_not_unfold_without_end() -> None:
    push = loki._PUSH()
    sent = push.streams.add(labels='{a="' + "x" * 900_000 + '"}')
    for _ in range(1_000):
        sent.entries.add(line="l")
    with pytest.raises(Overfull, match="unfolds to too much"):
        loki.split(loki.PROTOBUF, push.SerializeToString(), 1 << 20)


def test_a_time_of_too_many_digits_is_rejected_alone() -> None:
    body = {"streams": [{"stream": {}, "values": [["9" * 5000, "a"], ["1", "b"]]}]}
    assert loki.split(loki.JSON, json.dumps(body).encode(), 1 << 20).sequence == [1]
