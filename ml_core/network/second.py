"""A second opinion on texts: a linear model of groups of bytes, learned apart from the network.

Shapes in the margin: B texts, T bytes as given.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ml_core.network.groups import groups

# Of the squared weights, as scikit-learn's C. With more, attacks on requests of kinds that nobody
# learned sink below harmless requests.
INVERSE_PENALTY = {"addresses": 10.0, "requests": 3.0}
TOLERANCE = 1e-2  # liblinear's own
BATCH = 4096  # texts turned into groups at once
SYMBOLS = 128  # different bytes of a name or address


class SecondOpinion(nn.Module):
    """What the groups of one to GRAM bytes say of attack against harmless, in log-odds.

    Which groups a text has, `of` tells (READERS). It learns when the network is done, and is added
    to what that says: a logarithmic opinion pool (Genest, Zidek, "Combining probability
    distributions", Statistical Science 1986). Nothing at all before `fit`.
    """

    table: Tensor

    def __init__(self, count: int, pool: int, of: str) -> None:
        super().__init__()
        self.pool, self.of = pool, of
        self.register_buffer("table", torch.zeros(count))

    def fit(self, x: Tensor, lengths: Tensor, attack: Tensor) -> None:
        """Logistic regression on x [M, T] of lengths [M] and whether each is an attack [M]."""
        from scipy.sparse import csr_matrix, vstack
        from sklearn.linear_model import LogisticRegression

        parts = []
        for texts, sizes in zip(*(torch.split(of, BATCH) for of in (x, lengths)), strict=True):
            found = self._groups(texts.long()).flatten(1).cpu().numpy()
            # as votes are summed: by the root of the bytes, in whole steps
            size = (sizes.cpu().numpy() + self.pool - 1) // self.pool * self.pool
            row, place = found.nonzero()
            value, shape = 1 / np.sqrt(size[row]), (len(found), len(self.table))
            parts.append(csr_matrix((value, (row, found[row, place])), shape))
        X = vstack(parts, "csr")
        some = np.diff(X.indptr) > 0
        X, y = X[some], attack.cpu().numpy()[some]
        if not y.any() or y.all():
            return  # nothing to tell apart
        model = LogisticRegression(
            C=INVERSE_PENALTY[self.of],
            solver="liblinear",
            fit_intercept=False,
            tol=TOLERANCE,
        )
        model.fit(X, y)
        self.table.copy_(torch.from_numpy(model.coef_[0]))

    def forward(self, x: Tensor) -> Tensor:
        """Bytes x [B, T] to log-odds [B, T], each group's at its first byte."""
        return self.table[self._groups(x)].sum(dim=2)

    def _groups(self, x: Tensor) -> Tensor:
        return READERS[self.of](x, len(self.table))


def _of_addresses(x: Tensor, count: int) -> Tensor:
    """A group in the host and the same in the path are two. Bare names have none: of generated
    names in a way never seen it would know less than the network."""
    path = torch.isin(x, x.new_tensor(list(b"/?#\\"))).cumsum(dim=1) > 0  # has begun
    return groups((_alike(x) + SYMBOLS * path) * ((x > 0) & path[:, -1:]), count)


def _of_requests(x: Tensor, count: int) -> Tensor:
    """Each group once, where it first stands: of many harmless parameters the tenth says no more
    than the first, and an attack among them is not outvoted."""
    found = groups(_alike(x), count)
    flat = found.flatten(1)
    order = flat.argsort(dim=1, stable=True)
    there = flat.gather(1, order)
    again = nn.functional.pad(there[:, 1:] == there[:, :-1], (1, 0))
    return found.masked_fill(again.scatter(1, order, again).view_as(found), 0)


def _alike(x: Tensor) -> Tensor:
    """Bytes x with digits all alike."""
    return torch.where((x >= ord("0")) & (x <= ord("9")), ord("0"), x)


# How bytes x [B, T] become the groups that begin at each: [B, T, GRAM] below `count`, 0 for none.
READERS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "addresses": _of_addresses,
    "requests": _of_requests,
}
