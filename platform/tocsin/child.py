"""One process of `tocsin up`, and how it is started and stopped.

Each child leads a process group of its own and is told by the kernel when the supervisor dies
(PR_SET_PDEATHSIG), so that even `kill -9` leaves no process behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import IO, Any


@dataclass(slots=True)
class Child:
    """One process of the stack, how to start it, and how to stop it."""

    name: str
    command: list[str]
    stop_signal: int = signal.SIGTERM
    orphan_signal: int = signal.SIGTERM  # what the kernel sends when the supervisor dies
    grace: float = 15.0
    identity: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0  # when a fallen child is started again

    def start(self, log: IO[bytes]) -> None:
        libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        parent, sign = os.getpid(), self.orphan_signal

        def die_with_the_supervisor() -> None:
            if libc is not None:
                libc.prctl(1, sign)
                if os.getppid() != parent:  # it died between fork and prctl
                    os._exit(1)

        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**os.environ, **self.environment},
            process_group=0,
            preexec_fn=die_with_the_supervisor,
            **self.identity,
        )
        self.started = time.monotonic()

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.process is None:
            return
        if self.running():
            self.process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.grace)
        self.sweep()

    def sweep(self) -> None:
        """Ends what is left of the child's group, e.g. the pool of a killed worker."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
