"""Search in records: newest first by the time of the event, page by page.

A page is found in two steps. The newest records are looked through as they stand in the index of
times: a common word fills the page at once. Where it does not, the filters of the blocks say which
blocks may hold what is asked (`words`), and those are read, the newest first, until no block left
could hold anything newer than what was found. Records without a time come last, newest ids first.

Reading stops when its time is up: the page then says how far back it has looked, and its cursor
goes on from there, with what was found and may still be preceded by something.
"""

# ruff: noqa: S608 - the queries are put together from names and numbers of ours

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from django.db import OperationalError, connection, transaction

from apps.acquisition.models import Block, Record
from apps.acquisition.questions import Conditions, Question

SECONDS = 0.5
"""How long a page looks, about: the blocks it is at are read to their end."""
PROBE = 2000
"""Records looked through in the order of their time before the filters are asked."""
EXAMINED = 5000
"""Filters asked in one query."""
MOST = 200
"""Records of a page at most."""

_CHUNKS = (2, 24)  # blocks read at once, at first and at most
_TIMEOUT = "5s"  # of one statement, whatever happens
_RECORDS, _BLOCKS = Record._meta.db_table, Block._meta.db_table
_NEVER = datetime.min.replace(tzinfo=UTC)
_END = (datetime.max.replace(tzinfo=UTC), 2**63 - 1)

Key = tuple[datetime, int]
"""(time, id) of a record, `_NEVER` where it has no time: in this order, backwards, they are shown."""


UNTIMED = f"~{_END[1]}"
"""The cursor at which the records without a time begin."""


class TooWide(Exception):
    """The database could not answer in time: the question needs a narrower time."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records, newest first. `after` asks for what comes next, and is empty at the end.

    `stopped`: the time was up before the page was full; then everything newer than `reached` was
    looked through (None: all that have a time).
    """

    records: list[Record]
    after: str
    stopped: bool = False
    reached: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to go on: below a record; and where blocks were being read, below that block, with
    what was found and was not shown."""

    below: Key = _END
    block: Key | None = None
    found: tuple[int, ...] = ()

    @classmethod
    def read(cls, text: str) -> Cursor:
        """ValueError where `text` was not given by a page before."""
        if not text:
            return cls()
        parts = text.split("~")
        if len(parts) == 2:
            return cls(_key(*parts))
        if len(parts) != 5:
            raise ValueError("not a cursor of a page before")
        found = tuple(int(number) for number in parts[4].split(",") if number)
        if len(found) > MOST:
            raise ValueError("not a cursor of a page before")
        return cls(_key(*parts[:2]), _key(*parts[2:4]), found)

    def __str__(self) -> str:
        told = _told(self.below)
        if self.block is None:
            return told
        return f"{told}~{_told(self.block)}~{','.join(map(str, self.found))}"


def _key(time: str, number: str) -> Key:
    at = datetime.fromisoformat(time) if time else _NEVER
    if at.tzinfo is None or not 0 <= int(number) < 2**63:
        raise ValueError("not a cursor of a page before")
    return at, int(number)


def _told(key: Key) -> str:
    return f"{key[0].isoformat() if key[0] > _NEVER else ''}~{key[1]}"


# ── The page ─────────────────────────────────────────────────────────────────────────────


def find(question: Question, *, after: str = "", limit: int = 50, seconds: float = SECONDS) -> Page:
    """The records that a question asks for, `limit` at a time.

    ValueError where `after` was not given by a page before, an address is none, or there are too
    many words. TooWide where the database needs too long.
    """
    cursor = Cursor.read(after)
    walk = _Walk(question, min(limit, MOST), monotonic() + seconds)
    with _bounded():
        walk.hits = _keys(cursor.found)
        if cursor.below[0] > _NEVER:
            walk.down(cursor, timed=True)
            cursor = Cursor((_NEVER, _END[1]))
        if not walk.is_done and question.since is None and question.until is None:
            walk.down(cursor, timed=False)
    shown, after = walk.page()
    stopped = walk.stopped is not None
    reached = walk.stopped[0] if walk.stopped and walk.stopped[0] > _NEVER else None
    return Page(_records([number for _, number in shown]), after, stopped, reached)


def has_untimed() -> bool:
    """Whether any record has no time."""
    return Record.objects.filter(timestamp=None).exists()


def _records(ids: Sequence[int]) -> list[Record]:
    found = Record.objects.filter(pk__in=ids).select_related("batch__source")
    rows = {record.pk: record for record in found.defer("tocsin_features")}
    return [rows[number] for number in ids if number in rows]


@contextmanager
def _bounded() -> Iterator[None]:
    """No statement runs for longer than `_TIMEOUT`."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{_TIMEOUT}'; SET LOCAL jit = off")
            yield
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT; SET LOCAL jit TO DEFAULT")
    except OperationalError as late:
        if "statement timeout" in str(late):
            raise TooWide from late
        raise


class _Walk:
    """One page in the making: what was found so far, and why it ended."""

    def __init__(self, question: Question, limit: int, deadline: float) -> None:
        self.question, self.limit, self.deadline = question, limit, deadline
        self.conditions = Conditions.of(question)
        self.hits: list[Key] = []
        self.below = _END  # where the records began that the blocks are read for
        self.at: Key | None = None  # the last block looked at when time was up
        self.stopped: Key | None = None  # nothing above it is missing

    @property
    def is_done(self) -> bool:
        return self.stopped is not None or len(self.hits) > self.limit

    def page(self) -> tuple[list[Key], str]:
        """What to show, and the cursor to go on with."""
        if self.stopped is None:
            shown = self.hits[: self.limit]
            return shown, str(Cursor(shown[-1])) if len(self.hits) > self.limit else ""
        shown = [key for key in self.hits if key > self.stopped]
        rest = tuple(number for _, number in self.hits[len(shown) :])
        return shown, str(Cursor(self.below, self.at, rest))

    def down(self, cursor: Cursor, *, timed: bool) -> None:
        """Looks through the records below the cursor that have a time, or through the others."""
        self.below, at = cursor.below, cursor.block
        if at is None:
            seen, hits = self._probe(timed)
            self._add(hits)
            if self.is_done or len(seen) < self._probed:
                return
            self.below, at = seen[-1], _END
        self._read_blocks(at, timed)

    # The records as they stand in the index of times

    @property
    def _probed(self) -> int:
        return PROBE if self.conditions.asked else self.limit + 1

    def _probe(self, timed: bool) -> tuple[list[Key], list[Key]]:
        bounds, values = self._bounds(timed)
        rows = _ask(
            f'SELECT id, "timestamp", {self.conditions.where} FROM (SELECT * FROM {_RECORDS}'
            f' WHERE {bounds} ORDER BY "timestamp" DESC NULLS LAST, id DESC LIMIT %s) AS newest',
            [*self.conditions.parameters, *values, self._probed],
        )
        keys = [(at or _NEVER, number) for number, at, _ in rows]
        return keys, [key for key, row in zip(keys, rows, strict=True) if row[2]]

    def _bounds(self, timed: bool) -> tuple[str, list[Any]]:
        """Of the records to look through: below the cursor and within the question's time."""
        at, number = self.below
        if not timed:
            return '"timestamp" IS NULL AND id < %s', [number]
        bounds, values = ['"timestamp" IS NOT NULL'], []
        if self.below != _END:
            bounds, values = ['("timestamp", id) < (%s, %s)'], [at, number]
        for bound, value in (("< %s", self.question.until), (">= %s", self.question.since)):
            if value is not None:
                bounds.append(f'"timestamp" {bound}')
                values.append(value)
        return " AND ".join(bounds), values

    # The blocks that may hold something

    def _read_blocks(self, at: Key, timed: bool) -> None:
        read, spent = 0, 0.0
        while True:
            blocks = self._examine(at, timed)
            perhaps = [place for place, block in enumerate(blocks) if block[3]]
            while perhaps:
                size = self._size(read, spent)
                chunk, perhaps = perhaps[:size], perhaps[size:]
                bound = _bound(blocks[chunk[0]])
                if len(self.hits) > self.limit and self.hits[self.limit] > bound:
                    return
                # a page that overflows is finished: what it leaves out could not be carried on
                if read and monotonic() > self.deadline and len(self.hits) <= self.limit:
                    before = chunk[0] - 1
                    self.at = _place(blocks[before]) if before >= 0 else at
                    self.stopped = bound
                    return
                began = monotonic()
                self._add(self._read([blocks[place] for place in chunk], timed))
                read, spent = read + len(chunk), spent + monotonic() - began
            if len(blocks) < EXAMINED:
                return
            at = _place(blocks[-1])
            if monotonic() > self.deadline and len(self.hits) <= self.limit:
                self.at = self.stopped = at
                return

    def _size(self, read: int, seconds: float) -> int:
        """How many blocks to read next: as many as those before promise to be enough, and as the
        time that is left allows."""
        least, most = _CHUNKS
        if not read:
            return least
        enough = most
        if self.hits:
            enough = (self.limit + 1 - len(self.hits)) * read // len(self.hits) + 1
        in_time = int((self.deadline - monotonic()) / (seconds / read + 1e-6))
        return max(least, min(enough, in_time, most, 2 * read))

    def _examine(self, at: Key, timed: bool) -> list[tuple[int, int, datetime | None, bool]]:
        """The next blocks in order: (first record, last record, newest time, may hold it)."""
        if timed:
            where, values = "last_at IS NOT NULL", []
            if at != _END:
                where, values = "(last_at, id) < (%s, %s)", [*at]
            if self.below != _END:
                where += " AND (first_at, id) < (%s, %s)"
                values += [*self.below]
            for bound, value in (
                ("first_at < %s", self.question.until),
                ("last_at >= %s", self.question.since),
            ):
                if value is not None:
                    where += f" AND {bound}"
                    values.append(value)
            order = "last_at DESC, id DESC"
        else:
            where, order = "has_untimed AND id < %s", "id DESC"
            values = [min(at[1], self.below[1])]
        return _ask(
            f"SELECT id, last_record, {'last_at' if timed else 'NULL::timestamptz'},"
            f" {self.conditions.of_block} FROM (SELECT * FROM {_BLOCKS} WHERE {where}"
            f" ORDER BY {order} LIMIT {EXAMINED}) AS next ORDER BY {order}",
            values,
        )

    def _read(self, blocks: Sequence[tuple[Any, ...]], timed: bool) -> list[Key]:
        firsts, lasts = [block[0] for block in blocks], [block[1] for block in blocks]
        bounds, values = self._bounds(timed)
        most = self.limit + 1
        rows = _ask(
            'SELECT kept.id, kept."timestamp" FROM unnest(%s::bigint[], %s::bigint[])'
            f' AS run (first, last) CROSS JOIN LATERAL (SELECT id, "timestamp" FROM {_RECORDS}'
            " WHERE id BETWEEN run.first AND run.last AND id BETWEEN %s AND %s"
            f" AND {bounds} AND {self.conditions.where} OFFSET 0) AS kept"
            ' ORDER BY kept."timestamp" DESC NULLS LAST, kept.id DESC LIMIT %s',
            [firsts, lasts, min(firsts), max(lasts), *values, *self.conditions.parameters, most],
        )
        return [(at or _NEVER, number) for number, at in rows]

    def _add(self, hits: Sequence[Key]) -> None:
        self.hits = sorted({*self.hits, *hits}, reverse=True)[: self.limit + 1]


def _bound(block: tuple[Any, ...]) -> Key:
    """Nothing in this block, or in those after it, comes before that."""
    return block[2] or _NEVER, block[1]


def _place(block: tuple[Any, ...]) -> Key:
    return block[2] or _NEVER, block[0]


def _ask(query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def _keys(ids: Sequence[int]) -> list[Key]:
    rows = Record.objects.filter(pk__in=ids).values_list("timestamp", "pk")
    return sorted(((at or _NEVER, number) for at, number in rows), reverse=True)
