"""Who is at work on something, across all workers: PostgreSQL's advisory locks.

A lock belongs to a database session, so it ends with the worker that held it, however it ended:
something marked as being worked on whose lock is free was left by a worker that died. (A pooler
between us and PostgreSQL must therefore pool sessions, not transactions.)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection


@contextmanager
def held(*names: str, wait: float = 0) -> Iterator[bool]:
    """Takes all the locks, in order of name, or none; waits `wait` seconds for each.

    Yields whether they are ours.
    """
    taken: list[str] = []
    try:
        for name in sorted(set(names)):
            if not _take(name, wait):
                break
            taken.append(name)
        yield len(taken) == len(set(names))
    finally:
        for name in reversed(taken):
            with suppress(Error):  # a broken session has let go of it already
                _ask("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name)


def _take(name: str, wait: float) -> bool:
    end = time.monotonic() + wait
    while not _ask("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", name):
        if time.monotonic() >= end:
            return False
        time.sleep(0.1)
    return True


def _ask(statement: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [f"tocsin {name}"])
        row = cursor.fetchone()
    return bool(row and row[0])
