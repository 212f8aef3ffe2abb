"""Whether an explanation names what the verdict rests on.

The deletion test: without what an explanation says to speak most for the verdict, the score must
fall more than without as many other parts drawn at random (Samek, Binder, Montavon, Lapuschkin, Müller, "Evaluating the visualization of what
a deep neural network has learned", IEEE TNNLS 2017, section III, for single regions).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.verdict.explanation import (
    field_shares,
    integrated_gradients,
    log_odds,
    masked,
    step_counts,
    step_shares,
    steps_of,
)


@dataclass(frozen=True)
class Faithfulness:
    """N explained verdicts; those with fewer than two parts have nothing to compare and hold NaN.

    Of a verdict of n parts (fields or steps) the `top` are taken away that speak most for it, or
    half where there are not twice as many.
    """

    fell: npt.NDArray[np.float64]  # [N] by how much the log-odds fell without them
    won: npt.NDArray[np.float64]  # [N] share of the random draws that cost less

    @classmethod
    def joined(cls, parts: Sequence[Faithfulness]) -> Faithfulness:
        fell, won = ([getattr(part, name) for part in parts] for name in ("fell", "won"))
        return cls(np.concatenate([np.empty(0), *fell]), np.concatenate([np.empty(0), *won]))

    @property
    def rows(self) -> int:
        """How many could be compared."""
        return int((~np.isnan(self.won)).sum())

    @property
    def share(self) -> float:
        """Of verdicts and draws, those where they cost more than the random ones."""
        return float(np.nanmean(self.won)) if self.rows else float("nan")


@torch.no_grad()
def faithfulness(
    network: BiLSTMDNN,
    x: Tensor,
    lengths: Tensor,
    classes: Tensor,
    baseline: Tensor,
    fields: Tensor,
    counts: Tensor,
    top: int = 5,
    draws: int = 10,
    seed: int = 0,
) -> Faithfulness:
    """Of B embedded inputs x [B, T, E] with `counts` [B] fields, numbered in `fields`.

    The arguments are those of `ml_core.verdict.explanation`.
    """
    most = int(counts.max()) if len(counts) else 0
    if not most:
        return Faithfulness(np.full(len(x), np.nan), np.full(len(x), np.nan))
    shares = integrated_gradients(network, x, lengths, classes, baseline)
    weight = field_shares(shares, fields, most)  # [B, K]
    return _deletion(
        network, (x, lengths, classes, baseline), fields, weight, counts, top, draws, seed
    )


@torch.no_grad()
def step_faithfulness(
    network: BiLSTMDNN,
    x: Tensor,
    lengths: Tensor,
    classes: Tensor,
    baseline: Tensor,
    weight: Tensor,
    top: int = 2,
    draws: int = 10,
    seed: int = 0,
    earlier: bool = False,
) -> Faithfulness:
    """Likewise of the steps, in place of fields, by what weight [B, S] says of them.

    `earlier`: the last step always stays and counts as none. It is the judged flow, on which so
    much rests that whatever names it first passes.
    """
    steps, counts = steps_of(network, x), step_counts(network, lengths) - int(earlier)
    return _deletion(
        network, (x, lengths, classes, baseline), steps, weight, counts, top, draws, seed
    )


@torch.no_grad()
def step_weights(
    network: BiLSTMDNN, x: Tensor, lengths: Tensor, classes: Tensor, baseline: Tensor, by: str
) -> Tensor:
    """[B, S] by one of three measures: the `shares` that explanations show, and to compare them
    with the `attention`, or the `place`, which calls the latest step the most telling."""
    if by == "shares":
        return step_shares(network, integrated_gradients(network, x, lengths, classes, baseline))
    attention = network.from_embedded(x, lengths).attention
    if by == "attention":
        return attention
    if by == "place":
        return torch.arange(attention.shape[1]).expand_as(attention).to(attention)
    raise ValueError(f"no measure of steps: {by!r}")


def _deletion(
    network: BiLSTMDNN,
    given: tuple[Tensor, Tensor, Tensor, Tensor],
    of: Tensor,
    weight: Tensor,
    counts: Tensor,
    top: int,
    draws: int,
    seed: int,
) -> Faithfulness:
    """Of B verdicts with `counts` [B] parts each, `weight` [B, K] what speaks for them; `of`
    [B, T, E or 1] tells whose part each number is, `given` are x, lengths, classes and baseline."""
    x, lengths, classes, baseline = given

    def odds(chosen: Tensor) -> Tensor:
        return log_odds(network, masked(x, lengths, baseline, of, chosen), lengths, classes)

    there = torch.arange(weight.shape[1]) < counts.unsqueeze(1)
    shown = (counts // 2).clamp(max=top)
    full = odds(torch.zeros_like(there))

    def fall(chosen: Tensor) -> Tensor:
        return full - odds(chosen)

    best = _first(weight.masked_fill(~there, -math.inf), shown)
    fell = fall(best)
    generator, won = torch.Generator().manual_seed(seed), torch.zeros(len(weight))
    for _ in range(draws):
        order = torch.rand(weight.shape, generator=generator)
        won += fall(_first(order.masked_fill(~there | best, -1), shown)) < fell
    nothing = (shown == 0).numpy()
    return Faithfulness(
        np.where(nothing, np.nan, fell.double().numpy()),
        np.where(nothing, np.nan, won.double().numpy() / draws),
    )


def _first(score: Tensor, count: Tensor) -> Tensor:
    """The `count` [B] greatest of score [B, K], as booleans."""
    rank = score.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return rank < count.unsqueeze(1)
