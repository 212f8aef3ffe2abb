"""Flow features brought to one scale that survives another network's extremes.

CICFlowMeter features span nine decades (microseconds to gigabytes) and hold infinities: a signed
logarithm first, then standardisation, then clipping, so that one outlandish flow cannot dominate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError

CLIP = 5.0

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scaler:
    """x' = clip((slog(x) - mean) / scale), slog(x) = sign(x)·log(1 + |x|); all per column [F]."""

    mean: F64  # [F]
    scale: F64  # [F], > 0

    @classmethod
    def fit(cls, X: npt.ArrayLike) -> Scaler:
        """Mean and deviation of the logarithms of X [N, F], of what is told; DataError without rows."""
        logs = _signed_log(X)
        if logs.size == 0:
            raise DataError("no rows to learn the scale from")
        told = ~np.isnan(np.asarray(X, dtype=np.float64))
        count = np.maximum(told.sum(axis=0), 1)
        mean = np.where(told, logs, 0.0).sum(axis=0) / count
        deviation = np.sqrt(np.where(told, (logs - mean) ** 2, 0.0).sum(axis=0) / count)
        return cls(mean, np.where(deviation > 1e-6, deviation, 1.0))

    def transform(self, X: npt.ArrayLike) -> F32:
        """X [N, F] to scaled [N, F] float32 in [-CLIP, CLIP]; NaN becomes the training mean."""
        raw = np.asarray(X, dtype=np.float64)
        scaled = (_signed_log(raw) - self.mean) / self.scale
        scaled[np.isnan(raw)] = 0.0
        return np.clip(scaled, -CLIP, CLIP).astype(np.float32)


def _signed_log(X: npt.ArrayLike) -> F64:
    finite = np.nan_to_num(np.asarray(X, dtype=np.float64), nan=0.0, posinf=1e12, neginf=-1e12)
    logs: F64 = np.sign(finite) * np.log1p(np.abs(finite))
    return logs
