"""Labelled requests and bare parameter values, made one corpus of whole requests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml_core.kinds.requests.forms import whole_requests
from ml_core.kinds.requests.text import decoded
from ml_core.kinds.text import (
    TEST,
    TRAINING,
    VALIDATION,
    Corpus,
    Ints,
    TextTable,
    split_by_content,
)
from ml_core.sampling import undersample

LARGEST_VALUES = 20_000  # harmless parameter values
LEAST_REQUESTS = 6_000  # of each attack class
VALUES = "payload"  # the column that holds bare values


def corpus(tables: Sequence[TextTable], seed: int) -> Corpus:
    """Whole requests: those of the tables, and those made around the bare values in them.

    Copies are dropped, harmless values thinned to LARGEST_VALUES. Only the parts that learn get
    the grammar's requests; the test part holds what the data sets hold.
    """
    from ml_core.kinds.requests import REQUEST_CLASSES

    values, y_values = _rows([table for table in tables if table.column == VALUES])
    texts, y = _rows([table for table in tables if table.column != VALUES])
    ys, parts = [y], [_parts(texts)]
    kept = _distinct(values, y_values, seed)
    chosen, y_chosen = [values[i] for i in kept.tolist()], y_values[kept]
    part_of = _parts(chosen)
    for p, least in ((TRAINING, LEAST_REQUESTS), (VALIDATION, LEAST_REQUESTS // 10), (TEST, 0)):
        rows = np.flatnonzero(part_of == p)
        more, y_more = whole_requests(
            [chosen[i] for i in rows.tolist()], y_chosen[rows], REQUEST_CLASSES, seed + p, least
        )
        texts += more
        ys.append(y_more)
        parts.append(np.full(len(more), p))
    return Corpus(texts, np.concatenate(ys), np.concatenate(parts))


def _rows(tables: Sequence[TextTable]) -> tuple[list[str], Ints]:
    texts = [text for table in tables for text in table.texts]
    empty = [np.empty(0, dtype=np.int64)]
    return texts, np.concatenate([table.y for table in tables] or empty)


def _distinct(values: Sequence[str], y: Ints, seed: int) -> Ints:
    if not values:
        return np.empty(0, dtype=np.int64)
    unique = np.unique(np.asarray([decoded(v) for v in values]), return_index=True)[1]
    return unique[undersample(y[unique], LARGEST_VALUES, seed)].astype(np.int64)


def _parts(texts: Sequence[str]) -> Ints:
    return split_by_content([decoded(text).decode("latin-1") for text in texts])
