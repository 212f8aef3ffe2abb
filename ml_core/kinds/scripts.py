"""Scripts as the tokens of their language: PowerShell, JavaScript, PHP (tokens or opcodes).

One network reads all languages, so tokens are brought to common words: `i:eval` (JavaScript),
`S:eval` and `T_EVAL` (PHP) share `eval`; strings are known by their length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml_core.kinds.text import Span, TextKind
from ml_core.kinds.tokens import Parts, TokenCode
from ml_core.network.architecture import Architecture
from ml_core.network.options import Options

CLASSES = ("benign", "malicious")
_STRING = re.compile(
    r"(?:T_CONSTANT_ENCAPSED_STRING|T_ENCAPSED_AND_WHITESPACE|STRB64|STRHEX|STR)(?:<.*>)?\Z"
)
_CLASS = re.compile(r"\A(?:[a-zA-Z]:(?=.)|T_)")  # i:eval, S:eval, o:-split, T_EVAL
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LETTER = re.compile(r"\w")


def parts_of(token: str) -> list[str]:
    """The word without what its tokenizer says of it, and the words it is made of."""
    if _STRING.match(token):
        return [f"string {token.lower()}", "string"]
    bare = _CLASS.sub("", token, count=1)
    if not _LETTER.search(bare):
        return [f"sign {token}"]
    words = [word.lower() for word in _WORD.findall(bare)]
    parts = [f"token {bare.lower().lstrip('$-')}"]
    return parts + [f"word {word}" for word in words] if len(words) > 1 else parts


_CODE = TokenCode(str.split, parts_of, steps=320, parts=4, tail=100)


def encode(texts: Sequence[str]) -> tuple[Parts, npt.NDArray[np.int64]]:
    """Tokens with spaces between [N] to parts [N, T, P] and lengths [N]."""
    return _CODE.encode(texts)


def spans(text: str) -> list[Span]:
    """Each token that is read."""
    return [Span("script.token", token, i, i + 1) for i, token in enumerate(_CODE.read(text))]


KIND = TextKind(
    name="scripts",
    classes=CLASSES,
    aliases={
        "benign": ("normal", "0"),
        "malicious": ("mixed_malicious", "webshell", "malware", "attack", "1"),
    },
    columns=("tokens", "php_tokens", "opcodes"),
    encode=encode,
    spans=spans,
    architecture=Architecture(
        "tokens",
        inputs=_CODE.buckets,
        classes=len(CLASSES),
        steps=_CODE.steps,
        hidden=32,
        embedding=24,
        focus="ends",
    ),
    options=Options(epochs=8, patience=3, batch=64, rate=2e-3, hide=0.15),
)
