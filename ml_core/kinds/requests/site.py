"""What a site's own requests say about one of them, learned without labels.

A price of zero, a parameter that no page sends or a sign in a postal code has nothing of an attack in
it: it is only unlike what this site is asked. So every value is compared with the others of its
parameter, and the parameters of a request with those that its path gets otherwise: by how many of
them are as rare or rarer, as the p-values of conformal prediction (Laxhammar, Falkman, "Conformal
prediction for distribution-independent anomaly detection in streaming vessel data", StreamKDD
2010), times the number of parameters looked at (Bonferroni). Of a site's harmless requests no more
than about STRANGE are strange, however varied they are; what many attacks share is not strange.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from ml_core.kinds.requests.text import decoded, fields

STRANGE = 0.05  # of a site's requests, at most; of those measured one or two in a hundred
LEAST = 300  # requests that make a site; fewer tell nothing
FEWEST = 100  # values of a parameter, or calls of a path; rarity among fewer is chance
NAMES = 10_000  # parameters and paths that are remembered
LONG = 13  # lengths told apart, each about 1.6 times the one before

_CLASSES = bytes(
    ord("a") if byte >= 0x80 or chr(byte).isalpha() else ord("0") if chr(byte).isdigit() else byte
    for byte in range(256)
)
Traits = frozenset[Hashable]


@dataclass(frozen=True)
class _Common:
    """How often each trait occurs among the things of one kind, and how rare the rarest of each is."""

    counts: Counter[Hashable]
    rarest: npt.NDArray[np.int64]  # [N] sorted: of each thing the count of its rarest trait

    @classmethod
    def of(cls, things: Sequence[Traits]) -> _Common:
        counts = Counter(trait for traits in things for trait in traits)
        rarest = np.asarray([min(counts[t] for t in traits) for traits in things], dtype=np.int64)
        return cls(counts, np.sort(rarest))

    def share(self, traits: Traits) -> float:
        """Of the things, how many are as rare or rarer."""
        count = min(self.counts[t] for t in traits)
        rarer = int(np.searchsorted(self.rarest, count, side="right"))
        return (rarer + 1) / (len(self.rarest) + 1)


@dataclass(frozen=True)
class Site:
    """What is common at a site, for each parameter and each path that it is often asked for."""

    values: dict[bytes, _Common]  # by parameter
    together: dict[bytes, _Common]  # by path: which parameters come together

    @classmethod
    def of(cls, texts: Iterable[str]) -> Site | None:
        """From requests of any labels; None if they are too few."""
        values: dict[bytes, list[Traits]] = defaultdict(list)
        together: dict[bytes, list[Traits]] = defaultdict(list)
        requests = 0
        for text in texts:
            requests += 1
            path, given = _taken_apart(text)
            for name, value in given:
                if name in values or len(values) < NAMES:
                    values[name].append(_traits(value))
            if given and (path in together or len(together) < NAMES):
                together[path].append(_names(given))
        if requests < LEAST:
            return None
        often = [
            {name: _Common.of(things) for name, things in of.items() if len(things) >= FEWEST}
            for of in (values, together)
        ]
        return cls(*often)

    def strange(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which of these requests [N] are unlike what the site is asked otherwise."""
        return np.fromiter((self._share(t) <= STRANGE for t in texts), np.bool_, len(texts))

    def _share(self, text: str) -> float:
        path, given = _taken_apart(text)
        shares = [self.values[n].share(_traits(value)) for n, value in given if n in self.values]
        if given and path in self.together:
            shares.append(self.together[path].share(_names(given)))
        return min(shares) * len(shares) if shares else 1.0


def _taken_apart(text: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The path of a request and its parameters with their values; nothing of a bare value."""
    raw = decoded(text)
    if not raw.startswith(b"/"):
        return b"", []
    path, given = b"", []
    for part in fields(raw):
        if part.name == "url.path":
            path = raw[: part.end]
        elif part.name.endswith("]"):
            name, _, value = raw[part.start : part.end].partition(b"=")
            given.append((name, value))
    return path, given


def _traits(value: bytes) -> Traits:
    """What signs a value holds, letters and digits each one, and about how long it is."""
    length = min(int(log(len(value) + 1, 1.6)), LONG)
    return frozenset([*value.translate(_CLASSES), -1 - length])


def _names(given: Sequence[tuple[bytes, bytes]]) -> Traits:
    return frozenset([tuple(sorted({name for name, _ in given}))])
