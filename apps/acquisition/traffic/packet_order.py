"""Packets of a capture in order of time, with the ports of fragments filled in, part after part.

What comes out does not depend on the parts that a capture is read in: every rule speaks of the
packets and of their places in the file alone.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import replace

import numpy as np

from apps.acquisition.traffic.capture import BEHIND
from apps.acquisition.traffic.packets import PORTED, Counts, Ints, Packets

WINDOW = 8 << 20
"""Bytes of the file by which a packet may come late and still be put where its time says."""
AHEAD = 1 << 20
"""Bytes of the file by which the first fragment of a packet may come after another of it."""
STEP_NS = 120_000_000_000
"""A packet this much earlier than the latest before it means that the clock was set back."""

assert WINDOW + AHEAD + (1 << 19) < BEHIND  # the payload of what is held back stays in memory


class PacketOrder:
    """Packets in the order of the file in, packets in order of time out.

    Two interfaces may record one conversation, so a packet is held back until `WINDOW` bytes of
    file have been read behind it. One that comes later than that gets the time of the packets it
    came with. Where the clock was set back another epoch begins, which is sorted apart.

    Attributes:
        epoch: int64[N], of each packet that `add` returned last.
    """

    def __init__(self, counts: Counts, window: int = WINDOW, ahead: int = AHEAD) -> None:
        self.counts, self.window, self.ahead = counts, window, ahead
        self.epoch = np.zeros(0, np.int64)
        self._fragments = _Fragments(counts, window, ahead)
        self._held: Packets | None = None
        self._held_epoch = self.epoch
        self._settled = 0
        # per packet of the last `window` and before: where it lies, the latest time up to it, epoch
        self._log = np.zeros((3, 0), np.int64)

    def add(self, packets: Packets, *, last: bool = False) -> Packets:
        """Take packets; returns those whose turn is now: of the `last`, all that are left."""
        latest, epoch = self._clock(packets.time)
        self._log = np.concatenate([self._log, np.stack([packets.at, latest, epoch])], axis=1)
        time = self._not_before_the_window(packets, epoch)
        packets = replace(packets, time=time)
        held = packets if self._held is None else packets.behind(self._held)
        held_epoch = np.concatenate([self._held_epoch, epoch])

        settled_to = packets.end - self.ahead
        settled = len(held) if last else int(np.searchsorted(held.at, settled_to))
        self._fragments.lend(held, self._settled, settled)
        gone = int(np.searchsorted(self._log[0], settled_to - self.window, side="right")) - 1
        if last:
            free = np.ones(len(held), np.bool_)
        elif gone < 0:
            free = np.zeros(len(held), np.bool_)
        else:
            _, until, until_epoch = self._log[:, gone].tolist()
            free = (held_epoch < until_epoch) | ((held_epoch == until_epoch) & (held.time <= until))
            free[settled:] = False
            self._log = self._log[:, gone:]
        rows = _by_time(held.time, held_epoch, np.flatnonzero(free))
        self.epoch = held_epoch[rows]
        self._settled = settled - len(rows)
        self._held, self._held_epoch = held.take(~free), held_epoch[~free]
        return held.take(rows)

    def _clock(self, time: Ints) -> tuple[Ints, Ints]:
        """The latest time up to each packet since the clock was last set back, and how often."""
        before, epoch = (self._log[1:, -1].tolist()) if self._log.shape[1] else (-1, 0)
        latest = np.maximum.accumulate(np.append(before, time))[1:]
        if (latest - time <= STEP_NS).all():
            return latest, np.full(len(time), epoch, np.int64)
        epochs = np.zeros(len(time), np.int64)
        for row, now in enumerate(time.tolist()):
            if now < before - STEP_NS:
                before, epoch = now, epoch + 1
                self.counts.steps += 1
            before = max(before, now)
            latest[row], epochs[row] = before, epoch
        return latest, epochs

    def _not_before_the_window(self, packets: Packets, epoch: Ints) -> Ints:
        time = packets.time
        if not len(time) or (self._log[1, -len(time) :] == time).all():
            return time  # in order already
        at = np.searchsorted(self._log[0], packets.at - self.window, side="right") - 1
        same = (at >= 0) & (self._log[2, at] == epoch)
        moved = np.where(same, np.maximum(time, self._log[1, at]), time)
        self.counts.late += int(np.count_nonzero(moved > time))
        return moved


_BEYOND = 1 << 16  # more than any port


def _by_time(time: Ints, epoch: Ints, rows: Ints) -> Ints:
    if not len(rows):
        return rows
    time, epoch = time[rows], epoch[rows]
    if epoch[0] != epoch[-1]:
        return rows[np.lexsort((time, epoch))]
    if (time[1:] >= time[:-1]).all():
        return rows
    return rows[np.argsort(time, kind="stable")]


class _Fragments:
    """Lends later fragments the ports of the first fragment of their packet, where it was seen: the
    last one before them, or the first one behind them, within reach."""

    def __init__(self, counts: Counts, back: int, ahead: int) -> None:
        self.counts, self.back, self.ahead = counts, back, ahead
        self._first: dict[bytes, list[tuple[int, int, int]]] = {}
        self._seen = 0

    def lend(self, held: Packets, low: int, high: int) -> None:
        """Fill in the ports of the packets from `low` to `high`; those behind may lend."""
        ported = held.fragment & np.isin(held.protocol, PORTED)
        if not ported.any():
            return
        self._learn(held, np.flatnonzero(ported & ~held.later))
        rows = np.flatnonzero(ported[low:high] & held.later[low:high]) + low
        for row, key, at in zip(
            rows.tolist(), _keys(held, rows), held.at[rows].tolist(), strict=True
        ):
            ports = self._nearest(key, at)
            if ports is None:
                self.counts.orphans += 1
            else:
                held.source_port[row], held.destination_port[row] = ports
        if len(self._first) > 10_000:  # forget what is out of reach
            least = int(held.at[0]) - self.back
            self._first = {
                key: kept
                for key, all_ in self._first.items()
                if (kept := [one for one in all_ if one[0] >= least])
            }

    def _learn(self, held: Packets, rows: Ints) -> None:
        rows = rows[held.at[rows] >= self._seen]
        if not len(rows):
            return
        ports = zip(
            held.at[rows].tolist(),
            held.source_port[rows].tolist(),
            held.destination_port[rows].tolist(),
            strict=True,
        )
        for key, one in zip(_keys(held, rows), ports, strict=True):
            self._first.setdefault(key, []).append(one)
        self._seen = int(held.at[rows[-1]]) + 1

    def _nearest(self, key: bytes, at: int) -> tuple[int, int] | None:
        firsts = self._first.get(key, [])
        behind = bisect(firsts, (at, _BEYOND, 0))
        if behind and at - firsts[behind - 1][0] <= self.back:
            return firsts[behind - 1][1:]
        if behind < len(firsts) and firsts[behind][0] - at < self.ahead:
            return firsts[behind][1:]
        return None


def _keys(packets: Packets, rows: Ints) -> list[bytes]:
    """What the fragments of one packet share: both addresses, the protocol, the identification."""
    key = np.empty((len(rows), 5), np.uint64)
    key[:, :2], key[:, 2:4] = packets.source[rows], packets.destination[rows]
    key[:, 4] = packets.datagram[rows].astype(np.uint64) << np.uint64(8) | packets.protocol[rows]
    raw, width = key.tobytes(), key.shape[1] * 8
    return [raw[at : at + width] for at in range(0, len(raw), width)]
