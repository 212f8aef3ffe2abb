"""`tocsin up`: starts PostgreSQL, Valkey, worker, beat and web, watches them, stops them in order.

Everything a child needs is in its environment and its home; nothing listens on the network but
the web server, and the listeners of syslog and NetFlow where they are set.
"""

from __future__ import annotations

import errno
import fcntl
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from django.core.exceptions import ImproperlyConfigured

from tocsin.child import Child
from tocsin.engines import EngineError, Postgres, Valkey
from tocsin.home import home

LEAST_FREE = 256 * 1024 * 1024
"""Bytes that must be free to start: PostgreSQL's first files and its write-ahead log."""

LONGEST_SOCKET = 100
"""A unix socket's path may have 107 bytes; PostgreSQL adds its own name to the folder's."""

STEADY = 30.0
"""A child that has run this many seconds is healthy again: its back-off starts anew."""


class StackError(Exception):
    """The stack cannot start or go on: one clear line for the operator."""


class Stack:
    """The whole platform of one home, on one machine."""

    def __init__(self, *, host: str, port: int, say: Callable[[str], None]) -> None:
        self.home = home()
        self.host, self.port = host, port
        self.began = time.monotonic()
        self._say = say
        self.stopping = False
        self.children: list[Child] = []
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "tocsin.settings",
            "TOCSIN_PUBLIC_URL": os.environ.get("TOCSIN_PUBLIC_URL") or self.address(),
        }
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None
        self._lock: IO[str] | None = None

    def say(self, line: str) -> None:
        self._say(f"[{time.monotonic() - self.began:5.1f} s] {line}")

    # ── The life of the stack ────────────────────────────────────────────────────────────

    def up(self, *, demonstration: bool = True) -> int:
        """Runs until SIGINT or SIGTERM. 0 after an orderly stop; raises `StackError`."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._asked_to_stop)
        try:
            self._open_home()
            self._check_settings()
            self._check_port()
            self._start_engines()
            password = self._prepare_database()
            self._start_services()
            if not self.stopping:
                self._announce(password)
                if demonstration:
                    self._play_demonstration()
            while not self.stopping:
                self._watch()
                time.sleep(0.2)
        except (OSError, EngineError) as problem:
            raise StackError(self._explain(problem)) from problem
        finally:
            self._stop()
        return 0

    def _asked_to_stop(self, number: int, frame: object) -> None:
        self.stopping = True

    def _explain(self, problem: Exception) -> str:
        if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
            return f"no space is left on the disk of {self.home}: free some, then start again"
        if isinstance(problem, PermissionError):
            return (
                f"{problem.filename or self.home} cannot be written by this account: "
                "change its owner, or set TOCSIN_HOME to a folder of yours"
            )
        return str(problem)

    def _open_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o711)
        for name, mode in (("log", 0o700), ("run", 0o700), ("secrets", 0o700)):
            (self.home / name).mkdir(exist_ok=True, mode=mode)
        self._lock = (self.home / "run" / "up.lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "unknown"
            self._lock.close()
            self._lock = None
            raise StackError(
                f"Tocsin already runs in {self.home} (pid {holder}): stop it first, or set "
                "TOCSIN_HOME to another folder"
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()
        free = shutil.disk_usage(self.home).free
        if free < LEAST_FREE:
            raise StackError(
                f"only {free // 2**20} MB are free on the disk of {self.home}; Tocsin needs "
                f"{LEAST_FREE // 2**20} MB to start"
            )

    def _check_settings(self) -> None:
        try:
            importlib.import_module("tocsin.settings")
        except ImproperlyConfigured as problem:
            raise StackError(str(problem)) from None

    def _check_port(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except PermissionError:
                raise StackError(f"port {self.port} needs root: choose one above 1023") from None
            except OSError as problem:
                if problem.errno == errno.EADDRINUSE:
                    raise StackError(
                        f"port {self.port} is taken: choose another with --port (make run PORT=…)"
                    ) from None
                raise StackError(f"{self.host} is no address of this machine") from problem

    def _start_engines(self) -> None:
        urls: dict[str, str] = {}
        if url := os.environ.get("TOCSIN_DATABASE_URL"):
            urls["database"] = url
            self.say("database: the one TOCSIN_DATABASE_URL names")
        else:
            self.postgres = Postgres.at(self.home)
            if self.postgres.prepare():
                self.say("database: new PostgreSQL cluster made")
            self._spawn(
                Child(
                    "postgres",
                    self.postgres.command(),
                    stop_signal=signal.SIGINT,  # fast shutdown
                    orphan_signal=signal.SIGINT,
                    grace=30,
                    identity=self.postgres.identity(),
                )
            )
            self._wait_for("postgres", self.postgres.ready, 60)
            self.postgres.create()
            urls["database"] = self.postgres.url()
        if url := os.environ.get("TOCSIN_BROKER_URL"):
            urls["broker"] = url
            self.say("broker: the one TOCSIN_BROKER_URL names")
        else:
            self.valkey = Valkey(self._socket_folder(), self.home / "secrets")
            self.valkey.prepare()
            self._spawn(Child("valkey", self.valkey.command()))
            self._wait_for("valkey", self.valkey.ready, 20)
            urls["broker"] = self.valkey.url()
        urls["web"] = self.address()
        # For other commands of the same home (`tocsin verify`), and for our own children.
        file = self.home / "run" / "engines.json"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
            json.dump(urls, new)

    def _socket_folder(self) -> Path:
        folder = self.home / "run"
        if len(str(folder / "valkey.sock")) < LONGEST_SOCKET:
            return folder
        return Path(tempfile.mkdtemp(prefix="tocsin-"))  # 0700, and short enough

    def _prepare_database(self) -> str:
        """Migrates; on the first start makes the administrator and returns the password."""
        done = self._run_ours("migrate")
        if done.returncode:
            raise StackError(f"the database cannot be migrated: {_last_line(done.stderr)}")
        self.say("database: up to date")
        done = self._run_ours("first-account")
        if done.returncode:
            raise StackError(f"no account could be made: {_last_line(done.stderr)}")
        return done.stdout.strip()

    def _start_services(self) -> None:
        from tocsin.settings import HEARS, SECURE_TLS, TOCSIN  # reads the home, which now is there

        celery = [sys.executable, "-m", "celery", "-A", "tocsin.celery"]
        alone = ["--without-gossip", "--without-mingle"]
        queues = "response,ingest,learning"
        worker = ["worker", "-Q", queues, "-c", "2", *alone]
        # What fetches waits for others: threads, and never in the way of a response.
        scanner = ["worker", "-Q", "scan", "-P", "threads", "-c", "4", "-n", "scanner@%h", *alone]
        beat = ["beat", "--scheduler", "celery.beat:Scheduler", "--pidfile="]
        web = ["uvicorn", "tocsin.asgi:application", "--host", self.host, "--port", str(self.port)]
        quiet = ["--log-level", "warning", "--timeout-graceful-shutdown", "5"]
        quiet += ["--limit-concurrency", "512"]  # who asks for more at once is told to wait
        quiet += ["--http", "tocsin.http:PromptHttp"]
        if not SECURE_TLS:  # no proxy stands before us: nobody may say who they come from
            quiet.append("--no-proxy-headers")
        threads = {"OMP_NUM_THREADS": "1"}  # two workers share two cores
        for child in (
            Child("web", [sys.executable, "-m", *web, *quiet], grace=8),
            Child(
                "worker",
                [*celery, *worker, "-l", "INFO"],
                orphan_signal=signal.SIGKILL,  # at once: what it was doing is done again later
                grace=20,
                environment=threads,
            ),
            Child(
                "scanner",
                [*celery, *scanner, "-l", "INFO"],
                orphan_signal=signal.SIGKILL,
                grace=10,
                environment=threads,
            ),
            Child("beat", [*celery, *beat, "-l", "WARNING"], grace=5),
            *([Child("listen", self._ours("listen"), grace=25)] if HEARS else []),
            *([Child("capture", self._ours("capture"), grace=25)] if TOCSIN["capture"] else []),
        ):
            self._spawn(child)
        self.say("worker, scheduler and web are starting")
        self._wait_for("web", self._healthy, 120)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address()}/health", timeout=5) as answer:  # noqa: S310 - our own loopback address
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def address(self) -> str:
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def _announce(self, password: str) -> None:
        self.say(f"Tocsin is up: {self.address()}")
        if password:
            self._say("")
            self._say(f"    account  admin\n    password {password}")
            self._say("    (shown once; change it under your name)")
            self._say("")
        self._say("    Ctrl-C stops everything.")

    def _play_demonstration(self) -> None:
        """On an empty database the shipped recording comes in through the real ingest API."""
        child = Child("demonstration", self._ours("demo", "play", "--if-empty"))
        (self.home / "log" / "demonstration.log").unlink(missing_ok=True)
        self._spawn(child)

    # ── Watching and stopping ────────────────────────────────────────────────────────────

    def _spawn(self, child: Child) -> None:
        if self.stopping:
            return
        child.environment |= self.environment
        with (self.home / "log" / f"{child.name}.log").open("ab") as log:
            child.start(log)
        if child not in self.children:
            self.children.append(child)

    def _watch(self) -> None:
        for child in list(self.children):
            if child.running():
                if child.failures and time.monotonic() - child.started > STEADY:
                    child.failures = 0
                continue
            if child.name == "demonstration":
                self._demonstration_ended(child)
                continue
            if not child.due:
                child.sweep()
                code = child.process.returncode if child.process else None
                child.failures += 1
                wait = min(30.0, 0.5 * 2 ** (child.failures - 1))
                child.due = time.monotonic() + wait
                self.say(f"{child.name} ended ({code}); starting it again in {wait:g} s")
                if child.name == "listen":  # a setting of the operator's, more often than not
                    log = self.home / "log" / "listen.log"
                    self.say(f"listen: {_last_line(log.read_text(errors='replace'))}")
            elif time.monotonic() >= child.due:
                child.due = 0.0
                if child.name == "valkey" and self.valkey:
                    self.valkey.prepare()
                self._spawn(child)
                self.say(f"{child.name} started again")

    def _demonstration_ended(self, child: Child) -> None:
        self.children.remove(child)
        log = self.home / "log" / "demonstration.log"
        lines = log.read_text(errors="replace").strip().splitlines()
        if lines:
            self.say(f"demonstration: {lines[-1]}")

    def _wait_for(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        child = next(child for child in self.children if child.name == name)
        deadline = time.monotonic() + seconds
        while not self.stopping:
            if ready():
                self.say(f"{name} is ready")
                return
            log = self.home / "log" / f"{name}.log"
            if not child.running():
                reason = _last_line(log.read_text(errors="replace"))
                raise StackError(f"{name} could not start: {reason} (see {log})")
            if time.monotonic() > deadline:
                raise StackError(f"{name} did not come up in {seconds:g} s; see {log}")
            time.sleep(0.05)

    def _stop(self) -> None:
        """First who takes work in, then who does it, then what they stand on."""
        if self.children:
            self.say("stopping")
        order = (
            "demonstration",
            "beat",
            "listen",
            "capture",
            "web",
            "scanner",
            "worker",
            "valkey",
            "postgres",
        )
        for child in sorted(self.children, key=lambda child: order.index(child.name)):
            child.stop()
            self.say(f"{child.name} stopped")
        self.children.clear()
        if self._lock is not None:
            (self.home / "run" / "engines.json").unlink(missing_ok=True)
            self._lock.truncate(0)
            self._lock.close()

    # ── Our own commands ─────────────────────────────────────────────────────────────────

    def _ours(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tocsin", *words]

    def _run_ours(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._ours(*words),
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env={**os.environ, **self.environment},
        )


def _last_line(text: str) -> str:
    """The line that says most: PostgreSQL's FATAL, else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (telling or lines or ["no message"])[-1]
