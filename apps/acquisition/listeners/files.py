"""Files on this machine, opened without being led astray: never through a symbolic link, only below
the folders that are allowed, and only regular files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

_MOST_ENTRIES = 20_000  # of a folder
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".lzma", ".zip", ".Z", ".7z", ".br")


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file: where it is, which it is (device:inode), and how large."""

    path: str
    identity: str
    size: int


def is_compressed(name: str) -> bool:
    """Whether a name is that of a log that was rotated and packed."""
    return name.endswith(_COMPRESSED)


def identity_of(status: os.stat_result) -> str:
    return f"{status.st_dev}:{status.st_ino}"


def matching(pattern: str, allowed: Sequence[Path]) -> Iterator[Found]:
    """The files a pattern means, in the order of their names. * and ? never match a slash."""
    path = PurePosixPath(pattern)
    roots = [root for root in allowed if path.is_relative_to(root)]
    if not roots or ".." in path.parts:
        return
    root = max(roots, key=lambda root: len(root.parts))
    *folders, last = path.relative_to(root).parts
    with _folder(str(root)) as handle:
        if handle is not None:
            yield from _below(handle, root, folders, last)


def _below(handle: int, place: Path, folders: Sequence[str], last: str) -> Iterator[Found]:
    if not folders:
        for name, status in _entries(handle):
            if stat.S_ISREG(status.st_mode) and fnmatchcase(name, last):
                yield Found(str(place / name), identity_of(status), status.st_size)
        return
    first, *rest = folders
    names = (
        [name for name, _ in _entries(handle) if fnmatchcase(name, first)]
        if _wild(first)
        else [first]
    )
    for name in names:
        with _folder(name, handle) as inner:
            if inner is not None:
                yield from _below(inner, place / name, rest, last)


def _wild(part: str) -> bool:
    return any(mark in part for mark in "*?[")


def _entries(handle: int) -> list[tuple[str, os.stat_result]]:
    found = []
    with os.scandir(handle) as entries:
        for entry in entries:
            with suppress(OSError):
                found.append((entry.name, entry.stat(follow_symlinks=False)))
            if len(found) >= _MOST_ENTRIES:
                break
    return sorted(found, key=lambda pair: pair[0])


@contextmanager
def _folder(name: str, within: int | None = None) -> Iterator[int | None]:
    """A folder's handle; None where there is none, or only a link to one. The allowed folders
    themselves may be reached through links: the operator named them."""
    flags = _FOLDER if within is not None else _FOLDER & ~os.O_NOFOLLOW
    try:
        handle = os.open(name, flags, dir_fd=within)
    except OSError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def is_meant(path: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns means this path."""
    parts = PurePosixPath(path).parts
    return any(
        len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
        for wanted in (PurePosixPath(pattern).parts for pattern in patterns)
    )


def siblings(path: str, allowed: Sequence[Path]) -> list[Found]:
    """All regular files in the folder of a file."""
    return list(matching(str(PurePosixPath(path).with_name("*")), allowed))


def open_below(path: str, allowed: Sequence[Path]) -> int | None:
    """A handle to read a regular file; None where it is gone, is a link, or is something else."""
    whole = PurePosixPath(path)
    roots = [root for root in allowed if whole.is_relative_to(root)]
    if not roots or ".." in whole.parts:
        return None
    root = max(roots, key=lambda root: len(root.parts))
    return _open(str(root), whole.relative_to(root).parts, None)


def _open(folder: str, parts: Sequence[str], within: int | None) -> int | None:
    with _folder(folder, within) as handle:
        if handle is None:
            return None
        first, *rest = parts
        return _open(first, rest, handle) if rest else open_regular(first, handle)


def open_regular(name: str, within: int) -> int | None:
    """A handle to a regular file in a folder; None for all else."""
    try:
        file = os.open(name, _FILE, dir_fd=within)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    return None


def read_at(file: int, at: int, size: int) -> bytes:
    """Up to `size` bytes from there; fewer only at the end of the file."""
    pieces = []
    while size > 0:
        piece = os.pread(file, min(size, 1024 * 1024), at)
        if not piece:
            break
        pieces.append(piece)
        at += len(piece)
        size -= len(piece)
    return b"".join(pieces)
