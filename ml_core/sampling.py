"""Unequal classes made less unequal, in the training part only (paper 1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

MOST_TIMES = 20  # a class of five windows does not become one of a thousand


def undersample(y: Ints, largest: int, seed: int) -> Ints:
    """Rows to keep [K], in order: of every class with more than `largest` rows a random choice.

    Paper 1 thins Normal from six to two million.
    """
    rng = np.random.default_rng(seed)
    kept = [
        rows if len(rows) <= largest else rng.choice(rows, largest, replace=False)
        for rows in (np.flatnonzero(y == c) for c in np.unique(y))
    ]
    return np.sort(np.concatenate(kept))


def smote_windows(
    rows: npt.NDArray[np.float32],
    index: Ints,
    y: Ints,
    least: int,
    seed: int,
    neighbours: int = 5,
) -> tuple[npt.NDArray[np.float32], Ints, Ints]:
    """Synthetic windows for small classes; returns rows [R+, F], index [M+, T], y [M+].

    Paper 1: x_new = x + ζ (x_neighbour - x), ζ uniform in [0, 1]. Here x is the *whole window*,
    its T x F numbers in one vector, and a neighbour must be of the same class and hold
    as many flows, so that padding is never blended with a flow. Classes with fewer than `least`
    windows are raised to `least`, but not beyond MOST_TIMES their number, shared among their
    lengths as they occur; a length that occurs once has no neighbour and stays as it is. Synthetic flows are appended to `rows`.
    """
    from imblearn.over_sampling import SMOTE

    steps = index.shape[1]
    lengths = (index >= 0).sum(axis=1)
    new_rows, new_index, new_y = [rows], [index], [y]
    total = len(rows)
    for label in np.unique(y).tolist():
        of_class = np.flatnonzero(y == label)
        wanted = min(least, MOST_TIMES * len(of_class))
        if len(of_class) >= wanted:
            continue
        for length in np.unique(lengths[of_class]):
            chosen = of_class[lengths[of_class] == length]
            target = round(wanted * len(chosen) / len(of_class))
            if len(chosen) < 2 or target <= len(chosen):
                continue
            flat = rows[index[chosen, :length]].reshape(len(chosen), -1)  # [m, L·F]
            made = _smote(SMOTE, flat, target, min(neighbours, len(chosen) - 1), seed)
            synthetic = made.reshape(-1, rows.shape[1])  # [k·L, F]
            count = len(synthetic) // length
            pointer = np.full((count, steps), -1, dtype=np.int64)
            pointer[:, :length] = total + np.arange(count * length).reshape(count, length)
            new_rows.append(synthetic.astype(rows.dtype))
            new_index.append(pointer)
            new_y.append(np.full(count, label, dtype=y.dtype))
            total += len(synthetic)
    return np.concatenate(new_rows), np.concatenate(new_index), np.concatenate(new_y)


def floods_from_scans(
    rows: npt.NDArray[np.float32],
    index: Ints,
    y: Ints,
    classes: tuple[int, int, int],
    count: int,
    seed: int,
) -> tuple[npt.NDArray[np.float32], Ints, Ints]:
    """Floods of half-open connections, made of scans by changing nothing but the context.

    One packet to a port and the refusal (or nothing) that comes back is the same flow in a scan
    and in a flood; the difference is where the others went. So up to `count` scan windows each
    are copied as if they had stayed at one port (a denial of service), and as if each came from
    another source that is hardly seen twice (a distributed one). `classes` are the numbers of
    (scan, flood, distributed flood); the last four columns of `rows` are HOST_COLUMNS.
    Returns rows [R+, F], index [M+, T], y [M+].
    """
    scan, flood, distributed = classes
    rng = np.random.default_rng(seed)
    last = index[np.arange(len(index)), (index >= 0).sum(axis=1) - 1]
    known, ports = rows[last, -4] > 0, rows[last, -3] > 0.5
    scans = np.flatnonzero((y == scan) & known & ports)
    parts: list[tuple[npt.NDArray[np.float32], Ints, Ints]] = [(rows, index, y)]
    total = len(rows)
    for label in (flood, distributed):
        for window in index[rng.permutation(scans)[:count]]:
            flows = window[window >= 0]
            if label == distributed:
                flows = flows[-rng.integers(1, 4) :]
            made = rows[flows].copy()
            made[:, -3:] = 0.0
            if label == distributed:
                made[:, -1] = rng.uniform(0.8, 1.0)
            pointer = np.full((1, index.shape[1]), -1, dtype=np.int64)
            pointer[0, : len(flows)] = total + np.arange(len(flows))
            parts.append((made, pointer, np.array([label])))
            total += len(flows)
    new_rows, new_index, new_y = zip(*parts, strict=True)
    return np.concatenate(new_rows), np.concatenate(new_index), np.concatenate(new_y)


def _smote(
    smote: Any, flat: npt.NDArray[np.float32], target: int, neighbours: int, seed: int
) -> npt.NDArray[np.float32]:
    """Synthetic vectors [target - m, D] between the m given ones.

    imbalanced-learn balances two classes or more: a far-off second class gives it one.
    """
    m = len(flat)
    decoys = np.zeros((target, flat.shape[1]), dtype=flat.dtype)
    X = np.concatenate([flat, decoys])
    labels = np.concatenate([np.ones(m, dtype=int), np.zeros(target, dtype=int)])
    sampler = smote(sampling_strategy={1: target}, k_neighbors=neighbours, random_state=seed)
    resampled, _ = sampler.fit_resample(X, labels)
    return np.asarray(resampled[len(X) :], dtype=np.float32)
