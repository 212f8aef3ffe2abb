"""How fast, and in how much memory, flow files are read: `python -m tests.benchmarks read`.

Makes a folder of CSV files as CICFlowMeter's official ones are (original column names, a header
repeated in the midst, Infinity, CRLF), reads them as `train` does, and prints one JSON object:
`rows_per_s`, `peak_mb` (of the process while it reads, the file library included), `grown_mb` (of
that, what reading took), `bytes_per_row` (grown by row), `table_bytes_per_row` (what stays), and
`peak_mb_of_16_million` rows, extrapolated by what one more row takes.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import threading
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl

from ml_core.readers import FlowTable, read_labelled_flows
from ml_core.readers.cicflowmeter import FEATURES, SPELLINGS

ABOUT = ("Flow ID", "Src IP", "Src Port", "Dst IP", "Dst Port", "Protocol", "Timestamp")
BLOCK = 50_000  # rows made at a time; a header is repeated before each


def make(path: Path, rows: int, seed: int) -> None:
    """One day's file: `rows` flows, headers between them not counted."""
    rng = np.random.default_rng(seed)
    numbers = [SPELLINGS.get(name, (name,))[0] for name in FEATURES]
    header = ",".join([*ABOUT, *numbers, "Label"])
    with path.open("wb") as file:
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            values = np.round(rng.lognormal(4, 3, (count, len(numbers))), 2)
            values[rng.random(count) < 0.001, numbers.index("Flow Byts/s")] = np.inf
            hosts = rng.integers(0, 250, (2, count))
            frame = pl.DataFrame(
                {
                    "Flow ID": [f"{start + i}" for i in range(count)],
                    "Src IP": [f"172.16.0.{i}" for i in hosts[0]],
                    "Src Port": rng.integers(1024, 65536, count),
                    "Dst IP": [f"192.168.10.{i}" for i in hosts[1]],
                    "Dst Port": rng.integers(1, 1024, count),
                    "Protocol": rng.choice([6, 17], count),
                    "Timestamp": [f"15/02/2018 08:{i // 60 % 60:02}:{i % 60:02}"
                                  for i in range(count)],
                    **dict(zip(numbers, values.T, strict=True)),
                    "Label": rng.choice(["Benign", "DoS attacks-Hulk", "Bot"], count),
                }
            )  # fmt: skip
            text = frame.write_csv(include_header=False, line_terminator="\r\n")
            file.write(f"{header}\r\n{text.replace(',inf,', ',Infinity,')}".encode())


class Peak:
    """The most memory the process held while the block ran, in MB; looked at every 5 ms."""

    def __enter__(self) -> Peak:
        self._stop = threading.Event()
        self.before = self.most = self._now()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            self.most = max(self.most, self._now())

    @staticmethod
    def _now() -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--files", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"day-{i}.csv" for i in range(chosen.files)]
        for i, path in enumerate(paths):
            make(path, chosen.rows // chosen.files, i)
        size = sum(path.stat().st_size for path in paths)
        with Peak() as first:  # what a first batch takes, whatever follows
            make(warm := Path(folder) / "warm.csv", 20_000, 99)
            read_labelled_flows([warm])
        with Peak() as peak:
            start = time.perf_counter()
            table, labels = read_labelled_flows(paths)
            seconds = time.perf_counter() - start
    rows = len(table)
    kept = sum(getattr(table, f.name).nbytes for f in fields(FlowTable)) + labels.codes.nbytes
    grown = peak.most - peak.before
    print(
        json.dumps(
            {
                "rows": rows,
                "files": chosen.files,
                "csv_mb": round(size / 1e6),
                "rows_per_s": round(rows / seconds),
                "csv_mb_per_s": round(size / 1e6 / seconds),
                "peak_mb": round(peak.most),
                "grown_mb": round(grown),
                "bytes_per_row": round(grown * 1e6 / rows),
                "table_bytes_per_row": round(kept / rows),
                "peak_mb_of_16_million": round(first.most + grown / rows * 16e6),
                "labelled": int((labels.codes >= 0).sum()),
            }
        )
    )


if __name__ == "__main__":
    main()
