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


@dataclass(frozen=True)
class FlowSet:
    """Flows once, windows as indices into them: ten times less memory than copied windows."""

    rows: Tensor  # [R, F] scaled
    index: Tensor  # [M, T] rows of each window, -1 after the last
    y: Tensor  # [M]
    continuous: int  # the first columns, which may be disturbed; the rest are shares and flags

    @classmethod
    def of(
        cls,
        rows: npt.NDArray[np.float32],
        index: npt.NDArray[np.int64],
        y: npt.NDArray[np.int64],
        continuous: int,
    ) -> FlowSet:
        return cls(
            torch.from_numpy(np.ascontiguousarray(rows)),
            torch.from_numpy(np.ascontiguousarray(index)),
            torch.from_numpy(np.ascontiguousarray(y)),
            continuous,
        )

    def to(self, device: torch.device) -> FlowSet:
        return FlowSet(
            self.rows.to(device), self.index.to(device), self.y.to(device), self.continuous
        )

    def batch(self, rows: Tensor) -> Batch:
        index = self.index[rows]  # [B, T]
        real = index >= 0
        x = self.rows[index.clamp(min=0)] * real.unsqueeze(2)
        return Batch(x, real.sum(dim=1), self.y[rows])

    def order(self, generator: torch.Generator, size: int) -> Iterator[Tensor]:
        yield from torch.split(torch.randperm(len(self.y), generator=generator), size)

    def once(self, size: int) -> Iterator[Tensor]:
        yield from torch.split(torch.arange(len(self.y)), size)

    def disturb(self, batch: Batch, options: Options) -> Batch:
        """Another network, imitated: the same flows on a faster link, with other packet sizes.

        One offset a window and column, shared by its flows (what a site adds to all of them),
        half as much again for each flow; and for some windows a shorter history, or none of the
        context that only a sensor which knows ports and hosts can give.
        """
        x, lengths, y = batch
        if options.forget:
            keep = (torch.rand(len(y), device=x.device) * lengths).long() + 1  # 1..length
            keep = torch.where(torch.rand(len(y), device=x.device) < options.forget, keep, lengths)
            steps = torch.arange(x.shape[1], device=x.device)
            source = (steps + (lengths - keep).unsqueeze(1)).clamp(max=x.shape[1] - 1)
            x = x.gather(1, source.unsqueeze(2).expand_as(x))
            lengths = keep
        c = self.continuous
        if options.blind:
            seen = torch.rand(len(y), 1, 1, device=x.device) >= options.blind
            x = torch.cat([x[..., :c], x[..., c:] * seen], dim=2)
        if options.noise:
            site = torch.randn(len(y), 1, c, device=x.device) * options.noise
            flow = torch.randn(*x.shape[:2], c, device=x.device) * (options.noise / 2)
            x = torch.cat([x[..., :c] + site + flow, x[..., c:]], dim=2)
        return Batch(x, lengths, y)


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
