"""What the study of verdicts on texts learns from and judges: attacks left out, parts held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ml_core.kinds import domains as domain_names
from ml_core.kinds import text_kind
from ml_core.kinds.pages import without_claims
from ml_core.kinds.programs import calls
from ml_core.kinds.requests.corpus import corpus as request_corpus
from ml_core.kinds.requests.corpus import gathered
from ml_core.kinds.text import TEST, Corpus, TextKind, TextTable
from ml_core.study import domains, requests, sequences
from ml_core.study.sequences import read, some_of, table_of

Ints = npt.NDArray[np.int64]

UNKNOWN = -1  # in place of a class: an attack left out of learning
TESTED = 1_000  # texts judged, known ones and unknown ones
VALUES, ATTACKS, MADE_REQUESTS = 2_000, 600, 1_000  # harmless values, of an attack class, made
NAMES, MADE_NAMES = 3_000, 3_000  # names or addresses of a class, made ones
SCRIPTS = 1_000  # of a language
THINNED = 10_000  # texts of a table that a part to be tested is drawn from
EPOCHS = 4  # at most
SHARE = 0.1  # of the sequences of a system that are abnormal
SCRIPT_FILES = {
    "PowerShell": "powershell_mpsd_tokens",
    "JavaScript": "javascript_zzn0508_tokens",
    "PHP": "php_webshell_opcodes",
}
SYSTEMS = ("hdfs_loghub", "openstack_parisakalaki", "hadoop_loghub")


class Judged(NamedTuple):
    """Texts that are given together."""

    name: str
    texts: list[str]  # [N]
    y: Ints  # [N] classes, or UNKNOWN


class Case(NamedTuple):
    """What is left out of learning, what is learned, and what is judged after that."""

    kind: TextKind
    left_out: str
    corpus: Corpus
    judged: Sequence[Judged]


def cases(data: Path) -> Iterator[Case]:
    """One for each attack that is left out."""
    for of in (_requests, _domains, _programs, _scripts, _pages, _events):
        yield from of(data)


def left_out(
    kind: TextKind, name: str, corpus: Corpus, unknown: Sequence[str], harmless: Sequence[str] = ()
) -> Case:
    """What is judged are the corpus's test part and those of the unknown attacks that are not in
    the corpus, TESTED of each at most; and all harmless texts given that are not in it either."""
    known = set(corpus.texts)
    new = [text for text in dict.fromkeys(unknown) if text not in known]
    rng = np.random.default_rng(1)
    held = rng.permutation(np.flatnonzero(corpus.part == TEST))[:TESTED].tolist()
    some = rng.permutation(len(new))[:TESTED].tolist()
    more = [text for text in dict.fromkeys(harmless) if text not in known]
    texts = [corpus.texts[i] for i in held] + [new[i] for i in some] + more
    y = np.concatenate([corpus.y[held], np.repeat([UNKNOWN, 0], [len(some), len(more)])])
    return Case(kind, name, corpus, [Judged(name, texts, y)])


def without(corpus: Corpus, c: int) -> Corpus:
    """What the corpus holds of other classes: what is made for learning is left out, too."""
    rows = np.flatnonzero(corpus.y != c)
    return Corpus([corpus.texts[i] for i in rows], corpus.y[rows], corpus.part[rows])


def _requests(data: Path) -> Iterator[Case]:
    kind = _short(text_kind("requests"), batch=128)
    everything = [t for tables in requests.read_sources(data).values() for t in tables]
    told = gathered(everything, 1, VALUES, ATTACKS)
    whole = request_corpus(requests.as_tables(told), 1, least=0)
    every = request_corpus(requests.as_tables(gathered(everything, 1, most=1)), 1, least=0)
    held = np.flatnonzero((every.part == TEST) & (every.y == 0)).tolist()
    harmless = [every.texts[i] for i in held]  # enough for 1 % to be more than a few
    for c, name in enumerate(kind.classes[1:], start=1):
        tables = requests.as_tables(told.take(np.flatnonzero(told.y != c)))
        unknown = [text for text, of in zip(whole.texts, whole.y, strict=True) if of == c]
        learned = without(request_corpus(tables, 1, least=MADE_REQUESTS), c)
        yield left_out(kind, name, learned, unknown, harmless)


def _domains(data: Path) -> Iterator[Case]:
    kind = _short(text_kind("domains"), batch=128)
    names, pages = domains.names_of(data), domains.pages_of(data)
    families, harmless = _families(), [domains.ALEXA, *domains.OPENDNS]
    addresses = [domains.url_table(of) for of in pages.values()]
    of = {name: c for c, name in enumerate(kind.classes)}

    def corpus(families: Sequence[str], addresses: Sequence[TextTable]) -> Corpus:
        tables = [domains.name_table(names, harmless, list(families)), *addresses]
        return domain_names.corpus(tables, 1, NAMES, MADE_NAMES)

    def names_by(families: Sequence[str]) -> list[str]:
        return [name for family in families for name in names[family][:TESTED]]

    yield left_out(kind, "dga", without(corpus([], addresses), of["dga"]), names_by(families))
    real = [domains.url_table({**side, "phishing": []}) for side in pages.values()]
    phishing = [text for side in pages.values() for text in side["phishing"]]
    yield left_out(kind, "phishing", without(corpus(families, real), of["phishing"]), phishing)
    for way, some in domains.WAYS.items():
        others = [family for family in families if family not in some]
        yield left_out(kind, f"dga: {way}", corpus(others, addresses), names_by(some))


def _programs(data: Path) -> Iterator[Case]:
    import polars as pl

    kind = _short(text_kind("programs"))
    traced = read(data / "programs/adfa_ld.parquet")
    named = pl.Series([" ".join(calls(text)) for text in traced["syscalls"].to_list()])
    frame = traced.select("attack", "label", "run", calls=named)
    frame = frame.unique("calls", maintain_order=True)
    for attack in frame.filter(frame["label"] == 1)["attack"].unique(maintain_order=True).to_list():
        rest, out = (frame.filter((frame["attack"] == attack) == b) for b in (False, True))
        corpus = sequences.by_run(rest, table_of(kind, rest))
        yield left_out(kind, str(attack), corpus, table_of(kind, out).texts)


def _scripts(data: Path) -> Iterator[Case]:
    kind = _short(text_kind("scripts"))
    tables = script_tables(data)
    for language, table in tables.items():
        benign, unknown = (_of_class(table, side) for side in (0, 1))
        given = [benign if name == language else some for name, some in tables.items()]
        yield left_out(kind, f"malicious {language}", kind.corpus(given, 1), unknown.texts)


def script_tables(data: Path, most: int = SCRIPTS) -> dict[str, TextTable]:
    """At most so many scripts of each language."""
    kind = text_kind("scripts")
    return {
        language: some_of(table_of(kind, read(data / f"code/{file}.parquet")), most)
        for language, file in SCRIPT_FILES.items()
    }


def _pages(data: Path) -> Iterator[Case]:
    kind = text_kind("pages")
    tables = [
        table_of(kind, read(data / f"pages/deface_text_{p}.parquet")) for p in ("train", "test")
    ]
    silent = [
        (c == 1) and without_claims(text) == text
        for table in tables
        for text, c in zip(table.texts, table.y, strict=True)
    ]
    texts = [text for table in tables for text in table.texts]
    y = np.concatenate([table.y for table in tables])
    rows = np.flatnonzero(~np.asarray(silent))
    given = TextTable(tables[0].column, [texts[i] for i in rows], y[rows])
    unknown = [text for text, out in zip(texts, silent, strict=True) if out]
    yield left_out(kind, 'defaced without "hacked"', kind.corpus([given], 1), unknown)


def _events(data: Path) -> Iterator[Case]:
    kind = text_kind("events")
    tables = event_tables(data)
    for system in SYSTEMS[:2]:  # of the third 28 different sequences are normal
        normal, abnormal = (_of_class(tables[system], c) for c in (0, 1))
        given = [normal if name == system else table for name, table in tables.items()]
        corpus = kind.corpus(given, 1)
        held = {kind.bare(corpus.texts[i]) for i in np.flatnonzero(corpus.part == TEST)}
        harmless = [text for text in dict.fromkeys(normal.texts) if text in held]
        unknown = sorted(set(abnormal.texts) - set(normal.texts))
        yield Case(kind, system, corpus, among(system, harmless, unknown, SHARE))


def among(name: str, harmless: list[str], unknown: list[str], share: float) -> list[Judged]:
    """The harmless texts again and again, each time among them a share of other unknown ones,
    TESTED of those at most."""
    count = max(round(len(harmless) * share / (1 - share)), 1)
    drawn = np.random.default_rng(1).permutation(len(unknown))[:TESTED].tolist()
    parts = [drawn[i : i + count] for i in range(0, len(drawn), count)]
    return [
        Judged(
            name,
            harmless + [unknown[i] for i in part],
            np.repeat([0, UNKNOWN], [len(harmless), len(part)]),
        )
        for part in parts
    ]


def event_tables(data: Path, systems: Sequence[str] = SYSTEMS) -> dict[str, TextTable]:
    """The sequences of each system."""
    kind = text_kind("events")
    frame = read(data / "logs/event_sequences_ait_critical_review.parquet")
    return {name: table_of(kind, frame.filter(frame["dataset"] == name)) for name in systems}


# ── parts held out and other sources ──────────────────────────────────────────────────────


def held_out(kind: TextKind, data: Path) -> list[Judged]:
    """What the shipped model of a kind was not taught of its own sources, TESTED of each part."""
    if kind.name == "requests":
        of = requests.read_sources(data)
        learned = [of["httpparams"][0], *of["grananqvist"], of["csic"][0], *of["logs"], *of["urls"]]
        some = [some_of(table, THINNED) for table in learned]
        return [own_part("held out", request_corpus(some, 1, least=0))]
    if kind.name == "domains":
        names, pages = domains.names_of(data), domains.pages_of(data)
        harmless = [domains.ALEXA, *domains.OPENDNS]
        tables = [
            domains.name_table(names, harmless, _families()),
            *map(domains.url_table, pages.values()),
        ]
        return [own_part("held out", domain_names.corpus(tables, 1, THINNED, 0))]
    if kind.name == "scripts":
        corpora = {
            language: kind.corpus([table], 1)
            for language, table in script_tables(data, THINNED // 3).items()
        }
        parts = [own_part(language, corpus) for language, corpus in corpora.items()]
        texts = [text for part in parts for text in part.texts]
        return [*parts, Judged("all", texts, np.concatenate([part.y for part in parts]))]
    if kind.name == "events":
        parts = [
            own_part(name, kind.corpus([table], 1)) for name, table in event_tables(data).items()
        ]
        return [part._replace(texts=list(map(kind.bare, part.texts))) for part in parts]
    file = {"programs": "programs/malbehavd_v1", "pages": "pages/deface_text_train"}[kind.name]
    return [own_part("held out", kind.corpus([table_of(kind, read(data / f"{file}.parquet"))], 1))]


def elsewhere(kind: TextKind, data: Path) -> dict[str, Sequence[str]]:
    """Texts of sources that the shipped model of a kind never saw."""
    if kind.name == "requests":
        of = requests.read_sources(data)
        logs = {name: rows.texts for name, rows in requests.unlabelled(data).items()}
        return {"our range, held out": of["range"][1].texts, "Fwaf": of["fwaf"][0].texts, **logs}
    if kind.name == "programs":
        adfa = table_of(kind, read(data / "programs/adfa_ld.parquet")).texts
        return {"ADFA-LD": adfa, "our recording": table_of(kind, read(sequences.RECORDED)).texts}
    if kind.name == "pages":
        official = table_of(kind, read(data / "pages/deface_text_test.parquet")).texts
        short = [" ".join(text.split()[:30]) for text in official]
        return {"official test part": official, "– its first 30 words": short}
    if kind.name == "events":
        windows = read(data / "logs/otrf_sequences.parquet")["event_sequence_first5000"].to_list()
        return {
            "OpenStack of LogHub": event_tables(data, ["openstack_loghub"])[
                "openstack_loghub"
            ].texts,
            "recordings of Windows (OTRF)": [text for text in windows if text],
        }
    return {}


class Source(NamedTuple):
    """One source to learn from, and what others there are of its kind."""

    kind: TextKind
    name: str
    corpus: Corpus
    elsewhere: dict[str, Sequence[str]]


def single_sources(data: Path) -> Iterator[Source]:
    """Of the kinds whose shipped model learned all sources that there are."""
    names, pages = domains.names_of(data), domains.pages_of(data)
    tables = [
        domains.name_table(names, [domains.ALEXA], _families()),
        domains.url_table(pages["pdd"]),
    ]
    others: dict[str, Sequence[str]] = {
        "OpenDNS": [name for source in domains.OPENDNS for name in names[source]],
        "ESDAUNG": [text for side in pages["esdaung"].values() for text in side],
    }
    kind = _short(text_kind("domains"), batch=128)
    yield Source(kind, "Alexa, DGA, PDD", domain_names.corpus(tables, 1, NAMES, MADE_NAMES), others)
    kind = _short(text_kind("scripts"))
    scripts = script_tables(data)
    opcodes = read(data / f"code/{SCRIPT_FILES['PHP']}.parquet")["opcodes"].to_list()
    others = {name: scripts[name].texts for name in ("JavaScript", "PHP")}
    others["PHP, opcodes"] = [text for text in opcodes if text]
    yield Source(kind, "PowerShell", kind.corpus([scripts["PowerShell"]], 1), others)


def thinned(texts: Sequence[str]) -> list[str]:
    """TESTED different texts at most."""
    different = list(dict.fromkeys(texts))
    rows = np.random.default_rng(1).permutation(len(different))[:TESTED]
    return [different[i] for i in rows]


def own_part(name: str, corpus: Corpus) -> Judged:
    """The test part of a corpus, TESTED texts of it at most."""
    rows = np.random.default_rng(1).permutation(np.flatnonzero(corpus.part == TEST))[:TESTED]
    return Judged(name, [corpus.texts[i] for i in rows], corpus.y[rows])


def _families() -> list[str]:
    return [family for way in domains.WAYS.values() for family in way]


def _of_class(table: TextTable, c: int) -> TextTable:
    rows = np.flatnonzero(table.y == c)
    return replace(table, texts=[table.texts[i] for i in rows], y=table.y[rows])


def _short(kind: TextKind, batch: int | None = None) -> TextKind:
    options = replace(kind.options, epochs=EPOCHS, patience=EPOCHS)
    return replace(kind, options=replace(options, batch=batch or options.batch))
