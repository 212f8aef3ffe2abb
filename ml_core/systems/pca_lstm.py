"""PCA-LSTM (a rival in paper 2): principal components of each flow, an LSTM over the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from torch import nn

from ml_core.systems._neural import Neural
from ml_core.systems.base import F32, Ints, Validation, Windows
from ml_core.systems.lstm_attention import Fig2


@dataclass
class PCALSTM(Neural):
    """As many components as hold `variance` of the training flows' variance."""

    variance: float = 0.95

    def build(self, inputs: int, steps: int) -> nn.Module:
        return Fig2(inputs, self.classes, self.hidden, self.dropout, attention=False)

    def fit(self, windows: Windows, y: Ints, validation: Validation | None = None) -> Self:
        from sklearn.decomposition import PCA

        used = np.unique(windows.index[windows.index >= 0])
        self.pca: Any = PCA(self.variance, svd_solver="full").fit(windows.rows[used])
        if validation is not None:
            validation = self._projected(validation[0]), validation[1]
        return super().fit(self._projected(windows), y, validation)

    def predict_proba(self, windows: Windows) -> F32:
        return super().predict_proba(self._projected(windows))

    def _projected(self, windows: Windows) -> Windows:
        return windows.with_rows(self.pca.transform(windows.rows).astype(np.float32))
