"""`python -m ml_core`: learn, score, evaluate and study from the terminal.

Bad input gets one line on standard error and exit status 2.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from ml_core.commands import adapt, evaluate, score, tables, train
from ml_core.commands.folders import in_folders
from ml_core.commands.numbers import positive
from ml_core.commands.progress import tell
from ml_core.errors import DataError, ModelFileError
from ml_core.kinds import KINDS

ABOUT = """\
Learn from labelled data, score new data, and measure, for each kind of sequence:
flows (CICFlowMeter, Argus, Zeek, NetFlow or KDD tables) and texts ({texts}).
DATA are CSV, TSV, parquet, Arrow or JSON-lines files, or Zeek logs, compressed or not."""
EXAMPLES = """\
examples:
  python -m ml_core score flows conn.log --output verdicts.parquet
  python -m ml_core score requests access.csv --output verdicts.csv
  python -m ml_core train flows monday.csv tuesday.csv --label Label --output my-model
  python -m ml_core evaluate flows friday.csv --label Label --model my-model
  python -m ml_core adapt flows last-week.csv --label verdict --output our-model
  python -m ml_core tables data/ --output docs/models"""
COMMANDS = {
    "train": (train, "learn a model from labelled files"),
    "score": (score, "a verdict on every row: label, probability, p_attack, unsure"),
    "evaluate": (evaluate, "a model's figures on labelled files"),
    "adapt": (adapt, "fit a model to one's own site: a few labelled rows, many without a label"),
}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} -h\n")


def parser() -> argparse.ArgumentParser:
    texts = ", ".join(kind for kind in KINDS if kind != "flows")
    form = argparse.RawDescriptionHelpFormatter
    whole = Parser(
        prog="python -m ml_core",
        description=ABOUT.format(texts=texts),
        epilog=EXAMPLES,
        formatter_class=form,
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, about) in COMMANDS.items():
        command = commands.add_parser(
            name, help=about, description=module.__doc__, epilog=EXAMPLES, formatter_class=form
        )
        command.set_defaults(run=module.run)
        command.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
        command.add_argument(
            "data", nargs="+", type=Path, metavar="DATA", help="files, or folders of them"
        )
        module.arguments(command)
        most = 1 if name == "train" else os.cpu_count() or 1
        command.add_argument("--threads", type=positive, default=most, help="default: %(default)s")
    command = commands.add_parser("tables", help=tables.ABOUT, description=tables.__doc__)
    command.set_defaults(run=tables.run, threads=1)
    tables.arguments(command)
    return whole


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0, 2 for input that cannot be used, 130 when interrupted."""
    chosen = parser().parse_args(arguments)
    try:
        import torch

        # what is judged goes to its threads in chunks, which beats threads within each product
        torch.set_num_threads(max(chosen.threads, 1) if chosen.command == "train" else 1)
        if chosen.command != "tables":
            chosen.data = in_folders(chosen.data)
        if chosen.command == "train":
            chosen.also = in_folders(chosen.also)
        chosen.run(chosen)
        sys.stdout.flush()  # a full disk shall be told of here
    except BrokenPipeError:  # who read what is printed has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's last flush
    except (DataError, ModelFileError, OSError) as error:
        tell(str(error))
        return 2
    except KeyboardInterrupt:
        print("ml_core: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
