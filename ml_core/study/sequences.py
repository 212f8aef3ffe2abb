"""Programs, scripts, event sequences and web pages: in their source, and from another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ml_core.kinds import TextKind, text_kind
from ml_core.kinds.events import bare
from ml_core.kinds.pages import without_claims
from ml_core.kinds.programs import calls, with_recorders
from ml_core.kinds.text import TEST, TRAINING, Corpus, TextTable
from ml_core.kinds.tokens import by_sequence
from ml_core.study.report import Cell, Chapter, Table, Topic

if TYPE_CHECKING:
    import polars as pl

Ints = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Say = Callable[[str], None]
System = Callable[[Sequence[str]], F64]  # texts [N] to p_attack [N]

RECORDED = (
    Path(__file__).parents[2] / "knowledge_base" / "risk_data" / "system_calls" / "calls.parquet"
)
SCRIPTS = 2_000  # of each language, that a study learns from
TESTED = 1_000  # of a source left out
EPOCHS = 5  # where there is much to learn from
HEADER = ("learned", "tested", "system", "rows", "F1", "macro-F1", "AUC", "ECE")
ABOUT = (
    "F1 is of the attack class at p > 0.5. Rivals: logistic regression (words and pairs of "
    "words), random forest (words), gradient boosting (their 50 main directions), all on TF-IDF "
    "of the same rows (of those the sources hold, not what a kind makes of them); and a tree that knows the number of words alone. No sequence is in two "
    "parts; a source left out was never seen."
)


class Tested(NamedTuple):
    name: str
    texts: Sequence[str]
    y: Ints


def run(data: Path, say: Say) -> Chapter:
    """`data` holds programs/, code/, logs/ and pages/."""
    tables = []
    for study in (_programs, _pages, _events, _scripts):
        say(study.__name__.strip("_"))
        tables.append(study(data))
    about = (
        "The networks learn with the settings of the shipped ones, on at most "
        f"{SCRIPTS} scripts a language, and at most {EPOCHS} epochs but for MalBehavD."
    )
    return Chapter("Programs, scripts, events and pages", about, tuple(tables))


def _programs(data: Path) -> Table:
    kind = text_kind("programs")
    windows = table_of(kind, read(data / "programs/malbehavd_v1.parquet"))
    corpus = kind.corpus([windows], 1)
    held = _test_part(corpus)
    lower = [text.lower() for text in held.texts]
    frame = read(data / "programs/adfa_ld.parquet").unique("syscalls", maintain_order=True)
    linux = table_of(kind, frame)
    elsewhere = some_of(linux, TESTED)
    adfa = Tested("ADFA-LD", elsewhere.texts, elsewhere.y)
    tested = [
        held,
        Tested("– in lower case", lower, held.y),
        Tested("– by a recorder of half of the calls", _half_hooked(held.texts), held.y),
        adfa,
    ]
    rows = _compared(kind, "MalBehavD", [windows], tested, corpus, kind.options.epochs)
    rows += _compared(kind, "ADFA-LD, attacks by run", [linux], corpus=by_run(frame, linux))
    traced = read(RECORDED)
    recorded = table_of(kind, traced)
    own = by_run(traced, recorded)
    recording = _test_part(own, "our recording, runs held out")
    both = Corpus(
        corpus.texts + own.texts,
        np.concatenate([corpus.y, own.y]),
        np.concatenate([corpus.part, own.part]),
    )
    rows += _compared(kind, "our recording of Linux", [recorded], [recording, adfa], own)
    tested = [held, recording, adfa]
    epochs = kind.options.epochs
    rows += _compared(
        kind, "MalBehavD and our recording", [windows, recorded], tested, both, epochs
    )
    return Table("Programs", HEADER, tuple(rows), ABOUT)


def by_run(frame: pl.DataFrame, table: TextTable) -> Corpus:
    """Sequences in the part of the run they come from, where that is told, else by a hash."""
    named = [" ".join(calls(text)) for text in table.texts]
    texts, _, part = by_sequence([replace(table, texts=named)], 1)
    part_of = dict(zip(texts, part.tolist(), strict=True))
    runs = sorted({run for run in frame["run"].to_list() if run})
    part_of_run = {run: (0, 0, 0, 1, 2)[i % 5] for i, run in enumerate(runs)}
    parts = [
        part_of_run.get(run, part_of.get(text, TRAINING))
        for run, text in zip(frame["run"].to_list(), named, strict=True)
    ]
    return with_recorders(Corpus(table.texts, table.y, np.asarray(parts, dtype=np.int64)), 1)


def _half_hooked(texts: Sequence[str]) -> list[str]:
    """The same programs, told by a recorder that knows half of the calls."""
    names = sorted({name for text in texts for name in text.split()})
    hooked = set(np.random.default_rng(1).permutation(names)[::2].tolist())
    return [" ".join(name for name in text.split() if name in hooked) for text in texts]


def _scripts(data: Path) -> Table:
    kind = text_kind("scripts")
    names = {
        "PowerShell": "powershell_mpsd_tokens",
        "JavaScript": "javascript_zzn0508_tokens",
        "PHP": "php_webshell_opcodes",
    }
    frames = {name: read(data / f"code/{file}.parquet") for name, file in names.items()}
    tables = {name: some_of(table_of(kind, frame), SCRIPTS) for name, frame in frames.items()}
    corpora = {name: kind.corpus([table], 1) for name, table in tables.items()}
    held = [_test_part(corpus, name) for name, corpus in corpora.items()]
    rows = _compared(kind, "all languages", list(tables.values()), held)
    for name, table in tables.items():
        others = [t for other, t in tables.items() if other != name]
        left = some_of(table, TESTED)
        rows += _compared(kind, f"without {name}", others, [Tested(name, left.texts, left.y)])
    shell = frames["PowerShell"]
    pure = table_of(kind, shell.filter(shell["label"] != "mixed_malicious"))
    mixed = some_of(table_of(kind, shell.filter(shell["label"] == "mixed_malicious")), TESTED)
    part = _test_part(kind.corpus([pure], 1))
    harmless = [text for text, c in zip(part.texts, part.y.tolist(), strict=True) if c == 0]
    y = np.repeat(np.arange(2), [len(harmless), len(mixed.texts)])
    other = Tested("PowerShell, mixed malicious", [*harmless, *mixed.texts], y)
    rows += _compared(kind, "PowerShell, pure malicious", [pure], [other])
    return Table("Scripts", HEADER, tuple(rows), ABOUT)


def _events(data: Path) -> Table:
    kind = text_kind("events")
    frame = read(data / "logs/event_sequences_ait_critical_review.parquet")
    # loghub's OpenStack has 18 different sequences, nine of them with both labels
    tables = {
        str(name): table_of(kind, part)
        for (name,), part in frame.partition_by("dataset", as_dict=True).items()
        if name != "openstack_loghub"
    }
    rows = _compared(kind, "all systems", list(tables.values()))
    for name, table in tables.items():
        others = [t for other, t in tables.items() if other != name]
        as_recorded = some_of(table, TESTED)
        even, few = _share(table, 0.5), _share(table, 0.1)
        tested = [
            Tested(f"{name}, a tenth abnormal", few.texts, few.y),
            Tested(f"{name}, half abnormal", even.texts, even.y),
            Tested(f"{name}, as recorded", as_recorded.texts, as_recorded.y),
        ]
        rows += _compared(kind, f"without {name}", others, tested)
    return Table("Event sequences", HEADER, tuple(rows), ABOUT)


def _pages(data: Path) -> Table:
    kind = text_kind("pages")
    learned = table_of(kind, read(data / "pages/deface_text_train.parquet"))
    official = table_of(kind, read(data / "pages/deface_text_test.parquet"))
    new = [i for i, text in enumerate(official.texts) if text not in set(learned.texts)]
    texts, y = [official.texts[i] for i in new], official.y[new]
    short = [" ".join(text.split()[:30]) for text in texts]
    tested = [
        Tested("official test, new texts", texts, y),
        Tested("– in capitals", [text.upper() for text in texts], y),
        Tested("– its first 30 words", short, y),
        Tested("– without the words hacked, owned, …", [without_claims(t) for t in short], y),
    ]
    learned = replace(learned, tests=False)
    rows = _compared(kind, "official training part", [learned], tested)
    return Table("Pages", HEADER, tuple(rows), ABOUT)


def _compared(
    kind: TextKind,
    learned: str,
    given: Sequence[TextTable],
    tested: Sequence[Tested] = (),
    corpus: Corpus | None = None,
    epochs: int = EPOCHS,
) -> list[tuple[Cell, ...]]:
    """A row for each tested set and system; without `tested`, the part held out."""
    corpus = corpus or kind.corpus(given, 1)
    tested = tested or [_test_part(corpus)]
    network = network_of(kind, corpus, epochs)
    others = rivals(*_as_given(corpus, given))
    rows: list[tuple[Cell, ...]] = []
    for test in tested:
        said = {"BiLSTM-DNN": network(test.texts)}
        texts = [bare(text) for text in test.texts]
        said |= {name: rival(texts) for name, rival in others.items()}
        rows += [
            (learned, test.name, name, len(test.y), *figures(p, test.y)) for name, p in said.items()
        ]
    return rows


def _as_given(corpus: Corpus, tables: Sequence[TextTable]) -> tuple[list[str], Ints]:
    """What learns of a corpus, without what the kind made of it: a rival's rows."""
    given = {text for table in tables for text in table.texts}
    found = {
        text: corpus.y[i]
        for i in np.flatnonzero(corpus.part == TRAINING)
        if (text := bare(corpus.texts[i])) in given
    }
    return list(found), np.asarray(list(found.values()), dtype=np.int64)


def network_of(kind: TextKind, corpus: Corpus, epochs: int) -> System:
    from ml_core.building import build_texts
    from ml_core.scorer import Scorer

    ready = replace(kind, corpus=lambda tables, seed: corpus)
    scorer = Scorer(build_texts(ready, [], replace(kind.options, epochs=epochs)))
    return lambda texts: scorer.score_texts(texts).p_attack


def rivals(texts: Sequence[str], y: Ints) -> dict[str, System]:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.tree import DecisionTreeClassifier

    def words(most: int) -> TfidfVectorizer:
        return TfidfVectorizer(
            tokenizer=str.split,
            token_pattern=None,
            ngram_range=(1, most),
            min_df=2,
            max_features=50_000,
        )

    def lengths(texts: Sequence[str]) -> F64:
        return np.asarray([[len(text.split())] for text in texts], dtype=np.float64)

    balanced = {"class_weight": "balanced", "random_state": 1}
    made = {
        "logistic regression": make_pipeline(
            words(2), LogisticRegression(C=10, max_iter=300, **balanced)
        ),
        "random forest": make_pipeline(words(1), RandomForestClassifier(**balanced)),
        "gradient boosting": make_pipeline(
            words(1),
            TruncatedSVD(50, random_state=1),
            HistGradientBoostingClassifier(random_state=1),
        ),
        "length alone": make_pipeline(
            FunctionTransformer(lengths), DecisionTreeClassifier(min_samples_leaf=20)
        ),
    }
    return {name: _told(model.fit(texts, y).predict_proba) for name, model in made.items()}


def _told(predict: Callable[[Sequence[str]], F64]) -> System:
    return lambda texts: predict(texts)[:, 1]


def figures(p_attack: F64, y: Ints) -> tuple[Cell, ...]:
    from sklearn.metrics import f1_score, roc_auc_score

    from ml_core.verdict.calibration import expected_calibration_error

    said = p_attack > 0.5
    return (
        float(f1_score(y, said, zero_division=0.0)),
        float(f1_score(y, said, average="macro", zero_division=0.0)),
        float(roc_auc_score(y, p_attack)),
        expected_calibration_error(np.stack([1 - p_attack, p_attack], axis=1), y),
    )


def read(path: Path) -> pl.DataFrame:
    from ml_core.readers import read_frames

    return read_frames([path])[0]


def table_of(kind: TextKind, frame: pl.DataFrame) -> TextTable:
    from ml_core.readers import read_texts, text_column

    y = kind.class_index([str(label) for label in frame["label"].to_list()])
    return TextTable(text_column(frame, kind), read_texts(frame, kind), y)


def _test_part(corpus: Corpus, name: str = "held out") -> Tested:
    rows = np.flatnonzero(corpus.part == TEST)
    return Tested(name, [corpus.texts[i] for i in rows], corpus.y[rows])


def some_of(table: TextTable, most: int) -> TextTable:
    """At most so many rows of a table, drawn."""
    rows = np.random.default_rng(1).permutation(len(table.texts))[:most]
    return replace(table, texts=[table.texts[i] for i in rows], y=table.y[rows])


def _share(table: TextTable, share: float) -> TextTable:
    """Different texts, none with both labels, of which such a share is abnormal."""
    texts, y, _ = by_sequence([table], 1)
    rows = np.random.default_rng(1).permutation(len(texts))
    by_class = [rows[y[rows] == c] for c in (0, 1)]
    count = min(TESTED, len(by_class[0]) / (1 - share), len(by_class[1]) / share)
    sizes = (round(count * (1 - share)), round(count * share))
    chosen = np.concatenate([of[:n] for of, n in zip(by_class, sizes, strict=True)])
    return TextTable(table.column, [texts[i] for i in chosen], y[chosen])


TOPIC = Topic("sequences", "Programs, scripts, events and pages", run, minutes=13)
