"""How fast the flow network learns: `python -m tests.benchmarks train`.

Prints one JSON object: `windows_per_s` of `ml_core.network` (windows gathered on the device),
`dataloader_ratio` against a plain DataLoader over the same windows and network, one window a
Python call, and the `device`. Both learn the same made-up windows with the same batch size.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import pairwise

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ml_core.kinds.flows.windows import CONTEXT_COLUMNS, FLOW_COLUMNS, WINDOW, window_index
from ml_core.network.architecture import Architecture
from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.network.losses import weighted_cross_entropy
from ml_core.network.options import Options
from ml_core.network.sequences import FlowSet
from ml_core.network.training import train

Sample = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Windows(Dataset[Sample]):
    """Windows as a data set is usually written: one row a call."""

    def __init__(self, flows: FlowSet) -> None:
        self.flows = flows

    def __len__(self) -> int:
        return len(self.flows.y)

    def __getitem__(self, row: int) -> Sample:
        index = self.flows.index[row]
        real = index >= 0
        x = torch.zeros(len(index), self.flows.rows.shape[1])
        x[real] = self.flows.rows[index[real]]
        return x, real.sum(), self.flows.y[row]


def made_up(windows: int) -> FlowSet:
    rng = np.random.default_rng(0)
    width = len(FLOW_COLUMNS) + len(CONTEXT_COLUMNS)
    rows = rng.normal(size=(windows, width)).astype(np.float32)
    index = window_index(rng.integers(0, windows // 50, windows), np.arange(windows))
    return FlowSet.of(rows, index, rng.integers(0, 8, windows), len(FLOW_COLUMNS))


def plain(arch: Architecture, flows: FlowSet, batch: int, device: torch.device) -> float:
    """Seconds of one epoch with a DataLoader."""
    network = BiLSTMDNN(arch).to(device).train()
    optimizer = torch.optim.Adam(network.parameters())
    weights = torch.ones(arch.classes, device=device)
    start = time.perf_counter()
    for x, lengths, y in DataLoader(Windows(flows), batch_size=batch, shuffle=True):
        optimizer.zero_grad(set_to_none=True)
        logits = network(x.to(device), lengths.to(device)).logits
        loss = weighted_cross_entropy(logits, y.to(device), weights)
        loss.backward()
        optimizer.step()
    float(loss.detach())  # waits for a GPU
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--windows", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=256)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    arch = Architecture("numbers", len(FLOW_COLUMNS) + len(CONTEXT_COLUMNS), 8, WINDOW)
    flows, few = made_up(chosen.windows), made_up(256)
    ends: list[float] = []
    train(
        arch,
        flows,
        few,
        np.ones(8, dtype=np.float32),
        Options(epochs=3, patience=9, batch=chosen.batch, device=device.type),
        lambda _: ends.append(time.perf_counter()),
    )
    ours = min(b - a for a, b in pairwise(ends))  # the first epoch warms up
    theirs = plain(arch, flows, chosen.batch, device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    print(
        json.dumps(
            {
                "windows_per_s": round(chosen.windows / ours),
                "dataloader_ratio": round(theirs / ours, 2),
                "device": name,
                "threads": chosen.threads,
                "batch": chosen.batch,
            }
        )
    )


if __name__ == "__main__":
    main()
