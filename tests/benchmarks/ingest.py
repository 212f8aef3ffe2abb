"""How fast `_bulk` is: `python -m tests.benchmarks ingest` prints one JSON object.

A server process takes documents with raw access and sshd lines over HTTP and makes each delivery
durable (a private PostgreSQL with its safe settings); then one process parses, stores and indexes
them. `copy_ratio` is that rate over the rate of a bare COPY of the same rows into a table without
indexes, in the same run. Client, server and database share the machine.

`--seconds 300 [--rate 22000]` sends and parses at the same time instead: the rates over the whole
time, how far parsing lags behind at its end, and the peak memory of each process. A sender that is
told to wait does so.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0"


def documents(number: int, start: int = 0) -> Iterator[str]:
    """NDJSON pairs of action and document, every one different."""
    for n in range(start, start + number):
        second = f"{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}"
        address = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
        if n % 5:
            line = (
                f"{address} - - [22/Nov/2026:{second} +0000] "
                f'"GET /shop/item?id={n} HTTP/1.1" 200 {n % 9000} "-" "{_AGENT}"'
            )
        else:
            line = (
                f"Nov 22 {second} web sshd[{n % 30000}]: Failed password for invalid user u{n} "
                f"from {address} port {1024 + n % 60000} ssh2"
            )
        yield '{"index":{}}\n'
        yield json.dumps({"host": {"name": "web"}, "message": line}) + "\n"


def bodies(number: int, size: int) -> list[bytes]:
    pairs = list(documents(number))
    step = 2 * size
    return ["".join(pairs[at : at + step]).encode() for at in range(0, len(pairs), step)]


@contextmanager
def database(home: Path) -> Iterator[str]:
    from tocsin.engines import Postgres

    server = Postgres.at(home)
    server.prepare()
    log = (home / "postgres.log").open("wb")
    process = subprocess.Popen(
        server.command(), stdout=log, stderr=log, cwd="/", **server.identity()
    )
    try:
        deadline = time.monotonic() + 60
        while not server.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit((home / "postgres.log").read_text())
            time.sleep(0.1)
        server.create()
        yield server.url()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@contextmanager
def server(listener: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "tests.benchmarks.ingest", "--serve", str(listener.fileno())]
    process = subprocess.Popen(words, pass_fds=[listener.fileno()])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def serve(descriptor: int) -> None:
    import django
    import uvicorn

    django.setup()
    from apps.acquisition import protocols
    from tocsin.http import PromptHttp

    application = protocols.application(on_batch=lambda batch_id: None)
    config = uvicorn.Config(
        application, http=PromptHttp, lifespan="off", log_level="warning", access_log=False
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


@contextmanager
def sender(address: str, token: str) -> Iterator[Callable[[bytes], None]]:
    """Posts a body until it is taken; waits where it is told to."""
    import httpx
    import msgspec

    class Reply(msgspec.Struct):
        errors: bool

    headers = {"Authorization": f"ApiKey {token}", "Content-Type": "application/x-ndjson"}
    with httpx.Client(base_url=address, headers=headers, timeout=120, trust_env=False) as client:
        deadline = time.monotonic() + 60
        while True:
            try:
                client.get("/_license").raise_for_status()
                break
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

        def post(content: bytes) -> None:
            while (answer := client.post("/_bulk", content=content)).status_code == 429:
                time.sleep(float(answer.headers["Retry-After"]))
            answer.raise_for_status()
            assert not msgspec.json.decode(answer.content, type=Reply).errors

        yield post


def send(address: str, token: str, contents: list[bytes], connections: int) -> float:
    """Seconds until every body is acknowledged."""
    with sender(address, token) as post, ThreadPoolExecutor(connections) as threads:
        began = time.perf_counter()
        list(threads.map(post, contents))
        return time.perf_counter() - began


def stream(address: str, token: str, size: int, connections: int, rate: float, until: float) -> int:
    """Sends documents, `rate` a second at most, until a time; returns how many."""
    numbers = count()
    pace, sent = Lock(), 0
    due = time.monotonic()

    def work() -> None:
        nonlocal due, sent
        while time.monotonic() < until:
            with pace:
                due = max(due, time.monotonic() - 1) + size / rate
                start, wait = next(numbers) * size, due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            post("".join(documents(size, start)).encode())
            with pace:
                sent += size

    with sender(address, token) as post, ThreadPoolExecutor(connections) as threads:
        for done in [threads.submit(work) for _ in range(connections)]:
            done.result()
    return sent


def parse_until_told() -> None:
    """A worker: parses what waits, the oldest first, until its standard input ends."""
    import select

    import django

    django.setup()
    from apps.acquisition import open_batches, services
    from apps.acquisition.models import Batch

    while not select.select([sys.stdin], [], [], 0)[0]:
        waits = Batch.objects.filter(state="received", claimed_at=None).order_by("received_at")
        found = list(waits.values_list("pk", flat=True)[:4])
        for batch_id in found:
            services.parse(batch_id)
        if not found:
            open_batches.close_overdue()
            time.sleep(0.05)


def cpu_s(pid: int) -> float:
    """Processor time a running process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> int:
    """The most memory a running process has held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def bare_copy() -> float:
    """Seconds a COPY of the stored rows into a bare table takes."""
    import polars as pl
    from django.db import connection, transaction

    from apps.acquisition import copying
    from apps.acquisition.models import Batch, Record
    from apps.acquisition.selectors import frame_of

    columns = {field.name: field.attname for field in Record._meta.concrete_fields}
    seconds = 0.0
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare AS TABLE acquisition_record WITH NO DATA")
    for batch_id in Batch.objects.values_list("pk", flat=True):
        frame = frame_of(batch_id)
        frame = frame.filter(frame["tocsin.fresh"]).drop(
            "tocsin.fresh", "record.id", "file.content"
        )
        frame = frame.rename(lambda name: name.lstrip("@").replace(".", "_"))
        frame = frame.with_columns(pl.lit(str(batch_id)).alias("batch_id"))
        assert set(frame.columns) <= set(columns.values())
        began = time.perf_counter()
        with transaction.atomic():
            copying.copy_in("bare", frame)
        seconds += time.perf_counter() - began
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=2_000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--seconds", type=int, help="send and parse at the same time")
    parser.add_argument("--rate", type=int, default=22_000, help="documents a second at most")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--parse", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")
    os.environ.setdefault("TOCSIN_LOG_LEVEL", "WARNING")
    if asked.serve is not None:
        serve(asked.serve)
        return
    if asked.parse:
        parse_until_told()
        return
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        os.environ["TOCSIN_HOME"] = folder
        with database(home) as url:
            os.environ["TOCSIN_DATABASE_URL"] = url
            prepare()
            print(json.dumps(sustain(asked) if asked.seconds else measure(asked)))


def prepare() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


@contextmanager
def serving() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server's address and process."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with server(listener) as process:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", process


def sustain(asked: argparse.Namespace) -> dict[str, Any]:
    from django.db import connection
    from django.utils import timezone

    from apps.acquisition import limits, services
    from apps.acquisition.models import Record, Source

    source, token = services.create_source(name="benchmark", actor="benchmark")
    words = [sys.executable, "-m", "tests.benchmarks.ingest", "--parse"]
    with serving() as (address, web):
        workers = [subprocess.Popen(words, stdin=subprocess.PIPE) for _ in range(asked.workers)]
        began = time.perf_counter()
        until = time.monotonic() + asked.seconds
        sent = stream(address, token, asked.batch, asked.connections, asked.rate, until)
        took = time.perf_counter() - began
        source.refresh_from_db()
        stored = source.stored
        waiting = limits.backlog().get(source.pk, limits.Waiting())
        lag = (timezone.now() - waiting.since).total_seconds() if waiting.since else 0.0
        while source.pk in limits.backlog():
            time.sleep(0.2)
        drained = time.perf_counter() - began
        source = Source.objects.get()
        assert source.stored == Record.objects.count() == sent, "every document arrives once"
        peaks = {
            "web": peak_mb(web.pid),
            "workers": [peak_mb(worker.pid) for worker in workers],
            "client": peak_mb(os.getpid()),
        }
        for worker in workers:
            worker.communicate()
    connection.close()
    return {
        "seconds": round(took),
        "accepted_per_s": round(sent / took),
        "stored_per_s": round(stored / took),
        "stored_per_s_to_the_end": round(sent / drained),
        "lag_s": round(lag, 1),
        "waiting_batches": waiting.batches,
        "peak_mb": peaks,
    }


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    from django.db import connection

    from apps.acquisition import open_batches, services
    from apps.acquisition.models import Batch, Record, Source

    number, size = asked.documents, asked.batch
    _, token = services.create_source(name="benchmark", actor="benchmark")
    contents = bodies(number, size)
    with serving() as (address, web):
        with sender(address, token):
            pass  # it has started
        before = cpu_s(web.pid), time.process_time()
        accepting = send(address, token, contents, asked.connections)
        busy = cpu_s(web.pid) - before[0], time.process_time() - before[1]
        web_peak = peak_mb(web.pid)
    open_batches.close(Batch.objects.filter(state="open").values_list("pk", flat=True))
    began = time.perf_counter()
    for batch_id in Batch.objects.order_by("received_at").values_list("pk", flat=True):
        services.parse(batch_id)
    storing = time.perf_counter() - began
    source = Source.objects.get()
    assert source.stored == Record.objects.count() == number, "every document arrives once"
    assert source.unparsed == 0
    copying = bare_copy()
    connection.close()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "documents": number,
        "batch": size,
        "megabytes": round(sum(map(len, contents)) / 1e6, 1),
        "accepted_per_s": round(number / accepting),
        "stored_per_s": round(number / storing),
        "bare_copy_per_s": round(number / copying),
        "copy_ratio": round(copying / storing, 3),
        # what a document costs even where others use the machine
        "web_cpu_us": round(1e6 * busy[0] / number, 2),
        "client_cpu_us": round(1e6 * busy[1] / number, 2),
        "peak_mb": {"web": web_peak, "parsing_and_client": own},
    }


if __name__ == "__main__":
    main()
