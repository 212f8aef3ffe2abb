"""What learning from many flows takes: `python -m tests.benchmarks many_rows SAMPLE`.

Repeats a labelled sample in files of equal length, each time with other durations, so that no
file's flows are copies of another's, and within a file week after week. Then learns from the folder
for one epoch and tests on the last 30 %, as `train` does, in a process of its own with one thread.
Prints one JSON object: `rows`, `windows_tested`, `peak_mb` (the most memory which that process
held, its libraries included), its `wall_s` and `cpu_s` (user and system), and apart from these the
seconds of `making_s`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

DURATION, TIME = "Flow Duration", "Timestamp"


def make(path: Path, sample: Path, rows: int, first: int) -> int:
    """One file of `rows` flows, of which never more than some blocks are held: the sample again
    and again, the copies numbered from `first`. Returns the number of the next."""
    once = pl.scan_parquet(sample)
    copies = -(-rows // int(once.select(pl.len()).collect().item()))
    again = [
        once.with_columns(
            (pl.col(DURATION).cast(pl.Float64) + copy) * 1.01**copy,
            pl.col(TIME).str.to_datetime() + pl.duration(weeks=copy - first),
        )
        for copy in range(first, first + copies)
    ]
    pl.concat(again).head(rows).sink_parquet(path, compression_level=1, row_group_size=50_000)
    return first + copies


def learn(folder: Path, label: str) -> dict[str, float]:
    """What `train` takes for the files of `folder`."""
    command = [sys.executable, "-m", "ml_core", "train", "flows", str(folder / "days")]
    command += ["--label", label, "--output", str(folder / "model"), "--epochs", "1"]
    start, peak = time.perf_counter(), 0.0
    with (
        (folder / "figures.json").open("w") as told,
        subprocess.Popen(command, stdout=told) as child,
    ):
        while child.poll() is None:
            peak = max(peak, _peak_mb(child.pid))
            time.sleep(0.05)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "windows_tested": json.loads((folder / "figures.json").read_text())["test"]["rows"],
        "peak_mb": round(peak),
        "wall_s": round(time.perf_counter() - start),
        "cpu_s": round(used.ru_utime + used.ru_stime),
    }


def _peak_mb(process: int) -> float:
    """The most memory that it held until now, which its kernel keeps; 0 once it has ended."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    most = status.partition("VmHWM:")[2].split()
    return int(most[0]) * 1024 / 1e6 if most else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sample", type=Path, help="labelled flows of CICFlowMeter, as parquet")
    parser.add_argument("--label", default="Label")
    parser.add_argument("--rows", type=int, default=16_000_000)
    parser.add_argument("--files", type=int, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, copy, start = Path(name), 0, time.perf_counter()
        (folder / "days").mkdir()
        for day in range(chosen.files):
            path = folder / "days" / f"day-{day:03}.parquet"
            copy = make(path, chosen.sample, chosen.rows // chosen.files, copy)
        making = round(time.perf_counter() - start)
        rows = chosen.rows // chosen.files * chosen.files
        taken = learn(folder, chosen.label)
    print(json.dumps({"rows": rows, "files": chosen.files, **taken, "making_s": making}))


if __name__ == "__main__":
    main()
