"""A trained model as a folder: `weights.safetensors` and `model.json`.

Everything the model needs is in these two files and nothing in them can run: no pickle. Loading
refuses what does not match with one ModelFileError.
"""

from __future__ import annotations

import hashlib
import json
import re
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
from ml_core.kinds import FLOWS, named, text_kind
from ml_core.kinds.flows.columns import INPUT_COLUMNS, NUMBERS
from ml_core.kinds.flows.scaler import Scaler
from ml_core.network.architecture import Architecture
from ml_core.network.bilstm_dnn import BiLSTMDNN
from ml_core.stored import HUGE, TINY, Arrays, Numbers, check
from ml_core.verdict.drift import NOVELTY, TEXT_MEASURES, Profile
from ml_core.verdict.inputs import TextInputs
from ml_core.verdict.openset import Openset
from ml_core.verdict.seen import look

FORMAT = 2
MOST_BYTES = 1 << 30
MOST = 65_536  # nodes or inputs: a manifest shall not ask for all memory
MOST_WINDOW = 100  # flows
ORDINARY = "www.example.org"  # a text that every kind can read
MANIFEST, WEIGHTS = "model.json", "weights.safetensors"
_FORMS = {  # of what the manifest holds
    **dict.fromkeys(("architecture", "weights", "training", "metrics"), (dict, "object")),
    **dict.fromkeys(("labels", "columns", "drift"), (list, "list")),
}
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


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


def kind_of(folder: Path) -> object:
    """What kind of model its manifest claims the folder to hold; None for no manifest."""
    if not (folder / MANIFEST).exists():
        return None
    try:
        return _manifest(folder).get("kind")
    except ModelFileError:
        return None


def save(folder: Path, model: Model) -> str:
    """Write `model` to `folder` (created if need be); returns the weights' SHA-256.

    OSError on a full disk, which leaves the model that was there. Whoever loads it between the two
    files is told that they do not belong together.
    """
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
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    files = [(folder / f".{name}.part", folder / name) for name in (WEIGHTS, MANIFEST)]
    try:
        for (new, _), content in zip(files, (blob, text.encode()), strict=True):
            new.write_bytes(content)
        for new, kept in files:
            new.replace(kept)
    finally:
        for new, _ in files:
            new.unlink(missing_ok=True)
        if made and not any(folder.iterdir()):
            folder.rmdir()
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
    for name, (form, called) in _FORMS.items():
        if not isinstance(manifest.get(name), form):
            raise ModelFileError(f"{folder}: {name} is missing or no {called}")
    try:
        return _assemble(manifest, _weights(folder, manifest))
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


def _assemble(manifest: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Model:
    arch = Architecture(**manifest["architecture"])
    _check_manifest(manifest, arch)
    flows = manifest["kind"] == FLOWS
    with torch.device("meta"):  # shapes alone: what it asks for may be more than memory holds
        expected = _expected(BiLSTMDNN(arch), flows)
    arrays = {
        name: (tensor.double() if tensor.is_floating_point() else tensor).numpy()  # any width
        for name, tensor in tensors.items()
    }
    (of_openset, of_drift), others = _parts(arrays, "openset", "drift")
    check(others, expected)
    network = BiLSTMDNN(arch)
    network.load_state_dict({name: tensors[f"network.{name}"] for name in network.state_dict()})
    seen = network.head.in_features, 3 * network.stage.size  # see `verdict.seen`
    openset = Openset.of(of_openset, arch.classes, *seen)
    if (openset.doubt is not None) != arch.oddity:
        raise ValueError("how odd an input is and how far that is doubted belong together")
    _check_verdict(manifest["kind"], network.eval(), tensors["baseline"])
    return Model(
        kind=manifest["kind"],
        labels=tuple(manifest["labels"]),
        columns=tuple(manifest["columns"]),
        network=network,
        temperature=float(manifest["temperature"]),
        openset=openset,
        profile=Profile.of(manifest["drift"], of_drift, arch.classes),
        baseline=tensors["baseline"],
        scaler=Scaler(arrays["scaler.mean"], arrays["scaler.scale"]) if flows else None,
        training=manifest["training"],
        metrics=manifest["metrics"],
        digest=manifest["weights"]["sha256"],
    )


def _check_manifest(manifest: Mapping[str, Any], arch: Architecture) -> None:
    """ValueError if it is not of a model that this version reads, and made."""
    kind, temperature = manifest["kind"], float(manifest["temperature"])
    classes, columns, measures = named(kind).classes, INPUT_COLUMNS, INPUT_COLUMNS
    second_of = arch.second_of  # of flows there is none
    form, longest = ("numbers", len(INPUT_COLUMNS), len(classes)), MOST_WINDOW
    if kind != FLOWS:
        usual, columns, measures = text_kind(kind).architecture, (), TEXT_MEASURES
        form, longest = (usual.stage, usual.inputs, len(classes)), usual.steps
        second_of = usual.second_of
    sizes = (arch.steps, arch.hidden, arch.inputs, arch.embedding, arch.kernel, arch.pool)
    fingerprint, figures = manifest["training"].get("fingerprint"), manifest["metrics"].values()
    expected = {
        f"other labels than those of {kind}": manifest["labels"] == [*classes],
        "other columns than this version reads": manifest["columns"] == [*columns],
        "a drift profile of other columns": manifest["drift"] == [*measures, NOVELTY],
        f"a temperature of {temperature}": TINY <= temperature <= HUGE,
        "an architecture larger than any that this version makes": max(sizes) <= MOST
        and arch.steps <= longest,
        f"an architecture not for {kind}": (arch.stage, arch.inputs, arch.classes) == form
        and (not arch.second or arch.second_of == second_of),
        "no fingerprint of what it learned from": _FINGERPRINT.fullmatch(str(fingerprint)),
        "metrics that are no figures": all(isinstance(some, dict) for some in figures),
    }
    for otherwise, fits in expected.items():
        if not fits:
            raise ValueError(otherwise)


def _check_verdict(kind: str, network: BiLSTMDNN, baseline: Tensor) -> None:
    """ValueError if weights, each of which is a number, make none of what is most usual."""
    if kind == FLOWS:
        x, lengths = baseline.float().view(1, 1, -1), torch.ones(1, dtype=torch.int64)
    else:
        of = text_kind(kind)
        x, lengths = TextInputs(of, [ORDINARY], *of.encode([ORDINARY])).batch(np.zeros(1, int))
    if not all(np.isfinite(part).all() for part in look(network, x, lengths)):
        raise ValueError("the network's weights make no finite verdict of an ordinary input")


def _expected(network: BiLSTMDNN, flows: bool) -> dict[str, Numbers]:
    """The tensors of a model, but for those that `Openset` and `Profile` know themselves."""
    expected = {"baseline": Numbers((network.arch.inputs if flows else 0,))}
    if flows:
        expected["scaler.mean"] = Numbers((len(NUMBERS),))
        expected["scaler.scale"] = Numbers((len(NUMBERS),), TINY)
    for name, tensor in network.state_dict().items():
        least = 0 if name.endswith("running_var") else -HUGE
        expected[f"network.{name}"] = Numbers(tuple(tensor.shape), least)
    return expected


def _parts(arrays: Arrays, *parts: str) -> tuple[list[Arrays], Arrays]:
    """The arrays stored under `part.`, by what follows, of each part; and all others."""
    found: list[Arrays] = [
        {k.removeprefix(f"{part}."): v for k, v in arrays.items() if k.startswith(f"{part}.")}
        for part in parts
    ]
    return found, {k: v for k, v in arrays.items() if k.partition(".")[0] not in parts}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
