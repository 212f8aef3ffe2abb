"""Whether explanations name what verdicts on held-out attacks rest on: the deletion test of
`ml_core.verdict.faithfulness` on fields and on steps, of right verdicts and of wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from ml_core.scorer import Verdicts
from ml_core.study.report import Cell, Table
from ml_core.verdict.faithfulness import Faithfulness

Ints = npt.NDArray[np.int64]

EXPLAINED = 100  # verdicts of each group
RIGHT = "all that got their class"
MEASURES = ("shares", "attention", "place")  # of steps: what is shown, and two to compare
FAITHFUL = ("draws lost", "won against most draws")
HEADER = ("attacks", "verdicts", *FAITHFUL, "log-odds fall by")
COMPARED = tuple(f"{by}: {name}" for by in ("attention", "latest") for name in FAITHFUL)
ABOUT = (
    "Held-out attacks that got their class, and those that did not, each explained as what it was "
    "called. The five fields that speak most for the verdict are set to the mean normal flow over "
    "the whole window; so are five others, drawn at random ten times. *draws lost*: share of all "
    "draws after which the score fell at least as much as without them."
)
STEPS = (
    "The same verdicts without the two flows of a window that speak most for them by the shares "
    "shown (of windows of two and three one; a flow alone has no others), against others of it. "
    "Beside it the two to which the attention pays most heed, and the two latest."
)
EARLIER = (
    "Likewise, but the judged flow always stays: it is the last of its window, and where the "
    "verdict rests on it, whatever names it first wins."
)


def explanations(verdicts: Verdicts, y: Ints, names: Sequence[str]) -> tuple[Table, Table, Table]:
    """By fields, by steps, and by the steps before the last; y [N] are the right classes."""
    groups = chosen(verdicts.label, y, names)

    def of_each(test: Callable[[list[int]], Faithfulness]) -> dict[str, Faithfulness]:
        found = {group: test(rows) for group, rows in groups.items()}
        right = {group: of for group, of in found.items() if group in names}
        return {**right, RIGHT: Faithfulness.joined([*right.values()]), **found}

    def by_step(title: str, about: str, earlier: bool) -> Table:
        shown, *others = (
            of_each(partial(verdicts.step_faithfulness, by=by, earlier=earlier)) for by in MEASURES
        )
        rows = [
            (
                group,
                of.rows,
                *told(of),
                *(cell for other in others for cell in told(other[group])[:2]),
            )
            for group, of in shown.items()
        ]
        return Table(title, (*HEADER, *COMPARED), tuple(rows), about)

    by_field = of_each(verdicts.faithfulness)
    rows = tuple((group, of.rows, *told(of)) for group, of in by_field.items())
    return (
        Table("Faithfulness of explanations", HEADER, rows, ABOUT),
        by_step("Faithfulness of the steps shown", STEPS, earlier=False),
        by_step("Faithfulness of the earlier steps shown", EARLIER, earlier=True),
    )


def chosen(label: Ints, y: Ints, names: Sequence[str]) -> dict[str, list[int]]:
    """Some attacks [at most EXPLAINED of each group], drawn: of each class those that got it,
    then those called another attack, and those called harmless."""
    groups = {name: (y == c) & (label == c) for c, name in enumerate(names) if c}
    groups["called another attack"] = (y > 0) & (label != y) & (label > 0)
    groups[f"called {names[0]}"] = (y > 0) & (label == 0)
    rng = np.random.default_rng(0)
    drawn = {name: rng.permutation(np.flatnonzero(of))[:EXPLAINED] for name, of in groups.items()}
    return {name: np.sort(rows).tolist() for name, rows in drawn.items() if len(rows)}


def told(found: Faithfulness) -> tuple[Cell, ...]:
    """Share of draws lost, of verdicts that won against most draws, and by how much the score falls."""
    won, fell = (a[~np.isnan(found.won)] for a in (found.won, found.fell))
    if not len(won):
        return None, None, None
    return 1 - float(np.mean(won)), float((won > 0.5).mean()), float(np.median(fell))
