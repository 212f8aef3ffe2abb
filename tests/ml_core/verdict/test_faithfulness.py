"""Whether explanations name what verdicts rest on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml_core.kinds.flows.columns import INPUT_COLUMNS
from ml_core.scorer import Scorer
from ml_core.verdict.explanation import (
    field_shares,
    log_odds,
    masked,
    step_counts,
    step_shares,
)
from ml_core.verdict.faithfulness import faithfulness, step_faithfulness, step_weights
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


def test_shares_are_added_up_by_the_steps_that_the_recurrent_layers_read() -> None:
    shares = torch.arange(18.0).view(1, 9, 2)
    assert step_shares(flow_model().network, shares).tolist() == [[4.0 * t + 1 for t in range(9)]]
    network = request_model().network
    assert step_shares(network, shares).tolist() == [[28.0, 92.0, 33.0]]  # of 4, 4 and 1 bytes
    assert step_counts(network, torch.tensor([1, 4, 5, 9])).tolist() == [1, 1, 2, 3]


def test_a_network_that_reads_one_column_is_explained_by_it() -> None:
    """Column 3 alone reaches the network. Where it speaks for the verdict it is named, and wins
    against any others; where it speaks against it, it is not, and to lose others costs no more."""
    network = flow_model().network
    size = network.arch.inputs
    with torch.no_grad():
        network.stage.norm.weight.zero_()
        network.stage.norm.weight[3] = 20.0
    x, lengths = torch.randn(40, 10, size), torch.full((40,), 10)
    classes = torch.arange(40) % 4 + 1
    fields = torch.arange(size).expand(40, 10, size)
    counts = torch.full((40,), size)
    found = faithfulness(network, x, lengths, classes, torch.zeros(size), fields, counts, draws=4)
    without = x.clone()
    without[:, :, 3] = 0
    with torch.no_grad():
        change = log_odds(network, x, lengths, classes) - log_odds(
            network, without, lengths, classes
        )
    change, least = change.numpy(), float(change.abs().max()) / 10
    speaks_for, against = change > least, change < -least  # and some say nothing
    assert set(found.won[speaks_for]) == {1.0}
    assert np.allclose(found.fell[speaks_for], change[speaks_for], atol=1e-5)
    assert np.allclose(found.fell[against], 0, atol=1e-5)
    assert speaks_for.any()
    assert against.any()


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
    earlier = verdicts.step_faithfulness(range(30), draws=2, earlier=True)
    assert by_step.rows - earlier.rows == sum(
        len(why.steps) == 2 for why in verdicts.explain(range(30))
    )
    found = Scorer(request_model()).score_texts(texts).step_faithfulness([0, 1], draws=2)
    assert np.isnan(found.won[1])


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("told", [1, -1])
def test_steps_win_where_the_verdict_rests_on_them_and_lose_where_it_does_not(
    told: int, earlier: bool
) -> None:
    """Told what each flow alone is worth, or its contrary; the last counts only where it may."""
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
    found = step_faithfulness(
        network, x, lengths, classes, baseline, told * worth * 1e4, top=1, earlier=earlier
    )
    assert found.rows == 40
    assert set(found.won) == {1.0 if told > 0 else 0.0}
    counted = worth[:, : 10 - earlier]
    best = counted.max(1) if told > 0 else counted.min(1)
    assert np.allclose(found.fell, best.values, atol=1e-4)


def test_steps_are_weighed_by_their_shares_or_to_compare_by_attention_or_place() -> None:
    scorer, given = Scorer(flow_model()), flows(30)
    verdicts = scorer.score_flows(columns=scorer.columns, **given)
    rows = [i for i, why in enumerate(verdicts.explain(range(30))) if len(why.steps) >= 4]
    network, (x, lengths) = scorer.model.network, verdicts.inputs.batch(np.asarray(rows))
    classes, baseline = torch.from_numpy(verdicts.label[rows]), scorer.model.baseline
    attention = step_weights(network, x, lengths, classes, baseline, "attention")
    assert torch.allclose(attention.sum(dim=1), torch.ones(len(rows)))
    shares = step_weights(network, x, lengths, classes, baseline, "shares")
    for row, why in zip(shares.tolist(), verdicts.explain(rows), strict=True):
        assert row[: len(why.steps)] == pytest.approx(why.steps.tolist(), abs=1e-6)
    place = step_weights(network, x, lengths, classes, baseline, "place")
    assert place[0].tolist() == list(range(x.shape[1]))
    with pytest.raises(ValueError, match="'weather'"):
        step_weights(network, x, lengths, classes, baseline, "weather")
    by = {
        by: verdicts.step_faithfulness(rows, top=1, by=by).fell
        for by in ("shares", "attention", "place")
    }
    without = x.clone()
    without[torch.arange(len(rows)), lengths - 1] = baseline
    with torch.no_grad():
        last = log_odds(network, x, lengths, classes) - log_odds(network, without, lengths, classes)
    assert np.allclose(by["place"], last.numpy(), atol=1e-5)
    assert by["shares"].sum() > by["attention"].sum()
