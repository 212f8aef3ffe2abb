"""Paper 2 (Fu 2022): the platform's BiLSTM-DNN as a system, with the switches of its ablations."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ml_core.network.architecture import Architecture
from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.systems._neural import Neural


class Logits(nn.Module):
    """A BiLSTM-DNN of which only the verdict is wanted."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.network = BiLSTMDNN(arch)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        logits: Tensor = self.network(x, lengths).logits
        return logits


@dataclass
class BiLSTMDNNSystem(Neural):
    """Figures 7 to 9 and table 3 switch parts of it off.

    The BiLSTM alone: `dense=False, attention=False`; the DNN alone, which then reads the judged
    flow: `recurrent=False, attention=False`; LSTM for BiLSTM: `bidirectional=False`; no batch
    normalisation: `batch_norm=False`; NO-ATT: `attention=False`.
    """

    bidirectional: bool = True
    batch_norm: bool = True
    attention: bool = True
    recurrent: bool = True
    dense: bool = True

    def build(self, inputs: int, steps: int) -> nn.Module:
        return Logits(
            Architecture(
                stage="numbers",
                inputs=inputs,
                classes=self.classes,
                steps=steps,
                hidden=self.hidden,
                dropout=self.dropout,
                bidirectional=self.bidirectional,
                batch_norm=self.batch_norm,
                attention=self.attention,
                recurrent=self.recurrent,
                dense=self.dense,
            )
        )
