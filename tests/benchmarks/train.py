"""How fast the flow network learns: `python -m tests.benchmarks train`.

Prints one JSON object: `windows_per_s` of `ml_core.network.training`, `dataloader_ratio` against
the loop that people write (a Dataset that gives one window a call, DataLoader, a packed
bidirectional `nn.LSTM`, Adam), `padded_ratio` against the same loop without packing, which takes
padding for flows, and the `device`. All learn the same made-up windows. The loops of others have
batches of 256 (`--plain-batch`) and 32 bits, whatever ours has (`--batch`, `--precision`);
`fastest_windows_per_s` and `fastest_ratio` are of ours with batches of 1,024 and bfloat16.
Each is a process of its own; the best epoch of several rounds counts. Where one thread learns on a
CPU, seconds are processor time, so that what else the machine does counts little.

`disturbed_windows_per_s` is of ours as flows are really learned, other networks imitated and
histories cut, and `disturbed_ratio` is that against the packed loop whose Dataset does the same to
the window that it gives. The other loops leave windows as they are.

`allowed_ratio` is what `dataloader_ratio` would be if learning were nothing but its matrix
products at the rate of the fastest of this machine's 32-bit multiplications.
`--processes 2` learns with `torchrun`, one thread a process, against a loop of two threads.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader, Dataset

from ml_core.kinds.flows.building import OPTIONS
from ml_core.kinds.flows.columns import INPUT_COLUMNS, NUMBERS
from ml_core.kinds.flows.disturbance import USUAL, SiteSet
from ml_core.kinds.flows.windows import WINDOW, window_index
from ml_core.network.architecture import Architecture
from ml_core.network.options import Options
from ml_core.network.sequences import Batch, FlowSet
from ml_core.network.training import Progress, train
from tests.benchmarks.score import arithmetic, fastest, multiplications

CLASSES = 8
FASTEST = (1024, "bf16")
SIDES = ("ours", "disturbed", "fastest", "packed", "padded", "packed-disturbed")
OURS = SIDES[:3]


class Windows(Dataset[tuple[Tensor, int, int]]):
    """Windows as a data set is usually written: one a call."""

    def __init__(self, flows: FlowSet) -> None:
        self.x, self.lengths, y = flows.batch(torch.arange(len(flows.y)))
        self.y = y.tolist()

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, row: int) -> tuple[Tensor, int, int]:
        return self.x[row], int(self.lengths[row]), self.y[row]


class DisturbedWindows(Windows):
    """The same, each disturbed as it is given, with our own code for that."""

    def __init__(self, flows: SiteSet, options: Options) -> None:
        super().__init__(flows)
        self.flows, self.options = flows, options

    def __getitem__(self, row: int) -> tuple[Tensor, int, int]:
        one = Batch(self.x[row : row + 1], self.lengths[row : row + 1], torch.tensor([self.y[row]]))
        x, lengths, y = self.flows.disturb(one, self.options)
        return x[0], int(lengths[0]), int(y[0])


class Plain(nn.Module):
    """The network of paper 2 with the layers that PyTorch has for it."""

    def __init__(self, arch: Architecture, packed: bool) -> None:
        super().__init__()
        self.packed = packed
        hidden, first = arch.hidden, (4 * arch.hidden + arch.classes) // 2
        second = (first + arch.classes) // 2
        self.norm = nn.BatchNorm1d(arch.inputs)
        self.lstm = nn.LSTM(arch.inputs, hidden, batch_first=True, bidirectional=True)
        self.query, self.key = nn.Linear(2 * hidden, hidden), nn.Linear(2 * hidden, hidden)
        self.dnn = nn.Sequential(
            nn.BatchNorm1d(4 * hidden), nn.Linear(4 * hidden, first), nn.ReLU(), nn.Dropout(arch.dropout),
            nn.BatchNorm1d(first), nn.Linear(first, second), nn.ReLU(), nn.Dropout(arch.dropout),
            nn.Linear(second, arch.classes),
        )  # fmt: skip

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        steps = x.shape[1]
        x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        if self.packed:
            ends = lengths.cpu()
            pack = pack_padded_sequence(x, ends, batch_first=True, enforce_sorted=False)
            states = pad_packed_sequence(self.lstm(pack)[0], batch_first=True, total_length=steps)[
                0
            ]
        else:
            states = self.lstm(x)[0]
        last = states[torch.arange(len(x)), lengths - 1]
        scores = self.key(states) @ self.query(last).unsqueeze(2) / math.sqrt(self.key.out_features)
        padding = torch.arange(steps, device=x.device) >= lengths.unsqueeze(1)
        weights = scores.squeeze(2).masked_fill(padding, -math.inf).softmax(dim=1)
        context = (weights.unsqueeze(1) @ states).squeeze(1)
        logits: Tensor = self.dnn(torch.cat([context, last], dim=1))
        return logits


def made_up(windows: int, inputs: int) -> FlowSet:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(windows, inputs)).astype(np.float32)
    index = window_index(rng.integers(0, max(windows // 50, 1), windows), np.arange(windows))
    return FlowSet.of(rows, index, rng.integers(0, CLASSES, windows))


def now() -> float:
    alone = torch.get_num_threads() == 1 and "WORLD_SIZE" not in os.environ
    return time.process_time() if alone and not torch.cuda.is_available() else time.perf_counter()


def plainly(arch: Architecture, data: Windows, batch: int, packed: bool) -> list[float]:
    """Seconds of each of two epochs with a DataLoader."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = Plain(arch, packed).to(device).train()
    optimizer = torch.optim.Adam(network.parameters())
    weigh = nn.CrossEntropyLoss(weight=torch.ones(arch.classes, device=device))
    loader, ends = DataLoader(data, batch_size=batch, shuffle=True), [now()]
    for _ in range(2):
        for x, lengths, y in loader:
            optimizer.zero_grad()
            loss = weigh(network(x.to(device), lengths.to(device)), y.to(device))
            loss.backward()
            optimizer.step()
        float(loss.detach())  # waits for a GPU
        ends.append(now())
    return [b - a for a, b in pairwise(ends)]


def ours(
    arch: Architecture, flows: FlowSet, batch: int, precision: str, forget: float = 0.0
) -> list[float]:
    """Seconds of each of two epochs of our own, but for the first process's only."""
    ends = [now()]
    few, weights = made_up(256, arch.inputs), np.ones(arch.classes, dtype=np.float32)
    options = Options(epochs=3, patience=9, batch=batch, precision=precision, forget=forget)

    def tell(progress: Progress) -> None:
        # a report within an epoch may come with its last batch: only an end has a validation loss
        if not math.isnan(progress.validation_loss):
            ends.append(now())

    train(arch, flows, few, weights, options, tell)
    return [b - a for a, b in pairwise(ends)][1:]


def one_side(side: str, chosen: argparse.Namespace) -> float:
    """Seconds of an epoch of one side, measured in a process of its own."""
    joint = side in OURS and chosen.processes > 1
    batch, precision = (chosen.batch if side in OURS else chosen.plain_batch), chosen.precision
    if side == "fastest":
        batch, precision = FASTEST
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    command = [
        sys.executable,
        *(start if joint else []),
        *([str(chosen.processes)] if joint else []),
    ]
    command += ["-m", "tests.benchmarks.train", "--side", side, "--windows", str(chosen.windows)]
    command += ["--batch", str(batch), "--inputs", str(chosen.inputs)]
    threads = 1 if side in OURS else chosen.processes
    command += ["--threads", str(max(threads, chosen.threads)), "--precision", precision]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ)
    return float(run.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--windows", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--plain-batch", type=int, default=256, help="of the other loops")
    parser.add_argument("--inputs", type=int, default=len(INPUT_COLUMNS), help="numbers a flow")
    parser.add_argument("--precision", default="full" if not torch.cuda.is_available() else "bf16")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    arch = Architecture("numbers", chosen.inputs, CLASSES, WINDOW)
    if chosen.side:
        flows = made_up(chosen.windows, chosen.inputs)
        as_learned = SiteSet(flows.rows, flows.index, flows.y, torch.ones(len(NUMBERS)), USUAL)
        if chosen.side in ("ours", "fastest"):
            seconds = ours(arch, flows, chosen.batch, chosen.precision)
        elif chosen.side == "disturbed":
            seconds = ours(arch, as_learned, chosen.batch, chosen.precision, OPTIONS.forget)
        elif chosen.side == "packed-disturbed":
            data = DisturbedWindows(as_learned, OPTIONS)
            seconds = plainly(arch, data, chosen.batch, packed=True)
        else:
            seconds = plainly(arch, Windows(flows), chosen.batch, chosen.side == "packed")
        if seconds:
            print(min(seconds))
        return
    best = {side: min(one_side(side, chosen) for _ in range(chosen.rounds)) for side in SIDES}
    rates = fastest(multiplications(), 3.0)
    gflops = 2 * 1024**3 / min(rates.values()) / 1e9
    work = 3 * arithmetic(arch)  # backwards there are two products for each one forwards
    least = chosen.windows * work / (gflops * 1e9 * max(chosen.processes, chosen.threads))
    report = {
        "windows_per_s": round(chosen.windows / best["ours"]),
        "fastest_windows_per_s": round(chosen.windows / best["fastest"]),
        "disturbed_windows_per_s": round(chosen.windows / best["disturbed"]),
        "dataloader_ratio": round(best["packed"] / best["ours"], 2),
        "fastest_ratio": round(best["packed"] / best["fastest"], 2),
        "disturbed_ratio": round(best["packed-disturbed"] / best["disturbed"], 2),
        "padded_ratio": round(best["padded"] / best["ours"], 2),
        "allowed_ratio": round(best["packed"] / least, 2),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": chosen.threads,
        "processes": chosen.processes,
        "batch": chosen.batch,
        "plain_batch": chosen.plain_batch,
        "precision": chosen.precision,
        "arithmetic_per_window": work,
        "multiplication_gflops": round(gflops, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
