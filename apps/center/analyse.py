"""`tocsin analyse`: files through the whole pipeline, in memory.

The same pure functions as the stored pipeline, one after the other; nothing is kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from apps.acquisition.reading import Unreadable, read, read_capture
from apps.acquisition.traffic.capture import is_capture
from apps.acquisition.written.store import of_home
from apps.analysis import serialise
from apps.analysis.assess import assess
from apps.analysis.case import Case, build, decide
from apps.analysis.correlate import correlate
from apps.analysis.services import model_folder
from apps.contracts import Json, Match, Remedy
from apps.detection.run import search
from apps.knowledge.services import records

BIGGEST = 1024 * 1024 * 1024
"""Bytes of one file that are read into memory; captures are read in parts, whatever their size."""

STAGES = ("reading", "searching", "weighing", "correlating", "matching")


@dataclass(frozen=True, slots=True)
class FileRead:
    """What became of one file. `error` is empty where it could be read."""

    name: str
    records: int = 0
    unparsed: int = 0
    rejected: int = 0
    notes: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Solved:
    """An incident with the knowledge that fits it; `remedy` is None where none does."""

    case: Case
    matches: tuple[Match, ...]
    remedy: Remedy | None


@dataclass(frozen=True, slots=True)
class Analysis:
    files: tuple[FileRead, ...]
    findings: int
    dismissed: int  # findings of screening alone that the network calls normal
    failures: dict[str, str]  # tool → why it failed
    incidents: tuple[Solved, ...]


Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""


def analyse(paths: Sequence[Path], host: str, tell: Progress = lambda *_: None) -> Analysis:
    """Reads files and says what they show. A file that cannot be read costs no other."""
    now = datetime.now(UTC)
    files: list[FileRead] = []
    frames: list[pl.DataFrame] = []
    for number, path in enumerate(paths):
        tell("reading", number, len(paths))
        made, frame = _read(path, host, now)
        files.append(made)
        if frame is not None:
            frames.append(frame)
    if not frames:
        return Analysis(tuple(files), 0, 0, {}, ())
    frame = pl.concat(frames)
    frame = frame.with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("record.id"),
        pl.lit(True).alias("tocsin.fresh"),
    )
    tell("searching", 0, 1)
    found = search(frame, now)
    tell("weighing", 0, 1)
    verdicts = assess(frame, found.findings, model_folder())
    tell("correlating", 0, 1)
    campaigns = correlate(found.findings, verdicts)
    solved = []
    knowledge = records()
    for number, campaign in enumerate(campaigns):
        tell("matching", number, len(campaigns))
        case = build(frame, found.findings, verdicts, campaign)
        matches, remedy = decide(case, knowledge)
        solved.append(Solved(case, tuple(matches), remedy))
    solved.sort(key=lambda each: (-each.case.campaign.severity, each.case.campaign.first))
    kept = sum(len(campaign.findings) for campaign in campaigns)
    total = len(found.findings)
    return Analysis(tuple(files), total, total - kept, dict(found.failures), tuple(solved))


def _read(path: Path, host: str, now: datetime) -> tuple[FileRead, pl.DataFrame | None]:
    name = str(path)
    try:
        suspicious = path.suffix.lower() in FILES
        if not suspicious and _is_capture(path):
            reading = read_capture(path, host_name=host)
        elif path.stat().st_size > BIGGEST:
            return FileRead(name, error=f"larger than {BIGGEST // 2**20} MB: split it first"), None
        else:
            reading = read(
                path.read_bytes(),
                protocol="file" if suspicious else "auto",
                file_name=name,
                host_name=host,
                received_at=now,
                written=of_home().parsers,
            )
    except (OSError, Unreadable) as problem:
        text = problem.strerror if isinstance(problem, OSError) else str(problem)
        return FileRead(name, error=text or str(problem)), None
    made = FileRead(
        name, reading.frame.height, reading.unparsed, len(reading.rejected), reading.notes
    )
    return made, reading.frame


def _is_capture(path: Path) -> bool:
    with path.open("rb") as file:
        return is_capture(file.read(4))


FILES = {".php", ".phtml", ".jsp", ".jspx", ".asp", ".aspx", ".py", ".pl", ".sh", ".js", ".exe"}
FILES |= {".dll", ".ps1", ".vbs", ".elf", ".bin", ".doc", ".docm", ".xls", ".xlsm"}
"""Suffixes of files that are looked at whole, as YARA does, instead of line by line."""


def analyse_files(paths: Sequence[Path], *, as_json: bool, host: str) -> int:
    """The command. 0 where all files were read, 1 where one was not."""
    from apps.center.report import show

    with _progress() as tell:
        analysis = analyse(paths, host, tell)
    if as_json:
        json.dump(document(analysis), sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        show(analysis)
    return 1 if any(file.error for file in analysis.files) else 0


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on the terminal's error stream; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("reading", total=len(STAGES))

        def tell(stage: str, done: int, of: int) -> None:
            bar.update(task, description=stage, completed=STAGES.index(stage) + done / max(of, 1))

        yield tell


def document(analysis: Analysis) -> dict[str, Json]:
    """The analysis as JSON for machines."""
    return {
        "format": "tocsin-analysis/1",
        "files": [asdict(file) for file in analysis.files],
        "findings": analysis.findings,
        "dismissed": analysis.dismissed,
        "failed_tools": analysis.failures,
        "incidents": [_incident(solved) for solved in analysis.incidents],
    }


def _incident(solved: Solved) -> dict[str, Json]:
    case, campaign = solved.case, solved.case.campaign
    return {
        "title": campaign.title,
        "kind": campaign.kind,
        "kinds": list(campaign.kinds),
        "risk": campaign.risk,
        "severity": campaign.severity,
        "confidence": campaign.confidence,
        "unfamiliar": campaign.unfamiliar,
        "first": campaign.first.isoformat(),
        "last": campaign.last.isoformat(),
        "facts": dict(case.facts),
        "findings": [
            {
                "tool": finding.tool,
                "title": finding.title,
                "severity": finding.severity,
                "records": len(finding.records),
                "parameters": dict(finding.parameters),
                "assessment": serialise.assessment_json(verdict) if verdict else None,
                "because": because,
            }
            for finding, verdict, because in zip(
                case.findings, case.assessments, campaign.because, strict=True
            )
        ],
        "clue_tree": serialise.clue_json(case.clue),
        "attacker": serialise.attacker_json(case.attacker),
        "matches": [
            {
                "record": match.record.slug,
                "title": match.record.title,
                "score": match.score,
                "reasons": list(match.reasons),
            }
            for match in solved.matches
        ],
        "remedy": asdict(solved.remedy) if solved.remedy else None,
    }
