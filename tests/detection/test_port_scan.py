"""Scans, and what knocks at many doors for other reasons."""

from __future__ import annotations

import pytest

from apps.contracts import Kind
from apps.detection.tools.port_scan import TOOL
from tests.detection.made import ALICE, MALLORY, SHOP, Row, flow, found, frame, knock


def test_many_ports_of_one_target_are_a_scan_with_its_open_ports() -> None:
    open_ports = [
        flow(i / 50, port=p, packets=(2, 1), payload=(0, 0)) for i, p in enumerate((22, 80))
    ]
    (one,) = found(TOOL, (knock(p / 100, p) for p in range(100, 300)), open_ports)
    assert one.kind is Kind.PORT_SCAN
    assert (one.subject, one.target, one.network) == (MALLORY, SHOP, "flows")
    assert one.title == f"Port scan of {SHOP} from {MALLORY}: 202 ports"
    assert one.parameters["open_ports"] == [22, 80]
    assert one.techniques == ("T1046",)


def test_the_victims_replies_are_no_scan() -> None:
    """A capture that sees only what comes back: resets and SYN-ACKs from many ports."""
    resets = [
        flow(
            i,
            SHOP,
            MALLORY,
            50_000 + i,
            source_port=i + 1,
            packets=(1, 0),
            payload=(0, 0),
            flags="AR",
        )
        for i in range(200)
    ]
    answers = [
        flow(i, SHOP, ALICE, 50_000 + i, source_port=i, packets=(1, 0), payload=(0, 0), flags="SA")
        for i in range(1100, 1300)
    ]
    assert not found(TOOL, resets, answers)


def test_scan_is_found_without_flags_and_its_replies_are_not() -> None:
    """Zeek's connections carry no flow features."""
    both = [{**knock(p / 100, p), "event.dataset": "zeek.conn"} for p in range(1, 200)]
    both += [
        {**knock(p / 100, 52_000 + p, ALICE, source=SHOP, source_port=p % 1000)} for p in range(200)
    ]
    for row in both:
        row.pop("features")
    (one,) = found(TOOL, both)
    assert one.subject == MALLORY


def test_one_port_of_many_addresses_is_a_scan_for_a_service() -> None:
    rows = [knock(i / 10, 445, f"198.51.100.{i}", refused=i % 3 == 0) for i in range(1, 60)]
    (one,) = found(TOOL, rows)
    assert one.title == f"Scan for TCP port 445 from {MALLORY}: 59 addresses"
    assert one.target == ""


def test_echo_requests_to_many_addresses_are_a_sweep_if_some_are_not_there() -> None:
    def echo(there: bool) -> list[Row]:
        return [
            flow(
                i / 10,
                target=f"198.51.100.{i}",
                transport="icmp",
                packets=(1, int(there or i % 2 == 0)),
                payload=(0, 0),
            )
            for i in range(1, 30)
        ]

    (one,) = found(TOOL, echo(there=False))
    assert one.title.startswith("Echo sweep")
    assert one.techniques == ("T1018",)
    assert not found(TOOL, echo(there=True))


@pytest.mark.parametrize(
    "busy",
    [
        pytest.param(
            [flow(i / 5, ALICE, f"203.0.113.{i % 120}", 443) for i in range(600)],
            id="a browser talks to many addresses, which answer",
        ),
        pytest.param(
            [
                flow(
                    i / 9,
                    ALICE,
                    SHOP,
                    53,
                    transport="udp",
                    source_port=20_000 + i,
                    packets=(1, 1),
                )
                for i in range(500)
            ],
            id="a resolver asks from many ports",
        ),
        pytest.param(
            [flow(i, ALICE, SHOP, 40_000 + i, packets=(5, 9)) for i in range(60)],
            id="FTP carries each file over a port of its own",
        ),
        pytest.param(
            [
                flow(i, ALICE, f"198.51.{i % 9}.{i}", 6881 + i * 7, transport="udp", packets=(1, 0))
                for i in range(200)
            ],
            id="a peer-to-peer client asks many addresses at a port of theirs",
        ),
        pytest.param(
            [
                flow(i / 9, ALICE, SHOP, 33_434 + i, transport="udp", packets=(1, 0))
                for i in range(90)
            ],
            id="traceroute counts through its ports",
        ),
        pytest.param(
            [
                flow(i, ALICE, "239.255.255.250", 1900 + i, transport="udp", packets=(1, 0))
                for i in range(90)
            ],
            id="nobody is meant to answer a multicast",
        ),
        pytest.param(
            [knock(i, 443, refused=False, source=ALICE) for i in range(200)],
            id="a client tries again and again while its server is down",
        ),
    ],
)
def test_busy_but_honest(busy: list[Row]) -> None:
    assert not found(TOOL, busy)


def test_wider_scans_are_graver_and_no_scan_alone_is_critical() -> None:
    few, many = (
        found(TOOL, (knock(p / 1000, p) for p in range(1, n)))[0].severity for n in (30, 3000)
    )
    assert few < 45 <= many < 60


def test_what_is_wholly_context_is_not_found_again() -> None:
    rows = [knock(p / 100, p) for p in range(1, 100)]
    assert not TOOL.detect(frame(rows, fresh=[False] * 99))
