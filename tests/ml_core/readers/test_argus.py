"""Argus' tables: `ra`'s own, CTU-13's, UNSW-NB15's and Bot-IoT's, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_core.errors import DataError
from ml_core.kinds import UNTOLD, named
from ml_core.readers import FlowTable, flow_format, read_flows, read_labelled_flows, read_labels
from ml_core.readers.argus import UNSW, class_name
from ml_core.readers.frames import Table
from tests.ml_core.readers.told import read, values, written

SIZES = (
    "Flow Duration",
    "Total Fwd Packet",
    "Total Bwd packets",
    "Total Length of Fwd Packet",
    "Total Length of Bwd Packet",
)
COUNTS = [f"{flag} Flag Count" for flag in ("SYN", "FIN", "RST", "ACK", "PSH")]
CTU = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label"
CTU_ROWS = [
    # a name asked for and told, a SYN without an answer, what follows on a port that is closed, the
    # same seen from the other side, a log-in
    "2011/08/10 09:46:53.05,0.5,udp,10.0.0.1,1025,  <->,10.0.0.2,53,CON,0,0,2,215,64,flow=From-Botnet-V42-UDP-DNS",
    "2011/08/10 09:46:54.00,3.0,tcp,10.0.0.1,1026,   ->,10.0.0.2,22,S_,0,,2,124,124,flow=Background-TCP-Attempt",
    "2011/08/10 09:46:55.00,0.0,icmp,10.0.0.2,0x0303,   ->,10.0.0.1,0x5bf5,URP,0,,1,70,70,flow=Normal-V42",
    "2011/08/10 09:46:56.00,0.1,tcp,10.0.0.2,22,   <-,10.0.0.1,1027,RA_S,0,0,2,122,60,flow=To-Botnet-V42",
    "2011/08/10 09:46:57.00,9.0,tcp,10.0.0.1,1028,   ->,10.0.0.2,ssh,FSPA_FSRPA,0,0,46,7629,3438,flow=From-Normal-V42",
]
RA = {
    "StartTime": 1_312_969_613.5,
    "Dur": 2.0,
    "Proto": "tcp",
    "SrcAddr": "10.0.0.1",
    "Sport": "50000",
    "Dir": "->",
    "DstAddr": "10.0.0.2",
    "Dport": "22",
    "SrcPkts": 23,
    "DstPkts": 23,
    "SrcBytes": 3116 + 23 * 14,
    "DstBytes": 3869 + 23 * 14,
    "State": "FSPA_FSPA",
}


@pytest.fixture
def ctu(tmp_path: Path) -> FlowTable:
    return read_flows([written(tmp_path / "c.binetflow", "\n".join([CTU, *CTU_ROWS]) + "\n")])


def test_frames_are_taken_off_the_bytes_like_headers() -> None:
    """The log-in of `test_netflow`, with 14 bytes more a packet."""
    flows = read(RA)
    assert values(flows, *SIZES) == [2e6, 23, 23, 1912, 2665]
    assert values(flows, *COUNTS) == [2, 2, 0, 45, None]
    assert (flows.port.tolist(), flows.source_port.tolist()) == ([22], [50000])
    assert flows.protocol.tolist() == [6]
    assert flows.same_network.tolist() == [1]
    assert flows.time.tolist() == [1_312_969_613_500_000]


def test_binetflow_row_by_row(ctu: FlowTable) -> None:
    assert len(ctu) == len(CTU_ROWS)
    assert values(ctu, *SIZES, row=0) == [5e5, 1, 1, 64 - 42, 151 - 42]
    assert values(ctu, *SIZES, row=1) == [3e6, 2, 0, 0, 0]
    assert values(ctu, *COUNTS, row=1) == [2, 0, 0, 0, 0]
    assert values(ctu, *SIZES, row=2) == [0, 1, 0, 70 - 42, 0]
    assert ctu.protocol.tolist() == [17, 6, 1, 6, 6]
    assert ctu.port.tolist() == [53, 22, 0, 22, 22]  # of ICMP neither type nor code is a port
    assert ctu.source_port.tolist() == [1025, 1026, 0, 1027, 1028]
    assert (ctu.time - ctu.time[0]).tolist() == [0, 950_000, 1_950_000, 2_950_000, 3_950_000]


def test_an_arrow_to_the_left_turns_the_flow_around(ctu: FlowTable) -> None:
    assert ctu.group[3] == ctu.group[0]
    assert ctu.destination[3] == ctu.destination[0]
    assert values(ctu, *SIZES, row=3) == [1e5, 1, 1, 0, 0]
    assert values(ctu, *COUNTS, row=3) == [1, 0, 1, 1, 0]


def test_packets_of_both_directions_are_shared_out(ctu: FlowTable) -> None:
    assert values(ctu, "Total Fwd Packet", "Total Bwd packets", row=4) == [23, 23]
    assert values(ctu, "RST Flag Count", "FIN Flag Count", row=4) == [1, 2]
    bulk = {"TotPkts": 1000, "TotBytes": 1_000_000, "SrcBytes": 22_000}
    some = {name: of for name, of in RA.items() if name[3:] not in ("Pkts", "Bytes")}
    forward, backward = values(read(some | bulk), "Total Fwd Packet", "Total Bwd packets")
    assert forward is not None
    assert backward == 1000 - forward
    assert backward >= 978_000 / 1514


@given(
    packets=st.integers(1, 10_000),
    size=st.tuples(st.integers(0, 10**8), st.integers(0, 10**8)),
    proto=st.sampled_from(["tcp", "udp", "arp"]),
)
def test_shares_are_whole_and_sum_up(packets: int, size: tuple[int, int], proto: str) -> None:
    some = {name: of for name, of in RA.items() if name[3:] not in ("Pkts", "Bytes")}
    row = {"Proto": proto, "TotPkts": packets, "TotBytes": sum(size), "SrcBytes": size[0]}
    forward, backward, sent, got = np.array(values(read(some | row), *SIZES[1:]), dtype=float)
    assert forward + backward == packets
    assert min(forward, backward, sent, got) >= 0
    assert sent <= max(size[0], 1) * (1 + 1e-6)
    assert got <= max(size[1], 1) * (1 + 1e-6)


@given(
    packets=st.tuples(st.integers(0, 1000), st.integers(0, 1000)),
    each=st.tuples(st.integers(40, 1514), st.integers(40, 1514)),
    state=st.sampled_from(["S_RA", "FSPA_FSPA", "PA_A", "S_", "FIN", "CON"]),
)
def test_turned_around_is_the_same_flow(
    packets: tuple[int, int], each: tuple[int, int], state: str
) -> None:
    def row(i: int, arrow: str) -> dict[str, object]:
        sent, got = state.split("_") if "_" in state else (state, state)
        turned = state if "_" not in state else (state, f"{got}_{sent}")[i]
        return {
            "Dir": arrow, "State": turned, "Dur": 1.5, "Proto": "tcp",
            "SrcPkts": packets[i], "DstPkts": packets[1 - i],
            "SrcBytes": packets[i] * each[i], "DstBytes": packets[1 - i] * each[1 - i],
            "SrcAddr": ("10.0.0.1", "10.0.0.2")[i], "DstAddr": ("10.0.0.2", "10.0.0.1")[i],
            "Sport": (5, 80)[i], "Dport": (80, 5)[i],
        }  # fmt: skip

    right, left = read(row(0, "->")), read(row(1, "<-"))
    assert np.array_equal(right.features, left.features, equal_nan=True)
    assert right.port.tolist() == left.port.tolist() == [80]
    assert right.source_port.tolist() == left.source_port.tolist() == [5]


@pytest.mark.parametrize(
    ("word", "counts"),
    [
        ("REQ", [1, 0, 0, 45, 0]),
        ("ACC", [2, 0, 0, 45, 0]),
        ("CON", [None, 0, 0, None, None]),
        ("FIN", [None, 1, 0, None, None]),
        ("CLO", [None, 2, 0, None, None]),
        ("RST", [None, None, 1, None, None]),
        ("TIM", [None] * 5),
    ],
)
def test_words_tell_some_flags(word: str, counts: list[float | None]) -> None:
    assert values(read(RA | {"State": word}), *COUNTS) == counts
    timed = values(read(RA | {"State": word, "SynAck": 0.02}), "SYN Flag Count")
    assert timed == ([None] if word == "TIM" else [2])
    udp = read(RA | {"State": word, "Proto": "udp"})
    assert values(udp, *COUNTS) == [0] * 5


def test_requests_without_an_answer_are_openings() -> None:
    flows = read(RA | {"State": "REQ", "SrcPkts": 5, "SrcBytes": 300, "DstPkts": 0, "DstBytes": 0})
    assert values(flows, *COUNTS) == [5, 0, 0, 0, 0]


def test_application_bytes_are_the_payload_unless_they_exceed_it() -> None:
    told = RA | {"SAppBytes": 1900, "DAppBytes": 4_000_000_000}
    assert values(read(told), *SIZES[3:]) == [1900, 2665]


def test_netflow_that_went_through_argus_counts_no_frames() -> None:
    bytes_of_packets = {"SrcBytes": 3116, "DstBytes": 3869}
    assert values(read(RA | bytes_of_packets | {"Flgs": " N"}), *SIZES[3:]) == [1912, 2665]
    small = {"SrcPkts": 1, "SrcBytes": 40, "DstPkts": 1, "DstBytes": 100}  # no frame is so small
    assert values(read(RA | small), *SIZES[3:]) == [0, 40]


def test_what_ra_prints_unless_it_is_told_to(tmp_path: Path) -> None:
    head = "StartTime,Flgs,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,TotPkts,TotBytes,State"
    rows = [
        "09:46:53.058760, e      ,udp,10.0.0.1,bootpc,   ->,10.0.0.2,bootps,2,684,INT",
        "09:46:54.058760, e *    ,tcp,10.0.0.1,50000,   ->,10.0.0.2,https,40,9000,CON",
    ]
    heard: list[str] = []
    path = written(tmp_path / "ra.csv", "\n".join([head, *rows]) + "\n")
    flows = read_flows([path], None, heard.append)
    assert values(flows, *SIZES) == [None, 2, 0, 684 - 84, 0]
    assert values(flows, *SIZES, row=1) == [None] * 5
    assert flows.port.tolist() == [67, 443]
    assert np.diff(flows.time).tolist() == [1_000_000]
    assert heard == []


UNSW_ROWS = [
    "59.166.0.0,1390,149.171.126.6,53,udp,CON,0.001055,132,164,31,29,0,0,dns,500473.9375,"
    "621800.9375,2,2,0,0,0,0,66,82,0,0,0,0,1421927414,1421927414,0.017,0.013,0,0,0,0,0,0,0,0,3,7,1,"
    "3,1,1,1,,0",
    "175.45.176.0,0x000b,149.171.126.18,-,tcp,FIN,0.121478,258,172,252,254,0,0,-,14158.94,8495.36,6,"
    "4,255,255,621772692,2202533631,43,43,0,0,30.1,11.8,1421927415,1421927415,24.2956,8.375,0.1,"
    "0.05,0.05,0,0,0,0,0,1,1,1,1,1,1,1, Reconnaissance ,1",
    "175.45.176.0,9,149.171.126.18,9,arp,INT,0,46,0,0,0,0,0,-,0,0,1,0,0,0,0,0,46,0,0,0,0,0,"
    "1421927416,1421927416,60000.688,0,0,0,0,0,0,0,0,0,1,1,1,1,1,1,1,Backdoors,1",
]


@pytest.mark.parametrize("head", [[], [",".join(UNSW)], ["\ufeff" + ",".join(UNSW)]])
def test_unsw_with_and_without_a_header(tmp_path: Path, head: list[str]) -> None:
    path = written(tmp_path / "UNSW-NB15_1.csv", "\n".join([*head, *UNSW_ROWS]) + "\n")
    flows, labels = read_labelled_flows([path])
    assert values(flows, *SIZES) == [1055, 2, 2, 132 - 56, 164 - 56]  # bytes of IP packets
    assert values(flows, "Fwd IAT Mean", "Bwd IAT Mean") == [17, 13]  # told in milliseconds
    assert values(flows, *SIZES, row=1) == [121_478, 6, 4, 0, 0]
    assert values(flows, "Fwd IAT Mean", *COUNTS[:3], row=1) == [24_295.6, 2, 1, 0]
    assert values(flows, "Fwd IAT Mean", "Total Fwd Packet", row=2) == [0, 1]
    assert flows.port.tolist() == [53, -1, 9]
    assert flows.source_port.tolist() == [1390, 11, 9]
    assert np.diff(flows.time).tolist() == [1_000_000] * 2
    y = named("flows").class_index(labels.of_rows.tolist())
    assert y.tolist() == [0, named("flows").classes.index("Portscan"), UNTOLD]


def test_unsw_sets_have_no_hosts(tmp_path: Path) -> None:
    head = "id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,rate,sttl,dttl,sload,dload,sloss,dloss,sinpkt,dinpkt,sjit,djit,smean,dmean,attack_cat,label"
    row = "1,0.649902,tcp,-,FIN,14,38,734,42014,78.4,62,252,8395,503571,2,17,49.915,15.43,61.4,1387.7,52,1106,Normal,0"
    flows, labels = read_labelled_flows([written(tmp_path / "s.csv", f"{head}\n{row}\n{row}\n")])
    assert values(flows, *SIZES[:3]) == [649_902, 14, 38]
    assert values(flows, "Fwd IAT Mean") == [49_915]
    assert flows.group[0] != flows.group[1]
    assert flows.destination.tolist() == flows.port.tolist() == [-1, -1]
    assert labels.of_rows.tolist() == ["Normal", "Normal"]


def test_a_gap_longer_than_the_flow_is_not_of_it() -> None:
    idle = RA | {"SIntPkt": 4000.0, "DIntPkt": 50.0}
    assert values(read(idle), "Fwd IAT Mean", "Bwd IAT Mean") == [None, 50_000]


def test_bot_iot(tmp_path: Path) -> None:
    head = "pkSeqID,stime,flgs,proto,saddr,sport,daddr,dport,pkts,bytes,state,seq,ltime,dur,mean,stddev,smac,dmac,sum,min,max,spkts,dpkts,sbytes,dbytes,rate,srate,drate,attack,category,subcategory"
    row = "1,1526344121.18,e,tcp,192.168.100.1,139,192.168.100.3,80,4,240,REQ,1,1526344125.18,4.0,4,0,,,4,4,4,4,0,240,0,0.75,0.75,0,1,DoS,TCP"
    path = written(tmp_path / "b.csv", f"{head}\n{row}\n")
    assert flow_format(Table.open(path))[0] == "Argus"
    flows, labels = read_labelled_flows([path])
    assert values(flows, *SIZES) == [4e6, 4, 0, 0, 0]
    assert values(flows, *COUNTS) == [4, 0, 0, 0, 0]
    assert flows.time.tolist() == [1_526_344_121_180_000]
    assert named("flows").class_index(labels.of_rows.tolist()).tolist() == [UNTOLD]
    assert read_labels([path], "category").of_rows.tolist() == ["DoS"]


def test_labels_of_ctu_13(tmp_path: Path) -> None:
    """What goes to a bot is sent by others, and of the background nothing is known."""
    path = written(tmp_path / "c.csv", "\n".join([CTU, *CTU_ROWS]) + "\n")
    of_rows = ["Bot", "", "Normal", "", "Normal"]
    assert read_labelled_flows([path]).labels.of_rows.tolist() == of_rows
    assert read_labels([path]).of_rows.tolist() == of_rows
    assert [class_name(label) for label in ("Botnet", "flow=Background", "DoS")] == [
        "Bot",
        "",
        "DoS",
    ]


def test_a_file_of_background_alone_has_no_label(tmp_path: Path) -> None:
    path = written(tmp_path / "c.csv", "\n".join([CTU, CTU_ROWS[1], CTU, CTU_ROWS[1]]) + "\n")
    flows, labels = read_labelled_flows([path])
    assert labels.of_rows.tolist() == ["", "", ""]
    assert values(flows, *SIZES, row=1) == [None] * 5  # a header in the midst
    with pytest.raises(DataError, match="no row has a label"):
        read_labels([path])


def test_others_stay_others() -> None:
    zeek = {"src_pkts": 3, "dst_pkts": 4, "src_bytes": 5, "dst_bytes": 6, "duration": 1.0,
            "conn_state": "SF", "proto": "tcp"}  # fmt: skip
    nfdump = {"firstSeen": "2024-05-01", "dur": 2.5, "pkts": 10, "bytes": 1000, "proto": "TCP"}
    for rows, name in ((zeek, "Zeek"), (nfdump, "NetFlow")):
        frame = pl.DataFrame({column: [value] for column, value in rows.items()})
        assert flow_format(Table.open(frame))[0] == name
