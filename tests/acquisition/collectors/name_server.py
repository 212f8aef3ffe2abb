"""A small name server on loopback: answers what a test says, over UDP and TCP, or misbehaves."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = dict[tuple[str, str], list[str]]
"""(name, type) → values."""


class NameServer:
    """`mood` is "well", "silent", "garbage", "cut" (answers in full by TCP only) or "refuses"."""

    def __init__(self, zone: Zone, *, authoritative: bool, mood: str, ttl: int) -> None:
        self.zone, self.authoritative, self.mood, self.ttl = zone, authoritative, mood, ttl
        self.asked: list[tuple[str, str]] = []
        self.port = 0
        self.over = threading.Event()

    def answer(self, raw: bytes, by_tcp: bool) -> bytes:
        query = dns.message.from_wire(raw)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if self.mood == "silent":
            return b""
        if self.mood == "garbage":
            return raw[:2] + b"\x81\x80" + b"\xff" * 40
        response = dns.message.make_response(query, recursion_available=not self.authoritative)
        if self.authoritative:
            response.flags |= dns.flags.AA
        if self.mood == "refuses":
            response.set_rcode(dns.rcode.REFUSED)
        elif self.mood == "cut" and not by_tcp:
            response.flags |= dns.flags.TC
        else:
            known = {n for n, _kind in self.zone}
            alias = self.zone.get((name, "CNAME"), []) if kind != "CNAME" else []
            for target in alias:
                response.answer.append(
                    dns.rrset.from_text(question.name, self.ttl, "IN", "CNAME", target)
                )
                name = target.rstrip(".")
            if values := self.zone.get((name, kind)):
                response.answer.append(
                    dns.rrset.from_text(name + ".", self.ttl, "IN", kind, *values)
                )
            elif name not in known:
                response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire(max_size=65535)

    def udp(self, sock: socket.socket) -> None:
        while not self.over.is_set():
            try:
                raw, peer = sock.recvfrom(65535)
            except TimeoutError:
                continue
            except OSError:
                return
            if said := self.answer(raw, False):
                sock.sendto(said, peer)

    def tcp(self, listener: socket.socket) -> None:
        while not self.over.is_set():
            try:
                way, _peer = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with way:
                way.settimeout(2)
                try:
                    (length,) = struct.unpack("!H", way.recv(2))
                    said = self.answer(way.recv(length), True)
                    way.sendall(struct.pack("!H", len(said)) + said)
                except (OSError, struct.error):
                    continue


@contextmanager
def name_server(
    zone: Zone,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    authoritative: bool = False,
    mood: str = "well",
    ttl: int = 300,
) -> Iterator[NameServer]:
    server = NameServer(zone, authoritative=authoritative, mood=mood, ttl=ttl)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((address, port))
        server.port = tcp.getsockname()[1]
        udp.bind((address, server.port))
        tcp.listen(8)
        for sock, talk in ((udp, server.udp), (tcp, server.tcp)):
            sock.settimeout(0.1)
            threading.Thread(target=talk, args=(sock,), daemon=True).start()
        try:
            yield server
        finally:
            server.over.set()
