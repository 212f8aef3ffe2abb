"""NDAE (a rival in paper 2): stacked non-symmetric deep auto-encoders and a random forest.

After Shone, Ngoc, Phai, Shi: "A Deep Learning Approach to Network Intrusion Detection" (IEEE
Transactions on Emerging Topics in Computational Intelligence, 2018), there S-NDAE. An NDAE has
several hidden layers that encode and one output layer that decodes; once it has learned, the
output layer is thrown away and the next NDAE learns to encode the code. The forest reads the
last code.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from ml_core.systems.base import F32, Ints, Judge, Validation, Windows, check, spread

LAYERS = (14, 28, 28)  # the paper's hidden layers of each NDAE, for KDD's 41 features


class NonSymmetric(nn.Module):
    """h_i = σ(W_i h_{i-1} + b_i) for i = 1..n, and x̂ = σ(W_{n+1} h_n + b_{n+1})."""

    def __init__(self, inputs: int, layers: tuple[int, ...]) -> None:
        super().__init__()
        pairs = pairwise((inputs, *layers))
        self.encoder = nn.Sequential(
            *(part for m, n in pairs for part in (nn.Linear(m, n), nn.Sigmoid()))
        )
        for layer in self.encoder:
            if isinstance(layer, nn.Linear):  # three sigmoids in a row choke smaller weights
                nn.init.xavier_normal_(layer.weight, gain=4.0)
        self.output = nn.Sequential(nn.Linear(layers[-1], inputs), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """x [B, F] in 0..1 to x̂ [B, F]."""
        decoded: Tensor = self.output(self.encoder(x))
        return decoded


class NDAE(Judge):
    """`stacked` NDAEs over the judged flow, then a forest of `trees` over their code."""

    def __init__(
        self,
        classes: int,
        seed: int = 1,
        stacked: int = 2,
        layers: tuple[int, ...] = LAYERS,
        epochs: int = 30,
        batch: int = 256,
        rate: float = 3e-3,
        trees: int = 100,
    ) -> None:
        from sklearn.ensemble import RandomForestClassifier

        self.classes, self.seed, self.stacked, self.layers = classes, seed, stacked, layers
        self.epochs, self.batch, self.rate = epochs, batch, rate
        self.forest: Any = RandomForestClassifier(trees, random_state=seed)
        self.encoders: list[nn.Module] = []

    def fit(self, windows: Windows, y: Ints, validation: Validation | None = None) -> Self:
        check(windows, y, self.classes)
        X = windows.last()
        self.low, self.width = X.min(axis=0), np.maximum(np.ptp(X, axis=0), 1e-6)
        generator = torch.Generator().manual_seed(self.seed)
        torch.manual_seed(self.seed)
        h, self.encoders = self._unit(windows), []
        for _ in range(self.stacked):
            encoder = self._reconstruct(h, generator)
            self.encoders.append(encoder)
            with torch.inference_mode():
                h = encoder(h).clone()
        self.forest.fit(self._code(windows), y)
        return self

    def predict_proba(self, windows: Windows) -> F32:
        p = self.forest.predict_proba(self._code(windows))
        return spread(p, self.forest.classes_, self.classes)

    def _unit(self, windows: Windows) -> Tensor:
        """The judged flows in 0..1, which is what a sigmoid can give back: [M, F]."""
        unit = (windows.last() - self.low) / self.width
        return torch.from_numpy(unit.clip(0.0, 1.0).astype(np.float32))

    def _reconstruct(self, x: Tensor, generator: torch.Generator) -> nn.Module:
        """The encoder of an NDAE that has learned to give x [M, F] back: least Σ (x - x̂)²."""
        ndae = NonSymmetric(x.shape[1], self.layers)
        x = x.clone()  # out of inference mode
        optimizer = torch.optim.Adam(ndae.parameters(), lr=self.rate)
        for _ in range(self.epochs):
            for rows in torch.split(torch.randperm(len(x), generator=generator), self.batch):
                optimizer.zero_grad(set_to_none=True)
                loss = nn.functional.mse_loss(ndae(x[rows]), x[rows])
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        return ndae.encoder.eval()

    @torch.inference_mode()
    def _code(self, windows: Windows) -> F32:
        h = self._unit(windows)
        for encoder in self.encoders:
            h = encoder(h)
        return np.asarray(h.numpy(), dtype=np.float32)
