"""How many bits a symbol takes behind the two before it."""

from __future__ import annotations

import torch
from torch import Tensor

PRIOR = 5.0  # occurrences that the shorter context counts for


def bits_of(seen: Tensor, symbols: int) -> Tensor:
    """Bits [S^3] of each trigram's last symbol, of `seen` [N] trigrams, numbers below S^3.

    What was never seen takes the bits that it has behind the last symbol alone, more or less:
    MacKay, Peto, "A hierarchical Dirichlet language model", Natural Language Engineering 1995.
    """
    counts = torch.bincount(seen, minlength=symbols**3).view(symbols, symbols, symbols).double()
    p = torch.full((symbols,), 1 / symbols, dtype=torch.float64, device=seen.device)
    for count in (counts.sum(dim=(0, 1)), counts.sum(dim=0), counts):
        p = (count + PRIOR * p) / (count.sum(dim=-1, keepdim=True) + PRIOR)
    return -p.log2().view(-1)
