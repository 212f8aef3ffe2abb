"""Folders of data, as official data sets come, and what can be written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ml_core.errors import DataError


def in_folders(data: Sequence[Path]) -> list[Path]:
    """The files named, and of a folder those in it and in its folders, by name; what begins with
    a dot is left out, and so are links to folders, which may lead back.

    DataError for a folder without files.
    """
    found: list[Path] = []
    for path in data:
        if not path.is_dir():
            found.append(path)
            continue
        inside = list(_inside(path))
        if not inside:
            raise DataError(f"{path}: no files in this folder")
        found += inside
    return found


def writable(path: Path) -> bool:
    """Whether a file or folder can be written or, where it is not there, made."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return os.access(path, os.W_OK)


def for_a_model(folder: Path, kind: str) -> None:
    """DataError, before any work, for a folder that no model of the kind can be written to, or that
    holds one of another kind."""
    if folder.is_file():
        raise DataError(f"{folder}: a file, not a folder for the model")
    if not writable(folder):
        raise DataError(f"{folder}: not writable")
    from ml_core.model_file import kind_of  # PyTorch takes its time

    other = kind_of(folder)
    if other not in (None, kind):
        raise DataError(f"{folder}: holds a model of {other!r}, which would be lost")


def _inside(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file():
            yield path
        elif path.is_dir() and not path.is_symlink():
            yield from _inside(path)
