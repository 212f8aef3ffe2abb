"""Plays a timetable on the range and records it: `python -m tests.range.record OUT_DIR`.

Writes the packets the victim saw, its logs, what was uploaded, the timetable every label comes
from, and the facts of the host. `--short` plays a minute instead of eleven; `--holdout` plays
another order, other tools' options, other words and other attackers, for test data that no
training has seen.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.range import attacks
from tests.range.attacks import Deed
from tests.range.benign import HABITS
from tests.range.client import Client
from tests.range.facts import gather
from tests.range.payloads import HELD_OUT
from tests.range.rig import (
    ACCOMPLICE,
    ATTACKER,
    CLIENTS,
    NETWORK,
    PLATFORM,
    VICTIM,
    WEAK_PASSWORD,
    WEAK_USER,
    Range,
)
from tests.range.timetable import BENIGN, Phase, Timetable

LOGS = {
    "access.log": "var/log/nginx/access.log",
    "error.log": "var/log/nginx/error.log",
    "auth.log": "var/log/auth.log",
    "vsftpd.log": "var/log/vsftpd.log",
}
UPLOADS = "srv/shop/uploads"
SQLITE = ("--technique=BEU", "--dbms=sqlite", "--delay=0.1")
DEEP = ("--level=3", "--risk=2", "--technique=BEUSQ", "--delay=0.05")
DISGUISED = ("--random-agent", "--tamper=space2comment", "--delay=0.05")
BOT_USERS = ("root", "ubuntu")
BOT_WORDS = tuple(attacks.PASSWORDS[:12])
OLD_AGENT = "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"
TRIPS = (0.008, 0.015, 0.022, 0.031, 0.046, 0.062, 0.090, 0.004)
"""Round trips to the benign clients, in seconds: from the next room to another continent."""

MOST_PACKETS = 500_000

Step = tuple[float, str, Callable[[], Deed]]
"""Seconds of quiet before it, the place it comes from, what is done."""


# ── the plans ────────────────────────────────────────────────────────────────────────────


def full_plan(rig: Range, client: Client, _: Client) -> list[Step]:
    """One intruder, from the first scan to the flood meant to cover the traces."""
    a = rig.attacker

    def use_find() -> Deed:
        return attacks.log_in(client, WEAK_USER, WEAK_PASSWORD)

    return [
        (60, a.address, lambda: attacks.syn_scan(a)),
        (8, a.address, lambda: attacks.service_scan(a)),
        (15, a.address, lambda: attacks.ssh_brute_force(a)),
        (6, a.address, use_find),
        (10, a.address, lambda: attacks.guess_one_by_one(client, BOT_USERS, BOT_WORDS)),
        (15, a.address, lambda: attacks.ftp_brute_force(a)),
        (15, a.address, lambda: attacks.inject_by_hand(client)),
        (8, a.address, lambda: attacks.sql_injection(a, "/product?id=1", *SQLITE)),
        (5, a.address, lambda: attacks.sql_injection(a, "/search?q=lamp", *SQLITE, "--level=2")),
        (5, a.address, lambda: attacks.sql_injection(a, "/lookup?host=x", *DEEP, seconds=45)),
        (20, a.address, lambda: attacks.plant_web_shell(client)),
        (30, a.address, lambda: attacks.syn_flood(a)),
        (15, a.address, lambda: attacks.http_flood(client)),
        (15, a.address, lambda: attacks.slow_http(a)),
    ]


def holdout_plan(rig: Range, client: Client, second: Client) -> list[Step]:
    """Two intruders with other words, other options and another order."""
    a, b = rig.attacker, rig.accomplice
    words = [
        "hello",
        "secret",
        "summer2025",
        "changeme",
        "1q2w3e4r",
        "root",
        "toor",
        "hunter2",
        "sunshine",
    ]
    return [
        (40, b.address, lambda: attacks.slow_http(b, "-B", 50, 20, 15)),
        (10, a.address, lambda: attacks.connect_scan(a)),
        (10, b.address, lambda: attacks.http_flood(second, 6, 150, 15, "/", "Wget/1.21.3")),
        (10, a.address, lambda: attacks.syn_scan(a, "20-600", "-T3")),
        (10, a.address, lambda: attacks.inject_by_hand(client, HELD_OUT, OLD_AGENT, 0.7)),
        (10, a.address, lambda: attacks.sql_injection(a, "/search?q=mug", *SQLITE, *DISGUISED)),
        (5, a.address, lambda: attacks.sql_injection(a, "/page?name=x", *DISGUISED, seconds=15)),
        (
            10,
            b.address,
            lambda: attacks.plant_web_shell(
                second,
                "avatar.php",
                attacks.ENCODED_SHELL,
                ("whoami", "ls /home", "cat /etc/shadow"),
                "e",
                "python-requests/2.31.0",
            ),
        ),
        (10, b.address, lambda: attacks.ftp_brute_force(b, ("bob", "carol", "intern"), words, 3)),
        (10, a.address, lambda: attacks.ssh_brute_force(a, ("oracle", "bob", "intern"), words, 8)),
        (5, a.address, lambda: attacks.log_in(client, WEAK_USER, WEAK_PASSWORD)),
        (5, b.address, lambda: attacks.guess_one_by_one(second, ("pi", "alice"), words, 0.2)),
        (15, b.address, lambda: attacks.syn_flood(b, 1_200, 5_000, 22)),
    ]


def short_plan(rig: Range, client: Client, _: Client) -> list[Step]:
    """The same story in about a minute."""
    a = rig.attacker
    few = ("123456", "password", "qwerty", "letmein", "admin", "welcome", "sunshine")
    return [
        (6, a.address, lambda: attacks.syn_scan(a, "1-300")),
        (2, a.address, lambda: attacks.ssh_brute_force(a, (WEAK_USER,), few)),
        (1, a.address, lambda: attacks.log_in(client, WEAK_USER, WEAK_PASSWORD)),
        (1, a.address, lambda: attacks.ftp_brute_force(a, (WEAK_USER,), few)),
        (1, a.address, lambda: attacks.inject_by_hand(client, pause=0.1)),
        (1, a.address, lambda: attacks.plant_web_shell(client)),
        (2, a.address, lambda: attacks.syn_flood(a, 600)),
        (2, a.address, lambda: attacks.slow_http(a, "-H", 30, 8)),
    ]


# ── playing and recording ────────────────────────────────────────────────────────────────


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S}  {text}", flush=True)


def play(rig: Range, steps: Sequence[Step], table: Timetable) -> None:
    """Carry out the steps one after the other and note when each began and ended."""
    for quiet, source, act in steps:
        time.sleep(quiet)
        # Whole seconds, as logs know no finer: a line of the first second belongs to the phase.
        start = math.floor(time.time())
        deed = act()
        end = math.ceil(time.time() + 0.5)
        table.add(
            Phase(
                deed.kind,
                start,
                end,
                source,
                VICTIM,
                deed.tool,
                deed.command,
                deed.mitre(),
                deed.note,
            )
        )
        say(f"{deed.kind:<16} {end - start:6.1f} s  {deed.command[:90]}")


def live(rig: Range, address: str, table: Timetable, stop: threading.Event, pace: float) -> None:
    """One benign client: a habit, a pause, the next habit, until told to stop."""
    dice = random.Random(f"{table.about.get('plan')} {address}")
    habits, weights = list(HABITS), list(HABITS.values())
    with Client(rig, rig.neighbours, address) as client:
        while not stop.wait(dice.expovariate(1 / pace)):
            (habit,) = dice.choices(habits, weights)
            try:
                result = habit(client, dice)
            except RuntimeError:  # its process ended with the range
                return
            note = result.get("error", "")
            times = (result["start"], result["end"])
            table.add(Phase(BENIGN, *times, address, VICTIM, "client", habit.__name__, "", note))


@contextmanager
def population(rig: Range, table: Timetable, pace: float) -> Iterator[None]:
    """The benign clients, busy while the block runs."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=live, args=(rig, address, table, stop, pace), daemon=True)
        for address in CLIENTS
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=60)


@contextmanager
def capture(rig: Range, path: Path) -> Iterator[None]:
    """Record every packet of the victim's interface, whole."""
    command = ["tcpdump", "-i", "eth0", "-n", "-s", "0", "-B", "8192", "-U", "-Z", "root"]
    enter = ["ip", "netns", "exec", f"tocsin-{rig.id}-victim"]
    process = subprocess.Popen(
        [*enter, *command, "-c", str(MOST_PACKETS), "-w", str(path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.readline()  # "listening on eth0": from here on nothing is missed
    try:
        yield
    finally:
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=20)
        say(" · ".join(words.split("\n")).strip(" ·"))


def record(out: Path, kind: str, pace: float) -> None:
    """Play one plan on a fresh range and write the recording to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    plan = {"full": full_plan, "short": short_plan, "holdout": holdout_plan}[kind]
    addresses = (f"{NETWORK}.44", f"{NETWORK}.91") if kind == "holdout" else (ATTACKER, ACCOMPLICE)
    far = (0.018, 0.055) if kind == "holdout" else (0.034, 0.034)
    delays = dict(zip((*CLIENTS, *addresses), (*TRIPS, *far), strict=True))
    say("building the range")
    with Range(*addresses, delays=delays) as rig:
        table = Timetable(
            recorded=datetime.now(UTC).isoformat(timespec="seconds"),
            plan=kind,
            victim=VICTIM,
            platform=PLATFORM,
            attackers=list(rig.attackers),
            clients=list(CLIENTS),
            rule="a flow or request between source and destination of an attack phase, in either "
            "direction, that begins within [start, end] has the phase's kind; all else is benign",
        )
        raw = rig.folder / "capture.pcap"
        with (
            capture(rig, raw),
            Client(rig, rig.attacker, rig.attacker.address) as first,
            Client(rig, rig.accomplice, rig.accomplice.address) as second,
            population(rig, table, pace),
        ):
            say(f"recording; {len(CLIENTS)} benign clients")
            play(rig, plan(rig, first, second), table)
            time.sleep(5 if kind == "short" else 45)
        say("packing")
        table.write(out / "timetable.json")
        (out / "facts.json").write_text(json.dumps(gather(rig), indent=1) + "\n")
        pack(rig, raw, out)
    for path in sorted(out.rglob("*")):
        if path.is_file():
            say(f"{path.stat().st_size:>9}  {path.relative_to(out)}")


def pack(rig: Range, raw: Path, out: Path) -> None:
    """Compress the capture and the logs; copy what was uploaded."""
    squeeze(out / "capture.pcap.gz", raw.read_bytes())
    for name, inside in LOGS.items():
        text = (rig.rootfs / inside).read_bytes()
        squeeze(out / f"{name}.gz", text)
    shutil.rmtree(out / "uploads", ignore_errors=True)
    (out / "uploads").mkdir()
    for path in sorted((rig.rootfs / UPLOADS).iterdir()):
        if path.is_file() and not path.is_symlink():
            (out / "uploads" / path.name).write_bytes(path.read_bytes())


def squeeze(path: Path, content: bytes) -> None:
    """Write `content` gzipped, without the time of day, so that the same bytes give the same."""
    path.write_bytes(gzip.compress(content, 9, mtime=0))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.range.record", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--short", dest="kind", action="store_const", const="short")
    kind.add_argument("--holdout", dest="kind", action="store_const", const="holdout")
    parser.add_argument("--pace", type=float, help="seconds between two acts of a benign client")
    chosen = parser.parse_args(arguments)
    if reasons := Range.missing(*attacks.TOOLS):
        print("The range cannot run here: " + "; ".join(reasons), file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = chosen.kind or "full"
    record(chosen.out, plan, chosen.pace or (1.5 if plan == "short" else 3.0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
