"""The network beside its best rival: on sources left out only, lengths alone being a rival too."""

from __future__ import annotations

from ml_core.study.leads import leads
from ml_core.study.report import Chapter, Table

HEADER = ("left out", "system", "macro-F1", "AUC")
DOMAINS = Table(
    "Generated names and phishing",
    HEADER,
    (
        ("nothing: in-source", "BiLSTM-DNN", 0.9, 0.9),
        ("nothing: in-source", "random forest", 0.8, 0.8),
        ("hashes", "BiLSTM-DNN", 0.7, 0.9),
        ("hashes", "random forest, TF-IDF", 0.4, 0.95),
        ("hashes", "gradient boosting", 0.45, 0.5),
        ("hashes", "length alone", 0.75, 0.6),
    ),
)


def test_the_best_rival_is_sought_among_all_and_among_forests_and_boosting() -> None:
    (chapter,) = leads([Chapter("Domain names", "", (DOMAINS,))])
    assert chapter.tables[0].rows == (
        ("domains", "hashes", 0.7, 0.45, "+0.250", 0.75, "-0.050", 0.9, 0.95, "-0.050"),
    )


def test_of_attacks_whose_kind_is_not_told_only_the_auc_is_compared() -> None:
    rows = (("CTU, Zeek", "network", 0.9, 0.9), ("CTU, Zeek", "random forest", 0.8, 0.8))
    (chapter,) = leads([Chapter("Flows", "", (Table("One network left out", HEADER, rows),))])
    assert chapter.tables[0].rows == (
        ("flows", "CTU, Zeek", None, None, None, None, None, 0.9, 0.8, "+0.100"),
    )


def test_a_sequence_is_left_out_where_another_system_was_learned() -> None:
    header = ("learned", "tested", "system", "macro-F1", "AUC")
    rows = (
        ("all", "held out", "BiLSTM-DNN", 0.9, 0.9),
        ("without PHP", "PHP", "BiLSTM-DNN", 0.6, 0.7),
        ("without PHP", "PHP", "gradient boosting", 0.5, 0.5),
    )
    (chapter,) = leads([Chapter("Sequences", "", (Table("Scripts", header, rows),))])
    assert [row[:2] for row in chapter.tables[0].rows] == [("scripts", "PHP")]


def test_without_such_tables_there_is_no_chapter() -> None:
    assert leads([Chapter("The papers' tables")]) == ()
