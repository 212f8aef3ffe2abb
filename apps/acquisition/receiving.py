"""How what came is made durable: deliveries, committed together, small ones gathered into batches.

A large delivery is a batch of its own, sealed in the commit that stores it. Small ones of one
source, protocol, host and file wait as `Piece`s of an open batch, which is closed and sealed
about a second later; they are as durable as the others from their commit on. See
docs/decisions/0010-deliveries-share-commits-and-batches.md.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import zstandard
from django.conf import settings
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from psycopg import errors

from apps.acquisition import copying
from apps.acquisition.arrivals import Arrival, Group, KeyReused, Name, Receipt, arrive
from apps.acquisition.models import Batch, BatchContent, Delivery, Piece, Source
from apps.acquisition.open_batches import Gathering, Open
from apps.protection.services import seal_many

_TRIES = 5


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


def is_refused_for_ever(error: BaseException) -> bool:
    """Whether the database refused a delivery for what it is, and would do so again: values out of
    range, constraints, triggers, limits. All else passes, or is put right by the operator."""
    state = getattr(error.__cause__, "sqlstate", None) or ""  # PostgreSQL, Appendix A: error codes
    return isinstance(error, DataError | IntegrityError) or state.startswith(("P0", "44", "54"))


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
            fault = error
            if is_refused_for_ever(error):
                break
            if not isinstance(error.__cause__, errors.DeadlockDetected):
                raise
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
            if named is not None and (named != arrival.digest or not _is_same(arrival, receipt)):
                reason = (
                    "This key came before with another content or other names: "
                    "each needs a key of its own."
                )
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


def _is_same(arrival: Arrival, receipt: Receipt) -> bool:
    """Whether a delivery says of itself what the first of its key said."""
    batch = receipt.batch
    return arrival.group[1:] == (batch.protocol, batch.file_name, batch.host_name)


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
