"""Kinds of sequence that come as text: bytes (requests, domains) or tokens (the others)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ml_core.kinds.kind import Kind
from ml_core.network.architecture import Architecture
from ml_core.network.options import Options

Ints = npt.NDArray[np.int64]
Steps = npt.NDArray[Any]  # [N, T] or [N, T, P] unsigned integers, 0 after the end

TRAINING, VALIDATION, TEST = 0, 1, 2
_DIGITS = re.compile(r"[0-9]+")


class Span(NamedTuple):
    """A part of a text that a verdict can be blamed on: steps start..end of the encoded text."""

    name: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class TextTable:
    """The labelled rows of one file."""

    column: str  # that the texts come from, one of the kind's columns
    texts: list[str]  # [N]
    y: Ints  # [N] class numbers
    tests: bool = True  # False: recordings with a test recording of their own hold nothing out


class SiteOfTexts(Protocol):
    """What is common among the texts of one site."""

    def strange(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]: ...


class Corpus(NamedTuple):
    """What a network learns from, is tuned by and is tested on."""

    texts: list[str]  # [M]
    y: Ints  # [M]
    part: Ints  # [M] TRAINING, VALIDATION or TEST


def by_content(tables: Sequence[TextTable], seed: int) -> Corpus:
    """Every text once, the first time it occurs, in the part that its content says."""
    del seed  # nothing is drawn
    seen: dict[str, tuple[int, bool]] = {}
    for table in tables:
        for text, c in zip(table.texts, table.y.tolist(), strict=True):
            seen.setdefault(text, (c, table.tests))
    texts = list(seen)
    y = np.asarray([c for c, _ in seen.values()], dtype=np.int64)
    part = split_by_content(texts)
    tested = np.asarray([tests for _, tests in seen.values()], dtype=bool)
    part[(part == TEST) & ~tested] = TRAINING
    return Corpus(texts, y, part)


def split_by_content(texts: Sequence[str]) -> Ints:
    """Part [N] of each text, by a hash of it without its digits: near copies stay together.

    Eight tenths train, one validates, one tests.
    """
    tenth = [
        hashlib.blake2b(
            _DIGITS.sub("0", text).encode("utf-8", "surrogateescape"), digest_size=8
        ).digest()[0]
        % 10
        for text in texts
    ]
    return np.digitize(np.asarray(tenth, dtype=np.int64), [8, 9])


@dataclass(frozen=True)
class TextKind(Kind):
    """A kind that reads text, and everything a network of it needs to know."""

    columns: tuple[str, ...]  # that hold it, the preferred one first
    encode: Callable[[Sequence[str]], tuple[Steps, Ints]]  # [N] -> steps, lengths [N] (>= 1)
    spans: Callable[[str], list[Span]]  # of one text, in order
    architecture: Architecture
    options: Options = field(default_factory=Options)
    corpus: Callable[[Sequence[TextTable], int], Corpus] = by_content  # (tables, seed)
    bare: Callable[[str], str] = str  # a text of the corpus as it is given to be judged
    site: Callable[[Iterable[str]], SiteOfTexts | None] | None = None  # from texts of any labels
    as_given: bool = False  # drift is from the texts that tables hold, not from those made of them
    cap: float = 5.0  # of a class's weight in the loss; 1: a rare class weighs like the others
