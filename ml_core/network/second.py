"""A second opinion on texts: a linear model of groups of symbols, learned apart from the network.

Shapes in the margin: B texts, T bytes or tokens as given, P parts a token.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ml_core.network.groups import groups

TOLERANCE = 1e-2  # liblinear's own
BATCH = 4096  # texts turned into groups at once
SYMBOLS = 128  # different bytes of a name or address


class SecondOpinion(nn.Module):
    """What the groups of one to GRAM bytes or tokens say of attack against harmless, in log-odds.

    Which groups a text has, `of` tells (READINGS). It learns when the network is done, and is added
    to what that says: a logarithmic opinion pool (Genest, Zidek, "Combining probability
    distributions", Statistical Science 1986). Nothing at all before `fit`.
    """

    table: Tensor

    def __init__(self, count: int, pool: int, of: str) -> None:
        super().__init__()
        self.pool, self.reading = pool, READINGS[of]
        self.register_buffer("table", torch.zeros(count))

    def fit(self, x: Tensor, lengths: Tensor, attack: Tensor) -> bool:
        """Logistic regression on x [M, T] or [M, T, P] of lengths [M]; which are attacks: [M].

        Returns whether there was anything to tell apart.
        """
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
            return False
        model = LogisticRegression(
            C=self.reading.inverse_penalty,
            class_weight="balanced" if self.reading.balanced else None,
            solver="liblinear",
            fit_intercept=False,
            tol=TOLERANCE,
        )
        model.fit(X, y)
        self.table.copy_(torch.from_numpy(model.coef_[0]))
        return True

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T] bytes or [B, T, P] parts to log-odds [B, T], each group's where it begins."""
        if not self.table.any():
            return self.table.new_zeros(x.shape[:2])
        return self.table[self._groups(x)].sum(dim=2)

    def _groups(self, x: Tensor) -> Tensor:
        return self.reading.groups(x, len(self.table))


def _of_addresses(x: Tensor, count: int) -> Tensor:
    """A group in the registered name, before it and in the path are three. Bare names have none: of
    generated names in a way never seen it would know less than the network."""
    path = torch.isin(x, x.new_tensor(list(b"/?#\\"))).cumsum(dim=1) > 0  # has begun
    dots = ((x == ord(".")) & ~path).flip(1).cumsum(dim=1).flip(1)  # from here to the path
    place = torch.where(path, 1, 2 * (dots > 1))
    return groups((_alike(x) + SYMBOLS * place) * ((x > 0) & path[:, -1:]), count)


def _of_requests(x: Tensor, count: int) -> Tensor:
    """Each group once: of many harmless parameters the tenth says no more than the first, and an
    attack among them is not outvoted."""
    return _once(groups(_alike(x), count))


def _of_tokens(x: Tensor, count: int) -> Tensor:
    """Each group of neighbours, by their first parts, and each other part of a token once."""
    parts = torch.where(x > 0, (x + 1) % (count - 1) + 1, 0)  # as of a group of one
    return _once(torch.cat([groups(x[..., 0], count), parts[..., 1:]], dim=2))


def _once(found: Tensor) -> Tensor:
    """Groups [B, T, K] where each of them first stands in its text; elsewhere 0."""
    flat = found.flatten(1)
    small = flat.cpu().numpy().astype(np.uint16)  # MOST_GRAMS fit; these NumPy sorts by counting
    order = torch.from_numpy(small.argsort(axis=1, kind="stable")).to(flat.device)
    there = flat.gather(1, order)
    again = nn.functional.pad(there[:, 1:] == there[:, :-1], (1, 0))
    return found.masked_fill(again.scatter(1, order, again).view_as(found), 0)


def _alike(x: Tensor) -> Tensor:
    """Bytes x with digits all alike."""
    return torch.where((x >= ord("0")) & (x <= ord("9")), ord("0"), x)


class Reading(NamedTuple):
    """How texts of one form are read, and how much what is learned of that counts."""

    groups: Callable[[Tensor, int], Tensor]  # of x, [B, T, K] at each step, below a count; 0: none
    inverse_penalty: float  # of the squared weights, as scikit-learn's C
    balanced: bool = False  # whether both sides weigh the same, as in the network's loss
    network: float = 1.0  # how much the network's log-odds count beside it


READINGS = {
    "addresses": Reading(_of_addresses, 10.0),
    # with more, attacks of kinds that nobody learned sink below harmless requests
    "requests": Reading(_of_requests, 3.0),
    # a network of hashed words is too sure of itself to be told anything by an equal
    "tokens": Reading(_of_tokens, 2.0, balanced=True, network=0.2),
}
