"""How fast the shipped flow network scores: `python -m tests.benchmarks score`.

Prints one JSON object; everything is measured in turns in one run, and the best turn of each
counts: `windows_per_s` of `Scorer.score_flows` on whole arrays (scaling, context and windows
included), `network_windows_per_s` of the network as it judges full windows of the same flows,
`limit_ratio` (that rate against what PyTorch's matrix multiplication would allow for the network's
arithmetic on every window; `fastest_limit_ratio`: the fastest multiplication found on this machine
would; `done_ratio`: for the arithmetic that is done, less than the network's, for what windows
share is computed once), `eager_ratio` (against one window at a time through the same network),
`batch1_ms` of the network for one window after the other, `batch1_cold_ms` for one after other work
has filled the caches, and `batch1_scorer_ms` of the whole path for one row judged among its source's
flows, likewise cold. With one thread, seconds are processor time, so that what else the machine does
counts little.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from ml_core.kinds import FLOWS
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.kinds.flows.windows import window_index
from ml_core.model_file import shipped
from ml_core.network.architecture import Architecture
from ml_core.scorer import CHUNK, Scorer
from ml_core.verdict.seen import look_at_windows

SIDE = 1024  # of the matrices whose product is the limit
Action = Callable[[], object]


def arithmetic(arch: Architecture) -> int:
    """Multiplications and additions of one window through the matrices, as they are computed."""
    hidden, classes = arch.hidden, arch.classes
    directions = 2 if arch.bidirectional else 1
    width = directions * hidden
    lstm = directions * arch.steps * 2 * (arch.inputs + hidden) * 4 * hidden
    attention = 2 * 2 * width * hidden + 2 * 2 * arch.steps * width
    first = (2 * width + classes) // 2
    second = (first + classes) // 2
    return lstm + attention + 2 * (2 * width * first + first * second + second * classes)


def shared(arch: Architecture) -> int:
    """Of these, what is done of each flow by itself: once, in however many windows it stands."""
    return 2 * arch.inputs * 4 * arch.hidden * (2 if arch.bidirectional else 1)


def multiplications() -> dict[str, Action]:
    """The product of two square matrices of 32 bits, by each library at hand."""
    a, b = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    out = torch.empty(SIDE, SIDE)
    actions: dict[str, Action] = {"torch": lambda: torch.mm(a, b, out=out)}
    if torch.backends.mkldnn.is_available():
        dense, weights = a.to_mkldnn(), b.to_mkldnn()
        actions["oneDNN"] = lambda: torch.nn.functional.linear(dense, weights)
    x, y = a.numpy(), b.numpy()
    actions["numpy"] = lambda: x @ y
    return actions


@torch.inference_mode()
def fastest(actions: Mapping[str, Action], seconds: float) -> dict[str, float]:
    """Seconds of the fastest run of each, in turns, after one turn to warm up."""
    one_thread = torch.get_num_threads() == 1
    best = dict.fromkeys(actions, float("inf"))
    end = time.perf_counter() + seconds * len(actions)
    for turn in range(1_000_000):
        for name, action in actions.items():
            # processor time of one thread tells more on a shared machine; several need the wall's
            alone = one_thread and name != "workers"
            clock = time.process_time if alone else time.perf_counter
            start = clock()
            action()
            taken = clock() - start
            if turn:
                best[name] = min(best[name], taken)
        if turn and time.perf_counter() > end:
            break
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    parser.add_argument("--workers", type=int, default=2, help="chunks judged side by side")
    parser.add_argument("--flows", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measurement")
    parser.add_argument("--model", type=Path, default=shipped(FLOWS))
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    scorer = Scorer.load(chosen.model, FLOWS)
    several = Scorer(scorer.model, chosen.workers)
    network, arch = scorer.model.network, scorer.model.network.arch
    rng = np.random.default_rng(0)
    features = rng.lognormal(3, 2, (chosen.flows, len(FLOW_COLUMNS)))
    group, port = rng.integers(0, 200, (2, chosen.flows))
    when = np.arange(chosen.flows)
    x = torch.randn(1, arch.steps, arch.inputs)
    lengths = torch.full((1,), arch.steps)
    flows = rng.normal(size=(chosen.flows, arch.inputs)).astype(np.float32)
    windows = window_index(group, when, arch.steps)
    windows = windows[(windows >= 0).all(axis=1)][:CHUNK]  # full ones
    ten = slice(0, arch.steps)
    one = np.zeros(arch.steps, dtype=np.int64)

    def score(
        rows: slice, group: np.ndarray, judged: list[int] | None = None, by: Scorer = scorer
    ) -> object:
        about = (group, when[rows], group % 7, port[rows])
        return by.score_flows(features[rows], FLOW_COLUMNS, *about, judged=judged)

    taken = fastest(
        {
            "whole": lambda: score(slice(None), group),
            "workers": lambda: score(slice(None), group, by=several),
            "network": lambda: look_at_windows(network, flows, windows),
            "one": lambda: network(x, lengths),
            "one row": lambda: score(ten, one, [arch.steps - 1]),
            "eager": lambda: [network(x, lengths) for _ in range(64)],
            **multiplications(),
        },
        chosen.seconds,
    )
    product = 2 * SIDE**3 / 1e9
    rates = {name: product / taken[name] for name in multiplications()}
    rate = arithmetic(arch) * len(windows) / taken["network"] / 1e9
    spared = shared(arch) * (windows.size - len(np.unique(windows))) / taken["network"] / 1e9
    report = {
        "windows_per_s": round(chosen.flows / taken["workers"]),
        "windows_per_thread_s": round(chosen.flows / taken["whole"]),
        "network_windows_per_s": round(len(windows) / taken["network"]),
        "limit_ratio": round(rate / rates["torch"], 3),
        "fastest_limit_ratio": round(rate / max(rates.values()), 3),
        "done_ratio": round((rate - spared) / rates["torch"], 3),
        "eager_ratio": round((chosen.flows / taken["whole"]) / (64 / taken["eager"]), 1),
        "batch1_ms": round(taken["eager"] / 64 * 1e3, 3),
        "batch1_cold_ms": round(taken["one"] * 1e3, 3),
        "batch1_scorer_ms": round(taken["one row"] * 1e3, 3),
        "arithmetic_per_window": arithmetic(arch),
        "network_gflops": round(rate, 1),
        "multiplication_gflops": {name: round(each, 1) for name, each in rates.items()},
        "threads": chosen.threads,
        "workers": chosen.workers,
        "chunk": CHUNK,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
