"""Why a verdict: which fields moved it, and by how much."""

from __future__ import annotations

import torch
from torch import Tensor

from ml_core.network.bilstm_dnn import BiLSTMDNN

STEPS = 8


def integrated_gradients(
    network: BiLSTMDNN, x: Tensor, lengths: Tensor, classes: Tensor, baseline: Tensor
) -> Tensor:
    """Signed share of every input in the log-odds of `classes` [B] against the harmless class 0.

    Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", ICML 2017, eq. 1, by the
    midpoint rule: (x - baseline) times the mean gradient on the way from baseline to x. For a
    verdict of class 0 it is its own log-odds against the best other class. x [B, T, F] and
    baseline (broadcast to x) are embedded inputs; the result has the shape of x. All the points
    on the way go through the network as one batch.
    """
    B = len(x)
    network.eval()
    baseline = baseline.expand_as(x)
    middle = (torch.arange(STEPS, dtype=x.dtype, device=x.device) + 0.5) / STEPS
    path = baseline + middle.view(-1, 1, 1, 1) * (x - baseline)  # [K, B, T, F]
    points = path.reshape(STEPS * B, *x.shape[1:]).detach().requires_grad_(True)
    with torch.enable_grad():
        logits = network.from_embedded(points, lengths.repeat(STEPS)).logits  # [K·B, C]
        rows, chosen = torch.arange(STEPS * B, device=x.device), classes.repeat(STEPS)
        others = logits[:, 1:].max(dim=1).values
        against = torch.where(chosen == 0, others, logits[:, 0])
        odds = logits[rows, chosen] - against
        (gradient,) = torch.autograd.grad(odds.sum(), points)
    mean = gradient.view(STEPS, *x.shape).mean(dim=0)  # [B, T, F]
    return ((x - baseline) * mean).detach()
