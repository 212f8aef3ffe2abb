"""What the messages of a program mean: rules that are tried in their order on whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

_CONSTANT = ("event.action", "event.category", "event.outcome")


@dataclass(frozen=True, slots=True)
class Rule:
    """Messages that hold the text `mark` and match `pattern`, whose groups are named by `names`.

    A group of a pattern that is not in `names` is dropped.
    """

    mark: str
    pattern: str
    action: str
    category: str | None = None
    outcome: str | None = None


def judged(
    messages: pl.Series,
    rules: Sequence[Rule],
    names: dict[str, str],
    *,
    among: pl.Series,
    other: Rule,
) -> pl.DataFrame:
    """N messages → `event.action`, `event.category`, `event.outcome` and the columns of `names`
    (group → column), by the first rule that fits, or by `other`; null where not `among`.
    """
    height = messages.len()
    columns = {
        name: pl.Series([None], dtype=pl.String).new_from_index(0, height)
        for name in (*_CONSTANT, *dict.fromkeys(names.values()))
    }
    left = among & messages.is_not_null()
    for rule in (*rules, other):
        able = left & messages.str.contains(rule.mark, literal=True) if rule.mark else left
        rows = able.arg_true()
        if not rows.len():
            continue
        texts = messages.gather(rows)
        if rule.pattern:
            hit = texts.str.contains(rule.pattern)
            rows, texts = rows.filter(hit), texts.filter(hit)
        category = rule.category or other.category
        for name, value in zip(_CONSTANT, (rule.action, category, rule.outcome), strict=True):
            columns[name].scatter(rows, value)
        if "(?P<" in rule.pattern:
            found = texts.str.extract_groups(rule.pattern).struct.unnest()
            for group in found.columns:
                if group in names:
                    columns[names[group]].scatter(rows, found[group])
        left = left.scatter(rows, False)
    return pl.DataFrame(columns)
