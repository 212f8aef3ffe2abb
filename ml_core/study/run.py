"""Runs the topics side by side and writes down what they say."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from datetime import datetime
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ml_core.errors import DataError
from ml_core.study.report import Chapter, Plot, Table, Topic

TOPICS = (
    "shipped", "papers", "kdd", "transfer", "verdicts", "text_verdicts", "requests", "sites", "domains",
    "sequences", "folds",
)  # fmt: skip
KEPT = "tables"  # folder beside tables.md: what each topic said when it last ran
WHOLE = "run"  # beside them: the last call that ran all


def run(data: Path, output: Path, topics: Sequence[str] = (), processes: int = 2) -> Path:
    """Runs `topics` (all, if none is named) on the data folder; returns the tables.md written.

    Each topic runs on one core. What it says is kept as JSON, so that one can be run again
    without the others, and so is how long a call of all took. DataError for an unknown topic, or
    data that are not there.
    """
    from ml_core.study.leads import leads
    from ml_core.study.write import this_machine, write

    start, call = time.monotonic(), datetime.now().isoformat()
    chosen = list(topics) or list(TOPICS)
    if unknown := [name for name in chosen if name not in TOPICS]:
        raise DataError(f"unknown topic {unknown[0]!r}; known: {', '.join(TOPICS)}")
    if not (data / "flows").is_dir():
        raise DataError(f"{data}: no folder 'flows' in it")
    (output / KEPT).mkdir(parents=True, exist_ok=True)
    chosen.sort(key=lambda name: -_topic(name).minutes)  # the longest first
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(_run_one, name, data): name for name in chosen}
        for done in as_completed(waiting):
            name = waiting[done]
            chapter, seconds = done.result()
            said = {**asdict(chapter), "minutes": round(seconds / 60, 1), "call": call}
            _keep(output, name, said)
    if set(chosen) == set(TOPICS):
        said = {"call": call, "made": this_machine((time.monotonic() - start) / 60)}
        _keep(output, WHOLE, said)
    chapters = read(output)
    return write([*leads(chapters), *chapters], output, made(output))


def read(output: Path) -> list[Chapter]:
    """What each topic said when it last ran, in the order of `TOPICS`."""
    return [_chapter(said) for said in _kept(output, TOPICS)]


def made(output: Path) -> str | None:
    """When and on what all topics last ran in one call, and which are of another; None if never."""
    if not (calls := _kept(output, [WHOLE])):
        return None
    others = ", ".join(
        f"{said['title']} ({said.get('call', 'earlier')[:10]})"
        for said in _kept(output, TOPICS)
        if said.get("call") != calls[0]["call"]
    )
    return f"{calls[0]['made']}{f' Not of this call: {others}.' if others else ''}"


def _topic(name: str) -> Topic:
    topic = import_module(f"ml_core.study.{name}").TOPIC
    assert isinstance(topic, Topic)
    return topic


def _run_one(name: str, data: Path) -> tuple[Chapter, float]:
    import torch

    torch.set_num_threads(1)
    start = time.monotonic()

    def say(text: str) -> None:
        passed = time.monotonic() - start
        print(f"{name} {passed / 60:5.1f} min  {text}", file=sys.stderr, flush=True)

    say("begins")
    chapter = _topic(name).run(data, say)
    say("done")
    return chapter, time.monotonic() - start


def _keep(output: Path, name: str, said: dict[str, Any]) -> None:
    path = output / KEPT / f"{name}.json"
    path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def _kept(output: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    paths = [output / KEPT / f"{name}.json" for name in names]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def _chapter(said: dict[str, Any]) -> Chapter:
    tables = tuple(
        Table(t["title"], tuple(t["header"]), tuple(map(tuple, t["rows"])), t["about"])
        for t in said["tables"]
    )
    plots = tuple(Plot(**p) for p in said["plots"])
    about = f"{said['about']}\n\nThis chapter took {said['minutes']} minutes.".strip()
    return Chapter(said["title"], about, tables, plots)
