"""The BiLSTM-DNN of paper 2 (Fig. 6), behind one input stage per form of input.

Shapes in the margin: B windows, T steps as given, S steps as the recurrent layers see them,
F inputs a step, H hidden nodes a direction, W of both, C classes. Sequences are left-aligned: the
steps `t < lengths[b]` are real, those after are padding and must never change the result.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

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

        Behind that, where the architecture has `votes`, those of groups of bytes or tokens, C numbers.
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
        if self.arch.votes:
            logits = logits + votes / lengths.unsqueeze(1).sqrt()
        return Output(logits, weights, features)

    def read(self, z: Tensor, lengths: Tensor) -> Tensor:
        """Both directions (paper 2 eq. 4): the backward one starts at the last *real* step."""
        ahead: Tensor = self.forwards(z)[0]  # [B, S, H]
        if not self.arch.bidirectional:
            return ahead
        order = _mirror(lengths, z.shape[1])
        behind: Tensor = self.backwards(_mirrored(z, order))[0]
        return torch.cat([ahead, _mirrored(behind, order)], dim=2)  # [B, S, W]

    def focus(self, states: Tensor, lengths: Tensor) -> Tensor:
        before = states.shape[1] * torch.arange(len(lengths), device=lengths.device)
        last = _rows(states, before + lengths - 1)  # [B, W]
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


class _Mirrored(torch.autograd.Function):
    """Rows in an order that undoes itself, so that the gradients' rows come back by the same one.
    Whole rows are copied: what `gather` does for single numbers takes ten times as long."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor) -> Tensor:
        ctx.order = order
        return _rows(x, order).view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _mirrored(gradient, ctx.order), None


def _mirrored(x: Tensor, order: Tensor) -> Tensor:
    """x [B, S, D] with the steps where `order` [B S] says."""
    mirrored: Tensor = _Mirrored.apply(x, order)  # type: ignore[no-untyped-call]
    return mirrored


def _mirror(lengths: Tensor, steps: int) -> Tensor:
    """For `_mirrored`: real steps last first, padding where it is."""
    at = torch.arange(steps, device=lengths.device)
    last = lengths.unsqueeze(1) - 1  # [B, 1]
    within = torch.where(at > last, at, last - at)  # [B, S]
    return (within + steps * torch.arange(len(lengths), device=at.device).unsqueeze(1)).flatten()


def _rows(x: Tensor, order: Tensor) -> Tensor:
    """x [B, S, D] at `order` [K], counted in all windows' steps -> [K, D]."""
    return x.flatten(0, 1).index_select(0, order)
