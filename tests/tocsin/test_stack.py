"""`tocsin up` as an operator meets it: real processes, real engines, a home of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tocsin.engines import Postgres

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def up(home: Path, port: int, **extra: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
    return subprocess.Popen(
        [sys.executable, "-m", "tocsin", "up", "--port", str(port), "--no-demonstration"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**environment, "TOCSIN_HOME": str(home), **extra},
    )


def refused(home: Path, port: int | None = None, **extra: str) -> str:
    """The one line an `up` that cannot start leaves; fails if it started."""
    process = up(home, port or free_port(), **extra)
    said, _ = process.communicate(timeout=90)
    assert process.returncode == 1, said
    complaints = [line for line in said.splitlines() if line.startswith("tocsin: ")]
    assert len(complaints) == 1, said
    assert "Traceback" not in said
    return complaints[0]


def belonging_to(home: Path) -> dict[int, str]:
    """Processes whose environment or command names this home: pid → command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                told = (entry / "environ").read_bytes() + command.encode()
            except OSError:
                continue
            if str(home).encode() in told and int(entry.name) != os.getpid():
                found[int(entry.name)] = command
    return found


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@dataclass
class Running:
    home: Path
    port: int
    process: subprocess.Popen[str]

    def healthy(self) -> bool:
        try:
            address = f"http://127.0.0.1:{self.port}/health"
            with urllib.request.urlopen(address, timeout=3) as answer:
                return answer.status == 200
        except OSError:
            return False


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-up-"))
    folder.chmod(0o711)
    yield folder
    for pid in belonging_to(folder):
        os.kill(pid, signal.SIGKILL)
    subprocess.run(["rm", "-rf", str(folder)], check=False)


@pytest.fixture
def running(home: Path) -> Running:
    stack = Running(home, free_port(), None)  # type: ignore[arg-type]
    stack.process = up(home, stack.port, TOCSIN_SYSLOG_TCP=f"127.0.0.1:{free_port()}")
    until(lambda: stack.healthy() or stack.process.poll() is not None, 90)
    assert stack.process.poll() is None, stack.process.communicate()[0]
    return stack


def test_a_day_in_the_life_of_the_stack(running: Running) -> None:
    home = running.home

    # Private: no port but the web's, sockets only we can use, secrets only we can read.
    pids = belonging_to(home)
    web = next(command for command in pids.values() if "uvicorn" in command)
    assert "--no-proxy-headers" in web  # else anyone here dodges the lock-out by naming himself
    assert any("postgres" in command for command in pids.values())
    for file in (home / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "run" / "engines.json").stat().st_mode) == 0o600
    engines = json.loads((home / "run" / "engines.json").read_text())
    password = engines["broker"].split(":")[2].split("@")[0]
    assert not any(password in command for command in pids.values())

    # A second start on the same home is refused and names the first.
    line = refused(home)
    assert f"pid {running.process.pid}" in line
    assert running.healthy()

    # A killed child comes back.
    def workers() -> set[int]:
        return {
            pid
            for pid, command in belonging_to(home).items()
            if "worker" in command and "scanner" not in command
        }

    def webs() -> set[int]:
        return {pid for pid, command in belonging_to(home).items() if "uvicorn" in command}

    until(lambda: len(workers()) == 3)
    before, web_before = workers(), webs()
    os.kill(min(before), signal.SIGKILL)
    os.kill(min(web_before), signal.SIGKILL)
    until(lambda: running.healthy() and len(workers()) >= 3 and not workers() & before, 60)
    assert not webs() & web_before

    # Syslog is listened to, and who is unknown is turned away.
    log = home / "log" / "listen.log"
    until(lambda: log.exists() and "listening: syslog-tcp" in log.read_text())
    place = re.search(r"syslog-tcp on 127\.0\.0\.1:(\d+)", log.read_text())
    with socket.create_connection(("127.0.0.1", int(place[1])), timeout=30) as stranger:
        assert stranger.recv(1) == b""

    # SIGTERM stops everything in order.
    running.process.send_signal(signal.SIGTERM)
    said, _ = running.process.communicate(timeout=60)
    assert running.process.returncode == 0, said
    stopped = re.findall(r"(\w+) stopped", said)
    assert stopped == ["beat", "listen", "web", "scanner", "worker", "valkey", "postgres"]
    assert belonging_to(home) == {}
    assert "stopped: all that was held is stored" in log.read_text()
    assert re.search(r"password \S{12,}", said)


def test_kill_9_of_the_supervisor_leaves_no_process_and_no_damage(running: Running) -> None:
    running.process.kill()
    running.process.wait()
    # nothing ends what it is at; PostgreSQL alone closes its files first
    deadline = time.monotonic() + 60
    while (left := belonging_to(running.home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == {}

    again = Running(running.home, running.port, up(running.home, running.port))
    until(again.healthy, 90)
    again.process.send_signal(signal.SIGINT)
    said, _ = again.process.communicate(timeout=60)
    assert again.process.returncode == 0
    assert "password" not in said  # the first account was made once


def test_a_taken_port_is_one_clear_line(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in refused(home, port)


def test_a_damaged_data_folder_is_one_clear_line(home: Path) -> None:
    data = Postgres.at(home).data
    data.mkdir(parents=True)
    (data / "leftover").write_text("not a cluster")
    assert "damaged" in refused(home)

    (data / "leftover").unlink()
    (data / "PG_VERSION").write_text("18\n")
    assert "postgres could not start" in refused(home)


def test_a_home_that_is_no_folder_is_one_clear_line(home: Path) -> None:
    (home / "file").write_text("")
    assert "tocsin: " in refused(home / "file" / "below")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_full_disk_is_one_clear_line(home: Path) -> None:
    small = home / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=4m tocsin-small "$1" && exec "${@:2}"'
    command = [sys.executable, "-m", "tocsin", "up", "--port", str(free_port())]
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", script, "-", str(small), *command],
        env={**os.environ, "TOCSIN_HOME": str(small)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "MB are free" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_normal_user_and_an_unwritable_home_is_one_clear_line(home: Path) -> None:
    home.chmod(0o755)
    # The interpreter may lie below root's closed home: the capability lets it be read.
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    as_nobody += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    done = subprocess.run(
        [*as_nobody, sys.executable, "-m", "tocsin", "up", "--port", str(free_port())],
        env={**os.environ, "TOCSIN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot be written by this account" in done.stderr
    assert "Traceback" not in done.stderr
