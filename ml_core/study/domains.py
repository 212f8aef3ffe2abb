"""Generated names and phishing addresses: in-source, families and sources never learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ml_core.errors import DataError
from ml_core.kinds.account_forms import listed
from ml_core.kinds.domains import KIND, corpus, parts, read
from ml_core.kinds.text import TEST, TextTable, split_by_content
from ml_core.study.report import Cell, Chapter, Table, Topic
from ml_core.study.text_rivals import HEADER, Case, Rows, compare

HARMLESS, FAMILY, PAGES = 8_000, 1_000, 2_500  # names or addresses learned from, of each
MADE = 9_000  # names of made-up families
TESTED = 2_000  # of each side
WAYS = {
    "random letters": ("conficker", "cryptolocker", "tinba"),
    "hashes": ("goz", "new_goz", "zeus"),
    "syllables": ("pushdo", "ramdo", "others_dga"),
    "words": ("matsnu", "rovnix"),
}
ALEXA, OPENDNS = "alexa_top100k_2016", ("opendns-random-domains", "opendns-top-domains")
SMALL = replace(
    KIND, corpus=partial(corpus, made=MADE), options=replace(KIND.options, epochs=4, patience=4)
)
PHISHING = KIND.classes.index("phishing")
Names = dict[str, list[str]]  # by family or source


def run(data: Path, say: Callable[[str], None]) -> Chapter:
    names, pages = names_of(data), pages_of(data)
    rows: list[tuple[Cell, ...]] = []
    for case in (*_cases(names, pages),):
        rows += compare(SMALL, read, case)
        say(case.name)
    about = (
        "Names: `dga_train`; families are left out by the way they make names, and with them the"
        " OpenDNS names, which are the harmless side. Addresses: learned from one phishing data"
        " set, tested on the other, without the addresses and the hosts that both hold, and without"
        " pages of the known sites that the network learns made accounts on. All"
        " systems learn from the same rows; the network's corpus adds names made by"
        " `domain_forms`. Attack means generated or phishing; p_attack > 0.5."
    )
    return Chapter(
        "Domain names", "", (Table("Generated names and phishing", HEADER, tuple(rows), about),)
    )


def _cases(names: Names, pages: dict[str, Names]) -> Iterator[Case]:
    dga = [family for way in WAYS.values() for family in way]
    both = [name_table(names, [ALEXA, *OPENDNS], dga), *map(url_table, pages.values())]
    yield in_source(both)
    for way, left_out in WAYS.items():
        tables = [
            name_table(names, [ALEXA], [family for family in dga if family not in left_out]),
            url_table({"harmless": pages["pdd"]["harmless"], "phishing": []}),
        ]
        harmless = [name for source in OPENDNS for name in names[source]]
        yield _case(way, tables, harmless, [n for family in left_out for n in names[family]])
    for learned, tested in (("pdd", "esdaung"), ("esdaung", "pdd")):
        tables = [name_table(names, [ALEXA], []), url_table(pages[learned])]
        yield _case(f"{tested}, learned {learned}", tables, *pages[tested].values())


def in_source(tables: list[TextTable]) -> Case:
    """A tenth of every table held out by what its texts hold."""
    learned, texts, attack = [], [], []
    for table in tables:
        held = split_by_content([parts(text)[0] for text in table.texts]) == TEST
        learned.append(_some(table, np.flatnonzero(~held)))
        held &= [not listed(parts(text)[0]) for text in table.texts]
        chosen = _some(table, np.flatnonzero(held))
        texts += chosen.texts
        attack.append(chosen.y != 0)
    return Case("nothing: in-source", learned, Rows(texts, np.concatenate(attack)))


def _case(name: str, tables: list[TextTable], harmless: list[str], attacks: list[str]) -> Case:
    """Tested on what no table holds, nor another page of a host in it or of a site that pages are
    made on, evenly of both sides."""
    known = {parts(text)[0] for table in tables for text in table.texts}
    rng, sides = np.random.default_rng(1), []
    for side in (harmless, attacks):
        hosts = [parts(text)[0] for text in side]
        new = [
            t for t, host in zip(side, hosts, strict=True) if host not in known and not listed(host)
        ]
        sides.append([new[i] for i in rng.permutation(len(new))[:TESTED].tolist()])
    return Case(
        name, tables, Rows(sides[0] + sides[1], np.repeat([False, True], list(map(len, sides))))
    )


def name_table(names: Names, harmless: list[str], families: list[str]) -> TextTable:
    texts = [name for source in harmless for name in names[source][:HARMLESS]]
    attacks = [name for family in families for name in names[family][:FAMILY]]
    return TextTable("domain", texts + attacks, np.repeat([0, 1], [len(texts), len(attacks)]))


def url_table(pages: Names) -> TextTable:
    harmless, phishing = (pages[side][:PAGES] for side in ("harmless", "phishing"))
    y = np.repeat([0, PHISHING], [len(harmless), len(phishing)])
    return TextTable("url", harmless + phishing, y)


def _some(table: TextTable, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> TextTable:
    return TextTable(table.column, [table.texts[i] for i in rows.tolist()], table.y[rows])


def names_of(data: Path) -> Names:
    """The names of each family and source, shuffled, every name once."""
    import polars as pl

    path = data / "domains" / "dga_train.parquet"
    if not path.exists():
        raise DataError(f"{path}: no such file")
    table = pl.read_parquet(path).unique("domain", keep="first", maintain_order=True)
    table = table.sample(fraction=1.0, shuffle=True, seed=1)
    return {str(f): part["domain"].to_list() for (f,), part in table.group_by("family")}


def pages_of(data: Path) -> dict[str, Names]:
    """Harmless and phishing addresses of each data set, those of both in the second one only."""
    import polars as pl

    kept: dict[str, Names] = {}
    seen: set[str] = set()
    for name, file in (("esdaung", "esdaung_phish_balanced"), ("pdd", "pdd_phishing_urls")):
        table = pl.read_parquet(data / "domains" / f"{file}.parquet").unique("url")
        table = table.filter(~pl.col("url").is_in(seen)).sort("url")
        table = table.sample(fraction=1.0, shuffle=True, seed=1)
        sides = ("harmless", table["label"] == 0), ("phishing", table["label"] == 1)
        kept[name] = {side: table.filter(rows)["url"].to_list() for side, rows in sides}
        seen |= set(table["url"].to_list())
    return kept


TOPIC = Topic("domains", "Domain names", run, minutes=8)
