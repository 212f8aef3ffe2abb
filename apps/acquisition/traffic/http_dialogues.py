"""HTTP/1.x dialogues in captured packets, on any port, followed part after part of a capture.

What both sides say is kept until the dialogue is over, within bounds; where these are reached, what
is there is read at once, and the dialogue goes on behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from apps.acquisition.traffic.flow_split import SYN
from apps.acquisition.traffic.http_messages import (
    MOST_HEAD,
    SCHEMA,
    Ends,
    Request,
    begins_request,
    read_dialogue,
    row_of,
)
from apps.acquisition.traffic.packets import TCP, Ints, Mask, Packets, address_text
from apps.acquisition.traffic.tcp_streams import Segment, reassemble

SILENCE_NS = 120_000_000_000
"""A dialogue in which nothing is said for so long is over."""
MOST_OF_ONE = 4 << 20
"""Bytes kept of one dialogue."""
MOST_OF_ALL = 64 << 20
"""Bytes kept of all dialogues together."""
_COST = 200  # bytes of memory a segment takes beside its content
_TABLE = {"connection": pl.Int64(), **SCHEMA, "@timestamp": pl.Int64()}


@dataclass(slots=True)
class _Dialogue:
    """What both sides of a connection have said, from its first request on.

    Attributes:
        low_asks: whether the lower of the two ends sends the requests.
        said: segments of the side that asks, and of the other.
        last, size: when the last segment came, and the memory they take.
        waiting: requests already read, which nothing has answered yet.
    """

    ends: Ends
    low_asks: bool
    last: int
    said: tuple[list[Segment], list[Segment]] = field(default_factory=lambda: ([], []))
    size: int = 0
    waiting: list[Request] = field(default_factory=list)


class HttpDialogues:
    """Finds the requests of a capture."""

    def __init__(self, most_of_one: int = MOST_OF_ONE, most_of_all: int = MOST_OF_ALL) -> None:
        self.most_of_one, self.most_of_all = most_of_one, most_of_all
        self._open: dict[int, _Dialogue] = {}
        self._size = 0
        self._rows: list[tuple[object, ...]] = []

    def add(self, packets: Packets, connection: Ints, from_low: Mask) -> pl.DataFrame:
        """Take packets in order of time, with the `connection` of each and whether its lower end
        sent it; returns the requests of the dialogues that are over, as `finish` does."""
        rows = _data_rows(packets)
        if len(rows):
            rows = rows[np.argsort(connection[rows], kind="stable")]
            edges = np.flatnonzero(np.diff(connection[rows], prepend=-1))
            numbers = connection[rows[edges]].tolist()
            spans = zip(edges.tolist(), [*edges[1:].tolist(), len(rows)], strict=True)
            asking = self._asking(packets, rows, connection)
            for number, (low, high) in zip(numbers, spans, strict=True):
                if number in asking or number in self._open:
                    self._hear(number, packets, rows[low:high], from_low)
        if len(packets):
            self._make_room(int(packets.time[-1]))
        return self._table()

    def finish(self) -> pl.DataFrame:
        """The requests of the dialogues that are still open.

        Returns:
            One row per request: `connection`, then the columns of `SCHEMA`, in order of the
            dialogues' ends; those of one connection in their order.
        """
        for number in list(self._open):
            self._read(number, over=True)
        return self._table()

    def _asking(self, packets: Packets, rows: Ints, connection: Ints) -> set[int]:
        """Connections, not followed yet, in which a segment begins like a request."""
        some = rows[packets.payload_captured[rows] > 0]
        first = packets.data[packets.payload_start[some] - packets.base] | 0x20
        some = some[(first >= ord("a")) & (first <= ord("z"))]
        found: set[int] = set()
        for row, number in zip(some.tolist(), connection[some].tolist(), strict=True):
            if number not in found and number not in self._open and _asks(packets, row):
                found.add(number)
        return found

    def _hear(self, number: int, packets: Packets, rows: Ints, from_low: Mask) -> None:
        dialogue = self._open.get(number)
        start = packets.payload_start[rows] - packets.base
        columns = zip(
            rows.tolist(),
            packets.time[rows].tolist(),
            packets.tcp_sequence[rows].tolist(),
            (packets.tcp_flags[rows] & SYN > 0).tolist(),
            from_low[rows].tolist(),
            start.tolist(),
            (start + packets.payload_captured[rows]).tolist(),
            strict=True,
        )
        content = packets.data.data
        for row, time, sequence, opens, low, begin, end in columns:
            if dialogue and time - dialogue.last > SILENCE_NS:
                self._read(number, over=True)
                dialogue = None
            if dialogue is None:
                if not _asks(packets, row):
                    continue
                dialogue = self._open[number] = _Dialogue(_ends(packets, row), low, time)
            data = bytes(content[begin:end])
            dialogue.said[low != dialogue.low_asks].append((sequence, opens, data, time))
            dialogue.last = time
            dialogue.size += end - begin + _COST
            self._size += end - begin + _COST
            if dialogue.size > self.most_of_one:
                self._read(number)

    def _make_room(self, now: int) -> None:
        """Read the dialogues that are over, and while too much is kept those silent longest."""
        for number, dialogue in list(self._open.items()):
            if abs(now - dialogue.last) > SILENCE_NS:  # the clock may have been set back
                self._read(number, over=True)
        if self._size <= self.most_of_all:
            return
        for number in sorted(self._open, key=lambda number: self._open[number].last):
            self._read(number, over=True)
            if self._size <= self.most_of_all // 2:
                break

    def _read(self, number: int, *, over: bool = False) -> None:
        """Read what is kept of a dialogue, and keep nothing of it but what waits for an answer."""
        dialogue = self._open[number]
        asked, answers = dialogue.said
        pairs = read_dialogue(reassemble(asked), reassemble(answers), dialogue.waiting)
        answered, size = len(pairs), 0
        while not over and answered and pairs[answered - 1][1] is None:
            size += _memory(pairs[answered - 1][0])
            if size > self.most_of_one // 2:
                break
            answered -= 1
        self._rows += [(number, *row_of(dialogue.ends, *pair)) for pair in pairs[:answered]]
        self._size -= dialogue.size
        if over:
            del self._open[number]
            return
        dialogue.waiting = [request for request, _ in pairs[answered:]]
        dialogue.size, dialogue.said = sum(map(_memory, dialogue.waiting)), ([], [])
        self._size += dialogue.size

    def _table(self) -> pl.DataFrame:
        table = pl.DataFrame(self._rows, schema=_TABLE, orient="row")
        self._rows = []
        return table


def in_order(tables: list[pl.DataFrame]) -> pl.DataFrame:
    """Tables of `HttpDialogues` as one of the columns of `SCHEMA`, in order of time."""
    table = pl.concat(tables).sort("@timestamp", "connection", maintain_order=True)
    at = (pl.col("@timestamp") // 1_000).cast(pl.Datetime("us", "UTC"))
    return table.drop("connection").with_columns(at)


def _memory(request: Request) -> int:
    heads = sum(len(name) + len(value) + _COST for name, value in request.headers.items())
    return _COST + len(request.target) + len(request.body) + heads


def _data_rows(packets: Packets) -> Ints:
    """The whole TCP segments that carry data or open a connection."""
    data = (packets.payload_captured > 0) | (packets.tcp_flags & SYN > 0)
    return np.flatnonzero(data & (packets.protocol == TCP) & ~packets.fragment)


def _asks(packets: Packets, row: int) -> bool:
    return begins_request(packets.payload(row, MOST_HEAD))


def _ends(packets: Packets, row: int) -> Ends:
    source, destination = address_text(np.stack([packets.source[row], packets.destination[row]]))
    return source, int(packets.source_port[row]), destination, int(packets.destination_port[row])
