"""Several files, several batches, one table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml_core.errors import DataError
from ml_core.kinds import UNTOLD, named
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.kinds.flows.scaler import Scaler
from ml_core.readers import frames, label_column, read_flows, read_labelled_flows, read_labels
from ml_core.readers.frames import Table

HOSTS = {"Src IP": ["10.0.0.1", "10.0.0.2"], "Dst IP": ["10.0.0.2"] * 2, "Dst Port": [22, 80]}


def frame(**more: list[object]) -> pl.DataFrame:
    rows = len(next(iter(more.values()), HOSTS["Dst Port"]))
    return pl.DataFrame({**{name: [1.0] * rows for name in FLOW_COLUMNS}, **more})


def test_equal_addresses_of_two_files_stay_two_hosts() -> None:
    first = frame(**HOSTS, Timestamp=["2017-07-05 10:00:00.5"] * 2)
    second = frame(**HOSTS, Timestamp=["05/07/2017 10:00:00 AM"] * 2)
    table = read_flows([first, second])
    assert len(set(table.group.tolist())) == 4
    assert table.destination[0] == table.group[1]
    assert not set(table.group[:2]) & set(table.group[2:])
    assert (table.time[:2] - table.time[2:]).tolist() == [500_000, 500_000]
    assert table.port.tolist() == [22, 80, 22, 80]
    assert table.source.tolist() == [0, 0, 1, 1]


def test_files_of_different_formats_are_one_table() -> None:
    netflow = pl.DataFrame({"IN_PKTS": [3], "IN_BYTES": [120], "FLOW_DURATION_MILLISECONDS": [5]})
    table = read_flows([frame(**HOSTS), netflow])
    assert table.features.shape == (3, len(FLOW_COLUMNS))
    assert table.features[2, FLOW_COLUMNS.index("Total Fwd Packet")] == 3
    assert table.destination.tolist()[2] == -1
    assert table.group[2] not in table.group[:2]


def test_batches_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    many = frame(
        **{
            "Src IP": [f"10.0.0.{i}" for i in rng.integers(0, 9, 500)],
            "Dst IP": [f"10.{i}.0.1" for i in rng.integers(0, 2, 500)],
            "Timestamp": rng.integers(0, 10**6, 500).tolist(),
            "Label": rng.choice(["BENIGN", "DoS Hulk", ""], 500).tolist(),
        }
    ).with_columns(pl.Series("Flow Duration", rng.lognormal(3, 2, 500)))
    many.write_csv(path := tmp_path / "f.csv")
    whole, labels = read_labelled_flows([path])
    monkeypatch.setattr(frames, "BATCH", 7)
    heard: list[int] = []
    small, small_labels = read_labelled_flows([path], say=heard.append)
    assert len(heard) > 2
    assert heard[-1] == 500
    for name in ("features", "group", "time", "destination", "same_network"):
        assert np.array_equal(getattr(whole, name), getattr(small, name)), name
    assert labels.of_rows.tolist() == small_labels.of_rows.tolist() == many["Label"].to_list()


def test_float32_is_exact_enough_for_the_scaler() -> None:
    exact = np.random.default_rng(1).lognormal(8, 5, (2000, 4))
    exact[:4] = [[0, 1, -1, 120e6], [1e12, np.inf, np.nan, 3], [5, 6, 7, 8], [1e-3, 2, 3, 4]]
    scaler = Scaler.fit(exact)
    difference = np.abs(scaler.transform(exact.astype(np.float32)) - scaler.transform(exact))
    assert np.nanmax(difference) < 1e-6


def test_a_row_without_address_stands_alone() -> None:
    table = read_flows([frame(**{**HOSTS, "Src IP": ["10.0.0.1", None], "Dst IP": [None, "::1"]})])
    assert table.group[0] != table.group[1]
    assert table.destination[0] == -1
    assert table.same_network.tolist() == [-1, -1]


def test_networks_are_sixteen_bits_or_sixty_four() -> None:
    pairs = [
        ("10.1.2.3", "10.1.9.9", 1),
        ("10.1.2.3", "10.2.2.3", 0),
        ("fe80::1", "fe80:0:0:0:1::", 1),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", 0),
        ("fe80::1%eth0", "fe80::2", 1),
        ("10.1.2.3", "fe80::1", 0),
        ("10.1.2.3", "a name", -1),
    ]
    sources, targets, same = map(list, zip(*pairs, strict=True))
    table = read_flows([frame(**{"Src IP": sources, "Dst IP": targets})])
    assert table.same_network.tolist() == same


def test_labels_are_found_by_name_or_by_custom() -> None:
    table = Table.open(frame(**HOSTS, attack=["x", "y"], Label=["0", "1"]))
    assert label_column(table) == "attack"
    assert label_column(table, "none, label") == "Label"
    with pytest.raises(DataError, match="no column 'kind' to take labels from"):
        label_column(table, "kind")


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Binary])
@pytest.mark.parametrize(
    "untold", [None, "", " ", "nan", "NaN", "None", "null", "N/A", "?", "Label"]
)
def test_rows_may_have_no_label(untold: str | None, dtype: pl.DataType) -> None:
    labels = pl.Series("Label", ["x", untold, " x "], dtype=pl.String)
    read = read_labels([labels.cast(dtype).to_frame()])
    assert (read.names, read.codes.tolist()) == (["x"], [0, -1, 0])
    with pytest.raises(DataError, match="no row has a label"):
        read_labels([labels[1:2].cast(dtype).to_frame()])


def test_numbers_that_are_none_are_no_labels() -> None:
    labels = pl.Series("Label", [1.0, 0.0, float("nan"), None])
    read = read_labels([labels.to_frame()])
    assert read.of_rows.tolist() == ["1.0", "0.0", "", ""]
    assert named("flows").class_index(read.names).tolist() == [0, UNTOLD]
