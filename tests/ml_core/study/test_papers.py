"""The papers' topic on flows made up here: parts, other source, scores, verdicts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml_core.errors import DataError
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.study import papers_data, papers_first, papers_second
from ml_core.study.papers_data import (
    CLASSES,
    ELSEWHERE,
    HERE,
    LEAST,
    Data,
    Flows,
    Score,
    fitted,
    load,
    measured,
)
from ml_core.study.write import markdown
from ml_core.systems import named

LABELS = {"BENIGN": "Normal", **{name: name for name in CLASSES[1:]}, "Portscan": None}


def _flows(path: Path, count: int, seed: int, hosts: bool) -> None:
    rng = np.random.default_rng(seed)
    names = list(LABELS)
    label = rng.integers(0, len(names), count)
    table = {
        column: rng.lognormal(2 + (label + i) % 5, 0.3).round(2)
        for i, column in enumerate(FLOW_COLUMNS)
    }
    frame = pl.DataFrame({**table, "Label": [names[i] for i in label]})
    if hosts:
        start = pl.datetime(2017, 7, 3)
        frame = frame.with_columns(
            pl.Series("Src IP", [f"10.0.0.{i % 3}" for i in range(count)]),
            pl.lit("10.0.1.1").alias("Dst IP"),
            (start + pl.duration(seconds=pl.int_range(count))).alias("Timestamp"),
        )
    frame.write_parquet(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    flows = folder / "flows"
    flows.mkdir()
    (flows / "label_map_7class.json").write_text(json.dumps({"all": LABELS}), encoding="utf-8")
    _flows(flows / HERE, 640, 1, hosts=True)
    for number, name in enumerate(ELSEWHERE):
        _flows(flows / name, 60, 2 + number, hosts=False)
    return folder


@pytest.fixture(scope="module")
def data(folder: Path) -> Data:
    return load(folder)


def test_parts_are_in_time_and_scans_left_out(data: Data) -> None:
    parts = (data.training, data.validation, data.test)
    total = sum(len(part.y) for part in parts)
    assert 500 < total < 600, "seven of eight labels"
    assert len(data.training.y) == pytest.approx(0.6 * total, abs=7)
    for c in range(len(CLASSES)):
        latest = [part.time[part.y == c].max() for part in parts]
        assert latest == sorted(latest)
        assert (
            data.training.time[data.training.y == c].max() < data.test.time[data.test.y == c].min()
        )
    assert data.test.windows().lengths.max() == 10
    assert (data.elsewhere.windows().lengths == 1).all(), "no hosts are told there"


def test_windows_do_not_reach_back_over_silences() -> None:
    hour = 3_600_000_000
    group, time = np.array([7, 7, 3, 7, 7]), np.array([3 * hour, 5, 6, hour, 3 * hour + 1])
    flows = Flows(np.zeros((5, 2), dtype=np.float32), np.zeros(5, dtype=int), group, time)
    assert flows.windows(4).index.tolist() == [
        [0, -1, -1, -1],
        [1, -1, -1, -1],
        [2, -1, -1, -1],
        [1, 3, -1, -1],  # not quite an hour later
        [0, 4, -1, -1],
    ]
    across = Data(flows, flows, flows, flows).across().test
    assert across.windows(4).index[4].tolist() == [1, 3, 0, 4]


def test_smote_is_of_the_training_part_alone(data: Data) -> None:
    plain, more = data.learned(smote=False), data.learned()
    assert len(plain.y) == len(data.training.y)
    assert np.bincount(more.y).min() > np.bincount(plain.y).min()
    assert np.bincount(more.y).max() <= LEAST
    thin = more.thinned(30)
    assert np.bincount(thin.y).tolist() == [30] * len(CLASSES)


def test_scores_are_scikit_learns(data: Data) -> None:
    system = fitted(named("decision_tree", classes=len(CLASSES)), data.learned(), data)
    score = measured(system, data.test)
    assert score.confusion.sum() == len(data.test.y)
    assert score.accuracy == pytest.approx(np.trace(score.confusion) / len(data.test.y))
    assert score.weighted_recall == pytest.approx(score.accuracy)
    assert score.of["Bot"][1] == pytest.approx(score.confusion[2, 2] / score.confusion[2].sum())
    assert score.accuracy > 0.5, "chance is a seventh"


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="label_map_7class"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ([1.0, 1.1, 0.9], "holds"),
        ([-1.0, -1.1, -0.9], "does not hold: the contrary does"),
        ([1.0, -1.0, 0.2], "does not hold: no difference beyond chance"),
    ],
)
def test_a_claim_holds_only_beyond_chance(differences: list[float], said: str) -> None:
    assert papers_second.verdict(differences) == said


def test_the_whole_chapter_comes_out(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = {"epochs": 1, "patience": 1, "hidden": 8}
    monkeypatch.setattr(papers_second, "NETWORK", {**papers_second.NETWORK, **quick})
    monkeypatch.setattr(papers_second, "TABLE_2", {
        name: papers_second.TABLE_2[name] for name in ("amsom", "bilstm_dnn")
    })  # fmt: skip
    monkeypatch.setattr(papers_first, "options", lambda name: (
        quick if name in papers_first.TABLE_7 else {"columns": [3]} if name == "size_only" else {}
    ))  # fmt: skip
    monkeypatch.setattr(papers_first, "STUDY", quick)
    monkeypatch.setattr(papers_data, "LEAST", 60)
    monkeypatch.setattr(papers_first, "STUDIES", {
        name: (title, values[:2]) for name, (title, values) in papers_first.STUDIES.items()
    })  # fmt: skip
    monkeypatch.setattr(papers_first, "RIVALS", ("gaussian_nb",))
    kept = data.elsewhere.y != CLASSES.index("Bot")
    parts = {name: getattr(data.elsewhere, name)[kept] for name in ("rows", "y", "group", "time")}
    data = replace(data, elsewhere=Flows(**parts))
    said: list[str] = []
    scores, both = papers_second.ablations(data, said.append, seeds=(1, 2))
    first, figure_3 = papers_first.tables(data, said.append, both)
    second, bars = papers_second.tables(data, said.append, scores, both)
    studies, lines = papers_first.figures(data, said.append)
    tables = [*first, *second, studies]
    assert len(tables) == 9
    for table in tables:
        assert markdown(table).count("\n") == len(table.rows) + 1
    _, bot, infiltration, *_ = [row[-4:] for row in first[0].rows[1:]]
    assert bot == (None,) * 4, "no such flows elsewhere"
    assert None not in infiltration
    for table in (first[0], first[-1], second[1]):
        assert table.header[-1].startswith("elsewhere: "), table.title
    assert second[1].rows[0][-3] == "95.6/92.7/94.5"
    sizes, *others = first[-1].rows
    assert sizes[:4] == ("size_only", *sizes[1:3], None), "neither paper has it"
    assert [row[0] for row in others] == list(papers_first.TABLE_7)
    assert second[0].rows[0] == (
        "size_only", *second[0].rows[0][1:3], sizes[2], sizes[1], None, None, *sizes[4:],
        second[0].rows[0][-1],
    )  # fmt: skip
    assert figure_3[0].series["paper, before"] == (("Infiltration", "WebAttack"), (0.11, 0.0))
    files = [plot.file for plot in (*figure_3, *lines, *bars)]
    assert files == [*(f"paper1-figure{n}.svg" for n in range(3, 7)),
                     *(f"paper2-figure{n}.svg" for n in range(7, 10))]  # fmt: skip
    assert isinstance(both[0], Score)
    named_first = [line.partition(":")[0] for line in said[:7]]
    assert named_first == [*papers_second.VARIANTS, papers_second.ACROSS]
