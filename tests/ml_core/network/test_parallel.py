"""Processes that learn together end with one network, also when the run was killed on its way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from ml_core.network.parallel import World
from tests.ml_core.network.test_training import same

ROOT = Path(__file__).parents[3]


def torchrun(folder: Path, task: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    # on a busy machine processes may fail to meet in time: those that are to finish try again
    command += ["--max-restarts", "0" if task == "kill" else "2"]
    command += ["--nproc-per-node", "2", "-m", "tests.ml_core.network.joint", str(folder), task]
    return subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=240
    )


def test_two_processes_learn_one_network_and_a_killed_run_goes_on(tmp_path: Path) -> None:
    assert torchrun(tmp_path, "kill").returncode != 0
    resumed = torchrun(tmp_path, "resume")
    assert resumed.returncode == 0, resumed.stderr
    first, second = (load_file(tmp_path / f"resumed-{rank}.safetensors") for rank in (0, 1))
    whole = load_file(tmp_path / "whole-0.safetensors")
    told, all_told = first.pop("told"), whole.pop("told")
    assert second.pop("told").numel() == 0  # one process speaks for both
    assert told[:, 0].tolist() == [3, 4, 5]
    assert all_told[-1, 1] > 0.8
    assert same(first, second)
    assert same(first, whole)


def test_every_row_of_a_batch_belongs_to_one_process() -> None:
    rows = torch.randperm(11)
    shares = [World(rank, 3).share(rows) for rank in range(3)]
    assert sorted(len(share) for share in shares) == [3, 4, 4]
    assert sorted(torch.cat(shares).tolist()) == list(range(11))
