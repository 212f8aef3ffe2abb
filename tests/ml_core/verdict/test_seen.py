"""What a network makes of its inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml_core.kinds.flows.columns import FINE_COLUMNS
from ml_core.network.sequences import TextSet
from ml_core.scorer import Scorer
from ml_core.verdict.seen import look, look_at_all, summary
from tests.ml_core.made import flow_model, flows, request_model


def test_the_summary_is_of_the_real_steps() -> None:
    steps = torch.tensor([[[1.0], [3.0], [99.0]], [[2.0], [4.0], [6.0]]])
    found = summary(steps, torch.tensor([2, 3]))
    assert found[:, 0].tolist() == [3, 6]  # last
    assert found[:, 1].tolist() == [2, 4]  # mean
    assert found[:, 2].tolist() == pytest.approx([1, (8 / 3) ** 0.5])  # deviation


def test_a_data_set_is_looked_at_in_its_own_order() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 30, 50)
    text = rng.integers(1, 200, (50, 30)) * (np.arange(30) < lengths[:, None])
    data = TextSet.of(text.astype(np.uint8), lengths, np.zeros(50, dtype=np.int64))
    network = request_model().network
    whole = look_at_all(network, data, size=8)
    for row in (0, 7, 49):
        one = torch.from_numpy(text[row : row + 1, : lengths[row]])
        alone = look(network, one, torch.tensor([int(lengths[row])]))
        for a, b in zip(whole, alone, strict=True):
            assert np.allclose(a[row], b[0], atol=1e-5)


def test_flows_are_measured_by_the_columns_of_the_judged_flow() -> None:
    scorer, given = Scorer(flow_model()), flows(40)
    verdicts = scorer.score_flows(columns=scorer.columns, judged=[30, 2], **given)
    values, rows = verdicts.inputs.measures()
    assert values.shape == (2, len(scorer.model.columns))
    assert rows.tolist() == [0, 1]
    (names,) = verdicts.inputs.fields(np.array([0])).names
    told = dict(names)
    expected = given["features"][30][scorer.columns.index("Total Fwd Packet")]
    assert float(told["Fwd Packets"]) == pytest.approx(expected, rel=1e-4)
    assert not set(FINE_COLUMNS) & told.keys()  # of the field of the number that they tell finely


def test_drift_is_told_of_enough_rows() -> None:
    scorer = Scorer(flow_model())
    assert scorer.score_flows(columns=scorer.columns, **flows(20)).drift() is None
    drift = scorer.score_flows(columns=scorer.columns, **flows(300)).drift()
    assert drift is not None
    assert (drift.rows, len(drift.columns)) == (300, len(scorer.model.columns))
    texts = Scorer(request_model()).score_texts([f"GET /{i}?a={'é' * i}" for i in range(150)])
    assert {column.name for column in texts.drift().columns} >= {"length", "beyond ASCII"}
