"""The sockets: connections that speak syslog over TCP or TLS, and datagrams of syslog or NetFlow."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import time
from pathlib import Path
from typing import Any

from apps.acquisition.listeners.framing import Framer, one_line
from apps.acquisition.listeners.hub import Hub
from apps.acquisition.listeners.options import Address
from apps.acquisition.listeners.senders import Sender, names_of

log = logging.getLogger(__name__)

_ROOM = 32 * 1024 * 1024  # bytes asked of the kernel for datagrams that wait
_SO_RCVBUFFORCE = 33  # Linux, for root: beyond net.core.rmem_max
_AT_ONCE = 4096  # datagrams taken before others have their turn
_LARGEST = 65_535
_HANDSHAKE = 15.0
_QUIET = 0.3  # seconds without a byte after which a connection is taken to have said all
_LONGEST_GOODBYE = 3.0


class Connection(asyncio.BufferedProtocol):
    """One sender over TCP or TLS."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._framer = Framer(hub.options.longest)
        self._transport: asyncio.Transport | None = None
        self._last = time.monotonic()
        self._is_held = False
        self.address = ""
        self.names: list[str] = []
        self.sender: Sender | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.address = transport.get_extra_info("peername")[0]
        if (secure := transport.get_extra_info("ssl_object")) is not None:
            self.names = names_of(secure.getpeercert())
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.sender = self._hub.who(self.address, self.names)
        if self.sender is None or not self._hub.enter(self):
            transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._hub.scratch

    def buffer_updated(self, nbytes: int) -> None:
        self._last = time.monotonic()
        before = self._framer.held
        lines = self._framer.feed(bytes(self._hub.scratch[:nbytes]))
        if lines and self.sender is not None:
            self._hub.lines(self.sender, self.address, lines)
        if self._framer.held > max(before, _LARGEST):
            self._hub.relieve()

    def eof_received(self) -> bool:
        return False  # closes

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish()
        self._hub.gone(self)

    def _finish(self) -> None:
        """A message whose end never came is one too."""
        if (lines := self._framer.finish()) and self.sender is not None:
            self._hub.lines(self.sender, self.address, lines)

    @property
    def held(self) -> int:
        return self._framer.held

    def hold(self, paused: bool) -> None:
        """Stops reading, so that the sender waits; or goes on."""
        if paused == self._is_held:
            return
        self._is_held = paused
        if self._transport is not None and not self._transport.is_closing():
            if paused:
                self._transport.pause_reading()
            else:
                self._last = time.monotonic()
                self._transport.resume_reading()

    def leave(self, why: str) -> None:
        """Closes the connection; what came of an unfinished message is kept."""
        log.warning("the connection of %s is closed: %s", self.address, why)
        if self._transport is not None:
            self._transport.close()

    def idle_since(self) -> float:
        return self._last

    def say_goodbye(self) -> None:
        """Tells the sender that nothing more is taken, so that it may go elsewhere in time."""
        if self._transport is not None and self._transport.can_write_eof():
            with contextlib.suppress(OSError):
                self._transport.write_eof()


class Streams:
    """One listening address of TCP or TLS."""

    def __init__(self, hub: Hub, what: str, address: Address) -> None:
        self.hub, self.what, self.address = hub, what, address
        self._server: asyncio.Server | None = None

    async def open(self, context: ssl.SSLContext | None) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self.hub),
            self.address.host or None,
            self.address.port,
            ssl=context,
            ssl_handshake_timeout=_HANDSHAKE if context else None,
            backlog=512,
            reuse_address=True,
        )

    def state(self) -> dict[str, Any]:
        return {"what": self.what, "address": str(self.address)}

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Takes no new connection, after those that knocked already."""
        assert self._server is not None
        await asyncio.sleep(_QUIET / 3)
        self._server.close()


async def part(hub: Hub) -> None:
    """Reads what the connections still have under way, then lets go of them."""
    mine = [stream for stream in hub.streams if isinstance(stream, Connection)]
    for connection in mine:
        connection.say_goodbye()
    until = time.monotonic() + _LONGEST_GOODBYE
    while hub.streams and time.monotonic() < until:
        await asyncio.sleep(_QUIET / 3)
        recent = time.monotonic() - _QUIET
        if not any(connection.idle_since() > recent for connection in mine):
            break
    for connection in mine:
        connection.leave("the platform stops")
    while hub.streams and time.monotonic() < until:
        await asyncio.sleep(0.01)


class Datagrams:
    """One listening address of UDP."""

    def __init__(self, hub: Hub, what: str, address: Address) -> None:
        self.hub, self.what, self.address = hub, what, address
        self.final: dict[str, Any] = {}  # its state when it was closed
        self._socket: socket.socket | None = None
        self._received = 0

    def open(self) -> None:
        found = socket.getaddrinfo(
            self.address.host or "::",
            self.address.port,
            type=socket.SOCK_DGRAM,
            flags=socket.AI_PASSIVE,
        )
        family, kind, protocol, _name, where = found[0]
        self._socket = listening = socket.socket(family, kind, protocol)
        if family == socket.AF_INET6:
            listening.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(bool(self.address.host))
            )
        try:
            listening.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
        except OSError:  # not root
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        listening.setblocking(False)
        listening.bind(where)
        asyncio.get_running_loop().add_reader(listening.fileno(), self._drain)

    def _drain(self) -> int:
        """Takes all that waits, or its share; returns how many there were."""
        assert self._socket is not None
        take = self._socket.recvfrom
        waiting: dict[tuple[str, int], list[bytes]] = {}
        flows = self.what == "netflow"
        taken = 0
        try:
            while taken < _AT_ONCE:
                data, peer = take(_LARGEST)
                taken += 1
                if flows:
                    waiting.setdefault((peer[0], peer[1]), []).append(data)
                elif line := one_line(data):
                    waiting.setdefault((peer[0], 0), []).append(line)
        except BlockingIOError:
            pass
        except OSError as error:  # an ICMP answer to nobody, say
            log.info("%s: %s", self.address, error)
        self._received += taken
        for (address, port), received in waiting.items():
            sender = self.hub.who(address)
            if sender is None:
                continue
            if flows:
                self.hub.flows(sender, address, port, received)
            else:
                self.hub.datagrams(sender, address, received)
        return taken

    def state(self) -> dict[str, Any]:
        if self.final:
            return self.final
        return {
            "what": self.what,
            "address": str(self.address),
            "received": self._received,
            "lost": self.lost,
            "room": self.room,
        }

    @property
    def port(self) -> int:
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    @property
    def room(self) -> int:
        """Bytes the kernel holds of datagrams that wait."""
        assert self._socket is not None
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    @property
    def lost(self) -> int | None:
        """Datagrams the kernel had no room for; None where it does not tell."""
        assert self._socket is not None
        return kernel_drops(os.fstat(self._socket.fileno()).st_ino)

    async def close(self) -> None:
        """Takes what waits, then lets go."""
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        until = time.monotonic() + _LONGEST_GOODBYE
        while self._drain() and time.monotonic() < until:
            await asyncio.sleep(0)
        self.final = self.state()
        self._socket.close()


def kernel_drops(inode: int) -> int | None:
    """Datagrams dropped at the socket with this inode, as Linux counts in /proc/net."""
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[9] == str(inode):
                return int(columns[12])
    return None
