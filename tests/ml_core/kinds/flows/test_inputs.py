"""What the flow network reads of a flow."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.kinds.flows.columns import (
    CONTEXT_COLUMNS,
    FINE_COLUMNS,
    FLOW_COLUMNS,
    INPUT_COLUMNS,
    NUMBERS,
    SERVICE_COLUMNS,
)
from ml_core.kinds.flows.inputs import network_inputs, numbers
from ml_core.kinds.flows.site import Site
from tests.ml_core.kinds.flows.made import features, sizes


def told(flows: np.ndarray, **about: object) -> dict[str, np.ndarray]:
    rows = np.arange(len(flows))
    numeric, context = network_inputs(flows, INPUT_COLUMNS, rows, rows, **about)  # type: ignore[arg-type]
    return dict(zip(INPUT_COLUMNS, np.hstack([numeric, context]).T, strict=True))


def test_numbers_are_per_packet_per_second_and_balanced() -> None:
    flows = features(
        1,
        Flow_Duration=2e6,
        Total_Fwd_Packet=4,
        Total_Bwd_packets=1,
        Total_Length_of_Fwd_Packet=100,
        Total_Length_of_Bwd_Packet=0,
    )
    found = dict(zip(NUMBERS, numbers(flows)[0], strict=True))
    assert found["Duration"] == 2_000
    assert found["Fwd Bytes per Packet"] == 25
    assert found["Packets per Second"] == 2.5
    assert found["Packet Balance"] == pytest.approx(-0.5)
    assert found["Payload Fwd Only"] == 1
    assert found["No Reply"] == found["No Payload"] == 0
    assert np.isnan(found["Fwd Largest"])
    assert np.isnan(found["SYN"])


def test_a_flow_of_no_duration_has_a_finite_rate() -> None:
    found = numbers(sizes(3, Flow_Duration=0))
    assert np.isfinite(found[:, NUMBERS.index("Packets per Second")]).all()


def test_what_is_told_of_lengths_gaps_and_flags_is_told() -> None:
    flows = sizes(2)
    flows[1, FLOW_COLUMNS.index("SYN Flag Count")] = 2
    found = told(flows)
    assert found["Flags Told"].tolist() == pytest.approx([0, 0.2])
    assert found["SYN"][1] == 1
    assert (found["Lengths Told"] == 0).all()


def test_a_port_is_the_service_it_stands_for_and_no_other() -> None:
    found = told(sizes(5), port=np.array([22, 8080, 700, 50_000, -1]))
    said = np.column_stack([found[name] for name in SERVICE_COLUMNS])
    names = [SERVICE_COLUMNS[i] for i in said[:4].argmax(axis=1)]
    assert names == ["Service ssh", "Service web", "Service low port", "Service high port"]
    assert said.sum(axis=1).tolist() == [1, 1, 1, 1, 0]


def test_what_is_not_told_is_zero_and_never_a_number_out_of_nowhere() -> None:
    rows, unsized = np.arange(4), sizes(4, Total_Length_of_Fwd_Packet=np.nan)
    _, context = network_inputs(unsized, INPUT_COLUMNS, rows, rows)
    known = [name for name, column in zip(CONTEXT_COLUMNS, context.T, strict=True) if column.any()]
    assert known == []


def test_sizes_a_byte_or_two_apart_are_told_apart_and_equal_ones_are_equal() -> None:
    found = told(sizes(4, Total_Length_of_Fwd_Packet=np.array([20, 21, 20, 0])))
    fine = np.column_stack([found[name] for name in FINE_COLUMNS])
    assert np.array_equal(fine[0], fine[2])
    assert np.linalg.norm(fine[0] - fine[1]) > 1.5
    assert fine[3].tolist() == [0.0, 1.0] * (len(FINE_COLUMNS) // 2)
    assert np.allclose(fine[:, ::2] ** 2 + fine[:, 1::2] ** 2, 1.0, atol=1e-5)


def test_hosts_of_a_table_in_which_some_are_not_told_keep_their_context() -> None:
    found = told(
        sizes(6),
        destination=np.array([1, 1, 1, 1, -1, -1]),
        port=np.array([80, 81, 82, 83, 84, 85]),
    )
    assert found["Context Known"].tolist() == [1, 1, 1, 1, 0, 0]
    assert found["Other Source Share"].tolist() == pytest.approx([0, 1, 1, 1, 0, 0])


def test_the_same_flow_is_commoner_where_it_repeats_itself() -> None:
    once, often = sizes(500), sizes(500, Total_Length_of_Fwd_Packet=20)
    row = often[:1]
    seen = []
    for site in (Site.of(np.vstack([once, row])), Site.of(np.vstack([often, row]))):
        assert site is not None
        seen.append(dict(zip(("known", "flows", "requests"), site.columns(row)[0], strict=True)))
    assert seen[0]["known"] == seen[1]["known"] == 1
    assert seen[0]["requests"] < seen[1]["requests"] == pytest.approx(2, abs=0.01)
    assert seen[0]["flows"] == pytest.approx(seen[1]["flows"], abs=0.3)


def test_a_handful_of_flows_is_no_site() -> None:
    assert Site.of(sizes(20)) is None


def test_a_site_does_not_depend_on_the_order_of_its_flows() -> None:
    flows = sizes(1_000, Total_Bwd_packets=1)
    first, second = Site.of(flows), Site.of(flows[::-1])
    assert first is not None
    assert second is not None
    assert np.array_equal(first.columns(flows[:50]), second.columns(flows[:50]))
