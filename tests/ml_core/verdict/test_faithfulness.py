"""Whether explanations name what verdicts rest on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml_core.kinds.flows.columns import INPUT_COLUMNS
from ml_core.scorer import Scorer
from ml_core.verdict.explanation import field_shares, log_odds, masked
from ml_core.verdict.faithfulness import faithfulness, step_faithfulness
from tests.ml_core.made import flow_model, flows, request_model


def test_shares_are_added_up_by_field() -> None:
    shares = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])
    columns = torch.arange(2).expand(1, 3, 2)
    assert field_shares(shares, columns, 2).tolist() == [[9.0, 12.0]]
    spans = torch.tensor([[[1], [0], [2]]])  # the last step is no field's
    assert field_shares(shares, spans, 2).tolist() == [[7.0, 3.0]]


def test_masking_sets_the_chosen_fields_of_real_steps_to_the_baseline() -> None:
    x, baseline = torch.ones(1, 3, 2), torch.tensor([7.0, 8.0])
    columns = torch.arange(2).expand(1, 3, 2)
    chosen = torch.tensor([[False, True]])
    out = masked(x, torch.tensor([2]), baseline, columns, chosen)
    assert out.tolist() == [[[1, 8], [1, 8], [1, 1]]]
    spans = torch.tensor([[[1], [0], [2]]])
    out = masked(x, torch.tensor([3]), torch.zeros(()), spans, chosen)
    assert out.tolist() == [[[0, 0], [1, 1], [1, 1]]]


def test_a_network_that_reads_few_columns_is_explained_by_them() -> None:
    """Columns 3 and 4 alone reach the network: they are shown, and win against any others."""
    network = flow_model().network
    size = network.arch.inputs
    with torch.no_grad():
        network.stage.norm.weight.zero_()
        network.stage.norm.weight[3:5] = 2.0
    x, lengths = torch.randn(40, 10, size), torch.full((40,), 10)
    classes = torch.full((40,), 2)
    fields = torch.arange(size).expand(40, 10, size)
    counts = torch.full((40,), size)
    found = faithfulness(network, x, lengths, classes, torch.zeros(size), fields, counts, draws=4)
    assert set(found.won[found.fell > 0]) == {1.0}
    assert set(found.won[found.fell < 0]) == {0.0}
    without = x.clone()
    without[:, :, 3:5] = 0
    with torch.no_grad():
        change = log_odds(network, x, lengths, classes) - log_odds(
            network, without, lengths, classes
        )
    assert np.allclose(found.fell, change.numpy(), atol=1e-4)


def test_verdicts_of_every_kind_can_be_put_to_the_test() -> None:
    scorer, given = Scorer(flow_model()), flows(30)
    verdicts = scorer.score_flows(columns=scorer.columns, **given)
    assert verdicts.faithfulness(range(30), draws=2).rows == 30
    texts = ["GET /a?b=1&c=2&d=3", "", "GET /"]
    found = Scorer(request_model()).score_texts(texts).faithfulness([0, 1], draws=2)
    assert np.isnan(found.won[1])  # nothing in it to compare
    assert found.rows == 1
    assert verdicts.faithfulness([]).rows == 0
    by_step = verdicts.step_faithfulness(range(30), draws=2)
    assert 0 < by_step.rows < 30
    assert np.isnan(by_step.won[0])  # a flow alone
    found = Scorer(request_model()).score_texts(texts).step_faithfulness([0, 1], draws=2)
    assert np.isnan(found.won[1])


@pytest.mark.parametrize("told", [1, -1])
def test_steps_win_where_the_verdict_rests_on_them_and_lose_where_it_does_not(told: int) -> None:
    """Attention that is what each flow alone is worth, or its contrary."""
    network, size = flow_model().network, len(INPUT_COLUMNS)
    x, lengths = torch.randn(40, 10, size) * 3, torch.full((40,), 10)
    classes, baseline = torch.full((40,), 2), torch.zeros(size)
    with torch.no_grad():
        full = log_odds(network, x, lengths, classes)
        worth = torch.empty(40, 10)
        for step in range(10):
            without = x.clone()
            without[:, step] = 0
            worth[:, step] = full - log_odds(network, without, lengths, classes)
    found = step_faithfulness(network, x, lengths, classes, baseline, told * worth, top=1)
    assert found.rows == 40
    assert set(found.won) == {1.0 if told > 0 else 0.0}
    assert np.allclose(found.fell, (worth.max(1) if told > 0 else worth.min(1)).values, atol=1e-4)
