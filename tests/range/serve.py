"""Brings up the range and keeps it until Ctrl-C: `python -m tests.range.serve`.

Says how a platform outside the namespaces reaches the victim. `--attack` lets the attacker loose
on it, with benign clients beside; `--ship` posts the victim's log lines to an ingest address as
they are written.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from tests.range import attacks
from tests.range.client import Client
from tests.range.record import LOGS, live
from tests.range.rig import CLIENTS, PLATFORM, REPAIR_ACCOUNT, VICTIM, Range
from tests.range.ship import Shipper
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
    parser.add_argument("--ship", metavar="URL", help="post the victim's log lines there")
    parser.add_argument("--token", default=os.environ.get("TOCSIN_TOKEN", ""))
    chosen = parser.parse_args(arguments)
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
        if chosen.ship:
            files = {name: Path(rig.rootfs, inside) for name, inside in LOGS.items()}
            stack.enter_context(Shipper(chosen.ship, chosen.token, files))
        if chosen.attack:
            threading.Thread(target=loose, args=(rig, stop), daemon=True).start()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
