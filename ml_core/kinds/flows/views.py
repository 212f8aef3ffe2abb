"""A recorded network seen as many sites: the same flows in other mixtures.

How common a flow is at a site (`site.Site`) hangs on what else happens there. A data set is one
mixture, chosen by its makers; so the network learns from many, drawn at random: mostly quiet ones,
floods of one kind, and all between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ml_core.kinds.flows.columns import INPUT_COLUMNS, SITE_COLUMNS
from ml_core.kinds.flows.inputs import host_columns, network_inputs
from ml_core.kinds.flows.scaler import Scaler
from ml_core.kinds.flows.site import Site
from ml_core.kinds.flows.windows import WINDOW, window_index
from ml_core.readers.flows import FlowTable

Ints = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

QUIET = (0.1, 0.95)  # harmless share of a mixture
EVENNESS = 0.5  # of Dirichlet's distribution over the classes, about the roots of their sizes
BLOCK = 100_000  # flows made numbers of at a time
FEWEST = 3  # flows of each class in every mixture
_SITE_PLACES = [INPUT_COLUMNS.index(name) for name in SITE_COLUMNS]


class View(NamedTuple):
    """What the network reads of some flows at a site."""

    rows: F32  # [R, F]: INPUT_COLUMNS
    windows: Ints  # [M, T] rows of each window, -1 after the last
    y: Ints  # [M]


def view(table: FlowTable, y: Ints, scaler: Scaler, chosen: Ints) -> View:
    """The windows of the `chosen` flows [M] of one source, at a site that saw just these."""
    return _Source.of(table, y, scaler).view(chosen)


@dataclass(frozen=True)
class _Source:
    """All flows of one source, read once for as many views as are wanted."""

    table: FlowTable
    y: Ints
    rows: F32  # [N, F] INPUT_COLUMNS, without what the site says
    index: Ints  # [N, T]

    @classmethod
    def of(cls, table: FlowTable, y: Ints, scaler: Scaler) -> _Source:
        return cls(table, y, _read(table, scaler), window_index(table.group, table.time, WINDOW))

    def view(self, chosen: Ints) -> View:
        index = self.index[chosen]
        seen, place = np.unique(index, return_inverse=True)
        place = place.reshape(index.shape) - int(seen[0] < 0)
        seen = seen[seen >= 0]
        rows = self.rows[seen]
        if site := Site.of(self.table.features[chosen]):
            rows[:, _SITE_PLACES] = site.columns(self.table.features[seen])
        return View(rows, place.astype(np.int64), self.y[chosen])


def _read(table: FlowTable, scaler: Scaler) -> F32:
    """INPUT_COLUMNS [N, F] of all flows of one source, scaled; nothing said of the site."""
    hosts = host_columns(table.group, table.time, table.destination, table.port)
    rows = np.empty((len(table), len(INPUT_COLUMNS)), dtype=np.float32)
    for start in range(0, len(table), BLOCK):
        block = slice(start, start + BLOCK)
        told, around = network_inputs(
            table.features[block],
            INPUT_COLUMNS,
            table.group[block],
            table.time[block],
            table.destination[block],
            table.port[block],
            hosts=hosts[block],
        )
        rows[block] = np.hstack([scaler.transform(told), around])
    return rows


def mixtures(
    table: FlowTable, y: Ints, scaler: Scaler, count: int, size: int, rng: np.random.Generator
) -> Iterator[View]:
    """`count` views of one source of about `size` flows each."""
    source = _Source.of(table, y, scaler)
    for _ in range(count):
        yield source.view(_mixture(y, size, rng))


def _mixture(y: Ints, size: int, rng: np.random.Generator) -> Ints:
    """Rows of a random mixture, sorted; half of them in runs as they came, half at random."""
    classes, sizes = np.unique(y, return_counts=True)
    roots = np.sqrt(sizes)
    shares = rng.dirichlet(EVENNESS * roots / roots.mean())
    harmless = classes == 0
    if harmless.any() and not harmless.all():
        quiet = rng.uniform(*QUIET)
        attacks = shares[~harmless]
        shares[~harmless] = attacks / max(attacks.sum(), 1e-9) * (1.0 - quiet)
        shares[harmless] = quiet
    rows = []
    for c, share in zip(classes, shares, strict=True):
        of_class = np.flatnonzero(y == c)
        wanted = min(int(size * share) + FEWEST, len(of_class))
        if rng.random() < 0.5:
            start = int(rng.integers(0, len(of_class) - wanted + 1))
            rows.append(of_class[start : start + wanted])
        else:
            rows.append(rng.choice(of_class, wanted, replace=False))
    return np.sort(np.concatenate(rows))


def joined(views: list[View]) -> View:
    """Several views as one data set."""
    starts = np.cumsum([0, *(len(v.rows) for v in views)])
    index = [
        np.where(v.windows >= 0, v.windows + start, -1)
        for v, start in zip(views, starts, strict=False)
    ]
    return View(
        np.concatenate([v.rows for v in views]),
        np.concatenate(index),
        np.concatenate([v.y for v in views]),
    )
