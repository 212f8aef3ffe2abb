"""Learning: mini-batches gathered on the device, seeds, early stopping, resumable, in parallel."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml_core.errors import DataError
from ml_core.network.architecture import Architecture
from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.network.checkpoint import Run, run_key
from ml_core.network.losses import weighted_cross_entropy
from ml_core.network.memory import keep_memory
from ml_core.network.options import Options
from ml_core.network.parallel import World, device_of, world
from ml_core.network.sequences import Sequences, TextSet
from ml_core.network.stages import SymbolStage

EVERY = 5.0  # seconds between two reports within an epoch
PRECISIONS = {"full": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class Progress(NamedTuple):
    """What the callback is told after every epoch, and within long ones every few seconds."""

    epoch: int
    epochs: int
    loss: float  # of the batches of this epoch until now
    validation_loss: float  # NaN within an epoch
    validation_accuracy: float  # NaN within an epoch
    share: float = 1.0  # of the epoch's rows; below one within the epoch


Report = Callable[[Progress], None]


def train(
    arch: Architecture,
    training: Sequences,
    validation: Sequences,
    weights: npt.NDArray[np.float32],
    options: Options,
    progress: Report | None = None,
    checkpoint: Path | None = None,
) -> BiLSTMDNN:
    """The network [Architecture] at its best epoch by validation loss, in evaluation mode, on CPU.

    weights [C] are the loss's. With `checkpoint`, every epoch is kept there in one file, and a
    killed run that is started again with the same arguments ends with the same weights. Under
    `torchrun` the processes share every batch and end with the same network; the first of them
    writes the checkpoint, which all must be able to read, and reports progress.
    """
    device = device_of(options.device)
    if device.type == "cuda":
        # same seed, same weights: cuBLAS wants to be told before it starts
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    else:
        keep_memory()
    processes = world(device)
    learner = _Learner.start(arch, training, validation, weights, options, device, processes)
    return learner.learn(progress if processes.leads else None, checkpoint)


@dataclass
class _Learner:
    run: Run
    training: Sequences
    validation: Sequences
    weights: Tensor  # [C]
    options: Options
    device: torch.device
    world: World
    precision: torch.dtype | None

    @classmethod
    def start(
        cls,
        arch: Architecture,
        training: Sequences,
        validation: Sequences,
        weights: npt.NDArray[np.float32],
        options: Options,
        device: torch.device,
        processes: World,
    ) -> _Learner:
        torch.manual_seed(options.seed)
        network = BiLSTMDNN(arch)
        if arch.surprise:
            assert isinstance(training, TextSet)
            assert isinstance(network.stage, SymbolStage)
            network.stage.surprise.fit(training.steps[training.y == 0])
        network.to(device)
        optimizer = torch.optim.Adam(network.parameters(), lr=options.rate, fused=True)
        precision = _precision(options.precision, device)
        scaler = torch.amp.GradScaler(device.type, enabled=precision is torch.float16)
        return cls(
            Run(network, optimizer, scaler, copy.deepcopy(network.state_dict())),
            training.to(device),
            validation.to(device),
            torch.from_numpy(weights).to(device),
            options,
            device,
            processes,
            precision,
        )

    def learn(self, progress: Report | None, checkpoint: Path | None) -> BiLSTMDNN:
        run, options = self.run, self.options
        key = run_key(run.network.arch, options, (self.training, self.validation), self.world.size)
        if checkpoint is not None:
            run.restore(checkpoint, key)
        while run.epoch < options.epochs and run.stale < options.patience:
            # by epoch, not by run: a resumed run draws what the uninterrupted one would have drawn
            seed = options.seed * 100_003 + run.epoch
            torch.manual_seed(seed + self.world.rank * 7_919)  # each process drops other nodes
            loss = self._epoch(torch.Generator().manual_seed(seed), progress)
            self.world.average_statistics(run.network)
            validation_loss, accuracy = self._measure()
            run.note(validation_loss)
            if checkpoint is not None and self.world.leads:
                run.keep(checkpoint, key)
            if progress is not None:
                progress(Progress(run.epoch, options.epochs, loss, validation_loss, accuracy))
        run.network.load_state_dict(run.best)
        return run.network.cpu().eval()

    def _epoch(self, generator: torch.Generator, progress: Report | None) -> float:
        """The mean loss of this process's batches."""
        network, options = self.run.network.train(), self.options
        self._set_rate()
        total, count, seen = torch.zeros((), device=self.device), 0, 0
        told = time.monotonic()
        for batch in self.training.order(generator, options.batch):
            if len(batch) < 2 * self.world.size:
                continue  # batch normalisation has nothing to normalise by
            total += self._step(network, self.world.share(batch).to(self.device))
            count, seen = count + 1, seen + len(batch)
            if progress is not None and time.monotonic() - told > EVERY:
                told = time.monotonic()
                now = Progress(self.run.epoch + 1, options.epochs, 0.0, math.nan, math.nan)
                share = seen / len(self.training.y)
                progress(now._replace(loss=float(total) / count, share=share))
        return float(total) / max(count, 1)

    def _step(self, network: BiLSTMDNN, rows: Tensor) -> Tensor:
        optimizer, scaler = self.run.optimizer, self.run.scaler
        x, lengths, y = self.training.disturb(self.training.batch(rows), self.options)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, self.precision, enabled=self.precision is not None):
            logits = network(x, lengths).logits
        loss = weighted_cross_entropy(logits.float(), y, self.weights)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        parameters = list(network.parameters())
        self.world.average_gradients(parameters)
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        scaler.step(optimizer)
        scaler.update()
        return loss.detach()

    def _set_rate(self) -> None:
        """From the full rate to a tenth along a cosine: late epochs settle, not wander."""
        share = 0.55 + 0.45 * math.cos(math.pi * self.run.epoch / max(self.options.epochs - 1, 1))
        for group in self.run.optimizer.param_groups:
            group["lr"] = self.options.rate * share

    @torch.no_grad()
    def _measure(self) -> tuple[float, float]:
        """Loss and accuracy over the validation rows, each process measuring its share of them."""
        network, data = self.run.network.eval(), self.validation
        sums = torch.zeros(3, dtype=torch.float64, device=self.device)  # loss, right ones, rows
        for batch in data.once(self.options.batch * 4):
            rows = self.world.share(batch).to(self.device)
            if not len(rows):
                continue
            x, lengths, y = data.batch(rows)
            logits = network(x, lengths).logits
            loss = weighted_cross_entropy(logits, y, self.weights)
            right = (logits.argmax(dim=1) == y).sum()
            sums += torch.stack([loss.double() * len(y), right.double(), right.new_tensor(len(y))])
        loss_sum, right_sum, count = self.world.total(sums).tolist()
        return loss_sum / max(count, 1), right_sum / max(count, 1)


def _precision(name: str, device: torch.device) -> torch.dtype | None:
    """What autocast computes in; None for 32 bits. A graphics card uses 16 if not told otherwise."""
    if name not in ("", *PRECISIONS):
        raise DataError(f"unknown precision {name!r}; known: {', '.join(PRECISIONS)}")
    if name:
        return PRECISIONS[name]
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
