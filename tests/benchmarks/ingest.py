"""How fast `_bulk` is: `python -m tests.benchmarks ingest` prints one JSON object.

A server process takes documents with raw access and sshd lines over HTTP and makes each batch
durable (a private PostgreSQL with its safe settings); then one process parses, stores and indexes
them. `copy_ratio` is that rate over the rate of a bare COPY of the same rows into a table without
indexes, in the same run. Client, server and database share the machine.
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0"


def documents(number: int) -> Iterator[str]:
    """NDJSON pairs of action and document, every one different."""
    for n in range(number):
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
def server(listener: socket.socket) -> Iterator[None]:
    words = [sys.executable, "-m", "tests.benchmarks.ingest", "--serve", str(listener.fileno())]
    process = subprocess.Popen(words, pass_fds=[listener.fileno()])
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def serve(descriptor: int) -> None:
    import django
    import uvicorn

    django.setup()
    from apps.acquisition import protocols

    application = protocols.application(on_batch=lambda batch_id: None)
    config = uvicorn.Config(application, lifespan="off", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


def send(address: str, token: str, contents: list[bytes], connections: int) -> float:
    """Seconds until every body is acknowledged."""
    import httpx

    headers = {"Authorization": f"ApiKey {token}", "Content-Type": "application/x-ndjson"}
    with (
        httpx.Client(base_url=address, headers=headers, timeout=120, trust_env=False) as client,
        ThreadPoolExecutor(connections) as threads,
    ):
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
            answer = client.post("/_bulk", content=content).raise_for_status()
            assert answer.json()["errors"] is False

        began = time.perf_counter()
        list(threads.map(post, contents))
        return time.perf_counter() - began


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
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")
    os.environ.setdefault("TOCSIN_LOG_LEVEL", "WARNING")
    if asked.serve is not None:
        serve(asked.serve)
        return
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        os.environ["TOCSIN_HOME"] = folder
        with database(home) as url:
            os.environ["TOCSIN_DATABASE_URL"] = url
            print(json.dumps(measure(asked.documents, asked.batch, asked.connections)))


def measure(number: int, size: int, connections: int) -> dict[str, float]:
    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    call_command("migrate", verbosity=0)
    from apps.acquisition import services
    from apps.acquisition.models import Batch, Record, Source

    _, token = services.create_source(name="benchmark", actor="benchmark")
    contents = bodies(number, size)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with server(listener):
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            accepting = send(address, token, contents, connections)
    began = time.perf_counter()
    for batch_id in Batch.objects.order_by("received_at").values_list("pk", flat=True):
        services.parse(batch_id)
    storing = time.perf_counter() - began
    source = Source.objects.get()
    assert source.stored == Record.objects.count() == number, "every document arrives once"
    assert source.unparsed == 0
    copying = bare_copy()
    connection.close()
    peaks = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return {
        "documents": number,
        "batch": size,
        "megabytes": round(sum(map(len, contents)) / 1e6, 1),
        "accepted_per_s": round(number / accepting),
        "stored_per_s": round(number / storing),
        "bare_copy_per_s": round(number / copying),
        "copy_ratio": round(copying / storing, 3),
        "peak_mb": round(max(resource.getrusage(who).ru_maxrss for who in peaks) / 1024),
    }


if __name__ == "__main__":
    main()
