"""Verdicts on files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from ml_core.commands.judging import from_inside, judge
from ml_core.scorer import Scorer
from tests.ml_core.made import request_model


def test_a_scan_within_one_network_counts_as_infiltration_and_nothing_else_changes() -> None:
    names = ("Normal", "Infiltration", "Portscan")
    p = np.array([[0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [0.9, 0.0, 0.1]])
    moved = from_inside(p, names, np.array([1, 0, -1, 1], dtype=np.int8))
    assert np.allclose(moved[0], [0.1, 0.9, 0.0])
    assert np.array_equal(moved[1:3], p[1:3])
    assert np.allclose(moved[3], [0.9, 0.1, 0.0])


def test_what_is_strange_in_its_file_is_unsure(tmp_path: Path) -> None:
    texts = [f"GET /shop/buy?item={chr(97 + i % 20)}&count={i}" for i in range(400)]
    texts[200] = "GET /shop/buy?item=a&count=-5&price=0"
    scorer = Scorer(request_model())
    alone = scorer.score_texts(texts)
    pl.DataFrame({"request": texts}).write_csv(path := tmp_path / "r.csv")
    judged = judge(scorer, [path])
    assert judged.unsure[200]
    assert np.array_equal(np.delete(judged.unsure, 200), np.delete(alone.unsure, 200))
    assert np.allclose(judged.p_attack, alone.p_attack, atol=1e-6)
    pl.DataFrame({"request": texts[200:201]}).write_csv(path)
    assert judge(scorer, [path]).unsure[0] == alone.unsure[200]
