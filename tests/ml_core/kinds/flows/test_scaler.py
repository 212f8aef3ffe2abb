"""One scale that survives extremes."""

from __future__ import annotations

import numpy as np

from ml_core.kinds.flows.scaler import CLIP, Scaler


def test_the_scaler_survives_infinities_and_outliers() -> None:
    wild = np.array([[1.0, -5.0], [1e9, 5.0], [np.inf, np.nan], [3.0, 0.0]])
    scaled = Scaler.fit(wild).transform(wild)
    assert np.isfinite(scaled).all()
    assert abs(scaled).max() <= CLIP
    assert scaled[2, 1] == 0.0
