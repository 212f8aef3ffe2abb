"""Captures as watches want them, on the loopback: files become batches, and only then go."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from apps.acquisition import capturing, services, watches
from apps.acquisition.capturing import Captures
from apps.acquisition.models import Batch, Record, Watch
from tests.acquisition.wires import missing

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def quick(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "capture": ["lo"]}  # type: ignore[attr-defined]
    monkeypatch.setattr(capturing, "RENEW", 0.2)
    monkeypatch.setattr(capturing, "LOOK", 0.1)


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def make(port: int) -> Watch:
    return watches.create_watch(
        name="uplink", kind="capture", target="lo", every=30, actor="ada",
        options={"filter": f"udp port {port}", "seconds": 5},
    )  # fmt: skip


class Running:
    """`tocsin capture`, in a thread."""

    def __init__(self, home: Path) -> None:
        self.told: list[UUID] = []
        self.captures = Captures(home, ["lo"], self.told.append)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        from django.db import connection

        try:
            self.captures.run(self.over)
        finally:
            connection.close()

    def end(self) -> None:
        self.over.set()
        self.thread.join(30)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.end()


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def send(port: int, count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _number in range(count):
            sock.sendto(b"x" * 64, ("127.0.0.1", port))


def held(running: Running) -> bool:
    """Whether a capture has its socket at its interface."""
    bound = {
        words[-1]
        for words in map(str.split, Path("/proc/net/packet").read_text().splitlines()[1:])
        if words[3] == "0003" and words[4] != "0"
    }
    for capture in list(running.captures.held.values()):
        for entry in Path(f"/proc/{capture.process.pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                if str(entry.readlink()).strip("socket:[]") in bound:
                    return True
    return False


def test_a_capture_becomes_batches_of_flows(running: Running, port: int, tmp_path: Path) -> None:
    watch = make(port)
    until(lambda: held(running))
    send(port, 40)
    until(lambda: running.told)
    batch = Batch.objects.get(pk=running.told[0])
    services.parse(batch.pk)
    flow = Record.objects.get(batch=batch)
    assert (flow.event_dataset, flow.destination_port) == ("network.flow", port)
    assert flow.network_packets == 40  # once, though a loopback shows each twice
    watch.refresh_from_db()
    assert (watch.last_error, watch.last_records) == ("", 40)
    assert watch.last_batch == batch.pk
    assert list((tmp_path / "capture" / str(watch.pk)).glob("*.pcap")) == []


def test_what_is_under_way_when_it_is_told_to_stop_is_stored(running: Running, port: int) -> None:
    watch = make(port)
    until(lambda: held(running))
    send(port, 7)
    time.sleep(0.5)
    running.end()
    assert len(running.told) == 1
    watch.refresh_from_db()
    assert (watch.last_records, watch.claimed_at) == (7, None)


def test_who_changes_or_disables_a_watch_changes_or_ends_its_capture(
    running: Running, port: int
) -> None:
    watch = make(port)
    until(lambda: held(running))
    first = running.captures.held[watch.pk].process
    watches.change_watch(
        watch_id=watch.pk, name="uplink", target="lo", every=30, actor="ada",
        options={"filter": "udp port 9", "seconds": 5},
    )  # fmt: skip
    until(lambda: running.captures.held.get(watch.pk) and first.poll() is not None)
    assert running.captures.held[watch.pk].process is not first
    watches.enable_watch(watch_id=watch.pk, enabled=False, actor="ada")
    until(lambda: not running.captures.held)
    watch.refresh_from_db()
    assert watch.claimed_at is None


def test_a_capture_that_ends_by_itself_is_told_and_begun_again(
    running: Running, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = make(port)
    until(lambda: held(running))
    running.captures.held[watch.pk].process.kill()
    until(lambda: Watch.objects.get(pk=watch.pk).last_error)
    watch.refresh_from_db()
    assert "it ended" in watch.last_error
    assert watch.next_at > watch.last_at
    watches.run_now(watch_id=watch.pk, actor="ada")
    until(lambda: held(running))


def test_files_wait_while_the_database_is_away(
    running: Running, port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    watch = make(port)
    until(lambda: held(running))
    with monkeypatch.context() as away:
        away.setattr(capturing, "receive", lambda **asked: 1 / 0)
        send(port, 11)
        until(lambda: list((tmp_path / "capture" / str(watch.pk)).glob("*.pcap")))
        assert running.told == []
    until(lambda: running.told)
    watch.refresh_from_db()
    assert watch.last_records == 11


def test_the_workers_leave_captures_alone(port: int) -> None:
    make(port)
    assert watches.claim_due() == []
