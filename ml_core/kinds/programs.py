"""What a program asks of its operating system: Windows API calls or Linux system calls.

A call is read by the words of its name and by what they say is done: `NtCreateFile`, `createfilew`
and `CREATEFILE` all create a file. Numbers of system calls are read by the kernel's tables. Recorders
differ in what they tell of repetition, so the first call of each name is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ml_core.kinds import system_calls
from ml_core.kinds.deeds import deeds, words_of
from ml_core.kinds.spellings import called
from ml_core.kinds.text import TRAINING, Corpus, TextTable
from ml_core.kinds.tokens import TokenCode, by_sequence, token_kind
from ml_core.network.options import Options

COPIES = 1  # of each program that learns, as other recorders would have told of it
_KERNEL = re.compile(r"(?:__(?:x64|ia32|arm64|se)_)?sys_", re.IGNORECASE)


def parts_of(call: str) -> list[str]:
    """What a call does, its words, and what they say is done."""
    words = words_of(call)
    acts = [f"deed {deed}" for deed in deeds(words)]
    return [f"call {' '.join(words)}", *(f"word {word}" for word in words[:4]), *acts]


def calls(text: str) -> list[str]:
    """The first call of each name, in order."""
    found = called(text)
    if found and all(call.isdecimal() for call in found):
        found = system_calls.named([int(call[:9]) for call in found])
    return list(dict.fromkeys(_KERNEL.sub("", call, count=1) for call in found))


def corpus(tables: Sequence[TextTable], seed: int) -> Corpus:
    """Every sequence that is read once; beside those that learn, as others would have recorded it."""
    read = [replace(table, texts=[" ".join(calls(t)) for t in table.texts]) for table in tables]
    return with_recorders(by_sequence(read, seed), seed)


def with_recorders(rows: Corpus, seed: int) -> Corpus:
    """Beside what learns, pieces of it without some of the calls.

    A recorder hooks the calls it knows and stops when its time is up: neither how many there are
    nor any one of them may be the verdict.
    """
    rng = np.random.default_rng(seed)
    learned = np.repeat(np.flatnonzero(rows.part == TRAINING), COPIES)
    return Corpus(
        rows.texts + [_recorded(rows.texts[i], rng) for i in learned],
        np.concatenate([rows.y, rows.y[learned]]),
        np.concatenate([rows.part, rows.part[learned]]),
    )


def _recorded(text: str, rng: np.random.Generator) -> str:
    sequence = calls(text)
    length = max(1, round(len(sequence) * rng.uniform(0.3, 1)))
    start = int(rng.integers(len(sequence) - length + 1)) if rng.random() < 0.5 else 0
    names = sorted(set(sequence))
    seen = rng.random(len(names)) >= rng.uniform(0, 0.5)
    hooked = {name for name, there in zip(names, seen.tolist(), strict=True) if there}
    piece = sequence[start : start + length]
    return " ".join([name for name in piece if name in hooked] or piece)


_CODE = TokenCode(calls, parts_of, steps=192, parts=8, tail=48)
KIND = token_kind(
    "programs",
    ("benign", "malware"),
    {
        "benign": ("normal", "0", "goodware"),
        "malware": ("malicious", "attack", "1", "virus", "trojan"),
    },
    ("calls", "api_calls", "syscalls", "system_calls", "apis", "api", "sequence", "trace", "text"),
    _CODE,
    "process.api_call",
    Options(epochs=25, patience=6, batch=32, rate=2e-3, hide=0.3),
    pool=1,
    corpus=corpus,
)
