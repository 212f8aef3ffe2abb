"""A capture from beginning to end: its flows and its HTTP requests, a bounded part at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from apps.acquisition.traffic import flow_meter, http_dialogues
from apps.acquisition.traffic.capture import CHUNK, MOST_BLOCKS, Source, read_frames
from apps.acquisition.traffic.decoding import decode
from apps.acquisition.traffic.flow_meter import FlowMeter
from apps.acquisition.traffic.http_dialogues import HttpDialogues
from apps.acquisition.traffic.packet_order import AHEAD, WINDOW, PacketOrder
from apps.acquisition.traffic.packets import Counts, Packets


@dataclass(frozen=True, slots=True)
class Traffic:
    """Attributes:
    flows: as `FlowMeter.finish` describes.
    requests: as `HttpDialogues.finish` describes.
    """

    flows: pl.DataFrame
    requests: pl.DataFrame


def stream(
    source: Source, counts: Counts, chunk: int = CHUNK, window: int = WINDOW, ahead: int = AHEAD
) -> Iterator[Traffic]:
    """Flows and requests as they end. Memory is bounded however long the capture is; what comes out
    does not depend on `chunk`, and `window` and `ahead` are those of `PacketOrder`.

    Raises what `read_frames` does.
    """
    meter, dialogues = FlowMeter(counts), HttpDialogues()
    order = PacketOrder(counts, window, ahead)

    def measure(packets: Packets) -> Iterator[Traffic]:
        for first in range(0, len(packets), MOST_BLOCKS):  # the last part may hold very many
            some = slice(first, first + MOST_BLOCKS)
            now = packets.take(some)
            flows = meter.add(now, order.epoch[some])
            yield Traffic(flows, dialogues.add(now, meter.connection, meter.from_low))

    packets: Packets | None = None
    for frames in read_frames(source, counts, chunk):
        packets = decode(frames, counts)
        yield from measure(order.add(packets))
    if packets is not None:
        yield from measure(order.add(packets.take(slice(0)), last=True))
    yield Traffic(meter.finish(), dialogues.finish())


def read(source: Source, counts: Counts | None = None) -> Traffic:
    """All flows in the order of their first packets, and all requests in order of time."""
    return together(stream(source, Counts() if counts is None else counts))


def together(stream: Iterable[Traffic]) -> Traffic:
    """The parts of a stream as one, in order."""
    parts = list(stream)
    return Traffic(
        flow_meter.in_order([part.flows for part in parts]),
        http_dialogues.in_order([part.requests for part in parts]),
    )
