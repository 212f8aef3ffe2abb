"""What a search asks: words, phrases and whole values, as conditions of records and of blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from apps.acquisition import frames, storage, words
from apps.contracts import RECORD_COLUMNS

MOST_TERMS = 10

_COLUMN = {column.name: column.attribute for column in RECORD_COLUMNS}


def _together(names: Sequence[str]) -> str:
    return f"concat_ws(' ', {', '.join(_COLUMN[name] for name in names)})"


_TEXT = f'lower(coalesce(event_original, {_together(storage.TEXTS)}) COLLATE "C")'
_URL = f'lower({_together(storage.URLS)} COLLATE "C")'


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for. What stays empty asks nothing; the others must all hold.

    `text` are words of the line as it came (of a record that was no line: of its fields): `word`,
    `beginn*`, `"words in this order"`. `url` are such words of the URL. `address` is an end of the
    connection, `user` who acted or was acted upon, each the whole value.
    """

    text: str = ""
    address: str = ""
    host: str = ""
    user: str = ""
    url: str = ""
    dataset: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """Text to be found, in ASCII lower case. It begins where a word begins, and ends where one
    ends if `whole`."""

    text: str
    whole: bool


def terms(text: str) -> list[Term]:
    """The words and quoted phrases of a question. ValueError where there are too many."""
    found = []
    for quoted, plain in re.findall(r'"([^"]*)"?|([^\s"]+)', text):
        if quoted.strip():
            found.append(Term(lower(" ".join(quoted.split())), whole=True))
        elif bare := plain.rstrip("*"):
            found.append(Term(lower(bare), whole=bare == plain))
    if len(found) > MOST_TERMS:
        raise ValueError(f"more than {MOST_TERMS} words")
    return found


def lower(text: str) -> str:
    """ASCII letters in lower case: what PostgreSQL's lower() does in the collation "C"."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def pattern(term: Term) -> str:
    """The regular expression of a term in text in lower case; Python and PostgreSQL agree on it."""
    before = after = ""
    if re.match(r"[0-9a-z_]", term.text):
        before = "(?<![0-9a-z_])" + (r"(?<![0-9]\.)" if term.text[0] in "0123456789" else "")
    if term.whole and re.search(r"[0-9a-z_]\Z", term.text):
        after = "(?![0-9a-z_])" + (r"(?!\.[0-9])" if term.text[-1] in "0123456789" else "")
    return before + re.sub(r"([!-/:-@\[-^`{-~])", r"\\\1", term.text) + after


@dataclass(slots=True)
class Conditions:
    """A question as SQL: conditions of a record with their parameters, and the hashes that a
    block with such a record holds."""

    asked: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    hashes: list[words.Hashes] = field(default_factory=list)

    @classmethod
    def of(cls, question: Question) -> Conditions:
        """ValueError where an address is none, or there are too many words."""
        made = cls()
        address = frames.addresses(pl.Series([question.address or None], dtype=pl.String))[0]
        if question.address and not address:
            raise ValueError("not an address")
        made._value("address", address or "")
        for name, value in (
            ("dataset", question.dataset),
            ("host", question.host),
            ("user", question.user),
        ):
            made._value(name, lower(value))
        made._words(_URL, question.url)
        made._words(_TEXT, question.text)
        return made

    @property
    def where(self) -> str:
        return " AND ".join(self.asked) or "TRUE"

    @property
    def of_block(self) -> str:
        return words.question(np.concatenate([*self.hashes, np.empty(0, np.uint64)]), "words")

    def _value(self, name: str, value: str) -> None:
        if not value:
            return
        form = "{}" if name == "address" else 'lower({} COLLATE "C")'
        columns = [form.format(_COLUMN[column]) for column in storage.VALUES[name]]
        self.asked.append(f"({' OR '.join(f'{column} = %s' for column in columns)})")
        self.parameters += [value] * len(columns)
        self.hashes.append(np.array([words.hash_of_value(name, value)], dtype=np.uint64))

    def _words(self, expression: str, text: str) -> None:
        for term in terms(text):
            # first what is quick: most records fail it
            self.asked.append(
                f"CASE WHEN strpos({expression}, %s) > 0 THEN {expression} ~ %s ELSE FALSE END"
            )
            self.parameters += [term.text, pattern(term)]
            self.hashes.append(words.hashes_to_ask(term.text, whole=term.whole))
