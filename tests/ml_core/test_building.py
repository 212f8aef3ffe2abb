"""Model building: what a model keeps of the data it was tuned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ml_core.building import build_texts
from ml_core.kinds import text_kind
from ml_core.kinds.text import TRAINING, VALIDATION, Corpus, TextTable
from ml_core.network.options import Options
from ml_core.verdict.drift import TEXT_MEASURES

SMALL = Options(epochs=1, batch=64, device="cpu")


def page(words: int, i: int) -> str:
    return " ".join(["welcome", f"page{i}", *["garden"] * words])


def with_made(tables: Sequence[TextTable], seed: int) -> Corpus:
    """As many pages again, ten times as long, all in the validation part like those given."""
    texts = [*tables[0].texts, *(page(200, i) for i in range(200))]
    y = np.tile(tables[0].y, 2)
    return Corpus(texts, y, np.where(np.arange(400) % 200 < 100, TRAINING, VALIDATION))


@pytest.mark.parametrize(("as_given", "count", "longest"), [(True, 100, 200), (False, 200, 2000)])
def test_drift_is_told_from_texts_as_given_where_many_are_made(
    as_given: bool, count: int, longest: int
) -> None:
    kind = text_kind("pages")
    arch = replace(kind.architecture, hidden=4)
    kind = replace(kind, corpus=with_made, architecture=arch, as_given=as_given)
    table = TextTable("text", [page(20, i) for i in range(200)], np.arange(200) % 2)
    profile = build_texts(kind, [table], SMALL).profile
    assert profile.rows.sum() == count
    logarithm = profile.grid[TEXT_MEASURES.index("length"), -1]
    assert longest / 2 < np.exp(logarithm) < longest
