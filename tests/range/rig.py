"""The range: an attacker, a victim and the platform as network namespaces on one bridge.

Nothing outside the namespaces is touched and nothing leaves them: they have no route out. The
victim is a Debian of its own (accounts, processes, files, firewall) with sshd, nginx, vsftpd and
a small vulnerable shop. Everything goes away with the `with` block, whatever happened inside;
what a killed run left is removed by the next one.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from tests.range.rootfs import pristine_root
from tests.range.spaces import STATE, Place, ip, remove, sweep

NETWORK = "10.77.0"
VICTIM = f"{NETWORK}.10"
PLATFORM = f"{NETWORK}.5"
ATTACKER = f"{NETWORK}.66"
ACCOMPLICE = f"{NETWORK}.67"
CLIENTS = tuple(f"{NETWORK}.{number}" for number in range(101, 109))
REPAIR_ACCOUNT = "tocsin"
WEAK_USER, WEAK_PASSWORD = "intern", "sunshine"
USERS = (
    {"name": "alice", "password": "tulip-harbour-9"},
    {"name": "bob", "password": "Granite!Orbit44"},
    {"name": "carol", "password": "seven-quiet-owls"},
    {"name": WEAK_USER, "password": WEAK_PASSWORD},
)
"""Accounts of the victim. One has a password that is in every list."""

FAR = ("attacker", "accomplice", "neighbours")
"""Places whose frames travel the wire where a range has delays."""

NEEDED = ("ip", "ethtool", "unshare", "nsenter", "setpriv", "debootstrap", "ssh-keygen", "nft")
BOOT_SECONDS = 60
VICTIM_FILES = Path(__file__).parent / "victim"


class Range:
    """The namespaces, the victim's processes and the repair key, for the time of a `with` block.

    Attributes (inside the block): `attacker`, `accomplice` (a second attacker), `victim`,
    `platform`, `neighbours` (the benign clients' addresses) are `Place`s; `ssh_key_path` opens
    the victim's repair account from the platform; `host_key_line` is the victim's pinned key,
    `TYPE BASE64`; `rootfs` is the victim's file system as seen from here.
    """

    attacker: Place
    accomplice: Place
    victim: Place
    platform: Place
    neighbours: Place
    rootfs: Path
    host_key_line: str

    def __init__(
        self,
        attacker: str = ATTACKER,
        accomplice: str = ACCOMPLICE,
        delays: Mapping[str, float] | None = None,
    ) -> None:
        """`delays`: seconds of a round trip to these addresses; without, there are none."""
        self.attackers = (attacker, accomplice)
        self.delays = delays or {}
        self.id = secrets.token_hex(3)
        self._lock: IO[str] | None = None
        self._init: subprocess.Popen[bytes] | None = None
        self._places: list[Place] = []
        self._prefix = f"tocsin-{self.id}-"

    # ── what it needs ────────────────────────────────────────────────────────────────────

    @staticmethod
    def missing(*tools: str) -> list[str]:
        """Why the range cannot run here, in words; empty where it can."""
        reasons = []
        if os.geteuid() != 0:
            reasons.append("not root")
        absent = [tool for tool in (*NEEDED, *tools) if shutil.which(tool) is None]
        if absent:
            reasons.append("not installed: " + ", ".join(absent))
        if not reasons:
            name = f"tocsin-{secrets.token_hex(3)}-try"
            made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
            if made.returncode:
                reasons.append(f"no network namespaces: {made.stderr.strip()}")
            else:
                ip("netns", "del", name)
        return reasons

    # ── life ─────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> Range:
        lower = pristine_root()
        sweep()
        unborn = Path(tempfile.mkdtemp(prefix="tocsin-unborn-"))
        self._lock = (unborn / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Named so only once it is locked: to a sweep, an unlocked one is a dead run's.
        self.folder = unborn.rename(unborn.with_name(f"{STATE}{self.id}"))
        try:
            self._lay_network()
            self._make_key()
            self._boot_victim(lower)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process of the range, then its namespaces and files. Safe to call twice."""
        for place in self._places:
            place.end()
        if self._init is not None:
            with suppress(ProcessLookupError):
                # Process 1 first, all under it go with it; `unshare` then ends by itself and
                # leaves no orphan. Where there is none yet, --kill-child does the same.
                os.kill(self._victim_pid() or self._init.pid, signal.SIGKILL)
            self._init.wait()
            self._init = None
        if self._lock is not None:
            remove(self.folder, self.id)
            self._lock.close()
            self._lock = None

    def forward(self, port: int = 22, local_port: int = 0) -> int:
        """Let programs of the machine reach the victim's `port` as if they were the platform.

        Returns:
            The port on 127.0.0.1 to connect to; it lives as long as the range. Nothing in the
            machine's own network changes. Call it from a thread that outlives its use.
        """
        with socket.create_server(("127.0.0.1", local_port)) as listener:
            self._relay(listener, port)
            return int(listener.getsockname()[1])

    def relay(self, port: int = 22) -> Path:
        """The same through a unix socket that only root can open; returns its path."""
        path = self.folder / f"relay-{port}"
        if path.exists():
            return path
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            path.chmod(0o600)
            listener.listen()
            self._relay(listener, port)
        return path

    def _relay(self, listener: socket.socket, port: int) -> None:
        fileno = listener.fileno()
        relay = str(Path(__file__).parent / "relay.py")
        self.platform.popen(
            [sys.executable, relay, str(fileno), VICTIM, str(port)], pass_fds=(fileno,)
        )

    # ── building ─────────────────────────────────────────────────────────────────────────

    def _lay_network(self) -> None:
        """A bridge in a namespace of its own, a veth pair to each place, no route out."""
        places = {
            "attacker": self.attackers[:1],
            "accomplice": self.attackers[1:],
            "victim": (VICTIM,),
            "platform": (PLATFORM,),
            "neighbours": CLIENTS,
        }
        scratch = self.folder / "scratch"
        scratch.mkdir()
        hub = self._prefix + "hub"
        ip("netns", "add", hub)
        ip("-n", hub, "link", "add", "bridge0", "type", "bridge")
        ip("-n", hub, "link", "set", "bridge0", "up")
        for name, addresses in places.items():
            space = self._prefix + name
            ip("netns", "add", space)
            ip("-n", hub, "link", "add", name, "type", "veth", "peer", "eth0", "netns", space)
            if self.delays and name in FAR:
                # Not on the bridge itself: frames take the wire, and the wire takes time.
                near, far = f"{name}-n", f"{name}-f"
                ip("-n", hub, "link", "add", near, "type", "veth", "peer", "name", far)
                ip("-n", hub, "link", "set", far, "master", "bridge0", "up")
                ip("-n", hub, "link", "set", near, "up")
                ip("-n", hub, "link", "set", name, "up")
            else:
                ip("-n", hub, "link", "set", name, "master", "bridge0", "up")
            for address in addresses:
                ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
            # Packets as a wire would carry them: real checksums, none larger than the MTU.
            off = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"]
            subprocess.run(
                ["ip", "netns", "exec", space, "ethtool", "-K", "eth0", *off],
                check=True,
                capture_output=True,
                timeout=20,
            )
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "set", "eth0", "up")
            if name != "victim":
                enter = ("setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", space)
                home = {"HOME": str(scratch), "TZ": "UTC", "LANG": "C.UTF-8"}
                setattr(self, name, self._place(name, addresses[0], enter, scratch, home))
        if self.delays:
            wire = str(Path(__file__).parent / "wire.py")
            pairs = [f"{name}:{name}-n" for name in FAR]
            enter = ("setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", hub)
            self._place("hub", "", enter, scratch, {}).popen(
                [sys.executable, wire, json.dumps(dict(self.delays)), *pairs]
            )

    def _make_key(self) -> None:
        self.ssh_key_path = self.folder / "repair_key"
        self.user_key_path = self.folder / "alice_key"
        for path in (self.ssh_key_path, self.user_key_path):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)],
                check=True,
                timeout=20,
            )

    def _boot_victim(self, lower: Path) -> None:
        upper, work, root = (self.folder / name for name in ("upper", "work", "root"))
        for folder in (upper, work, root):
            folder.mkdir(mode=0o755)
        inside = upper / "opt" / "range"
        shutil.copytree(VICTIM_FILES, inside, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (upper, upper / "opt", inside):
            path.chmod(0o755)
        users = [dict(user) for user in USERS]
        users[0]["key"] = _public(self.user_key_path)
        settings = {
            "address": VICTIM,
            "users": users,
            "repair": {
                "name": REPAIR_ACCOUNT,
                "key": _public(self.ssh_key_path),
                "from": PLATFORM,
            },
        }
        (inside / "victim.json").write_text(json.dumps(settings))
        (inside / "victim.json").chmod(0o600)
        space = self._prefix + "victim"
        fresh = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        script = str(VICTIM_FILES / "start.sh")
        arguments = [str(path) for path in (root, lower, upper, work)]
        alone = ["setpriv", "--pdeathsig", "KILL"]
        self.console = self.folder / "console.log"
        with self.console.open("wb") as console:
            self._init = subprocess.Popen(
                [*alone, "ip", "netns", "exec", space, *fresh, "sh", script, *arguments, "victim"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        self._wait_for(lambda: self._victim_pid() is not None, "its process 1")
        pid = self._victim_pid()
        self.rootfs = Path(f"/proc/{pid}/root")
        self._wait_for(lambda: (self.rootfs / "run/range-is-ready").exists(), "its services")
        enter = ("nsenter", "--target", str(pid), "--mount", "--pid", "--net", "--uts", "--ipc")
        self.victim = self._place(
            "victim",
            VICTIM,
            (*enter, "--root", "--wd=/", "setpriv", "--pdeathsig", "KILL"),
            Path("/"),
            {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"},
        )
        for port in (21, 22, 80):
            self._wait_for(partial(self._answers, port), f"port {port}")
        key = (self.rootfs / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
        self.host_key_line = " ".join(key[:2])

    def _place(
        self,
        name: str,
        address: str,
        enter: tuple[str, ...],
        cwd: Path,
        environment: Mapping[str, str],
    ) -> Place:
        place = Place(name, address, enter, cwd, environment)
        self._places.append(place)
        return place

    def _victim_pid(self) -> int | None:
        assert self._init is not None
        pid = self._init.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        try:
            found = children.read_text().split()
        except OSError:
            return None
        return int(found[0]) if found else None

    def _answers(self, port: int) -> bool:
        done = self.victim.run(["ss", "-Hltn", f"sport = :{port}"], check=False)
        return "LISTEN" in done.stdout

    def _wait_for(self, ready: Callable[[], bool], what: str) -> None:
        assert self._init is not None
        end = time.monotonic() + BOOT_SECONDS
        while not ready():
            if self._init.poll() is not None or time.monotonic() > end:
                words = self.console.read_text(errors="replace")[-800:]
                raise RuntimeError(f"the victim did not bring up {what}:\n{words}")
            time.sleep(0.05)


def _public(key: Path) -> str:
    return key.with_name(key.name + ".pub").read_text().strip()
