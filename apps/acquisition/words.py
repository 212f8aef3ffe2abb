"""Which words a block of records holds, kept in a few bytes: a split-block Bloom filter.

A filter answers "certainly not" or "perhaps": search reads only the blocks that say perhaps. It is
made once, from whole arrays, and costs PostgreSQL one small row a block instead of an entry a word
(Putze, Sanders, Singler 2007, "Cache-, hash- and space-efficient Bloom filters"; the split form is
that of Apache Parquet). A word is a run of ASCII letters, digits and `_`, in lower case; a dot
between two digits belongs to it, so that addresses and versions are one word. Anything else,
letters beyond ASCII too, stands between words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

LONGEST_TEXT = 4_000_000
"""Bytes of a text at most whose words can be taken: it costs some thirty times as much memory."""
PART = 32
"""Bytes of a filter that hold all bits of one word: one read tells."""
_BITS = 16  # a word: one in a thousand filters says perhaps where the word is not
_PIECE = 100_000  # bytes looked at together: what a processor's cache holds eight times
_LONGEST = 64  # of a longer word only its beginning counts
_STEM = 4  # letters that every word is also kept under, for searches like `admin*`

_BYTE = np.arange(256, dtype=np.uint8)
_DIGIT = (ord("0") <= _BYTE) & (ord("9") >= _BYTE)
_UPPER = (ord("A") <= _BYTE) & (ord("Z") >= _BYTE)
_LETTER = (ord("a") <= (_BYTE | 32)) & (ord("z") >= (_BYTE | 32)) & (_BYTE < 128)
_WORD = _DIGIT | _LETTER | np.isin(_BYTE, [ord("_")])
_LOWER = np.where(_UPPER, _BYTE + 32, _BYTE).astype(np.uint64) + np.uint64(1)  # never zero

_FACTOR = 0x9E3779B97F4A7C15  # odd: it has an inverse modulo 2 ** 64
_SALTS = np.array(
    [
        0x47B6137B,
        0x44974D91,
        0x8824AD5B,
        0xA2B7289D,
        0x705495C7,
        0x2DF1424B,
        0x9EFC4947,
        0x5C6BFB31,
    ],
    dtype=np.uint32,
)


# ── Words ────────────────────────────────────────────────────────────────────────────────


def spans(text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the words of `text` begin and end: two arrays [words]."""
    data = np.frombuffer(text, dtype=np.uint8)
    inside = np.zeros(data.size + 2, dtype=bool)
    inside[1:-1] = _WORD[data]
    if data.size > 2:
        digit = _DIGIT[data]
        inside[2:-2] |= (data[1:-1] == ord(".")) & digit[:-2] & digit[2:]
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    return edges[0::2], edges[1::2]


def hashes_of_words(texts: pl.Series) -> Hashes:
    """The distinct hashes of the words of N texts, and of the beginnings they are kept under."""
    pieces = [_hashes_of_piece(piece) for piece in _pieces(texts.drop_nulls())]
    return np.concatenate([np.empty(0, dtype=np.uint64), *pieces])


def _pieces(texts: pl.Series) -> Iterator[bytes]:
    """The texts, a line end between them, in pieces of about `_PIECE` bytes."""
    piece = texts.str.len_bytes().cast(pl.Int64).cum_sum().to_numpy() // _PIECE
    edges = (np.flatnonzero(np.diff(piece)) + 1).tolist() if piece.size else []
    for start, end in pairwise([0, *edges, texts.len()]):
        yield "\n".join(texts.slice(start, end - start).to_list()).encode()


def _hashes_of_piece(text: bytes) -> Hashes:
    starts, ends = spans(text)
    sums = _sums(text)
    hashes = _hashed(sums, starts, np.minimum(ends, starts + _LONGEST), _salt("word"))
    distinct = pl.DataFrame({"hash": hashes, "start": starts, "size": ends - starts}).unique("hash")
    data = np.frombuffer(text, dtype=np.uint8)
    begins, sizes = distinct["start"].to_numpy(), distinct["size"].to_numpy()
    begins = begins[sizes > _STEM]
    begins = begins[~_DIGIT[data[begins]]]
    stems = np.unique(_hashed(sums, begins, begins + _STEM, _salt("stem")))
    return np.concatenate([distinct["hash"].to_numpy(), stems])


def hashes_of_values(field: str, values: pl.Series) -> Hashes:
    """The distinct hashes of whole values of a field, whatever they hold, in lower case."""
    distinct = values.drop_nulls().unique()
    lengths = distinct.str.len_bytes().to_numpy().astype(np.int64)
    ends = np.cumsum(lengths)
    sums = _sums("".join(distinct.to_list()).encode())
    return np.unique(_hashed(sums, ends - lengths, ends, _salt(field)))


def hash_of_value(field: str, value: str) -> int:
    return int(hashes_of_values(field, pl.Series([value], dtype=pl.String))[0])


def hashes_to_ask(text: str, *, whole: bool) -> Hashes:
    """The hashes that every block with `text` holds. `whole`: it ends where a word ends."""
    raw = text.encode()
    sums = _sums(raw)
    starts, ends = spans(raw)
    words, stems = starts, starts[:0]
    if text[:1] == "." and starts.size and starts[0] == 1:  # what stands before may belong to it
        starts, ends = starts[1:], ends[1:]
        words = starts
    if not whole and starts.size and ends[-1] == len(raw):
        last = starts[-1:]
        words, cut = starts[:-1], ends[:-1]
        if ends[-1] - last[0] > _STEM and not raw[last[0] : last[0] + 1].isdigit():
            stems = last
        ends = cut
    elif raw.endswith(b".") and ends.size and ends[-1] == len(raw) - 1:
        words, ends = starts[:-1], ends[:-1]
    return np.concatenate(
        [
            _hashed(sums, words, np.minimum(ends, words + _LONGEST), _salt("word")),
            _hashed(sums, stems, stems + _STEM, _salt("stem")),
        ]
    )


def _salt(kind: str) -> np.uint64:
    value = 0
    for byte in kind.encode():
        value = (value * 31 + byte) * 0x100000001B3 % 2**64
    return np.uint64(value)


_powers = np.ones((2, 1), dtype=np.uint64)


def _powers_of(length: int) -> NDArray[np.uint64]:
    """The factor's powers and their inverses modulo 2 ** 64: [2, at least length]."""
    global _powers
    if _powers.shape[1] < length:
        size = 1 << (length - 1).bit_length()
        made = np.empty((2, size), dtype=np.uint64)
        for row, factor in zip(made, (_FACTOR, pow(_FACTOR, -1, 2**64)), strict=True):
            row[:] = np.uint64(factor)
            row[0] = 1
            np.multiply.accumulate(row, out=row)
        _powers = made
    return _powers


def _sums(text: bytes) -> Hashes:
    """What the hash of any span of `text` in lower case is read from: [bytes + 1]."""
    powers, _ = _powers_of(len(text) + 1)
    sums = np.empty(len(text) + 1, dtype=np.uint64)
    sums[0] = 0
    np.multiply(_LOWER[np.frombuffer(text, dtype=np.uint8)], powers[: len(text)], out=sums[1:])
    np.cumsum(sums[1:], out=sums[1:])
    return sums


def _hashed(
    sums: Hashes, starts: NDArray[np.int64], ends: NDArray[np.int64], salt: np.uint64
) -> Hashes:
    """A hash of each span of a text: a polynomial modulo 2 ** 64, mixed. [spans]"""
    _, inverses = _powers_of(len(sums))
    value: Hashes = (sums[ends] - sums[starts]) * inverses[starts] + salt
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64
        value ^= value >> np.uint64(shift)
        value *= np.uint64(factor)
    value ^= value >> np.uint64(31)
    return value


# ── Filters ──────────────────────────────────────────────────────────────────────────────


def filter_of(hashes: Iterable[Hashes]) -> bytes:
    """A filter that holds all of these: `PART` bytes for every twenty or so."""
    distinct = np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *hashes]))
    parts = max(1, -(-distinct.size * _BITS // (8 * PART)))
    part, bits = (_halves(distinct)[:, 0] * parts) >> 32, _bits(distinct)  # [N], [N, 8]
    held = np.zeros(parts * 8 * PART, dtype=bool)
    held[(part[:, None] * (8 * PART) + bits).ravel()] = True
    return np.packbits(held, bitorder="little").tobytes()


def _halves(hashes: Hashes) -> NDArray[np.int64]:
    """The upper and the lower 32 bits of each hash: [N, 2]."""
    return np.stack([hashes >> np.uint64(32), hashes & np.uint64(2**32 - 1)], axis=1).astype(
        np.int64
    )


def _bits(hashes: Hashes) -> NDArray[np.int64]:
    """One bit in each 32 of a part, for each hash: [N, 8]."""
    low = _halves(hashes)[:, 1:].astype(np.uint32)
    return ((low * _SALTS) >> np.uint32(27)).astype(np.int64) + 32 * np.arange(8)


def question(hashes: Hashes, column: str) -> str:
    """An SQL condition, of numbers alone: whether the filter in `column` may hold all of these.

    Reads the `PART` bytes of each word only: the column is kept uncompressed.
    """
    asked = []
    for high, places in zip(_halves(hashes)[:, 0].tolist(), _bits(hashes).tolist(), strict=True):
        parts = f"(length({column}) / {PART})"
        start = f"(({high}::bigint * {parts}) >> 32)::int * {PART} + 1"
        held = " AND ".join(f"get_bit(part, {place}) = 1" for place in places)
        part = f"SELECT substring({column} FROM {start} FOR {PART}) AS part OFFSET 0"  # noqa: S608
        asked.append(f"(SELECT {held} FROM ({part}) AS one)")  # noqa: S608 - numbers of ours
    return f"(length({column}) = 0 OR ({' AND '.join(asked)}))" if asked else "TRUE"
