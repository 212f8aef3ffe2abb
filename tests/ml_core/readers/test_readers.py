"""Labelled tables as data sets really come: other spellings, spaces, repeated headers, Infinity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml_core.errors import DataError
from ml_core.kinds import UNTOLD, named, text_kind
from ml_core.kinds.flows.windows import FLOW_COLUMNS
from ml_core.readers import labelled, read_flows, read_frames, read_texts


def test_original_column_names_and_dirty_rows_are_read(tmp_path: Path) -> None:
    old = {"Total Fwd Packet": " Tot Fwd Pkts", "Packet Length Min": " Min Packet Length"}
    header = [old.get(name, f" {name}") for name in FLOW_COLUMNS] + ["Label"]
    good = ["3"] * len(FLOW_COLUMNS) + ["Web Attack \x96 XSS"]
    wild = ["Infinity"] + ["2"] * (len(FLOW_COLUMNS) - 1) + ["Benign"]
    lines = [",".join(row) for row in (header, good, header, wild)]
    path = tmp_path / "dirty.csv"
    path.write_bytes("\r\n".join(lines).encode("latin-1"))
    table = read_flows(read_frames([path]))
    assert table.features.shape == (3, len(FLOW_COLUMNS))
    assert (table.features[0, :5] == 3).all()
    assert np.isnan(table.features[1]).all()
    assert np.isinf(table.features[2, 0])
    assert len(set(table.group.tolist())) == 3  # no hosts are told: every flow by itself
    _, labels = labelled(read_frames([path]), "Label")
    assert named("flows").class_index(labels).tolist() == [6, 0]


def test_equal_addresses_of_two_files_stay_two_hosts(tmp_path: Path) -> None:
    row = {name: [1.0, 2.0] for name in FLOW_COLUMNS}
    hosts = {"Src IP": ["10.0.0.1", "10.0.0.2"], "Dst IP": ["10.0.0.2"] * 2, "Dst Port": [22, 80]}
    for name, time in (("a", "2017-07-05 10:00:00.5"), ("b", "05/07/2017 10:00:00 AM")):
        frame = pl.DataFrame({**row, **hosts, "Timestamp": [time] * 2})
        frame.write_parquet(tmp_path / f"{name}.parquet")
    table = read_flows(read_frames([tmp_path / "a.parquet", tmp_path / "b.parquet"]))
    assert len(set(table.group.tolist())) == 4
    assert table.destination[0] == table.group[1]
    assert (table.time[:2] - table.time[2:]).tolist() == [500_000, 500_000]
    assert table.port.tolist() == [22, 80, 22, 80]


def test_an_http_message_is_read_without_host_and_headers(tmp_path: Path) -> None:
    raw = "POST http://localhost:8080/a?b=1 HTTP/1.1\r\nHost: x\r\nCookie: id=' or 1\r\n\r\nc=2"
    pl.DataFrame({"raw_request": [raw]}).write_parquet(tmp_path / "r.parquet")
    (frame,) = read_frames([tmp_path / "r.parquet"])
    assert read_texts(frame, text_kind("requests")) == ["POST /a?b=1\nc=2"]


def test_labels_of_all_the_data_sets_are_known_and_others_named() -> None:
    labels = ["Infiltration - Portscan", "DoS attacks-Hulk", "flood (hping3)", "Brute Force -Web"]
    assert named("flows").class_index(labels).tolist() == [7, 5, 5, 6]
    assert named("requests").class_index(
        ["norm", "SQL", "SHELL", "web_injection (sqlmap)"]
    ).tolist() == [
        0,
        1,
        4,
        UNTOLD,
    ]
    with pytest.raises(DataError, match="unknown requests labels: 'weather'"):
        named("requests").class_index(["xss", "Weather"])
