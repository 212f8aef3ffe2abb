"""Several processes that learn one network: what `torchrun` starts, or one process alone.

Every process draws the same order of rows and takes its share of every batch; gradients are
averaged before each step, so that all of them hold the same weights after it.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class World:
    """The processes that learn together, and which of them this one is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """This process's part of the rows [B] of a batch; the parts differ by one row at most."""
        return rows[self.rank :: self.size]

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace every gradient by its mean over the processes, in one message."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        self._average(gradients)

    def average_statistics(self, network: nn.Module) -> None:
        """The same for running means and variances, of which each process saw its own part."""
        if self.size > 1:
            self._average([b for b in network.buffers() if b.is_floating_point()])

    def total(self, values: Tensor) -> Tensor:
        """The sum over the processes."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def _average(self, tensors: Sequence[Tensor]) -> None:
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.size
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))


def leads() -> bool:
    """Whether this process is the first, or the only one, of those that `torchrun` started."""
    return os.environ.get("RANK", "0") == "0"


def device_of(name: str) -> torch.device:
    """The device of that name; without one this process's graphics card, or else the CPU."""
    if name:
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def world(device: torch.device) -> World:
    """The processes that `torchrun` started; this one alone without it.

    NCCL joins graphics cards, Gloo CPUs. They stay joined until the process ends: what learns
    several networks, one after the other, joins once.
    """
    if not distributed.is_available():
        return World()
    if not distributed.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return World()
        if device.type == "cuda":
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(distributed.destroy_process_group)
    return World(distributed.get_rank(), distributed.get_world_size())
