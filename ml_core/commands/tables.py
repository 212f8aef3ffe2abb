"""`tables DATA`: run the studies again and write tables.md, with its plots."""

from __future__ import annotations

import argparse
from pathlib import Path

ABOUT = "the papers' tables and studies, run again on a data folder"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data", type=Path, metavar="DATA", help="folder with flows/, web/, domains/ and the others"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("docs/models"),
        metavar="FOLDER",
        help="default: %(default)s",
    )
    parser.add_argument(
        "--topics", nargs="+", default=[], metavar="TOPIC", help="only these; the others are kept"
    )
    parser.add_argument("--processes", type=int, default=2, help="side by side; default 2")


def run(chosen: argparse.Namespace) -> None:
    """Prints the path of what was written."""
    from ml_core.study import run as study

    print(study.run(chosen.data, chosen.output, chosen.topics, max(chosen.processes, 1)))
