"""Products of 32 bits, without gradients.

Where PyTorch has oneDNN they are oneDNN's, as its LSTM's are: on AMD twice as fast as those of MKL,
which `addmm` and `linear` take (docs/models/speed.md). PyTorch offers them to its compiler only,
so that without them the usual ones are taken.

Shapes in the margin: N rows, K numbers of each, M results.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear

_ONEDNN = bool(
    torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [N, K] with weight [M, K], and bias [M]: [N, M]."""
    if not _ONEDNN or not x.numel():
        return linear(x, weight, bias)
    found: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return found
