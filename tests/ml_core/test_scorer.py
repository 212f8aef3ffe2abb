"""Verdicts on whole arrays."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ml_core.errors import DataError
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.kinds.flows.windows import window_index
from ml_core.scorer import CHUNK, Scorer
from ml_core.verdict.explanation import integrated_gradients
from tests.ml_core.made import flow_model, flows, request_model

REQUESTS = ["GET /", "GET /a?b=1' or 1=1--", "POST /login\nuser=a&password=b", "", "x" * 900]


def test_importing_the_package_and_the_scorer_does_not_load_torch() -> None:
    code = "import sys, ml_core, ml_core.scorer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_verdicts_are_probabilities_in_the_order_of_the_rows() -> None:
    verdicts = Scorer(flow_model()).score_flows(columns=FLOW_COLUMNS, **flows(50))
    p = verdicts.probabilities
    assert p.shape == (50, 8)
    assert np.allclose(p.sum(axis=1), 1)
    assert (verdicts.label == p.argmax(axis=1)).all()
    assert np.allclose(verdicts.probability, p.max(axis=1))
    assert np.allclose(verdicts.p_attack, 1 - p[:, 0])
    assert verdicts.label_names == [verdicts.names[i] for i in verdicts.label]


def test_columns_may_come_in_any_order_and_among_others() -> None:
    scorer, given = Scorer(flow_model()), flows(30)
    plain = scorer.score_flows(columns=FLOW_COLUMNS, **given)
    order = np.random.default_rng(0).permutation(len(FLOW_COLUMNS))
    mixed = np.hstack([np.full((30, 1), 7.0), given.pop("features")[:, order]])
    names = ["Fwd Seg Size Min", *(FLOW_COLUMNS[i] for i in order)]
    assert np.array_equal(
        scorer.score_flows(mixed, names, **given).probabilities, plain.probabilities
    )


def test_a_flow_scored_with_its_window_alone_gets_the_verdict_it_gets_in_the_batch() -> None:
    scorer, given = Scorer(flow_model()), flows(CHUNK + 300)
    given["destination"] = given["port"] = None
    together = scorer.score_flows(columns=FLOW_COLUMNS, **given)
    index = window_index(given["group"], given["time"])
    for row in (0, 17, CHUNK, CHUNK + 299):
        window = index[row][index[row] >= 0]
        alone = scorer.score_flows(
            given["features"][window], FLOW_COLUMNS, given["group"][window], given["time"][window]
        )
        assert np.allclose(alone.probabilities[-1], together.probabilities[row], atol=1e-5)
        assert alone.distance[-1] == pytest.approx(together.distance[row], rel=1e-3)


def test_only_the_judged_rows_get_verdicts_and_they_are_the_same() -> None:
    scorer, given = Scorer(flow_model()), flows(60)
    all_of_them = scorer.score_flows(columns=FLOW_COLUMNS, **given)
    some = scorer.score_flows(columns=FLOW_COLUMNS, judged=[41, 3], **given)
    assert np.allclose(some.probabilities, all_of_them.probabilities[[41, 3]], atol=1e-5)
    (why,), (same,) = some.explain([0], top=3), all_of_them.explain([41], top=3)
    assert [r.field for r in why.reasons] == [r.field for r in same.reasons]


def test_a_request_gets_the_same_verdict_in_any_company() -> None:
    scorer = Scorer(request_model())
    together = scorer.score_texts(REQUESTS)
    for i, text in enumerate(REQUESTS):
        alone = scorer.score_texts([text])
        assert np.allclose(alone.probabilities[0], together.probabilities[i], atol=1e-5)


def test_nothing_to_score_gives_no_verdicts() -> None:
    empty = Scorer(flow_model()).score_flows(np.empty((0, len(FLOW_COLUMNS))), FLOW_COLUMNS, [], [])
    assert len(empty) == 0
    assert empty.explain([]) == []
    assert len(Scorer(request_model()).score_texts([])) == 0


def test_flows_with_infinities_and_missing_numbers_still_get_finite_verdicts() -> None:
    given = flows(3)
    given["features"][0] = np.inf
    given["features"][1] = np.nan
    given["features"][2] = -1e300
    verdicts = Scorer(flow_model()).score_flows(columns=FLOW_COLUMNS, **given)
    assert np.isfinite(verdicts.probabilities).all()
    assert np.isfinite(verdicts.distance).all()


def test_what_does_not_fit_is_refused() -> None:
    scorer, given = Scorer(flow_model()), flows(3)
    with pytest.raises(DataError, match="missing flow columns: Flow Duration"):
        scorer.score_flows(given["features"][:, 1:], FLOW_COLUMNS[1:], [0] * 3, [0] * 3)
    with pytest.raises(DataError, match="must each hold 3 values"):
        scorer.score_flows(given["features"], FLOW_COLUMNS, [0] * 3, [0] * 2)
    with pytest.raises(DataError, match="cannot score texts"):
        scorer.score_texts(["GET /"])


def test_threads_may_share_a_scorer() -> None:
    scorer = Scorer(request_model())
    alone = scorer.score_texts(REQUESTS * 20).probabilities
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: scorer.score_texts(REQUESTS * 20), range(8)))
    assert all(np.array_equal(run.probabilities, alone) for run in runs)
    assert all(len(run.explain([1])) == 1 for run in runs)


def test_reasons_carry_the_fields_with_their_values_the_strongest_first() -> None:
    given = flows(30)
    verdicts = Scorer(flow_model()).score_flows(columns=FLOW_COLUMNS, **given)
    row = int(np.argmax(given["time"] * (given["group"] == 1)))
    (why,) = verdicts.explain([row], top=4)
    weights = [abs(reason.weight) for reason in why.reasons]
    assert weights == sorted(weights, reverse=True)
    assert len(weights) == 4
    for reason in why.reasons:
        if reason.field in FLOW_COLUMNS:
            value = given["features"][row, FLOW_COLUMNS.index(reason.field)]
            assert float(reason.value) == pytest.approx(value, rel=1e-4)
    assert len(why.steps) == min((given["group"] == 1).sum(), 10)
    (attack,) = Scorer(request_model()).score_texts(REQUESTS).explain([1], top=9)
    told = {reason.field: reason.value for reason in attack.reasons}
    assert told["url.query[b]"] == "b=1' or 1=1--"
    assert told["url.path"] == "/a"


def test_what_speaks_for_another_class_can_be_asked() -> None:
    verdicts = Scorer(flow_model()).score_flows(columns=FLOW_COLUMNS, **flows(30))
    rows = [4, 4, 9]
    own = verdicts.explain(rows, top=99)
    as_called = verdicts.explain(rows, 99, verdicts.label[rows].tolist())
    assert [why.reasons for why in own] == [why.reasons for why in as_called]
    other = (int(verdicts.label[4]) + 1) % len(verdicts.names)
    of_other, of_own = verdicts.explain([4, 4], 99, [other, int(verdicts.label[4])])
    assert of_own.reasons == own[0].reasons
    assert set(of_other.reasons) != set(of_own.reasons)


def test_shares_add_up_to_what_the_log_odds_changed_from_the_baseline() -> None:
    """Completeness: Sundararajan et al. 2017, proposition 1 (here for class 2 against 0)."""
    net = flow_model().network
    torch.manual_seed(2)
    x, lengths = torch.randn(4, 10, net.arch.inputs) * 0.2, torch.full((4,), 10)
    classes, baseline = torch.full((4,), 2), torch.zeros(net.arch.inputs)
    shares = integrated_gradients(net, x, lengths, classes, baseline)
    with torch.no_grad():
        odds = [net(z, lengths).logits[:, [2, 0]] for z in (x, torch.zeros_like(x))]
    change = (odds[0][:, 0] - odds[0][:, 1]) - (odds[1][:, 0] - odds[1][:, 1])
    assert torch.allclose(shares.sum(dim=(1, 2)), change, atol=2e-3)


def test_the_shares_of_steps_and_of_fields_are_the_same_score_divided_otherwise() -> None:
    given = flows(30)
    verdicts = Scorer(flow_model()).score_flows(columns=FLOW_COLUMNS, **given)
    for why in verdicts.explain(range(30), top=10**6):
        by_field = sum(reason.weight for reason in why.reasons)
        assert why.steps.sum() == pytest.approx(by_field, abs=1e-5)
        assert abs(by_field) > 1e-3
    together = Scorer(request_model()).score_texts(["GET /a?b=1' or 1=1 --", "GET /"])
    long, short = together.explain([0, 1])
    assert (len(long.steps), len(short.steps)) == (5, 1)  # of four bytes each, after the method
    (alone,) = Scorer(request_model()).score_texts(["GET /"]).explain([0])
    assert short.steps == pytest.approx(alone.steps, abs=1e-5)


@pytest.mark.parametrize("workers", [1, 2])
def test_long_batches_tell_how_far_they_are(workers: int) -> None:
    heard: list[int] = []
    Scorer(request_model(), workers).score_texts(["GET /"] * (2 * CHUNK + 1), heard.append)
    assert heard == [CHUNK, 2 * CHUNK, 2 * CHUNK + 1]
