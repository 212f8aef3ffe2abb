"""What the networks lead by on sources left out of learning: read off the other topics' tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ml_core.study.report import Cell, Chapter, Table

TABLES = {  # kind: the table that leaves sources out
    "flows": "One network left out",
    "requests": "Requests",
    "domains": "Generated names and phishing",
    "events": "Event sequences",
    "scripts": "Scripts",
}
NETWORKS = ("network", "BiLSTM-DNN")
FORESTS_AND_BOOSTING = ("random forest", "gradient boosting")
KINDS_NOT_TOLD = ("CTU, Zeek",)  # what its attacks are: no macro-F1
ABOUT = (
    "From the tables below, each source left out in turn: the network, the best of the rivals, and"
    " by how much it leads. Other rivals are logistic regression and a tree of sizes or lengths."
)
HEADER = ("kind", "left out", "macro-F1", "best forest or boosting", "lead", "best rival", "lead",
          "AUC", "best rival", "lead")  # fmt: skip


def leads(chapters: Sequence[Chapter]) -> tuple[Chapter, ...]:
    """One chapter, or none where no table of `chapters` leaves a source out."""
    tables = {table.title: table for chapter in chapters for table in chapter.tables}
    rows = tuple(
        row for kind, title in TABLES.items() if title in tables for row in _of(kind, tables[title])
    )
    table = Table("Sources left out: the network beside its best rival", HEADER, rows, ABOUT)
    return (Chapter("Sources left out", "", (table,)),) if rows else ()


def _of(kind: str, table: Table) -> Iterator[tuple[Cell, ...]]:
    column = {name: at for at, name in enumerate(table.header)}
    name, system = column.get("tested", column.get("left out", 0)), column["system"]
    held = [row for row in table.rows if _left_out(row, table.header)]
    for source in dict.fromkeys(row[name] for row in held):
        of = [row for row in held if row[name] == source]
        network = next(row for row in of if row[system] in NETWORKS)
        rivals = [row for row in of if not str(row[system]).startswith(NETWORKS)]
        trees = [row for row in rivals if str(row[system]).startswith(FORESTS_AND_BOOSTING)]
        if source in KINDS_NOT_TOLD:
            f1: tuple[Cell, ...] = (None,) * 5
        else:
            f1 = _lead(network, trees, column["macro-F1"])
            f1 += _lead(network, rivals, column["macro-F1"])[1:]
        yield (kind, source, *f1, *_lead(network, rivals, column["AUC"]))


def _lead(
    network: Sequence[Cell], rivals: Sequence[Sequence[Cell]], at: int
) -> tuple[float, float, str]:
    """The network's figure, the best rival's, the difference."""
    ours, theirs = _figure(network[at]), max(_figure(row[at]) for row in rivals)
    return ours, theirs, f"{ours - theirs:+.3f}"


def _left_out(row: Sequence[Cell], header: Sequence[str]) -> bool:
    first = str(row[0])
    return first.startswith("without ") if header[0] == "learned" else "in-source" not in first


def _figure(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else float("-inf")
