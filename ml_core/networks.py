"""The BiLSTM-DNN of paper 2 (Fig. 6), one input stage per kind of sequence.

Shapes in the margin: B windows, T steps as given, S steps as the recurrent layers see them,
F inputs a step, H hidden nodes a direction, C classes. Sequences are left-aligned: the steps
`t < lengths[b]` are real, those after are padding and must never change the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ml_core.classes import FLOWS, KINDS, REQUESTS
from ml_core.errors import DataError

EMBEDDING = 16  # what one byte of a request is turned into
POOL = 4  # bytes of a request that become one recurrent step


@dataclass(frozen=True)
class Architecture:
    """Everything that fixes the shape of the network; stored beside the weights."""

    kind: str  # "flows" or "requests"
    inputs: int  # F: numbers a flow; for requests the number of byte values
    classes: int  # C
    steps: int  # T: flows in a window (paper 1: 10), bytes of a request
    hidden: int = 64  # H
    dropout: float = 0.2
    bidirectional: bool = True
    batch_norm: bool = True
    attention: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DataError(f"unknown kind {self.kind!r}; known: {', '.join(KINDS)}")
        if min(self.inputs, self.steps, self.hidden) < 1 or self.classes < 2:
            raise DataError("an architecture needs inputs, steps, hidden nodes and two classes")


class Output(NamedTuple):
    """One forward pass."""

    logits: Tensor  # [B, C]
    attention: Tensor  # [B, S], sums to one over the real steps
    features: Tensor  # [B, D], the last hidden layer: what the open-set score looks at


class FlowStage(nn.Module):
    """Flows come as scaled numbers; batch normalisation evens out what is left."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.size = arch.inputs
        self.norm = nn.BatchNorm1d(arch.inputs) if arch.batch_norm else nn.Identity()

    def embed(self, x: Tensor) -> Tensor:
        return x  # [B, T, F]

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        real = steps_mask(x, lengths)  # [B, T]
        z = torch.zeros_like(x)
        z[real] = self.norm(x[real])  # padding takes no part in the statistics
        return z, lengths


class RequestStage(nn.Module):
    """Bytes to short overlapping character groups: embedding, convolution, max over POOL bytes."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.size = arch.hidden
        self.embedding = nn.Embedding(arch.inputs, EMBEDDING, padding_idx=0)
        self.groups = nn.Conv1d(EMBEDDING, arch.hidden, kernel_size=5, padding=2)
        self.norm = nn.BatchNorm1d(arch.hidden) if arch.batch_norm else nn.Identity()

    def embed(self, x: Tensor) -> Tensor:
        embedded: Tensor = self.embedding(x)  # [B, T] -> [B, T, E]
        return embedded

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        real = steps_mask(x, lengths)  # [B, T]
        z = torch.relu(self.groups(x.transpose(1, 2)))  # [B, H, T]
        z = z * real.unsqueeze(1)  # after ReLU zero is the least: padding never wins the maximum
        z = nn.functional.max_pool1d(z, POOL, ceil_mode=True).transpose(1, 2)  # [B, S, H]
        short = (lengths + POOL - 1) // POOL  # [B]
        real = steps_mask(z, short)
        out = torch.zeros_like(z)
        out[real] = self.norm(z[real])
        return out, short


class BiLSTMDNN(nn.Module):
    """BiLSTM, scaled dot-product attention, batch-normalised ReLU DNN (paper 2, section on model).

    What the attention asks with, and what the DNN sees beside its answer, is the *focus*: the
    state of the last flow (paper 1 labels a window by its last flow), or for requests both ends
    of the text, which together have read all of it.
    """

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.arch = arch
        self.stage = FlowStage(arch) if arch.kind == FLOWS else RequestStage(arch)
        H = arch.hidden
        self.forwards = nn.LSTM(self.stage.size, H, batch_first=True)
        self.backwards = (
            nn.LSTM(self.stage.size, H, batch_first=True) if arch.bidirectional else None
        )
        width = 2 * H if arch.bidirectional else H
        self.query = nn.Linear(width, H)
        self.key = nn.Linear(width, H)
        # eq. (1); "hidden nodes about (m + n) / 2": halfway between inputs and outputs, twice
        m = 2 * width if arch.attention else width
        first = (m + arch.classes) // 2
        second = (first + arch.classes) // 2
        self.dnn = nn.Sequential(
            *_dense(m, first, arch),
            *_dense(first, second, arch),
        )
        self.head = nn.Linear(second, arch.classes)

    def forward(self, x: Tensor, lengths: Tensor) -> Output:
        """x [B, T, F] float or [B, T] bytes, lengths [B] in 1..T."""
        return self.from_embedded(self.stage.embed(x), lengths)

    def from_embedded(self, x: Tensor, lengths: Tensor) -> Output:
        """The part that has gradients: x [B, T, F] flows or [B, T, E] embedded bytes."""
        z, lengths = self.stage(x, lengths)  # [B, S, F'], [B]
        H = self.read(z, lengths)  # [B, S, 2H]
        focus = self.focus(H, lengths)  # [B, 2H]
        weights = self.attend(focus, H, lengths)  # [B, S]
        if self.arch.attention:
            context = torch.bmm(weights.unsqueeze(1), H).squeeze(1)  # eq. (5): sum of Sim(Q, K) V
            features = self.dnn(torch.cat([context, focus], dim=1))  # [B, D]
        else:
            features = self.dnn(focus)
        return Output(self.head(features), weights, features)

    def read(self, z: Tensor, lengths: Tensor) -> Tensor:
        """Both directions (paper 2 eq. 4): the backward one starts at the last *real* step."""
        ahead, _ = self.forwards(z)  # [B, S, H]
        if self.backwards is None:
            return ahead  # type: ignore[no-any-return]
        steps = torch.arange(z.shape[1], device=z.device)
        mirror = (lengths.unsqueeze(1) - 1 - steps).clamp(min=0)  # [B, S]
        behind, _ = self.backwards(_pick(z, mirror))
        return torch.cat([ahead, _pick(behind, mirror)], dim=2)  # [B, S, 2H]

    def focus(self, H: Tensor, lengths: Tensor) -> Tensor:
        last = _pick(H, (lengths - 1).unsqueeze(1)).squeeze(1)  # [B, 2H]
        if self.arch.kind == REQUESTS and self.arch.bidirectional:
            h = self.arch.hidden
            return torch.cat([last[:, :h], H[:, 0, h:]], dim=1)
        return last

    def attend(self, focus: Tensor, H: Tensor, lengths: Tensor) -> Tensor:
        """Paper 2 eq. (6): softmax(Q Kᵀ / √d_k), over the real steps only."""
        Q = self.query(focus).unsqueeze(2)  # [B, d, 1]
        K = self.key(H)  # [B, S, d]
        scores = torch.bmm(K, Q).squeeze(2) / math.sqrt(K.shape[2])  # [B, S]
        return scores.masked_fill(~steps_mask(H, lengths), -math.inf).softmax(dim=1)


def steps_mask(x: Tensor, lengths: Tensor) -> Tensor:
    """Which steps are real: [B, T] booleans for x [B, T, ...] and lengths [B]."""
    return torch.arange(x.shape[1], device=x.device) < lengths.unsqueeze(1)


def _dense(inputs: int, outputs: int, arch: Architecture) -> list[nn.Module]:
    norm: list[nn.Module] = [nn.BatchNorm1d(inputs)] if arch.batch_norm else []
    return [*norm, nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(arch.dropout)]


def _pick(x: Tensor, steps: Tensor) -> Tensor:
    """x [B, S, D] at steps [B, K] -> [B, K, D]."""
    return x.gather(1, steps.unsqueeze(2).expand(-1, -1, x.shape[2]))
