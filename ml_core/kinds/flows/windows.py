"""Windows of flows: which flows a verdict looks at, and what they have in common.

Paper 1 labels the last of ten consecutive flows. Here the ten are flows of the *same source host*
in time order, so that two hosts' traffic is never mixed. Everything is index arithmetic over whole
arrays; the flows themselves are copied only when a batch is gathered.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError
from ml_core.kinds.flows.columns import HOST_COLUMNS

WINDOW = 10  # flows; paper 1 Fig. 6: flat from here on

Ints = npt.NDArray[np.int64]


def window_index(group: npt.ArrayLike, time: npt.ArrayLike, steps: int = WINDOW) -> Ints:
    """For each flow [N] the rows of its window [N, steps], oldest first, -1 after the last.

    group [N] is the source host's number, time [N] any unit; flows of equal time keep their order.
    The last row that is not -1 is the flow itself.
    """
    hosts, times = np.asarray(group, dtype=np.int64), np.asarray(time, dtype=np.int64)
    order, place = _in_sequence(hosts, times)
    lengths = np.minimum(place + 1, steps)  # [N], in sequence order
    offset = np.arange(steps)
    position = np.arange(len(order))[:, None] - lengths[:, None] + 1 + offset  # [N, steps]
    filled = np.where(offset < lengths[:, None], order[np.minimum(position, len(order) - 1)], -1)
    index = np.empty_like(filled)
    index[order] = filled
    return index


def context(
    group: npt.ArrayLike,
    time: npt.ArrayLike,
    destination: npt.ArrayLike | None,
    port: npt.ArrayLike | None,
    steps: int = WINDOW,
) -> npt.NDArray[np.float64]:
    """The HOST_COLUMNS [N, 4] of each flow, zeros where destinations or ports are not known.

    "New Port Share": of the source's last `steps` flows, how many went to another port than the
    flow before (a scan: all; a password guesser: none). "New Host Share": likewise for hosts (a
    sweep: all). "Other Source Share": of the destination's last `steps` flows, how many came from
    another source than the flow before (a distributed flood: all). Numbers stand for hosts.
    """
    hosts, times = np.asarray(group, dtype=np.int64), np.asarray(time, dtype=np.int64)
    table = np.zeros((len(hosts), len(HOST_COLUMNS)))
    if destination is None or port is None or not len(hosts):
        return table
    targets, ports = np.asarray(destination, dtype=np.int64), np.asarray(port, dtype=np.int64)
    table[:, 0] = 1.0
    table[:, 1] = _share_of_changes(hosts, times, ports, steps)
    table[:, 2] = _share_of_changes(hosts, times, targets, steps)
    table[:, 3] = _share_of_changes(targets, times, hosts, steps)
    return table


def choose_columns(
    features: npt.ArrayLike, columns: Sequence[str], wanted: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Columns `wanted` of features [N, F], in that order; DataError names what is missing."""
    X = np.asarray(features, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] != len(columns):
        raise DataError(f"features of shape {X.shape} do not fit {len(columns)} column names")
    place = {name: i for i, name in enumerate(columns)}
    missing = [name for name in wanted if name not in place]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise DataError(f"missing flow columns: {', '.join(missing[:3])}{more}")
    return X[:, [place[name] for name in wanted]]


def _in_sequence(hosts: Ints, times: Ints) -> tuple[Ints, Ints]:
    """Rows ordered by host, then time; and the place of each in its host's sequence."""
    order = np.lexsort((times, hosts))  # stable: equal times keep their order
    starts = np.flatnonzero(np.diff(hosts[order], prepend=hosts[order[:1]] - 1))
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return order, place


def _share_of_changes(
    hosts: Ints, times: Ints, values: Ints, steps: int
) -> npt.NDArray[np.float64]:
    """Of each host's last `steps` values, the share that differs from the one before it."""
    order, place = _in_sequence(hosts, times)
    changed = np.diff(values[order], prepend=0) != 0
    changed &= place > 0
    total = np.concatenate([[0], np.cumsum(changed)])
    seen = np.minimum(place, steps)  # changes that could have been
    end = np.arange(len(order)) + 1
    share = np.empty(len(order))
    share[order] = (total[end] - total[end - seen]) / np.maximum(seen, 1)
    return share
