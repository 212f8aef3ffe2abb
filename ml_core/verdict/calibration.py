"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def softmax(logits: npt.ArrayLike, temperature: float = 1.0) -> F64:
    """Probabilities [N, C] of logits [N, C]; temperatures above one make them less certain.

    Where the largest logit is no number, nothing is known: all classes are equally likely.
    """
    z = np.asarray(logits, dtype=np.float64) / temperature
    top = z.max(axis=1, keepdims=True)
    unknown = ~np.isfinite(top[:, 0])
    z[unknown], top[unknown] = 0.0, 0.0
    z -= top
    e = np.exp(z)
    p: F64 = e / e.sum(axis=1, keepdims=True)
    return p


def negative_log_likelihood(logits: npt.ArrayLike, y: Ints, temperature: float = 1.0) -> float:
    """Mean -log p of the true classes y [N]."""
    p = softmax(logits, temperature)[np.arange(len(y)), y]
    return float(-np.log(np.maximum(p, 1e-300)).mean())


def fit_temperature(logits: npt.ArrayLike, y: Ints) -> float:
    """The one temperature that minimises the validation NLL.

    Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, section
    4.2. The NLL is convex in 1/T, so a fine search by thirds on a logarithmic scale finds it.
    """
    low, high = np.log(0.05), np.log(20.0)
    for _ in range(60):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        if negative_log_likelihood(logits, y, np.exp(a)) < negative_log_likelihood(
            logits, y, np.exp(b)
        ):
            high = b
        else:
            low = a
    return float(np.exp((low + high) / 2))


def expected_calibration_error(probabilities: F64, y: Ints, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy, weighted by bin size (Guo et al. 2017, eq. 3)."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == y
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = 0.0
    for b in np.unique(bin_of):
        inside = bin_of == b
        gap += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return float(gap)


def calibration_error_by_chance(probabilities: F64, bins: int = 15) -> float:
    """The calibration error that as many rows would show on average if all p [N, C] were true.

    Of a bin of n rows with confidences c the gap is then about normal with variance
    Σ c (1 - c) / n², whose mean absolute value is √(2/π) of its deviation. Few rows show an error
    though there is none: Roelofs, Cain, Shlens, Mozer, "Mitigating bias in calibration error
    estimation", AISTATS 2022.
    """
    confidence = probabilities.max(axis=1)
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    spread = np.bincount(bin_of, weights=confidence * (1.0 - confidence))
    return float(np.sqrt(2.0 / np.pi * spread).sum() / len(confidence))


def harmless_bias(logits: npt.ArrayLike, y: Ints, rate: float, loss: float = 0.01) -> float:
    """What the harmless class's logit needs so that few harmless inputs are called an attack.

    Learning with weighted classes makes a network call too much an attack. The least bias with
    which at most the share `rate` of the harmless validation inputs is called one; no more than
    costs the share `loss` of the attacks that are found. logits [N, C], classes y [N].
    """
    z = np.asarray(logits, dtype=np.float64)
    odds = z[:, 1:].max(axis=1) - z[:, 0]
    found = odds[(y != 0) & (odds > 0)]
    bearable = float(np.quantile(found, loss)) if len(found) else 0.0
    harmless = z[y == 0]
    return min(least_bias(harmless, int(rate * len(harmless))), bearable)


def least_bias(logits: npt.ArrayLike, most: int) -> float:
    """The least that the harmless class's logit needs, from nothing, so that at most `most` of N
    inputs are called an attack. logits [N, C]."""
    z = np.asarray(logits, dtype=np.float64)
    odds = np.sort(z[:, 1:].max(axis=1) - z[:, 0])[::-1]
    return max(float(odds[most]), 0.0) if most < len(odds) else 0.0
