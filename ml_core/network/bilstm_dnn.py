"""The BiLSTM-DNN of paper 2 (Fig. 6), behind one input stage per form of input.

Shapes in the margin: B windows, T steps as given, S steps as the recurrent layers see them,
F inputs a step, H hidden nodes a direction, W of both, C classes. Sequences are left-aligned: the
steps `t < lengths[b]` are real, those after are padding and must never change the result.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ml_core.network.architecture import Architecture
from ml_core.network.stages import stage_of, steps_mask
from ml_core.network.surprise import measures


class Output(NamedTuple):
    """One forward pass."""

    logits: Tensor  # [B, C]
    attention: Tensor  # [B, S], sums to one over the real steps
    features: Tensor  # [B, D], the last hidden layer: what the open-set score looks at


class BiLSTMDNN(nn.Module):
    """BiLSTM, scaled dot-product attention, batch-normalised ReLU DNN (paper 2, section on model).

    What the attention asks with, and what the DNN sees beside its answer, is the *focus*: the
    state of the last flow (paper 1 labels a window by its last flow), or for texts both ends,
    which together have read all of it.
    """

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.arch = arch
        self.stage = stage_of(arch)
        H, size = arch.hidden, arch.inputs if arch.stage == "numbers" else arch.hidden
        self.size = size
        if arch.recurrent:
            self.forwards = nn.LSTM(size, H, batch_first=True)
            if arch.bidirectional:
                self.backwards = nn.LSTM(size, H, batch_first=True)
        width = (2 * H if arch.bidirectional else H) if arch.recurrent else size
        self.query = nn.Linear(width, H)
        self.key = nn.Linear(width, H)
        m = (2 * width if arch.attention else width) + 3 * arch.surprise
        if arch.dense:
            # eq. (1); "hidden nodes about (m + n) / 2": halfway between inputs and outputs, twice
            first = (m + arch.classes) // 2
            second = (first + arch.classes) // 2
            self.dnn = nn.Sequential(*_dense(m, first, arch), *_dense(first, second, arch))
        else:
            self.dnn, second = nn.Sequential(), m
        self.head = nn.Linear(second, arch.classes)

    def forward(self, x: Tensor, lengths: Tensor) -> Output:
        """x [B, T, F] float, [B, T] bytes or [B, T, P] token parts; lengths [B] in 1..T."""
        return self.from_embedded(self.stage.embed(x), lengths)

    def from_embedded(self, x: Tensor, lengths: Tensor) -> Output:
        """The part that has gradients: x [B, T, F] flows or [B, T, E] embedded symbols."""
        return self.from_steps(*self.stage(x, lengths))

    def from_steps(self, z: Tensor, lengths: Tensor) -> Output:
        """What comes after the stage: z [B, S, F'] as the recurrent layers read it.

        Behind that, where the architecture has `grams`, the votes of groups of bytes, C numbers.
        Their sum, in the measure of the root of its terms, is added to the logits. And behind
        these, with `surprise`, two numbers whose sums the DNN sees beside the focus.
        """
        z, summed = z[..., : self.size], z[..., self.size :].sum(dim=1)
        votes, measured = summed[:, : self.arch.votes], summed[:, self.arch.votes :]
        states = self.read(z, lengths) if self.arch.recurrent else z  # [B, S, W]
        told = focus = self.focus(states, lengths)  # [B, W]
        weights = self.attend(focus, states, lengths)  # [B, S]
        if self.arch.attention:
            # eq. (5): the sum of Sim(Q, K) V
            context = (states * weights.unsqueeze(2)).sum(dim=1)  # [B, W]
            told = torch.cat([context, focus], dim=1)
        if self.arch.surprise:
            told = torch.cat([told, measures(measured)], dim=1)
        features = self.dnn(told)  # [B, D]
        logits: Tensor = self.head(features)  # [B, C]
        if self.arch.grams:
            logits = logits + votes / lengths.unsqueeze(1).sqrt()
        return Output(logits, weights, features)

    def read(self, z: Tensor, lengths: Tensor) -> Tensor:
        """Both directions (paper 2 eq. 4): the backward one starts at the last *real* step."""
        ahead: Tensor = self.forwards(z)[0]  # [B, S, H]
        if not self.arch.bidirectional:
            return ahead
        if z.device.type == "cpu" and int(lengths.min()) == z.shape[1]:  # no padding: no gathering
            return torch.cat([ahead, self.backwards(z.flip(1))[0].flip(1)], dim=2)
        steps = torch.arange(z.shape[1], device=z.device)
        mirror = (lengths.unsqueeze(1) - 1 - steps).clamp(min=0)  # [B, S]
        behind, _ = self.backwards(_pick(z, mirror))
        return torch.cat([ahead, _pick(behind, mirror)], dim=2)  # [B, S, W]

    def focus(self, states: Tensor, lengths: Tensor) -> Tensor:
        last = _pick(states, (lengths - 1).unsqueeze(1)).squeeze(1)  # [B, W]
        if self.arch.focus == "ends" and self.arch.bidirectional and self.arch.recurrent:
            h = self.arch.hidden
            return torch.cat([last[:, :h], states[:, 0, h:]], dim=1)
        return last

    def attend(self, focus: Tensor, states: Tensor, lengths: Tensor) -> Tensor:
        """Paper 2 eq. (6): softmax(Q Kᵀ / √d_k), over the real steps only.

        Q (h W + b)ᵀ = (Q Wᵀ) hᵀ + Q bᵀ, and the last is the same for every step of a window, so
        that softmax does not see it: one product a window instead of one a step.
        """
        Q = self.query(focus)  # [B, d]
        asked = (Q @ self.key.weight).unsqueeze(1)  # [B, 1, W]
        scores: Tensor = (states * asked).sum(dim=2) / math.sqrt(Q.shape[1])  # [B, S]
        return scores.masked_fill(~steps_mask(states, lengths), -math.inf).softmax(dim=1)


def _dense(inputs: int, outputs: int, arch: Architecture) -> list[nn.Module]:
    norm: list[nn.Module] = [nn.BatchNorm1d(inputs)] if arch.batch_norm else []
    return [*norm, nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(arch.dropout)]


def _pick(x: Tensor, steps: Tensor) -> Tensor:
    """x [B, S, D] at steps [B, K] -> [B, K, D]."""
    return x.gather(1, steps.unsqueeze(2).expand(-1, -1, x.shape[2]))
