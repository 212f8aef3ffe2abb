"""What a run of learning has reached, kept in one file from which a killed run goes on."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ml_core.errors import DataError
from ml_core.network.architecture import Architecture
from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.network.options import Options
from ml_core.network.sequences import Sequences


def run_key(
    arch: Architecture, options: Options, data: Sequence[Sequences], processes: int = 1
) -> str:
    """What a checkpoint must agree with to be resumed; more epochs may be asked for.

    `data` are the training and the validation part, of which every number counts.
    """
    what = {**asdict(arch), **asdict(options), "epochs": 0, "processes": processes}
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode())
    for part in data:
        assert is_dataclass(part)
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, Tensor):
                digest.update(np.ascontiguousarray(value.cpu().numpy()).data)
            else:
                digest.update(repr(value).encode())
    return digest.hexdigest()


@dataclass
class Run:
    """What a run has reached."""

    network: BiLSTMDNN
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler  # of the loss, for half precision; else it does nothing
    best: dict[str, Tensor]
    best_loss: float = float("inf")
    epoch: int = 0
    stale: int = 0

    def note(self, validation_loss: float) -> None:
        self.epoch += 1
        if math.isnan(validation_loss):
            raise DataError("learning went astray: the loss is no longer a number")
        if validation_loss < self.best_loss:
            self.best_loss, self.stale = validation_loss, 0
            self.best = copy.deepcopy(self.network.state_dict())
        else:
            self.stale += 1

    def keep(self, path: Path, key: str) -> None:
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        for i, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{i}.{k}": v for k, v in state.items()}
        tensors = {k: v.contiguous().clone() for k, v in tensors.items()}
        about = {
            "key": key,
            "epoch": self.epoch,
            "stale": self.stale,
            "loss": self.best_loss,
            "scale": self.scaler.state_dict(),
        }
        partial = path.with_suffix(".partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            save_file(tensors, partial, metadata={"run": json.dumps(about)})
        except SafetensorError as error:  # a full disk, for one
            partial.unlink(missing_ok=True)
            raise DataError(f"{path}: not written: {error}") from error
        partial.replace(path)

    def restore(self, path: Path, key: str) -> None:
        from safetensors import SafetensorError, safe_open

        if not path.exists():
            return
        try:
            safe_open(path, "pt")
        except SafetensorError as error:
            raise DataError(f"{path}: not a checkpoint, or a damaged one") from error
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
        if about["scale"]:
            self.scaler.load_state_dict(about["scale"])
        self.epoch, self.stale, self.best_loss = about["epoch"], about["stale"], about["loss"]


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
