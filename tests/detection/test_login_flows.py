"""Password guessing seen in flows alone."""

from __future__ import annotations

import pytest

from apps.contracts import Kind
from apps.detection.tools.login_flows import TOOL
from tests.detection.made import ALICE, MALLORY, SHOP, Row, flow, found, knock


def session(t: float, port: int = 22, *, seconds: float = 3.0, **more: object) -> Row:
    given = {"packets": (12, 10), "payload": (1300.0 + t % 3, 1500.0)}
    return flow(t, port=port, seconds=seconds, **{**given, **more})  # type: ignore[arg-type]


def test_many_short_sessions_with_one_login_port_are_brute_force() -> None:
    (one,) = found(TOOL, (session(i) for i in range(40)))
    assert one.kind is Kind.BRUTE_FORCE
    assert (one.subject, one.target, one.network) == (MALLORY, SHOP, "flows")
    assert one.title == f"SSH brute force from {MALLORY} against {SHOP}: 40 short connections"
    assert one.parameters["signs"] == ["ssh"]


def test_a_user_who_opens_a_few_sessions_is_left_alone() -> None:
    assert not found(TOOL, (session(i * 10, source=ALICE) for i in range(8)))


def test_long_or_heavy_sessions_are_left_alone() -> None:
    long = [session(i, seconds=900) for i in range(40)]
    heavy = [session(i, payload=(5e5, 2e6), source=ALICE) for i in range(40)]
    assert not found(TOOL, long, heavy)


def test_knocking_at_a_login_port_is_no_guessing() -> None:
    assert not found(TOOL, (knock(i, 22) for i in range(60)))


def test_a_login_service_on_another_port_is_told_by_its_shape() -> None:
    (one,) = found(TOOL, (session(i / 5, port=902) for i in range(60)))
    assert one.title.startswith("Login to port 902 brute force")
    assert one.parameters["signs"] == []


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param([session(i * 2, port=9999, seconds=0.05) for i in range(60)], id="quick"),
        pytest.param([session(i * 2, port=9999, seconds=1) for i in range(60)], id="one by one"),
        pytest.param(
            [session(i / 5, port=9999, payload=(500.0 * (i % 7 + 1), 900.0)) for i in range(60)],
            id="all sizes",
        ),
        pytest.param([session(i / 5, port=443) for i in range(60)], id="a web service"),
    ],
)
def test_programs_that_call_a_service_often_are_left_alone(calls: list[Row]) -> None:
    assert not found(TOOL, calls)
