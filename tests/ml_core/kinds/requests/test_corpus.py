"""Labelled requests, made a corpus to learn from."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.errors import DataError
from ml_core.kinds.kind import UNTOLD
from ml_core.kinds.requests.corpus import corpus, gathered
from ml_core.kinds.requests.text import decoded
from ml_core.kinds.text import TEST, TRAINING, VALIDATION, TextTable


def tables() -> list[TextTable]:
    values = [f"{word}{i}" for i in range(40) for word in ("lamp", "rug", "cup")]
    attacks = [f"{i}' or {i}={i}--" for i in range(30)]
    y = np.repeat([0, 1], [len(values), len(attacks)])
    pages = [f"https://site{i}.example/page/{i}?q=x" for i in range(20)]
    return [
        TextTable("payload", values + attacks, y),
        TextTable("request", ["GET /a HTTP/1.1", "GET /a", "GET /?x=y"], np.array([0, 0, UNTOLD])),
        TextTable("url", pages, np.arange(20) % 2),
    ]


def test_every_request_is_there_once_and_an_attack_not_told_is_not() -> None:
    told = gathered(tables(), seed=1)
    assert len(set(told.read)) == len(told.read)
    assert told.read.count("/a") == 1
    assert "/?x=y" not in told.read
    assert sum(text.startswith("/page/") for text in told.read) == 10
    assert sorted(set(told.y.tolist())) == [0, 1]


def test_large_sides_are_thinned() -> None:
    told = gathered(tables(), seed=1, largest=15, most=5)
    assert (told.y == 1).sum() == 5
    assert ((told.y == 0) & told.bare).sum() == 15


def test_grammar_stays_out_of_the_test_part_and_bare_values_stay_in_all() -> None:
    texts, y, part = corpus(tables(), seed=1, least=60)
    assert {TRAINING, VALIDATION} <= set(part.tolist())
    for c in (2, 3, 4):  # no table holds these: they are the grammar's
        assert (y[part == TRAINING] == c).sum() >= 60
        assert not (y[part == TEST] == c).any()
    bare = [text for text in texts if not decoded(text).startswith(b"/")]
    assert 0.1 < len(bare) / len(texts) < 0.6
    assert corpus(tables(), seed=1, least=60).texts == texts


def test_attacks_that_no_class_names_are_learned_and_neither_tuned_by_nor_tested_on() -> None:
    _, y, part = corpus(tables(), seed=1, least=60)
    assert (y[part == TRAINING] == UNTOLD).sum() == 60
    assert not (y[part != TRAINING] == UNTOLD).any()


def test_nothing_told_is_refused() -> None:
    with pytest.raises(DataError, match="no row"):
        corpus([TextTable("query", ["x"], np.array([UNTOLD]))], seed=1)
