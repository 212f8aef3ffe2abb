"""How well and how fast strange requests are told from a site's others; prints one JSON object.

`python -m tests.benchmarks strange` plays the access logs of the recordings that come with the
repository, and every access log given, as if they came in batches: each batch is judged by what
the ones before taught. `--requests TABLE` (Parquet, with the columns that `--text`, `--label` and
`--times` name: an address with its parameters, 1 for an attack, how often it occurred) first teaches
a site harmless requests, then brings others with attacks among them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from apps.acquisition.frames import conform
from apps.acquisition.reading import read
from apps.detection import evidence, habits

RECORDINGS = Path(__file__).parents[2] / "knowledge_base" / "risk_data"
BATCH = 500
BEFORE = (3_000, 20_000)  # harmless requests that a site is taught first
AFTER = 10_000
SHARES = (0.02, 0.05, 0.2)  # of those after that are attacks
ATTACKERS, VISITORS = 5, 300
LARGE = 20_000


def played(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Which rows are strange by what the batches before taught, and which could be judged: [N]."""
    frame = evidence.ready(frame)
    known = habits.Habits.none(np.zeros(0, np.int64))
    judgements = []
    for batch in frame.iter_slices(BATCH):
        judgement = habits.judged(habits.things(batch), known)
        learned = habits.harmless(judgement, ())
        keys = np.union1d(known.keys, learned["key"].to_numpy())
        known = known.over(keys).but(habits.taught(known, learned))
        judgements.append(judgement)
    judgement = pl.concat(judgements)
    told = judgement.filter(pl.col("seen") >= habits.LEAST)
    ids = frame["record.id"]
    return tuple(ids.is_in(rows["record.id"].implode()) for rows in (told.filter("strange"), told))  # type: ignore[return-value]


def log(path: Path, attackers: frozenset[str]) -> dict[str, Any]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    frame = read(content, protocol="lines", file_name=path.name, host_name="site").frame
    frame = frame.sort("@timestamp", maintain_order=True)
    strange, judged = played(frame)
    attack = frame["source.ip"].is_in(attackers)
    return {
        "harmless": int((~attack).sum()),
        "harmless_judged": int((~attack & judged).sum()),
        "false_alarms": int((~attack & strange).sum()),
        "false_alarms_in_10000": _rate(strange, ~attack, 10_000),
        "sources_of_false_alarms": frame.filter(~attack & strange)["source.ip"].n_unique(),
        "of_attackers": int(attack.sum()),
        "of_attackers_judged": int((attack & judged).sum()),
        "of_attackers_strange": int((attack & strange).sum()),
    }


def site(table: Path, text: str, label: str, times: str) -> list[dict[str, Any]]:
    rows = pl.read_parquet(table)
    rows = rows.select(
        pl.col(text).str.replace(r"^\w+ ", "").repeat_by(pl.col(times)).alias("url.original"),
        attack=pl.col(label) == 1,
    ).explode("url.original")
    harmless = rows.filter(~pl.col("attack")).sample(fraction=1, shuffle=True, seed=3)
    found = []
    for before in BEFORE:
        for share in SHARES:
            attacks = rows.filter("attack").sample(int(AFTER * share), seed=3)
            others = harmless.slice(before, AFTER - attacks.height)
            after = pl.concat([others, attacks]).sample(fraction=1, shuffle=True, seed=3)
            both = pl.concat([harmless.head(before), after])
            strange, judged = played(_visited(both))
            late = pl.int_range(both.height, eager=True) >= before
            attack = both["attack"]
            found.append(
                {
                    "taught": before,
                    "attacks": share,
                    "judged": _rate(judged, late, 1),
                    "found": _rate(strange, late & attack, 1),
                    "false_alarms_in_10000": _rate(strange, late & ~attack, 10_000),
                }
            )
    return found


def cost(frame: pl.DataFrame) -> dict[str, Any]:
    """CPU microseconds a request, in a batch of LARGE of which all have parameters."""
    asked = frame.filter(habits.PARAMETERISED)
    more = (
        pl.concat([asked] * (LARGE // asked.height + 1)).head(LARGE).drop("record.id", strict=False)
    )
    frame = evidence.ready(more)
    known = habits.Habits.none(np.zeros(0, np.int64))
    seconds: list[float] = []
    for _ in range(5):
        begun = time.process_time()
        things = habits.things(frame)
        judgement = habits.judged(things, known)
        habits.marked(frame, judgement)
        known = habits.taught(known, habits.harmless(judgement, ()))
        seconds.append(time.process_time() - begun)
    return {
        "requests": frame.height,
        "things": things.height,
        "habits": len(known.keys),
        "microseconds": round(min(seconds) / frame.height * 1e6, 2),
    }


def _visited(rows: pl.DataFrame) -> pl.DataFrame:
    """Requests as a frame: the harmless ones of many visitors, the attacks of few."""
    chance = np.random.default_rng(3)
    few, many = (chance.integers(0, n, rows.height) for n in (ATTACKERS, VISITORS))
    who = np.where(rows["attack"].to_numpy(), few, 1000 + many)
    source = pl.format("10.0.{}.{}", pl.lit(who // 250), pl.lit(who % 250))
    made = rows.select(
        "url.original",
        pl.lit("web").alias("event.category"),
        pl.lit("site").alias("host.name"),
        source.alias("source.ip"),
    )
    return conform(made)


def _rate(marked: pl.Series, of: pl.Series, times: int) -> float | None:
    return round(float((marked & of).sum() / of.sum()) * times, 4) if of.any() else None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("logs", nargs="*", type=Path)
    options.add_argument("--requests", type=Path, metavar="TABLE")
    options.add_argument("--text", default="request", metavar="COLUMN")
    options.add_argument("--label", default="label", metavar="COLUMN")
    options.add_argument("--times", default="n_occurrences", metavar="COLUMN")
    given = options.parse_args()
    report: dict[str, Any] = {}
    for folder in sorted(path.parent for path in RECORDINGS.glob("*/timetable.json")):
        attackers = json.loads((folder / "timetable.json").read_text())["attackers"]
        report[folder.name] = log(folder / "access.log.gz", frozenset(attackers))
    for path in given.logs:
        report[path.name] = log(path, frozenset())
    if given.requests:
        report["site"] = site(given.requests, given.text, given.label, given.times)
    recorded = (RECORDINGS / "range" / "access.log.gz").read_bytes()
    lines = gzip.decompress(recorded)
    report["cost"] = cost(
        read(lines, protocol="lines", file_name="access.log", host_name="s").frame
    )
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
