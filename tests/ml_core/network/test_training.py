"""Learning repeats itself, resumes and stops in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from ml_core.errors import DataError
from ml_core.kinds.flows.windows import window_index
from ml_core.network import training
from ml_core.network.architecture import Architecture
from ml_core.network.options import Options
from ml_core.network.sequences import FlowSet, TextSet
from ml_core.network.training import Progress, train

ARCH = Architecture("numbers", inputs=5, classes=2, steps=4, hidden=8, dropout=0.3)


def windows(count: int, seed: int) -> FlowSet:
    """Flows whose class shows in their first column, 30 sources of them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    rows = rng.normal(size=(count, 5)).astype(np.float32)
    rows[:, 0] += 2.5 * y
    return FlowSet.of(rows, window_index(rng.integers(0, 30, count), np.arange(count), 4), y)


def learn(
    epochs: int = 4,
    checkpoint: Path | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
    **changed: object,
) -> dict[str, object]:
    seen: list[Progress] = []

    def report(progress: Progress) -> None:
        seen.append(progress)
        tell(progress)

    options = Options(epochs=epochs, batch=64, forget=0.3, device="cpu")
    options = Options(**{**options.__dict__, **changed})
    weights = np.ones(2, dtype=np.float32)
    network = train(ARCH, windows(600, 1), windows(200, 2), weights, options, report, checkpoint)
    return {"weights": network.state_dict(), "seen": seen}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns_and_the_same_seed_gives_the_same_weights() -> None:
    fast = {"epochs": 6, "rate": 0.01}
    first, second, other = learn(**fast), learn(**fast), learn(**fast, seed=2)
    assert first["seen"][-1].validation_accuracy > 0.8
    assert same(first["weights"], second["weights"])
    assert not same(first["weights"], other["weights"])


def test_a_killed_run_resumes_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    kept = tmp_path / "run.safetensors"
    whole = learn(epochs=4)

    class Killed(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        learn(epochs=4, checkpoint=kept, tell=kill)
    resumed = learn(epochs=4, checkpoint=kept)
    assert [p.epoch for p in resumed["seen"]] == [3, 4]
    assert same(whole["weights"], resumed["weights"])
    # another run's checkpoint is not taken for its own
    assert [p.epoch for p in learn(epochs=4, checkpoint=kept, seed=9)["seen"]] == [1, 2, 3, 4]


def test_it_stops_when_the_validation_loss_no_longer_falls() -> None:
    run = learn(epochs=60, patience=2, rate=0.02)
    losses = [p.validation_loss for p in run["seen"]]
    assert len(losses) < 60
    assert min(losses) == losses[-3]


def test_sixteen_bits_learn_too_and_a_precision_unknown_is_refused() -> None:
    run = learn(epochs=6, rate=0.01, precision="bf16")
    assert run["seen"][-1].validation_accuracy > 0.8
    assert all(tensor.dtype != torch.bfloat16 for tensor in run["weights"].values())
    with pytest.raises(DataError, match="unknown precision 'int3'"):
        learn(precision="int3")


def test_a_long_epoch_reports_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "EVERY", 0.0)
    seen = learn(epochs=2)["seen"]
    shares = [p.share for p in seen if p.epoch == 2]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] == 1.0
    assert all(p.share == 1.0 or np.isnan(p.validation_loss) for p in seen)
    assert [p.epoch for p in seen if not np.isnan(p.validation_loss)] == [1, 2]


def test_a_checkpoint_of_other_flows_with_the_same_labels_is_not_resumed(tmp_path: Path) -> None:
    kept = tmp_path / "run.safetensors"
    learn(epochs=2, checkpoint=kept)
    seen: list[Progress] = []
    other = windows(600, 1)
    other = replace(other, rows=other.rows + 1.0)
    options = Options(epochs=2, batch=64, forget=0.3, device="cpu")
    train(ARCH, other, windows(200, 2), np.ones(2, np.float32), options, seen.append, kept)
    assert [p.epoch for p in seen if p.share == 1] == [1, 2]


def test_learning_that_went_astray_is_an_error_and_no_model() -> None:
    wild = replace(windows(200, 2), rows=windows(200, 2).rows * float("nan"))
    options = Options(epochs=1, batch=64, device="cpu")
    with pytest.raises(DataError, match="no longer a number"):
        train(ARCH, windows(600, 1), wild, np.ones(2, np.float32), options)


def test_the_bits_of_a_name_are_counted_in_the_harmless_ones_learned_from_alone() -> None:
    arch = Architecture(
        "bytes", inputs=128, classes=2, steps=12, hidden=8, pool=2, focus="ends", surprise=True
    )
    lengths = np.full(80, 11, dtype=np.int64)
    table = []
    for harmful in (b"qzxvkjw.com", b"wxqjkvz.com"):
        texts = [b"garden%d.com" % (i % 10) for i in range(40)] + [harmful] * 40
        steps = np.zeros((80, 12), dtype=np.uint8)
        for row, text in zip(steps, texts, strict=True):
            row[: len(text)] = np.frombuffer(text, dtype=np.uint8)
        names = TextSet.of(steps, lengths, np.repeat([0, 1], 40))
        options = Options(epochs=1, batch=16, device="cpu")
        network = train(arch, names, names, np.ones(2, dtype=np.float32), options)
        table.append(network.stage.surprise.table)
    assert table[0].any()
    assert torch.equal(table[0], table[1])


def test_a_checkpoint_that_finds_no_room_is_told_of_and_the_one_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "run"
    learn(epochs=1, checkpoint=kept)
    before = kept.read_bytes()

    def full(_: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        raise SafetensorError("No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(DataError, match="run: not written: No space left"):
        learn(epochs=2, checkpoint=kept)
    assert kept.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
