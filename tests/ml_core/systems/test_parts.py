"""What is particular to one system."""

from __future__ import annotations

import numpy as np
import torch

from ml_core.systems._neural import disturbed
from ml_core.systems.amsom import AMSOM
from ml_core.systems.bilstm_dnn import BiLSTMDNNSystem
from ml_core.systems.ga_lr import GALR
from ml_core.systems.lstm_attention import Attention
from ml_core.systems.ndae import NDAE
from tests.ml_core.systems.made import told_by_earlier, told_by_last


def test_attention_is_the_papers_sum() -> None:
    torch.manual_seed(0)
    attention, h = Attention(3), torch.randn(1, 4, 3)
    v = attention(h, torch.tensor([2]))
    u = torch.tanh(h[0, :2] @ attention.W_w.weight.T + attention.W_w.bias)
    alpha = torch.softmax(u @ attention.u_w.weight[0], dim=0)
    assert torch.allclose(v[0], alpha @ h[0, :2], atol=1e-6)


def test_disturbed_windows_keep_their_last_flows() -> None:
    torch.manual_seed(0)
    index = torch.tensor([[3, 4, 5, -1], [6, 7, 8, 9]]).repeat(50, 1)
    changed = disturbed(index, 1.0).tolist()
    whole = [[3, 4, 5], [6, 7, 8, 9]] * 50
    pasts = set()
    for was, now in zip(whole, changed, strict=True):
        flows = [flow for flow in now if flow >= 0]
        assert now == flows + [-1] * (4 - len(flows))
        kept = next(k for k in range(len(was), 0, -1) if flows[-k:] == was[-k:])
        past = flows[: len(flows) - kept]
        assert any(past == other[len(other) - len(past) :] for other in whole)
        pasts.add((kept, len(past)))
    assert {kept for kept, past in pasts if not past} == {1, 2, 3, 4}
    assert {past for _, past in pasts} == {0, 1, 2, 3}
    assert (disturbed(index, 0.0) == index).all()


def test_genes_choose_the_features_that_tell() -> None:
    rng = np.random.default_rng(0)
    windows, y = told_by_last(250, 1)
    rows = rng.normal(size=windows.rows.shape).astype(np.float32)
    rows[:, 2] = windows.rows[:, 2]
    last = windows.index[np.arange(250), windows.lengths - 1]
    rows[last, 2] = y * 3.0 + rng.normal(0, 0.1, 250)
    windows = windows.with_rows(rows)
    system = GALR(3, population=10, generations=8, cost=0.02).fit(windows, y)
    assert system.chosen[2]
    assert system.chosen.sum() <= 3, "features that tell nothing cost"


def test_the_auto_encoder_learns_to_give_back() -> None:
    windows, y = told_by_last(300, 1)
    codes = []
    for epochs in (0, 20):
        torch.manual_seed(1)
        system = NDAE(3, layers=(16, 8), epochs=epochs, batch=64, rate=1e-2, trees=5, stacked=1)
        system.fit(windows, y)
        codes.append(system._code(windows))
    x = np.column_stack([windows.last(), np.ones(300)])
    left = [x - c1 @ np.linalg.lstsq(c1, x, rcond=None)[0]
            for c1 in (np.column_stack([c, np.ones(300)]) for c in codes)]  # fmt: skip
    assert (left[1] ** 2).mean() < (left[0] ** 2).mean()


def test_the_map_grows_where_it_is_coarse() -> None:
    windows, y = told_by_last(1500, 1)
    system = AMSOM(3, side=3, epochs=15)
    system.fit(windows, y)
    assert len(system.w) > 9, "neurons were added to the grid of nine"
    assert len(system.w) == len(system.r) == len(system.votes) == len(system.age)


def test_alike_neighbours_of_the_map_come_together() -> None:
    system = AMSOM(2, side=2)
    system._start(np.zeros((4, 1)))
    system.w = np.array([[0.0], [0.1], [9.0], [9.1]])  # rows of the grid are alike
    system._move(np.ones(4, dtype=np.int64), rate=0.5)
    (across, down) = (np.linalg.norm(system.r[0] - system.r[j]) for j in (1, 2))
    assert across < down


def test_idle_neurons_go_unless_they_hold_the_map_together() -> None:
    system = AMSOM(2, side=3)
    system._start(np.zeros((9, 1)))
    system._remove(np.array([0, 2, 6, 8]))  # only the corners have won
    assert system.r.tolist() == [[x, y] for y in range(3) for x in range(3)], "all three-joined"
    system.age[:, 3] = system.age[3] = np.inf  # the left edge joins no more
    system._remove(np.array([0, 2, 6, 8]))
    assert [0, 1] not in system.r.tolist()
    assert len(system.w) == len(system.r) == len(system.age) == 8


def test_the_fitter_breed() -> None:
    fit = np.arange(40) % 2 == 1
    people = np.repeat(fit[:, None], 30, axis=1)
    system = GALR(2)
    young = system._next(people, fit.astype(float), np.random.default_rng(0))
    assert young.shape == people.shape
    assert young[0].all(), "the best goes on unchanged"
    assert young.mean() > 0.7, "of the best of three by chance seven eighths, less mutations"


def test_the_switches_change_the_network() -> None:
    def parameters(**switches: bool) -> int:
        network = BiLSTMDNNSystem(2, hidden=8, **switches).build(5, 10)
        return sum(p.numel() for p in network.parameters())

    full = parameters()
    for switch in ("bidirectional", "batch_norm", "attention", "recurrent", "dense"):
        assert parameters(**{switch: False}) < full, switch


def test_the_dnn_alone_reads_the_judged_flow() -> None:
    windows, y = told_by_earlier(600, 1)
    alone = BiLSTMDNNSystem(2, hidden=16, epochs=6, rate=1e-2, recurrent=False, attention=False)
    judged, truth = told_by_earlier(300, 3)
    assert (alone.fit(windows, y).predict(judged) == truth).mean() < 0.65
