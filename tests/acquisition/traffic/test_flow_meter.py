"""The flow meter, against hand-computed values, a one-packet-at-a-time reading of the rules in
docs/flow-features.md, and the netflower package where the definitions agree."""

from __future__ import annotations

import csv
import os
import random
import statistics
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netflower import convert_pcap_to_csv

from apps.acquisition.traffic.flow_columns import (
    FLOW_FEATURES,
    FLOW_IDENTITY,
    ORIGINAL_NAMES,
    flow_name,
)
from apps.acquisition.traffic.flow_meter import FlowMeter, in_order
from apps.acquisition.traffic.whole import read
from tests.acquisition import wire
from tests.acquisition.decoded import ordered
from tests.acquisition.traffic.slow_meter import SECOND, START, End, Sent, slowly
from tests.acquisition.wire import ACK, FIN, PSH, RST, SYN
from tests.benchmarks.flows import write_capture

CLIENT, SERVER = ("192.0.2.9", 40_000), ("198.51.100.1", 80)


def measured(*packets: Sent) -> list[dict[str, object]]:
    return read(wire.pcap([p.timed() for p in packets], link=101)).flows.to_dicts()


def out(at: int, flags: int = ACK, size: int = 0, window: int = 100) -> Sent:
    return Sent(at, CLIENT, SERVER, flags, size, window=window)


def back(at: int, flags: int = ACK, size: int = 0, window: int = 200) -> Sent:
    return Sent(at, SERVER, CLIENT, flags, size, window=window)


def test_a_web_session_has_the_values_worked_out_by_hand() -> None:
    (flow,) = measured(
        out(0, SYN, window=29_200),
        back(100, SYN | ACK, window=28_960),
        out(150),
        out(1_000, PSH | ACK, 300),
        back(2_000, size=1_400),
        back(2_100, size=1_400),
        back(2_300, size=1_400),
        back(2_400, PSH | ACK, 800),
        out(3_000),
        back(6 * SECOND, FIN | ACK),
        out(6 * SECOND + 500, FIN | ACK),
        back(6 * SECOND + 700, window=235),
    )
    expected = {
        "source.ip": "192.0.2.9",
        "source.port": 40_000,
        "destination.ip": "198.51.100.1",
        "destination.port": 80,
        "network.transport": "tcp",
        "event.duration": 6_000_700_000,
        "network.packets": 12,
        "network.bytes": 12 * 40 + 5_300,
        "source.packets": 5,
        "source.bytes": 5 * 40 + 300,
        "destination.packets": 7,
        "Flow Duration": 6_000_700,
        "Total Fwd Packet": 5,
        "Total Bwd packets": 7,
        "Total Length of Fwd Packet": 300,
        "Total Length of Bwd Packet": 5_000,
        "Fwd Packet Length Max": 300,
        "Fwd Packet Length Mean": 60.0,
        "Fwd Packet Length Std": statistics.stdev([0, 0, 300, 0, 0]),
        "Bwd Packet Length Min": 0,
        "Flow Bytes/s": 5_300 / 6.0007,
        "Fwd Packets/s": 5 / 6.0007,
        "Flow IAT Max": 5_997_000,
        "Flow IAT Min": 50,
        "Flow IAT Mean": 6_000_700 / 11,
        "Fwd IAT Total": 6_000_500,
        "Bwd IAT Min": 100,
        "Bwd IAT Std": statistics.stdev([1_900, 100, 200, 100, 5_997_600, 700]),
        "Fwd PSH Flags": 1,
        "PSH Flag Count": 2,
        "SYN Flag Count": 2,
        "FIN Flag Count": 2,
        "ACK Flag Count": 11,
        "Fwd Header Length": 100,
        "Bwd Header Length": 140,
        "Fwd Seg Size Min": 20,
        "Packet Length Mean": 5_300 / 12,
        "Down/Up Ratio": 7 / 5,
        "Average Packet Size": 5_300 / 12,
        "Bwd Segment Size Avg": 5_000 / 7,
        "Bwd Bytes/Bulk Avg": 5_000,
        "Bwd Packet/Bulk Avg": 4,
        "Bwd Bulk Rate Avg": 12_500_000,
        "Fwd Bytes/Bulk Avg": 0,
        "Subflow Fwd Bytes": 300 // 12,
        "Subflow Bwd Packets": 0,
        "FWD Init Win Bytes": 29_200,
        "Bwd Init Win Bytes": 235,
        "Fwd Act Data Pkts": 1,
        "Active Max": 3_000,
        "Active Mean": 3_000.0,
        "Idle Min": 5_997_000,
        "Idle Std": 0.0,
        "ICMP Code": -1,
        "Total TCP Flow Time": 6_000_700,
    }
    assert {name: flow[name] for name in expected} == pytest.approx(expected)
    assert flow["@timestamp"] == datetime.fromtimestamp(START / SECOND, UTC)


def test_a_syn_after_the_teardown_begins_a_new_flow_and_its_stray_packets_do_not() -> None:
    flows = measured(
        *(out(0, SYN), back(1, SYN | ACK), out(2), out(3, FIN | ACK), back(4, FIN | ACK)),
        *(out(5), back(6, RST), out(7)),
        *(out(8, SYN), back(9, RST | ACK)),
    )
    assert [flow["network.packets"] for flow in flows] == [8, 2]


def test_one_fin_or_a_syn_before_the_end_does_not_end_a_flow() -> None:
    flows = measured(out(0, SYN), back(1, FIN | ACK), out(2), out(3, SYN), back(4, SYN | ACK))
    assert [flow["network.packets"] for flow in flows] == [5]


def test_the_packet_that_opens_a_flow_does_not_end_it() -> None:
    teardown = [back(0, FIN | ACK), out(1, FIN | ACK), back(2)]
    assert [flow["network.packets"] for flow in measured(*teardown, out(3, SYN))] == [4]
    assert [flow["network.packets"] for flow in measured(back(0, RST), out(1, SYN))] == [2]


def test_a_connection_cut_by_the_timeout_keeps_its_direction_and_its_clock() -> None:
    late = 121 * SECOND
    flows = measured(out(0, SYN), back(1, SYN | ACK), back(late), out(late + 10))
    assert [flow["source.ip"] for flow in flows] == [CLIENT[0]] * 2
    assert [flow["Flow Duration"] for flow in flows] == [1, 10]
    assert [flow["Total TCP Flow Time"] for flow in flows] == [1, late + 10]


@pytest.mark.parametrize(("silence", "starter"), [(110, CLIENT), (121, SERVER)])
def test_a_datagram_flow_keeps_its_direction_unless_silent_for_the_timeout(
    silence: int, starter: End
) -> None:
    first = [Sent(0, CLIENT, SERVER, protocol=wire.UDP)]
    first += [Sent(11 * SECOND, CLIENT, SERVER, protocol=wire.UDP)]
    last = Sent((11 + silence) * SECOND, SERVER, CLIENT, protocol=wire.UDP)
    flows = measured(*first, last)
    assert [flow["source.ip"] for flow in flows] == [CLIENT[0], starter[0]]


def test_the_side_that_opens_the_connection_is_the_source_whatever_was_seen_first() -> None:
    assert [f["source.ip"] for f in measured(back(0, SYN | ACK), out(1))] == [CLIENT[0]]
    assert [f["source.ip"] for f in measured(back(0), out(1, SYN))] == [CLIENT[0]]
    assert [f["source.ip"] for f in measured(back(0), out(1))] == [SERVER[0]]


def test_a_host_that_talks_to_itself_has_two_directions() -> None:
    here, there = ("127.0.0.1", 5_000), ("127.0.0.1", 80)
    (flow,) = measured(Sent(0, here, there, SYN), Sent(1, there, here, SYN | ACK))
    assert (flow["Total Fwd Packet"], flow["Total Bwd packets"]) == (1, 1)
    assert (flow["source.port"], flow["destination.port"]) == (5_000, 80)


def test_ping_and_answer_are_one_flow_without_ports_and_another_kind_is_another_flow() -> None:
    here, there = ("192.0.2.9", 0), ("198.51.100.1", 0)
    flows = measured(
        Sent(0, here, there, protocol=wire.ICMP, kind=(8, 0), size=40),
        Sent(1, there, here, protocol=wire.ICMP, kind=(0, 0), size=40),
        Sent(2, there, here, protocol=wire.ICMP, kind=(3, 1), size=8),
    )
    found = [(f["network.transport"], f["source.port"], f["ICMP Type"]) for f in flows]
    assert found == [("icmp", None, 8), ("icmp", None, 3)]
    assert [f["Total Length of Fwd Packet"] for f in flows] == [40, 8]
    assert [f["source.ip"] for f in flows] == [here[0], there[0]]


def test_no_packets_give_an_empty_table_of_the_full_shape() -> None:
    empty = read(wire.pcap([])).flows
    full = read(wire.pcap([out(0).timed()], link=101)).flows
    assert empty.is_empty()
    assert empty.schema == full.schema
    assert tuple(full.columns) == FLOW_IDENTITY + FLOW_FEATURES


# ----------------------------------------------------- against the rules, a packet at a time


@st.composite
def traffic(draw: st.DrawFn) -> list[Sent]:
    """Packets of few ends. Each example draws from its own few gaps, flags, sizes and protocols, so
    that some hold nothing but teardowns, some nothing but bulks, some a bit of everything."""

    def some(*choices: Any) -> st.SearchStrategy[Any]:
        return st.sampled_from(draw(st.lists(st.sampled_from(choices), min_size=1, max_size=5)))

    limits = [SECOND, 5 * SECOND, 120 * SECOND]
    gaps = some(1, 40, 50 * SECOND, *limits, *(limit + 1 for limit in limits))
    flags = some(ACK, SYN, SYN | ACK, FIN | ACK, FIN, RST, PSH | ACK, 0)
    sizes = some(0, 0, 1, 700)
    protocols = some(wire.TCP, wire.TCP, wire.UDP, wire.ICMP)
    kinds = some((8, 0), (0, 0), (3, 1), (3, 3), (11, 0))
    ways = some(*permutations([("192.0.2.1", 7), ("192.0.2.1", 8), ("192.0.2.2", 7)], 2))
    at, packets = 0, []
    for _ in range(draw(st.integers(1, 30))):
        at += draw(gaps)
        protocol, (source, target) = draw(protocols), draw(ways)
        if protocol == wire.ICMP:
            source, target = (source[0], 0), (target[0], 0)
        packets.append(Sent(at, source, target, draw(flags), draw(sizes), protocol, draw(kinds)))
    return packets


@settings(max_examples=200, deadline=None)
@given(traffic())
def test_the_meter_agrees_with_the_rules_applied_one_packet_at_a_time(packets: list[Sent]) -> None:
    found = measured(*packets)
    expected = slowly(packets)
    assert len(found) == len(expected)
    for row, flow in zip(found, expected, strict=True):
        assert (row["source.ip"], row["source.port"] or 0) == flow.source()
        features = flow.features()
        assert {name: row[name] for name in features} == pytest.approx(features, rel=1e-9)


@settings(max_examples=150, deadline=None)
@given(traffic(), st.integers(1, 4))
def test_flows_measured_part_after_part_are_those_measured_at_once(
    packets: list[Sent], size: int
) -> None:
    found, _ = ordered(wire.pcap([p.timed() for p in packets], link=101))
    whole, parts = FlowMeter(), FlowMeter()
    at_once = in_order([whole.add(found), whole.finish()])
    slices = [slice(at, at + size) for at in range(0, len(found), size)]
    tables = [parts.add(found.take(some)) for some in slices]
    assert in_order([*tables, parts.finish()]).equals(at_once)


@pytest.mark.parametrize("first", [out, back])
def test_a_teardown_ends_a_flow_wherever_the_parts_begin(first: Callable[..., Sent]) -> None:
    second = back if first is out else out
    sent = [first(0, SYN), first(1, FIN | ACK), second(2, FIN | ACK), first(3), first(4, SYN)]
    found, _ = ordered(wire.pcap([p.timed() for p in sent], link=101))
    for cut in range(1, len(sent)):
        meter = FlowMeter()
        tables = [meter.add(found.take(some)) for some in (slice(cut), slice(cut, None))]
        table = in_order([*tables, meter.finish()])
        assert table["network.packets"].to_list() == [4, 1]


@settings(max_examples=50, deadline=None)
@given(traffic(), st.randoms(use_true_random=False))
def test_nothing_is_lost_and_the_order_in_the_file_does_not_matter(
    packets: list[Sent], chance: random.Random
) -> None:
    timed = [p.timed() for p in packets]
    table = read(wire.pcap(timed, link=101)).flows
    assert table["network.packets"].sum() == len(packets)
    assert table["network.bytes"].sum() == sum(len(packet) for _, packet in timed)
    sums = table.select(pl.col("source.packets") + pl.col("destination.packets")).to_series()
    assert sums.equals(table["network.packets"])
    floats = table.select(pl.col(pl.Float64).is_finite().all())
    assert all(floats.row(0))
    assert not any(table.select(*FLOW_FEATURES).null_count().row(0))

    # the same packets as two interfaces recorded them, neither two minutes behind the other
    timed.sort(key=lambda packet: packet[0] + chance.randrange(119 * SECOND))
    blocks = [wire.packet_block(number % 2, *packet) for number, packet in enumerate(timed)]
    shuffled = wire.section() + wire.interface(101) + wire.interface(101) + b"".join(blocks)
    assert read(shuffled).flows.equals(table)


# ----------------------------------------------------------------------------------- netflower

IDENTITY = {"src_ip", "dst_ip", "src_port", "dst_port", "protocol", "timestamp"}

SAME_DEFINITION = {
    "tot_fwd_pkts": "Total Fwd Packet",
    "tot_bwd_pkts": "Total Bwd packets",
    "totlen_fwd_pkts": "source.bytes",
    "totlen_bwd_pkts": "destination.bytes",
    "fwd_header_len": "Fwd Header Length",
    "bwd_header_len": "Bwd Header Length",
    "fwd_seg_size_min": "Fwd Seg Size Min",
    "down_up_ratio": "Down/Up Ratio",
    "flow_pkts_s": "Flow Packets/s",
    "fwd_pkts_s": "Fwd Packets/s",
    "bwd_pkts_s": "Bwd Packets/s",
    "flow_duration": "Flow Duration",
    "fwd_iat_tot": "Fwd IAT Total",
    "bwd_iat_tot": "Bwd IAT Total",
    "cwr_flag_count": "CWR Flag Count",
    **{
        f"{name.lower()}_flag_cnt": f"{name} Flag Count"
        for name in ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE")
    },
    **{
        f"{side}_{name}_flags": f"{side.title()} {name.upper()} Flags"
        for side in ("fwd", "bwd")
        for name in ("psh", "urg")
    },
    **{
        f"{theirs}_iat_{short}": f"{ours} IAT {long}"
        for theirs, ours in (("flow", "Flow"), ("fwd", "Fwd"), ("bwd", "Bwd"))
        for short, long in (("mean", "Mean"), ("std", "Std"), ("max", "Max"), ("min", "Min"))
    },
    **{
        f"{name}_{short}": f"{name.title()} {short.title()}"
        for name in ("active", "idle")
        for short in ("mean", "std", "max", "min")
    },
}
"""Columns of netflower that mean what ours of that name means."""

_PACKETS = "Packet lengths are those of IP packets, not of payloads."
_WINDOW = "The window is the first one of each side, -1 where there is none."
_SUBFLOW = "Subflows begin after 1 s of silence."
_BULK = "A bulk ends only with a packet without payload from the same side"
DEVIATIONS = {
    **{
        f"{side}pkt_len_{short}": _PACKETS
        for side in ("", "fwd_", "bwd_")
        for short in ("max", "min", "mean", "std")
    },
    **dict.fromkeys(("pkt_len_var", "pkt_size_avg", "flow_byts_s"), _PACKETS),
    **dict.fromkeys(("fwd_seg_size_avg", "bwd_seg_size_avg"), _PACKETS),
    **dict.fromkeys(("init_fwd_win_byts", "init_bwd_win_byts"), _WINDOW),
    "fwd_act_data_pkts": "The first packet counts as active data.",
    **{f"subflow_{side}_{what}": _SUBFLOW for side in ("fwd", "bwd") for what in ("pkts", "byts")},
    **{
        f"{side}_{what}_avg": _BULK
        for side in ("fwd", "bwd")
        for what in ("byts_b", "pkts_b", "blk_rate")
    },
}
"""Columns of netflower that mean something else, and why: a sentence of docs/flow-features.md."""

OF_IP_PACKETS: dict[str, Callable[[dict[str, Any]], float]] = {
    "flow_byts_s": lambda f: f["network.bytes"] * 1e6 / f["Flow Duration"],
    "pkt_len_mean": lambda f: f["network.bytes"] / f["network.packets"],
    "pkt_size_avg": lambda f: f["network.bytes"] / f["network.packets"],
    "fwd_pkt_len_mean": lambda f: f["source.bytes"] / f["source.packets"],
    "fwd_seg_size_avg": lambda f: f["source.bytes"] / f["source.packets"],
    # headers of one length on a side, as here, leave deviations alone
    "fwd_pkt_len_std": lambda f: f["Fwd Packet Length Std"],
    "bwd_pkt_len_std": lambda f: f["Bwd Packet Length Std"],
    "pkt_len_std": lambda f: f["Packet Length Std"],
    "pkt_len_var": lambda f: f["Packet Length Variance"],
    "fwd_pkt_len_max": lambda f: f["Fwd Packet Length Max"] + 20 + f["Fwd Seg Size Min"],
    "pkt_len_min": lambda f: f["Packet Length Min"] + 20 + f["Fwd Seg Size Min"],
}
"""What columns about IP packets are in terms of ours, where both sides' headers have one length."""


def test_netflower_measures_the_same_where_the_definitions_agree(tmp_path: Path) -> None:
    """Its flows end with the second FIN, so the teardown's last ACK is kept out of the capture."""
    capture = tmp_path / "capture.pcap"
    write_capture(capture, 300, last_ack=False)
    theirs = _netflower(capture, tmp_path)
    ours = read(capture).flows.to_dicts()
    assert len(ours) == len(theirs) == 300
    for flow in ours:
        row = theirs[_key(flow, "source.ip", "source.port", "destination.ip")]
        _agrees(flow, row)
        for name, value in OF_IP_PACKETS.items():
            assert value(flow) == pytest.approx(float(row[name]), rel=1e-3, abs=1e-6), name


def test_every_column_of_netflower_is_compared_or_its_deviation_explained(tmp_path: Path) -> None:
    capture = tmp_path / "capture.pcap"
    write_capture(capture, 3)
    ((row, *_)) = _netflower(capture, tmp_path).values()
    assert set(row) == IDENTITY | set(SAME_DEFINITION) | set(DEVIATIONS)
    assert not set(SAME_DEFINITION) & set(DEVIATIONS)
    assert set(OF_IP_PACKETS) <= {name for name, why in DEVIATIONS.items() if why == _PACKETS}
    page = " ".join((Path(__file__).parents[3] / "docs" / "flow-features.md").read_text().split())
    for why in set(DEVIATIONS.values()):
        assert why in page
    assert len(set(SAME_DEFINITION.values())) == 46


CAPTURES = sorted(Path(os.environ.get("TOCSIN_TEST_CAPTURES", "/nowhere")).glob("*.pcap"))


@pytest.mark.parametrize("capture", CAPTURES or [None], ids=lambda path: path and path.name)
def test_netflower_agrees_on_captures_of_real_traffic(capture: Path | None, tmp_path: Path) -> None:
    """Of flows that both see whole: of one conversation each, with the same packets, begun by the
    same side. The folder is named by TOCSIN_TEST_CAPTURES."""
    if capture is None:
        pytest.skip("TOCSIN_TEST_CAPTURES names no folder of captures")
    names = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol")
    theirs = _netflower(capture, tmp_path, *names)
    numbers = {"tcp": "6", "udp": "17"}
    ours: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for flow in read(capture).flows.to_dicts():
        ends = ("source.ip", "source.port", "destination.ip", "destination.port")
        number = numbers.get(flow["network.transport"], "")
        ours.setdefault((*_key(flow, *ends), number), []).append(flow)
    for key in set(theirs) & {key for key, flows in ours.items() if len(flows) == 1}:
        (flow,), row = ours[key], theirs[key]
        whole = row["tot_fwd_pkts"], row["tot_bwd_pkts"]
        if whole == (str(flow["source.packets"]), str(flow["destination.packets"])):
            _agrees(flow, row)


def _agrees(flow: dict[str, Any], row: dict[str, str]) -> None:
    """It keeps time as floating-point seconds, good to a quarter of a microsecond."""
    duration = flow["Flow Duration"]
    for their_name, name in SAME_DEFINITION.items():
        timed = "iat" in their_name or their_name.startswith(("flow_dur", "active", "idle"))
        if "pkts_s" in their_name and duration < 10:
            continue
        expected = float(row[their_name]) * (SECOND if timed else 1)
        relative = 2 / duration if "pkts_s" in their_name else 0
        close = pytest.approx(expected, rel=1e-6 + relative, abs=1.0 if timed else 1e-9)
        assert flow[name] == close, (their_name, flow["source.ip"], flow["source.port"])


def _netflower(capture: Path, folder: Path, *names: str) -> dict[tuple[str, ...], dict[str, str]]:
    """Its rows by their ends; of several with the same ends, none."""
    convert_pcap_to_csv(str(capture), str(folder / "theirs.csv"))
    with (folder / "theirs.csv").open() as file:
        rows = list(csv.DictReader(file))
    key = names or ("src_ip", "src_port", "dst_ip")
    times = Counter(_key(row, *key) for row in rows)
    return {ends: row for row in rows if times[ends := _key(row, *key)] == 1}


def _key(row: Mapping[str, object], *names: str) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in names)


# --------------------------------------------------------------------------------------- names


def test_every_feature_is_documented_with_a_unit_and_a_definition() -> None:
    page = Path(__file__).parents[3] / "docs" / "flow-features.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    documented = {cells[0].strip().strip("`"): cells[1:] for cells in rows}
    assert set(FLOW_FEATURES + FLOW_IDENTITY) <= set(documented)
    assert all(cell.strip() for name in FLOW_FEATURES for cell in documented[name])


def test_older_spellings_lead_to_features_we_have() -> None:
    assert set(ORIGINAL_NAMES.values()) <= set(FLOW_FEATURES)
    assert not set(ORIGINAL_NAMES) & set(FLOW_FEATURES)
    assert flow_name(" Total Fwd Packets") == flow_name("Tot Fwd Pkts") == "Total Fwd Packet"
    assert flow_name(" Destination Port") == "destination.port"
    assert flow_name("Label") is None
