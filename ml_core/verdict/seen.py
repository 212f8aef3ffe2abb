"""What a network makes of its inputs, as far as verdicts need it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml_core.network.stages import steps_mask

if TYPE_CHECKING:
    from ml_core.network.bilstm_dnn import BiLSTMDNN
    from ml_core.network.sequences import Sequences

F32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Seen(NamedTuple):
    """N inputs as the network reads them (`inputs`), and as its last hidden layer knows them."""

    logits: F32  # [N, C]
    hidden: F32  # [N, D]
    inputs: F32  # [N, 3F]

    def take(self, rows: Ints) -> Seen:
        return Seen(self.logits[rows], self.hidden[rows], self.inputs[rows])


@torch.inference_mode()
def look(network: BiLSTMDNN, x: Tensor, lengths: Tensor) -> Seen:
    """One forward pass of a network in evaluation mode; x and lengths as `BiLSTMDNN.forward`."""
    steps, short = network.stage(network.stage.embed(x), lengths)  # [B, S, F], [B]
    output = network.from_steps(steps, short)
    return Seen(output.logits.numpy(), output.features.numpy(), summary(steps, short).numpy())


def looks(
    network: BiLSTMDNN, data: Sequences, rows: Ints | None = None, size: int = 2048
) -> Iterator[tuple[Ints, Seen]]:
    """A data set, or its `rows` [M], batch by batch: which rows, and what is seen in them."""
    wanted = torch.ones(len(data.y), dtype=torch.bool)
    if rows is not None:
        wanted = torch.zeros_like(wanted).index_fill(0, torch.from_numpy(rows), True)
    for some in data.once(size):
        chosen = some[wanted[some]]
        if len(chosen):
            x, lengths, _ = data.batch(chosen)
            yield chosen.numpy(), look(network, x, lengths)


def look_at_all(
    network: BiLSTMDNN, data: Sequences, rows: Ints | None = None, size: int = 2048
) -> Seen:
    """A data set, or its `rows` [M] in rising order, in that order: a kilobyte each."""
    order, parts = [], []
    for chosen, seen in looks(network, data, rows, size):
        order.append(chosen)
        parts.append(seen)
    if not parts:
        C, D, F = network.arch.classes, network.head.in_features, network.stage.size
        return Seen(*(np.empty((0, n), dtype=np.float32) for n in (C, D, 3 * F)))
    place = np.concatenate(order).argsort()
    return Seen(*(np.concatenate(part)[place] for part in zip(*parts, strict=True)))


def summary(steps: Tensor, lengths: Tensor) -> Tensor:
    """The last step, and the mean and deviation of all: [B, 3F] of steps [B, S, F]."""
    real = steps_mask(steps, lengths).unsqueeze(2)  # [B, S, 1]
    count = lengths.view(-1, 1).to(steps.dtype)
    mean = (steps * real).sum(dim=1) / count
    square = (steps.square() * real).sum(dim=1) / count
    deviation = (square - mean.square()).clamp(min=0).sqrt()
    last = steps[torch.arange(len(steps)), lengths - 1]
    return torch.cat([last, mean, deviation], dim=1)
