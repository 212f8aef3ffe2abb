"""What exporters of NetFlow v9 and IPFIX teach: templates, without which their data says nothing.

They tell them every few minutes, so a batch begins with what was told before. Pure: datagrams in,
datagrams out, without the flows, so that none is counted twice.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from apps.acquisition.traffic.netflow import pack, unpack

_MOST = 1024  # sets kept of one exporter
_LARGEST = 256 * 1024  # bytes of them

Key = tuple[int, int, int, int]  # version, domain, set, first template in it


class Lessons:
    """The sets one exporter taught with, the newest last."""

    def __init__(self, taught: bytes = b"") -> None:
        self._sets: dict[Key, bytes] = {}
        self._options: set[tuple[int, int, int]] = set()  # version, domain, template
        self._size = 0
        for datagram in unpack(taught):
            self.learn(datagram)

    def learn(self, datagram: bytes) -> bool:
        """Whether the datagram taught a new template. Never raises."""
        new = False
        try:
            for key, lesson in self._lessons(datagram):
                new |= key[3] > 0 and self._sets.get(key) != lesson
                self._keep(key, lesson)
        except struct.error:
            pass  # cut short: what stands before it counts
        return new

    @property
    def taught(self) -> bytes:
        """Datagrams of templates alone, packed as a batch begins with them."""
        return pack(self._sets.values())

    def _keep(self, key: Key, lesson: bytes) -> None:
        self._size -= len(self._sets.pop(key, b""))
        self._sets[key] = lesson
        self._size += len(lesson)
        while len(self._sets) > _MOST or self._size > _LARGEST:
            self._size -= len(self._sets.pop(next(iter(self._sets))))

    def _lessons(self, datagram: bytes) -> Iterator[tuple[Key, bytes]]:
        """The sets that teach, each in a datagram of its own."""
        version = int.from_bytes(datagram[:2], "big")
        if version not in (9, 10):
            return
        at = 20 if version == 9 else 16
        (domain,) = struct.unpack_from(">I", datagram, at - 4)
        plain, options = (0, 1) if version == 9 else (2, 3)
        while at + 4 <= len(datagram):
            number, length = struct.unpack_from(">HH", datagram, at)
            if length < 4 or at + length > len(datagram):
                return
            part = datagram[at : at + length]
            if number in (plain, options) and length >= 8:
                (first,) = struct.unpack_from(">H", part, 4)
                if number == options:
                    self._options.add((version, domain, first))
                yield (version, domain, number, first), _alone(version, domain, part)
            elif (version, domain, number) in self._options:  # when it was booted, and such
                yield (version, domain, number, 0), _alone(version, domain, part)
            at += length


def _alone(version: int, domain: int, part: bytes) -> bytes:
    """A datagram of one set. It has no clock: only flows need one."""
    if version == 9:
        return struct.pack(">HHIIII", 9, 1, 0, 0, 0, domain) + part
    return struct.pack(">HHIII", 10, 16 + len(part), 0, 0, domain) + part
