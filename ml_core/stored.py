"""What arrays that were stored must be like: which there are, their shapes and their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SOME = -1  # as a length: any but none
HUGE, TINY = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)

Arrays = Mapping[str, npt.NDArray[Any]]


class Numbers(NamedTuple):
    """Numbers that are told (no NaN), from `least` to `most`."""

    shape: tuple[int, ...]
    least: float = -HUGE
    most: float = HUGE

    def misfit(self, array: npt.NDArray[Any]) -> str:
        """What is wrong with an array, in a few words; nothing if it is like this."""
        if array.dtype.kind not in "iuf":
            return f"of {array.dtype}, which are no numbers"
        if array.ndim != len(self.shape) or not all(map(_as_long, array.shape, self.shape)):
            wanted = " x ".join("any" if n == SOME else str(n) for n in self.shape)
            return f"of another shape: {' x '.join(map(str, array.shape))}, not {wanted}"
        if array.size and not self.least <= array.min() <= array.max() <= self.most:
            return f"not all numbers from {self.least:.3g} to {self.most:.3g}"
        return ""


def check(arrays: Arrays, expected: Mapping[str, Numbers], part: str = "") -> None:
    """ValueError, in one line, that names the first of a part's arrays that is not as expected."""
    for name in sorted(arrays.keys() ^ expected.keys()):
        raise ValueError(f"{'no' if name in expected else 'unknown'} {part}{name}")
    for name, numbers in expected.items():
        if misfit := numbers.misfit(arrays[name]):
            raise ValueError(f"{part}{name} is {misfit}")


def _as_long(length: int, wanted: int) -> bool:
    return length == wanted or (wanted == SOME and length > 0)
