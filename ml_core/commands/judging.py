"""Data files to verdicts, in their rows' order, in little memory.

Texts are read, judged and let go a batch at a time. Of flows, which are judged by their host's
past, a whole file's rows are kept (199 bytes each) and judged in blocks in the order of time, each
with the earlier flows that its windows and their context look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ml_core.commands.progress import Rows, tell
from ml_core.errors import DataError
from ml_core.kinds import FLOWS, text_kind

if TYPE_CHECKING:
    from ml_core.kinds.flows.site import Site
    from ml_core.kinds.text import SiteOfTexts, TextKind
    from ml_core.readers import FlowTable, Table
    from ml_core.scorer import Scorer, Verdicts

BLOCK = 200_000  # flows judged at a time
BATCH = 50_000  # texts, at most
SITE = 100_000  # texts of a file, spread evenly, that tell what is common at its site

Ints = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Verdicts on N rows."""

    names: tuple[str, ...]  # [C], the harmless class first
    label: Ints  # [N] place in names
    probability: F64  # [N] of that class
    p_attack: F64  # [N]
    unsure: npt.NDArray[np.bool_]  # [N]
    probabilities: F64  # [N, C]


def judge(scorer: Scorer, data: Sequence[Path]) -> Judged:
    """Verdicts on the rows of all files. DataError for what cannot be read or holds no rows."""
    parts = _flows(scorer, data) if scorer.kind == FLOWS else _texts(scorer, data)
    rows = [(v.label, v.probability, v.p_attack, v.unsure, v.probabilities) for v in parts]
    return Judged(scorer.labels, *(np.concatenate(column) for column in zip(*rows, strict=True)))


def _texts(scorer: Scorer, data: Sequence[Path]) -> Iterator[Verdicts]:
    from ml_core.readers import Table, text_column

    kind = text_kind(scorer.kind)
    tables = [Table.open(path, lines=True) for path in data]
    for table in tables:
        text_column(table, kind)  # before any work: what lacks it shall say so at once
    counts = [table.count() for table in tables]
    say, done = Rows("judged", sum(counts)), 0
    for table, count in zip(tables, counts, strict=True):
        if not count:
            raise DataError(f"{table.name}: no rows")
        told, site = False, _site(kind, table, count)
        for texts in even_batches(table, kind, count):
            verdicts = scorer.score_texts(texts, _after(done, say))
            blank = np.fromiter((not text.strip() for text in texts), np.bool_, len(texts))
            told = told or any(set(text.lower().split()) - {"nan"} for text in texts)
            unsure = verdicts.unsure | blank  # nothing was read of them
            if site is not None:
                unsure |= site.strange(texts)
            yield replace(verdicts, unsure=unsure)
            done += len(texts)
        if not told:
            raise DataError(f"{table.name}: all texts are empty or NaN")
    say.done()


def even_batches(table: Table, kind: TextKind, count: int) -> Iterator[list[str]]:
    """A table's `count` texts with no small rest: texts may be judged by each other."""
    from ml_core.readers import text_batches

    return text_batches(table, kind, -(-count // max(-(-count // BATCH), 1)))


def _site(kind: TextKind, table: Table, count: int) -> SiteOfTexts | None:
    """What is common in a file, as the kind tells it: a file is a site."""
    from ml_core.readers import text_batches

    if kind.site is None:
        return None
    texts = chain.from_iterable(text_batches(table, kind))
    return kind.site(islice(texts, 0, None, -(-count // SITE)))


def _flows(scorer: Scorer, data: Sequence[Path]) -> Iterator[Judged]:
    from ml_core.readers import Table, flow_format, read_flows

    for path in data:
        flow_format(Table.open(path))
    for path in data:
        reading = Rows(f"{path.name}: read")
        table = read_flows([path], reading, tell)
        reading.done()
        if scorer.model.training.get("stream"):
            table = table.as_streams()
        say = Rows(f"{path.name}: judged", len(table))
        yield judge_flows(scorer, table, say)
        say.done()


def judge_flows(
    scorer: Scorer,
    table: FlowTable,
    say: Callable[[int], None],
    block: int = BLOCK,
    appendices: bool = True,
) -> Judged:
    """Verdicts on the flows of one file, a block at a time; `appendices` as their connections."""
    from ml_core.kinds.flows.site import Site

    N, C, done = len(table), len(scorer.labels), 0
    site = Site.of(table.features)
    judged = Judged(
        scorer.labels,
        np.empty(N, dtype=np.int64),
        np.empty(N),
        np.empty(N),
        np.empty(N, dtype=np.bool_),
        np.empty((N, C)),
    )
    for rows, seen in _blocks(table, scorer.model.network.arch.steps, block):
        verdicts = _verdicts(
            scorer,
            table.take(seen),
            np.searchsorted(seen, rows),
            site,
            _after(done, say),
        )
        p = from_inside(verdicts.probabilities, scorer.labels, table.same_network[rows])
        judged.probabilities[rows], judged.label[rows] = p, p.argmax(axis=1)
        judged.probability[rows] = p.max(axis=1)
        untold = np.isnan(table.features[rows]).all(axis=1)  # nothing was read of them
        judged.p_attack[rows], judged.unsure[rows] = verdicts.p_attack, verdicts.unsure | untold
        done += len(rows)
    return _as_their_connections(judged, table) if appendices else judged


def _as_their_connections(judged: Judged, table: FlowTable) -> Judged:
    """What the original CICFlowMeter cut off an attack is judged as that attack.

    Never the other way round: a flood of empty packets does not hide behind harmless connections.
    """
    from ml_core.kinds.flows.appendices import connections

    of = connections(table)
    rows = np.flatnonzero((of != np.arange(len(of))) & (judged.label[of] > 0))
    for name in ("label", "probability", "p_attack", "unsure", "probabilities"):
        column = getattr(judged, name)
        column[rows] = column[of[rows]]
    return judged


def some_flows(scorer: Scorer, table: FlowTable, rows: Ints) -> Verdicts:
    """Verdicts on some rows of one file, by the network alone: in the order of `rows`."""
    from ml_core.kinds.flows.site import Site

    seen = _past(table, scorer.model.network.arch.steps)(rows)
    place, site = np.searchsorted(seen, rows), Site.of(table.features)
    return _verdicts(scorer, table.take(seen), place, site, lambda _: None)


def _after(before: int, say: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: say(before + done)


def _verdicts(
    scorer: Scorer, table: FlowTable, judged: Ints, site: Site | None, say: Callable[[int], None]
) -> Verdicts:
    from ml_core.kinds.flows.columns import FLOW_COLUMNS

    return scorer.score_flows(
        table.features,
        FLOW_COLUMNS,
        table.group,
        table.time,
        table.destination,
        table.port,
        judged,
        site,
        say,
    )


def from_inside(p: F64, names: Sequence[str], same_network: npt.NDArray[np.int8]) -> F64:
    """Probabilities [N, C] where a scan within one network counts as Infiltration.

    So CIC's data sets have it: who scans from inside has come in. Nothing in the flow tells, the
    addresses do, and they are no input of the network.
    """
    inside, scan, infiltration = same_network == 1, names.index("Portscan"), "Infiltration"
    moved = p.copy()
    moved[inside, names.index(infiltration)] += p[inside, scan]
    moved[inside, scan] = 0.0
    return moved


def _blocks(table: FlowTable, steps: int, size: int) -> Iterator[tuple[Ints, Ints]]:
    """Rows to judge, and the sorted rows to look at for it; small tables in one block."""
    rows = np.arange(len(table))
    if len(table) <= size:
        yield rows, rows
        return
    order, past = np.argsort(table.time, kind="stable"), _past(table, steps)
    for start in range(0, len(order), size):
        block = np.sort(order[start : start + size])
        yield block, past(block)


def _past(table: FlowTable, steps: int) -> Callable[[Ints], Ints]:
    """What tells, of rows to judge, the sorted rows that are looked at for it."""
    from ml_core.kinds.flows.windows import window_index

    by_source = window_index(table.group, table.time, steps + 1)
    by_target = window_index(table.destination, table.time, steps + 1)

    def past(rows: Ints) -> Ints:
        windows = np.unique(by_source[rows])
        windows = windows[windows >= 0]
        seen = np.unique(np.concatenate([by_source[windows], by_target[windows]], axis=None))
        return np.asarray(seen[seen >= 0])

    return past
