"""How unlike harmless names a name is spelled, in bits a byte.

Shapes in the margin: B names, T bytes as given.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ml_core.network.trigrams import bits_of

SYMBOLS, OTHER = 41, 40  # nothing, letters, digits, dash, dot, underscore, any other byte
DOT = 38
FOLDS = 2
LABELS = 16  # of a host; what lies behind counts as the last of them
SCALE = 5.0  # bits a byte, about


def _symbols() -> Tensor:
    code = torch.full((256,), OTHER)
    code[0] = 0
    for symbol, byte in enumerate(b"abcdefghijklmnopqrstuvwxyz0123456789-._", start=1):
        code[byte] = symbol
    return code


class Surprise(nn.Module):
    """Bits of each byte under a trigram model of the harmless names that were learned from.

    Nothing here learns from attacks, so that it knows no family. Addresses of pages tell it
    nothing and are told nothing: many phishing pages stand on harmless hosts. Each half of the
    names, by a hash, is measured by what the other half holds: one that was learned from is no
    better known than a new one.
    """

    table: Tensor
    symbols: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.zeros(FOLDS, SYMBOLS**3))
        self.register_buffer("symbols", _symbols(), persistent=False)

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Counts the harmless names x [M, T] of two labels: machines' longer ones say little."""
        x = x[(x == ord(".")).sum(dim=1) == 1]
        groups, real, fold = self._groups(x.long())
        for k in range(FOLDS):
            rows = fold != k
            self.table[k] = bits_of(groups[rows][real[rows]], SYMBOLS)

    def forward(self, x: Tensor) -> Tensor:
        """Of each byte of x [B, T]: its bits; the same in the label that has most of them, the
        ending aside; and whether it stands in that label. [B, T, 3], nothing for addresses."""
        groups, real, fold = self._groups(x)
        bits = self.table.view(-1)[groups + fold.unsqueeze(1) * SYMBOLS**3] * real / SCALE
        inside = real & (self.symbols[x] != DOT)
        label = (real & ~inside).cumsum(dim=1).clamp(max=LABELS - 1)  # [B, T]
        sums = bits.new_zeros(len(x), LABELS).scatter_add(1, label, bits * inside)
        ending = label.max(dim=1, keepdim=True).values  # [B, 1]
        sums = sums.scatter(1, ending, sums.gather(1, ending) * (ending == 0))
        main = inside & (label == sums.argmax(dim=1, keepdim=True))
        return torch.stack([bits, bits * main, main.to(bits)], dim=2)

    def _groups(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Each byte with the two before it, a number; which are a name's; and the halves [B]."""
        path = torch.isin(x, x.new_tensor(list(b"/?#\\"))).any(dim=1, keepdim=True)
        real = (x > 0) & ~path
        symbols = self.symbols[x]
        before = nn.functional.pad(symbols, (1, 0), value=DOT)[:, :-1]
        first = nn.functional.pad(symbols, (2, 0), value=DOT)[:, :-2]
        first = torch.where(before == DOT, DOT, first)  # a label does not know the one before
        groups = (first * SYMBOLS + before) * SYMBOLS + symbols
        return groups, real, (groups * real).sum(dim=1) % 1009 % FOLDS


def measures(sums: Tensor) -> Tensor:
    """Of a name [B, 3] from the sums [B, 2] over its bytes of the last two numbers of Surprise:
    bits and bytes of its main label, and bits a byte."""
    return torch.cat([sums, sums[:, :1] / sums[:, 1:].clamp(min=0.5)], dim=1)
