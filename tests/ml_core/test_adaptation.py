"""A model made to fit a site: more is right there, and no more is called an attack."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml_core.adaptation import CENTRES, Correction, _within, corrected, correction, worth
from ml_core.errors import DataError
from ml_core.kinds import UNTOLD, text_kind
from ml_core.verdict.inputs import TextInputs
from ml_core.verdict.seen import Seen, look_at_inputs
from tests.ml_core.made import request_model

Ints = np.ndarray
AT = np.array([[0, 0, 0, 0], [4, 0, 0, 0], [0, 4, 0, 0]])  # where the classes are at home
NONE = Correction(np.zeros((2, 1)), np.zeros(2))
HEAD = np.array([[-1.0, -1, 0, 0], [1, -1, 0, 0], [-1, 1, 0, 0]])


def site(count: int, seed: int, moved: float = 0.0) -> tuple[Seen, Ints]:
    """What a network sees of three classes, mostly the harmless one; `moved`: at this site the
    first attack is elsewhere, and harmless rows stand where attacks are elsewhere."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, count, p=[0.8, 0.1, 0.1])
    hidden = AT[y] + rng.normal(scale=0.4, size=(count, 4))
    hidden[y == 1] += np.array([-moved, 0, moved, 0])
    hidden[(y == 0) & (rng.random(count) < 0.2)] += np.array([moved, 0, 0, moved])
    logits = hidden @ HEAD.T + np.array([3.0, 0, 0])
    inputs = hidden[:, :3]
    parts = (logits, hidden, inputs, np.zeros(count))
    return Seen(*(part.astype(np.float32) for part in parts)), y


def few(seen: Seen, y: Ints, each: int) -> tuple[Seen, Ints]:
    rows = np.concatenate([np.flatnonzero(y == c)[:each] for c in np.unique(y)])
    return seen.take(rows), y[rows]


def called(logits: np.ndarray) -> np.ndarray:
    return np.asarray(logits.argmax(axis=1) > 0)


def test_a_few_labelled_rows_set_right_what_is_wrong_at_the_site_without_more_alarms() -> None:
    (told, y), (others, _), (later, truth) = (
        few(*site(2000, 1, moved=2.5), 40), site(2000, 2, moved=2.5), site(2000, 3, moved=2.5),
    )  # fmt: skip
    fitted = correction(told, y, others, 1.0)
    before, after = later.logits.argmax(axis=1), fitted.logits(later).argmax(axis=1)
    assert (before == truth).mean() < 0.8
    assert (after == truth).mean() > 0.9
    assert called(fitted.logits(others)).mean() <= called(others.logits).mean()
    assert (after[truth == 0] > 0).mean() < (before[truth == 0] > 0).mean() / 2


def test_where_the_model_is_right_hardly_anything_moves() -> None:
    (told, y), (others, truth) = few(*site(2000, 1), 40), site(2000, 2)
    assert (others.logits.argmax(axis=1) == truth).mean() > 0.99
    after = correction(told, y, others, 1.0).logits(others).argmax(axis=1)
    assert (after == others.logits.argmax(axis=1)).mean() > 0.99


def test_harmless_rows_alone_end_the_false_alarms_that_are_like_them() -> None:
    (seen, y), (others, truth) = site(2000, 1, moved=2.5), site(2000, 2, moved=2.5)
    told = seen.take(np.flatnonzero((y == 0) & called(seen.logits))[:40])
    fitted = correction(told, np.zeros(40, dtype=np.int64), others, 1.0)
    before, after = called(others.logits), called(fitted.logits(others))
    assert before[truth == 0].mean() > 0.1
    assert after[truth == 0].mean() < before[truth == 0].mean() / 3
    assert after[truth == 2].mean() > 0.9


def test_attacks_of_a_kind_not_told_count_as_attacks() -> None:
    (seen, y), (others, truth) = site(2000, 1, moved=2.5), site(2000, 2, moved=2.5)
    told, classes = few(seen, y, 40)
    fitted = correction(told, np.where(classes > 0, UNTOLD, 0), others, 1.0)
    assert called(others.logits)[truth == 1].mean() < 0.6
    assert called(fitted.logits(others))[truth == 1].mean() > 0.9


@pytest.mark.parametrize("alarms", [0.0, 0.05])
def test_no_larger_share_is_called_an_attack_than_allowed_though_many_rows_are_equal(
    alarms: float,
) -> None:
    told, y = few(*site(2000, 1), 5)
    for seed in range(2, 12):
        equal = site(20, seed)[0].take(np.repeat(np.arange(20), 50))
        fitted = correction(told, y, equal, 1.0, alarms)
        weight, bias = fitted.weight.astype(np.float32), fitted.bias.astype(np.float32)
        logits = equal.logits + equal.hidden @ weight.T + bias  # as narrow as the network's
        assert called(logits).mean() <= alarms


@pytest.mark.parametrize(("called", "of"), [(171, 301), (15, 302), (85, 305)])
@pytest.mark.parametrize("given", [False, True])
def test_a_flood_of_equal_rows_stays_called_as_the_model_has_it(
    called: int, of: int, given: bool
) -> None:
    attack = np.arange(of) < called
    logits = np.column_stack([np.zeros(of), np.where(attack, 4.0, -4.0)]).astype(np.float32)
    nothing = np.zeros((of, 1), dtype=np.float32)
    share = called / of
    assert int(share * of) == called - 1  # a product that falls short
    kept = _within(share if given else None, NONE, Seen(logits, nothing, nothing, nothing[:, 0]))
    assert kept.bias.tolist() == [0.0, 0.0]


def test_where_all_may_be_called_an_attack_the_harmless_class_is_not_raised() -> None:
    nothing = np.zeros((10, 1), dtype=np.float32)
    logits = np.tile(np.array([0, 5], dtype=np.float32), (10, 1))
    assert _within(1.0, NONE, Seen(logits, nothing, nothing, nothing[:, 0])).bias[0] == 0
    assert _within(0.99, NONE, Seen(logits, nothing, nothing, nothing[:, 0])).bias[0] > 5


def test_what_no_label_tells_of_stays_as_the_model_says() -> None:
    (seen, y), (others, truth) = site(2000, 1, moved=1.5), site(2000, 2, moved=1.5)
    told = seen.take(np.flatnonzero((y == 0) & called(seen.logits))[:40])
    fitted = correction(told, np.zeros(40, dtype=np.int64), others, 1.0)
    assert called(others.logits)[truth == 1].mean() > 0.95
    assert called(fitted.logits(others))[truth == 1].mean() > 0.95


def test_what_is_no_number_teaches_nothing() -> None:
    (told, y), (others, _) = few(*site(2000, 1), 5), site(100, 2)
    others.logits[7] = np.nan
    with pytest.raises(DataError, match="no number"):
        correction(told, y, others, 1.0)


def test_what_a_correction_is_worth_is_told_by_rows_that_it_was_not_fitted_to() -> None:
    (told, y), (others, _) = few(*site(2000, 1, moved=2.5), 40), site(2000, 2, moved=2.5)
    right = worth(told, y, others, 1.0)
    assert right.own == right.raised == (told.logits.argmax(axis=1) == y).sum()
    assert right.held_out > right.own + 15
    assert right.found > 60
    wrong = np.random.default_rng(4).integers(0, 3, len(y))  # labels that nothing tells
    assert worth(told, wrong, others, 1.0).held_out < 0.6 * len(y)
    silent = worth(told, y, others, 1.0, 0.0)
    assert silent.own == right.own > silent.raised  # which finds no attack
    assert (silent.raised, silent.found) == ((y == 0).sum(), 0)


def test_the_corrected_network_says_what_was_fitted_and_knows_the_labelled_rows() -> None:
    model, kind = request_model(), text_kind("requests")
    texts = [f"GET /a{i}?q={'x' * (i % 17)}" for i in range(60)]
    steps, lengths = kind.encode(texts)
    inputs = TextInputs(kind, texts, steps, lengths)
    seen = look_at_inputs(model.network, inputs)
    told, y, others = seen.take(np.arange(8)), np.arange(8) % 3, seen.take(np.arange(8, 60))
    y[7] = UNTOLD
    weights = model.network.head.weight.clone()
    fitted = correction(told, y, others, model.temperature)
    measured, _ = inputs.take(np.arange(8, 60)).measures()
    adapted = corrected(model, fitted, told, y, others, measured)
    again = look_at_inputs(adapted.network, inputs)
    assert np.allclose(again.logits, fitted.logits(seen), atol=1e-4)
    assert np.array_equal(again.hidden, seen.hidden)
    assert torch.equal(model.network.head.weight, weights)  # what is adapted stays as it is
    own = np.where(y == UNTOLD, 1 + again.logits[:8, 1:].argmax(axis=1), y)
    p = np.eye(len(model.labels))[own]
    assert (adapted.openset.distance(p, told) == 0).all()
    assert (model.openset.distance(p, told) > 0).all()
    assert adapted.profile.rows.sum() == 52


def test_of_many_labelled_rows_of_a_class_some_become_its_centres() -> None:
    model, kind = request_model(), text_kind("requests")
    texts = [f"GET /{i}" for i in range(2 * CENTRES + 10)]
    inputs = TextInputs(kind, texts, *kind.encode(texts))
    seen, y = look_at_inputs(model.network, inputs), np.arange(len(texts)) // (2 * CENTRES)
    fitted = correction(seen.take(np.arange(20)), y[:20], seen, model.temperature)
    adapted = corrected(model, fitted, seen, y, seen, inputs.measures()[0])
    more = [
        adapted.openset.spaces[name].counts - space.counts
        for name, space in model.openset.spaces.items()
    ]
    assert [counts[:2].tolist() for counts in more] == [[CENTRES, 10]] * len(more)
    assert all(counts[2:].sum() == 0 for counts in more)
