"""Learning: mini-batches gathered on the device, seeds, early stopping, resumable."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml_core.network.architecture import Architecture
from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.network.checkpoint import Run, run_key
from ml_core.network.losses import weighted_cross_entropy
from ml_core.network.options import Options
from ml_core.network.sequences import Sequences


class Progress(NamedTuple):
    """What the callback is told after every epoch."""

    epoch: int
    epochs: int
    loss: float
    validation_loss: float
    validation_accuracy: float


def train(
    arch: Architecture,
    training: Sequences,
    validation: Sequences,
    weights: npt.NDArray[np.float32],
    options: Options,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: Path | None = None,
) -> BiLSTMDNN:
    """The network [Architecture] at its best epoch by validation loss, in evaluation mode, on CPU.

    weights [C] are the loss's. With `checkpoint`, every epoch is kept there in one file, and a
    killed run that is started again with the same arguments ends with the same weights.
    """
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    training, validation = training.to(device), validation.to(device)
    class_weights = torch.from_numpy(weights).to(device)
    torch.manual_seed(options.seed)
    network = BiLSTMDNN(arch).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=options.rate)
    run = Run(network, optimizer, copy.deepcopy(network.state_dict()))
    if checkpoint is not None:
        run.restore(checkpoint, run_key(arch, options, training))
    while run.epoch < options.epochs and run.stale < options.patience:
        # by epoch, not by run: a resumed run draws what the uninterrupted one would have drawn
        torch.manual_seed(options.seed * 100_003 + run.epoch)
        generator = torch.Generator().manual_seed(options.seed * 100_003 + run.epoch)
        _set_rate(optimizer, options, run.epoch)
        loss = _learn(network, optimizer, training, class_weights, options, generator)
        validation_loss, accuracy = _measure(network, validation, class_weights, options.batch)
        run.note(validation_loss)
        if checkpoint is not None:
            run.keep(checkpoint, run_key(arch, options, training))
        if progress is not None:
            progress(Progress(run.epoch, options.epochs, loss, validation_loss, accuracy))
    network.load_state_dict(run.best)
    return network.cpu().eval()


def _set_rate(optimizer: torch.optim.Optimizer, options: Options, epoch: int) -> None:
    """From the full rate to a tenth along a cosine: late epochs settle instead of wandering."""
    share = 0.55 + 0.45 * math.cos(math.pi * epoch / max(options.epochs - 1, 1))
    for group in optimizer.param_groups:
        group["lr"] = options.rate * share


def _learn(
    network: BiLSTMDNN,
    optimizer: torch.optim.Optimizer,
    data: Sequences,
    weights: Tensor,
    options: Options,
    generator: torch.Generator,
) -> float:
    network.train()
    total, count = torch.zeros((), device=weights.device), 0
    for rows in data.order(generator, options.batch):
        if len(rows) < 2:
            continue  # batch normalisation has nothing to normalise by
        x, lengths, y = data.disturb(data.batch(rows.to(weights.device)), options)
        optimizer.zero_grad(set_to_none=True)
        loss = weighted_cross_entropy(network(x, lengths).logits, y, weights)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        total, count = total + loss.detach(), count + 1
    return float(total) / max(count, 1)


@torch.no_grad()
def _measure(
    network: BiLSTMDNN, data: Sequences, weights: Tensor, size: int
) -> tuple[float, float]:
    network.eval()
    losses, right, total = 0.0, 0, 0
    for rows in data.once(size * 4):
        x, lengths, y = data.batch(rows.to(weights.device))
        logits = network(x, lengths).logits
        losses += float(weighted_cross_entropy(logits, y, weights)) * len(y)
        right += int((logits.argmax(dim=1) == y).sum())
        total += len(y)
    return losses / max(total, 1), right / max(total, 1)
