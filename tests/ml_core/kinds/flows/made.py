"""Flows in FLOW_COLUMNS' order, made on the spot."""

from __future__ import annotations

import numpy as np

from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.readers.flows import FlowTable

F32 = np.ndarray[tuple[int, int], np.dtype[np.float32]]


def features(count: int, **columns: float | np.ndarray) -> F32:
    """All NaN (not told) but the `columns`, whose names are written with underscores."""
    flows = np.full((count, len(FLOW_COLUMNS)), np.nan, dtype=np.float32)
    names = {name.replace(" ", "_").replace("/", "_"): i for i, name in enumerate(FLOW_COLUMNS)}
    for name, value in columns.items():
        flows[:, names[name]] = value
    return flows


def sizes(count: int, seed: int = 0, **fixed: float | np.ndarray) -> F32:
    """What every format tells, at random but for what is `fixed`."""
    rng = np.random.default_rng(seed)
    told: dict[str, float | np.ndarray] = {
        "Flow_Duration": rng.lognormal(10, 2, count),
        "Total_Fwd_Packet": rng.integers(1, 9, count),
        "Total_Bwd_packets": rng.integers(0, 9, count),
        "Total_Length_of_Fwd_Packet": rng.integers(0, 5_000, count),
        "Total_Length_of_Bwd_Packet": rng.integers(0, 50_000, count),
    }
    return features(count, **{**told, **fixed})


def table(flows: F32, source: np.ndarray | int = 0, hosts: int = 4) -> FlowTable:
    """Flows of a few hosts, one after the other."""
    rows = np.arange(len(flows))
    return FlowTable(
        features=flows,
        group=(rows % hosts).astype(np.int32),
        time=rows.astype(np.int64),
        destination=np.full(len(flows), hosts, dtype=np.int32),
        port=np.full(len(flows), 80, dtype=np.int32),
        source_port=np.full(len(flows), -1, dtype=np.int32),
        protocol=np.full(len(flows), 6, dtype=np.int8),
        same_network=np.zeros(len(flows), dtype=np.int8),
        source=np.broadcast_to(source, len(flows)).astype(np.int32),
        cut=np.ones(len(flows), dtype=np.bool_),
    )
