"""Two network namespaces of a test, joined by a wire: what is captured is what was sent there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEAR, FAR = "10.98.7.1", "10.98.7.2"
SEND = """
import socket, sys, time
host, port, count, size, pause = sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(count):
    sock.sendto(n.to_bytes(4, "big") + bytes(size - 4), (host, port))
    if pause: time.sleep(pause)
"""


def missing() -> str:
    """Why there can be no such wire here; empty where there can."""
    if os.geteuid() != 0:
        return "not root"
    absent = [
        tool for tool in ("unshare", "nsenter", "ip", "setpriv") if shutil.which(tool) is None
    ]
    if absent:
        return "not installed: " + ", ".join(absent)
    made = subprocess.run(
        ["unshare", "--net", "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"no namespaces: {made.stderr.strip()}" if made.returncode else ""


class Wire:
    """`near` has the interface near0, which is captured; `far` sends."""

    def __init__(self, near: int, far: int) -> None:
        self.near = ["nsenter", f"--target={near}", "--net"]
        self.far = ["nsenter", f"--target={far}", "--net"]

    def send(self, count: int, size: int = 100, port: int = 9999, pause: float = 0.0) -> None:
        """UDP from far to near; each datagram begins with its number."""
        words = [NEAR, str(port), str(count), str(size), str(pause)]
        subprocess.run([*self.far, sys.executable, "-c", SEND, *words], check=True, timeout=60)

    def sniff(self, folder: Path, *, filter: str = "", **changes: object) -> subprocess.Popen[str]:
        """The sniffing process, once it captures."""
        asked = {"seconds": 1, "megabytes": 8, "files": 8, "snaplen": 65535, "promiscuous": 1}
        words = [str(value) for value in {**asked, **changes}.values()]
        command = [sys.executable, "-m", "apps.acquisition.sniffing", "near0", str(folder), *words]
        process = subprocess.Popen(
            [*self.near, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(filter)
        process.stdin.close()
        assert process.stdout.readline() == "capturing\n"
        return process


@contextmanager
def wire() -> Iterator[Wire]:
    spaces = [
        subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "600"])
        for _side in range(2)
    ]
    try:
        near, far = (space.pid for space in spaces)
        own = Path("/proc/self/ns/net").readlink()
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{pid}/ns/net").readlink() == own for pid in (near, far)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        made = Wire(near, far)
        for side, words in (
            (made.near, f"ip link add near0 type veth peer name far0 netns {far}"),
            (made.near, "ip link set lo up"),
            (made.near, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1"),
            (made.far, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1"),
            (made.near, f"ip addr add {NEAR}/24 dev near0"),
            (made.far, f"ip addr add {FAR}/24 dev far0"),
            (made.near, "ip link set near0 up"),
            (made.far, "ip link set far0 up"),
        ):
            subprocess.run([*side, *words.split()], check="sysctl" not in words, timeout=20)
        yield made
    finally:
        for space in spaces:
            space.kill()
            space.wait()
