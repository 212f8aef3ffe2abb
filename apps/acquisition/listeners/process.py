"""`tocsin listen`: one process for all that does not come by HTTP. It runs until SIGTERM or SIGINT,
then takes what is under way, stores what it holds, and ends."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apps.acquisition import listening
from apps.acquisition.listeners import certificates, sockets
from apps.acquisition.listeners.hub import Hub
from apps.acquisition.listeners.keeping import OnBatch
from apps.acquisition.listeners.options import Address, Options, WrongSetting
from apps.acquisition.listeners.reader import Reader

log = logging.getLogger(__name__)

_REPORT = 3.0
_OTHER = 30.0  # seconds another process of this home is given to end


class Listeners:
    """Everything that is open."""

    def __init__(self, options: Options, on_batch: OnBatch) -> None:
        self.options = options
        self.name = f"{socket.gethostname()}:{options.home}"
        self.hub = Hub(options, on_batch)
        self.reader = Reader(options, on_batch)
        self.open: list[sockets.Streams | sockets.Datagrams] = []
        self.certificate = ""
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Opens all there is to open. Raises WrongSetting where an address cannot be had."""
        options = self.options
        await self.hub.begin()
        for what, addresses in (
            ("syslog-tcp", options.syslog_tcp),
            ("syslog-tls", options.syslog_tls),
        ):
            for address in addresses:
                context = None
                if what == "syslog-tls":
                    context, self.certificate = certificates.context(options)
                    log.info("%s", self.certificate)
                stream = sockets.Streams(self.hub, what, address)
                try:
                    await stream.open(context)
                except OSError as error:
                    raise _wrong(what, address, error) from error
                self.open.append(stream)
        for what, addresses in (("syslog-udp", options.syslog_udp), ("netflow", options.netflow)):
            for address in addresses:
                datagrams = sockets.Datagrams(self.hub, what, address)
                try:
                    datagrams.open()
                except OSError as error:
                    raise _wrong(what, address, error) from error
                self.open.append(datagrams)
        for each in self.open:
            log.info("listening: %s on %s", each.what, each.address)
        self.reader.begin()
        self._tasks = [
            asyncio.create_task(self.hub.tick()),
            asyncio.create_task(self._report()),
        ]

    async def _report(self) -> None:
        while True:
            try:
                await self.hub.ask(listening.report, self.name, self.state())
            except Exception as error:
                log.debug("no report could be kept: %s", error)
            await asyncio.sleep(_REPORT)

    def state(self) -> dict[str, Any]:
        return {
            **self.hub.state(),
            "listening": [each.state() for each in self.open],
            "certificate": self.certificate,
            **self.reader.state(),
            "pid": os.getpid(),
        }

    async def end(self) -> None:
        """Takes what is under way, stores it, and closes everything."""
        for each in self.open:
            await each.close()
        await sockets.part(self.hub)
        await asyncio.to_thread(self.reader.end)
        await self.hub.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await asyncio.wait_for(self.hub.ask(listening.retire, self.name), 2)
        except Exception as error:
            log.debug("the database does not know that this process ended: %s", error)
        await self.hub.close()


def _wrong(what: str, address: Address, error: OSError) -> WrongSetting:
    if error.errno == errno.EACCES:
        return WrongSetting(f"{what}: port {address.port} needs root: choose one above 1023")
    if error.errno == errno.EADDRINUSE:
        return WrongSetting(f"{what}: {address} is taken by another program")
    return WrongSetting(f"{what}: {address} cannot be listened to: {error.strerror or error}")


async def _until_told(options: Options, on_batch: OnBatch, say: Callable[[str], None]) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    listeners = Listeners(options, on_batch)
    begin = asyncio.create_task(listeners.begin())
    stop = asyncio.create_task(told.wait())
    await asyncio.wait({begin, stop}, return_when=asyncio.FIRST_COMPLETED)
    if not begin.done():
        begin.cancel()
        return
    await begin
    say("listening")
    await stop
    say("stopping")
    await listeners.end()
    say("stopped: all that was held is stored or in the spool")


def run(options: Options, on_batch: OnBatch, say: Callable[[str], None]) -> None:
    """Listens until told to stop. `on_batch` starts the response to a stored batch. Raises
    WrongSetting."""
    if not options.anything:
        raise WrongSetting(
            "there is nothing to listen to: set TOCSIN_SYSLOG_UDP, TOCSIN_SYSLOG_TCP, "
            "TOCSIN_SYSLOG_TLS, TOCSIN_NETFLOW, TOCSIN_TAIL or TOCSIN_DROP"
        )
    with _alone(options.home):
        asyncio.run(_until_told(options, on_batch, say))


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process a home: two would read each line of a file twice. One that is about to end is
    waited for."""
    (home / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
    until = time.monotonic() + _OTHER
    with (home / "run" / "listen.lock").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise WrongSetting(f"`tocsin listen` runs in {home} already") from None
                time.sleep(0.2)
        yield
