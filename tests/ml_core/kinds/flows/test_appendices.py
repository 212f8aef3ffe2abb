"""Appendices of the original CICFlowMeter go to their own connections, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_core.commands.judging import judge_flows
from ml_core.kinds.flows.appendices import LATEST, LEAST, connections
from ml_core.readers.flows import FlowTable
from ml_core.scorer import Scorer
from tests.ml_core.kinds.flows.made import F32, features, sizes, table
from tests.ml_core.made import flow_model


def whole(count: int, sent: int = 20, got: int = 964) -> F32:
    """Equal connections as the original meter tells them: no flags."""
    return features(
        count,
        Flow_Duration=1_000.0,
        Total_Fwd_Packet=3,
        Total_Bwd_packets=4,
        Total_Length_of_Fwd_Packet=sent,
        Total_Length_of_Bwd_Packet=got,
        FWD_Init_Win_Bytes=8_192,
    )


def cut_off(count: int, window: int = 2_049) -> F32:
    """Their equal appendices."""
    return features(
        count,
        Flow_Duration=500.0,
        Total_Fwd_Packet=2,
        Total_Bwd_packets=0,
        Total_Length_of_Fwd_Packet=0,
        Total_Length_of_Bwd_Packet=0,
        FWD_Init_Win_Bytes=window,
    )


def addressed(flows: F32, ends: list[tuple[int, int, int, int]], time: list[int]) -> FlowTable:
    """Flows from host and port to host and port, beginning at `time` in microseconds."""
    host, port, to, at = np.array(ends, dtype=np.int32).T
    when = np.array(time, dtype=np.int64)
    made = table(flows)
    return replace(made, group=host, source_port=port, destination=to, port=at, time=when)


def unaddressed(*parts: F32) -> FlowTable:
    flows = np.concatenate(parts)
    rows = np.arange(len(flows), dtype=np.int32)
    return replace(table(flows), group=rows, destination=np.full(len(rows), -1, dtype=np.int32))


def many(count: int) -> F32:
    """Flows of which hardly two are equal."""
    return sizes(count, seed=3, FWD_Init_Win_Bytes=np.arange(count))


def test_an_appendix_is_of_the_last_connection_between_the_same_ends() -> None:
    there, back = (1, 40_000, 2, 80), (2, 80, 1, 40_000)
    flows = np.concatenate([whole(2), cut_off(2), whole(1)])
    ends = [there, there, there, back, (1, 40_001, 2, 80)]
    found = connections(
        addressed(flows, ends, [0, 10_000, 10_000, 30_000, 15_000])
    )  # clocks are coarse
    assert found.tolist() == [0, 1, 1, 1, 4]


@pytest.mark.parametrize(
    ("end", "time"),
    [
        ((1, 40_001, 2, 80), 20_000),  # another port
        ((3, 40_000, 2, 80), 20_000),  # another host
        ((1, 40_000, 2, 80), 1_001 + LATEST),  # too late
        ((1, 40_000, 2, 80), -1),  # before it
    ],
)
def test_what_no_connection_came_before_is_judged_by_itself(
    end: tuple[int, int, int, int], time: int
) -> None:
    flows = np.concatenate([whole(1), cut_off(1)])
    found = connections(addressed(flows, [(1, 40_000, 2, 80), end], [0, time]))
    assert found.tolist() == [0, 1]


def test_flows_of_meters_that_cut_nothing_off_stay_whole() -> None:
    flows = np.concatenate([whole(1), cut_off(1)])
    made = addressed(flows, [(1, 40_000, 2, 80)] * 2, [0, 2_000])
    assert connections(made).tolist() == [0, 0]
    assert connections(replace(made, cut=np.zeros(2, dtype=np.bool_))).tolist() == [0, 1]


def test_what_a_flood_sends_between_the_same_ends_is_no_appendix() -> None:
    there = (1, 40_000, 2, 80)
    flood = cut_off(50)
    flood[:, features(1, Total_Fwd_Packet=1)[0] == 1] = 5
    made = addressed(np.concatenate([whole(1), flood]), [there] * 51, list(range(0, 51_000, 1_000)))
    assert (connections(made) == np.arange(51)).all()
    small = replace(made, features=np.concatenate([whole(1), cut_off(50)]))
    assert np.flatnonzero(connections(small) == 0).tolist() == [0, 1, 2]  # a connection has two
    datagrams = replace(small, protocol=np.full(51, 17, dtype=np.int8))
    assert (connections(datagrams) == np.arange(51)).all()


def test_ports_that_are_none_do_not_spill_into_hosts() -> None:
    flows = np.concatenate([whole(1), cut_off(1)])
    made = addressed(flows, [(2, 65_541, 9, 80), (3, 5, 9, 80)], [0, 2_000])
    assert connections(made).tolist() == [0, 1]


def test_without_addresses_as_many_equal_appendices_are_of_as_many_equal_connections() -> None:
    found = connections(unaddressed(many(2_000), whole(500), cut_off(480), cut_off(90, 279)))
    assert found[:2_500].tolist() == list(range(2_500))
    assert found[2_500:2_980].tolist() == list(range(2_000, 2_480))  # each another one
    assert found[2_980:].tolist() == list(range(2_980, 3_070))  # too few to say anything


def test_connections_that_send_as_they_like_are_known_by_their_answers() -> None:
    asked = whole(500)
    asked[:, features(1, Total_Length_of_Fwd_Packet=1)[0] == 1] = np.arange(200, 700)[:, None]
    found = connections(unaddressed(many(2_000), asked, cut_off(480)))
    assert found[2_500:].tolist() == list(range(2_000, 2_480))


@pytest.mark.parametrize(
    "others",
    [
        [whole(500), whole(490, got=17)],  # two kinds are as many: which one?
        [whole(250)],  # not as many
        [whole(600)],
        [],
    ],
)
def test_a_number_that_tells_nothing_is_not_believed(others: list[F32]) -> None:
    flows = unaddressed(many(2_000), *others, cut_off(480))
    assert (connections(flows) == np.arange(len(flows))).all()


@pytest.mark.parametrize("window", [1_024, 8_192, 29_200, 65_535])
def test_probes_with_a_first_window_are_no_appendices(window: int) -> None:
    flows = unaddressed(many(2_000), whole(500), cut_off(480, window))
    assert (connections(flows) == np.arange(2_980)).all()


def test_what_was_answered_is_no_appendix_by_number() -> None:
    probes = cut_off(480)
    probes[:, features(1, Total_Bwd_packets=1)[0] == 1] = 1
    assert (connections(unaddressed(many(2_000), whole(500), probes)) == np.arange(2_980)).all()


def test_equal_connections_to_another_port_are_not_theirs() -> None:
    flows = unaddressed(many(2_000), whole(500), cut_off(480))
    port = np.where(np.arange(2_980) < 2_500, 443, 80).astype(np.int32)
    assert (connections(replace(flows, port=port)) == np.arange(2_980)).all()


def test_two_kinds_of_appendices_do_not_share_connections() -> None:
    flows = unaddressed(many(2_000), whole(500), cut_off(480), cut_off(490, 279))
    assert (connections(flows) == np.arange(len(flows))).all()


def test_two_kinds_of_connections_that_are_as_many_leave_it_open_whatever_others_are() -> None:
    varied = whole(500, got=17)
    varied[:, features(1, Total_Length_of_Fwd_Packet=1)[0] == 1] = np.arange(200, 700)[:, None]
    flows = unaddressed(many(2_000), whole(500), whole(490, sent=21), varied, cut_off(480))
    assert (connections(flows) == np.arange(len(flows))).all()


def test_in_a_large_file_few_appendices_say_nothing() -> None:
    flows = unaddressed(many(60 * LEAST), whole(LEAST), cut_off(LEAST))
    assert (connections(flows) == np.arange(len(flows))).all()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), hosts=st.integers(1, 4), told=st.booleans())
def test_only_empty_flows_move_and_only_to_flows_with_payload(
    seed: int, hosts: int, told: bool
) -> None:
    rng = np.random.default_rng(seed)
    count = 2_000
    kinds = np.concatenate([whole(2), whole(1, got=0), cut_off(2), cut_off(1, 9), many(2)])
    row, column = rng.integers(kinds.shape)
    kinds[row, column] = rng.choice([np.nan, np.inf, 0])
    flows = kinds[rng.choice(len(kinds), count, p=rng.dirichlet(np.ones(len(kinds))))]
    ends = rng.integers(0, hosts, (count, 4)) if told else np.full((count, 4), -1)
    made = addressed(flows, ends.tolist(), rng.integers(0, 10**9, count).tolist())
    found = connections(made)
    payload = np.nan_to_num(flows[:, 3] + flows[:, 4])
    moved = found != np.arange(count)
    assert (payload[moved] == 0).all()
    assert (payload[found[moved]] > 0).all()
    assert (found[found] == found).all()


@pytest.mark.parametrize("attack", [True, False])
def test_score_judges_an_appendix_as_its_connection_where_that_is_an_attack(attack: bool) -> None:
    there, model = (1, 40_000, 2, 80), flow_model()
    with torch.no_grad():  # it calls every flow the same, though not as surely
        model.network.head.bias[int(attack)] += 9.0
    flows = np.concatenate([whole(1), cut_off(1), cut_off(1)])
    made = addressed(flows, [there, there, (1, 40_002, 2, 80)], [0, 2_000, 3_000])
    said = judge_flows(Scorer(model), made, lambda _: None)
    itself = judge_flows(Scorer(model), made, lambda _: None, appendices=False)
    assert (said.label == attack).all()
    for name in ("label", "probability", "p_attack", "unsure", "probabilities"):
        column, alone = getattr(said, name), getattr(itself, name)
        assert np.array_equal(column[[0, 2]], alone[[0, 2]])
        assert np.array_equal(column[1], column[0] if attack else alone[1])
    assert itself.p_attack[1] != itself.p_attack[0]
