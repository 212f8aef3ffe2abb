"""Learning: mini-batches gathered on the device, seeds, early stopping, resumable checkpoints."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml_core.losses import weighted_cross_entropy
from ml_core.networks import Architecture, BiLSTMDNN

BUCKETS = 32  # batches sorted by length together, so that a batch pads little


@dataclass(frozen=True)
class Options:
    """How to learn. Same options, data and machine: same weights."""

    epochs: int = 20
    patience: int = 4  # epochs without a better validation loss
    batch: int = 256
    rate: float = 1e-3  # Adam's
    seed: int = 1
    noise: float = 0.0  # deviation of what is added to scaled flows, see FlowSet.disturb
    forget: float = 0.0  # share of windows whose older flows are dropped while learning
    blind: float = 0.0  # share of windows whose context columns are blanked while learning
    device: str = ""  # empty: CUDA if there, else CPU


class Batch(NamedTuple):
    x: Tensor  # [B, T, F] float or [B, T] byte values
    lengths: Tensor  # [B]
    y: Tensor  # [B]


class Progress(NamedTuple):
    """What the callback is told after every epoch."""

    epoch: int
    epochs: int
    loss: float
    validation_loss: float
    validation_accuracy: float


class Sequences(Protocol):
    """A data set that lives on the device and is batched there.

    `order` gives the rows of an epoch's batches, `once` every row once, to measure with.
    """

    @property
    def y(self) -> Tensor: ...
    def to(self, device: torch.device) -> Sequences: ...
    def batch(self, rows: Tensor) -> Batch: ...
    def order(self, generator: torch.Generator, size: int) -> Iterator[Tensor]: ...
    def once(self, size: int) -> Iterator[Tensor]: ...
    def disturb(self, batch: Batch, options: Options) -> Batch: ...


@dataclass(frozen=True)
class FlowSet:
    """Flows once, windows as indices into them: ten times less memory than copied windows."""

    rows: Tensor  # [R, F] scaled
    index: Tensor  # [M, T] rows of each window, -1 after the last
    y: Tensor  # [M]
    continuous: int  # the first columns, which may be disturbed; the rest are shares and flags

    @classmethod
    def of(
        cls,
        rows: npt.NDArray[np.float32],
        index: npt.NDArray[np.int64],
        y: npt.NDArray[np.int64],
        continuous: int,
    ) -> FlowSet:
        return cls(
            torch.from_numpy(np.ascontiguousarray(rows)),
            torch.from_numpy(np.ascontiguousarray(index)),
            torch.from_numpy(np.ascontiguousarray(y)),
            continuous,
        )

    def to(self, device: torch.device) -> FlowSet:
        return FlowSet(
            self.rows.to(device), self.index.to(device), self.y.to(device), self.continuous
        )

    def batch(self, rows: Tensor) -> Batch:
        index = self.index[rows]  # [B, T]
        real = index >= 0
        x = self.rows[index.clamp(min=0)] * real.unsqueeze(2)
        return Batch(x, real.sum(dim=1), self.y[rows])

    def order(self, generator: torch.Generator, size: int) -> Iterator[Tensor]:
        yield from torch.split(torch.randperm(len(self.y), generator=generator), size)

    def once(self, size: int) -> Iterator[Tensor]:
        yield from torch.split(torch.arange(len(self.y)), size)

    def disturb(self, batch: Batch, options: Options) -> Batch:
        """Another network, imitated: the same flows on a faster link, with other packet sizes.

        One offset a window and column, shared by its flows (what a site adds to all of them),
        half as much again for each flow; and for some windows a shorter history, or none of the
        context that only a sensor which knows ports and hosts can give.
        """
        x, lengths, y = batch
        if options.forget:
            keep = (torch.rand(len(y), device=x.device) * lengths).long() + 1  # 1..length
            keep = torch.where(torch.rand(len(y), device=x.device) < options.forget, keep, lengths)
            steps = torch.arange(x.shape[1], device=x.device)
            source = (steps + (lengths - keep).unsqueeze(1)).clamp(max=x.shape[1] - 1)
            x = x.gather(1, source.unsqueeze(2).expand_as(x))
            lengths = keep
        c = self.continuous
        if options.blind:
            seen = torch.rand(len(y), 1, 1, device=x.device) >= options.blind
            x = torch.cat([x[..., :c], x[..., c:] * seen], dim=2)
        if options.noise:
            site = torch.randn(len(y), 1, c, device=x.device) * options.noise
            flow = torch.randn(*x.shape[:2], c, device=x.device) * (options.noise / 2)
            x = torch.cat([x[..., :c] + site + flow, x[..., c:]], dim=2)
        return Batch(x, lengths, y)


@dataclass(frozen=True)
class RequestSet:
    """Requests as bytes; a batch is as long as its longest."""

    text: Tensor  # [M, T] byte values, 0 after the end
    lengths: Tensor  # [M]
    y: Tensor  # [M]

    @classmethod
    def of(
        cls,
        text: npt.NDArray[np.uint8],
        lengths: npt.NDArray[np.int64],
        y: npt.NDArray[np.int64],
    ) -> RequestSet:
        return cls(torch.from_numpy(text), torch.from_numpy(lengths), torch.from_numpy(y))

    def to(self, device: torch.device) -> RequestSet:
        return RequestSet(self.text.to(device), self.lengths.to(device), self.y.to(device))

    def batch(self, rows: Tensor) -> Batch:
        lengths = self.lengths[rows]
        return Batch(self.text[rows, : int(lengths.max())].long(), lengths, self.y[rows])

    def order(self, generator: torch.Generator, size: int) -> Iterator[Tensor]:
        lengths = self.lengths.cpu()
        batches: list[Tensor] = []
        for part in torch.split(torch.randperm(len(self.y), generator=generator), size * BUCKETS):
            batches += torch.split(part[lengths[part].argsort(stable=True)], size)
        for i in torch.randperm(len(batches), generator=generator).tolist():
            yield batches[i]

    def once(self, size: int) -> Iterator[Tensor]:
        yield from torch.split(self.lengths.cpu().argsort(stable=True), size)

    def disturb(self, batch: Batch, options: Options) -> Batch:
        return batch


def train(
    arch: Architecture,
    training: Sequences,
    validation: Sequences,
    weights: npt.NDArray[np.float32],
    options: Options,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: Path | None = None,
) -> BiLSTMDNN:
    """The network [Architecture] at its best epoch by validation loss, in evaluation mode, on CPU.

    weights [C] are the loss's. With `checkpoint`, every epoch is kept there in one file, and a
    killed run that is started again with the same arguments ends with the same weights.
    """
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    training, validation = training.to(device), validation.to(device)
    class_weights = torch.from_numpy(weights).to(device)
    torch.manual_seed(options.seed)
    network = BiLSTMDNN(arch).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=options.rate)
    run = _Run(network, optimizer, copy.deepcopy(network.state_dict()))
    if checkpoint is not None:
        run.restore(checkpoint, _key(arch, options, training))
    while run.epoch < options.epochs and run.stale < options.patience:
        # by epoch, not by run: a resumed run draws what the uninterrupted one would have drawn
        torch.manual_seed(options.seed * 100_003 + run.epoch)
        generator = torch.Generator().manual_seed(options.seed * 100_003 + run.epoch)
        _set_rate(optimizer, options, run.epoch)
        loss = _learn(network, optimizer, training, class_weights, options, generator)
        validation_loss, accuracy = _measure(network, validation, class_weights, options.batch)
        run.note(validation_loss)
        if checkpoint is not None:
            run.keep(checkpoint, _key(arch, options, training))
        if progress is not None:
            progress(Progress(run.epoch, options.epochs, loss, validation_loss, accuracy))
    network.load_state_dict(run.best)
    return network.cpu().eval()


def _set_rate(optimizer: torch.optim.Optimizer, options: Options, epoch: int) -> None:
    """From the full rate to a tenth along a cosine: late epochs settle instead of wandering."""
    share = 0.55 + 0.45 * math.cos(math.pi * epoch / max(options.epochs - 1, 1))
    for group in optimizer.param_groups:
        group["lr"] = options.rate * share


def _learn(
    network: BiLSTMDNN,
    optimizer: torch.optim.Optimizer,
    data: Sequences,
    weights: Tensor,
    options: Options,
    generator: torch.Generator,
) -> float:
    network.train()
    total, count = torch.zeros((), device=weights.device), 0
    for rows in data.order(generator, options.batch):
        if len(rows) < 2:
            continue  # batch normalisation has nothing to normalise by
        x, lengths, y = data.disturb(data.batch(rows.to(weights.device)), options)
        optimizer.zero_grad(set_to_none=True)
        loss = weighted_cross_entropy(network(x, lengths).logits, y, weights)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        total, count = total + loss.detach(), count + 1
    return float(total) / max(count, 1)


@torch.no_grad()
def _measure(
    network: BiLSTMDNN, data: Sequences, weights: Tensor, size: int
) -> tuple[float, float]:
    network.eval()
    losses, right, total = 0.0, 0, 0
    for rows in data.once(size * 4):
        x, lengths, y = data.batch(rows.to(weights.device))
        logits = network(x, lengths).logits
        losses += float(weighted_cross_entropy(logits, y, weights)) * len(y)
        right += int((logits.argmax(dim=1) == y).sum())
        total += len(y)
    return losses / max(total, 1), right / max(total, 1)


def _key(arch: Architecture, options: Options, data: Sequences) -> str:
    """What a checkpoint must agree with to be resumed; more epochs may be asked for."""
    what = {**asdict(arch), **asdict(options), "epochs": 0}
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode())
    digest.update(data.y.cpu().numpy().tobytes())
    return digest.hexdigest()


@dataclass
class _Run:
    """What a run has reached."""

    network: BiLSTMDNN
    optimizer: torch.optim.Optimizer
    best: dict[str, Tensor]
    best_loss: float = float("inf")
    epoch: int = 0
    stale: int = 0

    def note(self, validation_loss: float) -> None:
        self.epoch += 1
        if validation_loss < self.best_loss:
            self.best_loss, self.stale = validation_loss, 0
            self.best = copy.deepcopy(self.network.state_dict())
        else:
            self.stale += 1

    def keep(self, path: Path, key: str) -> None:
        from safetensors.torch import save_file

        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        for i, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{i}.{k}": v for k, v in state.items()}
        tensors = {k: v.contiguous().clone() for k, v in tensors.items()}
        about = {"key": key, "epoch": self.epoch, "stale": self.stale, "loss": self.best_loss}
        partial = path.with_suffix(".partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, partial, metadata={"run": json.dumps(about)})
        partial.replace(path)

    def restore(self, path: Path, key: str) -> None:
        from safetensors import safe_open

        if not path.exists():
            return
        with safe_open(path, "pt") as kept:
            about = json.loads((kept.metadata() or {}).get("run", "{}"))
            if about.get("key") != key:
                return  # another run's; it is overwritten after the first epoch
            tensors = {name: kept.get_tensor(name) for name in kept.keys()}  # noqa: SIM118
        self.network.load_state_dict(_under(tensors, "network."))
        self.best = _under(tensors, "best.")
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under(tensors, "adam.").items():
            number, _, field = name.partition(".")
            state.setdefault(int(number), {})[field] = tensor
        adam = self.optimizer.state_dict()
        self.optimizer.load_state_dict({**adam, "state": state})
        self.epoch, self.stale, self.best_loss = about["epoch"], about["stale"], about["loss"]


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
