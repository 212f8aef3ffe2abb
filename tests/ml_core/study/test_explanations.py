"""The study of explanations: whose verdicts it explains, and that all of them are in its tables."""

from __future__ import annotations

import numpy as np

from ml_core.scorer import Scorer
from ml_core.study.explanations import EXPLAINED, RIGHT, chosen, explanations, told
from ml_core.verdict.faithfulness import Faithfulness
from tests.ml_core.made import flow_model, flows


def test_attacks_are_explained_whether_they_got_their_class_or_not() -> None:
    names = ("Normal", "DoS", "Portscan", "Bot")
    y = np.array([0, 1, 1, 2, 2, 2, 0, 1])
    label = np.array([0, 1, 2, 2, 0, 2, 1, 0])
    assert chosen(label, y, names) == {
        "DoS": [1],
        "Portscan": [3, 5],
        "called another attack": [2],
        "called Normal": [4, 7],
    }
    many = np.ones(3 * EXPLAINED, dtype=np.int64)
    (drawn,) = chosen(many, many, names).values()
    assert len(set(drawn)) == EXPLAINED
    assert drawn == sorted(drawn)


def test_every_group_is_put_to_the_test_by_fields_by_steps_and_by_earlier_steps() -> None:
    model = flow_model()
    verdicts = Scorer(model).score_flows(columns=Scorer(model).columns, **flows(60))
    got = int(np.bincount(verdicts.label).argmax())
    assert got > 0
    y = np.where(np.arange(60) < 40, got, got % 7 + 1)  # the last twenty are called otherwise
    fields, steps, earlier = explanations(verdicts, y, model.labels)
    right = int((verdicts.label[:40] == got).sum())
    counted = {row[0]: row[1] for row in fields.rows}
    assert counted[model.labels[got]] == counted[RIGHT] == right
    assert counted["called another attack"] + counted.get("called Normal", 0) == 60 - right
    assert [row[0] for row in steps.rows] == [row[0] for row in earlier.rows] == [*counted]
    for table in (fields, steps, earlier):
        assert all(len(row) == len(table.header) for row in table.rows)
        assert all(0 <= cell <= 1 for row in table.rows for cell in row[2:4])
    assert steps.rows[0][1] > earlier.rows[0][1]  # of windows of two only the judged flow is left


def test_draws_lost_verdicts_won_and_the_median_fall_are_of_those_that_compare_something() -> None:
    found = Faithfulness(np.array([1.0, 7.0, 3.0, np.nan]), np.array([1.0, 0.9, 0.2, np.nan]))
    lost, won, fell = told(found)
    assert np.allclose([lost, won, fell], [0.3, 2 / 3, 3.0])
    assert told(Faithfulness(np.array([np.nan]), np.array([np.nan]))) == (None, None, None)
