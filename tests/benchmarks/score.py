"""How fast the shipped flow network scores: `python -m tests.benchmarks score`.

Prints one JSON object; everything is measured side by side in one run, best of several:
`windows_per_s` of `Scorer.score_flows` on whole arrays (scaling, context and windows included),
`network_windows_per_s` of the network alone, `limit_ratio` (the share of this machine's matrix
multiplication that the network's arithmetic reaches), `eager_ratio` (against one window at a
time through the same network) and `batch1_ms`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
import torch

from ml_core.kinds import FLOWS
from ml_core.kinds.flows.windows import FLOW_COLUMNS
from ml_core.model_file import shipped
from ml_core.network.architecture import Architecture
from ml_core.scorer import CHUNK, Scorer


def arithmetic(arch: Architecture) -> int:
    """Multiplications and additions of one window through the network's matrices."""
    hidden, classes = arch.hidden, arch.classes
    directions = 2 if arch.bidirectional else 1
    width = directions * hidden
    lstm = directions * arch.steps * 2 * (arch.inputs + hidden) * 4 * hidden
    attention = 2 * width * hidden * (arch.steps + 1) + 2 * arch.steps * (hidden + width)
    first = (2 * width + classes) // 2
    second = (first + classes) // 2
    return lstm + attention + 2 * (2 * width * first + first * second + second * classes)


def best(action: Callable[[], object], seconds: float) -> float:
    """Seconds of the fastest of as many runs as fit, after one to warm up."""
    action()
    fastest, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        action()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--flows", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each measurement")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    scorer = Scorer.load(shipped(FLOWS), FLOWS)
    arch = scorer.model.network.arch
    rng = np.random.default_rng(0)
    features = rng.lognormal(3, 2, (chosen.flows, len(FLOW_COLUMNS)))
    group, port = rng.integers(0, 200, (2, chosen.flows))
    when = np.arange(chosen.flows)

    whole = best(
        lambda: scorer.score_flows(features, FLOW_COLUMNS, group, when, group % 7, port),
        chosen.seconds,
    )
    x = torch.randn(CHUNK, arch.steps, arch.inputs)
    lengths = torch.full((CHUNK,), arch.steps)
    side = 1024
    a, b = torch.randn(side, side), torch.randn(side, side)
    with torch.inference_mode():
        network = best(lambda: scorer.model.network(x, lengths), chosen.seconds)
        multiply = best(lambda: a @ b, chosen.seconds)
        one = best(lambda: scorer.model.network(x[:1], lengths[:1]), chosen.seconds / 2)
        eager = best(
            lambda: [scorer.model.network(x[i : i + 1], lengths[:1]) for i in range(64)],
            chosen.seconds / 2,
        )
    rate = arithmetic(arch) * CHUNK / network
    print(
        json.dumps(
            {
                "windows_per_s": round(chosen.flows / whole),
                "network_windows_per_s": round(CHUNK / network),
                "limit_ratio": round(rate / (2 * side**3 / multiply), 3),
                "eager_ratio": round((chosen.flows / whole) / (64 / eager), 1),
                "batch1_ms": round(one * 1e3, 3),
                "arithmetic_per_window": arithmetic(arch),
                "network_gflops": round(rate / 1e9, 1),
                "multiplication_gflops": round(2 * side**3 / multiply / 1e9, 1),
                "threads": chosen.threads,
                "chunk": CHUNK,
            }
        )
    )


if __name__ == "__main__":
    main()
