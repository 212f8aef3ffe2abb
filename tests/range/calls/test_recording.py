"""The shipped recording of system calls: complete, labelled, small; and how scenes are read."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ml_core.kinds.programs import KIND
from ml_core.readers.texts import read_texts
from tests.range.calls.record import (
    FEWEST,
    MOST,
    all_scenes,
    distinct,
    missing,
    record,
    without_everyday,
)
from tests.range.calls.scenes import Scene, read_scenes

RECORDING = Path(__file__).parents[3] / "knowledge_base/risk_data/system_calls/calls.parquet"
LARGEST = 2_000_000
RUNTIMES = ("python3", "perl", "bash", "php", "ruby")


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return pl.read_parquet(RECORDING)


def test_the_kind_reads_it_and_it_is_small(rows: pl.DataFrame) -> None:
    assert RECORDING.stat().st_size < LARGEST
    assert read_texts(RECORDING, KIND) == rows["calls"].to_list()
    assert set(rows["label"]) == set(KIND.classes)


def test_every_sequence_comes_once_and_has_a_length_that_says_something(rows: pl.DataFrame) -> None:
    assert rows["calls"].n_unique() == rows.height
    lengths = rows["calls"].str.split(" ").list.len()
    assert lengths.min() >= FEWEST  # type: ignore[operator]
    assert lengths.max() <= MOST  # type: ignore[operator]
    assert rows.filter(pl.col("calls").str.contains(r"[^a-z0-9_ ]")).is_empty()


def test_groups_are_of_one_label_and_every_scene_is_in(rows: pl.DataFrame) -> None:
    labels = rows.group_by("run").agg(pl.col("label").n_unique())["label"]
    assert labels.max() == 1
    groups = {scene.group for scene in all_scenes()}
    assert set(rows["run"]) <= groups
    assert len(groups - set(rows["run"])) <= 1  # a server that does the same in both labels
    assert rows.filter((pl.col("label") == "malware") & (pl.col("technique") == "")).is_empty()


def test_launch_does_not_tell_the_labels_apart(rows: pl.DataFrame) -> None:
    """Both labels have both users, both architectures and every common runtime."""
    for column, values in {
        "user": ("root", "alice"),
        "architecture": ("amd64", "i386"),
        "program": RUNTIMES,
    }.items():
        for value in values:
            seen = rows.filter(pl.col(column).str.starts_with(value))["label"].n_unique()
            assert seen == 2, (column, value)


def test_a_scene_is_read_with_its_files(tmp_path: Path) -> None:
    path = tmp_path / "a.scenes"
    path.write_text(
        "Words.\n\n## a b | tool | any | T1\n%file Makefile\n%.o: %.c\n\tcc\n%script\nmake\n"
        "%beside\nsleep 1\n## c | tool | root\nls\n"
    )
    first, second = read_scenes(path)
    assert first == Scene(
        "a b", "tool", "any", "T1", "make\n", "", "sleep 1\n", {"Makefile": "%.o: %.c\n\tcc\n"}
    )
    assert (second.script, second.group, second.technique) == ("ls\n", "c/tool", "")
    path.write_text("\n## no head\n")
    with pytest.raises(ValueError, match="not the head"):
        read_scenes(path)


def test_what_came_with_both_labels_is_left_out() -> None:
    rows = pl.DataFrame({"calls": ["a", "b", "a", "b"], "label": ["x", "x", "x", "y"]})
    assert distinct(rows).to_dicts() == [{"calls": "a", "label": "x"}]


def test_an_intruders_ls_is_anybodys() -> None:
    rows = pl.DataFrame(
        {"label": ["benign", "benign", "malware", "malware", "malware"],
         "program": ["ls", "python3.11", "ls", "python3.11", "useradd"]}
    )  # fmt: skip
    assert without_everyday(rows)["program"].to_list() == [
        "ls", "python3.11", "python3.11", "useradd",
    ]  # fmt: skip


@pytest.mark.range
def test_two_scenes_are_played_and_traced() -> None:
    if reasons := missing():
        pytest.skip("; ".join(reasons))
    scenes = [
        Scene("look", "coreutils", "alice", script="ls -la /srv/data\n"),
        Scene("enumerate", "python", "root", "T1057", script="python3 a.py\n",
              files={"a.py": "import os\nprint(open('/etc/shadow').read(), os.listdir('/proc'))\n"}),
    ]  # fmt: skip
    rows = record(scenes, [1], "amd64")
    assert set(rows["program"]) == {"ls", "python3"}
    assert dict(rows.select("program", "label").iter_rows())["ls"] == "benign"
    script = rows.filter(pl.col("run") == "enumerate/python")
    assert script["label"].to_list() == ["malware"]
    assert "getdents64" in script["calls"][0]
    assert "setpriv" not in set(rows["program"])
