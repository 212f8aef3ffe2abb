"""KDD Cup 1999 and NSL-KDD in their own splits, whose tests hold attacks that nobody learned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from ml_core.errors import DataError
from ml_core.kinds.kind import UNTOLD
from ml_core.readers import kdd
from ml_core.study.report import Cell, Chapter, Table, Topic

if TYPE_CHECKING:
    from ml_core.readers import FlowTable
    from ml_core.systems import Windows

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Probabilities = npt.NDArray[np.float32 | np.float64]

SPLITS = {  # learned, tested
    "NSL-KDD": ("nslkdd_train20pct_25k", "nslkdd_test_22k"),
    "KDD99": ("kdd99_10percent_494k", "kdd99_corrected_test_311k"),
}
LARGEST = 20_000  # records of a class that are learned from
SIZES = ("src_bytes", "dst_bytes")
HEADER = ("tested", "system", "accuracy", "macro-F1", "attack or not: accuracy", "AUC",
          "false alarms", "attacks found", "new attacks found", "unsure")  # fmt: skip
ABOUT = (
    "KDD99 is the tenth of KDD Cup 1999 that most learn from, and its corrected test; NSL-KDD"
    " (Tavallaee et al., 2009) a selection from both without repetitions, a fifth of it to learn"
    f" from. At most {LARGEST:,} records of a class are learned from, none of a test set; of the"
    " test sets' attacks some are of no name that the training sets hold (*new*). *Each once*: equal"
    " records of the test count one time, for nearly all are floods. KDD tells neither hosts nor"
    " times, so a window is one connection, and of its 41 columns the flow networks, which must read"
    " other meters' tables too, know five: duration, protocol, state, and the bytes each way. Forest"
    " and boosting read what is made of the same, and once *all columns*, among them counts over the"
    " last hundred connections; published figures are of these. `network` learned what its rivals"
    " learned, as `train` does; `shipped network` never saw KDD. One seed. Accuracy and macro-F1 are"
    " of the records whose class the networks name; who becomes root, and most who intrude from"
    " outside, are of none. *Attack or not*: whether all classes of attacks together are likelier"
    " than the harmless one. False alarms and what is found are by the most likely class, as"
    " verdicts are."
)


@dataclass(frozen=True)
class Records:
    """N records of one file."""

    table: FlowTable
    y: Ints  # [N] UNTOLD for an attack that is of no class here
    columns: pl.DataFrame  # [N, 41] as they come
    attack: pl.Series  # [N] what KDD calls it

    def take(self, rows: Ints) -> Records:
        return Records(self.table.take(rows), self.y[rows], self.columns[rows], self.attack[rows])


def run(data: Path, say: Callable[[str], None]) -> Chapter:
    rows: list[tuple[Cell, ...]] = []
    once: list[tuple[Cell, ...]] = []
    for name, files in SPLITS.items():
        learned, tested = (_read(data / "flows" / f"{file}.parquet") for file in files)
        new = ~tested.attack.is_in(learned.attack.unique().implode()).to_numpy()
        whole = tested.columns.with_columns(tested.attack)
        distinct = whole.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()
        for system, p, unsure in _judged(_thinned(learned), tested):
            rows.append((name, system, *_cells(p, tested.y, new, unsure)))
            if not distinct.all():
                some = (p[distinct], tested.y[distinct], new[distinct])
                left = None if unsure is None else unsure[distinct]
                once.append((f"{name}, each once", system, *_cells(*some, left)))
            say(f"{name}: {system}")
    table = Table("KDD's own splits", HEADER, (*rows, *once), ABOUT)
    return Chapter("KDD Cup 1999 and NSL-KDD", "", (table,))


def _read(path: Path) -> Records:
    from ml_core.kinds.flows import KIND
    from ml_core.readers import read_labelled_flows

    if not path.exists():
        raise DataError(f"{path.parent}: no {path.name}")
    table, labels = read_labelled_flows([path], "label")
    columns = pl.read_parquet(path)
    return Records(
        table,
        KIND.class_index(labels.names)[labels.codes],
        columns.drop("label", "difficulty", strict=False),
        columns["label"],
    )


def _thinned(records: Records) -> Records:
    from ml_core.sampling import undersample

    return records.take(undersample(records.y, LARGEST, 1))


def _judged(learned: Records, tested: Records) -> Iterator[tuple[str, Probabilities, Flags | None]]:
    """Each system's name, its probabilities [N, C], and where it is unsure, if it says so."""
    from ml_core.commands.judging import judge_flows
    from ml_core.kinds.flows import KIND, building
    from ml_core.model_file import shipped
    from ml_core.scorer import Scorer
    from ml_core.systems import named

    table, y = learned.table, learned.y
    names = (*KIND.classes, kdd.UNTOLD)  # the last is UNTOLD's place, -1, too
    part = building.split_in_time(y % len(names), table.time, table.source, 1, names)
    own = Scorer(building.build_flows(table, y, part))
    for name, scorer in (("network", own), ("shipped network", Scorer.load(shipped("flows")))):
        said = judge_flows(scorer, tested.table, lambda _: None)
        yield name, said.probabilities, said.unsure
    both = pl.concat([learned.columns, tested.columns], how="vertical_relaxed")
    numbers = both.with_columns(pl.col(pl.String).rank("dense")).to_numpy()  # words by their order
    fields = table.features, tested.table.features
    columns = numbers[: len(y)], numbers[len(y) :]
    sizes = [both.columns.index(name) for name in SIZES]
    told = y != UNTOLD
    for name, rival, (seen, asked) in (
        ("random forest", named("random_forest", classes=8), fields),
        ("gradient boosting", named("gradient_boosting", classes=8), fields),
        ("sizes only", named("size_only", classes=8, columns=sizes), columns),
        ("random forest, all columns", named("random_forest", classes=8), columns),
        ("gradient boosting, all columns", named("gradient_boosting", classes=8), columns),
    ):
        rival.fit(_alone(seen[told]), y[told])
        yield name, rival.predict_proba(_alone(asked)), None


def _alone(X: npt.NDArray[np.floating]) -> Windows:
    """Windows of one record each, of fields [N, F]; what is not told counts as nothing."""
    from ml_core.evaluation import finite
    from ml_core.systems import Windows

    return Windows(finite(X).astype(np.float32), np.arange(len(X))[:, None])


def _cells(p: Probabilities, y: Ints, new: Flags, unsure: Flags | None) -> tuple[Cell, ...]:
    from ml_core.evaluation import measure
    from ml_core.kinds.flows import KIND

    figures = measure(np.asarray(p, dtype=np.float64), y, KIND.classes, unsure)
    attack = p.argmax(axis=1) != 0
    right = float(((p[:, 0] < 0.5) == (y != 0)).mean())
    kinds, alike = ("accuracy", "macro_f1"), ("auc", "false_alarms", "attack_recall")
    return (
        *(figures.get(key) for key in kinds),
        right,
        *(figures.get(key) for key in alike),
        float(attack[new].mean()),
        figures.get("unsure"),
    )


TOPIC = Topic("kdd", "KDD Cup 1999 and NSL-KDD", run, minutes=1)
