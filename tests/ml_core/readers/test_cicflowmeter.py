"""CICFlowMeter tables as they really come: spellings, spaces, headers amid the rows, Infinity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml_core.errors import DataError
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.readers import read_flows, read_labelled_flows
from tests.ml_core.readers.told import of, read, values

# two packets of 100 and 300 bytes forward, one of 50 backward, in a millisecond
FLOW = {
    "Flow Duration": 1000,
    "Total Fwd Packet": 2,
    "Total Bwd packets": 1,
    "Total Length of Fwd Packet": 400,
    "Total Length of Bwd Packet": 50,
    "Fwd Packet Length Max": 300,
    "Fwd Packet Length Min": 100,
    "Fwd Packet Length Mean": 200,
    "Fwd Packet Length Std": 141.4213562,
    "Bwd Packet Length Max": 50,
    "Bwd Packet Length Min": 50,
    "Bwd Packet Length Mean": 50,
    "Bwd Packet Length Std": 0,
    "Flow Bytes/s": 450_000,
    "Packet Length Mean": 137.5,  # the original's: the first packet twice, over four
    "Packet Length Std": 110.8677891,
    "SYN Flag Count": 1,
    "Down/Up Ratio": 0,  # the original's: integers
}
LONG = {
    "Total Fwd Packet": " Total Fwd Packets",
    "Total Bwd packets": " Total Backward Packets",
    "Total Length of Fwd Packet": "Total Length of Fwd Packets",
    "Total Length of Bwd Packet": " Total Length of Bwd Packets",
}
SHORT = {
    "Total Fwd Packet": "Tot Fwd Pkts",
    "Total Bwd packets": "Tot Bwd Pkts",
    "Total Length of Fwd Packet": "TotLen Fwd Pkts",
    "Total Length of Bwd Packet": "TotLen Bwd Pkts",
    "Flow Bytes/s": "Flow Byts/s",
    "Packet Length Mean": "Pkt Len Mean",
    "Packet Length Std": "Pkt Len Std",
    "SYN Flag Count": "SYN Flag Cnt",
    **{
        f"{way} Packet Length {what}": f"{way} Pkt Len {what}"
        for way in ("Fwd", "Bwd")
        for what in ("Max", "Min", "Mean", "Std")
    },
}
DHOOGLA = LONG | {
    "Total Length of Fwd Packet": "Fwd Packets Length Total",
    "Total Length of Bwd Packet": "Bwd Packets Length Total",
}
SNAKES = {name: old.replace(" ", "_").replace("/", "_").lower() for name, old in SHORT.items()}


def test_the_corrected_meter_is_believed() -> None:
    flows = read(FLOW)
    assert values(flows, "Packet Length Mean", "SYN Flag Count", "Down/Up Ratio") == [137.5, 1, 0]
    assert values(flows, "Flow IAT Mean") == [None]  # the table does not hold it
    assert not flows.cut.any()


@pytest.mark.parametrize("names", [LONG, SHORT, DHOOGLA, SNAKES], ids=["long", "short", "dh", "_"])
def test_the_original_meter_is_set_right(names: dict[str, str]) -> None:
    flows = read({names.get(name, name): value for name, value in FLOW.items()})
    assert values(flows, "Total Fwd Packet", "Total Length of Bwd Packet") == [2, 50]
    assert values(flows, "Packet Length Mean", "Down/Up Ratio", "SYN Flag Count") == [
        150,
        0.5,
        None,
    ]
    assert flows.cut.all()
    assert of(flows, "Packet Length Std") == pytest.approx(np.std([100, 300, 50], ddof=1))
    assert values(flows, "Packet Length Max", "Packet Length Min", "Flow Bytes/s") == [
        300,
        50,
        450e3,
    ]


def test_padding_is_no_payload() -> None:
    """A SYN and its RST, each padded to Ethernet's sixty bytes."""
    padded = FLOW | {"Total Fwd Packet": 1, "Fwd Packet Length Std": 0} | dict.fromkeys(
        [name for name in FLOW if name.endswith(("Length Max", "Length Min", "Length Mean"))], 6
    )  # fmt: skip
    padded |= {"Total Length of Fwd Packet": 6, "Total Length of Bwd Packet": 6, "Protocol": 6}
    flows = read({LONG.get(name, name): value for name, value in padded.items()})
    names = ("Total Length of Fwd Packet", "Bwd Packet Length Max", "Packet Length Mean",
             "Packet Length Std", "Flow Bytes/s")  # fmt: skip
    assert values(flows, *names) == [0] * 5
    udp = read({LONG.get(name, name): value for name, value in (padded | {"Protocol": 17}).items()})
    assert values(udp, "Total Length of Fwd Packet") == [6]


def test_an_official_file_with_all_its_faults(tmp_path: Path) -> None:
    header = [*(f" {LONG.get(name, name).strip()}" for name in FLOW), " Fwd Header Length",
              " Fwd Header Length", " Label"]  # fmt: skip
    good = [*map(str, FLOW.values()), "40", "41", "Web Attack \x96 XSS"]
    wild = ["0", *good[1:-1], "BENIGN"]
    wild[header.index(" Flow Bytes/s")] = "Infinity"
    holes = ["NaN", "", *good[2:-1], ""]
    lines = [",".join(row) for row in (header, good, header, wild, holes)]
    path = tmp_path / "day.csv"
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("latin-1"))
    flows, labels = read_labelled_flows([path])
    assert len(flows) == 4
    assert values(flows, "Total Fwd Packet", "Total Length of Fwd Packet") == [2, 400]
    assert np.isnan(flows.features[1]).all()  # the header repeated
    assert of(flows, "Flow Bytes/s", 2) == np.inf
    assert values(flows, "Flow Duration", "Total Fwd Packet", row=3) == [None, None]
    assert labels.of_rows.tolist() == ["Web Attack \ufffd XSS", "", "BENIGN", ""]
    assert len(set(flows.group.tolist())) == 4  # no hosts are told: every flow by itself
    assert flows.time.tolist() == [0, 1, 2, 3]
    assert flows.port.tolist() == [-1] * 4


SWAPPED = {LONG["Total Fwd Packet"]: LONG["Total Bwd packets"],
           LONG["Total Bwd packets"]: LONG["Total Fwd Packet"]}  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second"),
    [(LONG, SHORT), ({}, LONG), (SNAKES, {}), (LONG, {k: SWAPPED.get(v, v) for k, v in LONG.items()})],
)  # fmt: skip
def test_meters_in_one_file_are_refused(
    tmp_path: Path, first: dict[str, str], second: dict[str, str]
) -> None:
    frames = [
        pl.DataFrame({names.get(name, name): [value] * 2 for name, value in FLOW.items()})
        for names in (first, second)
    ]
    (tmp_path / "f.csv").write_text("".join(frame.write_csv() for frame in frames))
    with pytest.raises(DataError, match="row 3 is another header") as refused:
        read_flows([tmp_path / "f.csv"])
    assert "\n" not in str(refused.value)
    if set(frames[0].columns) != set(frames[1].columns):
        with pytest.raises(DataError, match=r"packets are counted by .* and by "):
            read_flows([pl.concat(frames, how="diagonal")])


def test_a_header_repeated_in_another_spelling_is_a_row_like_another(tmp_path: Path) -> None:
    header, row = pl.DataFrame(FLOW).write_csv().splitlines()
    lines = (header, row, header.replace(" ", "_").lower(), row)
    (tmp_path / "f.csv").write_text("\n".join(lines))
    flows = read_flows([tmp_path / "f.csv"])
    counts = flows.features[:, FLOW_COLUMNS.index("Total Fwd Packet")]
    assert np.array_equal(counts, [2, np.nan, 2], equal_nan=True)


def test_addresses_that_were_encoded_still_tell_hosts_apart_but_times_say_nothing() -> None:
    flows = read(
        {
            **{LONG.get(name, name): [value] * 3 for name, value in FLOW.items()},
            "Source IP": [7, 7, 9],
            "Destination IP": [9, 9, 7],
            "Timestamp": [30, 20, 10],
        }
    )
    assert flows.group[0] == flows.group[1] == flows.destination[2] != flows.group[2]
    assert flows.same_network.tolist() == [-1] * 3
    assert flows.time.tolist() == [0, 1, 2]


def test_hours_that_lost_their_afternoon_get_it_back() -> None:
    times = ["20/02/2018 08:30:00", "20/02/2018 12:10:00", "20/02/2018 01:10:00"]
    flows = read({**{k: [v] * 3 for k, v in FLOW.items()}, "Timestamp": times})
    assert np.diff(flows.time).tolist() == [3 * 3600e6 + 2400e6, 3600e6]
    night = ["20/02/2018 00:30:00", "20/02/2018 12:10:00", "20/02/2018 01:10:00"]
    flows = read({**{k: [v] * 3 for k, v in FLOW.items()}, "Timestamp": night})
    assert flows.time[2] - flows.time[0] == 2400e6


def test_tables_that_are_no_flows_are_refused() -> None:
    with pytest.raises(DataError, match=r"missing flow columns: Flow Duration, .* a, b"):
        read({"a": 1, "b": 2})
    with pytest.raises(DataError, match="the flow columns hold no numbers"):
        read(dict.fromkeys(FLOW_COLUMNS, "?"))
    with pytest.raises(DataError, match="no rows"):
        read_flows([pl.DataFrame(schema=dict.fromkeys(FLOW_COLUMNS, pl.Float64))])


def in_python(**given: object) -> dict[str, object]:
    """A log-in as the meter in Python tells it: rates first, whole frames, microseconds."""
    return {
        "src_ip": "10.0.0.1", "dst_ip": "10.0.0.2", "src_port": 5000, "dst_port": 22, "protocol": 6,
        "timestamp": "2023-01-02 03:04:05", "flow_duration": 2e6, "flow_byts_s": 500.0,
        "flow_pkts_s": 5.0, "tot_fwd_pkts": 6, "tot_bwd_pkts": 4, "totlen_fwd_pkts": 600,
        "totlen_bwd_pkts": 400, "fwd_pkt_len_max": 200, "fwd_pkt_len_min": 66,
        "fwd_pkt_len_mean": 100, "fwd_pkt_len_std": 50, "bwd_pkt_len_max": 74,
        "bwd_pkt_len_min": 66, "bwd_pkt_len_mean": 70, "bwd_pkt_len_std": 4, "pkt_len_max": 200,
        "flow_iat_mean": 2e5, "syn_flag_cnt": 1,
    } | given  # fmt: skip


@pytest.mark.parametrize("unit", [1.0, 1e6])  # of other releases: seconds
def test_the_meter_in_python_takes_frames_for_lengths(unit: float) -> None:
    flows = read(in_python(flow_duration=2e6 / unit, flow_iat_mean=2e5 / unit))
    assert values(flows, "Flow Duration", "Flow IAT Mean") == [2e6, 2e5]
    sizes = ("Total Length of Fwd Packet", "Fwd Packet Length Max", "Fwd Packet Length Min")
    assert values(flows, *sizes) == [600 - 6 * 66, 200 - 66, 0]
    assert values(flows, "Total Length of Bwd Packet", "Packet Length Max") == [0, 134]
    assert values(flows, "Flow Bytes/s", "SYN Flag Count") == [102, None]
    assert flows.port.tolist() == [22]
    assert not flows.cut.any()


def test_other_tables_in_small_letters_are_taken_as_they_are() -> None:
    rows = in_python()
    counts_first = {name: rows[name] for name in ("tot_fwd_pkts", "tot_bwd_pkts")} | rows
    assert values(read(counts_first), "Total Length of Fwd Packet") == [600]
