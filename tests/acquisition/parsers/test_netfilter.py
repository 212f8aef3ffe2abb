"""Packets that the Linux firewall logged: what became of them only where the prefix says it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given

from tests.acquisition.parsers import daemons
from tests.acquisition.parsers.daemons import AT, OLD, fuzz

records = partial(daemons.records, parser="netfilter")

TCP = (
    "IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=198.51.100.7 DST=192.0.2.10 "
    "LEN=60 TOS=0x00 PREC=0x00 TTL=49 ID=7 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 "
    "ECE SYN URGP=0"
)
PACKET = {
    **{"event.dataset": "iptables.log", "event.category": "network", "network.packets": 1},
    **{"source.ip": "198.51.100.7", "source.port": 40000, "destination.ip": "192.0.2.10"},
    **{"destination.port": 22, "network.transport": "tcp", "network.bytes": 60},
    "network.direction": "inbound",
    "labels": {
        **{"in": "eth0", "mac": "02:00:00:00:00:01:02:00:00:00:00:02:08:00", "ttl": "49"},
        **{"tos": "0x00", "id": "7", "window": "64240", "tcp_flags": "ECE,SYN"},
    },
}
BLOCKED = {"event.action": "packet_blocked", "event.outcome": "failure"}
ALLOWED = {"event.action": "packet_allowed", "event.outcome": "success"}
LOGGED = {"event.action": "packet_logged"}
ICMP = (
    "DROP:IN=eth0 OUT=eth1 SRC=2001:db8::1 DST=2001:db8::2 LEN=72 TC=0 HOPLIMIT=64 FLOWLBL=0 "
    "PROTO=ICMPv6 TYPE=1 CODE=4 [SRC=2001:db8::2 DST=2001:db8::9 LEN=40 PROTO=UDP SPT=1 DPT=2 ]"
)
LINES = [
    f"{OLD}kernel: [12345.678901] [UFW BLOCK] {TCP} ",
    f"{OLD}kernel: nft-accept: {TCP}",
    f"<4>1 2026-11-22T09:58:49Z web kernel - - - [    1.5] {TCP}",
    f"<4>Nov 22 09:58:49 web Shorewall:net-fw:REJECT: {TCP}",
    f"[12345.6] {TCP}",
    f"{OLD}kernel: {ICMP}",
]


@pytest.mark.parametrize(
    ("line", "verdict", "rule", "head"),
    [
        (LINES[0], BLOCKED, "[UFW BLOCK]", {"@timestamp": AT, "host.name": "web"}),
        (LINES[1], ALLOWED, "nft-accept", {"@timestamp": AT, "host.name": "web"}),
        (
            *(LINES[2], LOGGED, None),
            {"@timestamp": AT, "host.name": "web", "event.severity": 4, "log.level": "warning"},
        ),
        (
            *(LINES[3], BLOCKED, "Shorewall:net-fw:REJECT"),
            {"@timestamp": AT, "host.name": "web", "event.severity": 4, "log.level": "warning"},
        ),
        (LINES[4], LOGGED, None, {}),
        (f"[WAN_IN-2000-A]{TCP}", ALLOWED, "[WAN_IN-2000-A]", {}),
        (f"[WAN_IN-default-D]{TCP}", BLOCKED, "[WAN_IN-default-D]", {}),
        (f"DENY: {TCP}", BLOCKED, "DENY", {}),
        (f"dropbox-in: {TCP}", LOGGED, "dropbox-in", {}),
    ],
)
def test_a_packet_is_read_behind_any_head(
    line: str, verdict: dict[str, Any], rule: str | None, head: dict[str, Any]
) -> None:
    (said,) = records(line)
    message = said.pop("message")
    assert message.endswith("URGP=0")
    assert said == PACKET | verdict | head | ({"rule.name": rule} if rule else {})


def test_the_packet_that_an_error_quotes_is_not_the_packet() -> None:
    (said,) = records(f"{OLD}kernel: {ICMP}")
    assert (said["source.ip"], said["destination.ip"]) == ("2001:db8::1", "2001:db8::2")
    assert said["network.transport"] == "ipv6-icmp"
    assert said["labels"] == {
        **{"in": "eth0", "out": "eth1", "hop_limit": "64"},
        **{"icmp_type": "1", "icmp_code": "4"},
    }
    assert not {"source.port", "destination.port", "network.direction"} & set(said)


def test_the_length_is_the_packets() -> None:
    local = "IN= OUT=lo SRC=127.0.0.1 DST=127.0.0.1 LEN=60 PROTO=UDP SPT=1 DPT=53 LEN=40 UID=33"
    (said,) = records(local)
    assert (said["network.bytes"], said["network.direction"]) == (60, "outbound")
    assert said["labels"] == {"out": "lo", "uid": "33"}


def test_what_others_quote_is_not_a_packet() -> None:
    daemons.are_not_claimed(
        [
            f"{OLD}sshd[8]: Failed password for invalid user {TCP} from 192.0.2.9 port 22 ssh2",
            f"{OLD}app: user {TCP}",
            f"<4>1 2026-11-22T09:58:49Z web app - - - {TCP}",
            f'192.0.2.9 - - [22/Nov/2026:09:58:49 +0000] "GET /{TCP} HTTP/1.1" 200 1 "-" "x"',
            f"{OLD}kernel: IN=eth0 OUT= SRC=192.0.2.1",
            f"{OLD}kernel: usb 1-1: new device",
        ],
        "netfilter",
    )


def test_other_lines_are_left_alone_and_its_own_taken() -> None:
    daemons.are_not_claimed([line for line in daemons.OTHERS if "IN=" not in line], "netfilter")
    daemons.are_claimed(LINES, "netfilter")


@given(lines=daemons.mutated(LINES))
@fuzz
def test_no_line_is_lost(lines: list[str]) -> None:
    daemons.survive(lines, "netfilter")
