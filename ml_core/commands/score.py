"""`score KIND DATA --output FILE`: one row in, one row out, in the same order."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ml_core.commands.folders import writable
from ml_core.errors import DataError

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".parquet", ".csv")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="its folder; default: the shipped model")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="parquet or CSV, by its suffix; columns label, probability, p_attack, unsure",
    )


def run(chosen: argparse.Namespace) -> None:
    """DataError or ModelFileError for what cannot be used, before anything is written."""
    import numpy as np
    import polars as pl

    from ml_core.commands.judging import judge
    from ml_core.model_file import shipped
    from ml_core.scorer import Scorer

    _usable(chosen.output, chosen.data)
    scorer = Scorer.load(chosen.model or shipped(chosen.kind), chosen.kind, chosen.threads)
    judged = judge(scorer, chosen.data)
    table = pl.DataFrame(
        {
            "label": pl.Series(np.asarray(judged.names)[judged.label], dtype=pl.String),
            "probability": judged.probability,
            "p_attack": judged.p_attack,
            "unsure": judged.unsure,
        }
    )
    _write(table, chosen.output)


def _usable(output: Path, data: Sequence[Path]) -> None:
    """DataError, before any work, for an output that could not be written or shall not be."""
    if output.suffix.lower() not in SUFFIXES:
        raise DataError(f"{output}: the output ends in {' or '.join(SUFFIXES)}")
    if output.exists() and any(path.exists() and output.samefile(path) for path in data):
        raise DataError(f"{output}: is among the data, and would be lost")
    if output.is_dir():
        raise DataError(f"{output}: a folder, not a file")
    if not output.parent.is_dir():
        raise DataError(f"{output.parent}: no such folder for the output")
    if not writable(output):
        raise DataError(f"{output}: not writable")


def _write(table: pl.DataFrame, output: Path) -> None:
    """Whole or not at all: on a full disk what was there before stays. DataError if it fails."""
    import polars as pl

    target = output.resolve()
    direct = target.exists() and not (target.is_file() and writable(target.parent))
    part = target if direct else target.with_name(f".{target.name}.part")
    try:
        if output.suffix.lower() == ".parquet":
            table.write_parquet(part)
        else:
            table.write_csv(part)
        if not direct:
            part.replace(target)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{output}: not written: {error}") from error
    finally:
        if not direct:
            part.unlink(missing_ok=True)
