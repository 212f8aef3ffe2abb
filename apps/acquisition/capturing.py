"""`tocsin capture`: the live captures of this machine. One small process a capture writes a ring of
files (`apps.acquisition.sniffing`); here each file becomes a batch, and only then leaves the disk.

A watch of an interface is held by a claim that is renewed: who changes, disables or deletes it
takes the claim away, and the capture ends or begins anew as it is now wanted.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, cast
from uuid import UUID

from django.db import close_old_connections
from django.db.models import Q
from django.utils import timezone

from apps.acquisition import collecting, sniffing
from apps.acquisition.collectors.live_capture import COLLECTOR, Options, filter_program
from apps.acquisition.models import Watch
from apps.acquisition.receiving import receive
from apps.acquisition.watches import wait
from apps.contracts import Refused

log = logging.getLogger(__name__)

FILES = 8
"""Finished files that wait for the database at most; then the oldest goes, and that is told."""
LOOK, RENEW = 0.5, 5.0  # seconds
DEAD = timedelta(minutes=1)
"""A claim that was not renewed for so long belongs to a process that died."""
MOST = 4  # captures at once


@dataclass(slots=True)
class Capture:
    """One interface that is being captured."""

    watch_id: int
    claim: datetime
    process: subprocess.Popen[str]
    folder: Path


class Captures:
    """All captures of this machine, as the watches want them."""

    def __init__(self, home: Path, interfaces: list[str], on_batch: Callable[[UUID], object]):
        self.home, self.interfaces, self.on_batch = home / "capture", interfaces, on_batch
        self.held: dict[int, Capture] = {}

    def run(self, stop: Event) -> None:
        """Captures until told to stop; what was captured by then is stored."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        renewed = 0.0
        while not stop.is_set():
            try:
                if time.monotonic() - renewed >= RENEW:
                    renewed = time.monotonic()
                    self._renew()
                    self._begin()
                self._take()
            except Exception:  # the database may be away: the ring holds what comes meanwhile
                log.exception("the captures go on; the batches wait")
                close_old_connections()
                stop.wait(2)
            stop.wait(LOOK)
        for capture in list(self.held.values()):
            try:
                self._end(capture)
            except Exception:
                log.exception("what was captured last waits in %s", capture.folder)

    # ── Claims ───────────────────────────────────────────────────────────────────────────

    def _begin(self) -> None:
        now = timezone.now()
        free = Q(claimed_at=None) | Q(claimed_at__lt=now - DEAD)
        due = Watch.objects.filter(
            free, kind=COLLECTOR.name, enabled=True, source__enabled=True, next_at__lte=now
        )
        due = due.filter(target__in=self.interfaces).exclude(pk__in=self.held)
        for watch in due.order_by("pk"):
            if len(self.held) >= MOST:
                return
            ours = Watch.objects.filter(free, pk=watch.pk, enabled=True).update(claimed_at=now)
            if ours:
                self._start(watch, now)

    def _renew(self) -> None:
        now = timezone.now()
        wanted = set(
            Watch.objects.filter(pk__in=self.held, source__enabled=True).values_list(
                "pk", flat=True
            )
        )
        for capture in list(self.held.values()):
            # compare-and-set on the row alone: a join would compare what was read before
            ours = Watch.objects.filter(pk=capture.watch_id, claimed_at=capture.claim)
            if capture.watch_id in wanted and ours.update(claimed_at=now):
                capture.claim = now
            else:
                self._end(capture)

    def _start(self, watch: Watch, claim: datetime) -> None:
        folder = self.home / str(watch.pk)
        folder.mkdir(exist_ok=True, mode=0o700)
        try:
            options = cast(Options, collecting.read_options(COLLECTOR, watch.options))
            program = filter_program(options)
        except Refused as why:
            self._failed(watch, claim, str(why))
            return
        process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-m", "apps.acquisition.sniffing", watch.target),
                *(str(folder), str(options.seconds), str(options.megabytes), str(FILES)),
                *(str(options.snaplen), "1" if options.promiscuous else "0"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={},  # none of our keys
        )
        assert process.stdin is not None
        process.stdin.write(program)
        process.stdin.close()
        self.held[watch.pk] = Capture(watch.pk, claim, process, folder)
        log.info("capturing %s for %s", watch.target, watch.name)

    def _end(self, capture: Capture) -> None:
        """Ends a capture and stores what it had."""
        self.held.pop(capture.watch_id, None)
        capture.process.terminate()
        try:
            capture.process.wait(10)
        except subprocess.TimeoutExpired:
            capture.process.kill()
            capture.process.wait()
        if capture.process.stderr:
            capture.process.stderr.close()
        self._store(capture.watch_id, capture.folder)
        Watch.objects.filter(pk=capture.watch_id, claimed_at=capture.claim).update(claimed_at=None)

    def _failed(self, watch: Watch, claim: datetime, why: str) -> None:
        log.warning("%s is not captured: %s", watch.target, why)
        now = timezone.now()
        Watch.objects.filter(pk=watch.pk, claimed_at=claim).update(
            claimed_at=None,
            last_at=now,
            last_error=why,
            failures=watch.failures + 1,
            next_at=now + wait(30, watch.failures),
        )

    # ── Files ────────────────────────────────────────────────────────────────────────────

    def _take(self) -> None:
        """Stores what the captures have finished; also what an earlier process left."""
        for folder in sorted(self.home.iterdir()):
            if folder.name.isdecimal():
                self._store(int(folder.name), folder)
        for capture in list(self.held.values()):
            if capture.process.poll() is not None:
                said = capture.process.stderr.read() if capture.process.stderr else ""
                last = said.strip().splitlines()[-1:] or [
                    f"it ended ({capture.process.returncode})"
                ]
                watch = Watch.objects.filter(pk=capture.watch_id).first()
                self._end(capture)
                if watch is not None:
                    Watch.objects.filter(pk=watch.pk, claimed_at=None).update(
                        claimed_at=capture.claim
                    )
                    self._failed(watch, capture.claim, last[0][:500] + ".")

    def _store(self, watch_id: int, folder: Path) -> None:
        files = sorted(folder.glob("*.pcap"), key=sniffing.started)
        if not files and watch_id in self.held:
            return
        watch = Watch.objects.select_related("source").filter(pk=watch_id).first()
        if watch is None:  # deleted: nobody wants it any more
            shutil.rmtree(folder, ignore_errors=True)
            return
        for file in files:
            self._batch(watch, file)

    def _batch(self, watch: Watch, file: Path) -> None:
        start, packets, dropped, lost = sniffing.numbers(file)
        try:
            content = file.read_bytes()
        except FileNotFoundError:  # the ring came round
            return
        began = datetime.fromtimestamp(start / 1e9, UTC)
        receipt = receive(
            source=watch.source,
            protocol="capture",
            content=content,
            file_name=f"{watch.target}-{began:%Y%m%dT%H%M%SZ}.pcap",
            key=f"watch {watch.pk} {file.stem}",
        )
        file.unlink(missing_ok=True)
        notes = []
        if dropped:
            notes.append(f"{dropped} packets were dropped: they came faster than they can be read.")
        if lost:
            notes.append(f"{lost} files were overwritten before they could be stored.")
        said: dict[str, Any] = {
            "last_at": timezone.now(),
            "last_error": "",
            "last_notes": notes,
            "last_records": packets,
            "last_batch": receipt.batch.pk,
            "failures": 0,
        }
        Watch.objects.filter(pk=watch.pk).update(**said)
        if receipt.is_new:
            self.on_batch(receipt.batch.pk)
