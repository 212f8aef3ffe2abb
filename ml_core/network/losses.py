"""The weighted loss of paper 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def class_weights(
    y: npt.NDArray[np.int64], classes: int, cap: float = 5.0
) -> npt.NDArray[np.float32]:
    """w [C]: a class half as frequent as the average weighs twice, within [1/cap, cap].

    Paper 1: "larger weights for small classes, but not very large"; absent classes weigh 1.
    """
    counts = np.bincount(y, minlength=classes).astype(np.float64)
    present = counts > 0
    weights = np.ones(classes)
    weights[present] = counts[present].mean() / counts[present]
    return np.clip(weights, 1.0 / cap, cap).astype(np.float32)


def weighted_cross_entropy(logits: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """Paper 1: L' = -Σ w_i y'_i log y_i, as the mean over the batch.

    logits [B, C], y [B] class numbers, weights [C]; divided by the weights' sum in the batch, so
    that the step does not grow with a batch of rare classes. An attack of a kind not told (y below
    zero) weighs 1, and its y' is what is not the harmless class: -log (1 - y_0).
    """
    log_y = torch.log_softmax(logits, dim=1)  # [B, C]
    told, known = y >= 0, y.clamp(min=0)
    w = torch.where(told, weights[known], torch.ones_like(weights[known]))  # [B]
    attack = torch.logsumexp(log_y[:, 1:], dim=1)  # [B]
    log_p = torch.where(told, log_y.gather(1, known.unsqueeze(1)).squeeze(1), attack)
    return -(w * log_p).sum() / w.sum()
