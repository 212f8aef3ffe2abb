"""Screening points out; it accuses nobody."""

from __future__ import annotations

from apps.contracts import Kind
from apps.detection.tools.flow_screening import TOOL
from tests.detection.made import ALICE, MALLORY, SHOP, Row, flow, found


def usual(n: int = 300) -> list[Row]:
    return [
        flow(
            i * 1.7,
            f"192.0.2.{i % 40}",
            seconds=0.05 + i % 7 / 50,
            packets=(5 + i % 4, 5 + i % 5),
            payload=(300.0 + i % 90, 1500.0 + i % 900),
        )
        for i in range(n)
    ]


def test_usual_traffic_is_quiet() -> None:
    assert not found(TOOL, usual())


def test_flows_unlike_the_others_to_their_service_are_a_hint() -> None:
    strange = [
        flow(i * 30, seconds=90, packets=(4000, 3000), payload=(9e6, 2e5)) for i in range(12)
    ]
    (one,) = found(TOOL, usual(), strange)
    assert (one.kind, one.subject, one.network) == (Kind.ANOMALY, MALLORY, "flows")
    assert one.severity <= 30
    assert len(one.records) == 12


def test_a_busy_client_with_a_few_large_transfers_is_left_alone() -> None:
    large = [
        flow(i * 30, ALICE, seconds=90, packets=(4000, 3000), payload=(9e6, 2e5)) for i in range(12)
    ]
    small = [{**row, "source.ip": ALICE, "t": i * i / 9} for i, row in enumerate(usual(60))]
    assert not found(TOOL, usual(), large, small)


def test_a_flood_of_knocks_does_not_make_the_usual_look_strange() -> None:
    knocks = [
        flow(i / 50, packets=(1, 0), payload=(0, 0), seconds=0, source_port=i) for i in range(2000)
    ]
    assert not found(TOOL, usual(), knocks)


def test_more_than_a_lookup_or_an_echo_carries_is_a_hint() -> None:
    tunnel = flow(transport="udp", port=53, packets=(220, 210), payload=(17_000, 35_000))
    ping = flow(target=ALICE, transport="icmp", packets=(400, 400), payload=(60_000, 60_000))
    assert {one.parameters["signs"][0] for one in found(TOOL, [tunnel], [ping])} == {
        "beyond_protocol"
    }
    lookup = flow(transport="udp", port=53, packets=(1, 1), payload=(40, 120))
    assert not found(TOOL, [lookup])


def test_calls_like_clockwork_to_a_public_address_are_a_hint() -> None:
    def calls(uneven: float, target: str) -> list[Row]:
        gaps = [10 + uneven * (i * i * 7 % 17) for i in range(60)]
        return [flow(sum(gaps[:i]), ALICE, target, 443) for i in range(60)]

    (one,) = found(TOOL, calls(0.05, SHOP))
    assert one.parameters["signs"] == ["like_clockwork"]
    assert 9 < one.parameters["median_interval"] < 11
    assert not found(TOOL, calls(9.0, SHOP)), "people are not punctual"
    assert not found(TOOL, calls(0.05, "10.0.0.9")), "what stays inside is monitoring"
