"""The listening process inside this one, on ports of the loopback, with a real database behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import pytest

from apps.acquisition import listening, selectors, services
from apps.acquisition.listeners.options import Address, Options
from apps.acquisition.listeners.process import Listeners
from apps.acquisition.models import Batch, Listening, Source

LOOPBACK = (Address("127.0.0.1", 0),)


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@dataclass
class Running:
    """A listening process, and the source that may write from the loopback."""

    home: Path
    source: Source
    told: list[UUID] = field(default_factory=list)
    listeners: Listeners | None = None
    _thread: threading.Thread | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _stop: asyncio.Event | None = None

    def start(self, **options: object) -> Running:
        ready = threading.Event()
        chosen = replace(
            Options(self.home, LOOPBACK, LOOPBACK, LOOPBACK, LOOPBACK, idle=60), **options
        )

        async def live() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            self.listeners = Listeners(chosen, self.told.append)
            await self.listeners.begin()
            ready.set()
            await self._stop.wait()
            await self.listeners.end()

        self._thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
        self._thread.start()
        assert ready.wait(20), "it did not begin"
        return self

    def stop(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(30)
            assert not self._thread.is_alive(), "it did not end"

    def port(self, what: str) -> int:
        return next(each.port for each in self.listeners.open if each.what == what)

    def state(self, name: str) -> object:
        return self.listeners.state()[name]

    def lines(self) -> list[str]:
        """All lines stored so far, batch by batch."""
        batches = Batch.objects.filter(protocol="lines").order_by("received_at")
        return [
            line
            for batch in batches.values_list("pk", flat=True)
            for line in selectors.content_of(batch).decode().splitlines()
        ]

    def counted(self) -> Listening:
        return Listening.objects.get(source=self.source)


@pytest.fixture
def running(transactional_db: None, tmp_path: Path) -> Iterator[Running]:
    source, _ = services.create_source(name="syslog", actor="test")
    listening.listen_for(source=source, networks=["127.0.0.0/8"], actor="test")
    process = Running(tmp_path, source)
    yield process
    process.stop()
