"""The networks' verdicts on findings: what is read, in which company, and what is never made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from apps.acquisition.frames import pack_features
from apps.acquisition.traffic.flow_columns import FLOW_FEATURES
from apps.analysis import networks, readings
from apps.analysis.assess import PER_FINDING, _explain, _mean_reasons, _Told, assess
from apps.analysis.networks import network
from apps.contracts import Kind
from ml_core.scorer import Explanation, Reason, Verdicts
from tests.analysis.made import MALLORY, TRUDY, finding, frame, knock, login, request

FLOW_MODEL = networks.shipped() / "flows-bilstm-dnn"


def flows(count: int, sources: int = 3) -> pl.DataFrame:
    """Flows of several sources, in time order, with features that look like something."""
    rng = np.random.default_rng(7)
    rows = [
        knock(i // 2, int(rng.integers(20, 30)), f"203.0.113.{rng.integers(sources)}")
        for i in range(count)
    ]
    features = rng.lognormal(3, 2, size=(count, len(FLOW_FEATURES))).astype(np.float32)
    return frame(rows).with_columns(pack_features(features))


def test_scoring_a_part_gives_the_verdicts_of_scoring_all() -> None:
    table = flows(400)
    reader = network("flows")
    assert reader is not None

    def scored(rows: np.ndarray) -> Verdicts:
        part = readings.flows_around(table, rows)
        assert len(part.row) < 300 or len(rows) == 400
        return reader.scorer.score_flows(
            part.features,
            FLOW_FEATURES,
            part.source,
            part.time,
            part.destination,
            part.port,
            judged=np.searchsorted(part.row, rows),
        )

    chosen = np.array([0, 3, 57, 58, 200, 399])
    everything, part = scored(np.arange(400)), scored(chosen)
    np.testing.assert_allclose(part.probabilities, everything.probabilities[chosen], atol=1e-5)
    (one,), (other,) = part.explain([4]), everything.explain([200])
    assert [r.value for r in one.reasons] == [r.value for r in other.reasons]


def test_a_verdict_says_what_when_and_why() -> None:
    said = assess(flows(300), [finding(Kind.PORT_SCAN, network="flows", records=range(300))])[0]
    assert said is not None
    assert said.scored == PER_FINDING
    assert said.model.startswith("flows-bilstm-dnn ")
    assert said.probability == max(said.probabilities.values())
    assert abs(sum(said.probabilities.values()) - 1) < 1e-6
    assert said.p_attack == pytest.approx(1 - said.probabilities["Normal"])
    assert 1 <= len(said.reasons) <= 5
    assert all(reason.value for reason in said.reasons)
    assert len(said.steps) == 10
    assert sum(said.steps) > 1  # in log-odds: far more for a port scan than against it


def test_no_verdict_is_made_up_where_no_network_reads(tmp_path: Path) -> None:
    table = frame([login(0, "root"), knock(1, 22), request(2, "GET", "/")])
    seen = [
        finding(records=(0,)),  # no network reads log-ins
        finding(Kind.PORT_SCAN, network="flows", records=(1,)),  # a connection without features
        finding(Kind.MALWARE, network="files", records=(2,)),  # a network that is not there
    ]
    assert assess(table, seen) == [None, None, None]
    asked = [finding(Kind.WEB_INJECTION, network="requests", records=(2,))]
    assert assess(table, asked, tmp_path) == [None]


def test_a_damaged_model_is_told_and_the_response_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "flows-broken"
    folder.mkdir()
    (folder / "model.json").write_bytes((FLOW_MODEL / "model.json").read_bytes())
    (folder / "weights.safetensors").write_bytes(b"not weights")
    seen = [finding(Kind.PORT_SCAN, network="flows", records=range(20))]
    assert assess(flows(20), seen, tmp_path) == [None]
    assert "weights.safetensors is not the file" in caplog.text


def test_requests_are_read_as_the_network_learned_them() -> None:
    rows = [
        request(0, "GET", "/item?id=1%27"),
        request(1, "POST", "/login", **{"http.request.body.content": "user=a' or 1=1--"}),
        knock(2, 80),
    ]
    table = frame(rows)
    assert readings.texts(table).to_list()[:2] == [
        "GET /item?id=1%27",
        "POST /login\nuser=a' or 1=1--",
    ]
    assert readings.readable_requests(table).tolist() == [True, True, False]
    assert np.argmax(readings.request_signal(table)) == 1


def test_of_what_is_strange_at_its_site_normal_is_more_than_the_network_can_know() -> None:
    table = frame(
        [
            request(0, "GET", "/shop?item=7"),
            request(1, "GET", "/shop?item=1%27+union+select+1,2,3--"),
        ]
    )
    strange = {"signs": ["unlike_its_site"]}
    asked = [
        finding(Kind.ANOMALY, network="requests", records=(0,)),
        finding(Kind.ANOMALY, network="requests", records=(0,), parameters=strange),
        finding(Kind.ANOMALY, network="requests", records=(1,), parameters=strange),
    ]
    plain, unlike, attack = [said for said in assess(table, asked) if said is not None]
    assert (plain.label, plain.unsure) == ("normal", False)
    assert (unlike.label, unlike.unsure) == ("normal", True)
    assert unlike.p_attack == pytest.approx(plain.p_attack)
    assert (attack.label, attack.unsure) == ("sqli", False)


def verdicts(probabilities: list[list[float]], unsure: list[bool]) -> Verdicts:
    p = np.array(probabilities)
    label = p.argmax(axis=1)
    return Verdicts(
        names=("Normal", "DoS", "Bot"),
        label=label,
        probability=p.max(axis=1),
        probabilities=p,
        p_attack=1 - p[:, 0],
        unsure=np.array(unsure),
        distance=np.zeros(len(p), np.float32),
        model=cast(Any, None),
        inputs=cast(Any, None),
    )


def told(probabilities: list[list[float]], unsure: list[bool]) -> Any:
    made = _Told.of(verdicts(probabilities, unsure), np.arange(len(probabilities)))
    assert made is not None
    return made


def test_the_sure_records_speak_where_they_are_the_many() -> None:
    said = told([[0.1, 0.9, 0], [0.1, 0.9, 0], [0.9, 0.1, 0]], [False, False, True])
    assert (said.names[said.label], said.unsure) == ("DoS", False)
    assert said.p_attack == pytest.approx(0.9)


def test_most_unsure_or_a_thin_margin_is_unsure() -> None:
    assert told([[0.1, 0.9, 0], [0.1, 0.9, 0], [0.1, 0.9, 0]], [True, True, False]).unsure
    assert told([[0.48, 0.52, 0]], [False]).unsure
    # Undecided between two attacks is still sure of an attack.
    assert not told([[0.02, 0.5, 0.48]], [False]).unsure


def test_records_are_explained_as_what_their_finding_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explain(_: Verdicts, rows: list[int], top: int, classes: list[int]) -> list[Explanation]:
        return [
            Explanation((Reason(f"{row} as {c}", "", 1.0),), np.ones(1, np.float32))
            for row, c in zip(rows, classes, strict=True)
        ]

    monkeypatch.setattr(Verdicts, "explain", explain)
    said = verdicts([[0.55, 0.45, 0], [0, 0.45, 0.55]], [False, False])  # neither is a DoS
    both, first = _Told.of(said, np.array([0, 1])), _Told.of(said, np.array([0]))
    found = _explain(said, [both, None, first], [50, 50, 50])
    fields = [[why.reasons[0].field for why in each] for each in found]
    assert [sorted(each) for each in fields] == [["0 as 1", "1 as 1"], [], ["0 as 0"]]


def test_reasons_are_averaged_and_show_the_most_telling_value() -> None:
    steps = np.ones(1, np.float32)
    one = Explanation((Reason("a", "7", 1.0), Reason("b", "x", -0.2)), steps)
    two = Explanation((Reason("a", "9", 0.5), Reason("c", "y", -3.0)), steps)
    made = _mean_reasons([one, two])
    assert [(r.field, r.value, round(r.weight, 3)) for r in made] == [
        ("c", "y", -1.5),
        ("a", "7", 0.75),
        ("b", "x", -0.1),
    ]


def test_many_findings_share_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    table = flows(2000, sources=40)
    by_source = {
        address: [i for i, ip in enumerate(table["source.ip"].to_list()) if ip == address]
        for address in table["source.ip"].unique().to_list()
    }
    seen = [
        finding(Kind.PORT_SCAN, address, network="flows", records=rows)
        for address, rows in sorted(by_source.items())
    ]
    monkeypatch.setattr("apps.analysis.assess.IN_ALL", 400)
    said = assess(table, seen)
    assert all(verdict is not None and verdict.scored <= 10 for verdict in said)
    assert {MALLORY, TRUDY} <= set(by_source)
