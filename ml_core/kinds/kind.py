"""What is said of every kind of sequence: its classes, and how data sets name them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError

# Labels that say "an attack" and not which: useful to evaluate with, not to learn from.
UNTOLD = -1
_UNTOLD = (
    "1",
    "attack",
    "anom",
    "anomalous",
    "malicious",
    "abnormal",
    "web_injection",
    "web_shell",
)
_SIGNS = re.compile(r"[^a-z0-9_]+")
_TRUTH = {"0 0": "0", "false": "0", "1 0": "1", "true": "1"}  # 0.0 and 1.0 among them


@dataclass(frozen=True)
class Kind:
    """A kind of sequence, judged by a network of its own."""

    name: str
    classes: tuple[str, ...]  # the harmless one first: `p_attack` is one minus its probability
    aliases: Mapping[str, tuple[str, ...]]  # class -> what data sets call it
    untold: tuple[str, ...] = field(default=(), kw_only=True)  # attacks that are of no class

    def class_index(self, labels: Sequence[str]) -> npt.NDArray[np.int64]:
        """Data-set labels [N] to class numbers [N], UNTOLD for an attack of a kind not told.

        What stands in brackets, the tool of our own recordings ("flood (hping3)"), does not
        count. DataError names the labels that are unknown.
        """
        table = {plain(name): cls for cls in self.classes for name in self._names(cls)}
        unique, inverse = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
        names = [_TRUTH.get(name, name) for name in map(plain, unique.tolist())]
        untold = (*_UNTOLD, *self.untold)
        unknown = [name for name in names if name not in table and name not in untold]
        if unknown:
            raise DataError(f"unknown {self.name} labels: {', '.join(map(repr, unknown[:5]))}")
        numbers = [self.classes.index(table[n]) if n in table else UNTOLD for n in names]
        return np.asarray(numbers, dtype=np.int64)[inverse]

    def _names(self, cls: str) -> tuple[str, ...]:
        return (cls, *self.aliases.get(cls, ()))


def plain(label: str) -> str:
    """Lower case, without signs (tables disagree about dashes) and what stands in brackets."""
    return _SIGNS.sub(" ", label.partition(" (")[0].lower()).strip()
