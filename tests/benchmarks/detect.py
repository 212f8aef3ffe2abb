"""How well and how fast the detection tools are; prints one JSON object.

`python -m tests.benchmarks.detect` searches the recordings that come with the repository and holds
what is found against their timetables. Given files (captures, logs, flow tables), it searches
those. `--requests TABLE --text COLUMN --label COLUMN` says which share of the requests of each label
(Parquet or CSV) meets a web signature.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from apps.acquisition.frames import conform
from apps.acquisition.reading import Unreadable, read
from apps.contracts import Finding
from apps.detection import evidence, run
from apps.detection.tools import web_request_signatures

RECORDINGS = Path(__file__).parents[2] / "knowledge_base" / "risk_data"
LOUD = 30  # severity from which a finding that names an honest client is a false alarm

# Which finding kind answers which phase of a timetable.
ANSWERS = {
    "port_scan": "port_scan",
    "ssh_brute_force": "brute_force",
    "ftp_brute_force": "brute_force",
    "web_injection": "web_injection",
    "web_shell": "web_shell",
    "flood": "flood",
    "slow_http": "flood",
}


def searched(
    content: bytes, name: str, host: str = "", protocol: str = "auto"
) -> tuple[dict[str, Any], list[Finding]]:
    """What the tools find in one file, and how long each took."""
    frame = evidence.ready(read(content, protocol=protocol, file_name=name, host_name=host).frame)
    run.search(frame.head(1))  # rules are compiled once a process
    seconds: dict[str, float] = {}
    findings: list[Finding] = []
    for tool_name, tool in run.tools().items():
        begun = time.perf_counter()
        findings += tool.detect(frame)
        seconds[tool_name] = round(time.perf_counter() - begun, 3)
    total = sum(seconds.values())
    report = {
        "records": frame.height,
        "seconds": seconds,
        "records_per_second": round(frame.height / total) if total else None,
        "findings": [f"{one.severity} {one.kind}: {one.title}" for one in findings],
    }
    return report, findings


def recording(folder: Path) -> dict[str, Any]:
    """Phases of a recording's timetable found and missed, and false alarms, over all its files."""
    timetable = json.loads((folder / "timetable.json").read_text())
    findings: list[Finding] = []
    logs, uploads = {}, []
    for path in sorted(folder.glob("*.gz")):
        try:
            logs[path.name], found = searched(path.read_bytes(), path.name, "victim")
        except Unreadable:
            continue
        findings += found
    for path in sorted(folder.glob("uploads/*")):
        uploads += searched(path.read_bytes(), path.name, "victim", "file")[1]
    findings += uploads
    attackers = set(timetable["attackers"])
    phases = [phase for phase in timetable["phases"] if phase["kind"] in ANSWERS]
    missed = [phase for phase in phases if not _answered(phase, findings)]
    honest = set(timetable["clients"])
    return {
        "records_per_second": {name: each["records_per_second"] for name, each in logs.items()},
        "malicious_uploads": sorted({one.subject for one in uploads}),
        "phases": len(phases),
        "missed": [f"{phase['kind']} by {phase['tool']}" for phase in missed],
        "findings_that_name_an_attacker": sum(one.subject in attackers for one in findings),
        "false_alarms": [
            one.title for one in findings if one.subject in honest and one.severity >= LOUD
        ],
        "hints_about_clients": sum(
            one.subject in honest and one.severity < LOUD for one in findings
        ),
        "kinds": dict(Counter(one.kind.value for one in findings)),
    }


def _answered(phase: dict[str, Any], findings: Iterable[Finding]) -> bool:
    """Whether a finding of the right kind about the phase's source overlaps it in time."""
    return any(
        one.kind == ANSWERS[phase["kind"]]
        and one.subject == phase["source"]
        and one.first.timestamp() <= phase["end"] + 1
        and one.last.timestamp() >= phase["start"] - 1
        for one in findings
    )


def requests(table: Path, text: str, label: str) -> dict[str, Any]:
    """The share of requests of each label that meet a web signature, and the rate."""
    rows = pl.read_parquet(table) if table.suffix == ".parquet" else pl.read_csv(table)
    rows = rows.filter(pl.col(text).is_not_null())
    made = pl.DataFrame({"url.original": rows[text]}).with_columns(
        pl.lit("web").alias("event.category"),
        # A source of its own for each request: findings then stand for requests.
        _addresses().alias("source.ip"),
    )
    frame = evidence.ready(conform(made))
    begun = time.perf_counter()
    findings = web_request_signatures.TOOL.detect(frame)
    seconds = time.perf_counter() - begun
    met = {record for one in findings for record in one.records}
    marked = rows.select(pl.col(label).cast(pl.String)).with_row_index("row")
    marked = marked.with_columns(met=pl.col("row").is_in(list(met)))
    shares = marked.group_by(label).agg(requests=pl.len(), met=pl.col("met").sum()).sort(label)
    return {
        "requests_per_second": round(frame.height / seconds),
        "labels": {
            str(name): {"requests": n, "met": k, "share": round(k / n, 4)}
            for name, n, k in shares.iter_rows()
        },
    }


def _addresses() -> pl.Expr:
    row = pl.int_range(pl.len())
    return pl.format("10.{}.{}.{}", row // 65_536, row // 256 % 256, row % 256)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("files", nargs="*", type=Path)
    options.add_argument("--requests", type=Path, metavar="TABLE")
    options.add_argument("--text", default="request", metavar="COLUMN")
    options.add_argument("--label", default="label", metavar="COLUMN")
    given = options.parse_args()
    if given.requests:
        report: dict[str, Any] = requests(given.requests, given.text, given.label)
    elif given.files:
        report = {path.name: searched(path.read_bytes(), path.name)[0] for path in given.files}
    else:
        folders = sorted(path.parent for path in RECORDINGS.glob("*/timetable.json"))
        report = {folder.name: recording(folder) for folder in folders}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
