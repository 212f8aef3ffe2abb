"""A name server for the range: answers A questions for `*.range`, nothing else (RFC 1035)."""

import socket
import struct
import sys


def answer(question: bytes, address: str) -> bytes:
    """The reply to one query; NXDOMAIN for names outside `.range`."""
    end = 12
    labels = []
    while question[end]:
        labels.append(question[end + 1 : end + 1 + question[end]])
        end += 1 + question[end]
    end += 5
    known = labels and labels[-1].lower() == b"range"
    flags = 0x8180 if known else 0x8183
    head = question[:2] + struct.pack(">HHHHH", flags, 1, int(bool(known)), 0, 0)
    if not known:
        return head + question[12:end]
    record = struct.pack(">HHHIH", 0xC00C, 1, 1, 300, 4) + socket.inet_aton(address)
    return head + question[12:end] + record


def main(address: str) -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        question, client = server.recvfrom(512)
        try:
            server.sendto(answer(question, address), client)
        except (IndexError, OSError):
            continue


if __name__ == "__main__":
    main(sys.argv[1])
