"""Packets of one interface into a ring of bounded files: a process of its own, which alone needs
CAP_NET_RAW, imports nothing but the standard library and knows no database.

    python -m apps.acquisition.sniffing INTERFACE FOLDER SECONDS MEGABYTES FILES SNAPLEN PROMISCUOUS

A finished file is called `START-PACKETS-DROPPED-LOST.pcap` (nanoseconds since 1970; packets the
kernel dropped; files that were overwritten before anybody took them). The filter comes as
instructions of the classic BPF on standard input, as `tcpdump -ddd` prints them. Ends at SIGTERM,
after the file it is at. Packets have their VLAN tag back, which the kernel takes off.
"""

from __future__ import annotations

import ctypes
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ETHERNET, RAW = 1, 101  # link types of pcap
_ALL = 3  # ETH_P_ALL
_SOL_PACKET, _STATISTICS, _AUXDATA, _ADD_MEMBERSHIP = 263, 6, 8, 1
_ATTACH_FILTER, _RCVBUFFORCE, _TIMESTAMPNS = 26, 33, 35
_PROMISCUOUS = 1
_OUTGOING = 4
_VLAN, _VLAN_TPID = 1 << 4, 1 << 6  # tp_status
_AUX = struct.Struct("IIIHHHH")
_TIME = struct.Struct("qq")
_HEAD = struct.Struct("<IIII")
_KERNEL_BUFFER = 64 * 1024 * 1024
_FLUSH = 1 << 20
_NO_PACKET = 0.25  # seconds until it is looked at the clock again
_LAST = 3.0  # seconds for what the kernel holds when it is told to stop


@dataclass(frozen=True, slots=True)
class Ring:
    """Where packets go, and how much of them is kept until somebody takes it."""

    folder: Path
    seconds: float
    most_bytes: int
    most_files: int
    snaplen: int


def pcap_header(link: int, snaplen: int) -> bytes:
    """Of a file with nanoseconds, little-endian."""
    return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snaplen, link)


def open_interface(
    interface: str, program: list[tuple[int, int, int, int]], *, promiscuous: bool
) -> socket.socket:
    """A packet socket that has its filter before its first packet. Raises OSError."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    if program:
        code = b"".join(struct.pack("HBBI", *line) for line in program)
        kept = ctypes.create_string_buffer(code, len(code))
        head = struct.pack("HL", len(program), ctypes.addressof(kept))
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, head)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _KERNEL_BUFFER)
    except PermissionError:  # without CAP_NET_ADMIN as much as anybody may have
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
    sock.setsockopt(_SOL_PACKET, _AUXDATA, 1)
    sock.bind((interface, _ALL))
    if promiscuous:
        member = struct.pack("iHH8s", socket.if_nametoindex(interface), _PROMISCUOUS, 0, b"")
        sock.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, member)
    sock.settimeout(_NO_PACKET)
    return sock


class Sniffer:
    """Reads a packet socket into the ring until it is told to stop."""

    def __init__(self, sock: socket.socket, ring: Ring, *, link: int, loopback: bool) -> None:
        self.sock, self.ring, self.link, self.loopback = sock, ring, link, loopback
        self.over = False
        self.lost = 0

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        self.over = True

    def run(self) -> None:
        part = self.ring.folder / "now.part"
        if part.exists() and part.stat().st_size > len(pcap_header(0, 0)):  # of one that was killed
            part.rename(part.with_name(f"{part.stat().st_mtime_ns}-0-0-0.pcap"))
        while not self.over:
            self._file()

    def _file(self) -> None:
        """One file of the ring, from its first packet on."""
        ring, began = self.ring, time.time_ns()
        part = ring.folder / "now.part"
        end = time.monotonic() + ring.seconds
        packets = size = 0
        with part.open("wb", buffering=_FLUSH) as file:
            file.write(pcap_header(self.link, ring.snaplen))
            for record in self._records(end):
                file.write(record)
                packets += 1
                size += len(record)
                if size >= ring.most_bytes:
                    break
        dropped = self._dropped()
        if not packets and not dropped:
            return
        self._make_room()
        part.rename(ring.folder / f"{began}-{packets}-{dropped}-{self.lost}.pcap")
        self.lost = 0

    def _records(self, end: float) -> Iterator[bytes]:
        """Packets as records of pcap, until `end` or until it is told to stop."""
        snaplen = self.ring.snaplen
        buffer = bytearray(snaplen)
        view = memoryview(buffer)
        receive, pack = self.sock.recvmsg_into, _HEAD.pack
        count = 0
        while True:
            count += 1
            if not count & 63 and time.monotonic() >= end:
                return
            if self.over and self.sock.gettimeout():  # what the kernel still holds comes along
                self.sock.settimeout(0)
                end = time.monotonic() + _LAST
            try:
                length, more, _flags, where = receive([view], 256, socket.MSG_TRUNC)
            except BlockingIOError:
                return
            except TimeoutError:
                if time.monotonic() >= end:
                    return
                continue
            except OSError as problem:
                raise OSError(f"the interface went away: {problem.strerror}") from problem
            if self.loopback and where[2] == _OUTGOING:
                continue  # it comes in again
            seconds = nanoseconds = 0
            tag = b""
            for level, kind, data in more:
                if level == _SOL_PACKET and kind == _AUXDATA:
                    status, _len, _snap, _mac, _net, tci, tpid = _AUX.unpack(data)
                    if status & _VLAN:
                        tag = struct.pack("!HH", tpid if status & _VLAN_TPID else 0x8100, tci)
                elif kind == _TIMESTAMPNS and level == socket.SOL_SOCKET:
                    seconds, nanoseconds = _TIME.unpack(data)
            kept = min(length, snaplen)
            body = bytes(view[:kept])
            if tag:
                body = (body[:12] + tag + body[12:])[:snaplen]
                length += 4
            yield pack(seconds, nanoseconds, len(body), length) + body

    def _dropped(self) -> int:
        """Packets the kernel dropped since it was asked before."""
        said = self.sock.getsockopt(_SOL_PACKET, _STATISTICS, 8)
        return int(struct.unpack("II", said)[1])

    def _make_room(self) -> None:
        """The oldest files go where nobody took them: the disk is bounded, and the loss is told."""
        waiting = sorted(self.ring.folder.glob("*.pcap"), key=started)
        for file in waiting[: max(0, len(waiting) - self.ring.most_files + 1)]:
            _start, _packets, _dropped, lost = numbers(file)
            file.unlink(missing_ok=True)
            self.lost += 1 + lost


def numbers(file: Path) -> tuple[int, int, int, int]:
    """(start, packets, dropped, lost) out of a file's name. Raises ValueError."""
    start, packets, dropped, lost = (int(part) for part in file.stem.split("-"))
    return start, packets, dropped, lost


def started(file: Path) -> int:
    return numbers(file)[0]


def program_of(text: str) -> list[tuple[int, int, int, int]]:
    """Instructions from what `tcpdump -ddd` prints. Raises ValueError."""
    lines = [tuple(map(int, line.split())) for line in text.split("\n")[1:] if line.strip()]
    if len(lines) > 4096 or any(len(line) != 4 for line in lines):
        raise ValueError("that is no program of a filter")
    return lines  # type: ignore[return-value]


def link_of(sock: socket.socket) -> tuple[int, bool]:
    """(link type, whether it is a loopback) of a bound socket's interface. Raises OSError."""
    kind = sock.getsockname()[3]
    if kind in (1, 772):  # ARPHRD_ETHER, ARPHRD_LOOPBACK
        return ETHERNET, kind == 772
    if kind in (65534, 768, 776, 778):  # tunnels without a link layer
        return RAW, False
    raise OSError(f"it is of a kind that cannot be captured ({kind})")


def main(words: list[str]) -> int:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: not without who takes the files
    interface, folder, seconds, megabytes, files, snaplen, promiscuous = words
    ring = Ring(Path(folder), float(seconds), int(megabytes) << 20, int(files), int(snaplen))
    try:
        program = program_of(sys.stdin.read())
        sock = open_interface(interface, program, promiscuous=promiscuous == "1")
        link, loopback = link_of(sock)
    except PermissionError:
        print("CAP_NET_RAW is missing: only root and who was given it may capture", file=sys.stderr)
        return 1
    except (OSError, ValueError) as problem:
        print(f"{interface} cannot be captured: {problem}", file=sys.stderr)
        return 1
    sniffer = Sniffer(sock, ring, link=link, loopback=loopback)
    signal.signal(signal.SIGTERM, sniffer.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started us
    print("capturing", flush=True)
    try:
        sniffer.run()
    except OSError as problem:
        print(str(problem), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
