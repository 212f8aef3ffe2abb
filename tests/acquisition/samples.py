"""Lines as real programs write them, made up for the tests."""

from __future__ import annotations

import struct

ACCESS = (
    '198.51.100.7 - - [22/Nov/2026:09:58:49 +0000] "GET /shop?id=1 HTTP/1.1" 200 512 '
    '"-" "Mozilla/5.0 (X11; Linux x86_64)"'
)
FAILED = (
    "Nov 22 09:58:49 web sshd[812]: Failed password for invalid user oracle from 203.0.113.9 "
    "port 51022 ssh2"
)
ACCEPTED = (
    "2026-11-22T09:58:50.250000+00:00 web sshd-session[813]: Accepted publickey for deploy from "
    "2001:db8::5 port 40000 ssh2: ED25519 SHA256:abc"
)
SUDO = "Nov 22 10:00:00 web sudo:   deploy : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id"
ZEEK_HEADER = (
    "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p"
    "\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp"
    "\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes"
)
ZEEK = (
    "1795341529.25\tC1\t203.0.113.9\t40001\t192.0.2.10\t22\ttcp\tssh\t1.5\t100\t200\tSF\tF\tT\t0"
    "\tShADadFf\t10\t500\t8\t620"
)
ZEEK_JSON = (
    '{"ts":1795341529.25,"id.orig_h":"203.0.113.9","id.orig_p":40001,"id.resp_h":"192.0.2.10",'
    '"id.resp_p":22,"proto":"tcp","conn_state":"S0","orig_pkts":1,"orig_ip_bytes":60}'
)


def capture(packets: int = 3) -> bytes:
    """A pcap of UDP packets from one port to another, a second apart."""
    body = b""
    for number in range(packets):
        payload = b"x" * 20
        udp = struct.pack(">HHHH", 5353, 53, 8 + len(payload), 0) + payload
        ip = struct.pack(
            ">BBHHHBBH4s4s",
            *(0x45, 0, 20 + len(udp), number, 0, 64, 17, 0),
            *(bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])),
        )
        frame = b"\0" * 12 + b"\x08\0" + ip + udp
        head = struct.pack("<IIII", 1_795_341_529 + number, 0, len(frame), len(frame))
        body += head + frame
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + body
