"""Brings up the range and keeps it until Ctrl-C: `python -m tests.range.serve`.

Says how a platform outside the namespaces reaches the victim. `--register NAME` tells a running
platform that the host of this name is real now, and takes that back at the end; `--attack` lets
the attacker loose on it, with benign clients beside; `--ship` posts the victim's new log lines
and uploaded files to the platform, as its shippers would. A registered victim that nobody attacks
stands for the host of the shipped recording: it has that host's files (`--no-as-recorded`: none).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

from tests.range import attacks
from tests.range.client import Client
from tests.range.facts import restore
from tests.range.record import LOGS, UPLOADS, live
from tests.range.rig import CLIENTS, PLATFORM, REPAIR_ACCOUNT, VICTIM, Range
from tests.range.ship import HOST, Shipper
from tests.range.timetable import Timetable

BENIGN_CLIENTS = 3


def way_in(rig: Range, port: int = 0) -> dict[str, object]:
    """How the machine's programs reach the victim: everything a host entry needs."""
    return {
        "victim": VICTIM,
        "ssh_host": "127.0.0.1",
        "ssh_port": rig.forward(22, port),
        "relay": str(rig.relay(22)),
        "user": REPAIR_ACCOUNT,
        "key": str(rig.ssh_key_path),
        "host_key": rig.host_key_line,
        "platform": PLATFORM,
        "attacker": rig.attacker.address,
        "web": f"http://127.0.0.1:{rig.forward(80)}/",
        "logs": {name: str(rig.rootfs / inside) for name, inside in LOGS.items()},
        "uploads": str(rig.rootfs / "srv/shop/uploads"),
        "pid": os.getpid(),
    }


def tocsin(*arguments: str) -> str:
    """Run the platform's own command; returns the last word it says."""
    command = [sys.executable, "-m", "tocsin", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return (done.stdout.split() or [""])[-1]


@contextmanager
def registered(rig: Range, name: str) -> Iterator[None]:
    """A running platform may repair the victim as its host `name`, for the time of the block."""
    pinned = rig.folder / "host_key.pub"
    pinned.write_text(rig.host_key_line + "\n")
    access = ["--address", VICTIM, "--user", REPAIR_ACCOUNT, "--relay", str(rig.relay(22))]
    tocsin("host", "add", name, *access, "--host-key", str(pinned), "--key", str(rig.ssh_key_path))
    try:
        yield
    finally:
        with suppress(subprocess.SubprocessError):  # a platform that is gone has forgotten it
            tocsin("host", "remove", name)


def shipper(rig: Range, address: str, token: str) -> Shipper:
    """Ships what a defender would: the log-ins, the requests, the files dropped."""
    logs = {name: rig.rootfs / LOGS[name] for name in ("auth.log", "access.log")}
    return Shipper(address, token, logs, rig.rootfs / UPLOADS, f"/{UPLOADS}")


def loose(rig: Range, stop: threading.Event) -> None:
    """One intrusion with benign clients beside it; says what each deed was."""
    table = Timetable()
    friends = [
        threading.Thread(target=live, args=(rig, address, table, stop, 2.0), daemon=True)
        for address in CLIENTS[:BENIGN_CLIENTS]
    ]
    for friend in friends:
        friend.start()
    # Ctrl-C takes the attacker's programs away in the middle of what they do.
    with suppress(RuntimeError), Client(rig, rig.attacker, rig.attacker.address) as client:
        for deed in attacks.intrusion(rig, client):
            if stop.is_set():
                return
            tell(f"{deed.kind:<16} {deed.command[:100]}")
        tell("the attack is over; benign clients go on")


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.range.serve", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the way in as JSON on one line")
    parser.add_argument("--port", type=int, default=0, help="loopback port for the victim's SSH")
    parser.add_argument("--attack", action="store_true", help="let the attacker loose")
    parser.add_argument("--register", metavar="NAME", help="tell a running platform of the host")
    parser.add_argument(
        "--as-recorded",
        action=argparse.BooleanOptionalAction,
        help="give the victim the files of the recorded host (default: --register, no --attack)",
    )
    parser.add_argument("--ship", metavar="ADDRESS", help="post logs and files to a platform")
    parser.add_argument("--token", help="of the platform's source; without, one is made")
    chosen = parser.parse_args(arguments)
    as_recorded = chosen.as_recorded
    if as_recorded is None:
        as_recorded = bool(chosen.register) and not chosen.attack
    tools = attacks.TOOLS if chosen.attack else ()
    if reasons := Range.missing(*tools):
        print("The range cannot run here: " + "; ".join(reasons), file=sys.stderr)
        return 2
    stop = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with Range() as rig, ExitStack() as stack:
        found = way_in(rig, chosen.port)
        if chosen.json:
            print(json.dumps(found), flush=True)
        else:
            for name, value in found.items():
                print(f"{name:<10} {value}", flush=True)
            print("Ctrl-C takes it all away.", flush=True)
        try:
            if as_recorded:
                restore(rig.rootfs)
            if chosen.register:
                stack.enter_context(registered(rig, chosen.register))
                tell(
                    f"{chosen.register} is registered: "
                    "open the demonstration incident and approve its plan"
                    if as_recorded
                    else f"{chosen.register} is registered"
                )
            if chosen.ship:
                token = chosen.token or tocsin("source", "add", f"range {rig.id}", "--host", HOST)
                stack.enter_context(shipper(rig, chosen.ship, token))
        except subprocess.CalledProcessError as refused:
            print(refused.stderr.strip(), file=sys.stderr)
            return 1
        if chosen.attack:
            threading.Thread(target=loose, args=(rig, stop), daemon=True).start()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
