"""A second opinion on addresses of pages: a linear model learned apart from the network.

Shapes in the margin: B names or addresses, T bytes as given.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ml_core.network.groups import groups

INVERSE_PENALTY = 10.0  # of the squared weights, as scikit-learn's C
TOLERANCE = 1e-2  # liblinear's own
SYMBOLS = 128  # different bytes of one place


class SecondOpinion(nn.Module):
    """What the groups of one to GRAM bytes say of attack against harmless, in log-odds.

    A group in the host and the same in the path are two; digits are all alike. It learns when the
    network is done, and is added to what that says: a logarithmic opinion pool (Genest, Zidek,
    "Combining probability distributions", Statistical Science 1986). Of a bare name it says
    nothing: of generated names in a way never seen it would know less than the network. Nothing
    at all before `fit`.
    """

    table: Tensor

    def __init__(self, count: int, pool: int) -> None:
        super().__init__()
        self.pool = pool
        self.register_buffer("table", torch.zeros(count))

    def fit(self, x: Tensor, lengths: Tensor, attack: Tensor) -> None:
        """Logistic regression on x [M, T] of lengths [M] and whether each is an attack [M]."""
        from scipy.sparse import csr_matrix
        from sklearn.linear_model import LogisticRegression

        rows = _paths(x)[:, -1]
        if not attack[rows].any() or attack[rows].all():
            return  # nothing to tell apart
        found = self._groups(x[rows].long()).flatten(1).cpu().numpy()
        # as votes are summed: by the root of the bytes, in whole steps
        size = (lengths[rows].cpu().numpy() + self.pool - 1) // self.pool * self.pool
        row, place = found.nonzero()
        value, shape = 1 / np.sqrt(size[row]), (len(found), len(self.table))
        model = LogisticRegression(
            C=INVERSE_PENALTY, solver="liblinear", fit_intercept=False, tol=TOLERANCE
        )
        model.fit(csr_matrix((value, (row, found[row, place])), shape), attack[rows].cpu().numpy())
        self.table.copy_(torch.from_numpy(model.coef_[0]))

    def forward(self, x: Tensor) -> Tensor:
        """Bytes x [B, T] to log-odds [B, T], each group's at its first byte."""
        return self.table[self._groups(x)].sum(dim=2)

    def _groups(self, x: Tensor) -> Tensor:
        """The groups by place that begin at each byte: [B, T, GRAM], 0 for bare names."""
        path, digit = _paths(x), (x >= ord("0")) & (x <= ord("9"))
        symbols = torch.where(digit, ord("0"), x) + SYMBOLS * path
        return groups(symbols * ((x > 0) & path[:, -1:]), len(self.table))


def _paths(x: Tensor) -> Tensor:
    """Whether an address's path has begun at each byte of x [B, T], or before it."""
    return torch.isin(x, x.new_tensor(list(b"/?#\\"))).cumsum(dim=1) > 0
