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
from ml_core.network.memory import give_back
from ml_core.readers.flows import FlowTable

Ints = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

QUIET = (0.1, 0.95)  # harmless share of a mixture
EVENNESS = 0.5  # of Dirichlet's distribution over the classes, about the roots of their sizes
BLOCK = 100_000  # flows made numbers of at a time
RETURNED = 2**28  # bytes let go at a time
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
        seen, windows = _numbered(self.index[chosen])
        rows = self.rows[seen]
        if site := Site.of(self.table.features[chosen]):
            rows[:, _SITE_PLACES] = site.columns(self.table.features[seen])
        return View(rows, windows, self.y[chosen])


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
    """Several views as one data set. The list is emptied: each is let go once it is copied."""
    like, flows = views[0], sum(len(v.rows) for v in views)
    count = sum(len(v.y) for v in views)
    whole = View(
        np.empty((flows, like.rows.shape[1]), dtype=np.float32),
        np.empty((count, like.windows.shape[1]), dtype=np.int64),
        np.empty(count, dtype=np.int64),
    )
    freed = 0
    while views:
        rows, windows, y = views.pop()
        freed += rows.nbytes
        if freed > RETURNED:
            give_back()
            freed = 0
        flows, count = flows - len(rows), count - len(y)
        whole.rows[flows : flows + len(rows)] = rows
        whole.windows[count : count + len(y)] = np.where(windows >= 0, windows + flows, -1)
        whole.y[count : count + len(y)] = y
    return whole


def drawn(views: list[View], of: int, most: int, rng: np.random.Generator) -> View:
    """At most `most` windows of the class `of`, drawn at random from all views, by themselves."""
    number = np.repeat(np.arange(len(views)), [np.count_nonzero(v.y == of) for v in views])
    place = np.concatenate([np.flatnonzero(v.y == of) for v in views])
    some = np.sort(rng.choice(len(place), min(most, len(place)), replace=False))
    chosen = [(n, place[some[number[some] == n]]) for n in np.unique(number[some])]
    return joined([alone(views[n], windows) for n, windows in chosen])


def alone(v: View, chosen: Ints) -> View:
    """Some windows with no other rows than theirs."""
    seen, windows = _numbered(v.windows[chosen])
    return View(v.rows[seen], windows, v.y[chosen])


def _numbered(windows: Ints) -> tuple[Ints, Ints]:
    """The rows [R] that windows [M, T] hold, and the windows as places in those; -1 stays."""
    seen, place = np.unique(windows, return_inverse=True)
    place = place.reshape(windows.shape) - int(seen[0] < 0)
    return seen[seen >= 0], place.astype(np.int64)
