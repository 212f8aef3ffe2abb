"""How fast syslog is taken in: `python -m tests.benchmarks syslog` prints one JSON object.

A real `tocsin listen` with a private PostgreSQL (its safe settings) takes messages over TCP, with
line ends and with counts, over TLS, and over UDP; the clock runs until all are committed and
sealed. UDP senders do not wait: beside the rate stands which part was dropped, and that accepted
and dropped is what was sent. Client, listener and database share the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.ingest import database


def messages(number: int) -> list[bytes]:
    """Lines of sshd, every one different."""
    return [
        b"<86>Nov 22 %02d:%02d:%02d web%d sshd[%d]: Failed password for invalid user u%d from "
        b"10.%d.%d.%d port %d ssh2"
        % (
            *(n // 3600 % 24, n // 60 % 60, n % 60, n % 50, n % 30_000, n),
            *(n >> 16 & 255, n >> 8 & 255, n & 255, 1024 + n % 60_000),
        )
        for n in range(number)
    ]


def blocks(frames: list[bytes]) -> list[bytes]:
    return [b"".join(frames[at : at + 500]) for at in range(0, len(frames), 500)]


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stored() -> int:
    """Bytes of lines that are committed."""
    from django.db.models import Sum

    from apps.acquisition.models import Batch

    return Batch.objects.aggregate(total=Sum("size"))["total"] or 0


def timed(send: Callable[[], None], expected: int) -> float:
    """Seconds from the first message until `expected` bytes are stored beyond those before."""
    before, began = stored(), time.perf_counter()
    send()
    deadline = time.monotonic() + 120
    while stored() - before < expected:
        assert time.monotonic() < deadline, f"{stored() - before} of {expected} bytes came"
        time.sleep(0.02)
    return time.perf_counter() - began


def over_udp(
    lines: list[bytes], port: int, report: Callable[[], dict[str, int]]
) -> dict[str, float]:
    """As fast as one sender can; accepted + dropped = sent."""
    before = report()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", port))
        began = time.perf_counter()
        for line in lines:
            udp.send(line)
        sending = time.perf_counter() - began
    deadline = time.monotonic() + 120
    while True:
        now = report()
        told = {name: now[name] - before[name] for name in now}
        if sum(told.values()) >= len(lines):
            break
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
    assert sum(told.values()) == len(lines), told
    return {
        "udp_sent_per_s": round(len(lines) / sending),
        "udp_accepted_per_s": round(told["accepted"] / sending),
        "udp_dropped_share": round(1 - told["accepted"] / len(lines), 4),
    }


def counted() -> dict[str, int]:
    from apps.acquisition.models import Listener, Listening

    row, process = Listening.objects.get(), Listener.objects.get()
    kernel = sum(one.get("lost") or 0 for one in process.report["listening"])
    return {"accepted": row.accepted, "dropped": row.dropped, "kernel": kernel}


def measure(number: int) -> dict[str, float]:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from apps.acquisition import listening, services

    source, _ = services.create_source(name="benchmark", actor="benchmark")
    listening.listen_for(source=source, networks=["127.0.0.1"], actor="benchmark")
    tcp, tls, udp = free_port(), free_port(), free_port(socket.SOCK_DGRAM)
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin", "listen"],
        stdout=subprocess.PIPE,
        env={
            **os.environ,
            "TOCSIN_BROKER_URL": "memory://",
            "TOCSIN_SYSLOG_TCP": f"127.0.0.1:{tcp}",
            "TOCSIN_SYSLOG_TLS": f"127.0.0.1:{tls}",
            "TOCSIN_SYSLOG_UDP": f"127.0.0.1:{udp}",
        },
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening\n"
        lines = messages(number)
        size = sum(map(len, lines)) + number
        trust = ssl.create_default_context(cafile=f"{os.environ['TOCSIN_HOME']}/syslog.crt")

        def send(pieces: list[bytes], port: int, *, secure: bool = False) -> None:
            connection: socket.socket = socket.create_connection(("127.0.0.1", port))
            if secure:
                connection = trust.wrap_socket(connection, server_hostname="localhost")
            with connection:
                for piece in pieces:
                    connection.sendall(piece)

        newline = blocks([line + b"\n" for line in lines])
        counts = blocks([b"%d %s" % (len(line), line) for line in lines])
        seconds = {
            "tcp_per_s": timed(lambda: send(newline, tcp), size),
            "tcp_counted_per_s": timed(lambda: send(counts, tcp), size),
            "tls_per_s": timed(lambda: send(newline, tls, secure=True), size),
        }
        rates = {name: round(number / taken) for name, taken in seconds.items()}
        while counted()["accepted"] < 3 * number:  # counters are kept every few seconds
            time.sleep(0.2)
        datagrams = over_udp(lines[: number // 2], udp, counted)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    return {
        "messages": number,
        "megabytes": round(size / 1e6, 1),
        **rates,
        **datagrams,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=500_000)
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")
    os.environ.setdefault("TOCSIN_LOG_LEVEL", "WARNING")
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ["TOCSIN_HOME"] = folder
        with database(Path(folder)) as url:
            os.environ["TOCSIN_DATABASE_URL"] = url
            print(json.dumps(measure(asked.messages)))


if __name__ == "__main__":
    main()
