"""Windows event log files: their events reach the parser, and damage costs no more than it must."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.acquisition import evtx, reading
from tests.acquisition.made_evtx import event_log
from tests.acquisition.parsers.trying import records

FAILED = (4625, "Security", "2026-11-22T09:58:49.250000Z", {"TargetUserName": "ann", "IpAddress": "203.0.113.9"})  # fmt: skip
LOGON = (4624, "Security", "2026-11-22T09:58:50.250000Z", {"TargetUserName": "bob"})
FILE = event_log(FAILED, LOGON)


def test_events_of_a_file_become_records() -> None:
    events, broken = evtx.windows_events(FILE)
    failed, logon = records(*events, parser="windows")
    assert broken == 0
    assert (failed["event.code"], failed["event.outcome"]) == ("4625", "failure")
    assert (failed["user.name"], failed["source.ip"]) == ("ann", "203.0.113.9")
    assert (logon["event.action"], logon["user.name"]) == ("windows_logon", "bob")
    assert failed["host.name"] == "dc.example.org"


def test_damage_is_counted_or_said() -> None:
    first = FILE.index(b"\x0f\x01\x01\x00", 4096)
    damaged = FILE[: first + 4] + b"\xee" * 40 + FILE[first + 44 :]
    events, broken = evtx.windows_events(damaged)
    assert (len(events), broken) == (1, 1)
    assert evtx.windows_events(FILE[:5000]) == ([], 1)
    for content in (b"", b"hello", FILE[:100]):
        with pytest.raises(ValueError, match="event log file"):
            evtx.windows_events(content)


@given(st.integers(0, len(FILE) - 1), st.binary(min_size=1, max_size=8), st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_file_does_worse(at: int, put: bytes, cut: bool) -> None:
    content = FILE[:at] + put + (b"" if cut else FILE[at + len(put) :])
    try:
        events, _ = evtx.windows_events(content)
    except ValueError:
        return
    assert pl.Series(events, dtype=pl.String).len() <= 2


def test_a_file_is_recognised_and_its_damaged_records_are_counted() -> None:
    read = reading.read(FILE, protocol="auto", host_name="collector")
    assert read.frame["event.dataset"].to_list() == ["windows.security"] * 2
    first = FILE.index(b"\x0f\x01\x01\x00", 4096)
    damaged = FILE[: first + 4] + b"\xee" * 40 + FILE[first + 44 :]
    read = reading.read(damaged, protocol="evtx")
    assert (read.items, read.frame.height, len(read.rejected)) == (2, 1, 1)
    with pytest.raises(reading.Unreadable, match="event log file"):
        reading.read(b"hello", protocol="evtx")
