"""What a network makes of its inputs, as far as verdicts need it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ml_core.network.overlapping import OverlappingWindows
from ml_core.network.stages import SymbolStage, steps_mask

if TYPE_CHECKING:
    from ml_core.network.bilstm_dnn import BiLSTMDNN
    from ml_core.network.sequences import Sequences
    from ml_core.verdict.inputs import Inputs

F32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Seen(NamedTuple):
    """N inputs as the network reads them (`inputs`), and as its last hidden layer knows them."""

    logits: F32  # [N, C]
    hidden: F32  # [N, D]
    inputs: F32  # [N, 3F]
    oddity: F32  # [N] see `ml_core.network.oddity`; zero where it is not measured

    def take(self, rows: Ints) -> Seen:
        return Seen(*(part[rows] for part in self))


@torch.inference_mode()
def look(network: BiLSTMDNN, x: Tensor, lengths: Tensor) -> Seen:
    """One forward pass of a network in evaluation mode; x and lengths as `BiLSTMDNN.forward`."""
    steps, short = network.stage(network.stage.embed(x), lengths)  # [B, S, F], [B]
    output = network.from_steps(steps, short)
    odd = torch.zeros(len(x))
    if network.arch.oddity:
        assert isinstance(network.stage, SymbolStage)
        odd = network.stage.oddity(x)
    told = output.logits, output.features, summary(steps, short), odd
    return Seen(*(part.numpy() for part in told))


@torch.inference_mode()
def look_at_windows(network: BiLSTMDNN, flows: F32, index: Ints) -> Seen:
    """The same of windows index [N, T] of flows [R, F], -1 after the last of each."""
    seen, place = np.unique(index, return_inverse=True)
    place = place.reshape(index.shape) - int(seen[0] < 0)  # -1 stays
    of, lengths = torch.from_numpy(place), torch.from_numpy((index >= 0).sum(axis=1))
    told = torch.from_numpy(flows[seen[seen >= 0]])
    steps = network.stage.norm(network.stage.embed(told))  # [U, F]
    output = OverlappingWindows(network).read(steps, of)
    sums = nn.functional.embedding_bag(
        of[of >= 0],
        torch.cat([steps, steps.square()], dim=1),
        lengths.cumsum(dim=0) - lengths,
        mode="sum",
    )  # [N, 2F]
    mean, square = (sums / lengths.unsqueeze(1)).chunk(2, dim=1)
    last = steps[of.gather(1, lengths.unsqueeze(1) - 1).squeeze(1)]
    told = torch.cat([last, mean, _deviation(mean, square)], dim=1)
    none = np.zeros(len(index), dtype=np.float32)
    return Seen(output.logits.numpy(), output.features.numpy(), told.numpy(), none)


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


def look_at_inputs(network: BiLSTMDNN, inputs: Inputs, size: int = 2048) -> Seen:
    """All inputs, in their order."""
    order = inputs.order()
    parts = [inputs.look(network, order[at : at + size]) for at in range(0, len(order), size)]
    place = order.argsort()
    return Seen(*(np.concatenate(part)[place] for part in zip(*parts, strict=True)))


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
        return Seen(*(np.empty((0, *n), dtype=np.float32) for n in ((C,), (D,), (3 * F,), ())))
    place = np.concatenate(order).argsort()
    return Seen(*(np.concatenate(part)[place] for part in zip(*parts, strict=True)))


def summary(steps: Tensor, lengths: Tensor) -> Tensor:
    """The last step, and the mean and deviation of all: [B, 3F] of steps [B, S, F]."""
    real = steps_mask(steps, lengths).unsqueeze(2)  # [B, S, 1]
    count = lengths.view(-1, 1).to(steps.dtype)
    mean = (steps * real).sum(dim=1) / count
    square = (steps.square() * real).sum(dim=1) / count
    last = steps[torch.arange(len(steps)), lengths - 1]
    return torch.cat([last, mean, _deviation(mean, square)], dim=1)


def _deviation(mean: Tensor, square: Tensor) -> Tensor:
    return (square - mean.square()).clamp(min=0).sqrt()
