"""Bytes as they lie on the wire and in capture files, for tests to build captures from."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58

Timed = Iterable[tuple[int, bytes]]  # microseconds, frame


def tcp(
    source: int, target: int, flags: int, payload: bytes = b"", window: int = 64_000, seq: int = 0
) -> bytes:
    header = struct.pack(">HHIIBBHHH", source, target, seq, 0, 0x50, flags, window, 0, 0)
    return header + payload


def udp(source: int, target: int, payload: bytes = b"") -> bytes:
    return struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload


def icmp(kind: int, code: int, payload: bytes = b"") -> bytes:
    return struct.pack(">BBHI", kind, code, 0, 0) + payload


def ipv4(
    source: str,
    target: str,
    protocol: int,
    segment: bytes,
    *,
    options: bytes = b"",
    number: int = 0,
    fragment: int = 0,
) -> bytes:
    """`fragment` is the field of flags and offset as it stands in the header."""
    size = 20 + len(options)
    head = struct.pack(">BBHHH", 0x40 | size // 4, 0, size + len(segment), number, fragment)
    head += struct.pack(">BBH", 64, protocol, 0)
    return head + address(source) + address(target) + options + segment


def ipv6(source: str, target: str, first: int, rest: bytes) -> bytes:
    head = struct.pack(">IHBB", 6 << 28, len(rest), first, 64)
    return head + address(source) + address(target) + rest


def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def ethernet(packet: bytes, *tags: int) -> bytes:
    """An Ethernet frame; each of `tags` is the type of a VLAN tag (0x8100, 0x88A8)."""
    types = [*tags, 0x86DD if packet[0] >> 4 == 6 else 0x0800]
    return bytes(12) + b"".join(struct.pack(">HH", kind, 7) for kind in types)[:-2] + packet


def pcap(frames: Timed, *, order: str = "<", nano: bool = False, link: int = 1) -> bytes:
    magic, tick = (0xA1B23C4D, 1_000) if nano else (0xA1B2C3D4, 1)
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262_144, link)]
    for at, frame in frames:
        out.append(struct.pack(order + "II", at // 10**6, at % 10**6 * tick))
        out.append(struct.pack(order + "II", len(frame), len(frame)) + frame)
    return b"".join(out)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int, resolution: int | None = None, order: str = "<") -> bytes:
    options = b""
    if resolution is not None:
        options = struct.pack(order + "HHBxxx", 9, 1, resolution) + bytes(4)
    return block(1, struct.pack(order + "HHI", link, 0, 0) + options, order)


def packet_block(number: int, ticks: int, frame: bytes, order: str = "<") -> bytes:
    head = struct.pack(order + "III", number, ticks >> 32, ticks & 0xFFFF_FFFF)
    return block(6, head + struct.pack(order + "II", len(frame), len(frame)) + frame, order)
