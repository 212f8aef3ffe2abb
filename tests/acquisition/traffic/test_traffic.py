"""A capture read part after part: the same whatever the parts, in bounded memory, from any source."""

from __future__ import annotations

import io
import os
import random
import struct
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.acquisition import reading
from apps.acquisition.traffic import capture, flow_meter
from apps.acquisition.traffic import whole as traffic
from apps.acquisition.traffic.flow_meter import FlowMeter
from apps.acquisition.traffic.http_dialogues import HttpDialogues
from apps.acquisition.traffic.packets import Counts
from apps.acquisition.traffic.whole import Traffic
from tests.acquisition import wire
from tests.acquisition.decoded import ordered
from tests.acquisition.traffic.test_tunnels import TUNNELS
from tests.acquisition.wire import ACK, FIN, PSH, RST, SYN

START = 1_700_000_000_000_000
SECOND = 1_000_000
HOSTS = ("192.0.2.1", "192.0.2.2", "198.51.100.7")
GET = b"GET /a?q=1 HTTP/1.1\r\nHost: a.example\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nContent-Length: 40\r\n\r\n" + b"b" * 40
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n" + b"c" * 30
SENTENCES = (b"", b"", b"x" * 700, GET, GET[:3], GET[3:], POST[:50], POST[50:], POST, OK, OK[:45])


def framed(chance: random.Random, seq: dict[object, int]) -> bytes:
    """A frame of some protocol, perhaps tagged or tunnelled or in fragments, between few hosts."""
    source, target = chance.sample(HOSTS, 2)
    kind = chance.random()
    if kind < 0.7:
        ports = chance.choice([(40_000, 80), (80, 40_000), (40_001, 443)])
        flags = chance.choice([ACK, ACK, PSH | ACK, SYN, SYN | ACK, FIN | ACK, FIN, RST])
        data = chance.choice(SENTENCES)
        way = (source, target, ports)
        at = seq.get(way, 1) + chance.choice([0, 0, 0, 0, -3, 5])
        seq[way] = at + len(data)
        body = wire.tcp(*ports, flags, data, chance.randrange(65_536), at % 2**32)
        packet = wire.ipv4(source, target, wire.TCP, body)
    elif kind < 0.85:
        datagram = wire.udp(5_000, 53, bytes(chance.randrange(60)))
        number, part = chance.randrange(3), chance.choice([0, 0x2000, 2, 3])
        packet = wire.ipv4(source, target, wire.UDP, datagram, number=number, fragment=part)
    elif kind < 0.95:
        message = wire.icmp(chance.choice([0, 3, 8]), chance.choice([0, 1]), bytes(8))
        packet = wire.ipv4(source, target, wire.ICMP, message)
    else:
        packet = wire.ipv6("2001:db8::1", "2001:db8::2", wire.UDP, wire.udp(1, 2, b"six"))
    if chance.random() < 0.1:
        packet = wire.ipv4("203.0.113.1", "203.0.113.2", 47, b"\0\0\x08\0" + packet)
    return wire.ethernet(packet) if chance.random() < 0.8 else wire.ethernet(packet, 0x8100)


@st.composite
def captures(draw: st.DrawFn) -> bytes:
    """Captures whose packets come late at times, and whose clock is set back at times."""
    chance = draw(st.randoms(use_true_random=False))
    gaps = chance.choice([(1, 50), (1, 40 * SECOND), (6 * SECOND, 121 * SECOND)])
    late = chance.choice([0, 0, 100, 30 * SECOND])
    now, seq, frames = START, dict[object, int](), []
    for _ in range(draw(st.integers(1, 60))):
        now += chance.randrange(*gaps)
        if chance.random() < 0.02:
            now -= 1_000 * SECOND
        frames.append((now - chance.randrange(late + 1), framed(chance, seq)))
    if draw(st.booleans()):
        return wire.pcap(frames, order=draw(st.sampled_from("<>")))
    blocks = [wire.packet_block(number % 2, *frame) for number, frame in enumerate(frames)]
    again = wire.section(">") + wire.interface(1, None, ">") + wire.packet_block(0, *frames[0], ">")
    return wire.section() + wire.interface(1) * 2 + b"".join(blocks) + again


def streamed(source: capture.Source, *bounds: int) -> tuple[Traffic, Counts]:
    counts = Counts()
    return traffic.together(traffic.stream(source, counts, *bounds)), counts


@settings(max_examples=30, deadline=None)
@given(
    captures(), st.integers(150, 3_000), st.sampled_from([(300, 100), (3_000, 500), (10**6, 10**5)])
)
def test_what_is_found_does_not_depend_on_the_parts_a_capture_is_read_in(
    content: bytes, chunk: int, bounds: tuple[int, int]
) -> None:
    whole, counts = streamed(content, len(content) + 1, *bounds)
    parts, counts_of_parts = streamed(content, chunk, *bounds)
    assert parts.flows.equals(whole.flows)
    assert parts.requests.equals(whole.requests)
    assert counts_of_parts == counts
    from_file, counts_of_file = streamed(io.BytesIO(content), chunk, *bounds)
    assert from_file.flows.equals(whole.flows)
    assert from_file.requests.equals(whole.requests)
    assert counts_of_file == counts


@settings(max_examples=30, deadline=None)
@given(captures())
def test_every_packet_is_in_one_flow(content: bytes) -> None:
    packets, counts = ordered(content)
    assert (packets.time[1:] >= packets.time[:-1]).all() or counts.steps
    found = traffic.read(content)
    assert found.flows["network.packets"].sum() == len(packets) == counts.frames
    assert found.flows["network.bytes"].sum() == packets.length.sum()


def test_a_pipe_reads_like_a_file_and_like_bytes(tmp_path: Path) -> None:
    chance = random.Random(1)
    frames = [(START + n, framed(chance, {})) for n in range(3_000)]
    content = wire.pcap(frames)
    path = tmp_path / "a.pcap"
    path.write_bytes(content)
    reader, writer = os.pipe()

    def feed() -> None:
        with os.fdopen(writer, "wb", buffering=0) as pipe:
            for at in range(0, len(content), 7_777):
                pipe.write(content[at : at + 7_777])

    feeder = threading.Thread(target=feed)
    feeder.start()
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        piped, _ = streamed(pipe, 50_000)
    feeder.join()
    for source in (content, path, str(path), memoryview(content)):
        found, _ = streamed(source, 50_000)
        assert found.flows.equals(piped.flows)
        assert found.requests.equals(piped.requests)


def test_a_long_block_is_passed_over_without_being_kept() -> None:
    packet = wire.packet_block(0, START, wire.ethernet(wire.ipv4("1.1.1.1", "2.2.2.2", 17, b"")))
    secret = struct.pack("<II", 0xA, 12 + 40_000_000) + bytes(40_000_004)
    content = wire.section() + wire.interface(1) + packet + secret + packet
    parts = list(capture.read_frames(io.BytesIO(content), chunk=1 << 16))
    assert sum(len(part.start) for part in parts) == 2
    assert max(len(part.data) for part in parts) < 40_000_000


# ------------------------------------------------------------------------------ bounds


def flows_of(*packets: tuple[int, bytes], most_open: int = 3) -> tuple[pl.DataFrame, Counts]:
    """Metered one packet at a time, with room for few conversations."""
    counts = Counts()
    meter = FlowMeter(counts, most_open)
    found, _ = ordered(wire.pcap(packets, link=101))
    tables = [meter.add(found.take(np.array([row]))) for row in range(len(found))]
    return flow_meter.in_order([*tables, meter.finish()]), counts


def probe(host: int, port: int) -> bytes:
    return wire.ipv4("192.0.2.1", f"198.51.100.{host}", wire.TCP, wire.tcp(port, 80, SYN))


def test_where_too_many_flows_are_open_those_silent_longest_end_and_are_counted() -> None:
    quiet, busy = probe(1, 1), probe(2, 2)
    packets = [(START, quiet), (START + 1, busy)]
    packets += [
        p
        for n in range(3, 10)
        for p in ((START + 2 * n, probe(n + 1, n)), (START + 2 * n + 1, busy))
    ]
    table, counts = flows_of(*packets, (START + 50, quiet))
    by_port = table.group_by("source.port").agg(pl.len(), pl.col("network.packets").sum())
    found = {port: (flows, sent) for port, flows, sent in by_port.iter_rows()}
    assert found[1] == (2, 2)  # forgotten, and begun anew
    assert found[2][0] == 1
    assert counts.evicted == table.height - 3
    assert table["network.packets"].sum() == len(packets) + 1


def test_flows_that_are_over_leave_no_trace() -> None:
    meter = FlowMeter()
    datagram = wire.ipv4("192.0.2.1", "192.0.2.2", wire.UDP, wire.udp(1, 2))
    closed = [wire.ipv4("192.0.2.1", "192.0.2.2", 6, wire.tcp(1, 2, f)) for f in (SYN, RST)]
    open_ = wire.ipv4("192.0.2.1", "192.0.2.2", 6, wire.tcp(3, 2, SYN))
    much_later = wire.ipv4("192.0.2.1", "192.0.2.2", wire.UDP, wire.udp(9, 9))
    times = [*range(START, START + 4), START + 121 * SECOND]
    found, _ = ordered(
        wire.pcap(zip(times, [datagram, *closed, open_, much_later], strict=True), link=101)
    )
    table = meter.add(found)
    assert table.height == 3
    assert len(meter._kept) == 2  # the connection that may go on, and the flow of now
    assert meter.finish().height == 1


def test_a_dialogue_that_says_too_much_is_read_on_the_way_and_loses_no_request() -> None:
    dialogues = HttpDialogues(most_of_one=5_000)
    sent: list[bytes] = []
    asked = answered = 1
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"p" * 900
    for _ in range(40):
        sent.append(segment(True, asked, GET))
        sent.append(segment(False, answered, page))
        asked, answered = asked + len(GET), answered + len(page)
    found, _ = ordered(wire.pcap(((START + n, p) for n, p in enumerate(sent)), link=101))
    meter = FlowMeter()
    meter.add(found)
    tables = [dialogues.add(found, meter.connection, meter.from_low), dialogues.finish()]
    table = pl.concat(tables)
    assert tables[0].height > 30
    assert table.height == 40
    assert table["http.response.status_code"].to_list() == [200] * 40


def test_all_dialogues_together_stay_within_their_bound() -> None:
    dialogues = HttpDialogues(most_of_all=20_000)
    meter = FlowMeter()
    requests = 0
    for host in range(1, 200):
        found, _ = ordered(wire.pcap([(START + host, segment(True, 1, GET, host))], link=101))
        meter.add(found)
        requests += dialogues.add(found, meter.connection, meter.from_low).height
        assert dialogues._size <= 20_000
    assert requests > 100
    assert requests + dialogues.finish().height == 199


def segment(out: bool, seq: int, data: bytes, host: int = 9) -> bytes:
    client, server = f"192.0.2.{host}", "198.51.100.1"
    ends = (client, server) if out else (server, client)
    ports = (40_000, 80) if out else (80, 40_000)
    return wire.ipv4(*ends, wire.TCP, wire.tcp(*ports, ACK | PSH, data, seq=seq))


# ------------------------------------------------------------------------- order of time


def test_a_packet_that_comes_too_late_in_the_file_takes_the_time_of_those_around_it() -> None:
    frames = [(START + n * 1_000, probe(1, n)) for n in range(20)]
    frames.append((START, probe(2, 99)))
    packets, counts = ordered(wire.pcap(frames, link=101), window=300, ahead=0)
    assert counts.late == 1
    moved = packets.time[packets.source_port == 99][0] // 1_000
    assert START < moved < START + 19_000
    assert (np.diff(packets.time) >= 0).all()


def test_where_the_clock_is_set_back_all_flows_end() -> None:
    frames = [(START, probe(1, 1)), (START + 5, probe(1, 1)), (START - 3_600 * SECOND, probe(1, 1))]
    counts = Counts()
    table = traffic.read(wire.pcap(frames, link=101), counts).flows
    assert table["network.packets"].to_list() == [2, 1]
    assert counts.steps == 1
    assert (table["Flow Duration"] >= 0).all()


def test_what_is_to_be_said_of_a_capture_is_said() -> None:
    inner = probe(1, 1)
    frames = [
        (START, wire.ethernet(wire.ipv4("1.1.1.1", "2.2.2.2", 47, b"\0\0\x08\0" + inner))),
        (START + 1, wire.ethernet(wire.ipv4("1.1.1.1", "2.2.2.2", 17, bytes(16), fragment=5))),
        (START + 2, wire.ethernet(inner, 0x8100)),
        (START + 3, bytes(12) + b"\x08\x06" + bytes(28)),
        (START - 500 * SECOND, wire.ethernet(inner)),
    ]
    read = reading.read(wire.pcap(frames) + b"\0", protocol="capture")
    told = " ".join(read.notes)
    for sentence in ("5 packets: 3 flows", "GRE 1", "VLAN 1", "1 packets are fragments; 1 of them"):
        assert sentence in told
    assert "1 packets carry no IP" in told
    assert "The clock went back" in told
    assert read.items == read.frame.height + 1
    assert "announces and does not hold" in read.rejected[0][1]


def test_a_capture_read_from_its_path_gives_the_records_of_its_bytes(tmp_path: Path) -> None:
    chance = random.Random(2)
    content = wire.pcap([(START + n, framed(chance, {})) for n in range(300)])
    path = tmp_path / "a.pcap"
    path.write_bytes(content)
    of_path = reading.read_capture(path, host_name="web1")
    of_bytes = reading.read(content, protocol="auto", host_name="web1")
    assert of_path.frame.equals(of_bytes.frame)
    assert of_path.notes == of_bytes.notes
    path.write_bytes(content[:20])
    with pytest.raises(reading.Unreadable):
        reading.read_capture(path)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        traffic.read(tmp_path / "no such file")


# ------------------------------------------------------------------------------ hostile


NASTY = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\1")


def damaged(content: bytes, chance: random.Random) -> bytes:
    """With bytes changed, taken out, put in, and lengths made absurd."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 3, 10, 100])):
        at = chance.randrange(len(data))
        match chance.randrange(5):
            case 0 | 1:
                data[at] = chance.randrange(256)
            case 2:
                data[at : at + 4] = chance.choice(NASTY)
            case 3:
                del data[at : at + chance.randrange(1, 60)]
            case 4:
                data[at:at] = data[chance.randrange(len(data)) :][: chance.randrange(100)]
        if len(data) < 30:
            break
    return bytes(data)


def test_a_damaged_capture_is_read_as_far_as_it_makes_sense_or_refused() -> None:
    chance = random.Random(3)
    tunnels = [(START + n, packet) for n, packet in enumerate(TUNNELS.values())]
    mixed = [(START + n * 1_000, framed(chance, {})) for n in range(80)]
    blocks = [wire.packet_block(n % 2, at, frame) for n, (at, frame) in enumerate(mixed)]
    sound = [
        wire.pcap(tunnels, link=101),
        wire.pcap(mixed, order=">", nano=True),
        wire.section() + wire.interface(1) + wire.interface(1, 9) + b"".join(blocks),
    ]
    read_to_the_end = 0
    for turn in range(250):
        content = damaged(chance.choice(sound), chance)
        try:
            read = reading.read(content, protocol="capture")
        except reading.Unreadable:
            continue
        read_to_the_end += 1
        assert read.items == read.frame.height + len(read.rejected)
        if turn % 5 == 0:
            parts, _ = streamed(io.BytesIO(content), 500)
            assert parts.flows.height + parts.requests.height == read.frame.height
    assert read_to_the_end > 150


def test_a_small_capture_that_announces_much_takes_little() -> None:
    """Interfaces by the thousand, empty records by the hundred thousand, frames without an end."""
    began = time.perf_counter()
    many = wire.section() + wire.interface(1) * 50_000
    many += wire.packet_block(49_999, START, b"") + wire.packet_block(0, START, b"")
    with pytest.raises(capture.CaptureError, match="No packet is of an interface"):
        traffic.read(wire.section() + wire.packet_block(0, START, b""))
    assert traffic.read(many).flows.is_empty()
    counts = Counts()
    empty = wire.pcap([]) + struct.pack("<IIII", 1, 0, 0, 0) * 300_000
    assert traffic.read(empty, counts).flows.is_empty()
    assert counts.other == 300_000
    announced = wire.pcap([]) + struct.pack("<IIII", 1, 0, 200_000, 200_000) + bytes(100)
    traffic.read(announced, counts)
    assert counts.truncated == 1
    assert time.perf_counter() - began < 30
