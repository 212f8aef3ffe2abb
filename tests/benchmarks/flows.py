"""How fast the flow meter is: `python -m tests.benchmarks.flows` prints one JSON object.

The capture is generated (deterministic, 20,000 flows by default), read and measured by the meter
and by netflower, each in a process of its own on one core. Seconds are processor time, user and
system, so that what else the machine does counts little.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SYN, SYN_ACK, ACK, DATA, FIN_ACK, RST = 0x02, 0x12, 0x10, 0x18, 0x11, 0x04
_START = 1_750_000_000_000_000  # microseconds


def write_capture(path: Path, flows: int, seed: int = 7, *, last_ack: bool = True) -> int:
    """Write a pcap of web sessions, name look-ups and a scan; returns the number of packets.

    `last_ack` says whether sessions end with the acknowledgement of the second FIN.
    """
    chance = random.Random(seed)
    packets = [p for number in range(flows) for p in _conversation(number, chance, last_ack)]
    packets.sort(key=lambda packet: packet[0])
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for at, frame in packets:
            file.write(struct.pack("<IIII", at // 10**6, at % 10**6, len(frame), len(frame)))
            file.write(frame)
    return len(packets)


def _conversation(
    number: int, chance: random.Random, last_ack: bool
) -> Iterator[tuple[int, bytes]]:
    client = b"\x0a" + struct.pack(">I", 1 + number % 4093)[1:]
    server = bytes((192, 0, 2, 1 + number % 200))
    at = _START + chance.randrange(60_000_000)
    kind = chance.random()
    port = 20_000 + number % 40_000

    def tick() -> int:
        nonlocal at
        at += 1 + int(chance.expovariate(1 / 20_000))
        return at

    def tcp(out: bool, flags: int, size: int = 0) -> tuple[int, bytes]:
        ends = (client, server, port, 443) if out else (server, client, 443, port)
        header = struct.pack(">HHIIBBHHH", *ends[2:], 1, 1, 0x50, flags, 29_200, 0, 0)
        return tick(), _frame(6, ends[0], ends[1], header + bytes(size))

    if kind < 0.2:  # a look-up
        for out, size in ((True, 40), (False, 120)):
            ends = (client, server, port, 53) if out else (server, client, 53, port)
            header = struct.pack(">HHHH", *ends[2:], 8 + size, 0)
            yield tick(), _frame(17, ends[0], ends[1], header + bytes(size))
    elif kind < 0.4:  # a closed port
        yield tcp(True, SYN)
        yield tcp(False, RST | ACK)
    else:
        yield tcp(True, SYN)
        yield tcp(False, SYN_ACK)
        yield tcp(True, ACK)
        for _ in range(chance.randrange(1, 6)):
            yield tcp(True, DATA, chance.randrange(60, 700))
            for _ in range(chance.randrange(2, 12)):
                yield tcp(False, DATA, chance.randrange(300, 1400))
            yield tcp(True, ACK)
        if chance.random() < 0.1:
            yield tcp(True, RST)
        else:
            yield tcp(True, FIN_ACK)
            yield tcp(False, FIN_ACK)
            if last_ack:
                yield tcp(True, ACK)


def _frame(protocol: int, source: bytes, target: bytes, segment: bytes) -> bytes:
    ethernet = bytes(12) + b"\x08\x00"
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, protocol, 0)
    return ethernet + ip + source + target + segment


def _meter(path: Path) -> int:
    from apps.acquisition.capture import read_capture
    from apps.acquisition.flow_meter import meter

    return meter(read_capture(path)).height


def _netflower(path: Path) -> int:
    from netflower import convert_pcap_to_csv

    return int(convert_pcap_to_csv(str(path), str(path.with_suffix(".csv"))))


_TOOLS = {"meter": _meter, "netflower": _netflower}


def _timed(tool: str, path: Path) -> dict[str, float]:
    """Run one tool in a process held to one core: processor seconds without imports, peak memory."""
    command = [sys.executable, "-m", "tests.benchmarks.flows", "--tool", tool, str(path)]
    one_thread = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS"), "1")
    reply = subprocess.run(
        command, env=os.environ | one_thread, check=True, capture_output=True, timeout=600
    )
    measured: dict[str, float] = json.loads(reply.stdout)
    return measured


def _run(tool: str, path: Path) -> dict[str, float]:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    small = path.with_name("warm.pcap")
    write_capture(small, 20)
    _TOOLS[tool](small)  # imports and first-call costs
    began = time.process_time()
    flows = _TOOLS[tool](path)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"flows": flows, "seconds": seconds, "peak_mb": peak}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--flows", type=int, default=20_000)
    arguments.add_argument("--tool", choices=_TOOLS)
    arguments.add_argument("capture", nargs="?", type=Path)
    given = arguments.parse_args()
    if given.tool:
        print(json.dumps(_run(given.tool, given.capture)))
        return
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "capture.pcap"
        packets = write_capture(capture, given.flows)
        ours, theirs = (_timed(tool, capture) for tool in ("meter", "netflower"))
    result = {
        "packets": packets,
        "packets_per_s": round(packets / ours["seconds"]),
        "netflower_packets_per_s": round(packets / theirs["seconds"]),
        "netflower_ratio": round(theirs["seconds"] / ours["seconds"], 1),
        "peak_mb": round(ours["peak_mb"]),
        "flows": ours["flows"],
        "netflower_flows": theirs["flows"],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
