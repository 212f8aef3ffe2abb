"""Data sets that live on the device and are batched there: no Python per row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml_core.network.options import Options

BUCKETS = 32  # batches sorted by length together, so that a batch pads little


class Batch(NamedTuple):
    x: Tensor  # [B, T, F] float or [B, T] byte values
    lengths: Tensor  # [B]
    y: Tensor  # [B]


class Sequences(Protocol):
    """A data set that lives on the device and is batched there.

    `order` gives the rows of an epoch's batches, `once` every row once, to measure with, `learned`
    what a step learns from, disturbed, as `BiLSTMDNN.learn` reads it.
    """

    @property
    def y(self) -> Tensor: ...
    def to(self, device: torch.device) -> Sequences: ...
    def batch(self, rows: Tensor) -> Batch: ...
    def order(self, generator: torch.Generator, size: int) -> Iterator[Tensor]: ...
    def once(self, size: int) -> Iterator[Tensor]: ...
    def learned(self, rows: Tensor, options: Options) -> Batch: ...


def gathered(rows: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """x [B, T, F], zero after the last flow, and lengths [B], of the windows index [B, T] of rows
    [R, F]; -1 stands after the last flow of a window."""
    real = index >= 0
    return rows[index.clamp(min=0)] * real.unsqueeze(2), real.sum(dim=1)


@dataclass(frozen=True)
class FlowSet:
    """Flows once, windows as indices into them: ten times less memory than copied windows."""

    rows: Tensor  # [R, F] scaled
    index: Tensor  # [M, T] rows of each window, -1 after the last
    y: Tensor  # [M]

    @classmethod
    def of(
        cls,
        rows: npt.NDArray[np.float32],
        index: npt.NDArray[np.int64],
        y: npt.NDArray[np.int64],
    ) -> FlowSet:
        return cls(*(torch.from_numpy(np.ascontiguousarray(array)) for array in (rows, index, y)))

    def to(self, device: torch.device) -> FlowSet:
        return FlowSet(self.rows.to(device), self.index.to(device), self.y.to(device))

    def batch(self, rows: Tensor) -> Batch:
        return Batch(*gathered(self.rows, self.index[rows]), self.y[rows])

    def order(self, generator: torch.Generator, size: int) -> Iterator[Tensor]:
        yield from torch.split(torch.randperm(len(self.y), generator=generator), size)

    def once(self, size: int) -> Iterator[Tensor]:
        yield from torch.split(torch.arange(len(self.y)), size)

    def learned(self, rows: Tensor, options: Options) -> Batch:
        """The flows [R, F] of all windows one after the other, the shortest window first."""
        index = self.index[rows]
        whole = (index >= 0).sum(dim=1)
        lengths, order = self.shortened(whole, options).sort(stable=True)
        steps = torch.arange(index.shape[1], device=index.device)
        seen = (steps < whole[order].unsqueeze(1)) & (
            steps >= (whole[order] - lengths).unsqueeze(1)
        )
        x = self.disturbed(self.rows[index[order][seen]], lengths)
        return Batch(x, lengths, self.y[rows[order]])

    def shortened(self, lengths: Tensor, options: Options) -> Tensor:
        """How many of its last flows each window [B] keeps: fewer for the share `options.forget`."""
        if not options.forget:
            return lengths
        keep = (torch.rand(len(lengths), device=lengths.device) * lengths).long() + 1  # 1..length
        forgets = torch.rand(len(lengths), device=lengths.device) < options.forget
        return torch.where(forgets, keep, lengths)

    def disturbed(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Other numbers for flows [R, F] of windows of `lengths` [B] while learning: none here."""
        return x


@dataclass(frozen=True)
class TextSet:
    """Texts as bytes or token parts; a batch is as long as its longest."""

    steps: Tensor  # [M, T] or [M, T, P], 0 after the end
    lengths: Tensor  # [M]
    y: Tensor  # [M]

    @classmethod
    def of(
        cls,
        steps: npt.NDArray[Any],
        lengths: npt.NDArray[np.int64],
        y: npt.NDArray[np.int64],
    ) -> TextSet:
        return cls(torch.from_numpy(steps), torch.from_numpy(lengths), torch.from_numpy(y))

    def to(self, device: torch.device) -> TextSet:
        return TextSet(self.steps.to(device), self.lengths.to(device), self.y.to(device))

    def batch(self, rows: Tensor) -> Batch:
        lengths = self.lengths[rows]
        return Batch(self.steps[rows, : int(lengths.max())].long(), lengths, self.y[rows])

    def order(self, generator: torch.Generator, size: int) -> Iterator[Tensor]:
        lengths = self.lengths.cpu()
        batches: list[Tensor] = []
        for part in torch.split(torch.randperm(len(self.y), generator=generator), size * BUCKETS):
            batches += torch.split(part[lengths[part].argsort(stable=True)], size)
        for i in torch.randperm(len(batches), generator=generator).tolist():
            yield batches[i]

    def once(self, size: int) -> Iterator[Tensor]:
        yield from torch.split(self.lengths.cpu().argsort(stable=True), size)

    def learned(self, rows: Tensor, options: Options) -> Batch:
        """Some steps are not there: no verdict may hang on one byte or word alone."""
        x, lengths, y = batch = self.batch(rows)
        if not options.hide:
            return batch
        seen = torch.rand(x.shape[:2], device=x.device) >= options.hide
        return Batch(x * seen.view(*seen.shape, *[1] * (x.dim() - 2)), lengths, y)
