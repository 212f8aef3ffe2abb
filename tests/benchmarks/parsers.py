"""What the parsers make of real files: `python -m tests.benchmarks parsers [FILE|FOLDER …]`.

Reads every file below the folders (by default the range's recordings) as if it were uploaded, and
prints one JSON object: `files` with `lines`, `recognised` (the share of them that became records of
a parser), `parsers`, `claimed` (whether one of them was sure, or read the most of it), `seconds`;
over all claimed ones `least_recognised` (target: at least 0.99), `exceptions` (target: 0), and
`below` names those that miss the target. A table (Parquet) with a column `line` is read as one file
for each of its systems or sources, and events of Windows as the flat JSON they were cut from.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from apps.acquisition import reading

RANGE = Path(__file__).resolve().parents[2] / "knowledge_base" / "risk_data"
TARGET = 0.99
SURE = 0.5
"""A parser claims a format whose lines it is so sure of, or whose lines it reads for so many."""
NO_LOGS = {".md", ".json", ".bin", ".py"}
"""What lies beside the logs and tells of them."""
GROUPS = ("system", "source", "dataset")


def files(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of what there is to read."""
    for path in paths:
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in below:
            if not file.is_file() or (path.is_dir() and file.suffix in NO_LOGS):
                continue
            name = str(file.relative_to(path)) if path.is_dir() else file.name
            if file.suffix == ".parquet":
                yield from _tables(name, pl.read_parquet(file))
            else:
                yield name, file.read_bytes()


def _tables(name: str, table: pl.DataFrame) -> Iterator[tuple[str, bytes]]:
    if {"event_id", "channel", "fields"} <= set(table.columns):
        for (group,), rows in table.group_by("channel", maintain_order=True):
            yield f"{name}: {group}", "\n".join(map(_event, rows.iter_rows(named=True))).encode()
    elif "line" in table.columns:
        by = next((column for column in GROUPS if column in table.columns), None)
        groups = table.group_by(by, maintain_order=True) if by else [(("",), table)]
        for (group,), rows in groups:
            yield f"{name}: {group}", "\n".join(rows["line"].to_list()).encode()


def _event(row: dict[str, Any]) -> str:
    said = json.loads(row["fields"])
    head = {"EventID": row["event_id"], "Channel": row["channel"], "EventTime": row["time"]}
    return json.dumps({**head, "Hostname": row["host"], **said})


def measured(name: str, content: bytes) -> dict[str, Any]:
    """What became of one file."""
    start = time.perf_counter()
    try:
        read = reading.read(
            content,
            protocol="auto",
            file_name=name.partition(":")[0],
            received_at=datetime.now(UTC),
        )
    except reading.Unreadable as reason:
        return {"unreadable": str(reason)}
    except Exception:
        return {"exception": traceback.format_exc(limit=-3)}
    seconds = time.perf_counter() - start
    datasets = read.frame["event.dataset"].value_counts(sort=True)
    lines = read.frame.height + len(read.rejected)
    most = max((choice.lines for choice in read.choices), default=0)
    surest = max((choice.sniff for choice in read.choices), default=0.0)
    opened = not read.choices and read.unparsed == 0  # a capture, a file
    return {
        "lines": lines,
        "recognised": round(1 - (read.unparsed + len(read.rejected)) / max(lines, 1), 5),
        "claimed": opened or surest >= SURE or most >= SURE * lines,
        "datasets": dict(datasets.head(6).iter_rows()),
        "parsers": {
            choice.parser: [choice.lines, round(choice.sniff, 3)] for choice in read.choices
        },
        "seconds": round(seconds, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", type=Path, default=[RANGE], metavar="FILE|FOLDER")
    chosen = parser.parse_args()
    for path in chosen.paths:
        if not path.exists():
            sys.exit(f"{path}: there is no such file or folder")
    told = {name: measured(name, content) for name, content in files(chosen.paths)}
    claimed = {name: each for name, each in told.items() if each.get("claimed")}
    print(
        json.dumps(
            {
                "files": told,
                "claimed": len(claimed),
                "unclaimed": [name for name, each in told.items() if each.get("claimed") is False],
                "unreadable": [name for name, each in told.items() if "unreadable" in each],
                "lines": sum(each["lines"] for each in claimed.values()),
                "least_recognised": min(
                    (each["recognised"] for each in claimed.values()), default=None
                ),
                "below": [name for name, each in claimed.items() if each["recognised"] < TARGET],
                "exceptions": sum("exception" in each for each in told.values()),
                "seconds": round(sum(each.get("seconds", 0) for each in told.values()), 2),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
