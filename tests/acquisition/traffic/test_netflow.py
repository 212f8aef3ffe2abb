"""NetFlow and IPFIX: what exporters say is read as they said it, and nothing makes it raise."""

from __future__ import annotations

import ipaddress
import json
import shutil
import socket
import struct
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.acquisition import frames
from apps.acquisition.traffic import netflow
from apps.acquisition.traffic.netflow import Exporter, read
from tests.acquisition.samples import capture

SENT = 1_795_341_529
FLOW = (
    *(ipaddress.IPv4Address(text).packed for text in ("203.0.113.9", "192.0.2.10", "0.0.0.0")),
    *(1, 2, 10, 840, 4_000, 9_500, 51022, 22, 0, 27, 6, 0, 0, 0, 24, 24, 0),
)
# element, length, value of one flow, as v9 and IPFIX tell it
CELLS = [
    (8, 4, ipaddress.IPv4Address("203.0.113.9").packed),
    (12, 4, ipaddress.IPv4Address("192.0.2.10").packed),
    (7, 2, 51022),
    (11, 2, 22),
    (4, 1, 6),
    (6, 1, 27),
    (1, 4, 840),
    (2, 3, 10),
]


def v5(*flows: tuple[Any, ...], count: int | None = None) -> bytes:
    head = struct.pack(">HHIIIIBBH", 5, len(flows) if count is None else count, 10_000, SENT, 0, 1, 0, 0, 0)  # fmt: skip
    return head + b"".join(struct.pack(">4s4s4sHHIIIIHHBBBBHHBBH", *flow) for flow in flows)


def packed(cells: list[tuple[int, int, Any]]) -> bytes:
    return b"".join(
        value if isinstance(value, bytes) else value.to_bytes(length, "big")
        for _, length, value in cells
    )


def a_set(number: int, body: bytes) -> bytes:
    return struct.pack(">HH", number, 4 + len(body)) + body


def template(number: int, cells: list[tuple[int, int, Any]]) -> bytes:
    fields = b"".join(struct.pack(">HH", element, length) for element, length, _ in cells)
    return struct.pack(">HH", number, len(cells)) + fields


def v9(*sets: bytes, domain: int = 7) -> bytes:
    return struct.pack(">HHIIII", 9, len(sets), 10_000, SENT, 1, domain) + b"".join(sets)


def ipfix(*sets: bytes, domain: int = 7) -> bytes:
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body), SENT, 1, domain) + body


def said(*datagrams: bytes, exporter: Exporter | None = None) -> list[dict[str, Any]]:
    frame = read(datagrams, exporter or Exporter())
    assert frame.schema == frames.SCHEMA
    return [{k: v for k, v in row.items() if v is not None} for row in frame.to_dicts()]


def test_a_flow_of_version_5_says_everything() -> None:
    (flow,) = said(v5(FLOW))
    assert json.loads(flow.pop("labels")) == {
        **{"tcp_flags": 27, "input": 1, "output": 2, "tos": 0, "version": 5}
    }
    assert flow == {
        "@timestamp": datetime.fromtimestamp(SENT - 6, UTC),
        "event.dataset": "netflow.flow",
        "event.category": "network",
        "event.action": "network_flow",
        "event.duration": 5_500_000_000,
        "source.ip": "203.0.113.9",
        "source.port": 51022,
        "source.bytes": 840,
        "source.packets": 10,
        "destination.ip": "192.0.2.10",
        "destination.port": 22,
        "network.transport": "tcp",
        "network.bytes": 840,
        "network.packets": 10,
    }


@pytest.mark.parametrize(("make", "learns"), [(v9, 0), (ipfix, 2)])
def test_templates_are_kept_between_datagrams(make: Any, learns: int) -> None:
    exporter = Exporter()
    data = a_set(256, packed(CELLS) * 2)
    assert said(make(data), exporter=exporter) == []
    assert exporter.early == 1
    flows = said(make(a_set(learns, template(256, CELLS)), data), make(data), exporter=exporter)
    assert len(flows) == 4
    assert {flow["source.ip"] for flow in flows} == {"203.0.113.9"}
    assert {(flow["destination.port"], flow["source.packets"]) for flow in flows} == {(22, 10)}
    assert said(make(data, domain=8), exporter=exporter) == [], "another domain has its own"
    changed = [(8, 4, CELLS[0][2]), (4, 1, 17)]
    flows = said(make(a_set(learns, template(256, changed)), a_set(256, packed(changed))), exporter=exporter)  # fmt: skip
    assert [flow["network.transport"] for flow in flows] == ["udp"]
    assert exporter.malformed == 0


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ((150, 4, SENT), (151, 4, SENT + 2)),
        ((152, 8, SENT * 1000), (153, 8, SENT * 1000 + 2000)),
        ((154, 8, (SENT + 2_208_988_800) << 32), (155, 8, (SENT + 2 + 2_208_988_800) << 32)),
        ((156, 8, (SENT + 2_208_988_800) << 32), (157, 8, (SENT + 2 + 2_208_988_800) << 32)),
    ],
)
def test_every_clock_is_read(begin: Any, end: Any) -> None:
    cells = [*CELLS, begin, end]
    (flow,) = said(ipfix(a_set(2, template(300, cells)), a_set(300, packed(cells))))
    assert flow["@timestamp"] == datetime.fromtimestamp(SENT, UTC)
    assert flow["event.duration"] == 2_000_000_000


def test_ipfix_may_tell_when_it_was_booted() -> None:
    cells = [*CELLS, (22, 4, 5_000), (21, 4, 6_000)]
    option = struct.pack(">HHHHHHH", 400, 2, 1, 149, 4, 160, 8)
    boot = struct.pack(">IQ", 7, SENT * 1000)
    flows = said(
        ipfix(a_set(3, option), a_set(400, boot), a_set(2, template(300, cells))),
        ipfix(a_set(300, packed(cells))),
    )
    assert flows[0]["@timestamp"] == datetime.fromtimestamp(SENT + 5, UTC)
    assert len(flows) == 1, "options are no flows"


def test_fields_of_variable_length_and_of_the_way_back() -> None:
    fields = struct.pack(">HHI", 0x8000 | 1, 8, 29305)  # reverse octets
    fields += struct.pack(">HHHHHH", 82, 0xFFFF, 8, 4, 1, 4)
    learn = a_set(2, struct.pack(">HH", 301, 4) + fields)
    record = struct.pack(">Q", 99) + b"\x03eth" + CELLS[0][2] + struct.pack(">I", 5)
    long = struct.pack(">Q", 98) + b"\xff\x01\x00" + b"x" * 256 + CELLS[1][2] + struct.pack(">I", 6)
    flows = said(ipfix(learn, a_set(301, record + long)))
    assert [(f["destination.bytes"], f["source.bytes"], f["network.bytes"]) for f in flows] == [
        *((99, 5, 104), (98, 6, 104))
    ]
    assert flows[1]["source.ip"] == "192.0.2.10"


def test_what_is_cut_off_is_counted() -> None:
    exporter = Exporter()
    assert len(said(v5(FLOW, FLOW)[:-1], exporter=exporter)) == 1
    assert said(b"", b"\0\x05", b"\0\x01" + b"x" * 40, exporter=exporter) == []
    assert said(v9(b"\0\0\0\x01"), exporter=exporter) == []
    assert exporter.malformed == 5


def test_an_exporter_cannot_fill_the_memory() -> None:
    exporter = Exporter()
    for domain in range(10):
        body = b"".join(template(number, CELLS[:1]) for number in range(256, 1256))
        assert said(v9(a_set(0, body), domain=domain), exporter=exporter) == []
    assert len(exporter.templates) == netflow.MOST_TEMPLATES
    wide = struct.pack(">HH", 300, 60_000) + b"\0\x01\xff\xfe" * 10_000
    assert said(v9(a_set(0, wide), domain=99), exporter=exporter) == []
    assert (99, 300) not in exporter.templates
    none = v9(a_set(0, template(301, [(1, 0, 0)])), a_set(301, b"x" * 40))
    assert said(none, exporter=exporter) == []


@given(
    source=st.ip_addresses(),
    port=st.integers(0, 65535),
    sent=st.integers(0, 2**64 - 1),
    packets=st.integers(0, 2**32 - 1),
    protocol=st.sampled_from([1, 6, 17, 58, 250]),
    order=st.permutations(range(5)),
)
@settings(max_examples=40, deadline=None)
def test_any_template_gives_back_what_was_put_in(
    source: Any, port: int, sent: int, packets: int, protocol: int, order: list[int]
) -> None:
    cells = [
        (8, 4, source.packed) if source.version == 4 else (27, 16, source.packed),
        *((7, 2, port), (1, 8, sent), (2, 4, packets), (4, 1, protocol)),
    ]
    cells = [cells[place] for place in order]
    for make, learns in ((v9, 0), (ipfix, 2)):
        (flow,) = said(make(a_set(learns, template(256, cells)), a_set(256, packed(cells))))
        mapped = getattr(source, "ipv4_mapped", None)
        assert flow["source.ip"] == str(mapped or source)
        assert flow.get("source.port") == (port if protocol in (6, 17) else None)
        assert (flow["source.bytes"], flow["source.packets"]) == (min(sent, 2**63 - 1), packets)


GOOD = [
    v5(FLOW, FLOW),
    v9(a_set(0, template(256, CELLS)), a_set(256, packed(CELLS))),
    ipfix(a_set(2, template(256, CELLS)), a_set(256, packed(CELLS))),
    ipfix(a_set(3, struct.pack(">HHHHHHH", 400, 2, 1, 149, 4, 160, 8)), a_set(400, b"\0" * 12)),
]


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    datagram = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 6))):
        datagram[draw(st.integers(0, len(datagram) - 1))] = draw(st.integers(0, 255))
    return bytes(datagram[: draw(st.integers(0, len(datagram)))] + draw(st.binary(max_size=20)))


@given(st.lists(broken() | st.binary(max_size=60), max_size=6))
@settings(max_examples=150, deadline=None)
def test_no_datagram_makes_it_raise(datagrams: list[bytes]) -> None:
    said(*datagrams)


@pytest.mark.skipif(shutil.which("softflowd") is None, reason="softflowd is not installed")
@pytest.mark.parametrize("version", [5, 9, 10])
def test_a_real_exporter_is_understood(version: int, tmp_path: Path) -> None:
    file = tmp_path / "made.pcap"
    file.write_bytes(capture(5))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(2)
        to = f"127.0.0.1:{collector.getsockname()[1]}"
        subprocess.run(
            ["softflowd", "-d", "-r", file, "-n", to, "-v", str(version), "-c", "none"],
            check=True, capture_output=True, timeout=20,
        )  # fmt: skip
        datagrams, exporter = [collector.recv(65535)], Exporter()
        collector.settimeout(0.3)
        try:
            while True:
                datagrams.append(collector.recv(65535))
        except TimeoutError:
            pass
    assert all(map(netflow.is_netflow, datagrams))
    (flow,) = said(*datagrams, exporter=exporter)
    assert (flow["source.ip"], flow["destination.ip"]) == ("192.0.2.1", "192.0.2.2")
    assert (flow["source.port"], flow["destination.port"]) == (5353, 53)
    assert (flow["network.transport"], flow["source.packets"]) == ("udp", 5)
    assert (flow["source.bytes"], flow["event.duration"]) == (5 * 48, 4_000_000_000)
    assert (exporter.malformed, exporter.early) == (0, 0)
