"""The trained networks at hand: one for each kind of data, loaded once a process and on demand."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from ml_core.errors import ModelFileError
from ml_core.scorer import Scorer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Network:
    """A trained network and what it is called: folder name and digest of its weights."""

    scorer: Scorer
    model: str


def shipped() -> Path:
    return Path(str(files("knowledge_base") / "models"))


@cache
def network(kind: str, folder: Path | None = None) -> Network | None:
    """The network that reads `kind` ("flows", "requests") in `folder`, by default the shipped.

    None where there is none, or where it is damaged: the damage is logged, and the response goes
    on with what the tools found.
    """
    for place, of in _folders(folder or shipped()):
        if of != kind:
            continue
        try:
            scorer = Scorer.load(place, kind)
        except ModelFileError as error:
            log.error("a network cannot be used: %s", error)
            continue
        return Network(scorer, f"{place.name} {scorer.model.digest[:12]}")
    return None


def _folders(folder: Path) -> list[tuple[Path, str]]:
    """(model folder, kind) in order of name. Reads the manifests only: PyTorch stays unloaded."""
    found = []
    for manifest in sorted(folder.glob("*/model.json")):
        try:
            kind = str(json.loads(manifest.read_bytes())["kind"])
        except (OSError, ValueError, KeyError, TypeError):
            kind = ""
        found.append((manifest.parent, kind))
    return found
