"""Has the recurrent networks weigh findings: paper 2's predictive analysis.

The only door to `ml_core`. All findings that one network reads are scored in one array.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from apps.acquisition.traffic.flow_columns import FLOW_FEATURES
from apps.analysis import readings
from apps.analysis.evidence import Evidence, Rows, spread
from apps.analysis.networks import Network, network
from apps.contracts import Assessment, Finding, Reason
from apps.detection.habits import SIGN as UNLIKE_ITS_SITE
from ml_core.kinds import FLOWS, PAGES, REQUESTS
from ml_core.scorer import Explanation, Verdicts

PER_FINDING = 64  # records weighed of one finding
TELLING = 16  # of them, those that stand out most
IN_ALL = 16_384  # records weighed of all findings together; each gets an equal share
LEAST = 8
EXPLAINED = 4  # records explained of one finding
EXPLAINED_IN_ALL = 512
THIN = 0.1  # less between "normal" and the best attack is no verdict
REASONS = 5

_READ = {
    FLOWS: (readings.readable_flows, readings.flow_signal),
    REQUESTS: (readings.readable_requests, readings.request_signal),
    PAGES: (readings.readable_pages, readings.page_signal),
}
"""Kind of network → which rows it reads, and how telling each is."""


def assess(
    frame: pl.DataFrame, findings: Sequence[Finding], folder: Path | None = None
) -> list[Assessment | None]:
    """The network's verdict on each finding; None where no network reads what it stands on.

    `frame` holds the records behind the findings and, for flows, the flows around them;
    `folder` holds model folders (default: the shipped ones).
    """
    found: list[Assessment | None] = [None] * len(findings)
    by_kind: dict[str, list[int]] = defaultdict(list)
    for i, finding in enumerate(findings):
        if finding.network in _READ:
            by_kind[finding.network].append(i)
    evidence = Evidence(frame)
    for kind, members in by_kind.items():
        chosen = _representatives(evidence, kind, [findings[i] for i in members])
        if not any(len(rows) for rows in chosen):
            continue
        reader = network(kind, folder)
        if reader is None:
            continue
        verdicts, places = _score(frame, kind, reader, chosen)
        told = [_Told.of(verdicts, at) for at in places]
        explained = _explain(verdicts, told, [findings[i].severity for i in members])
        for i, said, reasons in zip(members, told, explained, strict=True):
            if said is not None:
                weighed = said.assessment(kind, reader.model, reasons)
                found[i] = replace(weighed, unsure=weighed.unsure or _beyond(findings[i], weighed))
    return found


def _beyond(finding: Finding, weighed: Assessment) -> bool:
    """Whether "normal" is more than the network can know: it never saw what the site is asked."""
    signs = finding.parameters.get("signs")
    unlike = isinstance(signs, Sequence) and UNLIKE_ITS_SITE in signs
    return unlike and weighed.p_attack < 0.5


def _representatives(evidence: Evidence, kind: str, findings: Sequence[Finding]) -> list[Rows]:
    """For each finding the rows to weigh: the first, the last, the most telling, the rest spread."""
    frame = evidence.frame
    reads, tells = _READ[kind]
    readable, signal = reads(frame), tells(frame)
    most = int(np.clip(IN_ALL // max(len(findings), 1), LEAST, PER_FINDING))
    chosen = []
    for finding in findings:
        rows = evidence.rows(finding.records)
        rows = rows[readable[rows]]
        if len(rows) > most:
            telling = np.argsort(-signal[rows], kind="stable")[: min(TELLING, most // 2)]
            others = np.setdiff1d(np.arange(len(rows)), telling)
            among = others[spread(len(others), most - len(telling))]
            rows = rows[np.union1d(telling, among)]
        chosen.append(rows)
    return chosen


def _score(
    frame: pl.DataFrame, kind: str, reader: Network, chosen: Sequence[Rows]
) -> tuple[Verdicts, list[Rows]]:
    """One array scored, and for each finding the places of its rows in it."""
    rows = np.unique(np.concatenate(chosen))
    if kind == FLOWS:
        flows = readings.flows_around(frame, rows)
        verdicts = reader.scorer.score_flows(
            flows.features,
            FLOW_FEATURES,
            flows.source,
            flows.time,
            flows.destination,
            flows.port,
            judged=np.searchsorted(flows.row, rows),
            site=flows.site,
        )
    else:
        texts = readings.texts if kind == REQUESTS else readings.page_texts
        verdicts = reader.scorer.score_texts(texts(frame[rows]).to_list())
    return verdicts, [np.searchsorted(rows, each).astype(np.int64) for each in chosen]


class _Told:
    """What the verdicts on one finding's records come to."""

    def __init__(self, verdicts: Verdicts, at: Rows) -> None:
        unsure = verdicts.unsure[at]
        self.names = verdicts.names
        self.scored = len(at)
        speaking = at if unsure.mean() > 0.5 else at[~unsure]
        self.mean: npt.NDArray[np.float64] = verdicts.probabilities[speaking].mean(axis=0)
        self.label = int(self.mean.argmax())
        self.p_attack = float(1.0 - self.mean[0])
        best_attack = float(self.mean[1:].max())
        self.unsure = bool(unsure.mean() > 0.5 or abs(best_attack - self.mean[0]) < THIN)
        order = np.argsort(-verdicts.probabilities[speaking, self.label], kind="stable")
        agreeing = speaking[order]
        same = agreeing[verdicts.label[agreeing] == self.label]
        self.telling = (same if len(same) else agreeing)[:EXPLAINED]

    @classmethod
    def of(cls, verdicts: Verdicts, at: Rows) -> _Told | None:
        return cls(verdicts, at) if len(at) else None

    def assessment(self, kind: str, model: str, reasons: Sequence[Explanation]) -> Assessment:
        return Assessment(
            network=kind,
            model=model,
            label=self.names[self.label],
            probability=float(self.mean[self.label]),
            p_attack=self.p_attack,
            unsure=self.unsure,
            probabilities=dict(zip(self.names, self.mean.tolist(), strict=True)),
            reasons=_mean_reasons(reasons),
            steps=tuple(reasons[0].steps.tolist()) if reasons else (),
            scored=self.scored,
        )


def _explain(
    verdicts: Verdicts, told: Sequence[_Told | None], severities: Sequence[int]
) -> list[list[Explanation]]:
    """The explanations of each finding's most telling records, made in one batch.

    Explaining costs far more than scoring: where findings are many, each gets fewer records
    explained, and the least severe none."""
    speaking = [i for i, said in enumerate(told) if said is not None]
    each = int(np.clip(EXPLAINED_IN_ALL // max(len(speaking), 1), 1, EXPLAINED))
    speaking.sort(key=lambda i: -severities[i])
    places: list[tuple[int, tuple[int, int]]] = []  # (finding, (row, what the finding is called))
    for i in speaking[:EXPLAINED_IN_ALL]:
        said = told[i]
        assert said is not None  # speaking holds those that said something
        places += [(i, (int(row), said.label)) for row in said.telling[:each]]
    unique = sorted({of for _, of in places})
    rows, classes = [row for row, _ in unique], [label for _, label in unique]
    made = dict(zip(unique, verdicts.explain(rows, 20, classes), strict=True))
    found: list[list[Explanation]] = [[] for _ in told]
    for i, of in places:
        found[i].append(made[of])
    return found


def _mean_reasons(explanations: Sequence[Explanation]) -> tuple[Reason, ...]:
    """The mean share of each field, the strongest first, with the most telling record's value."""
    weights: dict[str, float] = defaultdict(float)
    values: dict[str, str] = {}
    for explanation in explanations:
        for reason in explanation.reasons:
            weights[reason.field] += reason.weight / len(explanations)
            values.setdefault(reason.field, reason.value)
    strongest = sorted(weights, key=lambda name: (-abs(weights[name]), name))[:REASONS]
    return tuple(Reason(name, values[name][:400], weights[name]) for name in strongest)


def warm(folder: Path | None = None) -> None:
    """Loads the networks ahead of the first findings, and has each weigh something once: what
    PyTorch sets up on its first run takes seconds. A network that is not there is no error."""
    if flows := network(FLOWS, folder):
        features = np.zeros((1, len(FLOW_FEATURES)), dtype=np.float32)
        flows.scorer.score_flows(features, FLOW_FEATURES, [0], [0]).explain([0])
    if requests := network(REQUESTS, folder):
        requests.scorer.score_texts(["GET /"]).explain([0])
