"""Text in UTF-16 and behind runs of NULs is text; what is none stays a file."""

from __future__ import annotations

import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.acquisition import plain_text, reading, selectors, services
from tests.acquisition.parsers.trying import few
from tests.acquisition.samples import ACCESS, FAILED, capture
from tests.acquisition.test_parsers import FLOW, HEADER

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEXT = f"{ACCESS}\r\n{FAILED}\r\n"
DATASETS = ["nginx.access", "sshd.auth"]


def datasets(content: bytes) -> list[str]:
    read = reading.read(content, protocol="auto", received_at=NOW)
    assert not read.rejected
    return read.frame["event.dataset"].to_list()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_both_orders_of_utf_16_are_read_with_and_without_their_mark(encoding: str) -> None:
    assert datasets(TEXT.encode(encoding)) == DATASETS
    umlauts = (TEXT + "Straße 東京 ключ\n").encode("utf-16")
    assert datasets(umlauts) == [*DATASETS, "unparsed"]


@pytest.mark.parametrize("many", [16, 5000, 200_000])
def test_a_log_behind_nulls_is_read(many: int) -> None:
    zeros = b"\0" * many
    assert datasets(zeros + TEXT.encode()) == DATASETS
    assert datasets(TEXT.encode() + zeros + TEXT.encode()) == DATASETS * 2


def test_what_is_no_text_stays_a_file() -> None:
    program = Path(sys.executable).read_bytes()[:300_000]
    for content in (program, b"\0" * 5000, b"\0" * 5000 + os.urandom(5000), b"\xff\xfe" + program):
        assert datasets(content) == ["file"]
    assert reading.recognise(capture())[1] == "capture"


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-16")))
@few
def test_nothing_makes_it_raise(content: bytes) -> None:
    for many in (0, 20):
        zeros = b"\0" * many
        plain_text.utf8(zeros + content).decode("utf-8", "replace")
        reading.read(b"x" + zeros + content, protocol="auto", received_at=NOW)


@pytest.mark.django_db
def test_its_bytes_stay_as_they_came_and_its_lines_can_be_shown() -> None:
    source, _token = services.create_source(name="web", actor="test")
    content = f"{HEADER}\r\n{FLOW}\r\n".encode("utf-16")
    for protocol in ("auto", "lines"):
        receipt = services.receive(
            source=source, protocol=protocol, content=content, file_name=protocol
        )
        services.parse(receipt.batch.pk)
        record = receipt.batch.records.get()
        assert record.event_dataset == "network.flow"
        assert selectors.raw_line(record.pk) == FLOW
        assert selectors.content_of(receipt.batch.pk) == content


def test_what_is_no_text_is_a_file_and_text_of_older_encodings_is_lines() -> None:
    noise = random.Random(7).randbytes
    assert reading.recognise(noise(3000))[1] == "file"
    assert reading.recognise(noise(100_000))[1] == "file"
    said = "Ошибка входа" * 200 + "\n"
    for text, encoding in (
        ("séance fermée à l'hôte\n" * 300, "latin-1"),
        ("登录失败，用户名或密码错误\n" * 300, "gbk"),
        ("ログインに失敗しました\n" * 300, "shift-jis"),
        (said, "koi8-r"),
        ("8=FIX.4.2\x019=12\x0135=A\x01é\n" * 5000, "utf-8"),
    ):
        assert reading.recognise(text.encode(encoding))[1] == "lines"
    hostile = b"GET /index.html HTTP/1.1 200\n" * 10 + b"\x16\x03\x01\xff\xfe" * 3 + b"\n"
    assert reading.recognise(hostile)[1] == "lines"
