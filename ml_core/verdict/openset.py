"""Knowing when not to know: inputs unlike what the network learned from are *unsure*.

A verdict is compared with the training inputs of the class that it names: how far is the nearest
of them, in what the recurrent layers read and, for texts, in the last hidden layer? A network maps
what it never saw on what it knows, so the hidden layer alone misses attacks that look odd from
outside; of texts, the inputs alone miss what only their sequence gives away
(docs/models/verdicts.md has the comparison). Nearest neighbours: Sun, Ming, Zhu, Li, "Out-of-distribution detection with deep
nearest neighbors", ICML 2022; here each class is represented by k-means centres.

Where it is measured how odd a text is, a verdict called harmless is doubted for that, and for how
likely an attack is all the same, instead (`Doubt`): so far more attacks on requests are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ml_core.stored import SOME, TINY, Arrays, Numbers, check

if TYPE_CHECKING:
    from ml_core.verdict.seen import Seen

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HARMLESS_CENTRES, CENTRES = 512, 64  # of the harmless class, of each other class
NEAR = 0.1  # of the harmless, the share that is so near to a centre that it is known
LEAST = 1e-300  # a probability whose logarithm is told


@dataclass(frozen=True)
class Space:
    """The training inputs in one space, as centres; those of one class stand together."""

    centres: F32  # [K, D]
    counts: Ints  # [C], adds up to K; 0 for a class never seen in training
    spread: F64  # [2] validation distances from median to 99 %, called harmless and attack

    @classmethod
    def fit(cls, X: F32, y: Ints, classes: int, seed: int) -> Space:
        """From training inputs X [N, D] and their classes y [N]."""
        centres = [
            _centres(X[y == c], CENTRES if c else HARMLESS_CENTRES, seed) for c in range(classes)
        ]
        counts = np.array([len(some) for some in centres], dtype=np.int64)
        return cls(np.concatenate(centres).astype(np.float32), counts, np.ones(2))

    def knowing(self, X: F32, y: Ints) -> Space:
        """With the inputs X [N, D] of the classes y [N] as centres more."""
        of = np.concatenate([np.repeat(np.arange(len(self.counts)), self.counts), y])
        centres = np.concatenate([self.centres, X])[of.argsort(kind="stable")]
        return Space(centres, np.bincount(of, minlength=len(self.counts)), self.spread)

    @cached_property
    def _half(self) -> F32:
        """Half the squared length of each centre [K]."""
        half: F32 = np.einsum("kd,kd->k", self.centres, self.centres) / 2
        return half

    def distance(self, X: F32, label: Ints) -> F32:
        """Distance [N] of X [N, D] to the nearest centre of the classes `label` [N]."""
        import torch  # whose products use as many threads as it is told to; NumPy's use all

        from ml_core.network.products import product

        found = np.empty(len(X), dtype=np.float32)
        ends = np.cumsum(self.counts)
        for c in np.flatnonzero(np.bincount(label, minlength=len(self.counts))):
            rows = np.flatnonzero(label == c)
            # of a class never seen there is nothing to compare with but the others
            own = slice(ends[c] - self.counts[c], ends[c]) if self.counts[c] else slice(None)
            centres, some = self.centres[own], X[rows]
            half, at, to = map(torch.from_numpy, (self._half[own], some, centres))
            nearest = product(at, to, -half).numpy().argmax(axis=1)
            found[rows] = np.linalg.norm(some - centres[nearest], axis=1)
        return found


@dataclass(frozen=True)
class Doubt:
    """How far to doubt that an input is harmless: by the log-odds of an attack and its oddity."""

    middle: F64  # [2] of the two, the median of validation inputs called harmless
    spread: F64  # [2] likewise, from the median to 99 %
    near: float  # what is no further than this from a centre is known, and not doubted

    @classmethod
    def fit(cls, said: F64, distance: F64) -> Doubt:
        """From log-odds and oddity [N, 2] and distances [N] of harmless inputs that are called so."""
        if not len(said):
            return cls(np.zeros(2), np.ones(2), 0.0)
        middle = np.median(said, axis=0)
        spread = np.array([_spread(column) for column in (said - middle).T])
        return cls(middle, spread, float(np.quantile(distance, NEAR)))

    def score(self, said: F64) -> F64:
        """[N] of log-odds and oddity [N, 2]: their sum, each in the measure of its spread."""
        total: F64 = ((said - self.middle) / self.spread).sum(axis=1)
        return total


@dataclass(frozen=True)
class Openset:
    """The open-set score of a model, and the border beyond which a verdict is unsure."""

    spaces: Mapping[str, Space]  # "hidden", the last layer; "inputs"; or both
    limits: F64  # [2] border of verdicts called harmless, and called an attack
    least: float  # a best class less likely than this is unsure, too
    doubt: Doubt | None = None  # None: a verdict called harmless is compared with centres, too

    @classmethod
    def fit(
        cls,
        hidden: F32 | None,
        y: Ints,
        classes: int,
        inputs: F32 | None = None,
        least: float = 0.0,
        seed: int = 0,
    ) -> Openset:
        """From training inputs: hidden [N, D], inputs [N, F], classes y [N].

        One of the two may be None: distances are then not compared there.
        Nothing is unsure before `at_alarm_rate`.
        """
        given = {"hidden": hidden, "inputs": inputs}
        spaces = {
            name: Space.fit(X, y, classes, seed) for name, X in given.items() if X is not None
        }
        return cls(spaces, np.full(2, np.inf), least)

    def at_alarm_rate(
        self, rate: float, probabilities: F64, y: Ints, seen: Seen, odd: bool = False
    ) -> Openset:
        """With borders set on the validation part (probabilities [N, C], classes y [N]).

        Of its harmless rows at most the share `rate` is then called an attack or unsure; those
        that are called an attack anyway count. Of its attacks that are called one, `rate` is
        unsure. Verdicts called harmless are doubted where their oddity is measured (`odd`).
        """
        label = probabilities.argmax(axis=1).astype(np.int64)
        decided = probabilities.max(axis=1) >= self.least
        called = [(y == 0) & (label == 0) & decided, (y != 0) & (label != 0) & decided]
        spaces = {}
        for name, space in self.spaces.items():
            distance = space.distance(getattr(seen, name), label)
            spread = [_spread(distance[rows]) for rows in called]
            spaces[name] = replace(space, spread=np.array(spread))
        scaled = replace(self, spaces=spaces, limits=np.ones(2))
        if odd:
            far, rows = scaled._far(label, seen), called[0]
            scaled = replace(scaled, doubt=Doubt.fit(_said(probabilities, seen)[rows], far[rows]))
        score = scaled.distance(probabilities, seen)
        harmless = int((y == 0).sum())
        allowed = max(int(rate * harmless) - (harmless - int(called[0].sum())), 0)
        limits = [
            _border(score[called[0]], allowed),
            _border(score[called[1]], int(rate * called[1].sum())),
        ]
        return replace(scaled, limits=np.array(limits))

    def knowing(self, y: Ints, seen: Seen) -> Openset:
        """With the inputs [N] of the classes y [N] known, too; the borders stay."""
        known = {name: space.knowing(getattr(seen, name), y) for name, space in self.spaces.items()}
        return replace(self, spaces=known)

    def distance(self, probabilities: F64, seen: Seen) -> F32:
        """How unlike the training inputs of the class that they are called the inputs are: [N].

        One is the border. Sum over the spaces, each in the measure of its validation spread; or,
        of those called harmless that are not near a centre, what `doubt` says.
        """
        label = probabilities.argmax(axis=1).astype(np.int64)
        attack = (label != 0).astype(np.int64)
        limit = self.limits[attack]
        with np.errstate(over="ignore", invalid="ignore"):  # of no number: unsure
            total = self._far(label, seen)
            if self.doubt is not None:
                doubt = self.doubt.score(_said(probabilities, seen))
                known = np.where(total <= self.doubt.near, np.minimum(doubt, limit), doubt)
                total = np.where(attack, total, known)
            return np.asarray(total / limit, dtype=np.float32)

    def _far(self, label: Ints, seen: Seen) -> F64:
        """Distance [N] from the centres of the classes `label` [N], all spaces together."""
        total = np.zeros(len(label))
        attack = (label != 0).astype(np.int64)
        for name, space in self.spaces.items():
            total += space.distance(getattr(seen, name), label) / space.spread[attack]
        return total

    def unsure(self, distance: F32, probabilities: F64) -> Bools:
        """[N]: unlike the training inputs (also where no distance is told), or undecided."""
        return np.asarray(~(distance <= 1.0) | (probabilities.max(axis=1) < self.least))

    def tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """Everything, by name, to be stored."""
        kept: dict[str, npt.NDArray[np.generic]] = {
            "limits": self.limits,
            "least": np.array([self.least]),
        }
        for name, space in self.spaces.items():
            kept[f"{name}.centres"] = space.centres
            kept[f"{name}.counts"] = space.counts
            kept[f"{name}.spread"] = space.spread
        if self.doubt is not None:
            kept |= {f"doubt.{name}": np.atleast_1d(of) for name, of in vars(self.doubt).items()}
        return kept

    @classmethod
    def of(cls, tensors: Arrays, classes: int, hidden: int, inputs: int) -> Openset:
        """What `tensors` stored, of a network with so many classes, hidden nodes and inputs seen.

        ValueError if it is not that.
        """
        widths = {"hidden": hidden, "inputs": inputs}
        there = {name: n for name, n in widths.items() if any(k.startswith(name) for k in tensors)}
        if not there:
            raise ValueError("open-set statistics with nothing to compare with")
        expected = {"limits": Numbers((2,), TINY, np.inf), "least": Numbers((1,), 0, 1)}
        for name, width in there.items():
            expected[f"{name}.centres"] = Numbers((SOME, width))
            expected[f"{name}.counts"] = Numbers((classes,), 0)
            expected[f"{name}.spread"] = Numbers((2,), TINY)
        doubts = any(name.startswith("doubt.") for name in tensors)
        if doubts:
            expected["doubt.middle"] = Numbers((2,))
            expected["doubt.spread"] = Numbers((2,), TINY)
            expected["doubt.near"] = Numbers((1,), 0)
        check(tensors, expected, "openset.")
        spaces = {}
        for name in there:
            centres, spread = tensors[f"{name}.centres"], tensors[f"{name}.spread"]
            counts = tensors[f"{name}.counts"].astype(np.int64)
            if counts.sum() != len(centres):
                raise ValueError(f"openset.{name}.counts are not of as many centres")
            spaces[name] = Space(centres.astype(np.float32), counts, spread.astype(np.float64))
        limits = tensors["limits"].astype(np.float64)
        doubt = None
        if doubts:
            middle, spread = tensors["doubt.middle"], tensors["doubt.spread"]
            near = float(tensors["doubt.near"][0])
            doubt = Doubt(middle.astype(np.float64), spread.astype(np.float64), near)
        return cls(spaces, limits, float(tensors["least"][0]), doubt)


def _said(probabilities: F64, seen: Seen) -> F64:
    """The log-odds of the likeliest attack against harmless, and the oddity: [N, 2]."""
    p = np.log(np.maximum(probabilities, LEAST))
    return np.column_stack([p[:, 1:].max(axis=1) - p[:, 0], seen.oddity])


def _centres(X: F32, count: int, seed: int) -> F32:
    """At most `count` centres of X [N, D]; few inputs stand for themselves."""
    if len(X) <= count:
        return X
    from sklearn.cluster import MiniBatchKMeans

    means = MiniBatchKMeans(count, random_state=seed, n_init=1, batch_size=2048, max_iter=20)
    return np.asarray(means.fit(X).cluster_centers_, dtype=np.float32)


def _spread(distance: F32 | F64) -> float:
    """From the median to 99 %: the measure in which distances of different spaces add up."""
    if not len(distance):
        return 1.0
    low, high = np.quantile(distance, (0.5, 0.99))
    return float(high - low) or float(high) or 1.0


def _border(score: F32, allowed: int) -> float:
    """What at most `allowed` of the scores exceed; infinite without scores."""
    if not len(score):
        return np.inf
    border = float(np.sort(score)[::-1][min(allowed, len(score) - 1)])
    return border if border > 0 else 1.0
