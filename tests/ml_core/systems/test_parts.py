"""What is particular to one system."""

from __future__ import annotations

import numpy as np
import torch

from ml_core.systems._neural import shortened
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


def test_shortened_windows_keep_their_last_flow() -> None:
    torch.manual_seed(0)
    index = torch.tensor([[3, 4, 5, -1], [6, 7, 8, 9]]).repeat(50, 1)
    short = shortened(index, 1.0)
    lengths = (short >= 0).sum(dim=1)
    assert set(lengths.tolist()) == {1, 2, 3, 4}
    last = short[torch.arange(100), lengths - 1]
    assert last.tolist() == [5, 9] * 50
    assert (shortened(index, 0.0) == index).all()


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


def test_the_map_grows_where_it_is_coarse_and_moves() -> None:
    windows, y = told_by_last(1500, 1)
    system = AMSOM(3, side=3, epochs=15)
    system.fit(windows, y)
    assert len(system.w) > 9, "neurons were added to the grid of nine"
    assert len(system.w) == len(system.r) == len(system.votes) == len(system.age)
    assert not np.allclose(system.r, np.round(system.r)), "places have left the grid"
    few = AMSOM(3, side=8, epochs=15, spread_factor=1e-6).fit(*told_by_last(40, 1))
    assert len(few.w) <= 40, "idle neurons are removed"


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
