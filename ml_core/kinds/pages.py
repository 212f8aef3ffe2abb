"""Web pages as words: title, visible and hidden text; what an intruder put there, or not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from html import unescape

import numpy as np
import numpy.typing as npt

from ml_core.kinds.page_grammar import TONGUES, page
from ml_core.kinds.spellings import listed
from ml_core.kinds.text import TRAINING, VALIDATION, Corpus, TextTable
from ml_core.kinds.text import by_content as split_texts
from ml_core.kinds.tokens import TokenCode, token_kind
from ml_core.network.options import Options

Ints = npt.NDArray[np.int64]

MADE = 48_000  # pages of the grammar among those to learn from, half of them defaced
# written without spaces: one letter, with its marks, is a token
_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_MARKS = "".join(c for c in map(chr, range(0x300, 0x1B00)) if unicodedata.category(c)[0] == "M")
_TOKEN = re.compile(
    rf"(?![{_MARKS}])[{_ALONE}][{_MARKS}]*|(?:(?![{_ALONE}])[\w@${_MARKS}])+|(?:(?![{_MARKS}])[^\w\s@$])+"
)
_UNREAD = re.compile(r"<(script|style)\b|<!--|-->", re.IGNORECASE)
_CLOSES = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in ("script", "style")}
_TAG = re.compile(
    r"</?(?:html|head|title|body|div|span|p|a|b|i|u|br|hr|img|h[1-6]|ul|ol|li|table|tr|td|th|center"
    r"|font|form|input|button|link|meta|script|style|nav|main|section|article|header|footer|strong"
    r"|em|pre|marquee|iframe|object|embed|audio|video)\b[^<>]*>|<!doctype[^<>]*>",
    re.IGNORECASE,
)
_LEET = str.maketrans("4@310!5$7", "aaeioisst")
_HACKED = re.compile(r"\S*(?:hack|h4ck|deface|pwn|0wn|owned)\S*", re.IGNORECASE)
_GRAM = 3  # characters


def words(text: str) -> list[str]:
    """The words and signs of a page, of its markup only what a reader is told."""
    text = "\n".join(listed(text) or [text])
    if len(_TAG.findall(text)) > 1:
        text = unescape(_TAG.sub(" ", _without_unread(text)))
    return _TOKEN.findall(text)


def _without_unread(text: str) -> str:
    """Without scripts, styles and the marks of comments; what is never closed is read."""
    kept, start, endless = list[str](), 0, set[str]()
    for mark in _UNREAD.finditer(text):
        name, end = str(mark[1]).lower(), mark.end()
        if mark.start() < start or name in endless:
            continue
        if name in _CLOSES:
            close = _CLOSES[name].search(text, end)
            if close is None:
                endless.add(name)  # and looked for no more
                continue
            end = close.end()
        kept.append(text[start : mark.start()])
        start = end
    return " ".join([*kept, text[start:]])


@lru_cache(maxsize=50_000)
def parts_of(token: str) -> tuple[str, ...]:
    """The word (accents and "h4ck3r" spelling undone), how it is written, its character groups."""
    if not any(c.isalnum() for c in token):
        return (f"sign {token[:3]}", "sign")
    word = _ascii(token.lower())
    if word.isdigit():
        return (f"number {len(word)}", "number")
    letters = sum(c.isalpha() for c in word)
    form = _form(token)
    if word.isascii() and 2 <= letters < len(word) and not word[:-3].isalpha():
        word, form = word.translate(_LEET), "leet"
    if len(word) < 3:
        return (f"word {word}", f"form {form}")
    framed = f"<{word}>"
    groups = [framed[i : i + _GRAM] for i in range(len(framed) - _GRAM + 1)]
    return (f"word {word}", f"form {form}", *(f"group {g}" for g in groups))


def _ascii(word: str) -> str:
    """Without accents: sources disagree about whether and how they keep them."""
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def _form(token: str) -> str:
    if token.islower():
        return "lower"
    if token.isupper():
        return "upper" if len(token) > 1 else "letter"
    return "title" if token[1:].islower() else "mixed" if token.isascii() else "other"


def corpus(tables: Sequence[TextTable], seed: int) -> Corpus:
    """What the tables hold and, beside what learns and validates, other forms of it.

    Harmless pages are also cut to the length of defaced ones; defacements also stand inside
    harmless pages, lose the words that give them away, and come in lower case or capitals; the grammar's
    pages are added. The test part stays what the data sets hold.
    """
    texts, y, part = split_texts(tables, seed)
    more: list[str] = []
    more_y, more_part = [], []
    for p in (TRAINING, VALIDATION):
        rng = np.random.default_rng([seed, p])
        harmless = [texts[i] for i in np.flatnonzero((part == p) & (y == 0))]
        defaced = [texts[i] for i in np.flatnonzero((part == p) & (y == 1))]
        if not harmless or not defaced:
            continue
        cuts = [_cut(text, defaced, rng) for text in harmless for _ in range(8)]
        inside = [f"{a} {text} {b}" for text in defaced for a, b in [_around(harmless, rng)]]
        crowds = ["\n".join(rng.choice(defaced, rng.integers(2, 7)).tolist()) for _ in defaced]
        bare = [t for t in map(without_claims, defaced) if len(_TOKEN.findall(t)) > 4]
        bare += [" ".join(text.split()[: rng.integers(4, 40)]) for text in bare * 2]
        tongues = list(TONGUES.values())
        made = [
            page(bool(i % 2), tongues[rng.integers(len(tongues))], rng)
            for i in range(MADE if p == TRAINING else MADE // 8)
        ]
        groups = (
            (cuts, 0),
            (inside, 1),
            (crowds[::2], 1),
            (bare, 1),
            (made[::2], 0),
            (made[1::2], 1),
        )
        for group, c in groups:
            more += [_recased(t, rng) for t in group]
            more_y += [c] * len(group)
            more_part += [p] * len(group)
    return Corpus(
        texts + more,
        np.concatenate([y, np.asarray(more_y, dtype=np.int64)]),
        np.concatenate([part, np.asarray(more_part, dtype=np.int64)]),
    )


def without_claims(text: str) -> str:
    """A text without the words that give most defacements away."""
    return _HACKED.sub("", text)


def _recased(text: str, rng: np.random.Generator) -> str:
    """A text, sometimes in lower case or in capitals."""
    style = rng.random()
    return text.lower() if style < 0.2 else text.upper() if style > 0.9 else text


def _cut(text: str, like: Sequence[str], rng: np.random.Generator) -> str:
    """A piece of a page as long as one of the others: half of them its beginning."""
    words = text.split(" ")
    length = len(like[int(rng.integers(len(like)))].split()) + int(rng.integers(0, 10))
    start = 0 if rng.random() < 0.5 else int(rng.integers(max(len(words) - length, 0) + 1))
    return " ".join(words[start : start + max(length, 1)])


def _around(harmless: Sequence[str], rng: np.random.Generator) -> tuple[str, str]:
    """What stands before and after a defacement that did not replace the page."""
    words = harmless[int(rng.integers(len(harmless)))].split(" ")
    before, after = rng.integers(0, 40), rng.integers(0, 80)
    return " ".join(words[:before]), " ".join(words[before : before + after])


KIND = token_kind(
    "pages",
    ("normal", "defaced"),
    {
        "normal": ("benign", "clean", "0"),
        "defaced": ("defacement", "malicious", "attack", "1"),
    },
    ("text", "page", "content", "html", "body"),
    TokenCode(words, parts_of, steps=256, parts=8, tail=64),
    "page.text",
    Options(epochs=8, patience=3, batch=64, rate=2e-3, hide=0.2),
    corpus=corpus,
    as_given=True,
)
