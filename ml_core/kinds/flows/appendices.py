"""TCP appendices: what the original CICFlowMeter cuts off its flows, given back to them.

That meter ends a flow at its first FIN and counts the empty packets that still come as one more
flow, the "TCP appendix" of Engelen, Rimmer and Joosen, "Troubleshooting an Intrusion Detection
Dataset: the CICIDS2017 Case Study", SPW 2021. Nothing in an appendix tells what its connection was,
so it is judged as that. Which one, addresses and ports tell. Where they are not told, how often:
a tool that opens a thousand equal connections leaves about a thousand equal appendices.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.kinds.flows.site import mixed
from ml_core.readers.flows import FlowTable

LATEST = (
    180_000_000  # microseconds after its connection: the meter's idle time, and a minute's clock
)
LEAST, SHARE = 300, 0.02  # equal appendices of a file that say something by their number
ALIKE = 0.1  # by which two such numbers may differ, as a natural logarithm

_FWD, _BWD, _SENT, _GOT, _WINDOW, _SYN = (
    FLOW_COLUMNS.index(name)
    for name in (
        "Total Fwd Packet",
        "Total Bwd packets",
        "Total Length of Fwd Packet",
        "Total Length of Bwd Packet",
        "FWD Init Win Bytes",
        "SYN Flag Count",
    )
)
_EQUAL, _ANSWERED = (_FWD, _BWD, _SENT, _GOT, _WINDOW), (_FWD, _BWD, _GOT, _WINDOW)

Ints = npt.NDArray[np.int64]


def connections(table: FlowTable) -> Ints:
    """For each of the N flows of one file, in any order, the row of the connection that it belongs
    to, [N]: its own, but for appendices whose connection is found. Of other meters all are whole."""
    X = table.features
    own = np.arange(len(table))
    original = np.isnan(X[:, _SYN]) & (
        X[:, _WINDOW] >= 0
    )  # its flags are not told, TCP has windows
    payload = X[:, _SENT] + X[:, _GOT]
    empty, full = (
        np.flatnonzero(original & (payload == 0)),
        np.flatnonzero(original & (payload > 0)),
    )
    if not len(empty) or not len(full):
        return own
    addressed = (table.source_port > 0) & (table.port >= 0) & (table.destination >= 0)
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
    own[rows[found]] = of[found]


def _by_number(table: FlowTable, empty: Ints, full: Ints, own: Ints) -> None:
    """Equal appendices that many are, where one kind of connections alone is about as many.

    Connections are of a kind that agree in packets, bytes and window, or in all but the bytes that
    they sent; to the same port, where it is told. Each appendix gets another one of them.
    """
    window, port = table.features[:, _WINDOW], table.port
    many = [
        rows
        for rows in _kinds(table, empty, (_FWD, _BWD, _WINDOW))
        if len(rows) >= max(LEAST, SHARE * len(table))
    ]
    if not many:
        return
    alike = [list(_kinds(table, full, columns)) for columns in (_EQUAL, _ANSWERED)]
    for rows in many:
        for kinds in alike:
            near = [
                kind
                for kind in kinds
                if abs(np.log(len(kind) / len(rows))) < ALIKE
                and port[kind[0]] == port[rows[0]]
                # what an appendix shows is the window of a connection that stands
                and window[kind[0]] != window[rows[0]]
            ]
            if len(near) == 1:
                own[rows] = np.resize(near[0], len(rows))
                break


def _kinds(table: FlowTable, rows: Ints, columns: tuple[int, ...]) -> Iterator[Ints]:
    """The rows of each kind of LEAST / 2 and more, in order: equal in `columns` and port."""
    told = np.nan_to_num(table.features[rows[:, None], list(columns)])
    numbers = np.rint(np.clip(told, 0, 1e15)).astype(np.uint64)
    key = mixed(np.column_stack([numbers, table.port[rows].astype(np.uint64)]))
    order = np.argsort(key, kind="stable")
    _, starts, counts = np.unique(key[order], return_index=True, return_counts=True)
    for kind in np.flatnonzero(counts * 2 >= LEAST):
        yield rows[order[starts[kind] : starts[kind] + counts[kind]]]
