"""Packets that pf logged, as tcpdump and as pfSense's filterlog tell them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given

from tests.acquisition.parsers import daemons
from tests.acquisition.parsers.daemons import AT, OLD, fuzz

records = partial(daemons.records, parser="pf")

FILTERLOG = (
    "5,,,1000000103,em0,match,block,in,4,0x0,,64,4711,0,DF,6,tcp,60,198.51.100.7,192.0.2.10,"
    "40000,22,0,S,123456,,64240,,mss;nop"
)
UDP = (
    "85,,,fae559338f65,vtnet0,match,pass,out,6,0x00,0x0,64,udp,17,76,2001:db8::3,2001:db8::1,"
    "5353,123,56"
)
PING = "5,,,1,em0,match,block,in,4,0x0,,64,7,0,DF,1,icmp,60,198.51.100.7,192.0.2.10,request,1,2"
HEADER = "(tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 60) "
DUMP = "198.51.100.7.40000 > 192.0.2.10.22: "
RULE = "rule 3/0(match): block in on em0: "
PACKET = {
    **{"event.category": "network", "event.action": "packet_blocked", "network.packets": 1},
    **{"event.outcome": "failure", "source.ip": "198.51.100.7", "source.port": 40000},
    **{"destination.ip": "192.0.2.10", "destination.port": 22, "network.transport": "tcp"},
    "network.direction": "inbound",
}
LINES = [
    f"{OLD}filterlog[8]: {FILTERLOG}",
    f"<134>1 2026-11-22T09:58:49Z web filterlog 8 - - {UDP}",
    f"Nov 22 09:58:49 filterlog: {PING}",
    f"09:58:49.25 {RULE}{DUMP}Flags [S], seq 1, win 64240, length 0",
    f"{OLD}pf: 00:00:01.1 {RULE}{DUMP}Flags [S], seq 1",
]


def test_a_line_of_filterlog_is_told_whole() -> None:
    (said,) = records(LINES[0])
    assert said == PACKET | {
        **{"@timestamp": AT, "event.dataset": "pfsense.log", "host.name": "web"},
        **{"process.name": "filterlog", "process.pid": 8, "rule.id": "5"},
        **{"network.bytes": 60, "message": FILTERLOG},
        "labels": {
            **{"interface": "em0", "reason": "match", "tracker": "1000000103", "ttl": "64"},
            **{"id": "4711", "ip_flags": "DF", "tcp_flags": "S", "data_length": "0"},
            **{"seq": "123456", "window": "64240"},
        },
    }


def test_filterlog_has_other_fields_for_other_protocols() -> None:
    six, ping = records(LINES[1], LINES[2])
    assert (six["source.ip"], six["source.port"]) == ("2001:db8::3", 5353)
    assert (six["destination.ip"], six["destination.port"]) == ("2001:db8::1", 123)
    assert (six["network.transport"], six["network.bytes"]) == ("udp", 76)
    assert (six["event.action"], six["network.direction"]) == ("packet_allowed", "outbound")
    assert (ping["network.transport"], ping["labels"]["icmp_type"]) == ("icmp", "request")
    assert not {"source.port", "destination.port", "host.name"} & set(ping)


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("2026-11-22 09:58:49.250000 ", AT + timedelta(milliseconds=250)),
        ("1795341529.250000 ", AT + timedelta(milliseconds=250)),
        ("Nov 22 09:58:49.250000 ", AT + timedelta(milliseconds=250)),
        ("09:58:49.250000 ", None),
        ("", None),
    ],
)
def test_tcpdump_tells_times_in_many_ways(stamp: str, time: object) -> None:
    packet = f"{HEADER}{DUMP}Flags [S.], seq 1"
    (said,) = records(f"{stamp}{RULE}{packet}")
    assert said.get("@timestamp") == time
    said.pop("@timestamp", None)
    assert said == PACKET | {
        **{"event.dataset": "pf.log", "rule.id": "3/0", "network.bytes": 60, "message": packet},
        "labels": {"interface": "em0", "reason": "match", "ttl": "64", "tcp_flags": "S."},
    }


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (
            "fe80::1.5353 > ff02::fb.5353: UDP, length 50",
            {"source.ip": "fe80::1", "source.port": 5353, "network.transport": "udp"},
        ),
        (
            "198.51.100.7 > 192.0.2.10: ICMP echo request, id 1, seq 1, length 64",
            {"source.ip": "198.51.100.7", "network.transport": "icmp"},
        ),
        (
            "198.51.100.7.40000 > 192.0.2.10.22: S 1:1(0) win 5840",
            {"destination.port": 22, "network.transport": "tcp"},
        ),
    ],
)
def test_tcpdump_tells_packets_in_many_ways(packet: str, said: dict[str, Any]) -> None:
    (found,) = records(f"Nov 22 09:58:49.25 rule 3/(match) block in on em0: {packet}")
    assert said.items() <= found.items()


def test_half_lines_and_other_programs_are_left_alone() -> None:
    daemons.are_not_claimed(
        [
            *(f"{OLD}filterlog[8]: {FILTERLOG[:60]}", f"{OLD}app[8]: {FILTERLOG}", FILTERLOG),
            *(f"{RULE}198.51.100.7.40000 >", f"{OLD}sshd[8]: Invalid user {RULE}{DUMP} x"),
            *(f"{OLD}filterlog[8]: {',' * 10_000}", f"{OLD}pf: {RULE}nobody > else: x"),
        ],
        "pf",
    )
    daemons.are_not_claimed(
        [line for line in daemons.OTHERS if "filterlog" not in line and "rule" not in line], "pf"
    )


def test_its_own_are_taken() -> None:
    daemons.are_claimed(LINES, "pf")


@given(lines=daemons.mutated(LINES))
@fuzz
def test_no_line_is_lost(lines: list[str]) -> None:
    daemons.survive(lines, "pf")
