"""How what came is made durable: deliveries, committed together, small ones gathered into batches.

A large delivery is a batch of its own, sealed in the commit that stores it. Small ones of one
source, protocol, host and file wait as `Piece`s of an open batch, which is closed and sealed
about a second later; they are as durable as the others from their commit on. See
docs/decisions/0008-deliveries-share-commits-and-batches.md.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import zstandard
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from psycopg import errors

from apps.acquisition import copying, documents, journal_export, plain_text, reading
from apps.acquisition.models import Batch, BatchContent, Delivery, Piece, Source
from apps.protection.services import seal_many

GATHERED = ("lines", *reading.CUT)
"""Protocols whose small bodies may share a batch."""

_TRIES = 5
_MOST_ITEMS = 100_000  # of a gathered batch: it is parsed in one go
_UNFOLDED = 8  # times its bytes, once labels that were said once stand in each document
_BEHIND = 4  # closed batches that may wait before open ones are left open longer
_LINE = re.compile(rb"[^\s][^\n]*")

Name = tuple[int, bytes]
"""What tells deliveries apart: source and key."""

Group = tuple[int, str, str, str]
"""What deliveries of one open batch have in common: source, protocol, file name, host name."""


class KeyReused(ValueError):
    """The sender gave a key to one content that it had given to another."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery: its batch and place there, and whether it had not come before.

    `start` and `size` are bytes, `first` is the `event.sequence` of its first item.
    """

    batch: Batch
    is_new: bool
    start: int = 0
    size: int = 0
    first: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery that is ready to be stored. `content` is compressed unless it is gathered.

    `items` is None where they can only be counted by parsing.
    """

    source: Source
    protocol: str
    content: bytes
    size: int
    file_name: str
    host_name: str
    key: bytes
    digest: bytes
    is_named: bool
    items: int | None
    unfolded: int  # bytes its documents take once they are cut apart
    is_gathered: bool

    @property
    def name(self) -> Name:
        return self.source.pk, self.key

    @property
    def group(self) -> Group:
        return self.source.pk, self.protocol, self.file_name, self.host_name


@dataclass(slots=True)
class Open:
    """An open batch of this process. `items` are the sequence numbers taken so far."""

    batch: Batch
    closes_at: float  # on the clock of time.monotonic
    size: int = 0
    unfolded: int = 0
    items: int = 0
    is_ended: bool = True  # the last line has its line end

    def takes(self, arrival: Arrival) -> bool:
        most = settings.TOCSIN["gather_bytes"]
        return (
            self.size + arrival.size <= most
            and self.unfolded + arrival.unfolded <= _UNFOLDED * most
            and self.items < _MOST_ITEMS
        )


@dataclass(slots=True)
class Gathering:
    """The open batches of one process: those that may grow, and when each is to be closed."""

    open: dict[Group, Open] = field(default_factory=dict)
    due: dict[UUID, float] = field(default_factory=dict)

    def prolong(self, now: float) -> None:
        """Leaves what is due open for longer while closed batches wait to be parsed: fewer and
        larger ones take less time, so that many small sources cannot outrun the workers."""
        longest, more = settings.TOCSIN["gather_longest"], settings.TOCSIN["gather_seconds"]
        due = [
            one.batch.pk
            for one in self.open.values()
            if 0 < self.due.get(one.batch.pk, 0.0) <= now < one.closes_at + longest
        ]
        if due and is_behind():
            self.due |= dict.fromkeys(due, now + more)

    def forget(self, batch_id: UUID) -> None:
        """A batch that is closed grows no more."""
        self.due.pop(batch_id, None)
        self.open = {group: one for group, one in self.open.items() if one.batch.pk != batch_id}


# ── The door for everyone ────────────────────────────────────────────────────────────────


def receive(
    *,
    source: Source,
    protocol: str,
    content: bytes,
    file_name: str = "",
    host_name: str = "",
    key: str = "",
) -> Receipt:
    """Store and seal what a source sent, as a batch of its own. When this returns, it is durable.

    `protocol` is one of `reading.PROTOCOLS`, or "auto" to find out. What came before, by its `key`
    or else by its content, adds nothing: the receipt is that of the first time. Raises ValueError
    (or a child: `reading.Unreadable`, `KeyReused`) for an unknown protocol, empty content, or a
    key that named another content.
    """
    arrival = arrive(
        source=source,
        protocol=protocol,
        content=content,
        file_name=file_name,
        host_name=host_name,
        key=key,
    )
    outcome = commit([arrival])[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def arrive(
    *,
    source: Source,
    protocol: str,
    content: bytes,
    file_name: str = "",
    host_name: str = "",
    key: str = "",
    found: documents.Documents | None = None,
    gather: bool = False,
) -> Arrival:
    """What came, made ready for its commit. `found`: the documents in it, where it was cut;
    `gather`: where it is small, it may share a batch. Raises as `receive` does."""
    if protocol == "auto":
        content, protocol = reading.recognise(content)
    if protocol == "lines" and journal_export.is_export(content):
        protocol = "journal"
    if protocol not in reading.PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}")
    if not content and protocol != "file":
        raise reading.Unreadable("The content is empty.")
    if reason := reading.overfull(content, protocol):
        raise reading.Unreadable(reason)
    items = found.items if found else None
    # UTF-16 cannot be joined with other deliveries by a line end
    if protocol == "lines" and not plain_text.wide_encoding(content):
        items = len(_LINE.findall(content))
    unfolded = max(len(content), found.size if found else 0)
    file_name = _short(file_name)
    host_name = _short(host_name) or source.host_name
    digest = hashlib.sha256(content).digest()
    small = len(content) < settings.TOCSIN["gather_below"]
    small = small and unfolded < _UNFOLDED * settings.TOCSIN["gather_below"]
    gather = gather and small and items is not None and protocol in GATHERED
    return Arrival(
        source=source,
        protocol=protocol,
        content=content if gather else zstandard.compress(content, 3),
        size=len(content),
        file_name=file_name,
        host_name=host_name,
        key=named_key(key) if key else content_key(protocol, file_name, host_name, digest),
        digest=digest,
        is_named=bool(key),
        items=items,
        unfolded=unfolded,
        is_gathered=gather,
    )


def content_key(protocol: str, file_name: str, host_name: str, digest: bytes) -> bytes:
    """The key of a delivery whose sender gave it none."""
    names = "\0".join((protocol, file_name, host_name)).encode()
    return hashlib.sha256(b"content\0" + names + b"\0" + digest).digest()


def named_key(key: str) -> bytes:
    return hashlib.sha256(b"named\0" + key.encode("utf-8", "surrogatepass")).digest()


def _short(name: str) -> str:
    return name.encode("utf-8", "replace").decode().replace("\0", "")[-255:]


# ── Committing ───────────────────────────────────────────────────────────────────────────


class _Raced(Exception):
    """Another process stored one of these deliveries at the same moment."""


def commit(
    arrivals: Sequence[Arrival], gathering: Gathering | None = None
) -> list[Receipt | Exception]:
    """Makes deliveries durable in one transaction; one outcome for each, in their order.

    What the database refuses is narrowed down to the delivery at fault, which costs only itself.
    Raises OperationalError where the database is away: then nothing is stored.
    """
    fault: Exception
    for _ in range(_TRIES):
        try:
            return _commit(arrivals, gathering or Gathering())
        except _Raced as raced:
            fault = raced
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.DeadlockDetected):
                raise
            fault = error
        except Exception as error:
            fault = error
            break
    if len(arrivals) == 1:
        return [fault]
    half = len(arrivals) // 2
    return commit(arrivals[:half], gathering) + commit(arrivals[half:], gathering)


def _commit(arrivals: Sequence[Arrival], gathering: Gathering) -> list[Receipt | Exception]:
    with transaction.atomic():
        now = timezone.now()
        known = _known(arrivals, now)
        fresh: dict[Name, Arrival] = {}
        for arrival in arrivals:
            fresh.setdefault(arrival.name, arrival)
        plan = _Plan(now, _still_open(fresh.values(), gathering))
        for name, arrival in fresh.items():
            if name not in known:
                known[name] = plan.place(arrival), arrival.digest if arrival.is_named else None
        plan.write()
        outcomes: list[Receipt | Exception] = []
        again: list[tuple[Arrival, Receipt]] = []
        for arrival in arrivals:
            receipt, named = known[arrival.name]
            if named is not None and named != arrival.digest:
                reason = "This key came before with another content: each needs a key of its own."
                outcomes.append(KeyReused(reason))
            elif receipt.is_new and fresh[arrival.name] is arrival:
                outcomes.append(receipt)
            else:
                receipt = replace(receipt, is_new=False)
                again.append((arrival, receipt))
                outcomes.append(receipt)
        doubled = _count_again(again)
        _count_in(arrivals, doubled, now)
        seal_many(kind="batch", digests={str(b.pk): b.digest for b in plan.closed})
    plan.settle(gathering)
    return outcomes


def _known(arrivals: Sequence[Arrival], now: datetime) -> dict[Name, tuple[Receipt, bytes | None]]:
    """The receipts of those that came before, each with the digest its key stands for."""
    query = Delivery.objects.extra(where=["key = ANY(%s)"], params=[[a.key for a in arrivals]])
    wanted = {arrival.name for arrival in arrivals}
    found = [d for d in query if (d.source_id, bytes(d.key)) in wanted]
    over = [d.pk for d in found if d.received_at < now - holds(is_named=d.digest is not None)]
    if over:
        Delivery.objects.filter(pk__in=over).delete()
        found = [d for d in found if d.pk not in set(over)]
    batches = Batch.objects.in_bulk({d.batch_id for d in found}) if found else {}
    return {
        (d.source_id, bytes(d.key)): (
            Receipt(batches[d.batch_id], False, d.start, d.size, d.first),
            None if d.digest is None else bytes(d.digest),
        )
        for d in found
    }


def _still_open(arrivals: Iterable[Arrival], gathering: Gathering) -> dict[Group, Open]:
    """The open batches these could join, held so that nobody closes them now."""
    groups = {a.group for a in arrivals if a.is_gathered} & gathering.open.keys()
    if not groups:
        return {}
    wanted = {group: gathering.open[group] for group in groups}
    held = Batch.objects.filter(
        pk__in=[one.batch.pk for one in wanted.values()], state=Batch.State.OPEN
    )
    ids = set(held.order_by("pk").select_for_update().values_list("pk", flat=True))
    return {group: replace(one) for group, one in wanted.items() if one.batch.pk in ids}


class _Plan:
    """Where the deliveries of one commit go."""

    def __init__(self, now: datetime, still_open: dict[Group, Open]) -> None:
        self.now, self.open = now, still_open
        self.closed: list[Batch] = []
        self._contents: list[tuple[UUID, bytes]] = []
        self._opened: list[Open] = []
        self._full: list[Open] = []
        self._bodies: dict[UUID, list[bytes]] = {}
        self._rows: list[tuple[Any, ...]] = []

    def place(self, arrival: Arrival) -> Receipt:
        receipt = self._gather(arrival) if arrival.is_gathered else self._alone(arrival)
        self._rows.append(
            (
                arrival.source.pk,
                arrival.key,
                arrival.digest if arrival.is_named else None,
                receipt.batch.pk,
                receipt.start,
                receipt.size,
                receipt.first,
            )
        )
        return receipt

    def _alone(self, arrival: Arrival) -> Receipt:
        batch = self._batch(arrival, Batch.State.RECEIVED)
        batch.digest, batch.size = arrival.digest.hex(), arrival.size
        self.closed.append(batch)
        self._contents.append((batch.pk, arrival.content))
        return Receipt(batch, True, 0, arrival.size, 0)

    def _gather(self, arrival: Arrival) -> Receipt:
        one = self.open.get(arrival.group)
        if one is None or not one.takes(arrival):
            if one is not None:
                self._full.append(one)
            closes_at = time.monotonic() + settings.TOCSIN["gather_seconds"]
            one = Open(self._batch(arrival, Batch.State.OPEN), closes_at)
            self.open[arrival.group] = one
            self._opened.append(one)
        body, taken = arrival.content, arrival.items or 0
        bodies = self._bodies.setdefault(one.batch.pk, [])
        if arrival.protocol == "lines":  # a line is never glued to that of another delivery
            if not one.is_ended:
                bodies.append(b"\n")
                one.size += 1
            one.is_ended = body.endswith(b"\n")
            taken = body.count(b"\n") + (not one.is_ended)
        receipt = Receipt(one.batch, True, one.size, arrival.size, one.items)
        bodies.append(body)
        one.size += arrival.size
        one.unfolded += arrival.unfolded
        one.items += taken
        return receipt

    def _batch(self, arrival: Arrival, state: Batch.State) -> Batch:
        return Batch(
            source=arrival.source,
            protocol=arrival.protocol,
            file_name=arrival.file_name,
            host_name=arrival.host_name,
            received_at=self.now,
            state=state,
        )

    def write(self) -> None:
        Batch.objects.bulk_create([*self.closed, *(one.batch for one in self._opened)])
        if self._contents:
            kinds = {"batch_id": "uuid", "content": "bytea"}
            copying.put_rows(BatchContent._meta.db_table, kinds, self._contents)
        if self._bodies:
            kinds = {"batch_id": "uuid", "content": "bytea", "sizes": "int4[]"}
            rows = (
                (batch, zstandard.compress(b"".join(bodies), 1), [len(body) for body in bodies])
                for batch, bodies in self._bodies.items()
            )
            copying.put_rows(Piece._meta.db_table, kinds, rows)
        self._write_deliveries()

    def _write_deliveries(self) -> None:
        if not self._rows:
            return
        statement = (
            f"INSERT INTO {Delivery._meta.db_table}"  # noqa: S608 - names of ours
            " (source_id, key, digest, batch_id, start, size, first, received_at, repeats)"
            " SELECT *, %s, 0 FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[], %s::uuid[],"
            " %s::bigint[], %s::bigint[], %s::bigint[]) ON CONFLICT (key, source_id) DO NOTHING"
        )
        ordered = sorted(self._rows, key=lambda row: row[1])  # two processes never wait crosswise
        columns = [list(column) for column in zip(*ordered, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(statement, [self.now, *columns])
            if cursor.rowcount < len(ordered):
                raise _Raced

    def settle(self, gathering: Gathering) -> None:
        """What was planned is committed: this process's open batches are now these."""
        gathering.open.update(self.open)
        for one in self._opened:
            gathering.due[one.batch.pk] = one.closes_at
        for one in self._full:
            gathering.due[one.batch.pk] = 0.0


def _count_again(again: Sequence[tuple[Arrival, Receipt]]) -> Counter[int]:
    """Counts repetitions; returns the items they would have added, by source.

    Of a batch whose items nobody has counted yet, `count_items` catches up from `repeats`.
    """
    doubled: Counter[int] = Counter()
    if not again:
        return doubled
    whole = {receipt.batch.pk for arrival, receipt in again if arrival.items is None}
    held = Batch.objects.filter(pk__in=whole).order_by("pk").select_for_update()
    items = dict(held.values_list("pk", "items")) if whole else {}
    for arrival, receipt in again:
        if arrival.items is None:
            Batch.objects.filter(pk=receipt.batch.pk).update(repeats=F("repeats") + 1)
        doubled[arrival.source.pk] += (
            items[receipt.batch.pk] if arrival.items is None else arrival.items
        )
    times = Counter(arrival.name for arrival, _receipt in again)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Delivery._meta.db_table} AS d SET repeats = d.repeats + again.times"  # noqa: S608
            " FROM unnest(%s::bigint[], %s::bytea[], %s::bigint[]) AS again (source, key, times)"
            " WHERE d.source_id = again.source AND d.key = again.key",
            [[s for s, _ in times], [key for _, key in times], list(times.values())],
        )
    return doubled


def _count_in(arrivals: Sequence[Arrival], doubled: Mapping[int, int], now: datetime) -> None:
    sizes: Counter[int] = Counter()
    for arrival in arrivals:
        sizes[arrival.source.pk] += arrival.size
    today = now.date()
    for source_id, size in sorted(sizes.items()):
        Source.objects.filter(pk=source_id).update(
            last_seen_at=now,
            doubled=F("doubled") + doubled.get(source_id, 0),
            day=today,
            day_bytes=Case(When(day=today, then=F("day_bytes") + size), default=Value(size)),
        )


# ── Closing ──────────────────────────────────────────────────────────────────────────────


def close(batch_ids: Iterable[UUID]) -> list[UUID]:
    """Closes open batches: their pieces become their content, sealed. Returns those that were
    closed by this call; of two that close at once, one does it."""
    return [batch_id for batch_id in batch_ids if _close(batch_id)]


@transaction.atomic
def _close(batch_id: UUID) -> bool:
    waiting = Batch.objects.select_for_update().filter(pk=batch_id, state=Batch.State.OPEN)
    batch = waiting.first()
    if batch is None:
        return False
    bodies, sizes = [], []
    for piece in batch.pieces.order_by("pk"):
        bodies.append(zstandard.decompress(piece.content))
        sizes += piece.sizes
    content = b"".join(bodies)
    batch.digest, batch.size = hashlib.sha256(content).hexdigest(), len(content)
    batch.state = Batch.State.RECEIVED
    batch.save(update_fields=["digest", "size", "state"])
    kinds = {"batch_id": "uuid", "content": "bytea", "sizes": "int4[]"}
    cut = sizes if batch.protocol in reading.CUT and len(sizes) > 1 else None
    row = (batch.pk, zstandard.compress(content, 3), cut)
    copying.put_rows(BatchContent._meta.db_table, kinds, [row])
    Piece.objects.filter(batch=batch)._raw_delete(using="default")
    seal_many(kind="batch", digests={str(batch.pk): batch.digest})
    return True


def is_behind() -> bool:
    """Whether the workers are slower than what comes: several closed batches wait for them."""
    waits = Batch.objects.filter(state=Batch.State.RECEIVED, claimed_at=None).order_by()
    return waits[: _BEHIND + 1].count() > _BEHIND


def close_overdue() -> list[UUID]:
    """Closes what a process left open that was killed. Returns the batches closed."""
    patience = timedelta(seconds=5 + 2 * settings.TOCSIN["gather_seconds"])
    left = Batch.objects.filter(state=Batch.State.OPEN, received_at__lt=timezone.now() - patience)
    return close(left.order_by("received_at").values_list("pk", flat=True)[:1000])


# ── Forgetting ───────────────────────────────────────────────────────────────────────────


def holds(*, is_named: bool) -> timedelta:
    """How long a delivery is known again, by a key of its sender's or by its content."""
    return timedelta(seconds=settings.TOCSIN["named_keys" if is_named else "content_keys"])


def forget_keys() -> int:
    """Deletes the deliveries whose keys hold no more; returns how many."""
    now = timezone.now()
    over = Q(digest=None, received_at__lt=now - holds(is_named=False))
    over |= Q(received_at__lt=now - holds(is_named=True))
    total = 0
    while True:
        few = Delivery.objects.filter(over).values_list("pk", flat=True)[:20_000]
        gone, _ = Delivery.objects.filter(pk__in=list(few)).delete()
        total += gone
        if not gone:
            return total
