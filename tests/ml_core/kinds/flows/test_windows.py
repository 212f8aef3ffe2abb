"""Windows of the same source in time order, and what they have in common."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.errors import DataError
from ml_core.kinds.flows.windows import choose_columns, context, window_index


def test_a_window_holds_the_last_flows_of_the_same_source_oldest_first() -> None:
    #        row 0  1  2  3  4  5
    group = [7, 9, 7, 7, 9, 7]
    time = [30, 5, 10, 20, 1, 40]
    index = window_index(group, time, steps=3)
    assert index.tolist() == [
        [2, 3, 0],
        [4, 1, -1],
        [2, -1, -1],
        [2, 3, -1],
        [4, -1, -1],
        [3, 0, 5],
    ]


def test_flows_of_the_same_moment_keep_their_order() -> None:
    assert window_index([1, 1, 1], [5, 5, 5], steps=2).tolist() == [[0, -1], [0, 1], [1, 2]]


def test_no_flows_make_no_windows() -> None:
    assert window_index([], [], steps=4).shape == (0, 4)
    assert context([], [], [], []).shape == (0, 4)


def test_windows_agree_with_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    group, time = rng.integers(0, 9, 400), rng.integers(0, 60, 400)
    index = window_index(group, time, steps=5)
    for row in range(400):
        before = [i for i in range(400) if group[i] == group[row]]
        before.sort(key=lambda i: (time[i], i))
        expected = before[: before.index(row) + 1][-5:]
        assert [i for i in index[row] if i >= 0] == expected


def test_a_scanner_a_guesser_and_a_distributed_flood_differ_in_context() -> None:
    n = 12
    time = np.arange(n)
    one, ports, other_ports = np.zeros(n), np.full(n, 22), np.arange(n)
    scan = context(one, time, one, other_ports)[-1]
    guess = context(one, time, one, ports)[-1]
    sweep = context(one, time, time, ports)[-1]
    distributed = context(time, time, one, ports)[-1]
    assert scan.tolist() == [1, 1, 0, 0]
    assert guess.tolist() == [1, 0, 0, 0]
    assert sweep.tolist() == [1, 0, 1, 0]
    assert distributed.tolist() == [1, 0, 0, 1]


def test_context_that_is_not_known_is_blank() -> None:
    assert not context([1, 1], [0, 1], None, [80, 81]).any()


def test_columns_are_found_by_name_in_any_order_and_missed_by_name() -> None:
    row = np.array([[1.0, 2.0, 3.0]])
    assert choose_columns(row, ["a", "b", "c"], ["c", "a"]).tolist() == [[3.0, 1.0]]
    with pytest.raises(DataError, match="missing flow columns: d, e, f and 1 more"):
        choose_columns(row, ["a", "b", "c"], ["a", "d", "e", "f", "g"])
    with pytest.raises(DataError, match="do not fit 2 column names"):
        choose_columns(row, ["a", "b"], ["a"])
