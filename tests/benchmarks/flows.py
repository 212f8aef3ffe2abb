"""How fast the flow meter is, and in how much memory: `python -m tests.benchmarks flows` prints one
JSON object.

The capture is generated (deterministic, 20,000 flows by default), read and measured by the meter
and by netflower, each in a process of its own on one core. Seconds are processor time, user and
system, so that what else the machine does counts little. Keys:

packets_per_s, netflower_packets_per_s, netflower_ratio, flows, netflower_flows: flows (and, of
ours, HTTP requests too) of the same capture, from its file.
records_packets_per_s: the same capture as a batch, `reading.read`, to records.
web_packets_per_s: likewise a capture whose sessions are HTTP, requests and answers taken apart.
peak_mb: most memory of the meter's process, imports included, over a capture of `--long` megabytes;
peak_mb_of_a_tenth: over its first tenth; long_packets_per_s: how fast it was read.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SYN, SYN_ACK, ACK, DATA, FIN_ACK, RST = 0x02, 0x12, 0x10, 0x18, 0x11, 0x04
_START = 1_750_000_000_000_000  # microseconds


_SPAN_S = 60
_REQUEST = b"GET /shop/%d?id=%d HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: probe\r\n\r\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"


def write_capture(
    path: Path,
    flows: int,
    seed: int = 7,
    *,
    last_ack: bool = True,
    span_s: int = _SPAN_S,
    web: bool = False,
) -> int:
    """Write a pcap of web sessions, name look-ups and a scan; returns the number of packets.

    `last_ack` says whether sessions end with the acknowledgement of the second FIN, `span_s` over
    how many seconds they begin, and `web` whether they are HTTP rather than zeros.
    """
    chance = random.Random(seed)
    packets = [
        packet
        for number in range(flows)
        for packet in _conversation(number, chance, last_ack, span_s, web)
    ]
    packets.sort(key=lambda packet: packet[0])
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for at, frame in packets:
            file.write(struct.pack("<IIII", at // 10**6, at % 10**6, len(frame), len(frame)))
            file.write(frame)
    return len(packets)


def write_long_capture(path: Path, megabytes: int, flows: int = 20_000) -> int:
    """Write the same traffic again and again, each time later and from other clients, five minutes
    of it for 20,000 flows, up to about so many megabytes; returns the number of packets."""
    write_capture(path, flows, span_s=300)
    block = np.fromfile(path, np.uint8)
    starts = np.fromiter(_records(block.data), np.int64)
    seconds_at = starts[:, None] + np.arange(4)
    seconds = block[seconds_at].view("<u4").ravel().astype(np.int64)
    lasts = int(seconds[-1] - seconds[0]) + 1
    source_at = starts + 16 + 14 + 12
    client_at = np.where(block[source_at] == 10, source_at, source_at + 4)
    packets, left = 0, megabytes * 10**6
    with path.open("wb") as file:
        file.write(block[:24].tobytes())
        turn = 0
        while left > 0:
            block[seconds_at] = (seconds + turn * lasts).astype("<u4")[:, None].view(np.uint8)
            block[client_at] = 10 + turn
            count = (
                int(np.searchsorted(starts, 24 + left)) if 24 + left < len(block) else len(starts)
            )
            end = int(starts[count]) if count < len(starts) else len(block)
            block[24:end].tofile(file)
            packets, left, turn = packets + count, left - (end - 24), turn + 1
    return packets


def _records(data: memoryview) -> Iterator[int]:
    at = 24
    while at < len(data):
        yield at
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]


def _conversation(
    number: int, chance: random.Random, last_ack: bool, span_s: int, web: bool
) -> Iterator[tuple[int, bytes]]:
    client = b"\x0a" + struct.pack(">I", 1 + number % 4093)[1:]
    server = bytes((192, 0, 2, 1 + number % 200))
    at = _START + chance.randrange(span_s * 1_000_000)
    kind = chance.random()
    port = 20_000 + number % 40_000
    service = 80 if web else 443
    sent = [1, 1]

    def tick() -> int:
        nonlocal at
        at += 1 + int(chance.expovariate(1 / 20_000))
        return at

    def tcp(out: bool, flags: int, size: int = 0, data: bytes = b"") -> tuple[int, bytes]:
        ends = (client, server, port, service) if out else (server, client, service, port)
        sequence = sent[out] - (flags & SYN > 0)
        header = struct.pack(">HHIIBBHHH", *ends[2:], sequence, 1, 0x50, flags, 29_200, 0, 0)
        data = data or (b"text" if web else bytes(4)) * (size // 4) + bytes(size % 4)
        sent[out] += len(data)
        return tick(), _frame(6, ends[0], ends[1], header + data)

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
            ask = chance.randrange(60, 700)
            yield tcp(True, DATA, ask, _REQUEST % (number, ask) if web else b"")
            sizes = [chance.randrange(300, 1400) for _ in range(chance.randrange(2, 12))]
            if web:
                yield tcp(False, DATA, data=_ANSWER % sum(sizes))
            for size in sizes:
                yield tcp(False, DATA, size)
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
    from apps.acquisition.traffic.packets import Counts
    from apps.acquisition.traffic.whole import stream

    return sum(part.flows.height for part in stream(path, Counts()))


def _records_of(path: Path) -> int:
    from apps.acquisition.reading import read

    return read(path.read_bytes(), protocol="capture").frame.height


def _netflower(path: Path) -> int:
    from netflower import convert_pcap_to_csv

    return int(convert_pcap_to_csv(str(path), str(path.with_suffix(".csv"))))


_TOOLS = {"meter": _meter, "records": _records_of, "netflower": _netflower}


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
    found = _TOOLS[tool](path)
    seconds = time.process_time() - began
    return {"found": found, "seconds": seconds, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """The most memory of this process; `ru_maxrss` would count what its parent had, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--flows", type=int, default=20_000)
    arguments.add_argument("--long", type=int, default=1_000, help="megabytes of the long capture")
    arguments.add_argument("--tool", choices=_TOOLS)
    arguments.add_argument("capture", nargs="?", type=Path)
    given = arguments.parse_args()
    if given.tool:
        print(json.dumps(_run(given.tool, given.capture)))
        return
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "capture.pcap"
        packets = write_capture(capture, given.flows)
        ours, theirs, records = (
            _timed(tool, capture) for tool in ("meter", "netflower", "records")
        )
        web_packets = write_capture(capture, given.flows, web=True)
        web = _timed("records", capture)
        write_long_capture(capture, given.long // 10)
        short = _timed("meter", capture)
        long_packets = write_long_capture(capture, given.long)
        long = _timed("meter", capture)
    result = {
        "packets": packets,
        "packets_per_s": round(packets / ours["seconds"]),
        "netflower_packets_per_s": round(packets / theirs["seconds"]),
        "netflower_ratio": round(theirs["seconds"] / ours["seconds"], 1),
        "flows": ours["found"],
        "netflower_flows": theirs["found"],
        "records_packets_per_s": round(packets / records["seconds"]),
        "web_packets_per_s": round(web_packets / web["seconds"]),
        "web_records": web["found"],
        "peak_mb": round(long["peak_mb"]),
        "peak_mb_of_a_tenth": round(short["peak_mb"]),
        "long_mb": given.long,
        "long_packets": long_packets,
        "long_flows": long["found"],
        "long_packets_per_s": round(long_packets / long["seconds"]),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
