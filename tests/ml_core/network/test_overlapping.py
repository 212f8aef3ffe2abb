"""Windows judged for what they share: the network's own verdicts, whatever the windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ml_core.kinds.flows.windows import window_index
from ml_core.network import overlapping
from ml_core.network.architecture import Architecture
from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.network.overlapping import OverlappingWindows
from tests.ml_core.network.test_bilstm_dnn import FLOWS, TEXTS, network

LAYERLESS = replace(FLOWS, batch_norm=False, dense=False)


@pytest.mark.parametrize(
    "arch", [FLOWS, replace(FLOWS, focus="ends"), LAYERLESS], ids=["last", "ends", "bare"]
)
@pytest.mark.parametrize("batch", [3, 512])
def test_the_output_is_the_networks_own(
    arch: Architecture, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlapping, "BATCH", batch)
    net, steps, index = network(arch), torch.randn(60, arch.inputs), windows(60)
    told = OverlappingWindows(net).read(steps, index)
    for mine, own in zip(told, by_itself(net, steps, index), strict=True):
        torch.testing.assert_close(mine, own, rtol=1e-4, atol=1e-5)


def test_a_window_is_judged_the_same_alone_and_in_any_company() -> None:
    net, steps, index = network(FLOWS), torch.randn(60, FLOWS.inputs), windows(60)
    whole = OverlappingWindows(net).read(steps, index).logits
    for row in (0, 7, 59):
        alone = OverlappingWindows(net).read(steps, index[row : row + 1]).logits[0]
        torch.testing.assert_close(alone, whole[row], rtol=1e-4, atol=1e-5)


def test_only_networks_of_paper_2_that_read_numbers_are_taken() -> None:
    assert OverlappingWindows.able(network(FLOWS))
    others = [
        TEXTS,
        *(replace(FLOWS, **{part: False}) for part in ("recurrent", "bidirectional", "attention")),
    ]
    assert not any(OverlappingWindows.able(network(arch)) for arch in others)


def windows(flows: int) -> torch.Tensor:
    """Of seven hosts, some with fewer flows than a window holds."""
    host = np.random.default_rng(0).integers(0, 7, flows) ** 2 // 6
    return torch.from_numpy(window_index(host, np.arange(flows), FLOWS.steps))


@torch.no_grad()
def by_itself(net: BiLSTMDNN, steps: torch.Tensor, index: torch.Tensor) -> tuple[torch.Tensor, ...]:
    real = index >= 0
    x = steps[index.clamp(min=0)] * real.unsqueeze(2)
    return tuple(net.from_steps(x, real.sum(dim=1)))
