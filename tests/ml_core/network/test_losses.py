"""The weighted loss: what the paper's formula says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml_core.network.losses import class_weights, weighted_cross_entropy


def test_the_weighted_loss_is_the_papers_formula() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, 0.3]])
    y, w = torch.tensor([0, 2]), torch.tensor([1.0, 2.0, 4.0])
    p = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    expected = -(1.0 * p[0, 0].log() + 4.0 * p[1, 2].log()) / 5.0
    assert weighted_cross_entropy(logits, y, w).item() == pytest.approx(expected.item(), rel=1e-6)


def test_small_classes_weigh_more_but_not_very_much() -> None:
    y = np.array([0] * 900 + [1] * 99 + [2])
    weights = class_weights(y, 4, cap=5.0)
    assert weights[0] < weights[1] < weights[2] == 5.0
    assert weights[3] == 1.0  # absent
