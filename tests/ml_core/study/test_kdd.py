"""KDD's splits on records made up here; the network that would learn from them is the shipped one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ml_core.errors import DataError
from ml_core.kinds.flows import building
from ml_core.kinds.text import TEST
from ml_core.model_file import load, shipped
from ml_core.readers.kdd import COLUMNS
from ml_core.study import kdd

LEARNED, TESTED = (
    {"normal": 60, "neptune": 90, "satan": 30, "spy": 3},
    ("normal", "neptune", "mscan"),
)


def records(path: Path, labels: list[str]) -> None:
    """Attacks send nothing, and scans differ from floods in what no field of a flow tells."""
    rng, count = np.random.default_rng(1), len(labels)
    attack = np.array(labels) != "normal"
    table: dict[str, Any] = dict.fromkeys(COLUMNS[:-1], np.zeros(count, dtype=int))
    table["protocol_type"], table["service"] = ["tcp"] * count, ["http"] * count
    table["flag"] = ["SF"] * count
    table["src_bytes"] = np.where(attack, 0, rng.integers(100, 900, count))
    table["dst_bytes"] = np.where(attack, 0, rng.integers(100, 900, count))
    table["hot"] = np.isin(labels, ["satan", "mscan"]).astype(int)
    pl.DataFrame({**table, "label": labels}).write_parquet(path)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flows").mkdir()
    monkeypatch.setattr(kdd, "SPLITS", {"KDD99": ("learned", "tested")})
    monkeypatch.setattr(kdd, "LARGEST", 50)
    records(
        tmp_path / "flows" / "learned.parquet",
        list(np.repeat(list(LEARNED), list(LEARNED.values()))),
    )
    records(tmp_path / "flows" / "tested.parquet", list(np.repeat(TESTED, 20)))
    return tmp_path


def test_each_system_judges_what_none_learned_from(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[Any, ...]] = []
    learn = lambda *of: given.append(of) or load(shipped("flows"))  # noqa: E731
    monkeypatch.setattr(building, "build_flows", learn)
    (table,) = kdd.run(data, lambda _: None).tables
    ((_, y, part),) = given
    assert np.unique(y, return_counts=True)[1].tolist() == [3, 50, 50, 30], "thinned"
    assert TEST not in part, "the test is a file of its own"
    rows = {row[:2]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    assert len(rows) == 14
    every = rows["KDD99", "random forest, all columns"]
    assert every["accuracy"] == every["new attacks found"] == 1.0, "of all columns, one tells"
    fields = rows["KDD99", "random forest"]
    assert fields["attacks found"] == 1.0
    assert fields["accuracy"] < 1.0, "scans look like floods"
    assert rows["KDD99, each once", "sizes only"]["attack or not: accuracy"] == 1.0
    assert rows["KDD99", "network"] == {**rows["KDD99", "shipped network"], "system": "network"}


def test_a_missing_file_is_one_line(data: Path) -> None:
    (data / "flows" / "tested.parquet").unlink()
    with pytest.raises(DataError, match=r"no tested\.parquet"):
        kdd.run(data, lambda _: None)
