"""Where parsers that users wrote are kept: files in TOCSIN_HOME/parsers, and the database.

Files are for those who keep their configuration in files; what the dashboard saves lies in the
database, where web and workers see the same. One that is broken is reported and left out: it never
keeps anything from being read.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.acquisition.models import WrittenParser
from apps.acquisition.parsing import parsers
from apps.acquisition.written.checking import load
from apps.acquisition.written.document import LARGEST, Broken
from apps.acquisition.written.reader import Written

MOST = 100
"""Parsers of users: each looks at every line that comes."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """Attributes:
    parsers: those that work, by name.
    problems: one line for each that does not, naming file, line and key.
    """

    parsers: tuple[Written, ...] = ()
    problems: tuple[str, ...] = ()


_last: tuple[str, Kept] = ("", Kept())


def folder() -> Path:
    return Path(settings.HOME) / "parsers"


def current() -> Kept:
    """What files and database hold now; checked again only where something changed."""
    kept = WrittenParser.objects.values_list("name", "text")
    return _checked([*_files(), *((f"{name} (dashboard)", text) for name, text in kept)])


def of_home() -> Kept:
    """What the files alone hold: for who has no database."""
    return checked(_files())


def _checked(texts: list[tuple[str, str]]) -> Kept:
    global _last
    digest = hashlib.sha256()
    for name, text in texts:
        digest.update(f"{name}\0{text}\0".encode("utf-8", "replace"))
    key = digest.hexdigest()
    if _last[0] != key:
        kept = checked(texts)
        for problem in kept.problems:
            log.warning("a parser is left out: %s", problem)
        _last = (key, kept)
    return _last[1]


def checked(texts: Iterable[tuple[str, str]]) -> Kept:
    """Names and texts → the parsers that work, and what is wrong with the others."""
    good: dict[str, Written] = {}
    problems = []
    for name, text in texts:
        try:
            parser = load(text, name)
        except Broken as problem:
            problems.append(str(problem))
            continue
        if parser.name in good or parser.name in parsers():
            problems.append(f"{name}: name: there is a parser called {parser.name} already")
        elif len(good) >= MOST:
            problems.append(f"{name}: more than {MOST} parsers")
        else:
            good[parser.name] = parser
    return Kept(tuple(good.values()), tuple(problems))


def _files() -> Iterator[tuple[str, str]]:
    """Names and texts of the files; one that cannot be read is an empty one, which is reported."""
    try:
        found = sorted(path for path in folder().iterdir() if path.suffix in (".yml", ".yaml"))
    except OSError:
        return
    for path in found[: 2 * MOST]:
        try:
            with path.open("rb") as file:
                yield path.name, file.read(4 * LARGEST + 1).decode("utf-8", "replace")
        except OSError:
            yield path.name, ""
