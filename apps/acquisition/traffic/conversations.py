"""Conversations: which packets have the same two ends and protocol, and what is kept of those that
go on in a later part of a capture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.acquisition.traffic.flow_state import NAMES, Flows
from apps.acquisition.traffic.packets import Ints, Mask, Packets

Keys = NDArray[np.uint64]
"""uint64[N, 6]: the lower end's address (2), the higher end's (2), both ports and the protocol, and
the epoch of the clock."""

_WIDTH = 48  # bytes of a key
_FACTOR = np.uint64(0x9E37_79B9_7F4A_7C15)


def keys_of(packets: Packets, epoch: Ints) -> tuple[Keys, Mask]:
    """The conversation of each packet, and whether the lower end sent it."""
    a, b = packets.source, packets.destination
    a_port, b_port = packets.source_port, packets.destination_port
    low = (a[:, 1] < b[:, 1]) | ((a[:, 1] == b[:, 1]) & (a_port <= b_port))
    low = (a[:, 0] < b[:, 0]) | ((a[:, 0] == b[:, 0]) & low)
    keys = np.empty((len(packets), 6), np.uint64)
    keys[:, :2] = np.where(low[:, None], a, b)
    keys[:, 2:4] = np.where(low[:, None], b, a)
    ports = np.where(low, a_port, b_port).astype(np.uint64) << np.uint64(16)
    ports |= np.where(low, b_port, a_port)
    keys[:, 4] = ports << np.uint64(8) | packets.protocol
    keys[:, 5] = epoch
    return keys, low


def protocol_of(keys: Keys) -> Ints:
    return (keys[:, 4] & np.uint64(0xFF)).astype(np.int64)


def ports_of(keys: Keys) -> tuple[Ints, Ints]:
    """Of the lower and of the higher end."""
    ports = (keys[:, 4] >> np.uint64(8)).astype(np.int64)
    return ports >> 16, ports & 0xFFFF


def gathered(keys: Keys) -> tuple[Ints, Mask]:
    """An order that puts the packets of a conversation together and leaves them in their order, and
    where, so ordered, a conversation begins."""
    n = len(keys)
    digest = keys[:, 0].copy()
    for column in keys.T[1:]:
        digest ^= digest >> np.uint64(29)
        digest *= _FACTOR
        digest += column
    digest ^= digest >> np.uint64(32)
    digest *= _FACTOR
    row = np.uint64((1 << n.bit_length()) - 1)
    both = np.sort(digest & ~row | np.arange(n, dtype=np.uint64))
    order = (both & row).astype(np.int64)
    begins = np.ones(n, np.bool_)
    begins[1:] = (both[1:] & ~row) != (both[:-1] & ~row)
    if not _apart(keys, order, begins):  # two conversations with one digest
        order = np.lexsort(keys.T)
        begins[1:] = np.any(keys[order[1:]] != keys[order[:-1]], axis=1)
    return order, begins


def _apart(keys: Keys, order: Ints, begins: Mask) -> bool:
    """Whether the rows between two beginnings are all of one conversation."""
    inside = np.flatnonzero(~begins)
    return bool((keys[order[inside]] == keys[order[inside - 1]]).all())


def names_of(keys: Keys) -> list[bytes]:
    raw = keys.tobytes()
    return [raw[at : at + _WIDTH] for at in range(0, len(raw), _WIDTH)]


def keys_named(names: list[bytes]) -> Keys:
    return np.frombuffer(b"".join(names), np.uint64).reshape(-1, 6)


class Conversations:
    """What is kept of conversations, one slot each.

    Attributes:
        flows: the state of the last flow of each.
        used, live: bool, of each slot whether it holds one, and whether its last flow is open.
        protocol, epoch: int64, of each slot.
    """

    def __init__(self) -> None:
        self.flows = Flows(np.zeros((len(NAMES), 0), np.int64))
        self.used, self.live = np.zeros(0, np.bool_), np.zeros(0, np.bool_)
        self.protocol, self.epoch = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._names: list[bytes] = []
        self._slot: dict[bytes, int] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._slot)

    def find(self, names: list[bytes]) -> Ints:
        """The slot of each conversation, -1 where there is none."""
        slot = self._slot.get
        return np.array([slot(name, -1) for name in names], np.int64)

    def names(self, slots: Ints) -> list[bytes]:
        return [self._names[slot] for slot in slots.tolist()]

    def keep(self, names: list[bytes], slots: Ints, flows: Flows) -> None:
        """Keep the open flows of conversations, in new slots where they have none (-1)."""
        new = np.flatnonzero(slots < 0)
        if len(new):
            slots = slots.copy()
            slots[new] = self._allot([names[row] for row in new.tolist()])
            keys = keys_named([names[row] for row in new.tolist()])
            self.protocol[slots[new]] = protocol_of(keys)
            self.epoch[slots[new]] = keys[:, 5].astype(np.int64)
        self.flows.table[:, slots] = flows.table
        self.used[slots] = self.live[slots] = True

    def _allot(self, names: list[bytes]) -> list[int]:
        if len(names) > len(self._free):
            self._grow(max(len(names) - len(self._free), len(self.used) // 4, 1_024))
        slots = self._free[-len(names) :]
        del self._free[-len(names) :]
        for name, slot in zip(names, slots, strict=True):
            self._slot[name] = slot
            self._names[slot] = name
        return slots

    def _grow(self, by: int) -> None:
        size = len(self.used)
        more = np.zeros((len(NAMES), by), np.int64)
        self.flows = Flows(np.concatenate([self.flows.table, more], axis=1))
        self.used, self.live = np.append(self.used, more[0] > 0), np.append(self.live, more[0] > 0)
        self.protocol = np.append(self.protocol, more[0])
        self.epoch = np.append(self.epoch, more[0])
        self._names += [b""] * by
        self._free += range(size + by - 1, size - 1, -1)

    def forget(self, slots: Ints) -> None:
        self.used[slots] = self.live[slots] = False
        for slot in slots.tolist():
            del self._slot[self._names[slot]]
            self._names[slot] = b""
            self._free.append(slot)
