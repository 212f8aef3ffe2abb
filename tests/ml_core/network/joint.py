"""What each process of a joint run does; `torchrun` starts it for test_parallel.

joint.py FOLDER kill    learn with a checkpoint until the first process is killed in epoch 2
joint.py FOLDER resume  go on from there, and learn the same in one go beside it
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from ml_core.network.training import Progress
from tests.ml_core.network.test_training import learn

FAST = {"epochs": 5, "rate": 0.01}


def die(progress: Progress) -> None:
    if progress.epoch == 2 and progress.share == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, task: str) -> None:
    torch.set_num_threads(1)
    checkpoint = folder / "run.safetensors"
    if task == "kill":
        learn(**FAST, checkpoint=checkpoint, tell=die)
    rank = os.environ["RANK"]
    for name, kept in (("resumed", checkpoint), ("whole", None)):
        run = learn(**FAST, checkpoint=kept)
        ends = [p for p in run["seen"] if p.share == 1]  # a busy machine also tells within an epoch
        told = torch.tensor([[p.epoch, p.validation_accuracy] for p in ends])
        save_file(run["weights"] | {"told": told}, folder / f"{name}-{rank}.safetensors")
    torch.distributed.barrier()  # the first holds what the others meet at: it must not leave first
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
