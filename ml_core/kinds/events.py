"""Sequences of log events: template numbers or event ids of a host, a session or a block.

`channel:id` of Windows means the same everywhere; a template's number means something on one
system only, and what is normal is normal there only. So an event is read as itself and by the
one before it, and besides by how rare both are among the sequences given with it: those of the
same site, which need no labels. Sequences given alone are read without that. What learns is also
shown without its numbers, as on a system never seen, and in sites of different shares of the
abnormal.

Rarity against the unlabelled rest is what the simple detectors compared by Landauer, Skopik,
Wurzenberger, "A critical review of common log data sets used for evaluation of sequence-based
anomaly detection techniques", FSE 2024, look at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import log2

import numpy as np
import numpy.typing as npt

from ml_core.kinds.event_grammar import System
from ml_core.kinds.spellings import names
from ml_core.kinds.text import TEST, TRAINING, VALIDATION, Corpus, TextTable
from ml_core.kinds.tokens import Parts, TokenCode, by_sequence, token_kind
from ml_core.network.options import Options

Ints = npt.NDArray[np.int64]

MADE = 32  # sites of made-up systems
LEAST_SITE = 30  # sequences that rarity can be told from
SITES, SITE = 16, 250  # imitated sites of each table, and sequences of each
ABNORMAL = (0.03, 0.1, 0.25, 0.5)  # shares of the abnormal in those that are nameless
MOSTLY = (*ABNORMAL, 0.7, 0.9)  # and in the others, whose numbers tell more than rarity does
_TEMPLATE = re.compile(r"(?:e|event|evt|id|t)?[_:#-]?0*([0-9]+)\Z")
_WINDOWS = re.compile(
    r"(?:microsoft-windows-)?([a-z][a-z0-9 -]*?)(?:/operational)?[:/#]0*([0-9]+)\Z"
)
_CHANNELS = {"ps": "powershell", "windows powershell": "powershell"}
_RAREST = 7  # doublings: what less than one of 128 sequences holds is rare, and no rarer
_BETWEEN = "\x1f"  # parts of an event
_NAMELESS = "?"  # what an event begins with whose number means nothing
_SITE = "\x1e"  # what stands before it names the site of a sequence


def event(token: str) -> str:
    """One name for every spelling: `E5`, `event_05` and `5`; `Security:4624` with its channel."""
    token = token.lower()
    if template := _TEMPLATE.match(token):
        return template[1]
    if windows := _WINDOWS.match(token):
        return f"{_CHANNELS.get(windows[1], windows[1])}:{windows[2]}"
    return token


class Site:
    """What is common among the sequences of one site."""

    def __init__(self, sequences: Sequence[list[str]]) -> None:
        self.size = len(sequences)
        self.events = Counter(e for s in sequences for e in set(s))
        self.steps = Counter(step for s in sequences for step in set(_steps(s)))
        self.bags = Counter(frozenset(s) for s in sequences)
        self.length = float(np.median([len(s) for s in sequences])) if sequences else 0.0
        self.usual = {e for e, n in self.events.items() if n > self.size / 2}

    def described(self, sequence: list[str]) -> list[str]:
        """The events of one of its sequences, each the names of its parts in one string."""
        steps = _steps(sequence)
        whole: list[str] = []
        if self.size >= LEAST_SITE:
            rare = [self._rarity(self.events[name]) for name in sequence]
            rare_step = [self._rarity(self.steps[step]) for step in steps]
            bag = frozenset(sequence)
            longer = 2 * log2((len(sequence) + 1) / (self.length + 1))
            whole = [
                f"bag {round(self._rarity(self.bags[bag]))}",
                f"missing {min(len(self.usual - bag), 5)}",
                f"longer {max(-4, min(4, round(longer)))}",
                f"rarest {round(max(rare, default=0))}",
                f"rarest step {round(max(rare_step))}",
                f"strange {round(2 * sum(rare_step) / len(rare_step))}",
            ]
        found, seen = [], set[str]()
        for i, name in enumerate(sequence):
            before = steps[i][0]
            move = "same" if name == before else "back" if name in seen else "new"
            seen.add(name)
            parts = [f"move {move}"]
            if whole:
                parts += [f"rare {round(rare[i])}", f"rare step {round(rare_step[i])}", *whole]
            if not name.startswith(_NAMELESS):
                # thrice: what a known number says counts for more than how rare it is here
                parts += [f"step {before} {name}"] * 3
            found.append(_BETWEEN.join(parts))
        return found

    def _rarity(self, count: int) -> float:
        return min(log2(self.size / count), _RAREST)


def _steps(sequence: list[str]) -> list[tuple[str, str]]:
    return list(zip(["", *sequence], [*sequence, ""], strict=True))


def _parts_of(described: str) -> list[str]:
    return described.split(_BETWEEN)


_CODE = TokenCode(names, _parts_of, steps=128, parts=13, buckets=4096, tail=32)


def encode(texts: Sequence[str]) -> tuple[Parts, Ints]:
    """Events with spaces between [N], of one site, to parts [N, T, P] and lengths [N]."""
    sites: dict[str, list[int]] = {}
    sequences = []
    for i, text in enumerate(texts):
        name, _, rest = text.rpartition(_SITE)
        sites.setdefault(name, []).append(i)
        sequences.append([event(token) for token in names(rest)])
    read: list[list[str]] = [[]] * len(texts)
    for rows in sites.values():
        site = Site([sequences[i] for i in rows])
        for i in rows:
            read[i] = _CODE.cut(site.described(sequences[i])) or ["nothing"]
    return _CODE.encode_tokens(read)


def corpus(tables: Sequence[TextTable], seed: int) -> Corpus:
    """Each table is a system. It is tested as it is (each sequence once).

    What learns and validates is imitated sites: of four one is nameless, one is not told of the
    others. Sites of made-up systems are added.
    """
    texts: list[str] = []
    ys: list[Ints] = []
    parts: list[Ints] = []
    for number, table in enumerate(tables):
        rows = by_sequence([table], seed)
        for p in (TRAINING, VALIDATION, TEST):
            rng = np.random.default_rng([seed, number, p])
            held = np.flatnonzero(rows.part == p)
            sites = [held]
            if p != TEST:
                count = SITES if p == TRAINING else SITES // 4
                sites = [
                    _imitated(held, rows.y, ABNORMAL if k % 4 == 1 else MOSTLY, rng)
                    for k in range(count)
                ]
            for k, chosen in enumerate(sites):
                sequences = [rows.texts[i] for i in chosen]
                if p != TEST and k % 4 == 1:
                    sequences = nameless(sequences)
                name = f"{number} {p} {k}"
                alone = p != TEST and k % 4 == 2
                texts += [f"{name} {i if alone else ''}{_SITE}{s}" for i, s in enumerate(sequences)]
                ys.append(rows.y[chosen])
                parts.append(np.full(len(chosen), p))
    for p, count in ((TRAINING, MADE), (VALIDATION, MADE // 8)):
        rng = np.random.default_rng([seed, len(tables), p])
        for k in range(count):
            system, share = System(rng), ABNORMAL[rng.integers(len(ABNORMAL))]
            labels = (rng.random(SITE // 2) < share).astype(np.int64)
            texts += [f"made {p} {k}{_SITE}{system.sequence(bool(c))}" for c in labels]
            ys.append(labels)
            parts.append(np.full(len(labels), p))
    return Corpus(texts, np.concatenate(ys), np.concatenate(parts))


def bare(text: str) -> str:
    """A sequence without the name of the site that `corpus` put before it."""
    return text.rpartition(_SITE)[2]


def _imitated(rows: Ints, y: Ints, shares: tuple[float, ...], rng: np.random.Generator) -> Ints:
    """Rows of a site with one of the shares of the abnormal."""
    share = shares[rng.integers(len(shares))]
    normal, abnormal = rng.permutation(rows[y[rows] == 0]), rng.permutation(rows[y[rows] == 1])
    if not len(normal) or not len(abnormal):
        return rng.permutation(rows)[:SITE]
    size = min(SITE, len(normal) / (1 - share), len(abnormal) / share)
    chosen = [normal[: round(size * (1 - share))], abnormal[: max(round(size * share), 1)]]
    return rng.permutation(np.concatenate(chosen))


def nameless(texts: Sequence[str]) -> list[str]:
    """The same sequences, their events told apart and no more, as on another system."""
    return [" ".join(f"{_NAMELESS}{event(token)}" for token in names(text)) for text in texts]


KIND = token_kind(
    "events",
    ("normal", "abnormal"),
    {
        "normal": ("benign", "0"),
        "abnormal": ("anomalous", "anomaly", "attack", "malicious", "1"),
    },
    ("events", "event_sequence", "event_sequence_first5000", "event_ids", "sequence", "text"),
    _CODE,
    "event.code",
    Options(epochs=8, patience=3, batch=64, rate=2e-3, hide=0.1),
    embedding=24,
    pool=2,
    second=0,  # numbers of events mean nothing on another system
    encode=encode,
    corpus=corpus,
    bare=bare,
    as_given=True,
)
