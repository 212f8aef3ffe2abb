"""What a site's own traffic says about a flow of it, learned without labels.

Tools repeat themselves: the flows of a password guesser or a flooder are the same to the byte,
on every network, while their absolute sizes are of that network's pages and links. So each flow is
told how common flows like it are where it was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_core.kinds.flows.columns import FLOW_COLUMNS, SITE_COLUMNS

LEAST = 300  # flows that make a site; fewer tell nothing
MOST = 100_000  # flows looked at, spread evenly
FLOOR = 1e-4  # shares below count as this

SIZES = tuple(
    FLOW_COLUMNS.index(name)
    for name in (
        "Total Fwd Packet",
        "Total Bwd packets",
        "Total Length of Fwd Packet",
        "Total Length of Bwd Packet",
        "FWD Init Win Bytes",
    )
)
_REQUEST = SIZES[2:3]
_ODD = np.uint64(0x9E3779B97F4A7C15)

F32 = npt.NDArray[np.float32]
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Site:
    """How common each size of flow is at a site."""

    flows: int
    alike: tuple[U64, npt.NDArray[np.int64]]  # packets, bytes and window, hashed -> how often
    requests: tuple[U64, npt.NDArray[np.int64]]  # bytes forward, hashed -> how often

    @classmethod
    def of(cls, features: npt.ArrayLike) -> Site | None:
        """From flows [N, F] in FLOW_COLUMNS' order, of any labels; None if they are too few."""
        X = np.asarray(features)
        if len(X) < LEAST:
            return None
        X = X[:: -(-len(X) // MOST)]
        alike, requests = (
            np.unique(_hashed(X[:, columns]), return_counts=True) for columns in (SIZES, _REQUEST)
        )
        return cls(len(X), alike, requests)

    def columns(self, features: npt.ArrayLike) -> F32:
        """SITE_COLUMNS [N, 3] of flows [N, F]: one, and two shares on a scale of decades, -2 to 2."""
        X = np.asarray(features)
        seen = np.ones((len(X), len(SITE_COLUMNS)), dtype=np.float32)
        for i, (columns, (known, counts)) in enumerate(
            ((SIZES, self.alike), (_REQUEST, self.requests)), start=1
        ):
            values = _hashed(X[:, columns])
            place = np.minimum(np.searchsorted(known, values), len(known) - 1)
            share = np.where(known[place] == values, counts[place], 0) / self.flows
            seen[:, i] = np.log10(share + FLOOR) + 2.0
        return seen


def _hashed(sizes: npt.NDArray[np.floating]) -> U64:
    """One number for each row of sizes [N, K]; not told counts as none."""
    whole = np.nan_to_num(sizes, nan=0.0, posinf=0.0, neginf=0.0)
    return mixed(np.rint(np.clip(whole, 0.0, 1e15)).astype(np.uint64))


def mixed(numbers: U64) -> U64:
    """One number for each row of numbers [N, K]: [N], equal for equal rows."""
    found = np.zeros(len(numbers), dtype=np.uint64)
    for column in numbers.T:
        found = (found ^ column) * _ODD
        found ^= found >> np.uint64(29)
    return found
