"""Why a verdict: which fields and steps moved it, and by how much.

B inputs, T steps, E numbers a step, K fields, S steps as the recurrent layers see them. `x` are embedded inputs [B, T, E], `classes` [B] the
verdicts, `baseline` (broadcast to x) what an input is compared with.
"""

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
    verdict of class 0 it is its own log-odds against the best other class. The result has the
    shape of x. All the points on the way go through the network as one batch.
    """
    network.eval()
    baseline = baseline.expand_as(x)
    middle = (torch.arange(STEPS, dtype=x.dtype, device=x.device) + 0.5) / STEPS
    path = baseline + middle.view(-1, 1, 1, 1) * (x - baseline)  # [STEPS, B, T, E]
    points = path.reshape(STEPS * len(x), *x.shape[1:]).detach().requires_grad_(True)
    with torch.enable_grad():
        odds = log_odds(network, points, lengths.repeat(STEPS), classes.repeat(STEPS))
        (gradient,) = torch.autograd.grad(odds.sum(), points)
    mean = gradient.view(STEPS, *x.shape).mean(dim=0)  # [B, T, E]
    # of a network that makes no number of an input nothing can be said: no share
    return torch.nan_to_num((x - baseline) * mean, 0.0, 0.0, 0.0).detach()


def log_odds(network: BiLSTMDNN, x: Tensor, lengths: Tensor, classes: Tensor) -> Tensor:
    """[B]: of an attack against class 0; of class 0 against the best attack."""
    logits = network.from_embedded(x, lengths).logits  # [B, C]
    against = torch.where(classes == 0, logits[:, 1:].max(dim=1).values, logits[:, 0])
    return logits.gather(1, classes.unsqueeze(1)).squeeze(1) - against


def field_shares(shares: Tensor, fields: Tensor, count: int) -> Tensor:
    """Shares [B, T, E] added up by field: [B, K] of fields [B, T, E or 1] (K: of no field)."""
    total = torch.zeros(len(shares), count + 1, dtype=shares.dtype)
    of = fields.expand_as(shares).reshape(len(shares), -1)
    return total.scatter_add(1, of, shares.reshape(len(shares), -1))[:, :count]


def steps_of(network: BiLSTMDNN, x: Tensor) -> Tensor:
    """To which of S each given step of x [B, T, E] goes: [B, T, 1], to be added up as a field is."""
    return (torch.arange(x.shape[1]) // network.stage.pool).expand(x.shape[:2]).unsqueeze(2)


def step_counts(network: BiLSTMDNN, lengths: Tensor) -> Tensor:
    """How many of S are real: [B]."""
    return -(-lengths // network.stage.pool)


def step_shares(network: BiLSTMDNN, shares: Tensor) -> Tensor:
    """Shares [B, T, E] added up by step: [B, S]; of padding nothing."""
    return field_shares(
        shares, steps_of(network, shares), -(-shares.shape[1] // network.stage.pool)
    )


def masked(x: Tensor, lengths: Tensor, baseline: Tensor, fields: Tensor, chosen: Tensor) -> Tensor:
    """x with the `chosen` fields [B, K] set to the baseline in every real step."""
    none = torch.zeros(len(x), 1, dtype=torch.bool)
    hit = torch.cat([chosen, none], dim=1).gather(1, fields.reshape(len(x), -1))
    real = torch.arange(x.shape[1]) < lengths.unsqueeze(1)  # [B, T]
    return torch.where(hit.view(fields.shape) & real.unsqueeze(2), baseline.expand_as(x), x)
