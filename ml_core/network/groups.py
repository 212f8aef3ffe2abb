"""Groups of neighbouring symbols, looked up by hash."""

from __future__ import annotations

import torch
from torch import Tensor, nn

GRAM = 4  # symbols of the longest group
MULTIPLIER, MODULUS = 1_000_003, 2**31 - 1  # of the hash


def groups(x: Tensor, count: int) -> Tensor:
    """The groups of one to GRAM symbols that begin at each of x [B, T]: [B, T, GRAM] numbers
    below `count`; 0 is no group, as of x nothing."""
    code, real, kinds = torch.zeros_like(x), torch.ones_like(x, dtype=torch.bool), []
    for n in range(GRAM):
        ahead = nn.functional.pad(x[:, n:], (0, min(n, x.shape[1])))  # the symbol n steps on
        real = real & (ahead > 0)
        code = (code * MULTIPLIER + ahead + 1) % MODULUS
        kinds.append(torch.where(real, code % (count - 1) + 1, 0))
    return torch.stack(kinds, dim=2)
