"""Record system calls of harmless programs and of attacks: `python -m tests.range.calls.record`.

Both are played on a stage of their own (`stage.py`), for each architecture, by the same wrapper,
the same users and the same interpreters. One row for each process, but not for the shell that
played the scene.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import product
from pathlib import Path

import polars as pl

from tests.range.calls.packages import PACKAGES
from tests.range.calls.scenes import BENIGN, Scene, read_scenes
from tests.range.calls.traces import processes
from tests.range.rootfs import pristine_root

HERE = Path(__file__).parent
ENTER = HERE.parent / "victim" / "start.sh"
ARCHITECTURES = ("amd64", "i386")
FEWEST, MOST = 20, 1500
"""Calls of a sequence: shorter ones are left out, longer ones cut at their end."""

ALIKE = 6
"""Sequences at most of one program in one take: a server's processes are many and alike."""

LAUNCHERS = ("setpriv", "timeout", "sleep")
"""Programs that scenes are made of, whatever they show."""

ACTORS = re.compile(
    r"(ba|da)?sh|busybox|(python|perl|php|ruby|lua|tclsh|gawk|mawk|nc|ncat|socat|curl|wget|ssh|gpg"
    r"|openssl|a|tar|cron|script|expect|sshd|vsftpd|nginx|apache2|lighttpd|dropbear|nmap)[\d.]*(-cgi|\.\w+)?[\d.]*"
)
"""Programs of a scene's own (`a`) and those that do what they are told or are told what to do: the deed is in their calls."""

LONGEST = 3 * 3600


def missing() -> list[str]:
    """Why nothing can be recorded here, in words; empty where it can."""
    reasons = [] if os.geteuid() == 0 else ["not root"]
    absent = [tool for tool in ("debootstrap", "unshare", "setpriv") if not shutil.which(tool)]
    return reasons + ([f"not installed: {', '.join(absent)}"] if absent else [])


def all_scenes() -> list[Scene]:
    """Harmless ones (no technique) and attacks."""
    return [s for name in ("harmless", "attacks") for s in read_scenes(HERE / f"{name}.scenes")]


def record(
    scenes: Sequence[Scene], takes: Sequence[int], architecture: str, keep: Path | None = None
) -> pl.DataFrame:
    """Play every scene once for each take; the rows of what was traced.

    `keep` gets the stage's log. Raises RuntimeError: the stage did not come to its end.
    """
    lower = pristine_root("stage", PACKAGES, "" if architecture == "amd64" else architecture)
    with tempfile.TemporaryDirectory(prefix="tocsin-stage-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        upper, work, root = (folder / name for name in ("upper", "work", "root"))
        inside = upper / "opt" / "range"
        inside.mkdir(parents=True)
        for path in (upper, upper / "opt", work, root):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        orders = {"takes": list(takes), "scenes": [asdict(scene) for scene in scenes]}
        (inside / "play.json").write_text(json.dumps(orders))
        shutil.copy(HERE / "stage.py", inside / "init.py")
        shutil.copy(HERE / "furnish.sh", inside)
        _play(folder, lower, architecture, inside)
        if keep is not None:
            shutil.copy(inside / "log", keep)
        rows = [
            row
            for number, scene in enumerate(scenes)
            for take in takes
            for row in _rows(scene, take, architecture, inside / "traces" / f"{number}-{take}")
        ]
    return pl.DataFrame(rows, schema=_SCHEMA)


_SCHEMA = {
    "calls": pl.String,
    "label": pl.String,
    "attack": pl.String,
    "technique": pl.String,
    "scene": pl.String,
    "tool": pl.String,
    "run": pl.String,
    "program": pl.String,
    "parent": pl.String,
    "user": pl.String,
    "take": pl.Int64,
    "architecture": pl.String,
    "length": pl.Int64,
}


def _play(folder: Path, lower: Path, architecture: str, inside: Path) -> None:
    fresh = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--net", "--fork", "--kill-child"]
    lone = 'ip link set lo up && exec setarch "$1" sh "$2" "$3" "$4" "$5" "$6" stage'
    machine = "i686" if architecture == "i386" else "x86_64"
    paths = [ENTER, folder / "root", lower, folder / "upper", folder / "work"]
    done = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", *fresh, "sh", "-c", lone, "sh", machine]
        + [str(path) for path in paths],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    if not (inside / "played").exists():
        raise RuntimeError(f"the stage ended with {done.returncode}: {done.stderr[-800:]}")


def _rows(scene: Scene, take: int, architecture: str, trace: Path) -> Iterator[dict[str, object]]:
    with trace.open(errors="replace") as lines:
        found = processes(lines)
    names = {process.pid: process.program for process in found}
    many: Counter[str] = Counter()
    for process in found[1:]:  # without the shell that plays the scene
        calls = process.calls[:MOST]
        forked = process.parent == found[0].pid and "execve" not in calls
        if forked or process.program in LAUNCHERS:
            continue
        many[process.program] += len(calls) >= FEWEST
        if len(calls) < FEWEST or many[process.program] > ALIKE:
            continue
        yield {
            "calls": " ".join(calls),
            "label": "malware" if scene.technique else BENIGN,
            "attack": scene.name.partition(":")[0] if scene.technique else BENIGN,
            "technique": scene.technique,
            "scene": scene.name,
            "tool": scene.tool,
            "run": scene.group,
            "program": process.program,
            "parent": names.get(process.parent or 0, ""),
            "user": scene.user if scene.user != "any" else ("root", "alice")[take % 2],
            "take": take,
            "architecture": architecture,
            "length": len(process.calls),
        }


def distinct(rows: pl.DataFrame) -> pl.DataFrame:
    """Every sequence once, in the order recorded; none that came with both labels."""
    both = rows.group_by("calls").agg(pl.col("label").n_unique().alias("labels"))
    clear = both.filter(pl.col("labels") == 1)["calls"]
    return rows.filter(pl.col("calls").is_in(clear.implode())).unique("calls", maintain_order=True)


def without_everyday(rows: pl.DataFrame) -> pl.DataFrame:
    """Attacks without the everyday commands that they run: an intruder's `ls` is anybody's."""
    harmless = set(rows.filter(pl.col("label") == BENIGN)["program"])
    everyday = sorted(name for name in harmless if not ACTORS.fullmatch(name))
    return rows.filter((pl.col("label") == BENIGN) | ~pl.col("program").is_in(everyday))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--takes", type=int, default=3)
    parser.add_argument("--stages", type=int, default=2, help="how many play at once")
    parser.add_argument("--only", default="", help="scenes whose name contains this")
    parser.add_argument("--architecture", choices=ARCHITECTURES, action="append")
    told = parser.parse_args()
    if reasons := missing():
        print("; ".join(reasons), file=sys.stderr)
        return 1
    told.folder.mkdir(parents=True, exist_ok=True)
    scenes = [scene for scene in all_scenes() if told.only in f"{scene.group} {scene.name}"]
    began = time.monotonic()
    halves = (scenes[::2], scenes[1::2])
    stages = list(product(told.architecture or ARCHITECTURES, range(1, told.takes + 1), (0, 1)))

    def one(stage: tuple[str, int, int]) -> pl.DataFrame:
        architecture, take, half = stage
        log = told.folder / f"{architecture}-{take}-{half}.log"
        return record(halves[half], [take], architecture, log)

    with ThreadPoolExecutor(told.stages) as pool:  # a scene mostly waits
        rows = without_everyday(distinct(pl.concat(pool.map(one, stages))))
    path = told.folder / "calls.parquet"
    rows.write_parquet(path, compression="zstd", compression_level=19)
    print(rows.group_by("label").len().to_dicts(), path.stat().st_size, "bytes")
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
