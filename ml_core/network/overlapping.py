"""Windows of flows judged many at a time, without gradients: what they share is computed once.

A window holds the flows before the judged one, so that most flows stand in ten windows. What the
recurrent layers make of a flow by itself, normalised and multiplied with their weights, is the same in
all of them: more than half of the arithmetic. The rest runs in time order on all windows of a
batch, in memory that is used again. The result is `BiLSTMDNN.forward`'s but for rounding.

Shapes in the margin: R flows, F numbers of each, B windows, T steps, H hidden nodes a direction.
σ is what PyTorch computes fast on every processor, so tanh x is 2 σ(2x) - 1, and states are
kept as halves, h / 2: the weights that read them are doubled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ml_core.network.bilstm_dnn import BiLSTMDNN, Output
from ml_core.network.products import product

BATCH = 1024  # windows whose states lie in the caches of one core


@dataclass(frozen=True)
class Direction:
    """One recurrent layer, the last of its four gates (input, forget, new, output) as above."""

    reads: Tensor  # [4H, F]
    bias: Tensor  # [4H]
    recalls: Tensor  # [4H, H], reads half states

    @classmethod
    def of(cls, layer: nn.LSTM) -> Direction:
        H = layer.hidden_size
        twice = torch.ones(4 * H, 1)
        twice[2 * H : 3 * H] = 2.0
        reads, recalls, own, other = (weight.detach() for weight in layer.all_weights[0])
        return cls(
            reads * twice,
            (own + other) * twice.squeeze(1),
            recalls * twice * 2,
        )


class OverlappingWindows:
    """A network in evaluation mode that reads flows. Holds no state between calls."""

    def __init__(self, network: BiLSTMDNN) -> None:
        self.network = network
        self.ahead, self.behind = Direction.of(network.forwards), Direction.of(network.backwards)

    @classmethod
    def able(cls, network: BiLSTMDNN) -> bool:
        """Whether the architecture is one that is computed here: paper 2's, of numbers."""
        arch = network.arch
        return arch.stage == "numbers" and arch.recurrent and arch.bidirectional and arch.attention

    @torch.inference_mode()
    def read(self, steps: Tensor, index: Tensor) -> Output:
        """steps [R, F] as the stage gives them, index [B, T] of each window's, -1 after its last."""
        lengths = (index >= 0).sum(dim=1)  # [B]
        order = lengths.argsort(descending=True, stable=True)
        told = [product(steps, d.reads, d.bias) for d in (self.ahead, self.behind)]  # [R, 4H]
        parts = [
            self._batch(told[0], told[1], index[rows], lengths[rows])
            for rows in torch.split(order, BATCH)
        ]
        back = order.argsort()
        return Output(*(torch.cat(each)[back] for each in zip(*parts, strict=True)))

    def _batch(self, ahead: Tensor, behind: Tensor, index: Tensor, lengths: Tensor) -> Output:
        """One batch of windows, the longest first."""
        B, T = index.shape
        H = self.network.arch.hidden
        longer = [int((lengths > t).sum()) for t in range(T)]  # windows that have a step t
        steps = index.t().contiguous()  # [T, B]
        states = torch.empty(2, T, B, H)  # halves
        gates, spare, cells = torch.empty(B, 4 * H), torch.empty(B, H), torch.zeros(B, H)
        for way, told, layer in ((0, ahead, self.ahead), (1, behind, self.behind)):
            cells.zero_()
            before = None
            for t in range(T) if way == 0 else range(T - 1, -1, -1):
                n = longer[t]
                states[way, t, n:].zero_()
                if not n:
                    continue
                g = torch.index_select(told, 0, steps[t, :n], out=gates[:n])
                if before is not None:
                    g.add_(product(before[:n], layer.recalls))
                before = states[way, t, :n] if way == 0 else states[way, t]
                _cell(g, cells[:n], spare[:n], states[way, t, :n])
        return self._judge(states, lengths)

    def _judge(self, states: Tensor, lengths: Tensor) -> Output:
        """Attention and DNN on states [2, T, B, H]."""
        network = self.network
        _, T, B, H = states.shape
        last = lengths - 1
        rows = torch.arange(B)
        if network.arch.focus == "ends":
            focus = torch.cat([states[0, last, rows], states[1, 0]], dim=1) * 2
        else:
            focus = torch.cat([states[0, last, rows], states[1, last, rows]], dim=1) * 2  # [B, 2H]
        question = product(focus, network.query.weight, network.query.bias)
        asked = product(question, network.key.weight.t()) * (2 / math.sqrt(question.shape[1]))
        asked = asked.view(B, 2, H).transpose(0, 1).contiguous()
        scores, pairs = states.new_empty(T, B), torch.empty_like(asked)
        for t in range(T):  # step by step, for what is passed on then lies in the caches
            torch.mul(states[:, t], asked, out=pairs)
            torch.sum(pairs[0].add_(pairs[1]), dim=1, out=scores[t])
        padding = torch.arange(T).unsqueeze(1) >= lengths  # [T, B]
        weights = scores.masked_fill_(padding, -math.inf).softmax(dim=0)  # [T, B]
        context = torch.zeros_like(asked)  # [2, B, H]
        for t in range(T):
            context.addcmul_(states[:, t], weights[t].unsqueeze(1))
        told = torch.cat([context[0] * 2, context[1] * 2, focus], dim=1)
        for part in network.dnn:
            if isinstance(part, nn.Linear):
                told = product(told, part.weight, part.bias)
            else:
                told = part(told)
        return Output(network.head(told), weights.t(), told)


def _cell(gates: Tensor, cells: Tensor, spare: Tensor, out: Tensor) -> None:
    """One step of an LSTM in place: twice the `cells` [n, H], and half the states `out` [n, H]."""
    i, f, new, o = gates.sigmoid_().chunk(4, dim=1)
    cells.mul_(f).addcmul_(i, new, value=4).sub_(i, alpha=2)  # 2c = f 2c + 2i (2 σ - 1)
    torch.sigmoid(cells, out=spare)
    torch.mul(o, spare, out=out).sub_(o, alpha=0.5)  # h / 2 = o (σ(2c) - 1/2)
