"""How oddly the signs of a request follow each other, in bits.

Shapes in the margin: B requests, T bytes as given.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ml_core.network.trigrams import bits_of

SIGNS = b" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\n\t\x1f"  # told apart
LETTER, OTHER = 1, 2  # a letter or digit, any other byte; 0 is nothing
SYMBOLS = 3 + len(SIGNS)
SPAN = 4  # symbols
BATCH = 4096  # requests counted at once


def _symbols() -> Tensor:
    code = torch.full((256,), OTHER)
    code[0] = 0
    code[128:] = LETTER
    for byte in range(128):
        if chr(byte).isalnum():
            code[byte] = LETTER
    code[list(SIGNS)] = torch.arange(3, SYMBOLS)
    return code


class Oddity(nn.Module):
    """The most bits that SPAN symbols of a request have, under a trigram model of harmless ones.

    A run of letters and digits is one symbol, so that words, names and numbers say nothing: what
    attacks of a kind that nobody taught show is how they use signs. Nothing here learns from attacks.
    """

    table: Tensor
    symbols: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.zeros(SYMBOLS**3))
        self.register_buffer("symbols", _symbols(), persistent=False)

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Counts the harmless requests x [M, T]."""
        found = []
        for some in torch.split(x, BATCH):
            groups, real = self._groups(some.long())
            found.append(groups[real])
        self.table.copy_(bits_of(torch.cat(found), SYMBOLS))

    def forward(self, x: Tensor) -> Tensor:
        """Bytes x [B, T] to bits [B]."""
        groups, real = self._groups(x)
        bits = nn.functional.pad(self.table[groups] * real, (SPAN - 1, 0))  # [B, T + SPAN - 1]
        return bits.unfold(1, SPAN, 1).sum(dim=2).amax(dim=1)

    def _groups(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Each symbol with the two before it, a number, runs taken together; and which are there."""
        symbols = self.symbols[x]
        before = nn.functional.pad(symbols, (1, 0))[:, :-1]
        first = (symbols > 0) & ((symbols != LETTER) | (before != LETTER))
        place = torch.where(symbols > 0, first.cumsum(dim=1), 0)  # of its run; nothing's is 0
        runs = symbols.new_zeros(len(x), x.shape[1] + 3).scatter(1, place + 2, symbols)
        runs[:, 2] = 0
        groups = (runs[:, 1:-2] * SYMBOLS + runs[:, 2:-1]) * SYMBOLS + runs[:, 3:]
        return groups, runs[:, 3:] > 0
