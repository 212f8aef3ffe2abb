"""A watched folder for each source: what is put there is taken in once, then lies in `done/`, or in
`failed/` beside a sentence that says why.

A file is taken when it has not changed for some seconds. It is moved into `.taking/` first, where
nobody but us puts files; what a crash leaves there is taken up again, under the same key.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.db import DatabaseError

from apps.acquisition import listening
from apps.acquisition.listeners import files
from apps.acquisition.listeners.keeping import Delivery, NotTaken, OnBatch, deliver

log = logging.getLogger(__name__)

SETTLED = 3.0
"""Seconds a file must not have changed."""

_UNFINISHED = (".part", ".tmp", ".partial", ".crdownload", ".swp", "~")
_AT_ONCE = 100  # files of a folder in one round
_TAKING = ".taking"


# ── Decisions ────────────────────────────────────────────────────────────────────────────


def is_unfinished(name: str) -> bool:
    """Whether a name says that its file is still being written."""
    return name.startswith(".") or name.endswith(_UNFINISHED)


def refusal(status: os.stat_result, largest: int) -> str:
    """Why a file is not taken; empty where it is."""
    if stat.S_ISLNK(status.st_mode):
        return "It is a symbolic link: put the file itself here."
    if not stat.S_ISREG(status.st_mode):
        return "It is no regular file."
    if status.st_nlink > 1:
        return "It has another name elsewhere (a hard link): put a copy here."
    if status.st_size > largest:
        return f"It is larger than {largest} bytes: put it here in parts."
    return ""


def free_name(name: str, taken: Callable[[str], bool]) -> str:
    """The name, or with a number before its ending where that is taken."""
    stem, dot, ending = name.partition(".")
    n, free = 1, name
    while taken(free):
        n += 1
        free = f"{stem}-{n}{dot}{ending}"
    return free


# ── The work ─────────────────────────────────────────────────────────────────────────────


@dataclass
class Dropped:
    """The folders of all sources."""

    root: Path
    largest: int
    on_batch: OnBatch
    clock: Callable[[], float] = time.monotonic
    counts: dict[str, int] = field(default_factory=lambda: {"done": 0, "failed": 0})
    _seen: dict[tuple[str, str], tuple[tuple[int, ...], float]] = field(default_factory=dict)

    def round(self) -> bool:
        """Looks at every folder once; whether a file was taken."""
        worked = False
        for row in listening.all_listening():
            if row.folder:
                worked |= self._folder(row.source_id, row.folder)
        return worked

    def _folder(self, source_id: int, name: str) -> bool:
        place = self.root / name
        for inner in (place, *(place / part for part in (_TAKING, "done", "failed"))):
            inner.mkdir(parents=True, exist_ok=True, mode=0o700)
            if inner.is_symlink():
                raise OSError(f"{inner} is a symbolic link: nothing is taken from there")
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            for left in sorted(file.name for file in (place / _TAKING).iterdir()):
                self._take(source_id, handle, name, left)
            ready = self._ready(handle, name)
            for each in ready:
                os.rename(each, f"{_TAKING}/{each}", src_dir_fd=handle, dst_dir_fd=handle)
                self._take(source_id, handle, name, each)
            return bool(ready)
        finally:
            os.close(handle)

    def _ready(self, handle: int, folder: str) -> list[str]:
        """The files that have not changed for a while; what cannot be taken is put aside."""
        now, there = self.clock(), {}
        for name in sorted(os.listdir(handle))[: 50 * _AT_ONCE]:
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            if is_unfinished(name) or stat.S_ISDIR(status.st_mode):
                continue
            state = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            known = self._seen.get((folder, name))
            since = known[1] if known and known[0] == state else now
            there[folder, name] = (state, since)
        self._seen = {k: v for k, v in self._seen.items() if k[0] != folder} | there
        ready = [name for (_, name), (_, since) in there.items() if now - since >= SETTLED]
        return ready[:_AT_ONCE]

    def _take(self, source_id: int, handle: int, folder: str, name: str) -> None:
        """Takes one file out of `.taking/`. Whatever it raises, the file stays there."""
        path = f"{_TAKING}/{name}"
        why = refusal(os.stat(path, dir_fd=handle, follow_symlinks=False), self.largest)
        if not why:
            taking = os.open(_TAKING, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            try:
                file = files.open_regular(name, taking)
            finally:
                os.close(taking)
            if file is None:
                why = "It could not be opened."
            else:
                try:
                    if (content := self._settled(file)) is None:
                        self._put(handle, folder, name, ".", "")
                        return
                    why = self._send(source_id, content, folder, name)
                finally:
                    os.close(file)
        if why:
            log.warning("drop/%s/%r is not taken: %s", folder, name, why)
        self._put(handle, folder, name, "failed" if why else "done", why)

    def _settled(self, file: int) -> bytes | None:
        """The content; None where somebody writes to it still."""
        content = files.read_at(file, 0, self.largest)
        return content if os.fstat(file).st_size == len(content) else None

    def _send(self, source_id: int, content: bytes, folder: str, name: str) -> str:
        """Why it failed; empty where it was stored."""
        if not content:
            return "It is empty."
        digest = hashlib.sha256(content).hexdigest()
        try:
            deliver(
                Delivery(source_id, "auto", content, f"drop:{folder}:{name}:{digest}", name),
                self.on_batch,
            )
        except NotTaken as reason:
            return str(reason)
        except DatabaseError:  # it lies where it is until the next round
            raise
        except Exception as error:
            log.exception("drop/%s/%r", folder, name)
            return f"It could not be stored: {error}"
        return ""

    def _put(self, handle: int, folder: str, name: str, where: str, why: str) -> None:
        there = {file.name for file in (self.root / folder / where).iterdir()}
        free = free_name(name, there.__contains__)
        if why:
            reason = os.open(
                f"{where}/{free[:200]}.reason.txt",
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW,
                0o600,
                dir_fd=handle,
            )
            with os.fdopen(reason, "w") as text:
                text.write(why + "\n")
        os.rename(f"{_TAKING}/{name}", f"{where}/{free}", src_dir_fd=handle, dst_dir_fd=handle)
        if where in self.counts:
            self.counts[where] += 1
