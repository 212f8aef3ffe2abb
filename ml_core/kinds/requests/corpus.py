"""Labelled requests and bare parameter values, made one corpus of requests in every form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError
from ml_core.kinds.kind import UNTOLD
from ml_core.kinds.requests.forms import other_attacks, whole_requests
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

LARGEST = 16_000  # harmless parameter values, and as many harmless requests
MOST = 5_000  # values or requests of an attack class
LEAST = 5_000  # requests of an attack class, with those of the grammar
VALUES = ("payload", "query", "text")  # columns that hold bare values
URLS = "url"  # a column of addresses: the harmless ones' paths are harmless requests


class Told(NamedTuple):
    """Distinct texts, before they are put into requests."""

    texts: list[str]  # [N]
    read: list[str]  # [N] as the network reads them
    y: Ints  # [N]
    bare: npt.NDArray[np.bool_]  # [N] values, to be put into requests
    tests: npt.NDArray[np.bool_]  # [N] of a table that holds a test part out

    def take(self, rows: Ints) -> Told:
        some = rows.tolist()
        return Told(
            [self.texts[i] for i in some],
            [self.read[i] for i in some],
            self.y[rows],
            self.bare[rows],
            self.tests[rows],
        )


def corpus(tables: Sequence[TextTable], seed: int, least: int = LEAST) -> Corpus:
    """The requests of the tables, and those made around the bare values in them.

    Only the parts that learn get the grammar's requests; the test part holds what the data sets
    hold.
    """
    from ml_core.kinds.requests import REQUEST_CLASSES

    told = gathered(tables, seed)
    part = split_by_content(told.read)
    part[(part == TEST) & ~told.tests] = TRAINING
    whole = np.flatnonzero(~told.bare)
    texts = [told.texts[i] for i in whole.tolist()]
    ys, parts = [told.y[whole]], [part[whole]]
    for p, enough in ((TRAINING, least), (VALIDATION, least // 10), (TEST, 0)):
        rows = np.flatnonzero(told.bare & (part == p))
        values = [told.texts[i] for i in rows.tolist()]
        more, y = whole_requests(values, told.y[rows], REQUEST_CLASSES, seed + p, enough)
        texts += more
        ys.append(y)
        parts.append(np.full(len(more), p))
        more, y = other_attacks(enough, seed + p)
        used = np.flatnonzero((y != UNTOLD) | (p == TRAINING)).tolist()
        texts += [more[i] for i in used]
        ys.append(y[used])
        parts.append(np.full(len(used), p))
    return Corpus(texts, np.concatenate(ys), np.concatenate(parts))


def gathered(
    tables: Sequence[TextTable], seed: int, largest: int = LARGEST, most: int = MOST
) -> Told:
    """Every text once, as the network reads it; harmless ones and large classes thinned.

    Attacks of a kind not told teach nothing here. Of addresses (URLS) the harmless ones' paths
    are harmless requests; whether a page is a fake is not to be seen from what is asked of it.
    """
    first: dict[bytes, tuple[str, int, bool, bool]] = {}
    for table in tables:
        if table.column == URLS:
            rows = [
                (f"GET {_path(t)}", 0) for t, c in zip(table.texts, table.y, strict=True) if not c
            ]
        else:
            rows = list(zip(table.texts, table.y.tolist(), strict=True))
        for text, c in rows:
            if c == UNTOLD:
                continue
            first.setdefault(decoded(text), (text, c, table.column in VALUES, table.tests))
    if not first:
        raise DataError("no row has a label that tells its class")
    texts, y, bare, tests = (list(column) for column in zip(*first.values(), strict=True))
    read = [raw.decode("latin-1") for raw in first]
    told = Told(texts, read, np.asarray(y), np.asarray(bare), np.asarray(tests))
    rng = np.random.default_rng(seed)
    kept: list[npt.NDArray[np.int64]] = []
    for c in np.unique(told.y).tolist():
        for bare_ones in (False, True):
            rows_of = np.flatnonzero((told.y == c) & (told.bare == bare_ones))
            kept.append(rng.permutation(rows_of)[: most if c else largest])
    return told.take(np.sort(np.concatenate(kept)))


def _path(url: str) -> str:
    """What a browser asks the host of a URL for."""
    host = url.partition("://")[2] or url
    slash = host.find("/")
    return host[slash:] if slash >= 0 else "/"
