"""KDD Cup 1999 records, with a header or without."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_core.readers import read_labelled_flows
from ml_core.readers.kdd import COLUMNS, class_name
from tests.ml_core.readers.told import values, written

REST = ",".join(["0"] * 35)
RECORDS = [
    f"0,tcp,private,S0,0,0,{REST},neptune.",
    f"12,tcp,http,SF,181,5450,{REST},normal.",
    f"0,udp,private,SF,105,146,{REST},snmpgetattack.",
]


@pytest.mark.parametrize("header", [False, True])
def test_records_tell_lengths_flags_and_long_durations(tmp_path: Path, header: bool) -> None:
    head = [",".join(COLUMNS[:42])] if header else []
    path = written(tmp_path / "KDDTrain+.txt", "\n".join([*head, *RECORDS]) + "\n")
    flows, labels = read_labelled_flows([path])
    assert labels.of_rows.tolist() == ["DoS", "Normal", "attack"]
    names = ("Flow Duration", "Total Length of Fwd Packet", "Fwd Packet Length Max",
             "SYN Flag Count", "ACK Flag Count", "Total Fwd Packet")  # fmt: skip
    assert values(flows, *names, row=0) == [None, 0, 0, 1, 0, None]
    assert values(flows, *names, row=1) == [12e6, 181, None, 2, None, None]
    assert values(flows, "Flow Bytes/s", "FIN Flag Count", row=1) == [469.25, 2]
    assert values(flows, "SYN Flag Count", "Flow Duration", row=2) == [0, None]
    assert flows.protocol.tolist() == [6, 6, 17]
    assert len(set(flows.group.tolist())) == 3
    assert flows.time.tolist() == [0, 1, 2]


def test_labels_with_and_without_their_dot() -> None:
    assert [class_name(label) for label in ("smurf.", "guess_passwd", "satan.", "rootkit.")] == [
        "DoS",
        "BruteForce",
        "Portscan",
        "attack",
    ]
    assert class_name("something else") == "something else"
