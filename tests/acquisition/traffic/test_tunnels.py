"""What lies between the wire and the packet that is metered: tunnels, tags, labels, radio frames."""

from __future__ import annotations

import struct

import pytest

from apps.acquisition.traffic import whole as traffic
from apps.acquisition.traffic.decoding import MOST_DEPTH
from apps.acquisition.traffic.packets import Counts, address_text
from tests.acquisition import wire
from tests.acquisition.decoded import decoded, ordered

START = 1_700_000_000_000_000
INNER = wire.ipv4("192.0.2.1", "192.0.2.2", wire.UDP, wire.udp(5353, 53, b"question"))
INNER6 = wire.ipv6("2001:db8::1", "2001:db8::2", wire.UDP, wire.udp(5353, 53, b"question"))
FRAME = wire.ethernet(INNER)
OUTER = ("203.0.113.1", "203.0.113.2")
VXLAN = struct.pack(">II", 0x0800_0000, 42 << 8)
ERSPAN_2 = struct.pack(">HHI", 0x1000, 0, 0)
ERSPAN_3 = struct.pack(">HHIHH", 0x2000, 0, 0, 0, 0)


def gre(kind: int, inner: bytes, flags: int = 0) -> bytes:
    words = sum(flags >> bit & 1 for bit in (15, 13, 12))
    return wire.ipv4(*OUTER, 47, struct.pack(">HH", flags, kind) + bytes(4 * words) + inner)


def udp(port: int, inner: bytes) -> bytes:
    return wire.ipv4(*OUTER, wire.UDP, wire.udp(50_000, port, inner))


def geneve(kind: int, inner: bytes, options: bytes = b"") -> bytes:
    return udp(6081, struct.pack(">BBHI", len(options) // 4, 0, kind, 7 << 8) + options + inner)


TUNNELS = {
    "GRE": gre(0x0800, INNER),
    "GRE with IPv6": gre(0x86DD, INNER6),
    "GRE with a key": gre(0x0800, INNER, 0x2000),
    "GRE with checksum, key and sequence": gre(0x0800, INNER, 0xB000),
    "GRE with an Ethernet frame, as NVGRE": gre(0x6558, FRAME, 0x2000),
    "GRE with tags": gre(0x6558, wire.ethernet(INNER, 0x88A8, 0x8100)),
    "GRE with MPLS": gre(0x8847, struct.pack(">I", 1 << 12 | 0x100) + INNER),
    "ERSPAN I": gre(0x88BE, FRAME),
    "ERSPAN II": gre(0x88BE, ERSPAN_2 + FRAME, 0x1000),
    "ERSPAN III": gre(0x22EB, ERSPAN_3 + FRAME, 0x1000),
    "ERSPAN III with a subheader": gre(0x22EB, ERSPAN_3[:-1] + b"\1" + bytes(8) + FRAME, 0x1000),
    "VXLAN": udp(4789, VXLAN + FRAME),
    "VXLAN where Linux puts it": udp(8472, VXLAN + wire.ethernet(INNER6)),
    "VXLAN over IPv6": wire.ipv6("::1", "::2", 17, wire.udp(50_000, 4789, VXLAN + FRAME)),
    "Geneve": geneve(0x6558, FRAME),
    "Geneve with options": geneve(0x6558, FRAME, bytes(8)),
    "Geneve with IP": geneve(0x0800, INNER),
    "IP in IP": wire.ipv4(*OUTER, 4, INNER),
    "IPv6 in IP": wire.ipv4(*OUTER, 41, INNER6),
    "IP in IPv6": wire.ipv6("::1", "::2", 4, INNER),
    "GRE in VXLAN": udp(4789, VXLAN + wire.ethernet(gre(0x0800, INNER))),
}


@pytest.mark.parametrize("name", TUNNELS)
def test_what_is_in_a_tunnel_is_metered_and_the_tunnel_is_told(name: str) -> None:
    packets, counts = decoded(wire.pcap([(START, TUNNELS[name])], link=101))
    (source,) = address_text(packets.source)
    assert source in ("192.0.2.1", "2001:db8::1")
    assert (packets.source_port[0], packets.destination_port[0]) == (5353, 53)
    assert packets.payload(0) == b"question"
    assert packets.length[0] in (len(INNER), len(INNER6))
    told = name.partition(" ")[0]
    assert any(tunnel.startswith(told[:5]) for tunnel in counts.tunnels) or "IP" in name
    assert sum(counts.tunnels.values()) >= 1
    assert (counts.other, counts.malformed) == (0, 0)


NO_TUNNELS = {
    "GRE of another version": gre(0x0800, INNER, 0x0001),
    "GRE with routing": gre(0x0800, INNER, 0x4000),
    "GRE that carries no IP": gre(0x0806, bytes(28)),
    "GRE that is cut": gre(0x0800, INNER)[:23],
    "VXLAN without its flag": udp(4789, bytes(8) + FRAME),
    "a question to the port of VXLAN": udp(4789, b"who is there? nobody but us."),
    "VXLAN with a broken packet": udp(4789, VXLAN + FRAME[:14] + b"\x42" + bytes(30)),
    "Geneve of another version": udp(6081, b"\xc0\0\x65\x58" + bytes(4) + FRAME),
    "Geneve whose options are cut": udp(6081, b"\x3f\0\x65\x58" + bytes(4) + FRAME),
    "a later fragment of IP in IP": wire.ipv4(*OUTER, 4, INNER, fragment=5),
    "IP in IP that says it is IPv6": wire.ipv4(*OUTER, 4, INNER6),
}


@pytest.mark.parametrize("name", NO_TUNNELS)
def test_what_does_not_hold_together_is_metered_as_what_it_is_outside(name: str) -> None:
    packets, counts = decoded(wire.pcap([(START, NO_TUNNELS[name])], link=101))
    assert address_text(packets.source) == [OUTER[0]]
    assert not counts.tunnels
    assert counts.malformed == 0


def test_tunnels_in_tunnels_are_opened_to_a_depth() -> None:
    packet = INNER
    for depth in range(1, MOST_DEPTH + 3):
        packet = wire.ipv4(f"203.0.113.{depth}", "203.0.113.200", 4, packet)
        packets, _ = decoded(wire.pcap([(START, packet)], link=101))
        deepest = "192.0.2.1" if depth <= MOST_DEPTH else f"203.0.113.{depth - MOST_DEPTH}"
        assert address_text(packets.source) == [deepest]


def test_packets_inside_and_outside_tunnels_stay_in_order() -> None:
    frames = [TUNNELS["VXLAN"], INNER, TUNNELS["GRE with IPv6"], INNER6, TUNNELS["IP in IP"]] * 3
    packets, counts = decoded(wire.pcap(((START + n, f) for n, f in enumerate(frames)), link=101))
    assert packets.time.tolist() == [(START + n) * 1_000 for n in range(15)]
    assert address_text(packets.source) == [
        *(["192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::1", "192.0.2.1"] * 3)
    ]
    assert counts.tunnels == {"VXLAN": 3, "GRE": 3, "IP in IP": 3}


def test_flows_inside_a_tunnel_are_the_flows_of_a_capture_without_it() -> None:
    answer = wire.ipv4("192.0.2.2", "192.0.2.1", wire.UDP, wire.udp(53, 5353, b"answer"))
    bare = wire.pcap([(START, INNER), (START + 5, answer)], link=101)
    tunnelled = [udp(4789, VXLAN + wire.ethernet(packet)) for packet in (INNER, answer)]
    there = wire.pcap([(START, tunnelled[0]), (START + 5, tunnelled[1])], link=101)
    assert traffic.read(there).flows.equals(traffic.read(bare).flows)


WIFI = struct.pack("<H", 0x0108) + bytes(22)
LLC = b"\xaa\xaa\x03\0\0\0\x08\0"


@pytest.mark.parametrize(
    ("link", "frame", "told"),
    [
        (1, bytes(12) + b"\x88\x64\x11\0\0\1" + struct.pack(">H", 38) + b"\0\x21" + INNER, "PPPoE"),
        (
            1,
            bytes(12) + b"\x88\x64\x11\0\0\1" + struct.pack(">H", 58) + b"\0\x57" + INNER6,
            "PPPoE",
        ),
        (1, bytes(12) + b"\x88\x47\0\1\0\x40\0\2\1\x40" + INNER, "MPLS"),
        (1, bytes(12) + b"\x88\x48\0\2\1\x40" + INNER6, "MPLS"),
        (1, wire.ethernet(INNER, 0x9100, 0x8100), "VLAN"),
        (1, wire.ethernet(INNER, 0x88A8, 0x8100, 0x8100, 0x8100), "VLAN"),
        (105, WIFI + LLC + INNER, None),
        (105, b"\x88\x01" + bytes(24) + LLC + INNER, None),  # with quality of service
        (105, b"\x08\x03" + bytes(28) + LLC + INNER, None),  # from one access point to another
        (127, b"\0\0\x0c\0" + bytes(8) + WIFI + LLC + INNER, None),
    ],
)
def test_what_lies_between_link_and_packet_is_passed_over(
    link: int, frame: bytes, told: str | None
) -> None:
    packets, counts = decoded(wire.pcap([(START, frame)], link=link))
    assert packets.payload(0) == b"question"
    assert dict(counts.tunnels) == ({told: 1} if told else {})


@pytest.mark.parametrize(
    "frame",
    [
        b"\x80\x00" + bytes(22) + LLC + INNER,  # a beacon
        b"\x08\x41" + bytes(22) + LLC + INNER,  # protected
        b"\x48\x01" + bytes(22) + LLC + INNER,  # no body
        WIFI + b"\x42\x42\x03\0\0\0\x08\0" + INNER,
        WIFI[:20],
    ],
)
def test_radio_frames_without_a_packet_in_clear_are_counted_as_others(frame: bytes) -> None:
    packets, counts = decoded(wire.pcap([(START, frame)], link=105))
    assert (len(packets), counts.other) == (0, 1)


# ---------------------------------------------------------------------------- fragments


def fragments(number: int, size: int = 3, protocol: int = wire.UDP) -> list[bytes]:
    """A datagram in parts of 16 bytes."""
    datagram = wire.udp(5353, 53, bytes(16 * size - 8))
    return [
        wire.ipv4(
            *OUTER,
            protocol,
            datagram[16 * part : 16 * part + 16],
            number=number,
            fragment=2 * part | (0x2000 if part < size - 1 else 0),
        )
        for part in range(size)
    ]


def test_fragments_are_of_the_flow_of_their_first_one_in_whatever_order_they_come() -> None:
    a, b = fragments(1), fragments(2)
    sent = [a[2], b[1], a[0], a[1], b[0], b[2]]
    counts = Counts()
    capture = wire.pcap(((START + n, packet) for n, packet in enumerate(sent)), link=101)
    (flow,) = traffic.read(capture, counts).flows.to_dicts()
    assert (flow["source.port"], flow["network.packets"]) == (5353, 6)
    assert flow["network.bytes"] == sum(map(len, sent))
    assert flow["Total Length of Fwd Packet"] == 2 * (48 - 8)
    assert (counts.fragments, counts.orphans) == (6, 0)


def test_a_number_used_again_belongs_to_the_first_fragment_before() -> None:
    first, later = fragments(7)[:2]
    other = wire.ipv4(*OUTER, wire.UDP, wire.udp(9_999, 53, bytes(8)), number=7, fragment=0x2000)
    sent = [first, later, other, later]
    packets, _ = ordered(wire.pcap(((START + n, p) for n, p in enumerate(sent)), link=101))
    assert packets.source_port.tolist() == [5353, 5353, 9_999, 9_999]


def test_a_fragment_whose_first_one_is_missing_has_no_ports_and_is_counted() -> None:
    first, later, last = fragments(3)
    other_protocol = fragments(3, protocol=wire.TCP)[1]
    counts = Counts()
    sent = [later, last, other_protocol]
    table = traffic.read(wire.pcap(((START + n, p) for n, p in enumerate(sent)), link=101), counts)
    assert table.flows["source.port"].to_list() == [0, 0]
    assert (counts.fragments, counts.orphans) == (3, 3)
    far = wire.pcap(
        [(START, first), *((START + n, INNER) for n in range(40)), (START + 50, last)], link=101
    )
    packets, counts = ordered(far, window=1_000, ahead=0)
    assert counts.orphans == 1  # out of reach
    assert packets.source_port[-1] == 0


def test_fragments_of_ipv6_are_told_by_their_header() -> None:
    datagram = wire.udp(5353, 53, bytes(24))
    parts = [
        wire.ipv6("2001:db8::1", "2001:db8::2", 44, struct.pack(">BBHI", 17, 0, more, 9) + part)
        for more, part in ((1, datagram[:16]), (16, datagram[16:]))
    ]
    packets, counts = ordered(wire.pcap([(START, parts[1]), (START, parts[0])], link=101))
    assert packets.source_port.tolist() == [5353, 5353]
    assert (counts.fragments, counts.orphans) == (2, 0)
