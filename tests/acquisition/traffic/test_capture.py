"""The capture reader: every container, link layer and header it knows, and hostile input."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.acquisition.traffic.capture import CaptureError, is_capture
from apps.acquisition.traffic.packets import Packets, address_text
from tests.acquisition import wire
from tests.acquisition.decoded import decoded, ordered

QUERY = wire.ipv4("192.0.2.1", "198.51.100.2", wire.UDP, wire.udp(5353, 53, b"question"))
OPENING = wire.ipv4(
    "192.0.2.1", "198.51.100.2", wire.TCP, wire.tcp(40_000, 80, wire.SYN, b"", 29_200, 77)
)
START = 1_700_000_000_123_456


def one(capture: bytes) -> dict[str, object]:
    """What was read of the only packet of a capture."""
    packets, _counts = decoded(capture)
    assert len(packets) == 1
    return {
        "from": (address_text(packets.source)[0], int(packets.source_port[0])),
        "to": (address_text(packets.destination)[0], int(packets.destination_port[0])),
        "protocol": int(packets.protocol[0]),
        "payload": payload(packets, 0),
    }


def payload(packets: Packets, row: int) -> bytes:
    return packets.payload(row)


READ_QUERY = {
    "from": ("192.0.2.1", 5353),
    "to": ("198.51.100.2", 53),
    "protocol": wire.UDP,
    "payload": b"question",
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_reads_alike_in_either_byte_order_and_precision(order: str, nano: bool) -> None:
    capture = wire.pcap([(START, wire.ethernet(QUERY))], order=order, nano=nano)
    assert one(capture) == READ_QUERY
    assert decoded(capture)[0].time.tolist() == [START * 1_000]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("resolution", "ticks"),
    [(None, START), (6, START), (9, START * 1_000), (3, START // 1_000), (0x80 | 20, None)],
)
def test_pcapng_honours_the_resolution_of_each_interface(
    order: str, resolution: int | None, ticks: int | None
) -> None:
    ticks = ticks or (START << 20) // 10**6
    capture = wire.section(order) + wire.interface(1, resolution, order)
    capture += wire.packet_block(0, ticks, wire.ethernet(QUERY), order)
    assert one(capture) == READ_QUERY
    tolerance = {3: 1_000, 0x80 | 20: 1}.get(resolution or 6, 0)  # microseconds
    assert abs(int(decoded(capture)[0].time[0]) // 1_000 - START) <= tolerance


def test_pcapng_interfaces_may_differ_in_link_type_and_sections_in_byte_order() -> None:
    capture = wire.section() + wire.interface(1) + wire.interface(101)
    capture += wire.packet_block(1, START, QUERY) + wire.packet_block(
        0, START, wire.ethernet(QUERY)
    )
    capture += wire.section(">") + wire.interface(113, None, ">")
    cooked = bytes(14) + b"\x08\x00" + QUERY
    capture += wire.packet_block(0, START, cooked, ">")
    capture += wire.block(3, struct.pack(">I", len(cooked)) + cooked, ">")  # a simple packet
    packets, _counts = decoded(capture)
    assert [payload(packets, row) for row in range(4)] == [b"question"] * 4


def test_pcapng_packets_of_an_interface_never_declared_are_left_out() -> None:
    capture = wire.section() + wire.interface(101)
    capture += wire.packet_block(9, START, QUERY) + wire.packet_block(0, START, QUERY)
    packets, counts = decoded(capture)
    assert (len(packets), counts.frames, counts.other) == (1, 2, 1)


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (0, b"\x02\0\0\0" + QUERY),
        (0, b"\0\0\0\x02" + QUERY),
        (1, wire.ethernet(QUERY)),
        (1, wire.ethernet(QUERY, 0x8100)),
        (1, wire.ethernet(QUERY, 0x88A8, 0x8100)),
        (1, wire.ethernet(QUERY) + bytes(18)),  # padded to the shortest frame
        (101, QUERY),
        (113, bytes(14) + b"\x08\x00" + QUERY),
        (228, QUERY),
        (276, b"\x08\x00" + bytes(18) + QUERY),
    ],
)
def test_every_link_layer_gives_the_same_packet(link: int, frame: bytes) -> None:
    assert one(wire.pcap([(START, frame)], link=link)) == READ_QUERY


def test_ipv4_options_are_skipped() -> None:
    packet = wire.ipv4(
        "192.0.2.1", "198.51.100.2", wire.UDP, wire.udp(5353, 53, b"question"), options=bytes(8)
    )
    assert one(wire.pcap([(START, packet)], link=101)) == READ_QUERY


def test_ipv6_extension_headers_are_walked() -> None:
    hop_by_hop = bytes([43, 0]) + bytes(6)
    routing = bytes([60, 1]) + bytes(14)
    destination = bytes([wire.UDP, 0]) + bytes(6)
    rest = hop_by_hop + routing + destination + wire.udp(5353, 53, b"question")
    packet = wire.ipv6("2001:db8::1", "2001:db8::2", 0, rest)
    read = one(wire.pcap([(START, packet)], link=101))
    assert read == READ_QUERY | {"from": ("2001:db8::1", 5353), "to": ("2001:db8::2", 53)}


def test_later_fragments_take_the_ports_of_the_first() -> None:
    datagram = wire.udp(5353, 53, bytes(24))
    halves = [
        wire.ipv4("192.0.2.1", "198.51.100.2", wire.UDP, datagram[16:], number=5, fragment=2),
        wire.ipv4("192.0.2.1", "198.51.100.2", wire.UDP, datagram[:16], number=5, fragment=0x2000),
        wire.ipv4("192.0.2.1", "198.51.100.2", wire.UDP, datagram[16:], number=6, fragment=2),
    ]
    packets, counts = ordered(wire.pcap([(START, half) for half in halves], link=101))
    assert (counts.fragments, counts.orphans) == (3, 1)
    assert packets.fragment.all()
    assert packets.source_port.tolist() == [5353, 5353, 0]
    assert packets.header_length.tolist() == [0, 8, 0]
    assert packets.payload_length.sum() == 24 + 16


def test_tcp_and_icmp_fields_are_read() -> None:
    echo = wire.ipv4("192.0.2.1", "198.51.100.2", wire.ICMP, wire.icmp(8, 3, b"ping"))
    packets, _counts = decoded(wire.pcap([(START, OPENING), (START, echo)], link=101))
    assert packets.tcp_flags.tolist() == [wire.SYN, 0]
    assert packets.tcp_window.tolist() == [29_200, 0]
    assert packets.tcp_sequence.tolist() == [77, 0]
    assert packets.icmp_type.tolist() == [-1, 8]
    assert packets.icmp_code.tolist() == [-1, 3]
    assert packets.header_length.tolist() == [20, 8]
    assert packets.payload_length.tolist() == [0, 4]


def test_a_packet_cut_by_the_snap_length_keeps_its_true_length() -> None:
    packet = wire.ipv4("192.0.2.1", "198.51.100.2", wire.TCP, wire.tcp(1, 2, wire.ACK, bytes(500)))
    record = struct.pack("<IIII", 1, 0, 64, len(packet)) + packet[:64]
    packets, _counts = decoded(wire.pcap([], link=101) + record)
    assert (packets.length[0], packets.payload_length[0]) == (540, 500)
    assert packets.payload_captured[0] == 24


def test_segmentation_offload_without_a_length_uses_the_length_on_the_wire() -> None:
    packet = bytearray(OPENING + bytes(1_000))
    packet[2:4] = b"\0\0"
    packets, _counts = decoded(wire.pcap([(START, bytes(packet))], link=101))
    assert packets.payload_length.tolist() == [1_000]


def test_what_is_no_ip_or_no_sound_ip_is_counted() -> None:
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    short_header = wire.ethernet(bytes([0x43]) + QUERY[1:])
    cut = wire.ethernet(QUERY)[:20]
    frames = [arp, short_header, cut, wire.ethernet(QUERY), b""]
    packets, counts = decoded(wire.pcap([(START, frame) for frame in frames]))
    assert (len(packets), counts.other, counts.malformed) == (1, 2, 2)


def test_a_truncated_tail_is_counted_and_the_rest_is_used() -> None:
    frames = [(START, wire.ethernet(QUERY))] * 3
    for capture in (wire.pcap(frames), _pcapng(frames)):
        for kept in (len(capture) - 1, len(capture) - 40):
            packets, counts = decoded(capture[:kept])
            assert (len(packets), counts.truncated) == (2, 1)


def test_a_length_beyond_belief_ends_the_reading_there() -> None:
    good = wire.pcap([(START, QUERY)], link=101)
    packets, counts = decoded(good + struct.pack("<IIII", 1, 0, 2**31, 2**31) + bytes(64))
    assert (len(packets), counts.broken_at) == (1, len(good))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty"),
        (b"GET / HTTP/1.1\r\n\r\n", "neither a pcap nor a pcapng"),
        (wire.pcap([])[:20], "ends inside its header"),
        (wire.pcap([]) + b"\xff" * 40, "first record of the pcap file is damaged"),
        (wire.section()[:8] + b"\0" * 20, "section header of the pcapng file is damaged"),
        (wire.pcap([(START, QUERY)], link=147), "Link type 147 is not supported"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(CaptureError, match=sentence) as refusal:
        decoded(data)
    assert str(refusal.value).endswith(".")


def test_a_capture_without_packets_is_no_error() -> None:
    assert len(decoded(wire.pcap([]))[0]) == 0
    assert len(decoded(wire.section())[0]) == 0


def test_a_path_reads_like_its_bytes(tmp_path: Path) -> None:
    capture = wire.pcap([(START, QUERY)], link=101)
    file = tmp_path / "capture.pcap"
    file.write_bytes(capture)
    assert payload(decoded(file)[0], 0) == payload(decoded(memoryview(capture))[0], 0)
    file.write_bytes(b"")
    with pytest.raises(CaptureError):
        decoded(file)


def test_captures_are_told_by_their_first_bytes() -> None:
    assert is_capture(wire.pcap([]))
    assert is_capture(wire.section(">"))
    assert not is_capture(b"\x1f\x8b")


def _pcapng(frames: wire.Timed) -> bytes:
    blocks = [wire.packet_block(0, at, frame) for at, frame in frames]
    return wire.section() + wire.interface(1) + b"".join(blocks)


_FRAMES = [
    (START, wire.ethernet(QUERY, 0x8100)),
    (START + 1, wire.ethernet(OPENING)),
    (
        START + 2,
        wire.ethernet(
            wire.ipv6("::1", "::2", 44, bytes([0, 0, 0, 1, 0, 0, 0, 9, 17, 0]) + bytes(20))
        ),
    ),
    (START + 3, wire.ethernet(wire.ipv4("192.0.2.1", "192.0.2.2", 1, wire.icmp(3, 1, QUERY)))),
]
_SOUND = [
    wire.pcap(_FRAMES),
    wire.pcap(_FRAMES, order=">", nano=True),
    wire.pcap([(at, frame[14:]) for at, frame in _FRAMES], link=101),
    _pcapng(_FRAMES),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound capture with bytes changed, and perhaps its tail cut off."""
    capture = bytearray(draw(st.sampled_from(_SOUND)))
    for at in draw(st.lists(st.integers(4, len(capture) - 1), max_size=12)):
        capture[at] = draw(st.integers(0, 255))
    return bytes(capture[: draw(st.integers(0, len(capture)))])


@settings(max_examples=400, deadline=5_000)
@given(
    st.one_of(
        st.binary(max_size=200),
        damaged(),
        st.builds(lambda head, tail: head[:28] + tail, st.sampled_from(_SOUND), st.binary()),
    )
)
def test_hostile_bytes_are_read_or_refused_and_nothing_outside_them_is_named(data: bytes) -> None:
    try:
        packets, counts = decoded(data)
    except CaptureError:
        return
    assert counts.frames >= len(packets)
    assert counts.frames == len(packets) + counts.other + counts.malformed
    assert (packets.time >= 0).all()
    assert (packets.payload_captured >= 0).all()
    assert (packets.payload_captured <= np.maximum(packets.payload_length, 0)).all()
    some = packets.payload_captured > 0
    assert (packets.payload_start + packets.payload_captured)[some].max(initial=0) <= len(data)
