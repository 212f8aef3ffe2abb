"""Network namespaces as places to run programs in, and how every one of them goes away."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STATE = "tocsin-range-"
"""How the scratch folders of ranges are called, in the folder for temporary files."""

Text = subprocess.CompletedProcess[str]


@dataclass
class Place:
    """One namespace: where its processes see only the range's network.

    `enter` is the command prefix that moves a program there; `address` its first address.
    """

    name: str
    address: str
    enter: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def run(
        self,
        command: Sequence[str],
        *,
        check: bool = True,
        timeout: float = 60,
        text_input: str | None = None,
    ) -> Text:
        """Run a program here and wait for it; output is captured as text.

        Raises:
            subprocess.CalledProcessError: it failed, and `check` is set.
            subprocess.TimeoutExpired: it ran longer than `timeout` seconds and was killed.
        """
        return subprocess.run(
            [*self.enter, *command],
            check=check,
            timeout=timeout,
            input=text_input,
            stdin=subprocess.DEVNULL if text_input is None else None,
            capture_output=True,
            text=True,
            cwd=self.cwd,
            env=self._all(),
        )

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program here; it is killed with the range if it still runs then."""
        environment = {**self._all(), **options.pop("env", {})}
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [*self.enter, *command],
            cwd=self.cwd,
            env=environment,
            start_new_session=True,  # a Ctrl-C is for the one who holds the range
            **options,
        )
        self.started.append(process)
        return process

    def _all(self) -> dict[str, str]:
        """What programs here are told; nothing else of the machine's environment."""
        return {"PATH": os.environ.get("PATH", os.defpath), **self.environment}

    def end(self) -> None:
        """Kill what `popen` started here and still runs."""
        for process in self.started:
            process.kill()
            process.wait()


def sweep() -> list[str]:
    """Remove what killed runs left: folders whose lock nobody holds, with their namespaces."""
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(f"{STATE}*"):
        try:
            with (folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                name = folder.name.removeprefix(STATE)
                remove(folder, name)
                removed.append(name)
        except OSError:
            continue  # in use by a living run
    return removed


def remove(folder: Path, name: str) -> None:
    """End every process in the namespaces of range `name`, then remove them and its folder."""
    spaces = [
        line.split()[0]
        for line in ip("netns", "list").splitlines()
        if line.startswith(f"tocsin-{name}-")
    ]
    for space in spaces:
        for pid in ip("netns", "pids", space).split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
    end = time.monotonic() + 10
    while any(ip("netns", "pids", space).strip() for space in spaces):
        if time.monotonic() > end:
            break
        time.sleep(0.02)
    for space in spaces:
        ip("netns", "del", space)
    shutil.rmtree(folder, ignore_errors=True)


def ip(*arguments: str) -> str:
    """Run `ip` and return what it says; raises CalledProcessError."""
    done = subprocess.run(
        ["ip", *arguments], check=True, capture_output=True, text=True, timeout=20
    )
    return done.stdout
