"""`adapt`: a model made to fit a site, an ordinary model in a folder of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml_core import adaptation
from ml_core.__main__ import main
from ml_core.commands import adapt
from ml_core.kinds import text_kind
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.model_file import load, save, shipped
from ml_core.readers import Table
from ml_core.scorer import Scorer
from tests.ml_core.made import flow_model, flows, request_model

COUNT, LABELLED = 700, 60


def texts() -> list[str]:
    return [f"GET /{i}?q={'%27' * 9 if i % 2 else i}" for i in range(COUNT)]


def verdicts(name: str = "verdict") -> pl.Series:
    """Of every second row that it is an attack; of most rows nothing."""
    said = [("sqli" if i % 2 else "normal") if i < LABELLED else "" for i in range(COUNT)]
    return pl.Series(name, said)


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    pl.DataFrame({"request": texts()}).with_columns(verdicts()).write_csv(tmp_path / "site.csv")
    return tmp_path / "site.csv"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    save(folder := tmp_path_factory.mktemp("requests"), request_model())
    return folder


def adapted(*arguments: object) -> int:
    try:
        return main(["adapt", *map(str, arguments)])
    except SystemExit as error:  # argparse's
        return int(error.code or 0)


def test_an_adapted_model_is_right_at_its_site_and_says_what_it_was_made_from(
    tmp_path: Path, requests: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "ours"
    given = "requests", requests, "--label", "verdict", "--model", model, "--alarms", "0.5"
    assert adapted(*given, "--output", out) == 0
    told = json.loads(capsys.readouterr().out)
    right, known = told["labelled rows right"], load(model)
    own = Scorer(known).score_texts(texts()[:LABELLED]).label
    assert right["of"] == LABELLED
    assert right["before"] == (own == np.arange(LABELLED) % 2).sum()
    assert right["held out"] > max(right["before"], right["before, with as few alarms"])
    assert told["others called, after"]["an attack"] <= 0.5
    made, before = load(out, "requests"), known
    (about,) = made.training["adapted"]
    assert about["from"] == before.digest != made.digest == told["sha256"]
    assert about["labelled"] == {"normal": 30, "sqli": 30}
    assert about["without a label"] == COUNT - LABELLED
    assert about["files"] == ["site.csv"]
    assert made.training["fingerprint"] == before.training["fingerprint"]

    said = Scorer(made).score_texts(texts())
    right = (said.label == np.arange(COUNT) % 2).mean()
    assert right > 0.9 > (Scorer(before).score_texts(texts()).label == np.arange(COUNT) % 2).mean()
    assert said.explain([0, 1])[1].reasons
    drift = said.drift()
    assert drift is not None
    assert drift.level == "stable"

    assert adapted(*given[:-4], "--model", out, "--output", tmp_path / "again") == 0
    assert [a["from"] for a in load(tmp_path / "again").training["adapted"]] == [
        before.digest, made.digest,
    ]  # fmt: skip


def test_flows_of_several_files_are_each_seen_at_their_site_and_by_their_hosts_past(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(model := tmp_path / "model", flow_model())
    given, files = flows(2 * COUNT), []
    for i, rows in enumerate(np.split(np.arange(2 * COUNT), [COUNT])):
        attack = rows % 2
        features = given["features"][rows] * np.where(attack, 50.0, 1.0)[:, None]
        told = np.where(rows % COUNT < LABELLED, np.where(attack, "DoS Hulk", "BENIGN"), "")
        pl.DataFrame(dict(zip(FLOW_COLUMNS, features.T, strict=True))).with_columns(
            pl.Series("Src IP", [f"10.0.0.{g}" for g in given["group"][rows]]),
            pl.Series("Timestamp", given["time"][rows]),
            pl.Series("verdict", told),
        ).write_parquet(path := tmp_path / f"{i}.parquet")
        files.append(path)
    out = tmp_path / "ours"
    known = "--label", "verdict", "--model", model, "--output", out, "--alarms", "0.5"
    assert adapted("flows", *files, *known) == 0
    told = json.loads(capsys.readouterr().out)
    right = told["labelled rows right"]
    assert right["of"] == 2 * LABELLED
    assert right["held out"] > 0.75 * right["of"] > right["before"]
    (about,) = load(out, "flows").training["adapted"]
    assert about["labelled"] == {"Normal": LABELLED, "DoS": LABELLED}


def test_what_cannot_be_adapted_gets_one_line_and_leaves_nothing(
    tmp_path: Path, requests: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pl.read_csv(requests, infer_schema=False)
    blank = pl.lit("").alias("verdict")
    odd = pl.when(pl.col("verdict") != "").then(pl.lit("gremlin")).alias("verdict")
    files = {
        "unlabelled": table.with_columns(blank),
        "odd": table.with_columns(odd),
        "labelled": table.head(LABELLED),
        "empty": table.head(0),
        "blank": table.with_columns(
            pl.when(pl.col("verdict") != "").then(pl.col("request")).otherwise(pl.lit(" "))
        ),
    }
    for name, frame in files.items():
        frame.write_csv(tmp_path / f"{name}.csv")
    out = tmp_path / "out"
    for name, label, more, reason in (
        ("site", "class", [], "no column 'class'"),
        ("unlabelled", "verdict", [], "no row has a label"),
        ("odd", "verdict", [], "unknown requests labels: 'gremlin'"),
        ("labelled", "verdict", [], f"0 rows without a label; at least {adapt.LEAST}"),
        ("empty", "verdict", [], "no row"),
        ("missing", "verdict", [], "missing.csv"),
        ("site", "verdict", ["--alarms", "2"], "'2' is not a share"),
        ("site", "verdict", ["--output", model], "this model would be lost"),
        ("site", "verdict", ["--output", requests], "a file, not a folder"),
        ("site", "verdict", ["--output", shipped("domains")], "a model of 'domains', which would"),
        ("site", "verdict", ["--output", shipped("requests")], "this model would be lost"),
        ("blank", "verdict", [], f"0 rows without a label; at least {adapt.LEAST}"),
        ("site", "verdict", ["--model", tmp_path / "none"], "no readable model.json"),
    ):
        given = "requests", tmp_path / f"{name}.csv", "--label", label, "--model", model
        assert adapted(*given, "--output", out, *more) == 2
        said = capsys.readouterr()
        assert reason in said.err
        assert said.err.count("\n") == 1
        assert not said.out
        assert not out.exists()
    pl.DataFrame({"domain": texts()}).with_columns(verdicts()).write_csv(requests)
    given = "domains", requests, "--label", "verdict", "--model", model, "--output", out
    assert adapted(*given) == 2
    assert "a model of 'requests', not of 'domains'" in capsys.readouterr().err


def test_nothing_is_written_where_no_row_is_right(
    tmp_path: Path,
    requests: Path,
    model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adaptation, "worth", lambda *_: adaptation.Worth(0, 0, 0, 1))
    given = "requests", requests, "--label", "verdict", "--model", model
    assert adapted(*given, "--output", tmp_path / "out") == 2
    assert (
        f"none of {LABELLED} labelled rows is right: nothing is written" in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_where_fewer_rows_are_right_than_before(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classes, known = load(model).labels, Scorer.load(model).score_texts(texts())
    said = [classes[c] for c in known.label[:LABELLED]]  # what the model says, but for a few
    rng = np.random.default_rng(1)
    for row in rng.choice(LABELLED, 12, replace=False):
        said[row] = str(rng.choice(classes))
    table = pl.DataFrame({"request": texts(), "verdict": said + [""] * (COUNT - LABELLED)})
    table.write_csv(path := tmp_path / "chance.csv")
    given = "requests", path, "--label", "verdict", "--model", model
    assert adapted(*given, "--output", tmp_path / "out") == 2
    assert "labelled rows are right" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_model_is_written_that_finds_none_of_the_labelled_attacks(
    tmp_path: Path, requests: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    given = "requests", requests, "--label", "verdict", "--model", model, "--output", out
    assert adapted(*given, "--alarms", "0") == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert f"none of {LABELLED // 2} labelled attacks is called an attack" in said.err
    assert not said.out
    assert not out.exists()


def test_of_many_labelled_rows_some_are_looked_at_and_all_the_others_measured(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others, many, out = adapt.LEAST, 21_000, tmp_path / "ours"
    lines = [f"GET /{i}?q={'%27' * 9 if i % 2 else i}" for i in range(many + others)]
    said = ["sqli" if i % 2 else "normal" for i in range(many)] + [""] * others
    pl.DataFrame({"request": lines, "verdict": said}).write_csv(path := tmp_path / "many.csv")
    given = "requests", path, "--label", "verdict", "--model", model, "--alarms", "0.5"
    assert adapted(*given, "--output", out) == 0
    told = capsys.readouterr()
    assert "21,000 rows have a label: 4,000 are looked at, 2,000 of each class" in told.err
    assert json.loads(told.out)["labelled rows right"]["of"] == 2 * adapt.LABELLED
    assert load(out).profile.rows.sum() == others


def test_texts_are_read_among_all_of_their_own_file(tmp_path: Path) -> None:
    """As `score` reads them: of events it tells how rare they are there."""
    kind, parts, seen = text_kind("events"), [], []
    for common in (1, 2):  # each is rare where the other is common
        texts = [f"{common} {common}"] * 60 + [f"{3 - common} {3 - common}"] * 2
        pl.DataFrame({"events": texts}).write_csv(path := tmp_path / f"{common}.csv")
        parts.append(Table.open(path))
        seen.append(kind.encode(texts)[0])
    rows = np.array([0, 61, 62, 123])
    read = list(adapt._text_inputs(kind, parts, rows))
    assert [inputs.texts for inputs in read] == [["1 1", "2 2"], ["2 2", "1 1"]]
    for inputs, steps in zip(read, seen, strict=True):
        assert np.array_equal(inputs.steps, steps[[0, 61]])
        assert not np.array_equal(*inputs.steps)
    alone = kind.encode(["1 1", "2 2"])[0]
    assert not np.array_equal(read[0].steps, alone)


@pytest.mark.parametrize("earlier", ["before", {"from": "it"}, None])
def test_a_model_whose_origin_is_no_list_is_told_before_any_work(
    tmp_path: Path, earlier: object, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = replace(request_model(), training={**request_model().training, "adapted": earlier})
    save(folder := tmp_path / "odd", odd)
    given = "requests", tmp_path / "missing.csv", "--label", "verdict", "--model", folder
    assert adapted(*given, "--output", tmp_path / "out") == 2
    assert "what it was adapted from is no list" in capsys.readouterr().err
