"""The flows that both papers' tables are measured on, and how a system is measured on them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError
from ml_core.kinds.flows.windows import WINDOW, window_index
from ml_core.systems import System, Windows

if TYPE_CHECKING:
    from ml_core.readers import FlowTable

Ints = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]

CLASSES = ("Normal", "DDoS", "Bot", "Infiltration", "BruteForce", "DoS", "WebAttack")
HERE = "cicids2017_improved_56k.parquet"
ELSEWHERE = (
    "cse_cic_ids2018_dhoogla_0214_bruteforce_6k.parquet",
    "cse_cic_ids2018_dhoogla_0220_ddos1_6k.parquet",
    "cse_cic_ids2018_orig_adrin_4k.parquet",
)
SILENCE = 3_600_000_000  # microseconds; no window reaches back over a longer one
LEAST = 500  # windows of a small class, after SMOTE
LARGEST = 3_000  # windows of a class that the networks learn from


@dataclass(frozen=True)
class Flows:
    """N flows, scaled, of one part or source."""

    rows: F32  # [N, F]
    y: Ints  # [N]
    group: npt.NDArray[np.integer]  # [N], the source host
    time: Ints  # [N], microseconds
    silence: int = SILENCE

    def windows(self, steps: int = WINDOW) -> Windows:
        """The last flows of each flow's host, back to its last `silence`.

        A part by time within each label holds some hours of each label, so that flows a day apart,
        of two attacks, follow one another in it as they never did on the network.
        """
        stretch = stretches(self.group, self.time, self.silence)
        return Windows(self.rows, window_index(stretch, self.time, steps))


@dataclass(frozen=True)
class Data:
    """CIC-IDS2017 in three parts by time within each label, and CSE-CIC-IDS2018 to test on."""

    training: Flows
    validation: Flows
    test: Flows
    elsewhere: Flows

    def across(self) -> Data:
        """The same flows, in windows that reach back over any silence."""
        parts = (getattr(self, part.name) for part in fields(self))
        return Data(*(replace(part, silence=np.iinfo(np.int64).max) for part in parts))

    def learned(self, steps: int = WINDOW, smote: bool = True, seed: int = 1) -> Learned:
        """The training part's windows, with SMOTE for the classes of fewer than LEAST."""
        from ml_core.sampling import smote_windows

        windows, y = self.training.windows(steps), self.training.y
        if not smote:
            return Learned(windows, y)
        rows, index, y = smote_windows(windows.rows, windows.index, y, LEAST, seed)
        return Learned(Windows(rows, index), y)


@dataclass(frozen=True)
class Learned:
    """What a system is given to learn from."""

    windows: Windows
    y: Ints

    def thinned(self, most: int, seed: int = 1) -> Learned:
        """At most `most` windows of each class (paper 1 thins Normal)."""
        from ml_core.sampling import undersample

        rows = undersample(self.y, most, seed)
        return Learned(self.windows.take(rows), self.y[rows])


@dataclass(frozen=True)
class Score:
    """What a system is worth on windows whose classes are known."""

    accuracy: float
    f1: float  # macro, over the classes that occur
    precision: float  # macro
    recall: float
    weighted_precision: float  # by the classes' numbers, as paper 1 averages
    weighted_recall: float
    auc: float | None  # attack against normal
    of: Mapping[str, tuple[float, float, float]]  # class: precision, recall, F1
    confusion: Ints = field(repr=False)  # [C, C], rows true


Both = tuple[Score, Score]  # here, elsewhere


def load(data: Path) -> Data:
    """Reads the two sources under data/flows; DataError names what is missing.

    Scan flows ("Portscan") are left out: the papers have no class for them.
    """
    from ml_core.kinds.flows.building import split_in_time
    from ml_core.kinds.flows.scaler import Scaler
    from ml_core.kinds.text import TEST, TRAINING, VALIDATION

    folder = data / "flows"
    names = _names(folder / "label_map_7class.json")
    here, labels = _read([folder / HERE], names)
    away, away_labels = _read([folder / name for name in ELSEWHERE], names)
    part = split_in_time(labels, here.time, here.source.astype(np.int64))
    scaler = Scaler.fit(here.features[part == TRAINING])

    def scaled(table: FlowTable, labels: list[str]) -> Flows:
        y = np.array([CLASSES.index(names[label]) for label in labels])
        return Flows(scaler.transform(table.features), y, table.group, table.time)

    def of(p: int) -> Flows:
        return scaled(here.take(part == p), [labels[i] for i in np.flatnonzero(part == p)])

    return Data(of(TRAINING), of(VALIDATION), of(TEST), scaled(away, away_labels))


def stretches(group: npt.NDArray[np.integer], time: Ints, silence: int) -> Ints:
    """Numbers [N] of the stretches in which a host [N] is never silent for longer than that."""
    order = np.lexsort((time, group))
    new = np.diff(group[order], prepend=-1) != 0
    new[1:] |= np.diff(time[order]) > silence
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(new)
    return number


def fitted(system: System, learned: Learned, data: Data, steps: int = WINDOW) -> System:
    validation = data.validation.windows(steps), data.validation.y
    return system.fit(learned.windows, learned.y, validation)


def measured(system: System, flows: Flows, steps: int = WINDOW) -> Score:
    """What a fitted system is worth on flows it has not seen."""
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

    p = system.predict_proba(flows.windows(steps))
    y, said = flows.y, p.argmax(axis=1)
    present = np.unique(y)
    figures = precision_recall_fscore_support(y, said, labels=present, zero_division=0.0)
    precision, recall, f1, support = figures
    attack = y != 0
    both = attack.any() and not attack.all()
    return Score(
        accuracy=float((said == y).mean()),
        f1=float(f1.mean()),
        precision=float(precision.mean()),
        recall=float(recall.mean()),
        weighted_precision=float(np.average(precision, weights=support)),
        weighted_recall=float(np.average(recall, weights=support)),
        auc=float(roc_auc_score(attack, 1.0 - p[:, 0])) if both else None,
        of={
            CLASSES[c]: (float(precision[i]), float(recall[i]), float(f1[i]))
            for i, c in enumerate(present)
        },
        confusion=confusion_matrix(y, said, labels=range(len(CLASSES))),
    )


def both(system: System, data: Data) -> Both:
    """What a fitted system is worth here and elsewhere."""
    return measured(system, data.test), measured(system, data.elsewhere)


def _names(path: Path) -> dict[str, str]:
    """Data-set labels to paper 1's classes; labels that have none are left out."""
    try:
        groups: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: not readable") from error
    return {label: cls for group in groups.values() for label, cls in group.items() if cls}


def _read(paths: list[Path], names: dict[str, str]) -> tuple[FlowTable, list[str]]:
    """The flows of the files whose label has a class, and these labels."""
    from ml_core.readers import read_labelled_flows

    table, labels = read_labelled_flows(paths, "Label")
    told = labels.of_rows
    kept = np.isin(told, list(names))
    return table.take(kept), told[kept].tolist()
