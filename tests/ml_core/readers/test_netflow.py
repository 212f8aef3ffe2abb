"""NetFlow records of the UQ data sets, nfdump and IPFIX, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_core.readers import read_flows
from tests.ml_core.readers.told import of, read, values, written

NF = {
    "IPV4_SRC_ADDR": "10.0.0.1",
    "L4_SRC_PORT": 50000,
    "IPV4_DST_ADDR": "10.0.0.2",
    "L4_DST_PORT": 22,
    "PROTOCOL": 6,
    "IN_BYTES": 3116,
    "IN_PKTS": 23,
    "OUT_BYTES": 3869,
    "OUT_PKTS": 23,
    "TCP_FLAGS": 27,  # FIN, SYN, PSH, ACK
    "FLOW_DURATION_MILLISECONDS": 343,
}


def test_headers_are_taken_off_the_bytes() -> None:
    """An SSH log-in: 52 bytes of headers a packet, 60 where it opens."""
    flows = read(NF)
    assert values(flows, "Flow Duration", "Total Fwd Packet", "Total Bwd packets") == [
        343_000,
        23,
        23,
    ]
    assert values(flows, "Total Length of Fwd Packet", "Total Length of Bwd Packet") == [1912, 2665]
    assert of(flows, "Flow IAT Mean") == pytest.approx(343_000 / 45)
    flags = [f"{flag} Flag Count" for flag in ("SYN", "FIN", "RST", "ACK", "PSH")]
    assert values(flows, *flags) == [2, 1, 0, 45, None]
    assert flows.port.tolist() == [22]
    assert flows.source_port.tolist() == [50000]
    assert flows.same_network.tolist() == [1]


def test_bare_packets_carry_nothing() -> None:
    scan = {"IN_BYTES": 60, "IN_PKTS": 1, "OUT_BYTES": 40, "OUT_PKTS": 1, "TCP_FLAGS": 22}
    flows = read(NF | scan)
    lengths = ("Total Length of Fwd Packet", "Packet Length Max", "Packet Length Std")
    assert values(flows, *lengths) == [0, 0, 0]
    udp = read(NF | {"PROTOCOL": 17, "IN_BYTES": 66, "IN_PKTS": 1, "OUT_BYTES": 0, "OUT_PKTS": 0})
    assert values(udp, "Total Length of Fwd Packet", "SYN Flag Count", "Down/Up Ratio") == [
        38,
        0,
        0,
    ]


def test_flags_of_each_side_are_counted_where_they_are_told() -> None:
    """NF-v2: the client opened and was reset; it never pushed."""
    flows = read(NF | {"TCP_FLAGS": 30, "CLIENT_TCP_FLAGS": 2, "SERVER_TCP_FLAGS": 28})
    names = ("SYN Flag Count", "RST Flag Count", "FIN Flag Count", "Fwd PSH Flags", "Bwd PSH Flags")
    assert values(flows, *names) == [1, 1, 0, 0, None]


def test_gaps_that_are_measured_are_kept() -> None:
    gaps = {"SRC_TO_DST_IAT_MAX": 103, "SRC_TO_DST_IAT_AVG": 15, "DST_TO_SRC_IAT_STDDEV": 9}
    flows = read(NF | gaps)
    names = ("Fwd IAT Max", "Fwd IAT Mean", "Fwd IAT Min", "Bwd IAT Std")
    assert values(flows, *names) == [103_000, 15_000, None, 9_000]


def test_a_clock_that_ran_backwards_tells_no_duration() -> None:
    flows = read(NF | {"FLOW_DURATION_MILLISECONDS": 4294966})
    assert values(flows, "Flow Duration", "Flow Bytes/s", "Total Fwd Packet") == [None, None, 23]


def test_nfdump_as_it_is_printed(tmp_path: Path) -> None:
    head = "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt\n"
    row = "2024-05-01 10:00:00,2024-05-01 10:00:02,2.500,10.0.0.1,192.168.0.1,40000,443,TCP,"
    flows = read_flows([written(tmp_path / "n.csv", head + row + "...AP.SF,0,0,10,1000,5,400\n")])
    assert values(flows, "Flow Duration", "Total Fwd Packet", "Total Bwd packets") == [2.5e6, 10, 5]
    assert values(flows, "SYN Flag Count", "RST Flag Count", "ACK Flag Count") == [2, 0, 14]
    assert flows.time.tolist() == [1714557600 * 10**6]
    assert flows.protocol.tolist() == [6]
    assert flows.same_network.tolist() == [0]


def test_ipfix_by_its_own_names() -> None:
    flows = read(
        {
            "flowStartMilliseconds": [1_714_557_600_000],
            "flowEndMilliseconds": [1_714_557_600_250],
            "sourceIPv4Address": ["10.0.0.1"],
            "destinationIPv4Address": ["10.0.0.2"],
            "destinationTransportPort": [53],
            "protocolIdentifier": [17],
            "packetDeltaCount": [2],
            "octetDeltaCount": [156],
        }
    )
    assert values(flows, "Flow Duration", "Total Length of Fwd Packet", "Total Bwd packets") == [
        250_000,
        100,
        0,
    ]
    assert values(flows, "Fwd IAT Max", "Bwd IAT Max") == [250_000, 0]
    assert flows.time.tolist() == [1_714_557_600_000_000]


@pytest.mark.parametrize(
    ("head", "row", "duration"),
    [
        ("firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows",
         "2024-05-01 10:00:00.000,2.5,TCP,10.0.0.1,4,10.0.0.2,443,10,1000,1", 2.5e6),
        ("Date first seen,Duration,Proto,Src IP Addr,Src Pt,Dst IP Addr,Dst Pt,Packets,Bytes,Flags",
         "2024-05-01 10:00:00.000,2.5,TCP  ,10.0.0.1,4,10.0.0.2,443.0,10,1000,.AP...", 2.5e6),
        ("te,td,sa,da,sp,dp,pr,flg,pkt,byt",
         "2024-05-01 10:00:00,2.5,10.0.0.1,10.0.0.2,4,443,TCP,.AP...,10,1000", 2.5e6),
        ("DST_IP,SRC_IP,BYTES,BYTES_REV,TIME_FIRST,TIME_LAST,PACKETS,PACKETS_REV,DST_PORT,SRC_PORT,"
         "PROTOCOL,TCP_FLAGS,TCP_FLAGS_REV",
         "10.0.0.2,10.0.0.1,1000,0,2024-05-01T10:00:00.000,2024-05-01T10:00:02.500,10,0,443,4,6,2,0",
         2.5e6),
        ("time_flow_start_ns,time_flow_end_ns,src_addr,dst_addr,bytes,packets,proto,src_port,dst_port",
         "1714557600000000000,1714557602500000000,10.0.0.1,10.0.0.2,1000,10,TCP,4,443", 2.5e6),
        ("flowStartMilliseconds,flowEndMilliseconds,sourceIPv4Address,destinationIPv4Address,"
         "sourceTransportPort,destinationTransportPort,protocolIdentifier,packetDeltaCount,"
         "octetDeltaCount",
         "2024-05-01 10:00:00.000,2024-05-01 10:00:02.500,10.0.0.1,10.0.0.2,4,443,6,10,1000", 2.5e6),
        ("ipv4_src_addr,ipv4_dst_addr,l4_src_port,l4_dst_port,protocol,in_bytes,in_pkts,"
         "flow_start_milliseconds,flow_duration_milliseconds",
         "10.0.0.1,10.0.0.2,4,443,6,1000,10,1714557600000,2500", 2.5e6),
    ],
)  # fmt: skip
def test_dialects_tell_the_same(tmp_path: Path, head: str, row: str, duration: float) -> None:
    heard: list[str] = []
    flows = read_flows([written(tmp_path / "n.csv", f"{head}\n{row}\n")], None, heard.append)
    assert values(flows, "Flow Duration", "Total Fwd Packet") == [duration, 10]
    assert (flows.port.tolist(), flows.source_port.tolist()) == ([443], [4])
    assert flows.protocol.tolist() == [6]
    assert flows.same_network.tolist() == [1]
    assert flows.time.tolist() == [1714557600 * 10**6]
    assert heard == []


@pytest.mark.parametrize("flags", [float("nan"), float("inf"), -1.0, 1e300, None])
def test_flags_that_are_no_bits_do_not_cost_the_others(flags: float | None) -> None:
    flows = read({name: [value] * 2 for name, value in NF.items()} | {"TCP_FLAGS": [flags, 27.0]})
    assert values(flows, "SYN Flag Count", "FIN Flag Count", row=1) == [2, 1]
    assert values(flows, "Total Fwd Packet", row=0) == [23]
