"""What people really use to tell texts apart, and how it is measured beside a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_core.kinds.text import TextKind, TextTable
from ml_core.study.report import Cell

F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEATURES = 2_000  # groups of characters that the vectoriser keeps
SIGNS = "'\"<>()=;-/.%&|$`{}[]#*,:\\ ?@!+_~"
HEADER = ("left out", "system", "AUC", "F1", "macro-F1", "recall", "false alarms", "ECE", "unsure")


class Rows(NamedTuple):
    """Texts, and whether each is an attack."""

    texts: list[str]  # [N]
    attack: npt.NDArray[np.bool_]  # [N]


class Case(NamedTuple):
    """What is learned from, and what is tested on: a part of it, or another source."""

    name: str
    tables: list[TextTable]
    tested: Rows


def compare(kind: TextKind, read: Callable[[str], str], case: Case) -> list[tuple[Cell, ...]]:
    """The rows of a table: the network of `kind` and its rivals, learned from the same rows.

    `read` is how the network reads a text; the rivals get the same spelling. Only the network's
    corpus adds what is made for learning: that is part of the method.
    """
    from ml_core.building import build_texts
    from ml_core.scorer import Scorer

    model = build_texts(kind, case.tables, kind.options)
    verdicts = Scorer(model).score_texts(case.tested.texts)
    rows = [row(case.name, "BiLSTM-DNN", verdicts.p_attack, case.tested.attack, verdicts.unsure)]
    texts = [text for table in case.tables for text in table.texts]
    attack = np.concatenate([table.y != 0 for table in case.tables])
    learned = Rows(list(map(read, texts)), attack)
    said = rivals(learned, Rows(list(map(read, case.tested.texts)), case.tested.attack))
    return rows + [row(case.name, name, p, case.tested.attack) for name, p in said.items()]


def rivals(learned: Rows, tested: Rows, seed: int = 1) -> dict[str, F64]:
    """p_attack [N] of the tested rows by each rival, default settings, same learned rows.

    Random forest and logistic regression on TF-IDF of one to three characters; random forest and
    gradient boosting on the usual lexical features; a tree that knows the length alone.
    """
    from sklearn.base import clone
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    groups = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), max_features=FEATURES)
    characters: tuple[Any, Any] = (
        groups.fit_transform(learned.texts),
        groups.transform(tested.texts),
    )
    features = lexical(learned.texts), lexical(tested.texts)
    length = features[0][:, :1], features[1][:, :1]
    forest = RandomForestClassifier(random_state=seed)
    said = {}
    for name, model, (X, X_tested) in (
        ("random forest, TF-IDF", forest, characters),
        ("random forest, lexical", clone(forest), features),
        ("gradient boosting, lexical", HistGradientBoostingClassifier(random_state=seed), features),
        ("logistic regression, TF-IDF", LogisticRegression(max_iter=1000), characters),
        ("length alone", DecisionTreeClassifier(max_leaf_nodes=16, random_state=seed), length),
    ):
        said[name] = model.fit(X, learned.attack).predict_proba(X_tested)[:, 1]
    return said


def lexical(texts: Sequence[str]) -> F64:
    """Length, entropy, shares of digits, letters, vowels, different characters, counts of signs."""
    rows = np.empty((len(texts), 6 + len(SIGNS)))
    for i, text in enumerate(texts):
        size = max(len(text), 1)
        _, counts = np.unique(np.frombuffer(text.encode() or b" ", np.uint8), return_counts=True)
        share = counts / counts.sum()
        rows[i, :6] = (
            len(text),
            -(share * np.log2(share)).sum(),
            sum(map(str.isdigit, text)) / size,
            sum(map(str.isalpha, text)) / size,
            sum(map(text.count, "aeiou")) / size,
            len(counts),
        )
        rows[i, 6:] = [text.count(sign) for sign in SIGNS]
    return rows


def row(
    left_out: str,
    system: str,
    p_attack: F64,
    attack: npt.NDArray[np.bool_],
    unsure: npt.NDArray[np.bool_] | None = None,
) -> tuple[Cell, ...]:
    """One row of a table under HEADER; a figure that one class alone cannot give is None."""
    from sklearn.metrics import f1_score, roc_auc_score

    from ml_core.verdict.calibration import expected_calibration_error

    said, both = p_attack > 0.5, bool(attack.any() and not attack.all())
    pair = np.stack([1 - p_attack, p_attack], axis=1)
    return (
        left_out,
        system,
        float(roc_auc_score(attack, p_attack)) if both else None,
        float(f1_score(attack, said)) if attack.any() else None,
        float(f1_score(attack, said, average="macro")) if both else None,
        float(said[attack].mean()) if attack.any() else None,
        float(said[~attack].mean()) if not attack.all() else None,
        expected_calibration_error(pair, attack.astype(np.int64)),
        None if unsure is None else float(unsure.mean()),
    )
