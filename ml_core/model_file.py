"""A trained model as a folder: `weights.safetensors` and `model.json`.

Everything the model needs is in these two files and nothing in them can run: no pickle. Loading
refuses what does not match with one ModelFileError.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from ml_core.errors import DataError, ModelFileError
from ml_core.kinds import FLOWS, named
from ml_core.kinds.flows.columns import INPUT_COLUMNS, NUMBERS
from ml_core.kinds.flows.scaler import Scaler
from ml_core.network.architecture import Architecture
from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.verdict.drift import Profile
from ml_core.verdict.openset import Openset

FORMAT = 2
MOST_BYTES = 1 << 30
MOST = 65_536  # steps, nodes or inputs: a manifest shall not ask for all memory
MANIFEST, WEIGHTS = "model.json", "weights.safetensors"


@dataclass(frozen=True)
class Model:
    """A network with all that turns its logits into verdicts."""

    kind: str
    labels: tuple[str, ...]  # [C], the harmless one first
    columns: tuple[str, ...]  # flows: the numeric columns read, then the context; else empty
    network: BiLSTMDNN
    temperature: float
    openset: Openset
    profile: Profile  # what drift is measured against
    baseline: Tensor  # what explanations compare with: [F] the mean normal flow; texts: empty
    scaler: Scaler | None = None  # flows only
    training: Mapping[str, Any] = field(default_factory=dict)  # sources, fingerprint, options
    metrics: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""  # of the weights; set when saved or loaded


def shipped(kind: str) -> Path:
    """The folder of the model that comes with the platform."""
    return Path(__file__).parents[1] / "knowledge_base" / "models" / f"{kind}-bilstm-dnn"


def save(folder: Path, model: Model) -> str:
    """Write `model` to `folder` (created if need be); returns the weights' SHA-256."""
    tensors = {f"network.{k}": v for k, v in model.network.state_dict().items()}
    for part, arrays in (("openset", model.openset.tensors()), ("drift", model.profile.tensors())):
        tensors.update({f"{part}.{k}": torch.from_numpy(v) for k, v in arrays.items()})
    tensors["baseline"] = model.baseline
    if model.scaler is not None:
        tensors["scaler.mean"] = torch.from_numpy(model.scaler.mean)
        tensors["scaler.scale"] = torch.from_numpy(model.scaler.scale)
    blob = save_tensors({name: tensor.contiguous() for name, tensor in tensors.items()})
    digest = hashlib.sha256(blob).hexdigest()
    manifest = {
        "format": FORMAT,
        "kind": model.kind,
        "labels": list(model.labels),
        "columns": list(model.columns),
        "architecture": asdict(model.network.arch),
        "temperature": model.temperature,
        "drift": list(model.profile.names),
        "weights": {"file": WEIGHTS, "sha256": digest},
        "library": {"tocsin": _version("tocsin"), "torch": torch.__version__},
        "training": dict(model.training),
        "metrics": dict(model.metrics),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(blob)
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return digest


def load(folder: Path, kind: str | None = None) -> Model:
    """The model in `folder`, ready to score. ModelFileError, in one line, if anything is amiss:
    files missing or damaged, another format, another kind than asked for, shapes that do not fit.
    """
    manifest = _manifest(folder)
    if manifest.get("format") != FORMAT:
        raise ModelFileError(
            f"{folder}: format {manifest.get('format')!r}, this version reads {FORMAT}"
        )
    if kind is not None and manifest.get("kind") != kind:
        raise ModelFileError(f"{folder}: a model of {manifest.get('kind')!r}, not of {kind!r}")
    try:
        return _assemble(folder, manifest, _weights(folder, manifest))
    except ModelFileError:
        raise
    except (KeyError, TypeError, AttributeError, DataError) as error:
        raise ModelFileError(f"{folder}: {MANIFEST} is incomplete: {error}") from error
    except (RuntimeError, ValueError, OverflowError) as error:
        reason = str(error).replace("\n", " ").strip()[:200]
        raise ModelFileError(f"{folder}: the parts do not fit: {reason}") from error


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(_read(folder / MANIFEST))
    except RecursionError as error:
        raise ModelFileError(f"{folder}: {MANIFEST} is nested too deeply") from error
    except OSError as error:
        raise ModelFileError(f"{folder}: no readable {MANIFEST} ({error.strerror})") from error
    except ValueError as error:
        raise ModelFileError(f"{folder}: {MANIFEST} is not JSON: {error}") from error
    if not isinstance(manifest, dict):
        raise ModelFileError(f"{folder}: {MANIFEST} is not an object")
    return manifest


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ModelFileError(f"{path}: not a file")
    if path.exists() and path.stat().st_size > MOST_BYTES:
        raise ModelFileError(f"{path}: larger than any model")
    return path.read_bytes()


def _weights(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Tensor]:
    try:
        blob = _read(folder / WEIGHTS)
    except OSError as error:
        raise ModelFileError(f"{folder}: no readable {WEIGHTS} ({error.strerror})") from error
    if hashlib.sha256(blob).hexdigest() != manifest["weights"]["sha256"]:
        raise ModelFileError(f"{folder}: {WEIGHTS} is not the file that {MANIFEST} describes")
    try:
        return load_tensors(blob)
    except SafetensorError as error:
        raise ModelFileError(f"{folder}: {WEIGHTS} is damaged: {error}") from error


def _assemble(folder: Path, manifest: Mapping[str, Any], tensors: dict[str, Tensor]) -> Model:
    arch = Architecture(**manifest["architecture"])
    labels, columns = tuple(manifest["labels"]), tuple(manifest["columns"])
    kind = str(manifest["kind"])
    if labels != named(kind).classes:
        raise ModelFileError(f"{folder}: other labels than those of {kind}")
    if kind == FLOWS and columns != INPUT_COLUMNS:
        raise ModelFileError(f"{folder}: other columns than this version reads")
    temperature = float(manifest["temperature"])
    if not 0.0 < temperature < np.inf:
        raise ModelFileError(f"{folder}: a temperature of {temperature}")
    sizes = (arch.steps, arch.hidden, arch.inputs, arch.embedding, arch.kernel, arch.pool)
    if max(sizes) > MOST:
        raise ModelFileError(f"{folder}: an architecture larger than any that this version makes")
    if (arch.stage == "numbers") != (kind == FLOWS) or len(labels) != arch.classes:
        raise ModelFileError(f"{folder}: kind or labels do not fit the architecture")
    if kind == FLOWS and len(columns) != arch.inputs:
        raise ModelFileError(f"{folder}: {len(columns)} columns for {arch.inputs} inputs")
    network = BiLSTMDNN(arch)
    network.load_state_dict(
        {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")}
    )
    if not all(bool(part.isfinite().all()) for part in network.state_dict().values()):
        raise ModelFileError(f"{folder}: weights that are no numbers")
    size = network.head.in_features
    openset = Openset.of(_part("openset", tensors), arch.classes, size)
    profile = Profile.of(manifest["drift"], _part("drift", tensors), arch.classes)
    scaler = None
    if kind == FLOWS:
        scaler = Scaler(tensors["scaler.mean"].numpy(), tensors["scaler.scale"].numpy())
        if scaler.mean.shape != (len(NUMBERS),) or scaler.scale.shape != (len(NUMBERS),):
            raise ModelFileError(f"{folder}: the scaler does not fit the columns")
    return Model(
        kind=kind,
        labels=labels,
        columns=columns,
        network=network.eval(),
        temperature=temperature,
        openset=openset,
        profile=profile,
        baseline=tensors["baseline"],
        scaler=scaler,
        training=manifest["training"],
        metrics=manifest["metrics"],
        digest=manifest["weights"]["sha256"],
    )


def _part(name: str, tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """The arrays stored under `name.`."""
    start = f"{name}."
    return {k.removeprefix(start): v.numpy() for k, v in tensors.items() if k.startswith(start)}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
