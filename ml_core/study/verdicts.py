"""Verdicts worth acting on: unknown attacks, calibration, explanations, drift.

Everything is learned from the corrected CIC-IDS2017 sample, held out by time within each label.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_core.building import ALARM_RATE
from ml_core.kinds import FLOWS, named
from ml_core.kinds.flows import building
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.kinds.flows.site import Site
from ml_core.kinds.text import TEST, TRAINING, VALIDATION
from ml_core.model_file import Model
from ml_core.readers import FlowTable, read_labelled_flows
from ml_core.sampling import undersample
from ml_core.scorer import Scorer, Verdicts
from ml_core.study.explanations import explanations
from ml_core.study.report import Chapter, Table, Topic
from ml_core.study.verdict_scores import CHOSEN, scores
from ml_core.verdict.calibration import (
    expected_calibration_error,
    fit_temperature,
    harmless_bias,
    negative_log_likelihood,
    softmax,
)
from ml_core.verdict.seen import Seen, look

Ints = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SOURCE = "cicids2017_improved_56k"
OTHERS = (
    ("cse_cic_ids2018_dhoogla_0214_bruteforce_6k", "CSE-CIC-IDS2018, 14 February"),
    ("cse_cic_ids2018_dhoogla_0220_ddos1_6k", "CSE-CIC-IDS2018, 20 February"),
    ("cse_cic_ids2018_orig_adrin_4k", "CSE-CIC-IDS2018, four files"),
    ("nf_cicids2018_v3_kunw4r_17k", "the same year, NetFlow"),
    ("ctu_zeek_conn_labelled", "CTU, Zeek"),
)
LABELS = "Label,label,Attack"
OPTIONS = replace(building.OPTIONS, epochs=6)
LARGEST = 3_000  # training flows of one class


class Part(NamedTuple):
    """Flows, what the shipped path says of them, and what the network makes of them."""

    verdicts: Verdicts
    seen: Seen
    y: Ints


class Learned(NamedTuple):
    """A model and the three parts of its source; the test part holds all of a class left out."""

    model: Model
    training: Part
    validation: Part
    test: Part


def run(data: Path, say: Callable[[str], None]) -> Chapter:
    """The four studies in one go."""
    table, y, names = _flows(data, SOURCE)
    part = building.split_in_time(names, table.time, table.source)
    whole = learn(table, y, part)
    say("learned from all classes")
    calibration = _calibration(whole, data)
    faithful = explanations(whole.test.verdicts, whole.test.y, whole.model.labels)
    drift = _drift(whole, data)
    say("calibration, explanations and drift measured")
    return Chapter(
        "Verdicts worth acting on",
        "Learned from the corrected CIC-IDS2017 sample: of each label the first 60 % in time, "
        "validated on the next 10 %, tested on the last 30 %.",
        (*_unknown(table, y, part, say), calibration, *faithful, drift),
    )


def learn(table: FlowTable, y: Ints, part: Ints, left_out: int | None = None) -> Learned:
    """A model of all classes but one, and its parts; only known rows and y >= 0 are used."""
    if left_out is not None:
        part = np.where(y == left_out, TEST, part)
    part = part.copy()
    chosen = np.flatnonzero(part == TRAINING)
    kept = chosen[undersample(y[chosen], LARGEST, 0)]
    part[np.setdiff1d(chosen, kept)] = building.UNUSED
    scanned = left_out != named(FLOWS).classes.index("Portscan")
    model = building.build_flows(table, y, part, OPTIONS, scanned=scanned)
    scorer = Scorer(model)
    parts = [part_of(scorer, table.take(part == p), y[part == p]) for p in range(3)]
    return Learned(model, parts[TRAINING], parts[VALIDATION], parts[TEST])


def part_of(scorer: Scorer, table: FlowTable, y: Ints) -> Part:
    """Judged as the command line judges."""
    verdicts = _verdicts(scorer, table)
    rows = np.arange(len(verdicts))
    seen = [
        look(scorer.model.network, *verdicts.inputs.batch(some))
        for some in np.array_split(rows, max(len(rows) // 2048, 1))
    ]
    return Part(verdicts, Seen(*(np.concatenate(p) for p in zip(*seen, strict=True))), y)


def _verdicts(scorer: Scorer, table: FlowTable) -> Verdicts:
    """As the command line judges: with what the site's own traffic says."""
    return scorer.score_flows(
        table.features,
        FLOW_COLUMNS,
        table.group,
        table.time,
        table.destination,
        table.port,
        site=Site.of(table.features),
    )


def _flows(data: Path, name: str) -> tuple[FlowTable, Ints, list[str]]:
    """The flows of a file whose label tells a class, their classes and their labels."""
    table, labels = read_labelled_flows([data / "flows" / f"{name}.parquet"], LABELS)
    classes = np.append(named(FLOWS).class_index(labels.names), -1)
    y = classes[labels.codes]
    told = np.flatnonzero(y >= 0)
    y = building.scans_as_scans(table, y)
    return table.take(told), y[told], np.asarray(labels.of_rows)[told].tolist()


# ── unknown attacks ───────────────────────────────────────────────────────────────────────


class Found(NamedTuple):
    """One score with one class left out."""

    found: float  # share of the unknown class called attack or unsure
    alarms: float  # share of test normals
    exact: float  # found with the borders that leave ALARM_RATE of the test normals themselves


def _unknown(
    table: FlowTable, y: Ints, part: Ints, say: Callable[[str], None]
) -> tuple[Table, Table]:
    classes = named(FLOWS).classes
    found: dict[str, list[Found]] = {}
    shipped: list[tuple[float, ...]] = []
    for c in range(1, len(classes)):
        learned = learn(table, y, part, left_out=c)
        results = compare(learned, c)
        for name, result in results.items():
            found.setdefault(name, []).append(result)
        shipped.append((*as_shipped(learned, c), results[CHOSEN].exact))
        say(f"{classes[c]} left out")
    by_class: list[tuple[Any, ...]] = [
        (name, *row) for name, row in zip(classes[1:], shipped, strict=True)
    ]
    operating = Table(
        "One attack class left out of training, each in turn",
        ("left out", "rows", "called attack", "attack or unsure", "normals called attack",
         "normals: attack or unsure", "known attacks unsure", "found at 1 % of test normals"),
        (*by_class, ("mean", None, *np.mean(shipped, axis=0)[1:].tolist())),
        "The model as it ships: its borders are set so that 1 % of the *validation* normals are "
        "called attack or unsure; what that comes to on later normals stands beside it. Last "
        "column: found with the borders that leave exactly 1 % of the *test* normals.",
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = [
        (
            name,
            *(float(np.mean([one[i] for one in each])) for i in range(3)),
            *(one.found for one in each),
        )
        for name, each in found.items()
    ]
    rows.sort(key=lambda row: -row[1])
    compared = Table(
        "Open-set scores compared",
        ("score", "found", "test normals", "found at 1 % of test normals", *classes[1:]),
        tuple(rows),
        "Mean over the classes left out of the share called attack or unsure, all scores at the "
        "same 1 % of the validation normals, with the same bias against false alarms; then by "
        "class. *harmless*: distance to training normals only. The last layer and what the "
        "recurrent layers read (last, mean and deviation over the window) are the spaces.",
    )
    return operating, compared


def as_shipped(learned: Learned, c: int) -> tuple[float, ...]:
    """Rows of class `c`, left out, and of the test part the shares that the table tells."""
    verdicts, y = learned.test.verdicts, learned.test.y
    called, alarm = verdicts.label != 0, (verdicts.label != 0) | verdicts.unsure
    left, normal = y == c, y == 0
    known = ~left & ~normal & called
    shares = (called[left], alarm[left], called[normal], alarm[normal], verdicts.unsure[known])
    return int(left.sum()), *(float(share.mean()) for share in shares)


def compare(learned: Learned, c: int) -> dict[str, Found]:
    """Every score at the same joint operating point."""
    model, (known, validation, test) = learned.model, learned[1:]
    head = model.network.head
    weights = head.weight.detach().double().numpy(), head.bias.detach().double().numpy()
    found = {}
    for name, score in scores(known.seen, known.y, weights, model.openset).items():
        values = score(validation.seen), score(test.seen)
        alarm = _alarms(validation, test, values, ALARM_RATE)
        exact = _alarms(test, test, (values[1], values[1]), ALARM_RATE)
        found[name] = Found(
            float(alarm[test.y == c].mean()),
            float(alarm[test.y == 0].mean()),
            float(exact[test.y == c].mean()),
        )
    return found


def _alarms(
    tuned: Part, test: Part, values: tuple[npt.NDArray[Any], npt.NDArray[Any]], rate: float
) -> Bools:
    """Test rows called attack, or beyond the border that leaves `rate` of the normals it is tuned on."""
    bias = harmless_bias(tuned.seen.logits, tuned.y, rate / 4)
    called = [_odds(p.seen) > bias for p in (tuned, test)]
    normal = tuned.y == 0
    allowed = max(int(rate * normal.sum()) - int(called[0][normal].sum()), 0)
    rest = np.sort(values[0][normal & ~called[0]])[::-1]
    return np.asarray(called[1] | (values[1] > rest[min(allowed, len(rest) - 1)]))


def _odds(seen: Seen) -> F64:
    return np.asarray(seen.logits[:, 1:].max(axis=1) - seen.logits[:, 0], dtype=np.float64)


# ── calibration ───────────────────────────────────────────────────────────────────────────


def _calibration(learned: Learned, data: Path) -> Table:
    from sklearn.linear_model import LogisticRegression

    model, tuned = learned.model, learned.validation
    raised = np.zeros(len(model.labels))
    raised[0] = model.training["harmless_bias"]
    plain = fit_temperature(tuned.seen.logits - raised, tuned.y)
    matrix = LogisticRegression(max_iter=500).fit(tuned.seen.logits, tuned.y)

    def by_matrix(logits: npt.NDArray[Any]) -> F64:
        out = np.full((len(logits), len(model.labels)), -50.0)
        out[:, matrix.classes_] = matrix.decision_function(logits)
        return out

    ways: dict[str, Callable[[npt.NDArray[Any]], F64]] = {
        "as learned": lambda z: z - raised,
        "temperature": lambda z: (z - raised) / plain,
        "bias and temperature (shipped)": lambda z: z / model.temperature,
        "matrix scaling": by_matrix,
    }
    parts = [("held out by time", learned.test.seen, learned.test.y)]
    for name, title in OTHERS[:3]:
        table, y, _ = _flows(data, name)
        parts.append((title, part_of(Scorer(model), table, y).seen, y))
    rows = []
    for title, seen, y in parts:
        for way, change in ways.items():
            z = change(seen.logits)
            p = softmax(z)
            right = float((p.argmax(axis=1) == y).mean())
            ece = expected_calibration_error(p, y)
            rows.append((title, way, ece, negative_log_likelihood(z, y), right))
    return Table(
        "Calibration",
        ("flows", "probabilities", "expected calibration error", "NLL", "accuracy"),
        tuple(rows),
        "15 bins. *bias*: the harmless class's logit raised until a quarter of the alarm rate of "
        "validation normals is called an attack, undoing what the class weights exaggerate.",
    )


# ── drift ─────────────────────────────────────────────────────────────────────────────────


def _drift(learned: Learned, data: Path) -> Table:
    scorer, test = Scorer(learned.model), learned.test
    rows = [("held out by time, all", *moved(test.verdicts))]
    table, y, names = _flows(data, SOURCE)
    part = building.split_in_time(names, table.time, table.source)
    held = table.take((part == TEST) & (y == 0))
    rows.append(("held out by time, normals only", *moved(_verdicts(scorer, held))))
    for name, title in OTHERS:
        rows.append((title, *moved(_verdicts(scorer, _flows(data, name)[0]))))
    return Table(
        "Drift",
        ("flows", "rows", "index", "level", "open-set PSI", "open-set KS", "unsure", "moved most"),
        tuple(rows),
        "Against the validation part's profile, without labels. Index: mean population stability "
        "index over the columns, or the open-set score's where that is more; below 0.25 stable, "
        "above 1 strange.",
    )


def moved(verdicts: Verdicts) -> tuple[Any, ...]:
    """How many rows, the index, its level, the open-set score's PSI and KS, the share of unsure
    verdicts, and the columns that moved most."""
    drift, unsure = verdicts.drift(), float(verdicts.unsure.mean())
    if drift is None:
        return (len(verdicts), None, "too few rows", None, None, unsure, "")
    most = ", ".join(column.name for column in drift.columns[:3])
    novelty = drift.novelty
    return (drift.rows, drift.index, drift.level, novelty.psi, novelty.ks, unsure, most)


TOPIC = Topic("verdicts", "Verdicts worth acting on", run, minutes=8.0)
