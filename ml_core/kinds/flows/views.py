"""A recorded network seen as many sites: the same flows in other mixtures.

How common a flow is at a site (`site.Site`) hangs on what else happens there. A data set is one
mixture, chosen by its makers; so the network learns from many, drawn at random: mostly quiet ones,
floods of one kind, and all between.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ml_core.kinds.flows.columns import INPUT_COLUMNS
from ml_core.kinds.flows.inputs import network_inputs
from ml_core.kinds.flows.scaler import Scaler
from ml_core.kinds.flows.site import Site
from ml_core.kinds.flows.windows import WINDOW, window_index
from ml_core.readers.flows import FlowTable

Ints = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

QUIET = (0.1, 0.95)  # harmless share of a mixture
EVENNESS = 0.5  # of Dirichlet's distribution over the classes, about the roots of their sizes
FEWEST = 3  # flows of each class in every mixture


class View(NamedTuple):
    """What the network reads of some flows at a site."""

    rows: F32  # [R, F]: INPUT_COLUMNS
    windows: Ints  # [M, T] rows of each window, -1 after the last
    y: Ints  # [M]


def view(table: FlowTable, y: Ints, scaler: Scaler, chosen: Ints) -> View:
    """The windows of the `chosen` flows [M] of one source, at a site that saw just these."""
    index = window_index(table.group, table.time, WINDOW)[chosen]
    seen, place = np.unique(index, return_inverse=True)
    place = place.reshape(index.shape) - int(seen[0] < 0)
    rows = read(table, scaler, Site.of(table.features[chosen]))
    return View(rows[seen[seen >= 0]], place.astype(np.int64), y[chosen])


def read(table: FlowTable, scaler: Scaler, site: Site | None) -> F32:
    """INPUT_COLUMNS [N, F] of all flows of one source, scaled."""
    told, around = network_inputs(
        table.features,
        INPUT_COLUMNS,
        table.group,
        table.time,
        table.destination,
        table.port,
        site,
    )
    return np.hstack([scaler.transform(told), around])


def mixtures(
    table: FlowTable, y: Ints, scaler: Scaler, count: int, size: int, rng: np.random.Generator
) -> Iterator[View]:
    """`count` views of one source of about `size` flows each."""
    for _ in range(count):
        yield view(table, y, scaler, _mixture(y, size, rng))


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
