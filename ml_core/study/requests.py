"""HTTP requests and parameter values: in-source, and each source left out in turn."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from ml_core.errors import DataError
from ml_core.kinds.kind import UNTOLD
from ml_core.kinds.requests import KIND
from ml_core.kinds.requests.corpus import Told, corpus, gathered
from ml_core.kinds.requests.text import decoded
from ml_core.kinds.text import TEST, TextTable, split_by_content
from ml_core.study.report import Cell, Chapter, Table, Topic
from ml_core.study.text_rivals import HEADER, Case, Rows, compare, row

LARGEST, MOST, LEAST = 4_000, 1_200, 1_500  # harmless texts, attacks of a class, with the grammar's
TESTED = 2_000  # of each side
LINE = re.compile(r'^(\S+) \S+ \S+ \[([^\]]+)\] "(.*?)" \d{3} ')
INJECTIONS = ("web_injection", "web_shell")
SIGNS = re.compile(
    r"[${}<>`|]|\.\.|\w\(|://|;/"
)  # of an attack; without one a string is a path or a word
TOLD_RULES = re.compile("sql_injection|xss_in")  # of attacks that classes name and data sets hold
RECORDINGS = Path(__file__).parents[2] / "knowledge_base" / "risk_data"
SMALL = replace(
    KIND,
    corpus=partial(corpus, least=LEAST),
    options=replace(KIND.options, epochs=4, patience=4, batch=256, rate=2e-3),
)
Sources = dict[str, list[TextTable]]


def run(data: Path, say: Callable[[str], None]) -> Chapter:
    rows: list[tuple[Cell, ...]] = []
    sources = read_sources(data)
    for case in _cases(sources):
        rows += compare(SMALL, as_read, case)
        say(case.name)
    about = (
        "Each source is left out in turn, and what it shares with another is not tested on. All"
        " systems learn from the same rows of the other sources; the network's corpus puts values"
        " into requests and adds those of its grammar. CSIC 2010 and Fwaf do not say what kind"
        " their attacks are: nobody learns them. Harmless lines of access logs stand against"
        " Fwaf's attacks, which come without harmless ones. p_attack > 0.5."
    )
    tables = Table("Requests", HEADER, tuple(rows), about), _shipped(data, sources)
    return Chapter("HTTP requests", "", tables)


def _shipped(data: Path, sources: Sources) -> Table:
    """What the model that comes with the platform says of what it did not learn."""
    from ml_core.model_file import shipped
    from ml_core.scorer import Scorer

    scorer = Scorer.load(shipped(KIND.name), KIND.name)
    tested = {
        "HttpParams, official test part": distinct(sources["httpparams"][1:], None),
        "range_holdout, access log": distinct(sources["range"][1:], None),
        "CSIC 2010, attacks and the normal ones it learned": distinct(sources["csic"], None),
        "Fwaf": distinct(sources["fwaf"], None),
        "what Sigma's rules look for, in a parameter": known_exploits(data),
        **unlabelled(data),
    }
    rows = []
    for name, part in tested.items():
        verdicts = scorer.score_texts(part.texts)
        rows.append(row(name, "shipped", verdicts.p_attack, part.attack, verdicts.unsure))
    about = (
        "Every different text once. The logs of semicomplete.com and secrepo.com come unlabelled"
        " and are counted as harmless, which not every line is; of the scanners' log every line is"
        " counted as an attack, which few are: their label is of the session. Sigma's rules for web"
        " servers name pieces of known exploits; those with signs, apart from SQL injection and XSS."
    )
    return Table("Requests: the shipped model", ("tested on", *HEADER[1:]), tuple(rows), about)


def unlabelled(data: Path) -> dict[str, Rows]:
    import polars as pl

    table = pl.read_parquet(data / "logs" / "web_access_lines.parquet")
    table = table.filter(pl.col("label") != "benign").unique("request", maintain_order=True)
    return {
        f"log, {source}": Rows(
            part["request"].to_list(), (part["label"] == "attack_scan").to_numpy()
        )
        for (source,), part in table.group_by("source", maintain_order=True)
    }


def known_exploits(data: Path) -> Rows:
    """What Sigma's rules for web servers look for in requests, each as the value of a parameter."""
    import polars as pl

    path = data / "reference" / "sigma_rules_all.jsonl.zst"
    lines = pl.read_csv(path, separator="\x01", quote_char=None, has_header=False)
    first: dict[str, None] = {}
    for rule in map(json.loads, lines.to_series()):
        if rule["logsource"].get("category") == "webserver" and not TOLD_RULES.search(rule["path"]):
            for said in _sought(rule["detection"]):
                text = unquote(unquote(said.strip("*")))
                if len(text) > 5 and SIGNS.search(text):
                    first.setdefault(f"GET /index.php?q={quote(text.lstrip('=?&/'), safe='')}")
    return Rows(list(first), np.ones(len(first), dtype=bool))


def _sought(part: Any, field: str = "keywords") -> Iterator[str]:
    """The strings that a rule seeks in addresses or anywhere; no patterns, nothing it leaves out."""
    if isinstance(part, dict):
        for name, inner in part.items():
            if not name.startswith(("condition", "filter")):
                yield from _sought(inner, name)
    elif isinstance(part, list):
        for inner in part:
            yield from _sought(inner, field)
    elif "|re" not in field and field.startswith(("cs-uri", "keyword", "selection")):
        yield str(part)


def as_read(text: str) -> str:
    """A request in the network's spelling, one character a byte."""
    return decoded(text).decode("latin-1")


def _cases(sources: Sources) -> Iterator[Case]:
    everything = [table for tables in sources.values() for table in tables]
    told = gathered(everything, 1, LARGEST, MOST)
    held = split_by_content(told.read) == TEST
    texts = [text for text, out in zip(told.texts, held, strict=True) if out]
    yield Case(
        "nothing: in-source",
        as_tables(told.take(np.flatnonzero(~held))),
        Rows(texts, told.y[held] != 0),
    )
    for name in ("httpparams", "grananqvist", "csic", "fwaf", "range"):
        out = ("fwaf", "logs") if name == "fwaf" else (name,)
        tested = distinct([table for source in out for table in sources[source]])
        known = set(map(as_read, tested.texts))
        others = [table for source in sources if source not in out for table in sources[source]]
        told = gathered(others, 1, LARGEST, MOST)
        new = [i for i, text in enumerate(told.read) if text not in known]
        yield Case(" + ".join(out), as_tables(told.take(np.asarray(new))), tested)


def as_tables(told: Told) -> list[TextTable]:
    """Bare values and requests, apart."""
    sides = [told.take(np.flatnonzero(rows)) for rows in (told.bare, ~told.bare)]
    return [
        TextTable(column, side.texts, side.y)
        for column, side in zip(("payload", "request"), sides, strict=True)
    ]


def distinct(tables: list[TextTable], most: int | None = TESTED) -> Rows:
    """Every text once, `most` of each side."""
    first: dict[str, tuple[str, bool]] = {}
    for table in tables:
        for text, c in zip(table.texts, table.y.tolist(), strict=True):
            first.setdefault(as_read(text), (text, c != 0))
    rng, sides = np.random.default_rng(1), []
    for attack in (False, True):
        side = [text for text, is_attack in first.values() if is_attack == attack]
        sides.append([side[i] for i in rng.permutation(len(side))[:most].tolist()])
    return Rows(sides[0] + sides[1], np.repeat([False, True], [len(side) for side in sides]))


def read_sources(data: Path) -> Sources:
    """The tables of each source; the addresses' harmless paths are learned from only."""
    logs = _read(data / "logs" / "web_access_lines.parquet", "request", "label", ("benign",))
    web = data / "web"
    return {
        "httpparams": [
            _read(web / f"httpparams_{part}.parquet", "payload", "attack_type")
            for part in ("train", "test")
        ],
        "grananqvist": [_read(web / "grananqvist_payloads.parquet", "payload", "injection_type")],
        "csic": [
            _read(web / "csic2010_raw_subset.parquet", "raw_request", "label"),
            _read(web / "csic2010_unique_requests.parquet", "request", "label"),
        ],
        "fwaf": [_read(web / "fwaf_badqueries.parquet", "query", "label")],
        "logs": [logs],
        "range": [_recording(RECORDINGS / name) for name in ("range", "range_holdout")],
        "urls": [
            _read(data / "domains" / f"{file}.parquet", "url", "label")
            for file in ("pdd_phishing_urls", "esdaung_phish_balanced")
        ],
    }


def _read(path: Path, column: str, label: str, only: tuple[str, ...] = ()) -> TextTable:
    import polars as pl

    if not path.exists():
        raise DataError(f"{path}: no such file")
    table = pl.read_parquet(path, columns=[column, label])
    if only:
        table = table.filter(pl.col(label).is_in(only))
    y = KIND.class_index(table[label].cast(pl.String).to_list())
    return TextTable(column, table[column].to_list(), y)


def _recording(folder: Path) -> TextTable:
    """Our own recording's access log, labelled by its timetable; floods and scans left out."""
    plan = json.loads((folder / "timetable.json").read_text(encoding="utf-8"))
    attacks = [phase for phase in plan["phases"] if phase["kind"] != "benign"]
    texts, y = [], []
    with gzip.open(folder / "access.log.gz", "rt", encoding="utf-8", errors="replace") as lines:
        for found in filter(None, map(LINE.match, lines)):
            source, stamp, request = found.groups()
            at = datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").timestamp()
            during = {
                phase["kind"]
                for phase in attacks
                if phase["source"] == source and phase["start"] - 1 <= at <= phase["end"] + 1
            }
            if during <= set(INJECTIONS):
                texts.append(request)
                y.append(UNTOLD if during else 0)
    return TextTable("request", texts, np.asarray(y, dtype=np.int64))


TOPIC = Topic("requests", "HTTP requests", run, minutes=8)
