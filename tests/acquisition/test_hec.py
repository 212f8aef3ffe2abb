"""Bodies of Splunk's HTTP Event Collector."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.acquisition import hec, reading

GOOD = {"time": 1795341529.25, "host": "web", "source": "/var/log/x", "event": "refused"}


def test_events_glued_together_spaced_or_one_a_line_are_the_same() -> None:
    other = {"event": {"source": {"ip": "192.0.2.7"}, "message": "b"}, "fields": {"shop": "7"}}
    texts = [json.dumps(GOOD), json.dumps(other, indent=1)]
    for glue in ("", " ", "\n", "\r\n\r\n"):
        found = hec.split(glue.join(texts).encode(), 1 << 20)
        first, second = (json.loads(text) for text in found.texts)
        assert first["message"] == "refused"
        assert first["host.name"] == "web"
        assert second == {"shop": "7", "source": {"ip": "192.0.2.7"}, "message": "b"}


def test_an_event_without_event_costs_none_of_its_neighbours() -> None:
    bodies = [GOOD, {"host": "web"}, {"event": ""}, 7, {"event": "x" * 120}, GOOD]
    found = hec.split("\n".join(map(json.dumps, bodies)).encode(), 120)
    assert found.sequence == [0, 5]
    assert [number for number, _ in found.rejected] == [1, 2, 3, 4]


def test_what_is_no_json_names_the_event_at_fault() -> None:
    with pytest.raises(hec.MalformedEvents, match="not JSON") as caught:
        hec.split(json.dumps(GOOD).encode() + b"{nonsense", 1 << 20)
    assert caught.value.number == 1


def test_time_and_host_of_the_envelope_are_those_of_the_record() -> None:
    row = reading.read(json.dumps(GOOD).encode(), protocol=hec.PROTOCOL).frame.row(0, named=True)
    assert row["@timestamp"].isoformat() == "2026-11-22T09:58:49.250000+00:00"
    assert row["host.name"] == "web"


@given(st.lists(st.recursive(st.none() | st.text() | st.integers(), st.lists), max_size=5))
def test_any_values_one_after_the_other_are_counted(values: list[object]) -> None:
    glued = " ".join(map(json.dumps, values))
    found = hec.split(glued.encode(), 1 << 20)
    assert found.items == len(values)
    assert len(found.rejected) == len(values)


def test_half_a_surrogate_pair_is_rejected_alone() -> None:
    found = hec.split(b'{"event": "ok"}\n{"event": "\\ud800"}', 1 << 20)
    assert (found.sequence, len(found.rejected)) == ([0], 1)


def test_an_event_without_a_time_happened_when_it_was_received() -> None:
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)
    body = b'{"event": "a word"}{"event": "another", "time": 1764500000.5}'
    read = reading.read(body, protocol=hec.PROTOCOL, received_at=now)
    told = datetime.fromtimestamp(1764500000.5, UTC)
    assert read.frame["@timestamp"].to_list() == [now, told]
