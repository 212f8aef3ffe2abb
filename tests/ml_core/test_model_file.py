"""Models as folders: what is saved comes back, and what does not fit is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from ml_core.errors import ModelFileError
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.model_file import MANIFEST, WEIGHTS, load
from ml_core.model_file import save as save_model
from ml_core.scorer import Scorer
from tests.ml_core.made import domain_model, flow_model, flows, request_model


def test_a_saved_model_gives_the_same_verdicts_when_loaded(tmp_path: Path) -> None:
    for model in (flow_model(), request_model(), domain_model()):
        digest = save_model(tmp_path / model.kind, model)
        loaded = load(tmp_path / model.kind, model.kind)
        assert loaded.digest == digest
        before, after = model.network.state_dict(), loaded.network.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert (loaded.labels, loaded.columns) == (model.labels, model.columns)
        assert loaded.temperature == model.temperature
        assert (loaded.openset.limits == model.openset.limits).all()
    given = flows(40)
    first = Scorer(flow_model()).score_flows(columns=FLOW_COLUMNS, **given)
    second = Scorer.load(tmp_path / "flows").score_flows(columns=FLOW_COLUMNS, **given)
    assert np.array_equal(first.probabilities, second.probabilities)
    assert np.array_equal(first.unsure, second.unsure)


def test_the_folder_holds_text_and_safetensors_only(tmp_path: Path) -> None:
    save_model(tmp_path, request_model())
    assert {path.name for path in tmp_path.iterdir()} == {MANIFEST, WEIGHTS}
    assert load_file(tmp_path / WEIGHTS)
    json.loads((tmp_path / MANIFEST).read_text())


def edit(change: Callable[[dict], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST).read_text())
        change(manifest)
        (folder / MANIFEST).write_text(json.dumps(manifest))

    return damage


def retensor(change: Callable[[dict], object]) -> Callable[[Path], None]:
    """Other weights, with the digest brought into line, so that only the content is wrong."""

    def damage(folder: Path) -> None:
        import hashlib

        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        blob = save(tensors)
        (folder / WEIGHTS).write_bytes(blob)
        digest = hashlib.sha256(blob).hexdigest()
        edit(lambda manifest: manifest["weights"].update(sha256=digest))(folder)

    return damage


def flip_a_bit(folder: Path) -> None:
    blob = bytearray((folder / WEIGHTS).read_bytes())
    blob[-1] ^= 1
    (folder / WEIGHTS).write_bytes(blob)


@pytest.mark.parametrize(
    "damage",
    [
        edit(lambda m: m["architecture"].update(surprise=False)),
        edit(lambda m: m["architecture"].pop("surprise")),
        retensor(lambda t: t.pop("network.stage.surprise.table")),
        retensor(lambda t: t.update({"network.stage.surprise.table": torch.zeros(2, 8)})),
    ],
)
def test_bits_of_harmless_names_come_with_the_network_that_reads_them(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    save_model(tmp_path, domain_model())
    damage(tmp_path)
    with pytest.raises(ModelFileError, match="do not fit"):
        load(tmp_path, "domains")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / MANIFEST).unlink(), "no readable model.json"),
        (lambda f: (f / MANIFEST).write_text("{"), "not JSON"),
        (lambda f: (f / MANIFEST).write_text("[1]"), "not an object"),
        (lambda f: (f / WEIGHTS).unlink(), "no readable weights.safetensors"),
        (flip_a_bit, "is not the file"),
        (edit(lambda m: m.update(format=99)), "format 99, this version reads 2"),
        (edit(lambda m: m.update(kind="requests")), "a model of 'requests', not of 'flows'"),
        (edit(lambda m: m["labels"].pop()), "other labels"),
        (edit(lambda m: m["labels"].reverse()), "other labels"),
        (edit(lambda m: m["columns"].pop()), "other columns"),
        (edit(lambda m: m["columns"].reverse()), "other columns"),
        (edit(lambda m: m.update(temperature=0)), "a temperature of 0"),
        (edit(lambda m: m.update(temperature=float("nan"))), "a temperature of nan"),
        (edit(lambda m: m["architecture"].update(steps=10**7)), "larger than any"),
        (edit(lambda m: m["architecture"].update(hidden=10**7)), "larger than any"),
        (edit(lambda m: m.pop("temperature")), "incomplete"),
        (edit(lambda m: m["architecture"].update(hidden=16)), "do not fit"),
        (edit(lambda m: m["architecture"].update(pool=10**7)), "larger than any"),
        (edit(lambda m: m["architecture"].update(pool=3.5)), "pool is a float, not int"),
        (edit(lambda m: m["architecture"].update(attention=1)), "attention is a int, not bool"),
        (edit(lambda m: m["architecture"].update(dropout=float("nan"))), "a share below one"),
        (edit(lambda m: m.update(temperature=10**400)), "too large"),
        (
            retensor(lambda t: t.update({"network.head.bias": torch.full((8,), torch.nan)})),
            "weights that are no numbers",
        ),
        (edit(lambda m: m["architecture"].update(stage="tweets")), "unknown input stage"),
        (edit(lambda m: m["architecture"].update(wings=2)), "incomplete"),
        (retensor(lambda t: t.pop("network.head.bias")), "do not fit"),
        (retensor(lambda t: t.pop("scaler.mean")), "incomplete"),
        (retensor(lambda t: t.update({"scaler.mean": torch.zeros(3)})), "scaler does not fit"),
        (retensor(lambda t: t.update({"openset.hidden.centres": torch.zeros(2, 2)})), "open-set"),
        (retensor(lambda t: t.pop("openset.limits")), "incomplete"),
        (retensor(lambda t: t.update({"drift.grid": torch.zeros(2, 2)})), "drift profile"),
        (edit(lambda m: m["drift"].pop()), "drift profile"),
    ],
)
def test_what_does_not_match_is_refused_in_one_line(
    tmp_path: Path, damage: Callable[[Path], None], says: str
) -> None:
    save_model(tmp_path, flow_model())
    damage(tmp_path)
    with pytest.raises(ModelFileError, match=says) as refusal:
        load(tmp_path, "flows")
    assert "\n" not in str(refusal.value)
