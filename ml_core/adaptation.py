"""A model made to fit a site, from a few labelled rows of its own and many without a label.

Only the last layer learns, and only a correction of it: rows whose label is told pull, what the
model said of the site's other rows holds (Li, Hoiem, "Learning without forgetting", ECCV 2016,
eq. 2 and 3, without their temperature), and so does a ridge towards no correction (Li, Grandvalet,
Davoine, "Explicit inductive bias for transfer learning with convolutional networks", ICML 2018,
section 3, L2-SP). Then the harmless class is raised until no more of the site's rows are called an
attack than before: where as many attacks are found, there are no more false alarms. And the
labelled rows become centres of their class, so that their like are no longer unsure.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from ml_core.errors import DataError
from ml_core.kinds.kind import UNTOLD
from ml_core.model_file import Model
from ml_core.verdict.calibration import least_bias, softmax
from ml_core.verdict.drift import Profile
from ml_core.verdict.seen import Seen

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HELD = 100.0  # labelled rows that weigh as much as what the model said of all others
RIDGE = 2.0  # of the correction, in each hidden node's deviations at the site
MARGIN = 1e-3  # of log-odds: equal rows are many, and rounding shall not call them all
FOLDS = 5
CENTRES = 300  # of each class, at most: each verdict to come is compared with all


class Worth(NamedTuple):
    """How many labelled rows are right."""

    own: int  # as the model says
    raised: int  # as it says with the harmless class raised, where fewer alarms are allowed
    held_out: int  # by a correction that was fitted without them
    found: int  # attacks among the labelled rows that are called one, of whatever kind, held out


@dataclass(frozen=True)
class Correction:
    """What is added to the last layer."""

    weight: F64  # [C, D]
    bias: F64  # [C]

    def logits(self, seen: Seen) -> F64:
        """Of N inputs as the uncorrected network sees them, [N, C]."""
        return np.asarray(seen.logits + seen.hidden @ self.weight.T + self.bias)


def correction(
    told: Seen, y: Ints, site: Seen, temperature: float, alarms: float | None = None
) -> Correction:
    """From the labelled rows of a site, `told` [N] of the classes y [N], and others of its, [M].

    y may be UNTOLD, for attacks of a kind not told. At most the share `alarms` of the others is
    called an attack; None: the share that the model calls one. Harmless rows together weigh at
    least as much as attacks. DataError where the model says nothing finite of them.
    """
    C = told.logits.shape[1]
    allowed = np.eye(C, dtype=bool)[np.maximum(y, 0)]
    allowed[y == UNTOLD] = np.arange(C) > 0
    weight = np.where(y == 0, max((y != 0).sum() / max((y == 0).sum(), 1), 1.0), 1.0)
    mean, spread = site.hidden.mean(axis=0), site.hidden.std(axis=0)
    scale = np.where(spread > 1e-6, spread, np.inf)  # a node that is always the same says nothing
    there, others = (seen._replace(hidden=(seen.hidden - mean) / scale) for seen in (told, site))
    W = _fitted(there, others, allowed, weight, temperature)
    slope = W[:, :-1] / scale
    return _within(alarms, Correction(slope, W[:, -1] - slope @ mean), site)


def corrected(
    model: Model, fitted: Correction, told: Seen, y: Ints, site: Seen, measured: F32
) -> Model:
    """The model with its correction, from the same rows.

    measured: what the others measure [M, F] (`Inputs.measures`); drift is told from them.
    """
    network = copy.deepcopy(model.network)
    with torch.no_grad():
        network.head.weight.add_(torch.from_numpy(fitted.weight))
        network.head.bias.add_(torch.from_numpy(fitted.bias))
    # an attack of a kind not told counts as of the kind that it looks most like
    nearest = 1 + fitted.logits(told)[:, 1:].argmax(axis=1)
    known = np.where(y == UNTOLD, nearest, y)
    some = of_each(known, CENTRES)
    openset = model.openset.knowing(known[some], told.take(some))
    p = softmax(fitted.logits(site), model.temperature)
    label, distance = p.argmax(axis=1), openset.distance(p, site)
    names, classes = model.profile.names[:-1], len(model.labels)
    profile = Profile.fit(names, measured, label, distance, classes)
    return replace(model, network=network, openset=openset, profile=profile)


def worth(
    told: Seen, y: Ints, site: Seen, temperature: float, alarms: float | None = None
) -> Worth:
    """Of the same rows: held out, each fifth is told by a correction from the other four."""
    raised = _within(alarms, Correction(np.zeros((1, told.hidden.shape[1])), np.zeros(1)), site)
    fold, logits = np.empty(len(y), dtype=np.int64), np.empty(told.logits.shape)
    for c in np.unique(y):
        count = (y == c).sum()
        fold[y == c] = np.arange(count) * FOLDS // count  # what came together stays together
    for out in np.unique(fold):
        kept, left = np.flatnonzero(fold != out), np.flatnonzero(fold == out)
        fitted = correction(told.take(kept), y[kept], site, temperature, alarms)
        logits[left] = fitted.logits(told.take(left))
    found = int((logits[y != 0].argmax(axis=1) > 0).sum())
    return Worth(_right(told.logits, y), _right(raised.logits(told), y), _right(logits, y), found)


def spread(rows: Ints, most: int) -> Ints:
    """At most so many of some rows, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64)]


def of_each(y: Ints, most: int) -> Ints:
    """At most so many rows of each class, evenly spread, of the classes y [N]: places, rising."""
    some = [spread(np.flatnonzero(y == c), most) for c in np.unique(y)]
    return np.sort(np.concatenate(some))


def _right(logits: F32 | F64, y: Ints) -> int:
    said = logits.argmax(axis=1)
    return int(np.where(y == UNTOLD, said > 0, said == y).sum())


def _within(alarms: float | None, found: Correction, site: Seen) -> Correction:
    """With the harmless class raised, if need be, so that at most that share is called an attack."""
    if alarms is None:
        most = int((site.logits.argmax(axis=1) > 0).sum())
    else:
        most = math.floor(alarms * len(site.logits) + 1e-9)  # 0.29 of 100 are 29
    needed = least_bias(found.logits(site), most)
    bias: F64 = np.broadcast_to(found.bias, site.logits.shape[1:]).copy()
    if needed:
        bias[0] += needed + MARGIN
    return replace(found, bias=bias)


def _fitted(
    told: Seen, site: Seen, allowed: npt.NDArray[np.bool_], weight: F64, temperature: float
) -> F64:
    """The correction [C, D + 1], the bias last, of N labelled rows and M others.

    A labelled row's loss is -log of the probability of its `allowed` [N, C] classes.
    """
    (X, z), (X_site, z_site) = (
        (torch.from_numpy(_with_one(seen.hidden)), torch.from_numpy(seen.logits).double())
        for seen in (told, site)
    )
    said = torch.from_numpy(softmax(site.logits, temperature)) * HELD / len(X_site)
    others, weights = torch.from_numpy(~allowed), torch.from_numpy(weight)
    W = torch.zeros(z.shape[1], X.shape[1], dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([W], max_iter=100, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        search.zero_grad()
        log_p = ((z + X @ W.T) / temperature).log_softmax(dim=1)
        log_p_site = ((z_site + X_site @ W.T) / temperature).log_softmax(dim=1)
        pull = -(weights * log_p.masked_fill(others, -torch.inf).logsumexp(dim=1)).sum()
        total = pull - (said * log_p_site).sum() + RIDGE / 2 * W.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    search.step(loss)  # type: ignore[no-untyped-call]
    found: F64 = W.detach().numpy()
    if not np.isfinite(found).all():
        raise DataError("nothing to adapt: what the model says of these rows is no number")
    return found


def _with_one(X: F32) -> F64:
    return np.column_stack([X, np.ones(len(X))]).astype(np.float64)
