"""A real Linux host for the tests: sshd, nftables and accounts in namespaces of their own.

Two network namespaces joined by a veth pair: `inside` with sshd, over a private view of the file
system (overlays on /etc, /srv, /home and /var/lib that go away with it), and `outside`, where the
repair comes from and the attacker is. Nothing of the machine that runs the tests is changed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

INSIDE, OPERATOR, ATTACKER = "10.99.8.10", "10.99.8.5", "10.99.8.66"
SSHD = "/usr/sbin/sshd"
NEEDED = ("unshare", "nsenter", "setpriv", "ip", "nft", "ssh-keygen", "useradd", "sudo", SSHD)

FURNISH = r"""
set -eu
mount -t tmpfs tmpfs "$1/over"
for place in etc srv home var/lib; do
    mkdir -p "$1/over/$place/upper" "$1/over/$place/work"
    layers="lowerdir=/$place,upperdir=$1/over/$place/upper,workdir=$1/over/$place/work"
    mount -t overlay overlay -o "$layers" "/$place"
done
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /root
mkdir -p /run/sshd /srv/shop/uploads
useradd --create-home --shell /bin/bash --password '$6$salt$notAHashOfAnything' testalice
useradd --create-home --shell /bin/bash --password '' testbob
useradd --create-home --shell /bin/bash --groups sudo --password '*' testadmin
useradd --system --create-home --shell /bin/sh --password '*' testrepair
echo 'testrepair ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/testrepair 2>/dev/null || true
chown www-data:www-data /srv/shop/uploads
ip link set lo up
until ip link show inside0 >/dev/null 2>&1; do sleep 0.02; done
ip addr add 10.99.8.10/24 dev inside0
ip link set inside0 up
exec /usr/sbin/sshd -D -e -f "$1/sshd_config"
"""

RELAY = """
import select, socket, sys, threading
way, source, host, port = sys.argv[1:]
def pump(one, other):
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    try:
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass
listener = socket.socket(socket.AF_UNIX)
listener.bind(way)
listener.listen(16)
while True:
    near, _ = listener.accept()
    try:
        far = socket.create_connection((host, int(port)), 5, source_address=(source, 0))
        far.settimeout(None)
    except OSError:
        near.close()
        continue
    threading.Thread(target=pump, args=(near, far), daemon=True).start()
    threading.Thread(target=pump, args=(far, near), daemon=True).start()
"""


def missing() -> list[str]:
    """Why there can be no such host here, in words; empty where there can."""
    if os.geteuid() != 0:
        return ["not root"]
    absent = [tool for tool in NEEDED if shutil.which(tool) is None]
    if absent:
        return ["not installed: " + ", ".join(absent)]
    probe = "mount -t tmpfs tmpfs /mnt && nft list ruleset && ip link add v0 type veth peer name v1"
    made = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", probe], capture_output=True, text=True
    )
    return [f"no namespaces: {made.stderr.strip()}"] if made.returncode else []


class Machine:
    """The host, for the time of a `with` block.

    Attributes: `relay`, a unix socket that leads to its sshd from `OPERATOR`; `host_key`, its
    public key line; `key`, the private key of root and of `testrepair`, as text.
    """

    relay: str
    host_key: str
    key: str

    def __enter__(self) -> Machine:
        self._ours = contextlib.ExitStack()
        try:
            self._start()
        except BaseException:
            self._ours.close()
            raise
        return self

    def __exit__(self, *ended: object) -> None:
        self._ours.close()

    def run(self, *command: str, check: bool = True) -> str:
        """Runs a program inside, as root; its output."""
        done = subprocess.run(
            [*self._enter, *command], check=check, capture_output=True, text=True, timeout=20
        )
        return done.stdout

    def attacker_gets_in(self) -> bool:
        """Whether a new connection of the attacker to sshd is answered."""
        talk = "import socket,sys; s=socket.create_connection(sys.argv[1:3],2,(sys.argv[3],0));"
        talk += "s.settimeout(2); sys.exit(not s.recv(3)==b'SSH')"
        done = subprocess.run(
            [*self._leave, sys.executable, "-c", talk, INSIDE, "22", ATTACKER],
            capture_output=True,
            timeout=20,
        )
        return done.returncode == 0

    def hold_open(self) -> subprocess.Popen[bytes]:
        """A connection of the attacker that stays: says each line it hears, ends when cut."""
        talk = "import socket,sys; s=socket.create_connection(sys.argv[1:3],2,(sys.argv[3],0));"
        talk += (
            "print(s.recv(4096),flush=True); sys.stdin.readline(); s.sendall(b'SSH-2.0-x\\r\\n');"
        )
        talk += "s.settimeout(2); print(len(s.recv(4096)) > 20, flush=True)"
        return subprocess.Popen(
            [*self._leave, sys.executable, "-c", talk, INSIDE, "22", ATTACKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _start(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="tocsin-machine-"))
        self._ours.callback(shutil.rmtree, folder, ignore_errors=True)
        for place in (folder, folder / "over", folder / "keys"):
            place.mkdir(exist_ok=True)
            place.chmod(0o755)  # sshd reads the keys as their account
        for name in ("host", "repair"):
            new = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name]
            subprocess.run(new, check=True, timeout=20)
        self.key = (folder / "repair").read_text()
        self.host_key = (folder / "host.pub").read_text().strip()
        for account in ("root", "testrepair"):
            shutil.copy(folder / "repair.pub", folder / "keys" / account)
        (folder / "sshd_config").write_text(
            f"Port 22\nListenAddress {INSIDE}\nHostKey {folder}/host\n"
            f"AuthorizedKeysFile {folder}/keys/%u\nStrictModes no\nPidFile none\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nUsePAM yes\nUseDNS no\nMaxStartups 100\n"
        )
        log = self._ours.enter_context((folder / "log").open("wb"))
        outside = self._spawn(["unshare", "--net", "sleep", "infinity"], log)
        apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        inside = self._spawn([*apart, "sh", "-c", FURNISH, "furnish", str(folder)], log)
        self._until(lambda: _net(outside.pid) != _net(os.getpid()), log, "outside")
        first = self._until(lambda: _child(inside.pid), log, "inside")
        self._until(lambda: _net(first) != _net(os.getpid()), log, "inside")
        self._leave = ["nsenter", f"--target={outside.pid}", "--net"]
        self._enter = ["nsenter", f"--target={first}", "--net", "--mount", "--pid"]
        wires = (
            f"ip link set lo up; ip link add outside0 type veth peer name inside0 netns {first};"
            f"ip addr add {OPERATOR}/24 dev outside0; ip addr add {ATTACKER}/24 dev outside0;"
            "ip link set outside0 up"
        )
        subprocess.run([*self._leave, "sh", "-ec", wires], check=True, timeout=20)
        self.relay = str(folder / "relay")
        self._spawn(
            [*self._leave, sys.executable, "-c", RELAY, self.relay, OPERATOR, INSIDE, "22"], log
        )
        self._until(self._answers, log, "sshd")

    def _spawn(self, command: list[str], log: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,  # type: ignore[call-overload]
            stderr=log,  # type: ignore[call-overload]
        )
        self._ours.callback(process.wait)
        self._ours.callback(process.kill)
        return process

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as way:
            way.settimeout(2)
            try:
                way.connect(self.relay)
                return way.recv(3) == b"SSH"
            except OSError:
                return False

    def _until(self, ready: object, log: object, what: str) -> int:
        end = time.monotonic() + 20
        while not (found := ready()):  # type: ignore[operator]
            if time.monotonic() > end:
                words = Path(log.name).read_text()[-800:]  # type: ignore[attr-defined]
                raise RuntimeError(f"{what} did not come up:\n{words}")
            time.sleep(0.02)
        return int(found)


def _net(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _child(pid: int) -> int:
    with contextlib.suppress(OSError):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(found[0]) if found else 0
    return 0
