"""The journal's export format: entries come apart, and read as its JSON does."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.acquisition import journal_export, reading, services
from tests.acquisition.parsers.trying import few

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIELDS: dict[str, Any] = {
    "__CURSOR": "s=1;i=2",
    "__REALTIME_TIMESTAMP": "1795341529250123",
    "_HOSTNAME": "web",
    "SYSLOG_IDENTIFIER": "sshd",
    "_PID": "8",
    "_SYSTEMD_UNIT": "ssh.service",
    "MESSAGE": "Failed password for root from 192.0.2.9 port 4 ssh2",
}


def exported(**more: Any) -> bytes:
    """An entry as journalctl writes it; bytes are written with their length."""
    out = b""
    for name, value in (FIELDS | more).items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bytes):
                out += name.encode() + b"\n" + len(each).to_bytes(8, "little") + each + b"\n"
            else:
                out += f"{name}={each}\n".encode()
    return out + b"\n"


def read(content: bytes, protocol: str = "auto") -> reading.Reading:
    return reading.read(content, protocol=protocol, received_at=NOW)


def test_entries_read_as_the_journals_own_json() -> None:
    told = read(exported() + exported(MESSAGE="a = b\tc", SYSLOG_IDENTIFIER="app"))
    assert told.frame["event.dataset"].to_list() == ["sshd.auth", "journald.log"]
    same = read(f"{json.dumps(FIELDS)}\n{json.dumps(FIELDS)}".encode(), "ndjson")
    columns = [name for name in told.frame.columns if name != "event.original"]
    assert told.frame.select(columns).head(1).equals(same.frame.select(columns).head(1))
    assert told.frame["user.name"][0] == "root"


def test_values_with_line_ends_and_fields_that_come_twice_stay_whole() -> None:
    entry = exported(MESSAGE=b"two\n\nlines\xff", _SYSTEMD_UNIT=["a.service", "b.service"])
    found = journal_export.split(entry + exported(), 10_000)
    first, second = map(json.loads, found.texts)
    assert first["MESSAGE"] == "two\n\nlines\ufffd"
    assert first["_SYSTEMD_UNIT"] == ["a.service", "b.service"]
    assert second == FIELDS


def test_an_entry_that_breaks_off_costs_none_of_the_others() -> None:
    broken = exported(MESSAGE=b"x" * 100)[:-60]
    found = journal_export.split(exported() + b"=odd\n\n" + exported() + broken, 10_000)
    assert (found.items, found.sequence) == (4, [0, 2])
    assert found.rejected == [
        (1, "a journal entry with a field that has no name"),
        (3, "a journal entry that breaks off"),
    ]
    long = journal_export.split(exported(MESSAGE="x" * 2000) + exported(), 1000)
    assert (long.sequence, long.rejected) == ([1], [(0, "longer than 1000 bytes")])


@pytest.mark.parametrize(
    "content", [b"", b"__x", b"KEY=value\n", b"__CURSOR=1\n", b"{}", b"__CURSOR=\n\n__A", b"\n\n\n"]
)
def test_other_texts_are_no_export(content: bytes) -> None:
    assert not journal_export.is_export(content)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 30))
@few
def test_nothing_makes_it_raise_and_all_entries_are_counted(put: bytes, at: int, cut: int) -> None:
    entry = exported()
    found = journal_export.split(entry + entry[:at] + put + entry[at + cut :] + b"\n" + entry, 9999)
    assert found.items == len(found.texts) + len(found.rejected)
    assert found.sequence[:1] == [0]


@pytest.mark.django_db
def test_an_export_that_is_sent_as_lines_is_one_too() -> None:
    source, _token = services.create_source(name="web", actor="test")
    batch = services.receive(source=source, protocol="lines", content=exported() * 3).batch
    assert batch.protocol == "journal"
    services.parse(batch.pk)
    batch.refresh_from_db()
    assert batch.summary["datasets"] == {"sshd.auth": 3}


@pytest.mark.skipif(not shutil.which("journalctl"), reason="there is no journalctl")
def test_what_journalctl_exports_is_read() -> None:
    done = subprocess.run(
        ["journalctl", "-o", "export", "-n", "50", "--no-pager"], capture_output=True, check=False
    )
    if not journal_export.is_export(done.stdout):
        pytest.skip("this machine keeps no journal")
    told = read(done.stdout)
    assert told.unparsed == 0
    assert not told.rejected
