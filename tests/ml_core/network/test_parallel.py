"""Processes that learn together end with one network, also when the run was killed on its way."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from ml_core.model_file import load
from ml_core.network.parallel import World
from tests.ml_core.network.test_training import same

ROOT = Path(__file__).parents[3]


def torchrun(module: str, *arguments: object, tries: int = 3) -> subprocess.Popen[str]:
    """Two processes on the loopback; on a busy machine they may fail to meet in time: then those
    that are to finish try again."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += [f"--max-restarts={tries - 1}", "-m", module, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(run: subprocess.Popen[str]) -> tuple[str, str]:
    """What was said by a run that did well."""
    said = run.communicate(timeout=240)
    assert run.returncode == 0, said[1]
    return said


def test_two_processes_learn_one_network_and_a_killed_run_goes_on(tmp_path: Path) -> None:
    joint = "tests.ml_core.network.joint"
    killed = torchrun(joint, tmp_path, "kill", tries=1)
    killed.communicate(timeout=240)
    assert killed.returncode != 0
    ended(torchrun(joint, tmp_path, "resume"))
    first, second = (load_file(tmp_path / f"resumed-{rank}.safetensors") for rank in (0, 1))
    whole = load_file(tmp_path / "whole-0.safetensors")
    told, all_told = first.pop("told"), whole.pop("told")
    assert second.pop("told").numel() == 0  # one process speaks for both
    assert told[:, 0].tolist() == [3, 4, 5]
    assert all_told[-1, 1] > 0.8
    assert same(first, second)
    assert same(first, whole)


def test_the_command_line_learns_the_same_again_and_goes_on_where_it_was_stopped(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(1)
    calls = {
        "benign": ("ReadFile", "CloseHandle", "RegOpenKey"),
        "malware": ("ReadFile", "WriteProcessMemory", "CreateRemoteThread"),
    }
    rows = [f"{' '.join(rng.choice(calls[y], 9))},{y}" for y in [*calls] * 100]
    (tmp_path / "calls.csv").write_text("\n".join(["calls,label", *rows]))
    train = ("ml_core", "train", "programs", tmp_path / "calls.csv", "--epochs", 8)

    told, said = ended(torchrun(*train, "--output", tmp_path / "whole"))
    assert [line.split()[1] for line in said.splitlines() if "validation" in line] == [
        f"{epoch}/8" for epoch in range(1, 9)
    ]
    kept = tmp_path / "kept"
    stopped = torchrun(*train, "--output", tmp_path / "resumed", "--checkpoint", kept, tries=1)
    while not kept.exists() and stopped.poll() is None:
        time.sleep(0.01)
    stopped.terminate()
    stopped.communicate(timeout=60)
    assert not (tmp_path / "resumed").exists()
    _, said = ended(torchrun(*train, "--output", tmp_path / "resumed", "--checkpoint", kept))
    assert "epoch 1/8" not in said
    assert "epoch 8/8" in said

    whole, resumed = (load(tmp_path / name, "programs") for name in ("whole", "resumed"))
    assert whole.digest == resumed.digest == json.loads(told)["sha256"]


def test_every_row_of_a_batch_belongs_to_one_process() -> None:
    rows = torch.randperm(11)
    shares = [World(rank, 3).share(rows) for rank in range(3)]
    assert sorted(len(share) for share in shares) == [3, 4, 4]
    assert sorted(torch.cat(shares).tolist()) == list(range(11))
