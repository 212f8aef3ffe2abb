"""What a program asks of its operating system: Windows API calls or Linux system calls.

A name is read whole and by its words: `NtCreateFile` and `CreateFileW` share `create` and
`file`. Numbers of system calls say nothing without their table (i386 and x86-64 disagree), so
they are read as the numbers they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml_core.kinds.text import Span, TextKind
from ml_core.kinds.tokens import Parts, TokenCode, by_sequence
from ml_core.network.architecture import Architecture
from ml_core.network.options import Options

CLASSES = ("benign", "malware")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# calling conventions and character sets, which a program's intent does not hang on
_FORMS = frozenset(("a", "w", "ex", "nt", "zw", "rtl", "ldr", "wsa"))


def parts_of(call: str) -> list[str]:
    """The call, what it does without its form, and its words."""
    if call.isdigit():
        return [f"number {int(call)}"]
    words = [word.lower() for word in _WORD.findall(call)]
    bare = [word for word in words if word not in _FORMS] or words
    return [f"call {call.lower()}", f"bare {' '.join(bare)}", *(f"word {word}" for word in bare)]


def calls(text: str) -> list[str]:
    """Numbers as they came; of names the first call of each, which is all some recorders tell."""
    found = text.split()
    return found if all(call.isdigit() for call in found) else list(dict.fromkeys(found))


_CODE = TokenCode(calls, parts_of, steps=192, parts=6, tail=48)


def encode(texts: Sequence[str]) -> tuple[Parts, npt.NDArray[np.int64]]:
    """Calls with spaces between [N] to parts [N, T, P] and lengths [N]."""
    return _CODE.encode(texts)


def spans(text: str) -> list[Span]:
    """Each call that is read."""
    return [Span("process.api_call", call, i, i + 1) for i, call in enumerate(_CODE.read(text))]


KIND = TextKind(
    name="programs",
    classes=CLASSES,
    aliases={
        "benign": ("normal", "0", "goodware"),
        "malware": ("malicious", "attack", "1", "virus", "trojan"),
    },
    columns=("calls", "api_calls", "syscalls"),
    encode=encode,
    spans=spans,
    architecture=Architecture(
        "tokens",
        inputs=_CODE.buckets,
        classes=len(CLASSES),
        steps=_CODE.steps,
        hidden=32,
        embedding=32,
        kernel=3,
        pool=1,
        focus="ends",
    ),
    options=Options(epochs=25, patience=6, batch=32, rate=2e-3, hide=0.3),
    corpus=by_sequence,
)
