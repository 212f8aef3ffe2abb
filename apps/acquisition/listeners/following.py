"""Files that are followed as they grow: rotated, cut, restarted from where they were left.

A file is known by its inode and by what was read of it (the first bytes, and the last before the
place reached), so that a rotation by renaming, by copying and cutting, and an inode given to
another file are all told apart. Every line comes once: the bytes to send are claimed in the
database first, sent under a key made of the file and their place, and only then passed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from apps.acquisition import limits, listening
from apps.acquisition.listeners import files
from apps.acquisition.listeners.files import Found
from apps.acquisition.listeners.keeping import Delivery, NotTaken, OnBatch, deliver
from apps.acquisition.models import FollowedFile, Source

log = logging.getLogger(__name__)

CHUNK = 4 * 1024 * 1024
"""Bytes sent on at once. A line longer than that is cut there, and rejected piece by piece."""

PATIENCE = 10.0
"""Seconds a last line without an end is waited for."""

RESTING = 300.0
"""Seconds a file that was rotated is watched for late writers."""

SETTLED = 15.0
"""Seconds without a change after which a short file that begins like another is its own."""

MOST_WAITING = 32
"""Batches of a source that wait to be parsed, at which its files are not read on."""

_MARK = 1024  # bytes a fingerprint is made of
_MOST_FILES = 1000  # of one source
_MOST_OPEN = 256
_ROUND = 64 * 1024 * 1024  # bytes of one file before others have their turn


# ── Decisions ────────────────────────────────────────────────────────────────────────────


def whole_lines(data: bytes, *, is_last: bool) -> int:
    """How many of these bytes are to be sent: up to the last line end, or all where nothing will
    be added (`is_last`) or the chunk is full."""
    if is_last or (len(data) >= CHUNK and b"\n" not in data):
        return len(data)
    return data.rfind(b"\n") + 1


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known of the bytes before a place: the first ones, and the last ones."""

    first: str
    last: str


def marks(read: Callable[[int, int], bytes], offset: int) -> Marks:
    """`read` gives (place, size) of a file."""
    size = min(offset, _MARK)
    head, tail = read(0, size), read(offset - size, size)
    if len(head) < size or len(tail) < size:
        return Marks("", "cut")  # it does not reach that far
    return Marks(hashlib.sha256(head).hexdigest(), hashlib.sha256(tail).hexdigest())


def key_of(file: FollowedFile) -> str:
    return f"follow:{file.pk}:{file.offset}"


# ── The work ─────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Open:
    """A followed file in this process."""

    row: FollowedFile
    handle: int | None = None
    grew_at: float = 0.0  # when it was last seen to grow, on our clock
    seen_size: int = -1
    is_matched: bool = True  # its path is one that the source names
    copy_of: _Open | None = None  # nothing of it is read while it is the same as another's bytes

    def read(self, at: int, size: int) -> bytes:
        return b"" if self.handle is None else files.read_at(self.handle, at, size)

    def is_same(self, read: Callable[[int, int], bytes]) -> bool:
        """Whether these bytes begin like what was read of this file."""
        row = self.row
        return not self.place or marks(read, self.place) == Marks(row.head, row.before)

    @property
    def place(self) -> int:
        """Up to where its bytes are known: those that are claimed too."""
        return self.row.offset if self.row.claimed is None else self.row.claimed

    @property
    def is_unread(self) -> bool:
        return not self.place and not self.row.ended

    def begins(self, other: _Open, now: float) -> bool:
        """Whether it has the bytes that were read of another file, or is the beginning of them, as
        a copy is that is still being written. A short beginning is that for a while only."""
        if not other.place or self.handle is None:
            return False
        size = os.fstat(self.handle).st_size
        there = -1 if other.handle is None else os.fstat(other.handle).st_size
        if there < other.place:  # it was just cut, which the next round sees
            return self.copy_of is other or (size >= other.place and other.is_same(self.read))
        if size >= other.place:  # a copy is never longer
            return size <= there and other.is_same(self.read)
        if not size:
            return False
        is_settled = size < _MARK and now - self.grew_at > SETTLED
        return not is_settled and marks(self.read, size) == marks(other.read, size)

    def close(self) -> None:
        if self.handle is not None:
            with suppress(OSError):
                os.close(self.handle)
            self.handle = None


@dataclass
class Follower:
    """All files of all sources on this machine."""

    allowed: Sequence[Path]
    machine: str
    on_batch: OnBatch
    clock: Callable[[], float] = time.monotonic
    troubles: dict[str, str] = field(default_factory=dict)
    _files: dict[int, list[_Open]] = field(default_factory=dict)
    _allowances: limits.Allowances = field(default_factory=limits.Allowances)

    def round(self) -> bool:
        """Looks at every file once; whether something was sent. What fails is tried again."""
        sent = False
        wanted = {row.source_id: row for row in listening.all_listening() if row.files}
        for gone in set(self._files) - set(wanted):
            self._forget(gone)
        for source_id, row in wanted.items():
            try:
                sent |= self._source(row.source, row.files)
            except Exception:
                self._forget(source_id)  # read anew what the database knows
                raise
        return sent

    @property
    def lag(self) -> tuple[int, int]:
        """How many files are followed, and how many bytes of them are not read yet."""
        rows = [one.row for mine in list(self._files.values()) for one in list(mine)]
        return len(rows), sum(row.behind for row in rows)

    def close(self) -> None:
        for source_id in list(self._files):
            self._forget(source_id)

    def _forget(self, source_id: int) -> None:
        for one in self._files.pop(source_id, []):
            one.close()

    def _source(self, source: Source, patterns: Sequence[str]) -> bool:
        if source.pk not in self._files:
            rows = listening.followed(source.pk, self.machine)
            self._files[source.pk] = [_Open(row, grew_at=self.clock()) for row in rows]
        mine = self._files[source.pk]
        found = self._candidates(patterns)
        for one in list(mine):
            if not one.row.ended:
                self._locate(one, mine, found)
        self._adopt_new(source, mine, found)
        for one in mine:  # before one ends
            self._is_copy(one, mine)
        sent, is_late = False, listening.waiting(source.pk) >= MOST_WAITING
        is_late = is_late or self._allowances.pause(source) is not None
        for one in list(mine):
            if not is_late:  # files can wait
                sent |= self._take_all(source, one, mine)
            if one.row.ended:
                one.close()
                mine.remove(one)
        for one in mine[:-_MOST_OPEN]:
            one.close()
        return sent

    def _candidates(self, patterns: Sequence[str]) -> dict[str, Found]:
        found: dict[str, Found] = {}
        for pattern in patterns:
            for each in files.matching(pattern, self.allowed):
                if not files.is_compressed(each.path):
                    found.setdefault(each.identity, each)
        if len(found) > _MOST_FILES:
            self.troubles["files"] = f"more than {_MOST_FILES} files match: the others are left out"
        else:
            self.troubles.pop("files", None)
        return dict(list(found.items())[:_MOST_FILES])

    def _locate(self, one: _Open, mine: list[_Open], found: dict[str, Found]) -> None:
        """Finds where a file is now: in its place, renamed, cut, or gone."""
        row = one.row
        here = found.get(row.identity)
        one.is_matched = here is not None
        if here is None:
            beside = files.siblings(row.path, self.allowed)
            here = next((each for each in beside if each.identity == row.identity), None)
        if one.handle is None and here is not None:
            one.handle = self._open(here)
        if one.handle is None:
            self._end(one, mine, is_cut=False)
            return
        if here is not None and here.path != row.path:
            row.path = here.path
            listening.keep_position(row)
        size = os.fstat(one.handle).st_size
        if size != one.seen_size:
            one.seen_size, one.grew_at = size, self.clock()
        if size >= one.place and one.is_same(one.read):
            row.size = size
            return
        # cut, or its inode is another file's: its rest may lie in a copy made before
        one.close()
        taken = {other.row.identity for other in mine if not other.is_unread}
        for copy in files.siblings(row.path, self.allowed):
            if copy.identity in taken or copy.size < one.place or files.is_compressed(copy.path):
                continue
            handle = self._open(copy)
            if handle is not None:
                one.handle = handle
                if one.place and one.is_same(one.read):
                    for other in mine:
                        if other.row.identity == copy.identity:
                            self._stop(other, for_good=True)
                    row.identity, row.size, one.seen_size = copy.identity, copy.size, copy.size
                    row.path = copy.path
                    one.is_matched = copy.identity in found
                    listening.keep_position(row)
                    return
                one.close()
        self._end(one, mine, is_cut=True)

    def _open(self, wanted: Found) -> int | None:
        """A handle to a file that was found, if it still is the one."""
        handle = files.open_below(wanted.path, self.allowed)
        if handle is not None and files.identity_of(os.fstat(handle)) != wanted.identity:
            os.close(handle)
            return None
        return handle

    def _stop(self, one: _Open, *, for_good: bool) -> None:
        """Ends a file; one that ends not for good is known again where it is seen again."""
        one.row.ended = True
        if for_good:
            one.row.identity = ""
        listening.keep_position(one.row)

    def _end(self, one: _Open, mine: list[_Open], *, is_cut: bool) -> None:
        row = one.row
        if row.claimed is not None:
            if not listening.came_before(row.source_id, key_of(row)):
                row.lost += row.claimed - row.offset
            row.offset, row.claimed = row.claimed, None
        row.lost += max(0, row.size - row.offset)
        why = "it was cut" if is_cut else "it is gone"
        if row.lost:
            log.error("%s: %d bytes went before they could be read: %s", row.path, row.lost, why)
        self._stop(one, for_good=is_cut)
        self._pass_on(one, mine)

    def _pass_on(self, one: _Open, mine: list[_Open]) -> None:
        """What was read of a file that ended is not read again from its copies."""
        for copy in mine:
            if not copy.is_unread or copy.copy_of is not one or copy.handle is None:
                continue
            size = os.fstat(copy.handle).st_size
            if size < one.place or one.is_same(copy.read):
                self._place(copy, min(size, one.place))

    def _place(self, one: _Open, place: int) -> None:
        row, marked = one.row, marks(one.read, place)
        row.head, row.before, row.head_size = marked.first, marked.last, min(place, _MARK)
        row.offset, row.size, one.copy_of = place, max(row.size, place), None
        listening.keep_position(row)

    def _adopt_new(self, source: Source, mine: list[_Open], found: dict[str, Found]) -> None:
        known = {one.row.identity for one in mine if not one.row.ended}
        for identity, each in found.items():
            if identity in known:
                continue
            handle = self._open(each)
            if handle is None:
                continue
            before = listening.ended_file(source.pk, self.machine, identity)
            new = _Open(before or FollowedFile(), handle, self.clock(), each.size)
            if before and each.size >= new.place and new.is_same(new.read):
                before.lost = max(0, before.lost - before.behind)  # it came back
                before.ended, before.path, before.size = False, each.path, each.size
            else:
                new.row = FollowedFile(
                    source=source,
                    machine=self.machine,
                    path=each.path,
                    identity=identity,
                    size=each.size,
                )
            listening.keep_position(new.row)
            mine.append(new)

    def _is_copy(self, one: _Open, mine: list[_Open]) -> bool:
        """Whether a file that was not read from is, as far as it goes, the copy of another."""
        if not one.is_unread:
            return False
        now = self.clock()
        beside = (other for other in mine if not other.row.ended and _are_beside(one, other))
        one.copy_of = next((other for other in beside if one.begins(other, now)), None)
        return one.copy_of is not None

    # ── Taking ───────────────────────────────────────────────────────────────────────────

    def _take_all(self, source: Source, one: _Open, mine: list[_Open]) -> bool:
        row, before = one.row, one.row.offset
        if self._is_copy(one, mine):  # read where it was copied from
            row.size = 0
            if one.handle is not None and os.fstat(one.handle).st_nlink == 0:
                self._stop(one, for_good=True)
            return False
        while not row.ended and one.handle is not None and row.offset - before < _ROUND:
            if not self._take(source, one):
                break
        idle = self.clock() - one.grew_at
        if not row.ended and one.handle is not None and row.offset >= row.size:
            unlinked = os.fstat(one.handle).st_nlink == 0
            if not one.is_matched and ((unlinked and idle > PATIENCE) or idle > RESTING):
                self._stop(one, for_good=unlinked)
                self._pass_on(one, mine)
        return row.offset > before

    def _take(self, source: Source, one: _Open) -> bool:
        row = one.row
        if row.claimed is not None:  # a crash came between the claim and the passing
            data = one.read(row.offset, row.claimed - row.offset)
        else:
            data = one.read(row.offset, CHUNK)
            is_last = len(data) < CHUNK and self.clock() - one.grew_at > PATIENCE
            hole = len(data) - len(data.lstrip(b"\0"))
            data = data[: hole or whole_lines(data, is_last=is_last)]
        # only now that it was read is it sure that these bytes follow those read before
        if not data or one.handle is None or not one.is_same(one.read):
            return False
        reached = row.offset + len(data)
        if os.fstat(one.handle).st_size < reached:
            return False
        if row.claimed is None:
            is_hole = not data.strip(b"\0")
            marked = marks(lambda at, size: _spliced(one, data, at, size), reached)
            row.head, row.before, row.head_size = marked.first, marked.last, min(reached, _MARK)
            row.size = max(row.size, reached)
            if is_hole:  # a log that was cut while its writer went on at the old place
                row.offset = reached
            else:
                row.claimed = reached
            listening.keep_position(row)
            if is_hole:
                return True
        host = source.host_name or socket.gethostname()
        try:
            deliver(
                Delivery(row.source_id, "lines", data, key_of(row), row.path, host), self.on_batch
            )
        except NotTaken as reason:
            log.error("%s: %d bytes are not stored: %s", row.path, len(data), reason)
        self._allowances.take(source, data.count(b"\n"), len(data))
        row.offset, row.claimed = reached, None
        listening.keep_position(row)
        return True


def _are_beside(one: _Open, other: _Open) -> bool:
    folders = (PurePosixPath(each.row.path).parent for each in (one, other))
    return one is not other and len(set(folders)) == 1


def _spliced(one: _Open, data: bytes, at: int, size: int) -> bytes:
    """Bytes of a file, where those to be sent are taken from memory: it may be cut by now."""
    begin = one.row.offset
    old = one.read(at, min(size, max(0, begin - at)))
    return old + data[max(0, at - begin) : max(0, at + size - begin)]
