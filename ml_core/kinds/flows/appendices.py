"""TCP appendices: what the original CICFlowMeter cuts off its flows, given back to them.

That meter ends a flow at its first FIN and counts the empty packets that still come as one more
flow, the "TCP appendix" of Engelen, Rimmer and Joosen, "Troubleshooting an Intrusion Detection
Dataset: the CICIDS2017 Case Study", SPW 2021. Nothing in an appendix tells what its connection was,
so it is judged as that. Which one, addresses and ports tell. Where they are not told, how often:
a tool that opens a thousand equal connections leaves about a thousand equal appendices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.kinds.flows.site import SIZES, mixed
from ml_core.readers.flows import FlowTable

MOST_PACKETS, EACH = 4, 2  # of an appendix, and of one connection: what still comes after a FIN
LATEST = 180_000_000  # microseconds after it: the meter's idle time, and a clock of minutes
LEAST, SHARE = 300, 0.02  # equal appendices of a file that say something by their number
ALIKE = 0.1  # by which two such numbers may differ, as a natural logarithm
OPENING = (512, 1_460, 65_535)  # a first window is a multiple of these; later ones are scaled

_FWD, _BWD, _SENT, _GOT, _WINDOW = SIZES
_EQUAL, _ANSWERED = (_FWD, _BWD, _SENT, _GOT, _WINDOW), (_FWD, _BWD, _GOT, _WINDOW)

Ints = npt.NDArray[np.int64]


def connections(table: FlowTable) -> Ints:
    """For each of the N flows of one file, in any order, the row of the connection that it belongs
    to, [N]: its own, but for appendices whose connection is found. Of other meters all are whole."""
    X, own = table.features, np.arange(len(table))
    tcp = table.cut & (X[:, _WINDOW] >= 0) & np.isin(table.protocol, (6, -1))
    payload = X[:, _SENT] + X[:, _GOT]
    few = X[:, _FWD] + X[:, _BWD] <= MOST_PACKETS
    empty, full = (np.flatnonzero(tcp & chosen) for chosen in ((payload == 0) & few, payload > 0))
    if not len(empty) or not len(full):
        return own
    addressed = (table.source_port > 0) & (table.port >= 0) & (table.destination >= 0)
    addressed &= np.maximum(table.source_port, table.port) < 1 << 16
    _by_addresses(table, empty[addressed[empty]], full[addressed[full]], own)
    _by_number(table, empty[~addressed[empty]], full[~addressed[full]], own)
    return own


def _by_addresses(table: FlowTable, empty: Ints, full: Ints, own: Ints) -> None:
    """The last flow with payload before each between the same two ends, whichever sent first."""
    rows = np.concatenate([full, empty])
    ends = [
        table.group.astype(np.int64)[rows] << 16 | table.source_port[rows],
        table.destination.astype(np.int64)[rows] << 16 | table.port[rows],
    ]
    pair = np.sort(np.column_stack(ends), axis=1)
    whole = np.arange(len(rows)) < len(full)
    order = np.lexsort((~whole, table.time[rows], pair[:, 1], pair[:, 0]))
    rows, pair, whole = rows[order], pair[order], whole[order]
    last = np.maximum.accumulate(np.where(whole, np.arange(len(rows)), -1))
    of = rows[np.maximum(last, 0)]
    duration = np.nan_to_num(table.features[of, FLOW_COLUMNS.index("Flow Duration")])
    late = table.time[rows] - table.time[of] - duration
    found = (
        ~whole & (last >= 0) & (pair == pair[np.maximum(last, 0)]).all(axis=1) & (late <= LATEST)
    )
    first = np.searchsorted(last[found], last[found])  # of those found for one connection
    few = np.arange(np.count_nonzero(found)) - first < EACH
    own[rows[found][few]] = of[found][few]


def _by_number(table: FlowTable, empty: Ints, full: Ints, own: Ints) -> None:
    """Equal appendices that many are, where one kind of connections alone is about as many.

    Connections are of a kind that agree in packets, bytes and window, or in all but the bytes that
    they sent; to the same port, where it is told. Each appendix gets another one of them. What was
    answered, or shows a window that connections open with, is no appendix but a probe.
    """
    window = table.features[:, _WINDOW]
    opens = (window[empty][:, None] % OPENING == 0).any(axis=1)
    empty = empty[~opens & (table.features[empty, _BWD] == 0)]
    many = [
        rows
        for rows in _kinds(table, empty, (_FWD, _WINDOW))
        if len(rows) >= max(LEAST, SHARE * len(table))
    ]
    if not many:
        return
    for columns in (_EQUAL, _ANSWERED):
        kinds = list(_kinds(table, full, columns))
        alike = [[kind for kind in kinds if _as_many(table, kind, rows)] for rows in many]
        claimed = Counter(int(kind[0]) for near in alike for kind in near)
        for rows, near in zip(many, alike, strict=True):
            if len(near) == 1 and claimed[int(near[0][0])] == 1:
                own[rows] = np.resize(near[0], len(rows))
        # two kinds that are as many leave it open, however their sums turn out
        many = [rows for rows, near in zip(many, alike, strict=True) if not near]
        full = full[~np.isin(full, own[empty])]


def _as_many(table: FlowTable, connections: Ints, appendices: Ints) -> bool:
    apart = abs(float(np.log(len(connections) / len(appendices))))
    return apart < ALIKE and table.port[connections[0]] == table.port[appendices[0]]


def _kinds(table: FlowTable, rows: Ints, columns: tuple[int, ...]) -> Iterator[Ints]:
    """The rows of each kind of LEAST / 2 and more, in order: equal in `columns` and port."""
    told = np.nan_to_num(table.features[rows[:, None], list(columns)])
    numbers = np.rint(np.clip(told, 0, 1e15)).astype(np.uint64)
    key = mixed(np.column_stack([numbers, table.port[rows].astype(np.uint64)]))
    order = np.argsort(key, kind="stable")
    _, starts, counts = np.unique(key[order], return_index=True, return_counts=True)
    for kind in np.flatnonzero(counts * 2 >= LEAST):
        yield rows[order[starts[kind] : starts[kind] + counts[kind]]]
