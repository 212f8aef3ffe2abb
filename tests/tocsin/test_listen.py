"""`tocsin listen` as an operator meets it: a process that takes in, and stops without losing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.acquisition import listening, selectors, services
from apps.acquisition.models import Batch, Listener
from tests.acquisition.listeners.conftest import until
from tests.tocsin.test_stack import free_port


def listen(url: str, home: Path, **extra: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
    return subprocess.Popen(
        [sys.executable, "-m", "tocsin", "listen"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **environment,
            "TOCSIN_HOME": str(home),
            "TOCSIN_DATABASE_URL": url,
            "TOCSIN_BROKER_URL": "redis://127.0.0.1:1/0",  # nobody: the batch waits for a sweep
            **extra,
        },
    )


def refused(home: Path, **extra: str) -> str:
    process = listen("postgresql://nobody@127.0.0.1:1/none", home, **extra)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in said
    return said.strip().splitlines()[-1]


@pytest.fixture
def url(transactional_db: None, database_url: str) -> str:
    from django.db import connection

    name = connection.settings_dict["NAME"]
    before, mark, after = database_url.partition("?")
    return f"{before.rpartition('/')[0]}/{name}{mark}{after}"


def test_it_takes_in_everything_and_stops_without_losing(url: str, tmp_path: Path) -> None:
    logs, port = tmp_path / "logs", free_port()
    logs.mkdir()
    source, _ = services.create_source(name="all", actor="test", host_name="here")
    listening.listen_for(
        source=source,
        networks=["127.0.0.1"],
        files=[str(logs / "*.log")],
        folder="all",
        allowed=[logs],
        actor="test",
    )
    (logs / "app.log").write_text("from a file\n")
    process = listen(
        url,
        tmp_path,
        TOCSIN_SYSLOG_TCP=f"127.0.0.1:{port}",
        TOCSIN_TAIL=str(logs),
        TOCSIN_DROP="1",
    )
    assert process.stdout.readline() == "listening\n"
    until(lambda: (tmp_path / "drop" / "all" / "done").exists())
    (tmp_path / "drop" / "all" / "x.log").write_text("from a folder\n")
    until(lambda: Batch.objects.count() == 2)
    until(lambda: Listener.objects.exists())
    assert next(iter(listening.listeners()))[1]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"<13>from a sender\n" * 1000)
    process.send_signal(signal.SIGTERM)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert said.splitlines()[-1].startswith("stopped")
    lines = [
        line
        for batch in Batch.objects.values_list("pk", flat=True)
        for line in selectors.content_of(batch).decode().splitlines()
    ]
    assert sorted(lines) == ["<13>from a sender"] * 1000 + ["from a file", "from a folder"]
    assert not Listener.objects.exists()


def test_what_cannot_be_meant_is_one_clear_line(tmp_path: Path) -> None:
    assert "nothing to listen to" in refused(tmp_path)
    assert "no address" in refused(tmp_path, TOCSIN_SYSLOG_UDP="everywhere")
    assert "belong together" in refused(tmp_path, TOCSIN_SYSLOG_TLS=":6514", TOCSIN_SYSLOG_KEY="/x")
    assert "no number" in refused(tmp_path, TOCSIN_SYSLOG_UDP=":514", TOCSIN_LISTEN_BUFFER="big")
    assert "slash" in refused(tmp_path, TOCSIN_TAIL="var/log")


def test_without_a_database_it_waits_and_stops_when_told(tmp_path: Path) -> None:
    process = listen(
        "postgresql://nobody@127.0.0.1:1/none", tmp_path, TOCSIN_SYSLOG_UDP="127.0.0.1:0"
    )
    line = process.stderr.readline()
    while "nothing can be stored now" not in line:
        line = process.stderr.readline()
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_taken_port_and_a_second_process_are_one_clear_line(url: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        process = listen(url, tmp_path, TOCSIN_SYSLOG_TCP=place)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert f"{place} is taken" in said
