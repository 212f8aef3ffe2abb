"""The thread that reads from the disk: files that are followed, and watched folders."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connections

from apps.acquisition import listening
from apps.acquisition.listeners.dropping import Dropped
from apps.acquisition.listeners.following import Follower
from apps.acquisition.listeners.keeping import OnBatch, waits
from apps.acquisition.listeners.options import Options

log = logging.getLogger(__name__)

_PAUSE = 1.0


class Reader:
    """Looks about once a second; what fails is tried again, ever more slowly."""

    def __init__(self, options: Options, on_batch: OnBatch) -> None:
        self._follower = Follower(options.tail, machine(options.home), on_batch)
        self._dropped = Dropped(options.home / "drop", options.largest, on_batch)
        self._rounds = {
            **({"files": self._follower.round} if options.tail else {}),
            **({"folders": self._dropped.round} if options.drop else {}),
        }
        self._troubles: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def begin(self) -> None:
        if self._rounds:
            self._thread.start()

    def _run(self) -> None:
        pauses = waits()
        try:
            listening.with_connection(listening.forget_files)
        except Exception as error:
            log.warning("no file could be forgotten: %s", error)
        while not self._stop.is_set():
            worked = failed = False
            for what, look in self._rounds.items():
                try:
                    worked |= listening.with_connection(look)
                    self._troubles.pop(what, None)
                except Exception as error:
                    failed = True
                    self._tell(what, error)
            if not failed:
                pauses = waits()
            self._stop.wait(next(pauses) if failed else 0.0 if worked else _PAUSE)
        self._follower.close()
        connections.close_all()

    def _tell(self, what: str, error: Exception) -> None:
        line = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        if self._troubles.get(what) != line:
            log.error("%s cannot be read now, it is tried again: %s", what, line, exc_info=error)
        self._troubles[what] = line

    def state(self) -> dict[str, Any]:
        count, behind = self._follower.lag
        return {
            "files": count,
            "behind": behind,
            "dropped_files": dict(self._dropped.counts),
            "troubles": [*self._troubles.values(), *self._follower.troubles.values()],
        }

    def end(self) -> None:
        """Ends after what it is at. What is not sent yet lies on the disk."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)


def machine(home: Path) -> str:
    """A name of this home, made once, so that files of two machines are never taken for one."""
    file = home / "listen.id"
    if not file.exists():
        file.write_text(uuid4().hex)
    return file.read_text().strip()[:64]
