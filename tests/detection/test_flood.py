"""Floods, and traffic that is only busy."""

from __future__ import annotations

import pytest

from apps.contracts import Kind
from apps.detection.tools.flood import TOOL
from tests.detection.made import ALICE, MALLORY, SHOP, Row, flow, found, knock, request


def syn(i: int, source: str = MALLORY, port: int = 80) -> Row:
    return knock(i / 50, port, refused=False, source=source, source_port=1024 + i)


def test_half_open_connections_are_a_syn_flood() -> None:
    (one,) = found(TOOL, (syn(i) for i in range(400)))
    assert one.kind is Kind.FLOOD
    assert (one.subject, one.target) == (MALLORY, SHOP)
    assert one.parameters["signs"] == ["syn_flood"]
    assert one.severity >= 60


def test_a_syn_flood_from_made_up_sources_names_none_of_them() -> None:
    (one,) = found(TOOL, (syn(i, f"203.0.{i % 200}.{i % 250}") for i in range(2000)))
    assert one.subject == ""
    assert one.parameters["signs"] == ["syn_flood", "distributed"]
    assert len(one.records) == 2000


def test_clients_whose_connections_the_flood_kept_out_are_not_named() -> None:
    kept_out = [syn(i * 40, f"192.0.2.{i}") for i in range(8)]
    (one,) = found(TOOL, (syn(i) for i in range(400)), kept_out)
    assert one.subject == MALLORY
    assert len(one.records) == 400


def test_a_scan_is_no_flood() -> None:
    assert not found(TOOL, (syn(i, port=i + 1) for i in range(400)))


def test_a_busy_service_that_loses_some_connections_is_left_alone() -> None:
    served = [flow(i / 50, f"192.0.2.{i % 200}") for i in range(400)]
    assert not found(TOOL, served, (syn(i, ALICE) for i in range(110)))


def test_the_same_page_asked_for_hundreds_of_times_is_an_http_flood() -> None:
    (one,) = found(TOOL, (request(i / 100, f"/search?q={i}") for i in range(2000)))
    assert one.parameters["signs"] == ["http_flood"]
    assert one.subject == MALLORY
    assert one.host == "shop"


def test_connections_to_a_web_service_by_the_hundred_are_an_http_flood() -> None:
    (one,) = found(TOOL, (flow(i / 60, port=443) for i in range(600)))
    assert one.parameters["signs"] == ["http_flood"]
    assert one.network == "flows"


def test_connections_held_open_are_slow_http() -> None:
    held = [
        flow(i / 10, seconds=60, packets=(8, 4), payload=(300, 0), source_port=30_000 + i)
        for i in range(50)
    ]
    (one,) = found(TOOL, held)
    assert one.parameters["signs"] == ["slow_http"]


def test_requests_never_finished_are_slow_http() -> None:
    (one,) = found(TOOL, (request(i, "-", 408) for i in range(30)))
    assert one.parameters["signs"] == ["slow_http"]


def test_datagrams_that_nobody_answers_are_a_flood() -> None:
    stream = flow(transport="udp", port=9, seconds=10, packets=(50_000, 0), payload=(5e6, 0))
    (one,) = found(TOOL, [stream])
    assert one.parameters["per_second"] == 5000


@pytest.mark.parametrize(
    "busy",
    [
        pytest.param(
            [request(i / 40, f"/static/{i % 90}.png", source=ALICE) for i in range(180)],
            id="a page with many pictures",
        ),
        pytest.param(
            [request(i / 50, f"/articles/{i}", source=ALICE) for i in range(1000)],
            id="a crawler that reads everything once",
        ),
        pytest.param(
            [flow(i, ALICE, seconds=100, packets=(30, 30), payload=(900, 9000)) for i in range(40)],
            id="web sockets, which are answered",
        ),
        pytest.param(
            [flow(i * 9, ALICE, seconds=60, payload=(300, 0)) for i in range(10)],
            id="a few slow uploads",
        ),
        pytest.param(
            [
                flow(
                    source=ALICE,
                    transport="udp",
                    port=443,
                    seconds=10,
                    packets=(50_000, 4_000),
                    payload=(5e7, 1e5),
                )
            ],
            id="an upload over QUIC, which is answered",
        ),
    ],
)
def test_busy_but_honest(busy: list[Row]) -> None:
    assert not found(TOOL, busy)


def test_faster_floods_are_graver() -> None:
    slow, fast = (
        found(TOOL, (request(i / rate, "/") for i in range(10 * rate)))[0].severity
        for rate in (40, 400)
    )
    assert slow < fast


def test_an_error_log_beside_the_access_log_makes_no_flood_of_half_the_requests() -> None:
    echoed = [
        {**request(i * 0.05, "/"), "event.dataset": name}
        for i in range(160)
        for name in ("nginx.access", "nginx.error")
    ]
    assert not found(TOOL, echoed)
    assert found(TOOL, [request(i * 0.025, "/") for i in range(320)])
