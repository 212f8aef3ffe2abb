"""Paper 1 (Lin, Ye, Xu 2019): LSTM with attention over ten flows, and what it is compared with.

Shapes in the margin: B windows, T flows, F inputs, H hidden nodes, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ml_core.network.stages import steps_mask
from ml_core.systems._neural import Neural, last_step


class Attention(nn.Module):
    """Paper 1, attention layer: which of the flows bear on the last one's class."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.W_w = nn.Linear(hidden, hidden)  # with b_w
        self.u_w = nn.Linear(hidden, 1, bias=False)

    def forward(self, h: Tensor, lengths: Tensor) -> Tensor:
        """h [B, T, H] to v [B, H]."""
        u = torch.tanh(self.W_w(h))  # u(t) = tanh(W_w h(t) + b_w), [B, T, H]
        scores = self.u_w(u).squeeze(2)  # u(t)ᵀ u_w, [B, T]
        alpha = scores.masked_fill(~steps_mask(h, lengths), -torch.inf).softmax(dim=1)
        v: Tensor = (alpha.unsqueeze(2) * h).sum(dim=1)  # v = Σ α(t) h(t)
        return v


class Fig2(nn.Module):
    """Two LSTM layers, attention, three fully connected layers (paper 1 Fig. 2).

    Without attention the DNN reads the state at the last flow.
    """

    def __init__(
        self, inputs: int, classes: int, hidden: int, dropout: float, attention: bool
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, num_layers=2, batch_first=True, dropout=dropout)
        self.attention = Attention(hidden) if attention else None
        self.dense = dense_layers(hidden, classes, hidden, dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        h, _ = self.lstm(x)  # [B, T, H]
        v = last_step(h, lengths) if self.attention is None else self.attention(h, lengths)
        logits: Tensor = self.dense(v)  # [B, C]; the softmax is the loss's
        return logits


class LastFlowDense(nn.Module):
    """Three fully connected layers over the judged flow alone."""

    def __init__(self, inputs: int, classes: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dense = dense_layers(inputs, classes, hidden, dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        logits: Tensor = self.dense(last_step(x, lengths))
        return logits


def dense_layers(inputs: int, classes: int, hidden: int, dropout: float) -> nn.Sequential:
    """Three layers with ReLU between them (paper 1's choice)."""
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, max(hidden // 2, classes)),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(max(hidden // 2, classes), classes),
    )


@dataclass
class LSTMAttention(Neural):
    """The model paper 1 proposes. The paper: 256 hidden nodes, batch 128, learning rate 5e-5."""

    hidden: int = 256

    def build(self, inputs: int, steps: int) -> nn.Module:
        return Fig2(inputs, self.classes, self.hidden, self.dropout, attention=True)


@dataclass
class PlainLSTM(LSTMAttention):
    """The same without attention (table 7)."""

    def build(self, inputs: int, steps: int) -> nn.Module:
        return Fig2(inputs, self.classes, self.hidden, self.dropout, attention=False)


@dataclass
class MLP(LSTMAttention):
    """The three dense layers alone, on the judged flow (table 7)."""

    def build(self, inputs: int, steps: int) -> nn.Module:
        return LastFlowDense(inputs, self.classes, self.hidden, self.dropout)
