"""Folders of data, as official data sets come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ml_core.errors import DataError


def in_folders(data: Sequence[Path]) -> list[Path]:
    """The files named, and of a folder those in it, by name; what begins with a dot is left out.

    DataError for a folder without files.
    """
    found: list[Path] = []
    for path in data:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        if not inside:
            raise DataError(f"{path}: no files in this folder")
        found += inside
    return found
