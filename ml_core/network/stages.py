"""Input stages: what comes before the recurrent layers, one for each form of input.

Shapes in the margin: B windows, T steps as given, S steps as the recurrent layers see them,
F numbers a step, P parts a token, E embedding, H hidden nodes. A stage turns its input into
something with gradients (`embed`), and that into steps (`forward`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ml_core.network.architecture import Architecture


class NumberStage(nn.Module):
    """Flows come as scaled numbers; batch normalisation evens out what is left."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.size = arch.inputs
        self.norm = nn.BatchNorm1d(arch.inputs) if arch.batch_norm else nn.Identity()

    def embed(self, x: Tensor) -> Tensor:
        return x  # [B, T, F]

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        real = steps_mask(x, lengths)  # [B, T]
        if not self.training:  # nothing is measured: all at once, then padding to nothing
            return self.norm(x.flatten(0, 1)).view_as(x) * real.unsqueeze(2), lengths
        z = torch.zeros_like(x)
        z[real] = self.norm(x[real])  # padding takes no part in the statistics
        return z, lengths


class SymbolStage(nn.Module):
    """Bytes or tokens to short overlapping groups: embedding, convolution, max over `pool` steps.

    A token of several parts (a hashed word and pieces of it) is the mean of its parts; 0 is no
    part, and a step of zeros alone is padding.
    """

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.size, self.pool = arch.hidden, arch.pool
        self.embedding = nn.Embedding(arch.inputs, arch.embedding, padding_idx=0)
        if arch.stage == "tokens":
            # most hashed words are seen seldom: what was hardly learned must say hardly anything
            self.embedding.weight.data.mul_(0.1)
        self.groups = nn.Conv1d(
            arch.embedding, arch.hidden, kernel_size=arch.kernel, padding=arch.kernel // 2
        )
        self.norm = nn.BatchNorm1d(arch.hidden) if arch.batch_norm else nn.Identity()

    def embed(self, x: Tensor) -> Tensor:
        embedded: Tensor = self.embedding(x)  # [B, T] -> [B, T, E]
        if x.dim() == 2:
            return embedded
        parts = (x > 0).sum(dim=2, keepdim=True).clamp(min=1)  # [B, T, P] -> [B, T, 1]
        return embedded.sum(dim=2) / parts

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        real = steps_mask(x, lengths)  # [B, T]
        z = torch.relu(self.groups(x.transpose(1, 2))[:, :, : x.shape[1]])  # [B, H, T]
        z = z * real.unsqueeze(1)  # after ReLU zero is the least: padding never wins the maximum
        z = nn.functional.max_pool1d(z, self.pool, ceil_mode=True).transpose(1, 2)  # [B, S, H]
        short = (lengths + self.pool - 1) // self.pool  # [B]
        real = steps_mask(z, short)
        out = torch.zeros_like(z)
        out[real] = self.norm(z[real])
        return out, short


def stage_of(arch: Architecture) -> NumberStage | SymbolStage:
    """The input stage that an architecture asks for."""
    return NumberStage(arch) if arch.stage == "numbers" else SymbolStage(arch)


def steps_mask(x: Tensor, lengths: Tensor) -> Tensor:
    """Which steps are real: [B, T] booleans for x [B, T, ...] and lengths [B]."""
    return torch.arange(x.shape[1], device=x.device) < lengths.unsqueeze(1)
