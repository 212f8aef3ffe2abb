"""What the flow network learns from: parts, mixtures, other networks imitated."""

from __future__ import annotations

import resource
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml_core.kinds.flows import KIND, building, views
from ml_core.kinds.flows.building import (
    CLOCKS,
    UNUSED,
    VAGUE,
    split_in_time,
    told_apart,
    without_copies,
    without_twins,
)
from ml_core.kinds.flows.columns import FLOW_COLUMNS, INPUT_COLUMNS, NUMBERS, SITE_COLUMNS
from ml_core.kinds.flows.disturbance import TIME, SiteSet, Strength
from ml_core.kinds.flows.inputs import numbers
from ml_core.kinds.flows.made import SCANS, chatter, scans
from ml_core.kinds.flows.scaler import Scaler
from ml_core.kinds.flows.views import joined, mixtures, view
from ml_core.kinds.kind import UNTOLD
from ml_core.kinds.text import TEST, TRAINING, VALIDATION
from ml_core.network.memory import keep_memory
from ml_core.network.options import Options
from ml_core.network.sequences import Batch
from tests.ml_core.kinds.flows.made import sizes, table

DOS, DDOS = KIND.classes.index("DoS"), KIND.classes.index("DDoS")
SILENT = Strength(**{f.name: 0.0 for f in fields(Strength)})


def test_each_label_of_each_source_is_split_in_time() -> None:
    labels = ["a"] * 10 + ["b"] * 10 + ["a"] * 20
    time = np.r_[np.arange(10)[::-1], np.arange(10), np.arange(20)]
    source = np.r_[np.zeros(20, dtype=int), np.ones(20, dtype=int)]
    part = split_in_time(labels, time, source, untested=1)
    assert part[:10].tolist() == [TEST] * 3 + [VALIDATION] + [TRAINING] * 6
    assert part[10:20].tolist() == [TRAINING] * 6 + [VALIDATION] + [TEST] * 3
    assert (part[20:] == TRAINING).sum() == 17
    assert (part[20:] == TEST).sum() == 0


def test_floods_that_may_be_of_either_kind_learn_by_the_size_of_their_requests() -> None:
    labels = ["DDoS"] * 20 + ["DoS Hulk"] * 20 + ["DoS"] * 3
    flows = sizes(
        43, Total_Length_of_Fwd_Packet=np.r_[np.full(20, 20), np.full(20, 350), 20, 350, 77]
    )
    source = np.r_[np.zeros(40, dtype=int), np.ones(3, dtype=int)]
    part = split_in_time(labels, np.arange(43), source)
    assert part[40:].tolist() == [VAGUE] * 3
    y = np.r_[np.full(20, DDOS), np.full(23, DOS)]
    y, part = told_apart(table(flows, source), y, part)
    assert y[40:42].tolist() == [DDOS, DOS]
    assert part[40:].tolist() == [TRAINING, TRAINING, UNUSED]


def test_where_no_source_tells_of_distributed_floods_a_flood_is_one() -> None:
    labels, source = ["DoS"] * 20 + ["Normal"] * 20 + ["DoS"] * 20, np.repeat([0, 1], [40, 20])
    part = split_in_time(labels, np.arange(60), source)
    assert np.bincount(part).tolist() == [36, 6, 18]


def test_flows_that_an_earlier_source_holds_are_not_used_twice() -> None:
    flows = np.vstack([sizes(30), sizes(30)[:10], sizes(5, seed=9)])
    source = np.r_[np.zeros(30, dtype=int), np.ones(15, dtype=int)]
    part = without_copies(table(flows, source), np.ones(45, dtype=int), np.zeros(45, dtype=int))
    assert part.tolist() == [TRAINING] * 30 + [UNUSED] * 10 + [TRAINING] * 5


def test_twins_of_held_out_flows_teach_nothing() -> None:
    noon = 1_500_000_000_000_000
    held = (noon, 4_000, 80, 1, 0, TEST)  # time, ports, class, source, part
    told = [
        (held, TEST),
        ((noon, 4_000, 80, 1, 1, TRAINING), UNUSED),
        ((noon + CLOCKS, 4_000, 80, 1, 1, TRAINING), UNUSED),
        ((noon + CLOCKS + 1, 4_000, 80, 1, 1, TRAINING), TRAINING),  # another day's
        ((17, 4_000, 80, 1, 1, TRAINING), UNUSED),  # times are not told
        ((noon, 4_001, 80, 1, 1, TRAINING), TRAINING),
        ((noon, 4_000, 81, 1, 1, TRAINING), TRAINING),
        ((noon, 4_000, 80, 2, 1, TRAINING), TRAINING),
        ((noon, 4_000, 80, 1, 0, TRAINING), TRAINING),  # the same meter's: another flow
        ((noon, 4_000, 80, 1, 1, VALIDATION), VALIDATION),
        ((noon, -1, 80, 1, 1, TRAINING), TRAINING),  # ports are not told
    ]
    time, source_port, port, y, source, part = np.array([row for row, _ in told]).T
    flows = replace(table(sizes(len(told)), source), time=time, source_port=source_port, port=port)
    assert without_twins(flows, y, part).tolist() == [left for _, left in told]


def test_mixtures_hold_every_class_in_shares_that_differ() -> None:
    flows, y = sizes(4_000), np.repeat([0, DOS, DDOS], [3_000, 600, 400])
    scaler = Scaler.fit(numbers(flows))
    views = list(mixtures(table(flows), y, scaler, 6, 1_000, np.random.default_rng(1)))
    shares = [np.bincount(v.y, minlength=8) / len(v.y) for v in views]
    assert all((share[[0, DOS, DDOS]] > 0).all() for share in shares)
    assert np.ptp([share[0] for share in shares]) > 0.2
    whole = joined(list(views))
    assert len(whole.windows) == sum(len(v.y) for v in views)
    assert whole.windows.max() == len(whole.rows) - 1


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel")
def test_joined_mixtures_are_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "RETURNED", 2**24)
    keep_memory()  # as whoever learns does: nothing is returned by itself
    before = resident()
    index, y = np.zeros((1, 10), dtype=np.int64), np.zeros(1, dtype=np.int64)
    parts = [views.View(np.ones((6_000, 77), dtype=np.float32), index, y) for _ in range(100)]
    whole = joined(parts)
    assert resident() - before < 1.5 * whole.rows.nbytes


def resident() -> int:
    """Bytes of this process that lie in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_a_view_sees_the_flows_before_those_it_judges() -> None:
    flows = sizes(400)
    scaler = Scaler.fit(numbers(flows))
    whole = view(table(flows), np.zeros(400, dtype=int), scaler, np.arange(400))
    some = view(table(flows), np.zeros(400, dtype=int), scaler, np.array([200, 399]))
    assert (some.windows >= 0).all()
    kept = [i for i, name in enumerate(INPUT_COLUMNS) if name not in SITE_COLUMNS]
    for at, row in ((0, 200), (1, 399)):
        theirs, ours = some.rows[some.windows[at]], whole.rows[whole.windows[row]]
        assert np.array_equal(theirs[:, kept], ours[:, kept])


def disturbed(strength: Strength, batch: Batch) -> Batch:
    torch.manual_seed(1)
    columns = len(NUMBERS)
    scaler = Scaler(np.zeros(columns), np.full(columns, 2.0))
    blank = np.zeros((1, len(INPUT_COLUMNS)), dtype=np.float32)
    one = np.zeros((1, 10), dtype=np.int64)
    made = SiteSet.made(blank, one, np.zeros(1, dtype=np.int64), scaler, strength)
    return made.disturb(batch, Options())


def windows() -> Batch:
    x = torch.randn(64, 10, len(INPUT_COLUMNS))
    return Batch(x, torch.full((64,), 10), torch.zeros(64, dtype=torch.long))


def test_a_slower_network_is_slower_in_every_number_and_nothing_else() -> None:
    batch = windows()
    change = disturbed(Strength(**{**vars(SILENT), "time": 1.0}), batch).x - batch.x
    timed = [NUMBERS.index(name) for name in TIME]
    others = [i for i in range(len(INPUT_COLUMNS)) if i not in timed]
    assert change[:, :, others].abs().max() == 0
    gap, rate = (NUMBERS.index(name) for name in ("Gap", "Packets per Second"))
    assert torch.allclose(change[..., gap], -change[..., rate], atol=1e-5)
    assert torch.allclose(change[:, 0], change[:, 9], atol=1e-5)
    assert change[..., gap].std() > 0.3


def test_a_flow_alone_is_the_judged_one() -> None:
    batch = windows()
    alone = disturbed(Strength(**{**vars(SILENT), "alone": 1.0}), batch)
    assert (alone.lengths == 1).all()
    assert torch.equal(alone.x[:, 0], batch.x[:, 9])


def test_lengths_that_are_not_told_are_neither_told_nor_there() -> None:
    batch = windows()
    blind = disturbed(Strength(**{**vars(SILENT), "blind_group": 1.0}), batch).x
    assert blind[..., INPUT_COLUMNS.index("Lengths Told")].abs().max() == 0
    assert blind[..., INPUT_COLUMNS.index("Fwd Largest")].abs().max() == 0
    size = INPUT_COLUMNS.index("Fwd Bytes")
    assert torch.equal(blind[..., size], batch.x[..., size])


def test_it_learns_from_attacks_of_a_kind_not_told() -> None:
    rng = np.random.default_rng(0)
    attack = np.repeat([0, 1], 600)
    told = {"Total_Length_of_Fwd_Packet": np.where(attack, 20, rng.integers(100, 9_000, 1_200))}
    flows = sizes(1_200, **told)
    y = np.where(attack, np.where(rng.random(1_200) < 0.5, DDOS, UNTOLD), 0)
    part = split_in_time(attack.astype(str).tolist(), np.arange(1_200), np.zeros(1_200, dtype=int))
    options = Options(epochs=3, batch=128, rate=3e-3)
    model = building.build_flows(table(flows), y, part, options)
    assert model.columns == INPUT_COLUMNS
    assert model.metrics["test"]["auc"] > 0.95


def test_a_scan_from_inside_is_learned_as_a_scan() -> None:
    scan, inside = KIND.classes.index("Portscan"), KIND.classes.index("Infiltration")
    size = np.array([9, 9, 0, 9, 0])
    flows = table(sizes(5, Total_Length_of_Fwd_Packet=size, Total_Length_of_Bwd_Packet=0))
    flows = replace(flows, same_network=np.array([1, 0, -1, 1, 0], dtype=np.int8))
    y = building.scans_as_scans(flows, np.array([inside, inside, inside, 0, inside]))
    assert y.tolist() == [scan, inside, inside, 0, scan]


def test_made_scans_are_probes_of_many_ports_or_hosts() -> None:
    made = scans(np.random.default_rng(1))
    column = {name: made.features[:, i] for i, name in enumerate(FLOW_COLUMNS)}
    assert len(made) == SCANS
    assert np.isfinite(made.features).all()
    assert (np.diff(made.time) > 0).all()
    assert (column["Total Length of Fwd Packet"] <= 40).all()
    silent, open_ports = column["Total Bwd packets"] == 0, column["Total Fwd Packet"] > 1
    assert 0.2 < silent.mean() < 0.8
    assert 0 < (open_ports & ~silent).mean() < 0.3
    refused = (column["RST Flag Count"] > 0) & ~open_ports
    assert refused.mean() > 0.1
    assert (column["SYN Flag Count"][refused] == 1).all()
    for source in np.unique(made.group):
        of = made.group == source
        ports, hosts = len(np.unique(made.port[of])), len(np.unique(made.destination[of]))
        assert max(ports, hosts) == of.sum()


def test_scans_are_learned_unless_they_are_left_out() -> None:
    scan, rng = KIND.classes.index("Portscan"), np.random.default_rng(1)
    assert set(building.made_flows(rng)[1].tolist()) == {0, scan}
    assert set(building.made_flows(rng, scanned=False)[1].tolist()) == {0}


def test_harmless_chatter_is_flows_that_can_be() -> None:
    made = chatter(np.random.default_rng(2))
    column = {name: made.features[:, i] for i, name in enumerate(FLOW_COLUMNS)}
    assert np.isfinite(made.features).all()
    assert (np.diff(made.time) >= 0).all()
    lone = column["Total Bwd packets"] == 0
    assert 0.2 < lone.mean() < 0.8
    assert (column["Total Length of Bwd Packet"][lone] == 0).all()
    fwd = column["Total Fwd Packet"]
    mean = column["Total Length of Fwd Packet"] / fwd
    assert np.allclose(column["Fwd Packet Length Mean"], mean, rtol=1e-4)
    assert (column["Flow IAT Max"] <= column["Flow Duration"] + 1).all()


def test_no_flood_is_made_of_a_class_that_the_data_do_not_show() -> None:
    scan = KIND.classes.index("Portscan")
    y = np.repeat([0, scan, DOS], [300, 200, 60])
    flows = replace(table(sizes(560)), port=np.arange(560, dtype=np.int32) % 300)
    scaler = Scaler.fit(numbers(flows.features))
    part, rng = np.zeros(560, dtype=int), np.random.default_rng(1)
    learned, _ = building.learning(flows, y, part, scaler, (1, 400), rng)
    assert set(np.unique(learned.y).tolist()) == {0, scan, DOS}
    assert (learned.y == DOS).sum() > 60 + 10  # floods were made of the scans


def test_flows_without_a_flood_are_learned_without_made_floods() -> None:
    web = KIND.classes.index("WebAttack")
    y = np.repeat([0, web], [300, 200])
    flows = table(sizes(500))
    scaler = Scaler.fit(numbers(flows.features))
    part, rng = np.zeros(500, dtype=int), np.random.default_rng(1)
    learned, told = building.learning(flows, y, part, scaler, (1, 400), rng)
    assert set(np.unique(learned.y).tolist()) == {0, web, KIND.classes.index("Portscan")}
    assert set(np.unique(told.y).tolist()) == {0, web, KIND.classes.index("Portscan")}
