"""Undoes, for whole columns at once, what hides an attack in a request."""

from __future__ import annotations

import polars as pl

_PASSES = 3  # deeper nesting than %252527 is not decoded by any server we know

_PERCENT = {f"%{code:02{case}}": chr(code) for code in range(1, 128) for case in "xX"}
_OVERLONG = {  # UTF-8 written longer than allowed, once accepted by servers
    "%c0%af": "/",
    "%c1%9c": "\\",
    "%c0%ae": ".",
    "%e0%80%af": "/",
    "%e0%80%ae": ".",
    "%c0%2f": "/",
}
_ESCAPES = {
    prefix + f"{code:0{width}{case}}": chr(code)
    for prefix, width in (("%u", 4), ("\\u", 4), ("\\x", 2))
    for code in range(32, 127)
    for case in "xX"
}
_ENTITIES = {
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&apos;": "'",
    "&amp;": "&",
    "&lpar;": "(",
    "&rpar;": ")",
    "&colon;": ":",
    "&sol;": "/",
    "&bsol;": "\\",
    "&equals;": "=",
    "&grave;": "`",
    "&semi;": ";",
    "&newline;": "\n",
    "&tab;": "\t",
    "&nbsp;": " ",
} | {
    form: chr(code)
    for code in range(9, 127)
    for form in (f"&#{code};", f"&#{code:03};", f"&#x{code:x};", f"&#x{code:02x};")
}


def decoded(text: pl.Series) -> pl.Series:
    """What a server would read in `text`, on one line and ready for signatures.

    Plus signs are spaces; percent signs are read up to three times over, also `%u0027`, `\\u0027`,
    overlong UTF-8 and HTML entities; comments within SQL become spaces, and so does every run of
    white space and control characters but a line break, which separates commands. NUL bytes
    vanish.
    """
    text = text.str.replace_all("+", " ", literal=True)
    for _ in range(_PASSES):
        coded = text.str.contains("%", literal=True).fill_null(False)
        if not coded.any():
            break
        text = _where(coded, text, _OVERLONG | _PERCENT)
    for sign, table in (("\\", _ESCAPES), ("%u", _ESCAPES), ("&", _ENTITIES)):
        text = _where(text.str.contains(sign, literal=True).fill_null(False), text, table)
    text = text.str.replace_all(r"%00|\x00|\\0", "")
    commented = text.str.contains("/*", literal=True).fill_null(False)
    if commented.any():
        plain = text.filter(commented)
        # A comment with ! is run by MySQL: only its marks go, what it says stays.
        plain = plain.str.replace_all(r"/\*!\d{0,6}", " ").str.replace_all(r"/\*.*?\*/", " ")
        text = text.scatter(commented.arg_true(), plain.str.replace_all(r"\*/", " "))
    return text.str.replace_all(r"(?:[^\S\n]|[\x01-\x08\x0e-\x1f\x7f])+", " ")


def _where(rows: pl.Series, text: pl.Series, table: dict[str, str]) -> pl.Series:
    if not rows.any():
        return text
    replaced = text.filter(rows).str.replace_many(table, ascii_case_insensitive=True, leftmost=True)
    return text.scatter(rows.arg_true(), replaced)
