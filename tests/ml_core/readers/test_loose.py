"""Text files of other encodings and with odd quotes: one row in, one row out."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_core.errors import DataError
from ml_core.kinds import text_kind
from ml_core.readers import Table, read_texts

REQUESTS = text_kind("requests")
ONE_FILE = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=12),
        st.lists(st.sampled_from(['"', ",", "\n", "'", ";", "\t", "|", "a", " "]), max_size=6).map(
            "".join
        ),
    ),
    min_size=1,
    max_size=8,
)


def texts(path: Path, content: str | bytes) -> list[str]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = Table.open(path, lines=True)
    read = read_texts(path, REQUESTS)
    assert table.count() == len(read)
    return read


@ONE_FILE
@given(rows=TEXTS, quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_what_a_table_writes_is_read_back(tmp_path: Path, rows: list[str], quoting: int) -> None:
    file = io.StringIO()
    writer = csv.writer(file, quoting=quoting, lineterminator="\n")
    writer.writerows([["request", "label"], *([row, "0"] for row in rows)])
    assert texts(tmp_path / "t.csv", file.getvalue()) == rows


@ONE_FILE
@given(rows=TEXTS)
def test_texts_of_columnar_files_stay_as_they_are(tmp_path: Path, rows: list[str]) -> None:
    file = io.BytesIO()
    pl.DataFrame({"request": rows}).write_parquet(file)
    assert texts(tmp_path / "t.parquet", file.getvalue()) == rows


@ONE_FILE
@given(
    rows=st.lists(
        st.from_regex(r"\A[a-z/?][a-z\"' ]{0,9}\Z"), min_size=1, max_size=8
    )
)  # fmt: skip
def test_quotes_within_values_are_characters(tmp_path: Path, rows: list[str]) -> None:
    lines = [f"{row},{n}" for n, row in enumerate(rows)]
    assert texts(tmp_path / "t.csv", "\n".join(["request,n", *lines])) == rows


def test_the_lines_of_a_single_column_may_begin_with_quotes(tmp_path: Path) -> None:
    assert texts(tmp_path / "t.csv", 'request\n" or 1=1\nGET /a,b\n') == ['" or 1=1', "GET /a,b"]


def test_short_and_long_rows_and_double_names_are_read_as_ever(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('n,request,n\n1,a"b\n\n2,c"d,3,4\n')
    rows = Table.open(tmp_path / "t.csv").rows.collect()
    assert rows.columns == ["n", "request", "n_duplicated_0"]
    assert rows.rows() == [("1", 'a"b', None), (None, None, None), ("2", 'c"d', "3")]


@pytest.mark.parametrize("content", ['request,n\nGET /a"b,1\nGET /c"d,2\n', "request\nGET /ä\n"])
def test_other_encodings_say_the_same(tmp_path: Path, content: str) -> None:
    expected = texts(tmp_path / "t.csv", content)
    for name, packed in (
        ("t.bz2", bz2.compress(content.encode())),
        ("t.xz", lzma.compress(content.encode())),
        ("t.gz", gzip.compress(content.encode())),
        ("t.zst", zstandard.compress(content.encode())),
        ("utf16.csv", content.encode("utf-16")),
        ("mac.csv", content.replace("\n", "\r").encode()),
        ("windows.csv", content.replace("\n", "\r\n").encode()),
        ("bom.csv", content.encode("utf-8-sig")),
    ):
        assert texts(tmp_path / name, packed) == expected, name


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'request,n\n"GET /a,1\nGET /b,2\n', "a quotation mark is never closed"),
        (bz2.compress(b"request\nGET /a\n")[:-9], "not readable"),
        (lzma.compress(b"request\nGET /a\n")[:-9], "not readable"),
        (gzip.compress(b"request,n\n" + b'GET /a"b,1\n' * 9)[:-9], "not readable"),
        (b"PK\x03\x04\x00\x01 a zip archive", "not a table: it begins with the bytes 50 4b 03"),
    ],
)
def test_what_is_damaged_is_refused_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says) as refused:
        texts(tmp_path / "t.csv", content)
    assert "\n" not in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_packed_text_file_that_ends_too_soon_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "t.txt.gz"
    lines = "".join(f"GET /{i * 7919 % 100_003}\n" for i in range(50_000))
    path.write_bytes(gzip.compress(lines.encode())[:-2000])
    with pytest.raises(DataError, match=r"t\.txt\.gz: ") as refused:
        read_texts(path, REQUESTS)
    assert "\n" not in str(refused.value)
