"""Texts: one a row, whatever the row holds."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ml_core.errors import DataError
from ml_core.kinds import text_kind
from ml_core.readers import Table, read_texts, text_batches, text_column

REQUESTS = text_kind("requests")


def test_the_preferred_column_is_read_and_a_null_is_an_empty_text() -> None:
    frame = pl.DataFrame({"text": ["no"] * 3, "request": ["GET /a", None, ""]})
    assert read_texts(frame, REQUESTS) == ["GET /a", "", ""]
    batches = list(text_batches(Table.open(frame), REQUESTS, 2))
    assert [len(batch) for batch in batches] == [2, 1]


def test_what_is_no_number_is_an_empty_text_and_the_word_a_text() -> None:
    nan = float("nan")
    for told, texts in (
        ([nan, 1.5], ["", "1.5"]),
        ([[nan, 1.5], [nan]], ["1.5", ""]),
        ([[{"id": nan}], [{"id": 2.0}]], ["", "2.0"]),
        (["NaN", "GET /"], ["NaN", "GET /"]),
    ):
        assert read_texts(pl.DataFrame({"request": told}), REQUESTS) == texts
    pieces = pl.DataFrame({"method": ["GET"] * 2, "url": [nan] * 2, "body": [nan] * 2})
    assert read_texts(pieces, REQUESTS) == ["", ""]
    pieces = pl.DataFrame({"method": ["GET"] * 2, "url": ["NaN", "/NaN"], "body": [nan] * 2})
    assert read_texts(pieces, REQUESTS) == ["", "GET /NaN"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (
            "POST http://localhost:8080/a?b=1 HTTP/1.1\r\nHost: x\r\nCookie: id=' or 1\r\n\r\nc=2",
            "POST /a?b=1\nc=2",
        ),
        ("GET /a b HTTP/1.1\nHost: x\n\n", "GET /a b"),
        ("GET /only", "GET /only"),
        ("POST /a HTTP/1.0\n\none\n\ntwo", "POST /a\none\n\ntwo"),
        ("", ""),
    ],
)
def test_an_http_message_is_read_without_host_and_headers(raw: str, text: str) -> None:
    assert read_texts(pl.DataFrame({"raw_request": [raw]}), REQUESTS) == [text]


def test_a_plain_file_is_one_text_a_line(tmp_path: Path) -> None:
    path = tmp_path / "requests.txt"
    path.write_text("GET /a,b\n\nGET /c\n")
    assert read_texts(path, REQUESTS) == ["GET /a,b", "", "GET /c"]


def test_a_table_without_texts_is_refused() -> None:
    with pytest.raises(DataError, match=r"none of the columns request, .* \(there are: a\)"):
        text_column(pl.DataFrame({"a": [1]}), REQUESTS)


def test_lists_of_names_are_read_as_names() -> None:
    frame = pl.DataFrame({"calls": [["open", "read"], [], None]})
    assert read_texts(frame, text_kind("programs")) == ["open read", "", ""]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"Method": "GET", "URL": "http://h/a?b=1 HTTP/1.1", "content": None},
         "GET http://h/a?b=1 HTTP/1.1"),
        ({"method": "POST", "uri": "/a", "body": "c=2"}, "POST /a\nc=2"),
        ({"method": "-", "path": "a", "query": "?b=1"}, "GET /a?b=1"),
        ({"path": "/a?b=1", "query": "b=1", "payload": "c"}, "POST /a?b=1\nc"),
        ({"method": "PUT", "url": "-", "body": "c=2"}, "c=2"),
        ({"http.request.method": "GET", "url.path": "/a", "url.query": "b=1"}, "GET /a?b=1"),
        ({"url": "/a?b=1"}, "/a?b=1"),
        ({"request": "GET /whole", "method": "POST", "url": "/a"}, "GET /whole"),
    ],
)  # fmt: skip
def test_a_request_in_pieces_is_put_together(row: dict[str, str | None], text: str) -> None:
    assert read_texts(pl.DataFrame([row]), REQUESTS) == [text]


def test_bytes_are_read_as_text() -> None:
    frame = pl.DataFrame({"request": [b"GET /a", b"GET /\xff\xfe", None]})
    assert read_texts(frame, REQUESTS) == ["GET /a", "GET /\ufffd\ufffd", ""]


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        ([[["open"], ["read", "close"]], []], ["open read close", ""]),
        ([[{"time": 1, "api": "open"}, {"time": 2, "api": "read"}], None], ["open read", ""]),
        ([[{"what": "open"}], [{"what": "read"}]], ["open", "read"]),
        ([[3, 4, None], []], ["3 4", ""]),
        ([[b"open", b"\xff"], []], ["open \ufffd", ""]),
    ],
)
def test_lists_of_anything_are_read_as_names(column: list[object], texts: list[str]) -> None:
    assert read_texts(pl.DataFrame({"calls": column}), text_kind("programs")) == texts


def test_a_sequence_may_have_a_column_for_each_step() -> None:
    row = {"sha256": "ab", "labels": 1, "t_0": "open", "t_10": "close", "t_2": "read", "t_3": None}
    assert read_texts(pl.DataFrame([row]), text_kind("programs")) == ["open read close"]
    counts = pl.DataFrame([{"E1": 1, "E2": 0, "E3": 4}])  # how often, and not what
    with pytest.raises(DataError, match="none of the columns events"):
        read_texts(counts, text_kind("events"))
