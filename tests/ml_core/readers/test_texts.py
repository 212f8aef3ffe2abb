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
