"""Zeek's connection logs, by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml_core.readers import FlowTable, read_flows, read_labelled_flows
from tests.ml_core.readers.told import of, read, values, written

FIELDS = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "missed_bytes",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
]
# a whole HTTP exchange, a SYN that nobody answers, a DNS question and its answer, a ping
ROWS = [
    "100.5 C1 10.0.0.1 4000 10.0.9.2 80 tcp http 2.0 300 5000 SF 0 ShADadFf 6 620 8 5420",
    "101.0 C2 10.0.0.1 4001 10.1.0.2 22 tcp - - - - S0 0 S 1 60 0 0",
    "102.0 C3 fe80::1 5353 fe80::2:0:0:0:53 53 udp dns 0.01 40 120 SF 0 Dd 1 68 1 148",
    "103.0 C4 10.0.0.3 8 10.0.0.4 0 icmp - - - - OTH 0 - 1 84 0 0",
]


def log(path: Path) -> Path:
    """As Zeek writes it: fields by tabs under lines that begin with a hash."""
    head = "#separator \\x09\n#unset_field\t-\n#path\tconn\n#fields\t" + "\t".join(FIELDS)
    rows = "\n".join(row.replace(" ", "\t") for row in ROWS)
    return written(path, f"{head}\n#types\ttime\n{rows}\n#close\t2024\n")


def lines(path: Path) -> Path:
    """As JSON lines, in which unset fields are left out and numbers are numbers."""
    text = {"id.orig_h", "id.resp_h", "uid", "proto", "service", "conn_state", "history"}
    objects = [
        {
            k: v if k in text else float(v)
            for k, v in zip(FIELDS, row.split(), strict=True)
            if v != "-"
        }
        for row in ROWS
    ]
    return written(path, "\n".join(map(json.dumps, objects)) + "\n")


def table(path: Path) -> Path:
    """As a table made from it, dots as underscores."""
    head = ",".join(FIELDS).replace("id.", "id_")
    return written(path, "\n".join([head, *(row.replace(" ", ",") for row in ROWS)]) + "\n")


@pytest.fixture(params=[(log, "conn.log"), (lines, "conn.json"), (table, "conn.csv")], ids=str)
def conn(request: pytest.FixtureRequest, tmp_path: Path) -> FlowTable:
    write, name = request.param
    return read_flows([write(tmp_path / name)])


def test_a_whole_connection(conn: FlowTable) -> None:
    assert len(conn) == 4
    assert values(
        conn,
        *("Flow Duration", "Total Fwd Packet", "Total Bwd packets"),
        *("Total Length of Fwd Packet", "Total Length of Bwd Packet"),
    ) == [2e6, 6, 8, 300, 5000]
    assert values(conn, "Flow Bytes/s", "Flow Packets/s", "Down/Up Ratio") == [2650, 7, 1.333]
    assert values(conn, "Fwd Packet Length Mean", "Bwd Packet Length Mean") == [50, 625]
    assert of(conn, "Packet Length Mean") == pytest.approx(5300 / 14)
    assert of(conn, "Flow IAT Mean") == pytest.approx(2e6 / 13)
    flags = [f"{flag} Flag Count" for flag in ("SYN", "FIN", "RST", "ACK", "PSH")]
    assert values(conn, *flags) == [2, 2, 0, 13, None]
    open_ended = ("Fwd Packet Length Max", "Packet Length Std", "Flow IAT Max", "Fwd IAT Mean")
    assert values(conn, *open_ended) == [None] * 4


def test_a_single_packet_leaves_nothing_open(conn: FlowTable) -> None:
    sizes = ("Flow Duration", "Total Length of Fwd Packet", "Fwd Packet Length Max",
             "Packet Length Std", "Flow IAT Max", "Bwd IAT Std", "Fwd Act Data Pkts")  # fmt: skip
    assert values(conn, *sizes, row=1) == [0] * 7
    flags = [f"{flag} Flag Count" for flag in ("SYN", "FIN", "RST", "ACK", "PSH")]
    assert values(conn, *flags, row=1) == [1, 0, 0, 0, 0]
    assert values(conn, "Flow Bytes/s", row=1) == [None]


def test_one_packet_each_way(conn: FlowTable) -> None:
    lengths = ("Fwd Packet Length Max", "Bwd Packet Length Min", "Packet Length Min",
               "Packet Length Max")  # fmt: skip
    assert values(conn, *lengths, row=2) == [40, 120, 40, 120]
    assert of(conn, "Packet Length Std", 2) == pytest.approx(80 / 2**0.5, rel=1e-6)
    assert values(conn, "Flow IAT Max", "Flow IAT Std", "SYN Flag Count", row=2) == [1e4, 0, 0]


def test_what_zeek_leaves_out_is_taken_from_the_packets(conn: FlowTable) -> None:
    assert values(conn, "Total Length of Fwd Packet", "Flow Duration", row=3) == [84 - 28, 0]


def test_who_and_when(conn: FlowTable) -> None:
    assert conn.group[0] == conn.group[1] != conn.group[3]
    assert conn.time.tolist() == [100_500_000, 101_000_000, 102_000_000, 103_000_000]
    assert conn.port.tolist() == [80, 22, 53, 0]  # ICMP has types where others have ports
    assert conn.source_port.tolist() == [4000, 4001, 5353, 0]
    assert conn.protocol.tolist() == [6, 6, 17, 1]
    assert conn.same_network.tolist() == [1, 0, 0, 1]  # fe80:0:0:0 and fe80:0:0:2 are two


def test_a_payload_beyond_the_packets_is_not_believed(tmp_path: Path) -> None:
    wild = ROWS[0].replace(" 300 5000 ", " 4000000000 5000 ")
    path = tmp_path / "conn.csv"
    written(path, "\n".join([",".join(FIELDS), wild.replace(" ", ",")]) + "\n")
    # 620 bytes in 6 packets of 52 bytes of headers, 60 in the first
    assert values(read_flows([path]), "Total Length of Fwd Packet") == [300]


def test_labels_set_off_by_spaces_are_columns(tmp_path: Path) -> None:
    """IoT-23's conn.log.labeled."""
    head = "#fields\t" + "\t".join(FIELDS) + "\ttunnel_parents   label   detailed-label\n"
    rows = [row.replace(" ", "\t") for row in ROWS[:2]]
    ends = ["\t(empty)   Benign   -", "\t(empty)   Malicious   PartOfAHorizontalPortScan"]
    text = head + "\n".join(row + end for row, end in zip(rows, ends, strict=True)) + "\n"
    flows, labels = read_labelled_flows([written(tmp_path / "conn.log.labeled", text)])
    assert labels.of_rows.tolist() == ["Benign", "Malicious"]
    assert values(flows, "Total Bwd packets") == [8]


def test_states_or_packets_may_be_missing() -> None:
    both = {
        "ts": 1.5e9, "id.orig_h": "10.0.0.1", "id.resp_h": "10.0.0.2", "id.resp_p": 22,
        "proto": "tcp", "duration": 1.0, "orig_bytes": 100, "resp_bytes": 200,
    }  # fmt: skip
    sizes = ("Total Length of Fwd Packet", "Total Fwd Packet", "SYN Flag Count")
    assert values(read(both | {"orig_pkts": 3, "resp_pkts": 4}), *sizes) == [100, 3, None]
    flows = read(both | {"conn_state": "SF", "history": "ShADadFf"})
    assert values(flows, *sizes) == [100, None, 2]
