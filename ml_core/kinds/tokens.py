"""Words to numbers: the input of every kind that is read as tokens.

A token is the mean of its parts (the word, pieces of it, its form), each hashed into one of
`buckets` numbers: Weinberger, Dasgupta, Langford, Smola, Attenberg, "Feature hashing for large
scale multitask learning", ICML 2009; parts of words as in Bojanowski, Grave, Joulin, Mikolov,
"Enriching word vectors with subword information", TACL 2017. So a word never seen shares what it
can with those seen, and no vocabulary has to be kept beside the weights.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from ml_core.kinds.text import (
    TEST,
    TRAINING,
    VALIDATION,
    Corpus,
    Span,
    Steps,
    TextKind,
    TextTable,
    by_content,
)
from ml_core.network.architecture import Architecture
from ml_core.network.options import Options

Ints = npt.NDArray[np.int64]
Parts = npt.NDArray[np.int16]

# 0 is no part, and the step of a text without any token
_EMPTY = "\0"


@dataclass(frozen=True)
class TokenCode:
    """How a kind's texts become steps."""

    split: Callable[[str], list[str]]  # a text to its tokens, in order
    parts_of: Callable[[str], Sequence[str]]  # a token to the names of its parts, weightiest first
    steps: int  # T, tokens of a text at most
    parts: int  # P, parts of a token at most
    buckets: int = 8192  # numbers that parts are hashed into, 0 among them
    tail: int = 0  # of the T tokens, how many are the last ones of a longer text

    def __post_init__(self) -> None:
        assert 0 <= self.tail < self.steps, "the tail is a part of the steps"
        assert 2 <= self.buckets <= np.iinfo(np.int16).max + 1, "parts are kept in 16 bits"

    def cut(self, tokens: list[str]) -> list[str]:
        """The tokens that are read: all, or the head and the tail of a longer text."""
        if len(tokens) <= self.steps:
            return tokens
        head = self.steps - self.tail
        return tokens[:head] + (tokens[-self.tail :] if self.tail else [])

    def read(self, text: str) -> list[str]:
        """The tokens of a text as the network gets them, one a step (never none)."""
        return self.cut(self.split(text)) or [_EMPTY]

    def encode(self, texts: Sequence[str]) -> tuple[Parts, Ints]:
        """Parts [N, T, P], 0 where there is none, and lengths [N] in 1..T."""
        return self.encode_tokens([self.read(text) for text in texts])

    def encode_tokens(self, read: Sequence[list[str]]) -> tuple[Parts, Ints]:
        """Likewise, of tokens already read: [N] lists of 1..T tokens.

        Every different token is hashed once; the rest is one gather.
        """
        number: dict[str, int] = {}
        lengths = np.fromiter((len(tokens) for tokens in read), np.int64, len(read))
        flat = np.fromiter(
            (number.setdefault(token, len(number)) for tokens in read for token in tokens),
            np.int64,
            int(lengths.sum()),
        )
        table = np.zeros((len(number), self.parts), dtype=np.int16)
        for row, token in zip(table, number, strict=True):
            names = self.parts_of(token)[: self.parts]
            row[: len(names)] = [bucket(name, self.buckets) for name in names]
        steps = np.zeros((len(read), self.steps, self.parts), dtype=np.int16)
        real = np.arange(self.steps) < lengths[:, None]  # [N, T]
        steps[real] = table[flat]
        return steps, lengths


def token_kind(
    name: str,
    classes: tuple[str, str],
    aliases: Mapping[str, tuple[str, ...]],
    columns: tuple[str, ...],
    code: TokenCode,
    blamed: str,
    options: Options,
    *,
    embedding: int = 32,
    kernel: int = 3,
    pool: int = 4,
    second: int = 65_536,
    encode: Callable[[Sequence[str]], tuple[Steps, Ints]] | None = None,
    corpus: Callable[[Sequence[TextTable], int], Corpus] = by_content,
    bare: Callable[[str], str] = str,
    as_given: bool = False,
) -> TextKind:
    """A kind whose network reads hashed tokens and tells two classes apart.

    `blamed` names the field that each token is a span of; `encode` is the code's if not given.
    """
    return TextKind(
        name=name,
        classes=classes,
        aliases=aliases,
        columns=columns,
        encode=encode or code.encode,
        spans=lambda text: [Span(blamed, t, i, i + 1) for i, t in enumerate(code.read(text))],
        architecture=Architecture(
            "tokens",
            inputs=code.buckets,
            classes=len(classes),
            steps=code.steps,
            hidden=32,
            embedding=embedding,
            kernel=kernel,
            pool=pool,
            second=second,
            second_of="tokens",
            focus="ends",
        ),
        options=options,
        corpus=corpus,
        bare=bare,
        as_given=as_given,
    )


def bucket(name: str, buckets: int) -> int:
    """A number in 1..buckets - 1 that is the same on every machine and in every year."""
    return 1 + zlib.crc32(name.encode("utf-8", "surrogatepass")) % (buckets - 1)


def by_sequence(tables: Sequence[TextTable], seed: int) -> Corpus:
    """Every sequence once, in the part that a hash of it says.

    A sequence that occurs with two labels has neither: it is left out. Eight tenths train, one
    validates, one tests. (`by_content` overlooks digits, which here are all there is.)
    """
    del seed  # nothing is drawn
    label: dict[str, int] = {}
    tests: dict[str, bool] = {}
    for table in tables:
        for text, c in zip(table.texts, table.y.tolist(), strict=True):
            label[text] = c if label.get(text, c) == c else -1
            tests.setdefault(text, table.tests)
    texts = [text for text, c in label.items() if c >= 0]
    part = [(TRAINING, VALIDATION, TEST)[max(tenth(text) - 7, 0)] for text in texts]
    part = [
        TRAINING if p == TEST and not tests[text] else p
        for text, p in zip(texts, part, strict=True)
    ]
    y = np.asarray([label[text] for text in texts], dtype=np.int64)
    return Corpus(texts, y, np.asarray(part, dtype=np.int64))


def tenth(text: str) -> int:
    """Which of ten parts a text is in, 0 to 9, by a hash of it."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()[0] % 10
