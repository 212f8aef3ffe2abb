"""Scripts as the tokens of their language: PowerShell, JavaScript, PHP (tokens or opcodes).

One network reads all languages, so tokens are brought to common ones: `i:eval` (JavaScript),
`S:eval` and `T_EVAL` (PHP) share `eval`, `-eq` and `T_IS_EQUAL` are `==`, and what functions do is
told by the words of their names, `FromBase64String` and `base64_decode` alike. Strings are known by
their length, and source text that was not taken apart is taken apart here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ml_core.kinds.deeds import deeds, words_of
from ml_core.kinds.spellings import listed
from ml_core.kinds.text import TRAINING, Corpus, TextTable, by_content
from ml_core.kinds.tokens import TokenCode, token_kind
from ml_core.network.options import Options

NAMELESS = 0.5  # of the scripts that learn, how many are also shown without what they call things
_STRING = re.compile(
    r"(?:T_CONSTANT_ENCAPSED_STRING|T_ENCAPSED_AND_WHITESPACE|STR(?P<how>B64|HEX)?)(?:<(?P<size>.*)>)?\Z"
)
# i:eval, S:eval, o:-split, T_EVAL, INIT_FCALL:trim
_CLASS = re.compile(r"\A(?:[a-zA-Z]:(?=.)|T_|INIT_FCALL(?:_BY_NAME)?:(?=.))")
_VARIABLE = re.compile(r"\A(?:i:)?(?:\$?[a-zA-Z_]?|ID|S:ID|T_VARIABLE|T_STRING|[a-z]:\$\w?)\Z")
_NUMBERS = frozenset(("NUM", "HEX", "T_LNUMBER", "T_DNUMBER"))
_COMMENTS = frozenset(("COM", "T_COMMENT", "T_DOC_COMMENT"))
_SIZES = {"s": "4-15", "m": "16-63", "l": "64-255", "xl": "256-1023"}
_SIGNS = dict(
    pair.split(" ")
    for pair in """
T_IS_EQUAL ==|T_IS_IDENTICAL ===|T_IS_NOT_EQUAL !=|T_IS_NOT_IDENTICAL !==|T_BOOLEAN_AND &&
T_BOOLEAN_OR \\|\\||T_LOGICAL_AND &&|T_LOGICAL_OR \\|\\||T_OBJECT_OPERATOR .|T_DOUBLE_COLON ::
T_INC ++|T_DEC --|T_PLUS_EQUAL +=|T_CONCAT_EQUAL +=|T_MINUS_EQUAL -=|T_DOUBLE_ARROW :
T_IS_SMALLER_OR_EQUAL <=|T_IS_GREATER_OR_EQUAL >=|T_CURLY_OPEN {|T_SL <<|T_SR >>
o:-eq ==|o:-ne !=|o:-gt >|o:-lt <|o:-ge >=|o:-le <=|o:-and &&|o:-or \\|\\||o:-not !|o:-bxor ^
o:-band &|o:-bor \\|
""".strip()
    .replace("\\|", "\0")
    .replace("\n", "|")
    .replace("|", "\n")
    .replace("\0", "|")
    .split("\n")
)
_KEYWORDS = """
if else elseif for foreach while do function return var let const new try catch throw finally
switch case break continue default in class this null true false undefined param begin process end
"""
_LETTER = re.compile(r"\w")
# source text: strings, comments, numbers, names with what marks them, signs
_CLOSED = {
    '"': r"""(?P<double>"(?:\\.|[^"\\])*+")""",
    "'": r"""(?P<single>'(?:\\.|[^'\\])*+')""",
    "/*": r"(?P<comment>/\*.*?\*/)",
    "<#": r"(?P<help><\#.*?\#>)",
}
_OTHERS = (
    r"(?P<line>//[^\n]*)|(?P<hex>0[xX][0-9a-fA-F]+)|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<name>[$@]?[A-Za-z_]\w*(?:-[A-Za-z]\w*)*)"
    r"|(?P<sign>[=!]==?|[<>]=|&&|\|\||\+\+|--|[-+.*/]=|::|->|=>|<\?php|[^\w\s])"
)
_SAID = {"hex": "HEX", "number": "NUM", **dict.fromkeys(("comment", "help", "line"), "COM")}
_QUOTED = re.compile(r"[\w=(,][\"']|[\"'][\w),;]")
_GLUE = frozenset("(){}[];,=")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}\Z")
_HEX = re.compile(r"(?:(?:\\x|0x|%)?[0-9a-fA-F]{2})+\Z")


def tokens(text: str) -> list[str]:
    """The tokens of a script, as its tokenizer gave them or, of source text, as ours does."""
    found = listed(text)
    if found:
        return found
    if _QUOTED.search(text):
        return _lexed(text)
    pieces = text.split() if any(c.isspace() for c in text) else text.split(",")
    if not any(map(_glued, pieces)):
        return [piece for piece in pieces if piece]
    return [t for piece in pieces for t in (_lexed(piece) if _glued(piece) else [piece])]


def _glued(piece: str) -> bool:
    """Whether words and signs stand together without blanks."""
    return not _GLUE.isdisjoint(piece) and _LETTER.search(piece) is not None


def _lexed(source: str) -> list[str]:
    found, start, endless = list[str](), 0, frozenset[str]()
    while True:
        for match in _source(endless).finditer(source, start):
            kind, value = str(match.lastgroup), match[0]
            if kind == "endless":
                # what is not closed from here on is not closed from anywhere later on either
                start, endless = match.start(), endless | {value}
                break
            is_string = kind in ("double", "single")
            found.append(_string(value[1:-1]) if is_string else _SAID.get(kind, value))
        else:
            return found


@lru_cache
def _source(endless: frozenset[str]) -> re.Pattern[str]:
    """The tokens of source text; what `endless` begin are no strings or comments, but signs."""
    closed = {begin: pattern for begin, pattern in _CLOSED.items() if begin not in endless}
    begins = "|".join(map(re.escape, closed)) or r"(?!)"
    return re.compile("|".join([*closed.values(), f"(?P<endless>{begins})", _OTHERS]), re.DOTALL)


def _string(value: str) -> str:
    bounds = (1, 4, 16, 64, 256, 1024)
    names = ("0", "1-3", "4-15", "16-63", "64-255", "256-1023", "1k+")
    how = "HEX" if len(value) > 3 and _HEX.match(value) else "B64" if _BASE64.match(value) else ""
    return f"STR{how}<{names[sum(len(value) >= bound for bound in bounds)]}>"


@lru_cache(maxsize=100_000)
def parts_of(token: str) -> tuple[str, ...]:
    """What a token is in every language, the words of its name and what they say is done."""
    if string := _STRING.match(token):
        size = string["size"] or ""
        return ("string", f"size {_SIZES.get(size, size)}", f"string {string['how'] or 'plain'}")
    if token in _NUMBERS:
        return ("number", f"number {token}")
    if token in _COMMENTS:
        return ("comment",)
    if _VARIABLE.match(token):
        return ("name", f"token {token.lower().lstrip('i:$')}")
    bare = _CLASS.sub("", _SIGNS.get(token, token), count=1)
    if not _LETTER.search(bare):
        return (f"sign {bare}",)
    words = words_of(bare)
    acts = [f"deed {deed}" for deed in deeds(words)]
    whole = f"token {bare.lower().lstrip('$-')}"
    return (whole, *(f"word {w}" for w in words[:3] if len(words) > 1), *acts)


def corpus(tables: Sequence[TextTable], seed: int) -> Corpus:
    """Every script once; beside those that learn, some without names that mean nothing elsewhere.

    What is left, as in a language never seen, is its signs, its strings and what it does.
    """
    rows = by_content(tables, seed)
    rng = np.random.default_rng(seed)
    learned = np.flatnonzero((rows.part == TRAINING) & (rng.random(len(rows.y)) < NAMELESS))
    return Corpus(
        rows.texts + [nameless(rows.texts[i]) for i in learned],
        np.concatenate([rows.y, rows.y[learned]]),
        np.concatenate([rows.part, rows.part[learned]]),
    )


def nameless(text: str) -> str:
    """A script without the names that neither the languages share nor a deed is told by."""
    return " ".join("ID" if _own(token) else token for token in tokens(text))


@lru_cache(maxsize=100_000)
def _own(token: str) -> bool:
    parts = parts_of(token)
    return parts[0].startswith("token ") and not (
        any(part.startswith("deed ") for part in parts) or parts[0][6:] in _KEYWORDS.split()
    )


_CODE = TokenCode(tokens, parts_of, steps=320, parts=7, tail=100)
KIND = token_kind(
    "scripts",
    ("benign", "malicious"),
    {
        "benign": ("normal", "0"),
        "malicious": ("mixed_malicious", "webshell", "malware", "attack", "1"),
    },
    ("tokens", "php_tokens", "opcodes", "script", "code", "source", "content", "text"),
    _CODE,
    "script.token",
    Options(epochs=8, patience=3, batch=64, rate=2e-3, hide=0.15),
    embedding=24,
    kernel=5,
    corpus=corpus,
)
