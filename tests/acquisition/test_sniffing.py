"""Live capture of a real wire, between namespaces of the test."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from apps.acquisition import sniffing
from apps.acquisition.collectors.live_capture import COLLECTOR, Options, filter_program
from apps.acquisition.reading import read
from apps.contracts import Refused
from tests.acquisition.wires import FAR, NEAR, Wire, missing, wire

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")


@pytest.fixture(scope="module")
def line() -> Iterator[Wire]:
    with wire() as found:
        yield found


def finished(process: subprocess.Popen[str], folder: Path) -> list[Path]:
    process.terminate()
    assert process.wait(20) == 0, process.stderr.read()
    return sorted(folder.glob("*.pcap"), key=sniffing.started)


def payloads(files: list[Path], port: int = 9999) -> list[int]:
    """The numbers of the datagrams in some files, in their order."""
    found = []
    for file in files:
        content = file.read_bytes()
        at = 24
        while at < len(content):
            kept = int.from_bytes(content[at + 8 : at + 12], "little")
            frame = content[at + 16 : at + 16 + kept]
            if frame[23:24] == b"\x11" and int.from_bytes(frame[36:38], "big") == port:
                found.append(int.from_bytes(frame[42:46], "big"))
            at += 16 + kept
    return found


def test_every_packet_is_in_the_files_once_and_in_order(line: Wire, tmp_path: Path) -> None:
    process = line.sniff(tmp_path)
    began = time.time_ns()
    line.send(3000, pause=0.0003)
    time.sleep(0.3)
    files = finished(process, tmp_path)
    assert payloads(files) == list(range(3000))
    start, packets, dropped, lost = sniffing.numbers(files[0])
    assert abs(start - began) < 2e9
    assert (dropped, lost) == (0, 0)
    assert sum(sniffing.numbers(file)[1] for file in files) >= 3000
    assert packets > 0


def test_what_was_captured_is_read_as_flows(line: Wire, tmp_path: Path) -> None:
    process = line.sniff(tmp_path, seconds=30)
    line.send(20)
    time.sleep(0.3)
    [file] = finished(process, tmp_path)
    frame = read(file.read_bytes(), protocol="capture").frame
    row = frame.filter(frame["destination.port"] == 9999).row(0, named=True)
    assert (row["source.ip"], row["destination.ip"]) == (FAR, NEAR)
    assert row["network.packets"] == 20
    assert abs(row["@timestamp"].timestamp() - time.time()) < 60


def test_files_are_cut_by_size_and_the_ring_is_bounded_and_tells(
    line: Wire, tmp_path: Path
) -> None:
    process = line.sniff(tmp_path, seconds=60, megabytes=1, files=3)
    line.send(6000, size=1400, pause=0.0002)
    time.sleep(0.5)
    files = finished(process, tmp_path)
    assert len(files) == 3
    assert all(file.stat().st_size < 1.1 * 2**20 for file in files)
    assert sum(sniffing.numbers(file)[3] for file in files) >= 5
    assert payloads(files)[-1] == 5999  # the newest stay


def test_only_what_the_filter_lets_through_is_captured(line: Wire, tmp_path: Path) -> None:
    program = filter_program(Options(filter="udp port 7777"))
    process = line.sniff(tmp_path, filter=program)
    line.send(50, port=9999)
    line.send(30, port=7777)
    time.sleep(0.3)
    files = finished(process, tmp_path)
    assert payloads(files) == []
    assert payloads(files, 7777) == list(range(30))


def test_a_long_packet_is_cut_and_its_length_is_told(line: Wire, tmp_path: Path) -> None:
    process = line.sniff(tmp_path, snaplen=64)
    line.send(5, size=1000)
    time.sleep(0.3)
    content = finished(process, tmp_path)[0].read_bytes()
    kept, length = np.frombuffer(content[24 + 8 : 24 + 16], "<u4")
    assert (kept, length) == (64, 42 + 1000)


TAGGED = r"""
import socket, struct
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sock.bind(("far0", 0))
udp = struct.pack("!HHHH", 5555, 5556, 28, 0) + b"x" * 20
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 48, 1, 0, 64, 17, 0, bytes([10, 98, 9, 2]), bytes([10, 98, 9, 1]))
total = sum(struct.unpack("!10H", ip)); total = (total & 0xFFFF) + (total >> 16)
ip = ip[:10] + struct.pack("!H", ~total & 0xFFFF) + ip[12:]
sock.send(b"\xff" * 6 + b"\x02" + b"\0" * 5 + struct.pack("!HHH", 0x8100, 42, 0x0800) + ip + udp)
"""


def test_packets_have_their_vlan_tag_back(line: Wire, tmp_path: Path) -> None:
    process = line.sniff(tmp_path)
    subprocess.run([*line.far, sys.executable, "-c", TAGGED], check=True)
    time.sleep(0.3)
    [file] = finished(process, tmp_path)
    assert file.read_bytes().count(b"\x81\x00\x00\x2a\x08\x00") == 1
    frame = read(file.read_bytes(), protocol="capture").frame
    assert "10.98.9.2" in frame["source.ip"].to_list()


def test_what_the_kernel_drops_is_counted(line: Wire, tmp_path: Path) -> None:
    import os
    import signal

    process = line.sniff(tmp_path, seconds=60, megabytes=200)
    os.kill(process.pid, signal.SIGSTOP)  # too slow for what comes
    line.send(60_000, size=1400)
    os.kill(process.pid, signal.SIGCONT)
    time.sleep(1)
    [file] = finished(process, tmp_path)
    _start, packets, dropped, _lost = sniffing.numbers(file)
    assert dropped > 0
    assert packets + dropped >= 60_000


def test_what_a_killed_process_left_is_kept(line: Wire, tmp_path: Path) -> None:
    process = line.sniff(tmp_path, seconds=60)
    line.send(3000, size=1400)
    time.sleep(0.5)
    process.kill()
    process.wait()
    again = line.sniff(tmp_path)
    files = finished(again, tmp_path)
    left = payloads(files[:1])
    assert left == list(range(len(left)))
    assert len(left) > 500  # all but what was not yet written


def test_without_the_capability_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-all", sys.executable, "-m",
         "apps.acquisition.sniffing", "lo", str(tmp_path), "1", "1", "1", "100", "0"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "CAP_NET_RAW is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interface_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "apps.acquisition.sniffing", "nowhere0", str(tmp_path),
         "1", "1", "1", "100", "0"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("nowhere0 cannot be captured")


@pytest.mark.parametrize(
    "words", ["port", "-w /tmp/x", "tcp; rm", "port 80 $(id)", "host nowhere!x"]
)
def test_a_filter_that_is_none_is_refused(words: str) -> None:
    with pytest.raises(Refused):
        filter_program(Options(filter=words))


def test_only_what_the_operator_allows_can_be_watched(settings: object) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "capture": ["eth7"]}  # type: ignore[attr-defined]
    assert COLLECTOR.check("eth7", Options()) == "eth7"
    with pytest.raises(Refused, match="eth7"):
        COLLECTOR.check("lo", Options())
