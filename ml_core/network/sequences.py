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

    `order` gives the rows of an epoch's batches, `once` every row once, to measure with.
    """

    @property
    def y(self) -> Tensor: ...
    def to(self, device: torch.device) -> Sequences: ...
    def batch(self, rows: Tensor) -> Batch: ...
    def order(self, generator: torch.Generator, size: int) -> Iterator[Tensor]: ...
    def once(self, size: int) -> Iterator[Tensor]: ...
    def disturb(self, batch: Batch, options: Options) -> Batch: ...


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

    def disturb(self, batch: Batch, options: Options) -> Batch:
        """A shorter history for the share `options.forget` of the windows."""
        if not options.forget:
            return batch
        x, lengths, y = batch
        keep = (torch.rand(len(y), device=x.device) * lengths).long() + 1  # 1..length
        keep = torch.where(torch.rand(len(y), device=x.device) < options.forget, keep, lengths)
        steps = torch.arange(x.shape[1], device=x.device)
        source = (steps + (lengths - keep).unsqueeze(1)).clamp(max=x.shape[1] - 1)
        return Batch(x.gather(1, source.unsqueeze(2).expand_as(x)), keep, y)


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

    def disturb(self, batch: Batch, options: Options) -> Batch:
        """Some steps are not there: no verdict may hang on one byte or word alone."""
        if not options.hide:
            return batch
        x, lengths, y = batch
        seen = torch.rand(x.shape[:2], device=x.device) >= options.hide
        return Batch(x * seen.view(*seen.shape, *[1] * (x.dim() - 2)), lengths, y)
