"""Files of every form are the same rows; what is none of them is refused in one line."""

from __future__ import annotations

import gzip
import json
import os
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from ml_core.errors import DataError
from ml_core.readers.frames import Table

FRAME = pl.DataFrame({"domain": ["a.example", "b,c", None], "label": ["0", "1", "0"]})


def write(path: Path) -> Path:
    name = path.name
    if ".parquet" in name:
        FRAME.write_parquet(path)
    elif ".arrow" in name:
        FRAME.write_ipc(path)
    elif ".jsonl" in name:
        FRAME.write_ndjson(path)
    else:
        text = FRAME.write_csv(separator="\t" if ".tsv" in name else ",")
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["d.csv", "d.tsv", "d.csv.gz", "d.parquet", "d.arrow", "d.jsonl"])
def test_the_same_rows_from_every_form(tmp_path: Path, name: str) -> None:
    table = Table.open(write(tmp_path / name))
    batches = list(table.batches([pl.col("domain"), pl.col("label").cast(pl.String)], 2))
    assert pl.concat(batches).rows() == FRAME.rows()
    assert table.count() == 3


def test_zstandard_is_opened_too(tmp_path: Path) -> None:
    path = tmp_path / "d.csv.zst"
    FRAME.lazy().sink_csv(path, compression="zstd")
    assert path.read_bytes()[:4] == b"\x28\xb5\x2f\xfd"
    assert Table.open(path).rows.collect().rows() == FRAME.rows()


def test_bytes_that_are_not_utf8_and_a_mark_at_the_start_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(b"\xef\xbb\xbfLabel,n\r\nWeb Attack \x96 XSS,1\r\nshort\r\n1,2,more\r\n")
    rows = Table.open(path).rows.collect().rows()
    assert rows == [("Web Attack \ufffd XSS", "1"), ("short", None), ("1", "2")]
    assert Table.open(path).find("label") == "Label"


def test_one_column_needs_no_quotes(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text('request\nGET /a?b=1,2;3\n"GET /c,d"\n')
    assert Table.open(path).rows.collect()["request"].to_list() == ["GET /a?b=1,2;3", "GET /c,d"]


def test_objects_in_objects_are_columns(tmp_path: Path) -> None:
    line = '{"source": {"ip": "10.0.0.1", "geo": {"name": "x"}}, "n": 1}'
    (tmp_path / "d.json").write_text(f"{line}\n{line}\n")
    (tmp_path / "list.json").write_text(f"[{line},{line}]")
    for name in ("d.json", "list.json"):
        table = Table.open(tmp_path / name)
        assert list(table.schema) == ["source.ip", "source.geo.name", "n"]
        assert table.count() == 2


@pytest.mark.parametrize("first", [7, 1.5, True, None, ["a"], {"b": 1}])
def test_a_column_of_json_lines_may_change_its_type_anywhere(tmp_path: Path, first: object) -> None:
    path = tmp_path / "d.jsonl"
    lines = [json.dumps({"n": 1, "domain": first})] * 2_500 + ['{"domain":"late.example","t":"x"}']
    path.write_text("\n".join(lines))
    table = Table.open(path)
    text = table.text("domain")
    assert text is not None
    rows = pl.concat(table.batches([text.alias("domain"), pl.col("t")]))
    assert len(rows) == 2_501
    assert rows.row(-1) == ("late.example", "x")
    assert (rows["domain"][0] is None) == (first is None)
    path.write_text('{"other": 1}\n')  # another file by the same name
    assert list(Table.open(path).schema) == ["other"]


def test_spans_of_time_are_seconds() -> None:
    table = Table.open(pl.DataFrame({"duration": [timedelta(milliseconds=1500), None]}))
    seconds = table.number("Duration")
    assert seconds is not None
    assert next(table.batches([seconds.alias("s")]))["s"].to_list() == [1.5, None]


def test_a_text_file_is_one_text_a_line(tmp_path: Path) -> None:
    path = tmp_path / "d.txt"
    path.write_bytes(b'first, "line\r\n\r\nlast\r\n')
    assert Table.open(path, lines=True).rows.collect()["text"].to_list() == [
        'first, "line',
        None,
        "last",
    ]


HIDDEN = "GET /a\x1f' or 1=1 --"  # behind what could be taken for a separator


@pytest.mark.parametrize("rest", ["", "GET /b\n", '"GET /c\n'])
def test_nothing_ends_a_line_but_its_end(tmp_path: Path, rest: str) -> None:
    (tmp_path / "d.txt").write_text(f"\n{HIDDEN}\n{rest}")
    (tmp_path / "d.csv").write_text(f"request\n{HIDDEN}\n{rest}")
    lines = Table.open(tmp_path / "d.txt", lines=True)
    column = Table.open(tmp_path / "d.csv")
    for table, name, texts in (
        (lines, "text", [None, HIDDEN]),
        (column, "request", [HIDDEN]),
    ):
        told = table.rows.collect()[name].to_list()
        assert told == [*texts, *rest.splitlines()]
        assert table.count() == len(told)
        assert table.rows.head(1).collect()[name].to_list() == told[:1]


def test_quotes_keep_a_text_of_several_lines_together_beside_odd_signs(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(f'request\n{HIDDEN}\n"POST /\na=1"\n')
    assert Table.open(tmp_path / "d.csv").rows.collect()["request"].to_list() == [
        HIDDEN,
        "POST /\na=1",
    ]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("d.csv", b"", "an empty file"),
        ("d.parquet", b"a,b\n1,2\n", "not a parquet file"),
        ("d.parquet", b"PAR1 and then nothing", "not readable"),
        ("d.arrow", b"ARROW1 and then nothing", "not readable"),
        ("d.csv.gz", b"\x1f\x8b\x08 broken", "not readable"),
        ("d.jsonl", b'{"a":1}\n{"a":["b"]}\n', "numbers in some lines and lists in others"),
    ],
)
def test_what_is_damaged_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as refused:
        list(Table.open(path).batches([pl.len()]))
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder, not a file"):
        Table.open(tmp_path)
    with pytest.raises(DataError, match=r"not readable: .*No such file"):
        Table.open(tmp_path / "none.csv")


@pytest.mark.parametrize(
    "spelled", ["Flow Byts/s", " flow_byts_s", "Flow.Byts.s", "FlowBytsS", "\ufeff'FLOW-BYTS/S'"]
)
def test_a_column_is_found_by_any_spelling(spelled: str) -> None:
    assert Table.open(pl.DataFrame({"n": [1], spelled: [2]})).find("Flow Byts/s") == spelled


def test_what_is_no_number_is_told_and_what_stands_for_none_is_not() -> None:
    said = ["1", " 2.5 ", "Infinity", "nan", "", "-", "N/A", None, " N ", "1 000", "0x1b", "abc"]
    table = Table.open(pl.DataFrame({"n": said}))
    number = table.number("N")
    assert number is not None
    told = next(table.batches([number.alias("n"), table.unread["n"].alias("unread")]))
    assert told["n"].to_list()[:3] == [1.0, 2.5, float("inf")]
    assert told["unread"].fill_null(value=False).to_list() == [False] * 9 + [True] * 3


@pytest.mark.parametrize(
    "content",
    ['[\n {"a": 1},\n {"a": 2}\n]\n', '[ {"a": 1}, {"a": 2} ]', '{"a": 1}\n\n{"a": 2}'],
)
def test_json_may_be_written_any_way(tmp_path: Path, content: str) -> None:
    (tmp_path / "d.json").write_text(content)
    assert Table.open(tmp_path / "d.json").rows.collect()["a"].to_list() == [1, 2]


@pytest.mark.parametrize("bad", ["broken", "[1]", '{"a":'])
def test_the_line_that_is_no_json_is_named(tmp_path: Path, bad: str) -> None:
    (tmp_path / "d.jsonl").write_text('{"a": 1}\n\n' + bad + "\n")
    with pytest.raises(DataError, match="line 3 is no JSON object"):
        Table.open(tmp_path / "d.jsonl")


def test_weka_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "d.arff").write_text(
        "@RELATION 'KDD'\n\n@attribute 'duration' real\n@attribute protocol_type {'tcp','udp'}\n"
        "% a comment\n@DATA\n0,tcp\n% another\n3,'udp'\n"
    )
    rows = Table.open(tmp_path / "d.arff").rows.collect()
    assert rows.columns == ["duration", "protocol_type"]
    assert rows.rows() == [("0", "tcp"), ("3", "udp")]


def test_a_zeek_log_may_name_a_field_twice_and_use_other_separators(tmp_path: Path) -> None:
    (tmp_path / "d.log").write_text("#separator ,\n#fields,ts,query,query,n\n1,a,b,2\n#close,x\n")
    assert Table.open(tmp_path / "d.log").rows.collect().row(0) == ("1", "a", "b", "2")


def test_a_pipe_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="a pipe or device"):
        Table.open(tmp_path / "pipe")


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["7", "x"]), pl.Binary])
def test_numbers_may_be_words_of_any_type(dtype: pl.DataType) -> None:
    words = pl.Series("n", ["7", "x", None], dtype=pl.String).cast(dtype)
    table = Table.open(pl.DataFrame({"n": words}))
    number = table.number("n")
    assert number is not None
    assert next(table.batches([number.alias("n")]))["n"].to_list() == [7.0, None, None]


@pytest.mark.parametrize("name", ["a[1].jsonl", "a*.csv", "[{}].parquet"])
def test_a_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    write(tmp_path / name.replace("*", "b").replace("[1]", "1"))
    assert Table.open(tmp_path / name).count() == 3


@pytest.mark.parametrize("value", [[7], {"a": [7]}])
def test_a_column_of_lists_tells_no_number_and_no_word(tmp_path: Path, value: object) -> None:
    rows = pl.DataFrame({"n": [value, None]})
    table = Table.open(rows)
    number, text = table.number("n"), table.text("n")
    assert number is not None
    assert text is not None
    chosen = [number.alias("n"), text.alias("t"), table.unread["n"].alias("unread")]
    assert next(table.batches(chosen)).rows() == [(None, None, True), (None, None, False)]
