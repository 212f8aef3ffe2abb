"""`python -m ml_core`: one row in, one row out; bad input gets one line and exit status 2."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_core.__main__ import main
from ml_core.commands import folders, judging, progress
from ml_core.kinds import FLOWS, KINDS, text_kind
from ml_core.kinds.flows.building import OPTIONS
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.model_file import save
from ml_core.readers import read_flows
from ml_core.scorer import Scorer
from tests.ml_core.made import flow_model, flows, request_model

COLUMNS = ["label", "probability", "p_attack", "unsure"]


def flow_file(path: Path, count: int = 240) -> Path:
    """Two labels that the number of packets gives away, from a few hosts, in time order."""
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


@pytest.fixture(scope="module")
def flow_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    save(folder := tmp_path_factory.mktemp("flows"), flow_model())
    return str(folder)


@pytest.fixture(scope="module")
def request_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    save(folder := tmp_path_factory.mktemp("requests"), request_model())
    return str(folder)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What is said of arguments that are refused: one line."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as error:  # argparse's
        status = int(error.code or 0)
    said = capsys.readouterr()
    assert status == 2, said
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_what_is_trained_scores_one_row_for_each_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, model, out = flow_file(tmp_path / "f.csv"), tmp_path / "model", tmp_path / "v.parquet"
    train = ["train", "flows", str(data), "--output", str(model)]
    assert main([*train, "--epochs", "4", "--rivals"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["test"]["rows"] == 72
    assert told["test"]["accuracy"] > 0.7
    assert set(told["random_forest"]) == {"accuracy", "macro_f1", "auc"}
    card = json.loads((model / "model.json").read_text())
    assert card["training"]["files"] == ["f.csv"]

    assert main(["score", "flows", str(data), "--model", str(model), "--output", str(out)]) == 0
    scored = pl.read_parquet(out)
    assert scored.columns == COLUMNS
    assert len(scored) == 240
    right = (scored["label"] == "DoS").to_numpy() == (np.arange(240) % 2 == 1)
    assert right.mean() > 0.7

    assert main(["evaluate", "flows", str(data), "--label", "Label", "--model", str(model)]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 240


def test_files_are_judged_one_after_another(tmp_path: Path, flow_folder: str) -> None:
    first, second = flow_file(tmp_path / "a.csv", 30), flow_file(tmp_path / "b.csv", 20)
    for data, name in (([first], "a"), ([second], "b"), ([first, second], "both")):
        out = tmp_path / f"{name}-verdicts.csv"
        files = [str(path) for path in data]
        assert main(["score", "flows", *files, "--model", flow_folder, "--output", str(out)]) == 0
    a, b, both = (pl.read_csv(tmp_path / f"{name}-verdicts.csv") for name in ("a", "b", "both"))
    assert both.columns == COLUMNS
    assert both.equals(pl.concat([a, b]))
    assert both["probability"].is_between(0, 1).all()


def test_a_single_row_is_enough(tmp_path: Path, flow_folder: str, request_folder: str) -> None:
    out = tmp_path / "v.parquet"
    data = flow_file(tmp_path / "one.csv", 1)
    assert main(["score", "flows", str(data), "--model", flow_folder, "--output", str(out)]) == 0
    assert len(pl.read_parquet(out)) == 1
    pl.DataFrame({"request": ["GET /"]}).write_parquet(one := tmp_path / "one.parquet")
    score = ["score", "requests", str(one), "--model", request_folder, "--output", str(out)]
    assert main(score) == 0
    assert len(pl.read_parquet(out)) == 1


def test_texts_of_any_form_give_the_same_verdicts(tmp_path: Path, request_folder: str) -> None:
    texts = ["GET /a?id=1", "GET /b?id=1' or 1=1", "", "POST /c\nd=e"]
    pl.DataFrame({"payload": texts}).write_parquet(tmp_path / "r.parquet")
    pl.DataFrame({"raw_request": [t.replace("\n", " HTTP/1.1\nHost: x\n\n")
                                  for t in texts]}).write_ndjson(tmp_path / "r.jsonl")  # fmt: skip
    csv = pl.DataFrame({"n": range(4), "request": texts}).write_csv()
    (tmp_path / "r.csv.gz").write_bytes(gzip.compress(csv.encode()))
    found = []
    for name in ("r.parquet", "r.jsonl", "r.csv.gz"):
        out = tmp_path / "v.parquet"
        score = ["score", "requests", str(tmp_path / name), "--model", request_folder]
        assert main([*score, "--output", str(out)]) == 0
        found.append(pl.read_parquet(out))
    assert len(found[0]) == 4
    assert found[0]["p_attack"].to_list() == pytest.approx(found[1]["p_attack"].to_list())
    assert found[0]["p_attack"].to_list() == pytest.approx(found[2]["p_attack"].to_list())


def test_blocks_make_no_difference(tmp_path: Path, flow_folder: str) -> None:
    table = read_flows([flow_file(tmp_path / "f.csv", 700)])
    scorer, heard = Scorer.load(flow_folder), list[int]()
    whole = judging.judge_flows(scorer, table, heard.append)
    blocks = judging.judge_flows(scorer, table, heard.append, block=100)
    assert heard == [700, *range(100, 701, 100)]
    assert np.allclose(whole.probabilities, blocks.probabilities, atol=1e-5)
    assert np.array_equal(whole.label, blocks.label)
    assert (whole.unsure == blocks.unsure).mean() > 0.99


def test_windows_in_stream_order_are_learned_and_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = flow_file(tmp_path / "f.csv", 400)
    train = ["train", "flows", str(data), "--epochs", "1", "--label", "Label"]
    assert main([*train, "--output", str(tmp_path / "stream"), "--stream"]) == 0
    assert main([*train, "--output", str(tmp_path / "host")]) == 0
    table = read_flows([data])
    for folder, streams in (("stream", True), ("host", False)):
        scorer = Scorer.load(tmp_path / folder, "flows")
        assert scorer.model.training["stream"] is streams
        out = tmp_path / f"{folder}.parquet"
        score = ["score", "flows", str(data), "--model", str(tmp_path / folder)]
        assert main([*score, "--output", str(out)]) == 0
        said = pl.read_parquet(out)["p_attack"].to_numpy()
        for way, same in ((table.as_streams(), streams), (table, not streams)):
            judged = judging.judge_flows(scorer, way, lambda _: None)
            assert np.allclose(judged.p_attack, said, atol=1e-6) is same
    capsys.readouterr()
    message = refused(capsys, "train", "requests", data, "--output", tmp_path / "m", "--stream")
    assert "--stream is of flows, not of requests" in message


def test_rows_without_a_label_are_not_evaluated(
    tmp_path: Path, flow_folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pl.read_csv(flow_file(tmp_path / "f.csv", 40))
    label = pl.when(pl.int_range(pl.len()) % 4 > 0).then("Label").alias("Label")
    frame.with_columns(label).write_parquet(tmp_path / "f.parquet")
    evaluate = ["evaluate", "flows", str(tmp_path / "f.parquet"), "--model", flow_folder]
    assert main(evaluate) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["rows"] == 30
    assert "10 of 40 rows have no label" in said.err
    numbers = pl.when(pl.col("Label") == "BENIGN").then(0.0).otherwise(float("nan"))
    frame.with_columns(numbers.alias("Label")).write_parquet(tmp_path / "f.parquet")
    assert main(evaluate) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 20
    frame.with_columns(pl.lit(float("nan")).alias("Label")).write_parquet(tmp_path / "f.parquet")
    assert "no row has a label" in refused(capsys, *evaluate)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "not readable"),
        (b"", "an empty file"),
        (b"Label,Flow Duration\n", "missing flow columns"),
        (b"Label,b\nBENIGN,2\n", "missing flow columns: Flow Duration"),
        (",".join(FLOW_COLUMNS).encode() + b"\n", "no rows"),
        (",".join(FLOW_COLUMNS).encode() + b"\n" + b",".join([b"x"] * 40), "hold no numbers"),
        (b"\x00\x01\x02\x03\xff\xfe", "not a table: it begins with the bytes 00 01"),
        (b'a,"b\nc', "missing flow columns"),
        (",".join(FLOW_COLUMNS).encode() + b'\n"1', "not readable"),
    ],
)
def test_data_that_cannot_be_read_get_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flow_folder: str,
    content: bytes | None,
    says: str,
) -> None:
    data = tmp_path / "bad.csv"
    if content is not None:
        data.write_bytes(content)
    score = ("score", "flows", data, "--model", flow_folder, "--output", tmp_path / "v.csv")
    assert says in refused(capsys, *score)
    assert not (tmp_path / "v.csv").exists()


def test_labels_that_cannot_be_learned_get_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flow_folder: str
) -> None:
    data = flow_file(tmp_path / "f.csv", 20)
    train = ("train", "flows", data, "--output", tmp_path / "m", "--label")
    assert "no column 'Kind' to take labels from" in refused(capsys, *train, "Kind")
    assert "unknown flows labels: '1" in refused(capsys, *train, "Flow Duration")
    frame = pl.read_csv(data)
    for label, says in (("BENIGN", "fewer than two classes"), ("", "no row has a label")):
        frame.with_columns(pl.lit(label).alias("Label")).write_csv(data)
        assert says in refused(capsys, *train, "Label")
    assert "no row has a label" in refused(
        capsys, "evaluate", "flows", data, "--model", flow_folder
    )
    frame.head(2).write_csv(data)
    refused(capsys, *train, "Label")
    assert not (tmp_path / "m").exists()


def test_outputs_and_models_that_cannot_be_used_get_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flow_folder: str, request_folder: str
) -> None:
    data = flow_file(tmp_path / "f.csv", 10)
    score = ("score", "flows", data, "--output")
    assert "ends in .parquet or .csv" in refused(capsys, *score, tmp_path / "v.xlsx")
    assert "no such folder for the output" in refused(capsys, *score, tmp_path / "no" / "v.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "a folder, not a file" in refused(capsys, *score, tmp_path / "folder.csv")
    score = ("score", "flows", data, "--output", tmp_path / "v.csv", "--model")
    assert "a model of 'requests', not of 'flows'" in refused(capsys, *score, request_folder)
    assert "model.json" in refused(capsys, *score, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    score = ("score", "flows", tmp_path / "empty", "--output", tmp_path / "v.csv")
    assert "no files in this folder" in refused(capsys, *score)
    assert "a file, not a folder for the model" in refused(
        capsys, "train", "flows", data, "--output", data
    )
    score = ("score", "requests", data, "--output", tmp_path / "v.csv", "--model", request_folder)
    assert "none of the columns request" in refused(capsys, *score)
    assert "invalid choice: 'flow'" in refused(capsys, "score", "flow", data)
    assert "no folder 'flows' in it" in refused(capsys, "tables", tmp_path)


@pytest.mark.parametrize("command", [[], ["score"], ["train"], ["evaluate"], ["adapt"], ["tables"]])
def test_help_is_there(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command, "-h"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert "python -m ml_core" in said
    assert "DATA" in said


def test_long_runs_say_how_far_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    say = progress.Rows("judged", 4_000)
    for clock[0], done in ((5.0, 500), (10.0, 1_000), (12.0, 1_200), (20.0, 2_000)):
        say(done)
    say.done()
    assert capsys.readouterr().err.splitlines() == [
        "judged 1,000 of 4,000 rows, 100/s, 30 s left",
        "judged 2,000 of 4,000 rows, 100/s, 20 s left",
    ]


CELLS = st.one_of(
    st.sampled_from(["", "NaN", "Infinity", "-1", "0", "1e400", "6", "10.0.0.1", "::1", '"', "'"]),
    st.floats(width=32).map(str),
    st.text(max_size=8),
    st.sampled_from([*FLOW_COLUMNS, "Label"]),
)
HEADERS = st.sampled_from(
    [
        [*FLOW_COLUMNS[:8], "Src IP", "Dst IP", "Dst Port", "Timestamp", "Label"],
        [" Tot Fwd Pkts", "Tot Bwd Pkts", "TotLen Fwd Pkts", "TotLen Bwd Pkts", "Flow Duration",
         "Flow Byts/s", "Pkt Len Mean", "Protocol", "Timestamp"],
        ["ts", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "duration", "orig_bytes",
         "resp_bytes", "conn_state", "history", "orig_pkts", "resp_pkts"],
        ["IPV4_SRC_ADDR", "IPV4_DST_ADDR", "L4_DST_PORT", "PROTOCOL", "IN_BYTES", "IN_PKTS",
         "OUT_BYTES", "OUT_PKTS", "TCP_FLAGS", "FLOW_DURATION_MILLISECONDS"],
        ["duration", "protocol_type", "flag", "src_bytes", "dst_bytes"],
    ]
)  # fmt: skip
TABLES = HEADERS.flatmap(
    lambda header: st.lists(
        st.lists(CELLS, min_size=1, max_size=len(header) + 2), min_size=1, max_size=6
    ).map(
        lambda rows: "\n".join(",".join(row) for row in [header, *rows]).encode("utf-8", "replace")
    )
)
MANGLED = st.one_of(
    TABLES,
    st.binary(min_size=1, max_size=200),
    st.tuples(TABLES, st.integers(0, 200), st.binary(max_size=20)).map(
        lambda part: part[0][: part[1]] + part[2] + part[0][part[1] :]
    ),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=MANGLED)
def test_mangled_files_are_scored_or_refused(
    tmp_path: Path, flow_folder: str, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    data, out = tmp_path / "mangled.csv", tmp_path / "v.parquet"
    data.write_bytes(content)
    out.unlink(missing_ok=True)
    status = main(["score", "flows", str(data), "--model", flow_folder, "--output", str(out)])
    said = capsys.readouterr().err
    assert status in (0, 2)
    if status == 2:
        assert said.count("\n") == 1
        assert not out.exists()
    else:
        scored = pl.read_parquet(out)
        assert scored.columns == COLUMNS
        assert len(scored) >= 1
        assert not scored["p_attack"].is_nan().any()


def test_the_data_are_never_overwritten_by_their_verdicts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, link = tmp_path / "d.csv", tmp_path / "also.csv"
    data.write_text("domain\nexample.org\n")
    link.symlink_to(data)
    for output in (data, link):
        assert main(["score", "domains", str(data), "--output", str(output)]) == 2
    assert "would be lost" in capsys.readouterr().err
    assert data.read_text() == "domain\nexample.org\n"


def test_empty_texts_are_unsure_and_nothing_but_empty_texts_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "d.csv", tmp_path / "v.csv"
    data.write_text('domain,n\nexample.org,1\n"",2\n')
    assert main(["score", "domains", str(data), "--output", str(out)]) == 0
    assert pl.read_csv(out)["unsure"].to_list()[1] is True
    data.write_text('domain,n\n"",1\n"",2\n')
    assert main(["score", "domains", str(data), "--output", str(out)]) == 2
    assert "all texts are empty" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != FLOWS])
def test_what_is_no_number_is_no_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    data, out = tmp_path / "d.parquet", tmp_path / "v.csv"
    name = text_kind(kind).columns[0]
    numbers = pl.Series(name, [float("nan")] * 2)
    for untold in (numbers, numbers.cast(pl.Float32), numbers.reshape((2, 1)).arr.to_list()):
        untold.to_frame().write_parquet(data)
        assert "all texts are empty" in refused(capsys, "score", kind, data, "--output", out)
    pl.DataFrame({name: [float("nan"), 1.5]}).write_parquet(data)
    assert main(["score", kind, str(data), "--output", str(out)]) == 0
    assert pl.read_csv(out)["unsure"].to_list()[0] is True
    for rows in ("NaN\nnan\n", '" "\nNaN\n'):
        (tmp_path / "d.csv").write_text(f"{name}\n{rows}")
        said = refused(capsys, "score", kind, tmp_path / "d.csv", "--output", out)
        assert "all texts are empty" in said


def test_what_a_terminal_would_act_on_is_not_shown_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "d.csv"
    data.write_text("a\x1b[31mRED,b\n1,2\n")
    assert main(["score", "domains", str(data), "--output", str(tmp_path / "v.csv")]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert said.count("\n") == 1


def test_a_folder_stands_for_the_files_in_it_by_name(tmp_path: Path, flow_folder: str) -> None:
    days, out = tmp_path / "days", tmp_path / "v.csv"
    days.mkdir()
    flow_file(days / "tuesday.csv", 20)
    flow_file(days / "monday.csv", 30)
    (days / ".hidden").write_text("not data")
    (days / "sunday").mkdir()
    flow_file(days / "sunday" / "morning.csv", 10)
    (days / "sunday" / "again").symlink_to(days)
    (days / "zeros").mkdir()
    score = ["score", "flows", "--model", flow_folder, "--output", str(out)]
    assert main([*score, str(days)]) == 0
    named = tmp_path / "named.csv"
    score[-1] = str(named)
    files = ("monday.csv", "sunday/morning.csv", "tuesday.csv")
    assert main([*score, *(str(days / name) for name in files)]) == 0
    assert out.read_text() == named.read_text()
    assert len(pl.read_csv(out)) == 60


def test_larger_batches_learn_at_the_root_of_the_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, model = flow_file(tmp_path / "f.csv"), tmp_path / "m"
    train = ["train", "flows", str(data), "--output", str(model), "--epochs", "1"]
    assert main([*train, "--batch", "1024", "--precision", "bf16"]) == 0
    capsys.readouterr()
    said = json.loads((model / "model.json").read_text())["training"]["options"]
    assert (said["batch"], said["precision"]) == (1024, "bf16")
    assert said["rate"] == pytest.approx(2 * OPTIONS.rate)
    assert OPTIONS.batch == 256


def test_learning_is_refused_what_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, model = flow_file(tmp_path / "f.csv", 20), tmp_path / "m"
    learn = ("train", "flows", data, "--output", model)
    assert "not a number above zero" in refused(capsys, *learn, "--epochs", "0")
    assert "not a number above zero" in refused(capsys, *learn, "--seed", "-1")
    assert "not a number above zero" in refused(capsys, *learn, "--batch", "0")
    assert "invalid choice" in refused(capsys, *learn, "--precision", "bf8")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "not a file to keep a checkpoint in" in refused(capsys, *learn, "--checkpoint", pipe)
    assert pipe.is_fifo()


def test_values_that_cannot_be_read_are_told_and_their_rows_are_judged(
    tmp_path: Path, flow_folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = flow_file(tmp_path / "f.csv", 20).read_text().splitlines()
    cells = [line.split(",") for line in lines]
    cells[3][0] = cells[5][0] = "1 000 \x1b[31m"
    cells[7] = [""] * len(cells[0])
    cells[8][cells[0].index("Timestamp")] = "yesterday"
    cells.insert(10, cells[0])
    data, out = tmp_path / "g.csv", tmp_path / "v.csv"
    data.write_text("\n".join(",".join(row) for row in cells))
    score = ["score", "flows", str(data), "--model", flow_folder, "--output", str(out)]
    assert main(score) == 0
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "cannot be read: 2 of 'Flow Duration', 1 of 'Timestamp'" in told
    scored = pl.read_csv(out)
    assert len(scored) == 21
    assert scored["unsure"].gather([6, 9]).to_list() == [True, True]  # nothing was read of them


def test_a_full_disk_leaves_the_verdicts_that_were_there(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request_folder: str,
) -> None:
    data, out = tmp_path / "r.csv", tmp_path / "v.csv"
    data.write_text("request,n\nGET /a,1\n")
    score = ("score", "requests", data, "--model", request_folder, "--output")
    assert main([str(part) for part in (*score, out)]) == 0
    before = out.read_text()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_csv", full)
    assert "No space left on device" in refused(capsys, *score, out)
    assert out.read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv", "v.csv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_a_device_that_is_full_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], request_folder: str
) -> None:
    (tmp_path / "r.csv").write_text("request,n\nGET /a,1\n")
    for name in ("v.csv", "v.parquet"):
        (tmp_path / name).symlink_to("/dev/full")
        score = ("score", "requests", tmp_path / "r.csv", "--model", request_folder, "--output")
        assert "not written" in refused(capsys, *score, tmp_path / name)
    assert Path("/dev/full").is_char_device()


def test_what_could_not_be_written_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = flow_file(tmp_path / "f.csv", 10)
    monkeypatch.setattr(folders.os, "access", lambda *_: False)
    assert "not writable" in refused(capsys, "score", "flows", data, "--output", tmp_path / "v.csv")
    train = ("train", "flows", data, "--output", tmp_path / "deep" / "m")
    assert "not writable" in refused(capsys, *train)


def test_an_interrupted_run_leaves_nothing_and_says_so(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    flow_folder: str,
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(judging, "judge_flows", interrupt)
    data = flow_file(tmp_path / "f.csv", 10)
    score = ["score", "flows", str(data), "--model", flow_folder]
    assert main([*score, "--output", str(tmp_path / "v.csv")]) == 130
    assert capsys.readouterr().err == "ml_core: interrupted\n"
    assert [path.name for path in tmp_path.iterdir()] == ["f.csv"]


def test_who_reads_only_the_beginning_hears_no_complaint(tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    table.write_text("domain,label\n" + "example.org,benign\nxkqzvjwpt.biz,dga\n" * 5)
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "ml_core", "evaluate", "domains", str(table)]
    run = subprocess.run(
        [*command, "--label", "label"], stdout=writes, stderr=subprocess.PIPE, check=False
    )
    os.close(writes)
    assert (run.returncode, b"ipe" in run.stderr) == (0, False)
