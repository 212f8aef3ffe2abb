"""Products by oneDNN are the usual ones."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import linear

from ml_core.network import products
from ml_core.network.products import product


@pytest.mark.parametrize("by_onednn", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 3, 700])
def test_they_are_those_of_linear_but_for_rounding(
    rows: int, by_onednn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_ONEDNN", by_onednn and products._ONEDNN)
    x, weight, bias = torch.randn(rows, 77), torch.randn(256, 77), torch.randn(256)
    assert torch.allclose(product(x, weight, bias), linear(x, weight, bias), atol=1e-4)
    across = torch.randn(77, 256).t()  # as a transposed weight lies in memory
    assert torch.allclose(product(x, across), x @ across.t(), atol=1e-4)


def test_the_pinned_pytorch_offers_onednn() -> None:
    """Where this fails scoring is right but slower: docs/models/speed.md."""
    assert torch.backends.mkldnn.is_available() == products._ONEDNN
