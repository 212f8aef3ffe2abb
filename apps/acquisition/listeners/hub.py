"""The middle of the listening process: what the sockets bring is gathered here and stored from
here. Everything but the storing happens on one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db import connections

from apps.acquisition import limits, listening
from apps.acquisition.listeners.framing import by_host
from apps.acquisition.listeners.gathering import Gathering, Kind, Parcel
from apps.acquisition.listeners.keeping import (
    Delivery,
    NotTaken,
    OnBatch,
    deliver,
    spool,
    spooled,
    waits,
)
from apps.acquisition.listeners.lessons import Lessons
from apps.acquisition.listeners.options import Options
from apps.acquisition.listeners.senders import Sender, Senders, plain
from apps.acquisition.models import Source
from apps.acquisition.traffic.netflow import is_netflow, pack

log = logging.getLogger(__name__)

T = TypeVar("T")

_THREADS = 3
_TICK = 0.1
_WEIGH = 1.0  # seconds between two decisions who must wait
_LOOK = 3.0  # seconds between two looks at the settings, and two reports
_STRANGERS = 100  # unknown addresses that are counted one by one
_EXPORTERS = 4096
_UNTOLD = 256  # batches whose response is still to be started
_SAID_AGAIN = 60.0  # a stranger is named in the log once in so many seconds
_LAST_WORD = 3.0  # seconds a stop gives the broker
_LAST_TRY = 8.0  # seconds a stop gives the database


class Stream(Protocol):
    """A connection, as far as the hub needs it."""

    address: str
    names: list[str]
    sender: Sender | None

    def hold(self, paused: bool) -> None: ...
    def leave(self, why: str) -> None: ...
    def idle_since(self) -> float: ...
    @property
    def held(self) -> int: ...


class Hub:
    """Who may write, what they wrote, and where it goes."""

    def __init__(self, options: Options, on_batch: OnBatch) -> None:
        self.options = options
        self.streams: set[Stream] = set()
        self.counts: Counter[str] = Counter()  # refused, cut, too many, idle …
        self.strangers: Counter[str] = Counter()
        self.scratch = memoryview(bytearray(256 * 1024))
        self._gathering = Gathering(options.buffer)
        self._senders = Senders(())
        self._lessons: dict[tuple[int, str], Lessons] = {}
        self._on_batch = on_batch
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="keep")
        self._teller = ThreadPoolExecutor(1, thread_name_prefix="tell")
        self._untold = 0
        self._locks: dict[int, asyncio.Lock] = {}
        self._storing: set[asyncio.Task[None]] = set()
        self._paused = False  # the buffer is full
        self._held: dict[int, str] = {}  # sources that must wait, and why
        self._backlog = limits.Backlog()
        self._allowances = limits.Allowances()
        self._sources: dict[int, Source] = {}
        self._named: dict[str, float] = {}
        self._ending = asyncio.Event()
        self.failing = ""  # why nothing can be stored now

    # ── Who may write ────────────────────────────────────────────────────────────────────

    def who(self, address: str, names: list[str] | None = None) -> Sender | None:
        """The source of a sender; a stranger is counted and named in the log, and gets None."""
        found = self._senders.named(names or ()) or self._senders.at(address)
        if found is None:
            self._stranger(address)
        return found

    def _stranger(self, address: str) -> None:
        self.counts["strangers"] += 1
        address = plain(address)
        if address in self.strangers or len(self.strangers) < _STRANGERS:
            self.strangers[address] += 1
        now = time.monotonic()
        if now - self._named.get(address, -_SAID_AGAIN) >= _SAID_AGAIN:
            if len(self._named) >= _STRANGERS:
                self._named = {a: t for a, t in self._named.items() if now - t < _SAID_AGAIN}
            if len(self._named) < _STRANGERS:
                self._named[address] = now
                log.warning("%s belongs to no source: what it sends is not taken", address)

    # ── What they wrote ──────────────────────────────────────────────────────────────────

    def lines(self, sender: Sender, address: str, lines: bytes) -> None:
        """Takes lines of one sender, each ended by LF; those that name no host get its address."""
        if sender.host_name:
            self._add(Kind(sender.source_id, "lines"), lines)
            return
        named, nameless = by_host(lines)
        if named:
            self._add(Kind(sender.source_id, "lines"), named)
        if nameless:
            self._add(Kind(sender.source_id, "lines", plain(address)), nameless)

    def datagrams(self, sender: Sender, address: str, received: list[bytes]) -> None:
        """Takes lines that came as datagrams, as far as there is room."""
        if self._may_send(sender.source_id):
            self.lines(sender, address, b"".join(received))
        else:
            self._gathering.drop(sender.source_id, len(received))

    def flows(self, sender: Sender, address: str, port: int, received: list[bytes]) -> None:
        """Takes datagrams of NetFlow or IPFIX of one exporter, as far as there is room."""
        told = [datagram for datagram in received if is_netflow(datagram)]
        self.counts["no NetFlow"] += len(received) - len(told)
        if not told:
            return
        exporter = f"{plain(address)}:{port}"
        lessons = self._lessons.get((sender.source_id, exporter))
        if lessons is None:
            if len(self._lessons) >= _EXPORTERS:
                self._lessons.pop(next(iter(self._lessons)))
            lessons = self._lessons[sender.source_id, exporter] = Lessons()
        kind = Kind(sender.source_id, "netflow", plain(address), exporter)
        # what it taught before: a template may mean another layout from now on
        opening = b"" if self._gathering.is_open(kind) else lessons.taught
        new = False
        for datagram in told:
            new |= lessons.learn(datagram)
        if new:
            self._in_background(
                listening.keep_lessons,
                source_id=sender.source_id,
                address=exporter,
                taught=lessons.taught,
            )
        if self._may_send(sender.source_id):
            self._add(kind, opening + pack(told), len(told))
        else:
            self._gathering.drop(sender.source_id, len(told))

    def _add(self, kind: Kind, piece: bytes, count: int | None = None) -> None:
        many = piece.count(b"\n") if count is None else count
        full = self._gathering.add(kind, piece, many, time.monotonic())
        self._backlog.add(kind.source_id, len(piece))
        if (source := self._sources.get(kind.source_id)) is not None:
            self._allowances.take(source, many, len(piece))
        if full is not None:
            self._send(full)
        if self._gathering.full and not self._paused:
            self._pause(True)

    def _may_send(self, source_id: int) -> bool:
        return source_id not in self._held and self._gathering.may_send(source_id)

    def _pause(self, paused: bool) -> None:
        self._paused = paused
        self.counts["pauses"] += paused
        self._hold_streams()

    def _hold_streams(self) -> None:
        """Stops reading from those who must wait, and goes on with the others."""
        for stream in self.streams:
            stream.hold(self._must_wait(stream))

    def _must_wait(self, stream: Stream) -> bool:
        return self._paused or (stream.sender is not None and stream.sender.source_id in self._held)

    async def _weigh(self) -> None:
        """Who must wait: too much of theirs is not parsed yet, or they exceed what they may."""
        await self.ask(self._backlog.refresh)
        found = {
            pk: self._backlog.pause(pk) or self._allowances.pause(source)
            for pk, source in self._sources.items()
        }
        held = {pk: pause.reason for pk, pause in found.items() if pause is not None}
        if held.keys() != self._held.keys():
            self.counts["told to wait"] += len(held.keys() - self._held.keys())
            self._held = held
            self._hold_streams()

    # ── Connections ──────────────────────────────────────────────────────────────────────

    def enter(self, stream: Stream) -> bool:
        """Whether a new connection may stay."""
        if len(self.streams) >= self.options.connections:
            self.counts["too many connections"] += 1
            log.warning("%s was turned away: too many connections", stream.address)
            return False
        self.streams.add(stream)
        stream.hold(self._must_wait(stream))
        return True

    def gone(self, stream: Stream) -> None:
        self.streams.discard(stream)

    def relieve(self) -> None:
        """Unfinished messages take memory too: past their bound, the longest one is cut off."""
        while sum(stream.held for stream in self.streams) > self.options.buffer:
            longest = max(self.streams, key=lambda stream: stream.held)
            self.counts["cut"] += 1
            self.gone(longest)
            longest.leave("unfinished messages filled the memory")

    # ── Storing ──────────────────────────────────────────────────────────────────────────

    def _send(self, parcel: Parcel) -> None:
        task = asyncio.create_task(self._keep(parcel))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    async def _keep(self, parcel: Parcel) -> None:
        kind = parcel.kind
        delivery = Delivery(
            kind.source_id, kind.protocol, parcel.content, f"listen:{parcel.key}", "", kind.host
        )
        parcel.pieces = [delivery.content]
        try:
            # one after the other, so that a source's lines keep their order
            async with self._locks.setdefault(kind.source_id, asyncio.Lock()):
                await self._until_kept(delivery)
        except asyncio.CancelledError:  # should it be stored all the same, its key is known then
            log.error("kept in %s until the next start", spool(self._spool, delivery))
            return
        self._gathering.stored(parcel)
        if self._paused and self._gathering.roomy:
            self._pause(False)

    async def _until_kept(self, delivery: Delivery) -> None:
        loop = asyncio.get_running_loop()
        for pause in waits():
            try:
                await loop.run_in_executor(self._threads, deliver, delivery, self._tell)
            except NotTaken as reason:
                log.error("what source %d sent is not stored: %s", delivery.source_id, reason)
                self.counts["refused"] += 1
            except Exception as error:
                self._tell_failure(error)
                await self._sleep(pause)
                if self._ending.is_set():
                    raise asyncio.CancelledError from error
                continue
            else:
                self.failing = ""
            return

    def _tell(self, batch_id: UUID) -> None:
        """Has the response to a batch started, without holding up the next one: a broker that is
        away takes its time to say so. What nobody was told of, the next sweep finds."""
        if self._untold < _UNTOLD:
            self._untold += 1
            self._teller.submit(self._tell_now, batch_id)

    def _tell_now(self, batch_id: UUID) -> None:
        try:
            self._on_batch(batch_id)
        except Exception:
            log.exception("batch %s is stored; nobody could be told", batch_id)
        finally:
            self._untold -= 1

    def _tell_failure(self, error: Exception) -> None:
        line = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        if line != self.failing:
            log.error("nothing can be stored now, it is tried again: %s", line)
        self.failing = line

    @property
    def _spool(self) -> Path:
        return self.options.home / "spool" / "listen"

    def _in_background(self, function: Callable[..., Any], **named: Any) -> None:
        """Runs something that may fail and is done again at the next occasion."""

        def run() -> None:
            try:
                listening.with_connection(function, **named)
            except Exception as error:
                log.warning("%s failed: %s", function.__name__, str(error).splitlines()[:1])

        self._threads.submit(run)

    async def ask(self, function: Callable[..., T], *words: Any, **named: Any) -> T:
        """Calls a function that needs the database, away from the event loop."""
        call = partial(listening.with_connection, function, *words, **named)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    # ── The clock ────────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        """Reads who may write, what exporters taught, and what the last stop left."""
        while not self._ending.is_set():
            try:
                await self._look()
                taught = await self.ask(listening.lessons)
            except Exception as error:
                self._tell_failure(error)
                await self._sleep(1.0)
                continue
            self.failing = ""
            self._lessons |= {key: Lessons(lessons) for key, lessons in taught.items()}
            break
        for file, delivery in spooled(self._spool):
            log.info("%s is stored now", file)
            await self._until_kept(delivery)
            file.unlink(missing_ok=True)

    async def _look(self) -> None:
        rows = await self.ask(listening.all_listening)
        self._senders = listening.senders_of(rows)
        self._sources = {row.source_id: row.source for row in rows}
        for stream in list(self.streams):
            stream.sender = self._senders.named(stream.names) or self._senders.at(stream.address)
            if stream.sender is None:
                stream.leave("its source takes nothing from it any more")

    async def tick(self) -> None:
        """Sends on what has waited long enough, until `end`."""
        looked = weighed = time.monotonic()
        while not self._ending.is_set():
            await self._sleep(_TICK)
            now = time.monotonic()
            for parcel in self._gathering.due(now):
                self._send(parcel)
            try:
                if now - weighed >= _WEIGH:
                    weighed = now
                    await self._weigh()
                if now - looked >= _LOOK:
                    looked = now
                    self._turn_out_the_idle(now)
                    await self._look()
                    await self._count()
            except Exception as error:
                self._tell_failure(error)

    def _turn_out_the_idle(self, now: float) -> None:
        for stream in list(self.streams):
            if not self._must_wait(stream) and now - stream.idle_since() > self.options.idle:
                self.counts["idle"] += 1
                stream.leave("nothing came for too long")

    async def _count(self) -> None:
        accepted, dropped = self._gathering.take_counts()
        if not accepted and not dropped:
            return
        try:
            await self.ask(listening.count, accepted, dropped)
        except Exception:
            self._gathering.accepted += accepted
            self._gathering.dropped += dropped
            raise

    async def _sleep(self, seconds: float) -> None:
        """Sleeps, but not past the end."""
        try:
            await asyncio.wait_for(self._ending.wait(), seconds)
        except TimeoutError:
            return

    def state(self) -> dict[str, Any]:
        """What the status page shows."""
        return {
            "connections": len(self.streams),
            "buffered": self._gathering.size,
            "buffer": self.options.buffer,
            "paused": self._paused or bool(self._held),
            "failing": self.failing,
            "counts": dict(self.counts),
            "strangers": dict(self.strangers.most_common(10)),
        }

    async def end(self) -> None:
        """Stores all it holds; what the database does not take in time goes into the spool."""
        for parcel in self._gathering.due(time.monotonic(), everything=True):
            self._send(parcel)
        if self._storing:
            await asyncio.wait(set(self._storing), timeout=_LAST_TRY)
        self._ending.set()
        for task in self._storing:
            task.cancel()
        if self._storing:
            await asyncio.wait(set(self._storing))
        elif not self.failing:
            try:
                await self._count()
            except Exception as error:
                self._tell_failure(error)

    async def close(self) -> None:
        """Ends the threads, each after closing its connection to the database."""
        together = Barrier(_THREADS)

        def leave() -> None:
            with contextlib.suppress(BrokenBarrierError):
                together.wait(timeout=2)
            connections.close_all()

        until = time.monotonic() + _LAST_WORD
        while self._untold and time.monotonic() < until:
            await asyncio.sleep(0.05)
        self._teller.shutdown(wait=False, cancel_futures=True)
        left = [self._threads.submit(leave) for _ in range(_THREADS)]
        self._threads.shutdown(wait=False)
        await asyncio.to_thread(wait, left, 3)
