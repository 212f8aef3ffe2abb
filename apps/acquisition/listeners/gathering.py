"""What came in and is not stored yet: gathered by source and host, bounded in all. Pure.

A line is not worth a transaction: what comes within about a second becomes one batch.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID, uuid4

PARCEL = 1024 * 1024
"""Bytes at which a parcel is sent on without waiting."""

LINGER = 1.0
"""Seconds a parcel waits for more of its kind."""

_PER_SECOND = 8
"""Parcels that are sent on in a second where many hosts send little: each costs a whole pipeline."""
_LONGEST_LINGER = 30.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What may share a batch: of one source, one protocol and one host ("" where its lines or its
    source name the host). `exporter` keeps the flows of two exporters apart."""

    source_id: int
    protocol: str
    host: str = ""
    exporter: str = ""


@dataclass(slots=True)
class Parcel:
    """The content of a batch to be. Its key makes storing it twice harmless."""

    kind: Kind
    since: float
    key: UUID = field(default_factory=uuid4)
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)


class Gathering:
    """Parcels being filled and parcels being stored; both count against `most` bytes, of which
    one source may hold half."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = 0
        self.accepted: Counter[int] = Counter()  # messages by source, since last taken
        self.dropped: Counter[int] = Counter()
        self._open: dict[Kind, Parcel] = {}
        self._held: Counter[int] = Counter()  # bytes by source

    @property
    def full(self) -> bool:
        return self.size >= self.most

    @property
    def roomy(self) -> bool:
        """Enough was stored for paused senders to go on."""
        return self.size <= self.most * 3 // 4

    def may_send(self, source_id: int) -> bool:
        return not self.full and self._held[source_id] < self.most // 2

    def is_open(self, kind: Kind) -> bool:
        """Whether a parcel of this kind is being filled."""
        return kind in self._open

    def add(self, kind: Kind, piece: bytes, count: int, now: float) -> Parcel | None:
        """Keeps messages; returns a parcel that is full.

        Never refuses: a stream is paused before, and datagrams are asked about by `may_send`.
        """
        parcel = self._open.get(kind)
        if parcel is None:
            parcel = self._open[kind] = Parcel(kind, now)
        parcel.pieces.append(piece)
        parcel.size += len(piece)
        self.size += len(piece)
        self._held[kind.source_id] += len(piece)
        self.accepted[kind.source_id] += count
        return self._open.pop(kind) if parcel.size >= PARCEL else None

    def drop(self, source_id: int, count: int) -> None:
        self.dropped[source_id] += count

    def due(self, now: float, *, everything: bool = False) -> list[Parcel]:
        """The parcels that have waited long enough, the oldest first."""
        linger = min(max(LINGER, len(self._open) / _PER_SECOND), _LONGEST_LINGER)
        ripe = [
            parcel for parcel in self._open.values() if everything or now - parcel.since >= linger
        ]
        for parcel in ripe:
            del self._open[parcel.kind]
        return sorted(ripe, key=lambda parcel: parcel.since)

    def stored(self, parcel: Parcel) -> None:
        """A parcel that is durable no longer takes room."""
        self.size -= parcel.size
        self._held[parcel.kind.source_id] -= parcel.size
        if not self._held[parcel.kind.source_id]:
            del self._held[parcel.kind.source_id]

    def take_counts(self) -> tuple[Counter[int], Counter[int]]:
        """Messages accepted and dropped by source since the last time."""
        taken = self.accepted, self.dropped
        self.accepted, self.dropped = Counter(), Counter()
        return taken
