"""Pages made up to learn from: what intruders write, and what harmless pages say of intruders.

The data set at hand is mostly English and short where defaced, long where not, and nearly every
defaced page says "hacked"; its letters beyond ASCII are lost. So that no language, script, length
or single word is the verdict, nor politics, creeds or nicknames, this grammar says the same of
them on both sides. What only an intruder says is that this very site was taken, and how.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ml_core.kinds.page_grammar.english import ENGLISH, SCENE, SIGNS
from ml_core.kinds.page_grammar.latin import LATIN
from ml_core.kinds.page_grammar.scripts import SCRIPTS
from ml_core.kinds.page_grammar.tongue import Tongue

TONGUES: dict[str, Tongue] = {"en": ENGLISH, **LATIN, **SCRIPTS}

_HANDLES = (
    "shadow", "ghost", "cyber", "anon", "root", "dark", "storm", "viper", "phantom", "zero",
    "xploit", "night", "wolf", "dragon", "kid", "byte", "death", "system", "garuda", "tiger",
    "raven", "null", "cat", "venom", "frost", "toxic", "mad", "ninja", "black", "red", "eagle",
    "crow", "moon", "fox", "king", "lord", "bug", "virus", "smoke", "silent", "pixel", "blade",
)  # fmt: skip
_FIRMS = (
    "Nordwind Bank", "City Council", "Acme", "Sunrise Travel", "Green Valley School", "Alfa Shop",
    "Harbour Clinic", "Delta Press", "University of Technology", "Blue Lake Hotel", "Maria",
    "Kovacs", "El Sol", "Al Noor", "Sakura", "Bella Vista", "Müller", "Sri Devi", "Lotus",
)  # fmt: skip
_FRAMES = ("{}", "[ {} ]", "-=[ {} ]=-", "./{}", "~ {} ~", "<{}/>", "!! {} !!", "# {}", "::{}::")
_LEET = str.maketrans("aeiost", "431057")
_ALPHABETS = (  # first and last letters, of scripts with and without phrases
    "az", "az", "ая", "αω", "את", "ءي", "अह", "กฮ", "աև", "აჰ", "அஹ", "ሀፐ", "কহ",
    "一龥", "ぁん", "가힣", "ກຮ", "කෆ", "កអ",
)  # fmt: skip
_CHOICE = re.compile(r"\{([^{}]*)\}")


def page(intruder: bool, tongue: Tongue, rng: np.random.Generator) -> str:
    """A page in one language: an intruder's, or a harmless one, which may tell of intruders."""
    lines = _intruders(tongue, rng) if intruder else _harmless(tongue, rng)
    if rng.random() < 0.5:  # most of what a page says was never read before
        lines += [coined(tongue, rng.integers(1, 16), rng) for _ in range(rng.integers(1, 4))]
    if rng.random() < 0.5:
        lines = [_strange(line, tongue, rng) for line in lines]
    return _join(lines, rng)


def _harmless(tongue: Tongue, rng: np.random.Generator) -> list[str]:
    if rng.random() < 0.1:
        return [babble(rng)]
    if rng.random() < 0.1:
        return [coined(tongue, rng.integers(1, 40), rng)]
    loud = 0.9 if rng.random() < 0.15 else 0.1
    if rng.random() < 0.1:
        lines = _some(SCENE.ordinary, rng.integers(1, 5), handle, rng)
        lines += [_crew(rng)] * int(rng.integers(2))
        return [_shout(line, rng) if rng.random() < loud + 0.3 else line for line in lines]
    lines = _some(tongue.ordinary, rng.integers(1, 9), _whoever, rng)
    if rng.random() < 0.2:  # what programs write is English everywhere
        lines = _some(ENGLISH.ordinary, rng.integers(1, 4), _whoever, rng) + lines[:2]
    if rng.random() < 0.45:
        lines = lines[: rng.integers(0, 4)]
        lines += _some(tongue.reports, rng.integers(1, 5), _whoever, rng)
    if rng.random() < 0.35:
        lines = lines[: rng.integers(0, 5)]
        lines += _some(tongue.causes, rng.integers(1, 5), _whoever, rng)
    if rng.random() < 0.1:
        lines.append(babble(rng))
    return [_shout(line, rng) if rng.random() < loud else line for line in lines]


def _intruders(tongue: Tongue, rng: np.random.Generator) -> list[str]:
    name = handle(rng)

    def signed(rng: np.random.Generator) -> str:
        return name if rng.random() < 0.8 else handle(rng)

    if rng.random() < 0.2:  # hardly more than a signature
        lines = _some(SIGNS.claims, 1, signed, rng)
        lines += _some((*SIGNS.claims, *SIGNS.taunts), rng.integers(0, 3), signed, rng)
        return [_shout(line, rng) for line in lines]
    lines = []
    if rng.random() < 0.7:  # the others only taunt
        lines += _some(tongue.claims, 1, signed, rng) * int(rng.integers(1, 3))
    lines += _some(tongue.taunts, rng.integers(not lines, 4), signed, rng)
    if rng.random() < 0.4:
        lines += _some(tongue.causes, rng.integers(1, 4), signed, rng)
    if rng.random() < 0.15:
        lines += _some(SIGNS.taunts, 1, signed, rng)
    if rng.random() < 0.25:
        lines.append(_crew(rng))
    if rng.random() < 0.3:
        lines.append(name)
    if rng.random() < 0.1:
        lines.append(babble(rng))
    if rng.random() < 0.2:  # what was left of the page
        lines += _some(tongue.ordinary, rng.integers(1, 5), _whoever, rng)
    loud = 0.9 if rng.random() < 0.5 else 0.0
    return [_shout(line, rng) if rng.random() < loud else line for line in lines]


def handle(rng: np.random.Generator) -> str:
    """The name an intruder, or a player of games, goes by."""
    name = "".join(rng.choice(_HANDLES, size=rng.integers(1, 3), replace=False).tolist())
    style = rng.integers(6)
    if style == 0:
        name = name.translate(_LEET)
    elif style == 1:
        name = "".join(c.upper() if i % 2 else c for i, c in enumerate(name))
    elif style == 2:
        name = f"{name.title()}{rng.integers(1, 1000)}"
    elif style == 3:
        name = f"Mr.{name.title()}" if rng.random() < 0.5 else f"{name.title()} Team"
    elif style == 4:
        name = f"{name[:3]}_{_word('az', rng)}" if rng.random() < 0.5 else _word("az", rng)
    return str(rng.choice(_FRAMES)).format(name) if rng.random() < 0.4 else name


def babble(rng: np.random.Generator) -> str:
    """Words that nobody knows, in any script: no sign of anything."""
    alphabet = _ALPHABETS[rng.integers(len(_ALPHABETS))]
    return " ".join(_word(alphabet, rng) for _ in range(rng.integers(1, 40)))


def coined(tongue: Tongue, count: int | np.integer, rng: np.random.Generator) -> str:
    """Words that could be of a language, each of the halves of two that are."""
    words = _words(tongue)

    def word() -> str:
        a, b = (words[int(i)] for i in rng.integers(len(words), size=2))
        return a[: (len(a) + 1) // 2] + b[len(b) // 2 :]

    return " ".join(word() for _ in range(count))


@lru_cache
def _words(tongue: Tongue) -> list[str]:
    """Every word of a language's phrases, an intruder's or not."""
    return re.findall(r"[^\s{}|]{2,}", " ".join(" ".join(phrases) for phrases in tongue))


def _strange(line: str, tongue: Tongue, rng: np.random.Generator) -> str:
    """A line with some of its words in others' place."""
    return " ".join(
        coined(tongue, 1, rng) if rng.random() < 0.15 else word for word in line.split()
    )


def _word(alphabet: str, rng: np.random.Generator) -> str:
    first, last = map(ord, alphabet)
    return "".join(map(chr, rng.integers(first, last + 1, size=rng.integers(2, 9)).tolist()))


def _crew(rng: np.random.Generator) -> str:
    return " - ".join(handle(rng) for _ in range(rng.integers(2, 9)))


def _whoever(rng: np.random.Generator) -> str:
    return handle(rng) if rng.random() < 0.25 else str(rng.choice(_FIRMS))


def _some(
    phrases: tuple[str, ...],
    count: int | np.integer,
    name: Callable[[np.random.Generator], str],
    rng: np.random.Generator,
) -> list[str]:
    return [_filled(phrases[rng.integers(len(phrases))], name, rng) for _ in range(count)]


def _filled(
    phrase: str, name: Callable[[np.random.Generator], str], rng: np.random.Generator
) -> str:
    """A phrase with its names filled in and its choices made, inner ones first."""

    def choose(found: re.Match[str]) -> str:
        if found[1] == "n":
            return name(rng)
        choices = found[1].split("|")
        return choices[rng.integers(len(choices))]

    while _CHOICE.search(phrase):
        phrase = _CHOICE.sub(choose, phrase)
    return phrase


def _shout(line: str, rng: np.random.Generator) -> str:
    style = rng.integers(8)
    if style == 0:
        return line.upper()
    if style == 1:
        return line.translate(_LEET)
    return line + "!" * int(rng.integers(1, 4)) if style == 2 else line


def _join(lines: list[str], rng: np.random.Generator) -> str:
    rng.shuffle(lines)
    return str(rng.choice(["\n", " ", " \n", " - ", ". ", " | "])).join(lines)
