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
from ml_core.kinds import KINDS
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.model_file import MANIFEST, WEIGHTS, load, shipped
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


def test_a_full_disk_leaves_the_model_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, write = save_model(tmp_path, request_model()), Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if MANIFEST not in path.name:
            return write(path, content)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(tmp_path, domain_model())
    assert load(tmp_path, "requests").digest == digest
    assert {path.name for path in tmp_path.iterdir()} == {MANIFEST, WEIGHTS}
    with pytest.raises(OSError, match="No space left"):
        save_model(tmp_path / "new", domain_model())
    assert not (tmp_path / "new").exists()


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
        edit(lambda m: m["architecture"].pop("second")),
        retensor(lambda t: t.update({"network.stage.second.table": torch.zeros(9)})),
    ],
)
def test_what_is_counted_apart_comes_with_the_network_that_reads_it(
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
        (edit(lambda m: m.update(temperature=float("inf"))), "a temperature of inf"),
        (edit(lambda m: m.update(temperature=-1)), "a temperature of -1"),
        (edit(lambda m: m["architecture"].update(steps=10**7)), "larger than any"),
        (edit(lambda m: m["architecture"].update(steps=101)), "larger than any"),
        (edit(lambda m: m["architecture"].update(hidden=10**7)), "larger than any"),
        (edit(lambda m: m["architecture"].update(hidden=65_536)), "do not fit"),  # 500 GB
        (edit(lambda m: m.pop("temperature")), "incomplete"),
        (edit(lambda m: m["architecture"].update(hidden=16)), "do not fit"),
        (edit(lambda m: m["architecture"].update(pool=10**7)), "larger than any"),
        (edit(lambda m: m["architecture"].update(pool=3.5)), "pool is a float, not int"),
        (edit(lambda m: m["architecture"].update(attention=1)), "attention is a int, not bool"),
        (edit(lambda m: m["architecture"].update(dropout=float("nan"))), "a share below one"),
        (edit(lambda m: m.update(temperature=10**400)), "too large"),
        (edit(lambda m: m["architecture"].update(stage="tweets")), "unknown input stage"),
        (edit(lambda m: m["architecture"].update(wings=2)), "incomplete"),
        (edit(lambda m: m["drift"].pop()), "drift profile of other columns"),
        (edit(lambda m: m["drift"].reverse()), "drift profile of other columns"),
        (edit(lambda m: m["training"].pop("fingerprint")), "fingerprint"),
        (edit(lambda m: m["training"].update(fingerprint="unknown")), "fingerprint"),
        (edit(lambda m: m.update(training=[])), "training is missing or no object"),
        (edit(lambda m: m.pop("training")), "training is missing or no object"),
        (edit(lambda m: m.update(metrics=[0.9])), "metrics is missing or no object"),
        (edit(lambda m: m.pop("metrics")), "metrics is missing or no object"),
        (edit(lambda m: m.update(metrics={"test": 0.9})), "metrics that are no figures"),
        (edit(lambda m: m["architecture"].update(inputs=76)), "an architecture not for flows"),
        (edit(lambda m: m.update(labels="none")), "labels is missing or no list"),
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


def test_a_second_opinion_that_reads_another_kind_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, domain_model())
    edit(lambda m: m["architecture"].update(second_of="requests"))(tmp_path)
    with pytest.raises(ModelFileError, match="an architecture not for domains"):
        load(tmp_path, "domains")


def filled(name: str, value: float) -> tuple[str, Callable[[dict], object]]:
    return name, lambda tensors: tensors[name].view(-1)[-1:].fill_(value)


def of_width(name: str, *shape: int) -> tuple[str, Callable[[dict], object]]:
    return name, lambda tensors: tensors.update({name: torch.ones(shape)})


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        filled("scaler.mean", NAN),
        filled("scaler.scale", NAN),
        filled("scaler.scale", INF),
        filled("scaler.scale", 0.0),
        filled("scaler.scale", -1.0),
        filled("network.head.bias", NAN),
        filled("network.forwards.weight_hh_l0", -INF),
        filled("network.dnn.0.running_var", -1.0),
        filled("baseline", NAN),
        filled("openset.limits", NAN),
        filled("openset.limits", 0.0),
        filled("openset.least", NAN),
        filled("openset.least", 1.5),
        filled("openset.inputs.centres", NAN),
        filled("openset.hidden.spread", 0.0),
        filled("openset.inputs.counts", 5),
        filled("drift.grid", NAN),
        filled("drift.grid", -9.0),
        filled("drift.shares", 1.5),
        filled("drift.missing", NAN),
        filled("drift.rows", -1),
        of_width("scaler.mean", 3),
        of_width("baseline", 76),
        of_width("baseline", 0),
        of_width("openset.least", 0),
        of_width("openset.limits", 3),
        of_width("openset.inputs.centres", 200, 230),
        of_width("openset.hidden.centres", 200, 2),
        of_width("openset.hidden.centres", 200),
        of_width("openset.hidden.counts", 7),
        of_width("openset.hidden.spread", 1),
        of_width("drift.grid", 78, 100),
        of_width("drift.shares", 8, 78, 100),
        of_width("drift.missing", 8, 77),
        of_width("drift.rows", 7),
        of_width("network.head.bias", 7),
        of_width("network.foot.bias", 7),
        of_width("wings", 7),
        ("scaler.mean", lambda t: t.update({"scaler.mean": t["scaler.mean"].to(torch.complex64)})),
        ("network.head.bias", lambda t: t.pop("network.head.bias")),
        ("scaler.mean", lambda t: t.pop("scaler.mean")),
        ("openset.limits", lambda t: t.pop("openset.limits")),
        ("openset.inputs.centres", lambda t: t.pop("openset.inputs.centres")),
        ("baseline", lambda t: t.pop("baseline")),
    ],
)
def test_tensors_of_another_width_or_range_are_named_and_refused(
    tmp_path: Path, name: str, change: Callable[[dict], object]
) -> None:
    save_model(tmp_path, flow_model())
    retensor(change)(tmp_path)
    with pytest.raises(ModelFileError, match="the parts do not fit: ") as refusal:
        load(tmp_path, "flows")
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_model_that_compares_with_nothing_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, flow_model())
    retensor(
        lambda tensors: [
            tensors.pop(name)
            for name in list(tensors)
            if name.startswith(("openset.inputs", "openset.hidden"))
        ]
    )(tmp_path)
    with pytest.raises(ModelFileError, match="nothing to compare with"):
        load(tmp_path, "flows")


def test_a_model_that_measures_oddity_but_cannot_doubt_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, load(shipped("requests"), "requests"))
    retensor(
        lambda tensors: [
            tensors.pop(name) for name in list(tensors) if name.startswith("openset.doubt")
        ]
    )(tmp_path)
    with pytest.raises(ModelFileError, match="belong together"):
        load(tmp_path, "requests")


def test_weights_that_make_no_verdict_of_the_most_usual_are_refused(tmp_path: Path) -> None:
    def enormous(tensors: dict) -> None:
        for name, tensor in tensors.items():
            if name.startswith("network.") and tensor.is_floating_point():
                tensor.fill_(1e30)

    for model in (flow_model(), request_model(), domain_model()):
        save_model(tmp_path, model)
        retensor(enormous)(tmp_path)
        with pytest.raises(ModelFileError, match="no finite verdict of an ordinary input"):
            load(tmp_path, model.kind)


@pytest.mark.parametrize("count", [5, 100])  # judged one by one, and for what they share
@pytest.mark.filterwarnings("error")
def test_where_weights_make_no_number_of_an_input_it_is_unsure(tmp_path: Path, count: int) -> None:
    save_model(tmp_path, flow_model())
    retensor(lambda tensors: tensors["network.stage.norm.weight"].fill_(2e38))(tmp_path)
    verdicts = Scorer.load(tmp_path, "flows").score_flows(columns=FLOW_COLUMNS, **flows(count))
    assert np.isnan(verdicts.distance).any()
    assert verdicts.unsure.all()
    (why,) = verdicts.explain([int(np.isnan(verdicts.distance).argmax())])
    assert np.isfinite([*why.steps, *(reason.weight for reason in why.reasons)]).all()
    assert np.allclose(verdicts.probabilities.sum(axis=1), 1.0)
    assert np.array_equal(verdicts.p_attack, 1.0 - verdicts.probabilities[:, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_models_fit(kind: str) -> None:
    assert load(shipped(kind), kind).kind == kind
