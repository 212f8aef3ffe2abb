"""A wire with a length: passes frames between pairs of interfaces after a delay.

Runs inside the hub's namespace. Real networks are milliseconds wide; a bridge in memory is not,
and traffic recorded on one has times between packets that no model should learn. Arguments: the
delays as JSON, `{address: seconds of a round trip}`, then pairs `near:far` of interfaces.
"""

from __future__ import annotations

import heapq
import json
import random
import select
import socket
import sys
import time

ALL_PROTOCOLS = 0x0003
OUTGOING = 4
FRAME = 2048
LONGEST_WAIT = 1.0
JITTER = 0.15
LOSS = 0.0005
IPV4 = b"\x08\x00"


def party(frame: bytes, delays: dict[bytes, float]) -> bytes:
    """The IPv4 address in a frame that has a delay of its own; empty where none has."""
    if frame[12:14] == IPV4:
        for address in (frame[26:30], frame[30:34]):
            if address in delays:
                return address
    return b""


def main(told: str, *pairs: str) -> None:
    delays = {socket.inet_aton(name): trip for name, trip in json.loads(told).items()}
    ends: dict[socket.socket, socket.socket] = {}
    for pair in pairs:
        near, far = (_listen(name) for name in pair.split(":"))
        ends[near], ends[far] = far, near
    dice = random.Random(1)
    waiting: list[tuple[float, int, socket.socket, bytes]] = []
    last: dict[tuple[bytes, socket.socket], float] = {}
    number = 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, end, frame = heapq.heappop(waiting)
            end.send(frame)
        wait = min(LONGEST_WAIT, waiting[0][0] - now) if waiting else LONGEST_WAIT
        readable, _, _ = select.select(list(ends), [], [], max(0.0, wait))
        for arrived in readable:
            frame, about = arrived.recvfrom(FRAME)
            if about[2] == OUTGOING:
                continue
            who = party(frame, delays)
            if who and dice.random() < LOSS:
                continue
            trip = delays.get(who, 0.0) / 2
            due = time.monotonic() + trip * (1 + JITTER * dice.random())
            way = (who, ends[arrived])
            due = last[way] = max(due, last.get(way, 0.0))  # one way never overtakes itself
            number += 1
            heapq.heappush(waiting, (due, number, ends[arrived], frame))


def _listen(interface: str) -> socket.socket:
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    end.bind((interface, 0))
    return end


if __name__ == "__main__":
    main(*sys.argv[1:])
