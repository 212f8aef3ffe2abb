"""Memory that is used again from batch to batch, and memory that others may have."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_LARGEST = 32 * 2**20  # what glibc lets one set
_KEPT = 512 * 2**20


def keep_memory() -> bool:
    """Tell the C library to keep what is freed; returns whether it listens (glibc does).

    Otherwise every tensor of some megabytes is mapped anew, zeroed page by page, used once and
    given back: a third of the time of learning on a CPU (docs/models/speed.md).
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library than glibc
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST) and mallopt(_TRIM_THRESHOLD, _KEPT))


def give_back() -> None:
    """Tell the C library to return what is free amid what is used, if it can (glibc can).

    It returns large pieces by itself; of many smaller ones it keeps the room, for as many again.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
