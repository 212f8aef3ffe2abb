"""Learning that the neural systems share: Adam, mini-batches, the weighted loss, early stopping."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ml_core.network.losses import class_weights, weighted_cross_entropy
from ml_core.network.sequences import gathered
from ml_core.systems.base import F32, Ints, Judge, Validation, Windows, check

MIXED = 0.5  # of the windows that lose flows: get another window's instead


@dataclass
class Neural(Judge):
    """A network over windows; a system says which. Same options, data, machine: same weights."""

    classes: int
    seed: int = 1
    hidden: int = 64
    dropout: float = 0.2
    epochs: int = 20
    patience: int = 5  # epochs without a better validation loss
    batch: int = 128
    rate: float = 1e-3
    cap: float | None = 5.0  # of the classes' weights in the loss; None: every class weighs one
    forget: float = 0.0  # share of windows that lose or change older flows while learning
    network: nn.Module | None = field(default=None, init=False, repr=False)

    def build(self, inputs: int, steps: int) -> nn.Module:
        """The network: x [B, T, F] and lengths [B] to logits [B, C]."""
        raise NotImplementedError

    def fit(self, windows: Windows, y: Ints, validation: Validation | None = None) -> Self:
        check(windows, y, self.classes)
        torch.manual_seed(self.seed)
        network = self.build(windows.rows.shape[1], windows.index.shape[1])
        self.known = torch.from_numpy(np.bincount(y, minlength=self.classes) > 0)
        self.network = learn(network, windows, y, validation, self)
        return self

    def predict_proba(self, windows: Windows) -> F32:
        if self.network is None:
            raise ValueError("not fitted")
        return probabilities(self.network, windows, self.known)


def learn(
    network: nn.Module, windows: Windows, y: Ints, validation: Validation | None, how: Neural
) -> nn.Module:
    """The network at its epoch of least validation loss, or at the last one without validation.

    What is kept is the moving average of the weights over about half an epoch, which is steadier
    than the weights of any one step.
    """
    generator = torch.Generator().manual_seed(how.seed)
    weights = torch.ones(how.classes)
    if how.cap is not None:
        weights = torch.from_numpy(class_weights(y, how.classes, how.cap))
    rows, index, target = _tensors(windows, y)
    optimizer = torch.optim.Adam(network.parameters(), lr=how.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, how.epochs, how.rate / 10)
    decay = max(0.0, 1.0 - 2.0 * how.batch / len(y))
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    mean = AveragedModel(network, multi_avg_fn=average, use_buffers=True)
    best, least, stale = copy.deepcopy(mean.module.state_dict()), float("inf"), 0
    for _ in range(how.epochs):
        network.train()
        for chosen in torch.split(torch.randperm(len(target), generator=generator), how.batch):
            if len(chosen) < 2:
                continue  # batch normalisation has nothing to normalise by
            optimizer.zero_grad(set_to_none=True)
            x, lengths = gathered(rows, disturbed(index[chosen], how.forget))
            loss = weighted_cross_entropy(network(x, lengths), target[chosen], weights)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            mean.update_parameters(network)
        schedule.step()
        if validation is None:
            continue
        held = validation_loss(mean.module, *validation, weights)
        if held < least:
            best, least, stale = copy.deepcopy(mean.module.state_dict()), held, 0
        elif (stale := stale + 1) >= how.patience:
            break
    kept: nn.Module = mean.module
    if validation is not None:
        kept.load_state_dict(best)
    return kept.eval()


@torch.inference_mode()
def validation_loss(network: nn.Module, windows: Windows, y: Ints, weights: Tensor) -> float:
    """The weighted loss over all M windows."""
    network.eval()
    return float(weighted_cross_entropy(_logits(network, windows), torch.from_numpy(y), weights))


@torch.inference_mode()
def probabilities(network: nn.Module, windows: Windows, known: Tensor) -> F32:
    """Softmax [M, C] over the classes `known` [C], zero for the others."""
    logits = _logits(network.eval(), windows).masked_fill(~known, -torch.inf)
    return np.asarray(logits.softmax(dim=1).numpy(), dtype=np.float32)


def disturbed(index: Tensor, share: float) -> Tensor:
    """Windows [B, T] of which a `share` keeps only its last flows, how many drawn at random.

    Half of these get the last flows of another window before them. So a network also learns what
    the judged flow itself tells, whatever its host did before: windows of a part by time within
    each label are of one class, while on a network attacks mix with what else a host does.
    """
    if not share:
        return index
    B, T = index.shape
    lengths = (index >= 0).sum(dim=1)
    keep = (torch.rand(B) * lengths).long() + 1  # 1..length
    keep = torch.where(torch.rand(B) < share, keep, lengths)
    other = torch.randperm(B)
    mixed = (keep < lengths) & (torch.rand(B) < MIXED)
    before = torch.where(mixed, torch.minimum(T - keep, lengths[other]), 0)  # flows of the other
    steps = torch.arange(T)
    own = steps + (lengths - keep - before).unsqueeze(1)
    theirs = steps + (lengths[other] - before).unsqueeze(1)
    moved = torch.where(
        steps < before.unsqueeze(1),
        index[other].gather(1, theirs.clamp(max=T - 1)),
        index.gather(1, own.clamp(0, T - 1)),
    )
    return torch.where(steps < (before + keep).unsqueeze(1), moved, -1)


def last_step(x: Tensor, lengths: Tensor) -> Tensor:
    """x [B, T, D] at the last real step: [B, D]."""
    return x[torch.arange(len(x), device=x.device), lengths - 1]


def _logits(network: nn.Module, windows: Windows, size: int = 2048) -> Tensor:
    rows, index, _ = _tensors(windows, np.zeros(0, dtype=np.int64))
    if not len(index):
        raise ValueError("no windows")
    return torch.cat([network(*gathered(rows, part)) for part in torch.split(index, size)])


def _tensors(windows: Windows, y: Ints) -> tuple[Tensor, Tensor, Tensor]:
    arrays = (windows.rows, windows.index, y)
    rows, index, target = (torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)
    return rows, index, target
