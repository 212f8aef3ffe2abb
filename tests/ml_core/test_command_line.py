"""`python -m ml_core`: one row in, one row out; bad input gets one line and exit status 2."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml_core.__main__ import main
from ml_core.kinds.flows.windows import FLOW_COLUMNS
from tests.ml_core.made import flows


def flow_file(path: Path, count: int = 240) -> Path:
    """Two labels that the number of packets gives away, from three hosts, in time order."""
    given = flows(count)
    label = np.arange(count) % 2
    given["features"][:, 1:3] += 1e6 * label[:, None]
    table = pl.DataFrame(dict(zip(FLOW_COLUMNS, given["features"].T, strict=True)))
    table.with_columns(
        pl.Series("Src IP", [f"10.0.0.{i}" for i in given["group"]]),
        pl.Series("Dst IP", [f"10.0.1.{i}" for i in given["destination"]]),
        pl.Series("Dst Port", given["port"]),
        pl.Series("Timestamp", np.arange(count)),
        pl.Series("Label", np.where(label == 1, "DoS Hulk", "BENIGN")),
    ).write_csv(path)
    return path


def test_what_is_trained_scores_one_row_for_each_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, model, out = flow_file(tmp_path / "f.csv"), tmp_path / "model", tmp_path / "v.parquet"
    train = ["train", "flows", str(data), "--label", "Label", "--output", str(model)]
    assert main([*train, "--epochs", "4", "--rivals"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["test"]["rows"] == 72
    assert told["test"]["accuracy"] > 0.7
    assert set(told["random_forest"]) == {"accuracy", "macro_f1", "auc"}
    card = json.loads((model / "model.json").read_text())
    assert card["training"]["files"] == ["f.csv"]

    assert main(["score", "flows", str(data), "--model", str(model), "--output", str(out)]) == 0
    scored = pl.read_parquet(out)
    assert scored.columns == ["label", "probability", "p_attack", "unsure"]
    assert len(scored) == 240
    right = (scored["label"] == "DoS").to_numpy() == (np.arange(240) % 2 == 1)
    assert right.mean() > 0.7

    assert main(["evaluate", "flows", str(data), "--label", "Label", "--model", str(model)]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 240


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "not readable"),
        ("", "an empty file"),
        ("a,b\n1,2\n", "no column 'Label'"),
        ("Label,b\nBENIGN,2\n", "missing flow columns: Flow Duration"),
        ("Label,b\nSpam,2\n", "unknown flows labels: 'spam'"),
    ],
)
def test_bad_input_gets_one_line_and_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, says: str
) -> None:
    data = tmp_path / "bad.csv"
    if content is not None:
        data.write_text(content)
    train = ["train", "flows", str(data), "--label", "Label", "--output", str(tmp_path / "m")]
    assert main(train) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_model_of_another_kind_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ml_core.model_file import save
    from tests.ml_core.made import request_model

    save(tmp_path / "m", request_model())
    data = flow_file(tmp_path / "f.csv", 10)
    out = str(tmp_path / "v.csv")
    assert main(["score", "flows", str(data), "--model", str(tmp_path / "m"), "--output", out]) == 2
    assert "a model of 'requests', not of 'flows'" in capsys.readouterr().err
