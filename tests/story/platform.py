"""The whole platform as its users meet it: `tocsin up` in a home of its own, and its doors."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(ask: Callable[[], T], what: str, seconds: float = 120) -> T:
    """The first answer of `ask` that is true; fails when it does not come in time."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
        time.sleep(0.5)
    return answer


class Platform:
    """A running platform: real engines, worker, beat and web. Ends with its `with` block."""

    def __init__(self, **environment: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tocsin-story-"))
        self.home.chmod(0o711)
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
        self.environment = {**inherited, **environment, "TOCSIN_HOME": str(self.home)}

    def __enter__(self) -> Platform:
        words = ["up", "--port", str(self.port), "--no-demonstration"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tocsin", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = ""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said += line
            if "Ctrl-C stops" in line:
                break
        found = re.search(r"password (\S+)", said)
        assert found, said
        self.admin = self.login("admin", found[1])
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is not None:  # what the platform said helps more than that it failed
            for log in sorted((self.home / "log").glob("*.log")):
                print(f"── {log.name}\n{log.read_text(errors='replace')[-4000:]}")
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def tocsin(self, *words: str) -> str:
        """Runs our command against this platform; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def play_demonstration(self) -> None:
        """Sends the shipped recording through the ingest API, as `tocsin up` does by itself."""
        self.tocsin("demo", "play")

    def login(self, name: str, password: str) -> Person:
        return Person(self.address, name, password)


class Person:
    """Somebody logged in, as a browser or a program with a session is."""

    def __init__(self, address: str, name: str, password: str) -> None:
        self._client = httpx.Client(base_url=address, timeout=60, trust_env=False)
        self._client.get("/login/")
        form = {
            "username": name,
            "password": password,
            "csrfmiddlewaretoken": self._client.cookies["csrftoken"],
        }
        answer = self._client.post("/login/", data=form)
        assert answer.status_code == 302, "the log-in was refused"

    def get(self, path: str) -> Any:
        answer = self._client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    def post(self, path: str, **content: str) -> httpx.Response:
        headers = {"X-CSRFToken": self._client.cookies["csrftoken"]}
        return self._client.post(f"/api/v1/{path}", json=content, headers=headers)

    def page(self, path: str) -> str:
        answer = self._client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text
