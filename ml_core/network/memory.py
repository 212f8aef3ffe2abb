"""Memory that is used again from batch to batch, and memory that others may have."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h
_KEPT = 512 * 2**20


def keep_memory() -> bool:
    """Tell the C library to keep what is freed; returns whether it listens (glibc does).

    Otherwise every tensor of some megabytes is mapped anew, zeroed page by page, used once and
    given back: a third of the time of learning on a CPU (docs/models/speed.md). No size may be
    mapped: a threshold can be 32 MB at most, and large batches or long texts pass it.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library than glibc
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _KEPT))


def give_back() -> None:
    """Tell the C library to return what is free amid what is used, if it can (glibc can).

    By itself it returns what is free at the end of its room, and large pieces that were mapped
    before `keep_memory`; amid what is used it keeps the room, for as many pieces again.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
