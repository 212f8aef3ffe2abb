"""Input stages: what comes before the recurrent layers, one for each form of input.

Shapes in the margin: B windows, T steps as given, S steps as the recurrent layers see them,
F numbers a step, P parts a token, E embedding, H hidden nodes, C classes. A stage turns its input into
something with gradients (`embed`), and that into steps (`forward`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ml_core.network.architecture import Architecture
from ml_core.network.groups import GRAM, groups
from ml_core.network.oddity import Oddity
from ml_core.network.second import SecondOpinion
from ml_core.network.surprise import Surprise


class NumberStage(nn.Module):
    """Flows come as scaled numbers; batch normalisation evens out what is left."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.size, self.pool = arch.inputs, 1
        self.norm = nn.BatchNorm1d(arch.inputs) if arch.batch_norm else nn.Identity()

    def embed(self, x: Tensor) -> Tensor:
        return x  # [B, T, F]

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        real = steps_mask(x, lengths)  # [B, T]
        if not self.training:  # nothing is measured: all at once, then padding to nothing
            return self.norm(x.flatten(0, 1)).view_as(x) * real.unsqueeze(2), lengths
        return _normed(self.norm, x, real), lengths


class Grams(nn.Module):
    """What each group of one to GRAM bytes says of the classes by itself, wherever it stands.

    The wide part of Cheng et al., "Wide & deep learning for recommender systems", DLRS 2016: a
    linear model of hashed groups beside the deep network, learned with it. Nothing to begin with.
    """

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.votes = nn.Embedding(arch.grams, arch.classes, padding_idx=0)
        nn.init.zeros_(self.votes.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Bytes x [B, T] to votes [B, T, C], each group's at its first byte."""
        found = groups(x, self.votes.num_embeddings).view(-1, GRAM)  # [B T, GRAM]
        votes = nn.functional.embedding_bag(found, self.votes.weight, mode="sum", padding_idx=0)
        return votes.view(*x.shape, -1)


class SymbolStage(nn.Module):
    """Bytes or tokens to short overlapping groups: embedding, convolution, max over `pool` steps.

    A token of several parts (a hashed word and pieces of it) is the mean of its parts; 0 is no
    part, and a step of zeros alone is padding. Behind what the recurrent layers read, an embedded
    step and a step given on hold what is only summed over the text: with `grams` or `second` the
    votes of the groups that begin there, C numbers, with `surprise` the last two of its numbers.
    """

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.arch, self.pool = arch, arch.pool
        self.size = arch.hidden + arch.votes + 2 * arch.surprise
        self.embedding = nn.Embedding(arch.inputs, arch.embedding, padding_idx=0)
        if arch.stage == "tokens":
            # most hashed words are seen seldom: what was hardly learned must say hardly anything
            self.embedding.weight.data.mul_(0.1)
        self.groups = nn.Conv1d(
            arch.width, arch.hidden, kernel_size=arch.kernel, padding=arch.kernel // 2
        )
        self.norm = nn.BatchNorm1d(arch.hidden) if arch.batch_norm else nn.Identity()
        if arch.grams:
            self.grams = Grams(arch)
        if arch.second:
            self.second = SecondOpinion(arch.second, arch.pool, arch.second_of)
        if arch.surprise:
            self.surprise = Surprise()
        if arch.oddity:
            self.oddity = Oddity()

    def embed(self, x: Tensor) -> Tensor:
        embedded: Tensor = self.embedding(x)  # [B, T] -> [B, T, E]
        if x.dim() == 3:  # [B, T, P]
            embedded = embedded.sum(dim=2) / (x > 0).sum(dim=2, keepdim=True).clamp(min=1)
        measured = self.surprise(x) if self.arch.surprise else embedded[..., :0]  # [B, T, 3]
        none = embedded.new_zeros(*x.shape[:2], self.arch.votes)
        votes = self.grams(x) if self.arch.grams else none  # [B, T, C]
        if self.arch.second:  # against the harmless class
            against = self.second(x).unsqueeze(2)
            votes = votes - nn.functional.pad(against, (0, self.arch.classes - 1))
        return torch.cat([embedded, measured[..., :1], votes, measured[..., 1:]], dim=2)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        real = steps_mask(x, lengths)  # [B, T]
        x, summed = x[..., : self.arch.width], x[..., self.arch.width :]
        z = torch.relu(self.groups(x.transpose(1, 2))[:, :, : x.shape[1]])  # [B, H, T]
        z = z * real.unsqueeze(1)  # after ReLU zero is the least: padding never wins the maximum
        z = nn.functional.max_pool1d(z, self.pool, ceil_mode=True).transpose(1, 2)  # [B, S, H]
        short = (lengths + self.pool - 1) // self.pool  # [B]
        real = steps_mask(z, short)
        out = _normed(self.norm, z, real)
        if summed.shape[2]:
            rest = -summed.shape[1] % self.pool
            summed = nn.functional.pad(summed, (0, 0, 0, rest)).reshape(
                len(x), -1, self.pool, summed.shape[2]
            )
            out = torch.cat([out, summed.sum(dim=2) / self.pool**0.5], dim=2)
        return out, short


def stage_of(arch: Architecture) -> NumberStage | SymbolStage:
    """The input stage that an architecture asks for."""
    return NumberStage(arch) if arch.stage == "numbers" else SymbolStage(arch)


def _normed(norm: nn.Module, x: Tensor, real: Tensor) -> Tensor:
    """x [B, T, F] normalised by the real steps alone; padding becomes nothing."""
    flat, rows = x.flatten(0, 1), real.flatten().nonzero().squeeze(1)
    z: Tensor = norm(flat.index_select(0, rows))
    return torch.zeros_like(flat, dtype=z.dtype).index_copy(0, rows, z).view_as(x)


def steps_mask(x: Tensor, lengths: Tensor) -> Tensor:
    """Which steps are real: [B, T] booleans for x [B, T, ...] and lengths [B]."""
    return torch.arange(x.shape[1], device=x.device) < lengths.unsqueeze(1)
