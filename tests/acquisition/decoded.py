"""The packets of a capture, all of them at once, for tests that look at packets."""

from __future__ import annotations

from apps.acquisition.traffic.capture import CHUNK, Source, read_frames
from apps.acquisition.traffic.decoding import decode
from apps.acquisition.traffic.packet_order import AHEAD, WINDOW, PacketOrder
from apps.acquisition.traffic.packets import Counts, Packets


def decoded(source: Source, chunk: int = CHUNK) -> tuple[Packets, Counts]:
    """In the order of the file, and what else was there."""
    counts = Counts()
    parts = [decode(frames, counts) for frames in read_frames(source, counts, chunk)]
    return joined(parts), counts


def ordered(
    source: Source, chunk: int = CHUNK, window: int = WINDOW, ahead: int = AHEAD
) -> tuple[Packets, Counts]:
    """In order of time, with the ports of fragments."""
    counts = Counts()
    order = PacketOrder(counts, window, ahead)
    parts = [order.add(decode(f, counts)) for f in read_frames(source, counts, chunk)]
    parts.append(order.add(parts[-1].take(slice(0)), last=True))
    return joined(parts), counts


def joined(parts: list[Packets]) -> Packets:
    """Their payload can be read where all of them come from one part of the file."""
    whole = parts[0]
    for part in parts[1:]:
        if len(part):
            whole = part.behind(whole)
    return whole
