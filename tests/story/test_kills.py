"""Processes of a running platform are killed at random under load: every line arrives, once.

Six kills by default; `TOCSIN_KILLS=50 pytest tests/story/test_kills.py` is the long version.
`TOCSIN_KILLS_SEED` repeats a run's choices.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event, Thread

import httpx
import psycopg
import pytest

from tests.story.platform import Platform, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

KILLS = int(os.environ.get("TOCSIN_KILLS", "6"))
SEED = int(os.environ.get("TOCSIN_KILLS_SEED", time.time_ns() % 1_000_000))
VICTIMS = {"web": "uvicorn", "worker": "worker", "postgres": "postgres", "valkey": "valkey"}


@dataclass
class Sender:
    """A shipper that sends bodies of one protocol, each again and again until it is taken."""

    name: str
    path: str
    address: str
    token: str
    stop: Event
    lines: list[str] = field(default_factory=list)  # that must be stored
    rejected: int = 0  # items that must be rejected
    retries: int = 0

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with httpx.Client(
            base_url=self.address, headers=headers, timeout=20, trust_env=False
        ) as http:
            for number in count():
                if self.stop.is_set():
                    return
                self.send(http, self.body(number))
                time.sleep(0.01)

    def body(self, number: int) -> bytes:
        line = f"kills: {self.name} says {number}"
        match self.name:
            case "bulk":
                told = [f"{line} of {part}" for part in range(40)]
                self.lines += told
                self.rejected += 1
                documents = [json.dumps({"message": text}) for text in told]
                return "".join(f'{{"index":{{}}}}\n{d}\n' for d in [*documents, "{no"]).encode()
            case "hec":
                self.lines.append(line)
                return json.dumps({"event": line}).encode()
            case "loki":
                self.lines.append(line)
                entry = [str(time.time_ns()), line]
                return json.dumps({"streams": [{"stream": {}, "values": [entry]}]}).encode()
            case _:  # a large body, which is a batch of its own
                told = [f"{line} of {part} {'x' * 1000}" for part in range(300)]
                self.lines += told
                return "\n".join(told).encode()

    def send(self, http: httpx.Client, body: bytes) -> None:
        for wait in count(1):
            try:
                answer = http.post(self.path, content=body)
            except httpx.HTTPError:
                pass
            else:
                if answer.is_success:
                    return
                assert answer.status_code in (429, 500, 502, 503), answer.text
            self.retries += 1
            time.sleep(min(2.0, 0.1 * wait))


def children(of: int, victims: dict[str, str] = VICTIMS) -> dict[str, int]:
    """The processes of the stack by name: those whose parent is its supervisor."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes().decode()
        except OSError:
            continue
        if parent == of:
            found |= {name: int(entry.name) for name, word in victims.items() if word in command}
    return found


def is_healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_what_is_killed_under_load_loses_nothing_and_doubles_nothing() -> None:
    chance = random.Random(SEED)
    print(f"TOCSIN_KILLS={KILLS} TOCSIN_KILLS_SEED={SEED}")
    stop = Event()
    with Platform() as platform:
        token = platform.tocsin("source", "add", "killed").splitlines()[-1].split()[-1]
        senders = [
            Sender(name, path, platform.address, token, stop)
            for name, path in (
                ("bulk", "/_bulk"),
                ("hec", "/services/collector"),
                ("loki", "/loki/api/v1/push"),
                ("lines", "/api/v1/ingest/lines"),
            )
        ]
        threads = [Thread(target=sender.run, daemon=True) for sender in senders]
        for thread in threads:
            thread.start()
        killed = []
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.5, 3))
            pids = until(lambda: children(platform._process.pid), "processes run")
            victim = chance.choice(sorted(pids))
            os.kill(pids[victim], signal.SIGKILL)
            killed.append(victim)
            until(
                lambda: (
                    is_healthy(platform.address)
                    and set(children(platform._process.pid)) == set(VICTIMS)
                ),
                f"the platform is back after {killed}",
            )
        stop.set()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive(), "a sender could not finish"
        expected = sorted(line for sender in senders for line in sender.lines)
        rejected = sum(sender.rejected for sender in senders)

        url = json.loads((platform.home / "run" / "engines.json").read_text())["database"]
        with psycopg.connect(url, autocommit=True) as database:
            wait_for_the_end(database)
            rows = database.execute("SELECT event_original FROM acquisition_record").fetchall()
            counted = database.execute(
                "SELECT received, stored, rejected, doubled FROM acquisition_source"
                " WHERE name = 'killed'"
            ).fetchone()
            failed = database.execute(
                "SELECT error FROM acquisition_batch WHERE state = 'failed'"
            ).fetchall()
        print(f"killed {killed}; {sum(s.retries for s in senders)} retries; counted {counted}")
        assert failed == []
        assert sorted(line for (line,) in rows) == expected, "each line is stored once"
        assert counted is not None
        assert counted[:3] == (len(expected) + rejected, len(expected), rejected)
        platform.tocsin("verify")


@pytest.mark.parametrize("victim", ["worker", "its pool"])
def test_a_batch_whose_worker_is_killed_at_it_is_soon_parsed_by_another_one(victim: str) -> None:
    lines = [f"kills: line {number}" for number in range(80_000)]
    with Platform() as platform:
        token = platform.tocsin("source", "add", "killed").splitlines()[-1].split()[-1]
        url = json.loads((platform.home / "run" / "engines.json").read_text())["database"]
        with psycopg.connect(url) as database:
            database.execute("LOCK TABLE acquisition_block IN EXCLUSIVE MODE")
            answer = httpx.post(
                f"{platform.address}/api/v1/ingest/lines",
                content="\n".join(lines),  # over 1 MiB: a batch of its own
                headers={"Authorization": f"Bearer {token}"},
                timeout=60,
                trust_env=False,
            )
            assert answer.status_code == 201
            # its transaction waits for us before it ends
            until(lambda: is_in_the_middle(database), "the worker is in the middle")
            worker = children(platform._process.pid, {"worker": "ingest"})["worker"]
            at_work = pool(worker)
            for pid in [worker] if victim == "worker" else at_work:
                os.kill(pid, signal.SIGKILL)
            until(lambda: not any(map(lives, at_work)), "who parsed is dead")
            database.rollback()

            def counted() -> tuple[int, ...]:
                database.rollback()  # look anew
                return database.execute(
                    "SELECT received, (SELECT count(*) FROM acquisition_record),"
                    " (SELECT count(DISTINCT event_original) FROM acquisition_record),"
                    " (SELECT max(attempts) FROM acquisition_batch)"
                    " FROM acquisition_source WHERE name = 'killed'"
                ).fetchone()  # type: ignore[return-value]

            assert until(lambda: (now := counted())[0] and now, "it is parsed") == (
                *(80_000, 80_000, 80_000),
                1,  # by the sweep, not by a task that comes again and may kill again
            )
        platform.tocsin("verify")


def is_in_the_middle(database: psycopg.Connection) -> bool:
    """Whether the session that holds a batch waits for a lock on the table of blocks."""
    waiting = database.execute(
        "SELECT 1 FROM pg_locks AS wish JOIN pg_locks AS held USING (pid)"
        " WHERE NOT wish.granted AND wish.locktype = 'relation' AND held.locktype = 'advisory'"
        " AND EXISTS (SELECT FROM acquisition_batch WHERE claimed_at IS NOT NULL)"
    )
    return waiting.fetchone() is not None


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def pool(worker: int) -> list[int]:
    """The processes in which a worker runs its tasks."""
    told = Path(f"/proc/{worker}/task/{worker}/children").read_text()
    return [int(pid) for pid in told.split()]


def wait_for_the_end(database: psycopg.Connection, seconds: float = 180) -> None:
    """Until every batch is parsed; fails where none was for so long. Those whose tasks went with
    the broker are begun again after minutes: their clock is put forward, and the real sweep does
    the rest."""
    least, deadline = float("inf"), 0.0
    waits = "FROM acquisition_batch WHERE state IN ('open', 'received')"
    while (left := database.execute(f"SELECT count(*) {waits}").fetchone()) and left[0]:
        if left[0] < least:
            least, deadline = left[0], time.monotonic() + seconds
        assert time.monotonic() < deadline, f"{left[0]} batches are not parsed"
        database.execute(
            "UPDATE acquisition_batch SET restarted_at = now() - interval '10 minutes'"
            f" WHERE id IN (SELECT id {waits} AND attempts < 3"
            " AND coalesce(restarted_at, received_at) BETWEEN now() - interval '10 minutes'"
            " AND now() - interval '20 seconds')"
        )
        time.sleep(2)
