"""Names that people give: none is empty to the eye, and none hides what cannot be seen. Letters that
only look alike, as the Latin and the Cyrillic a, stay different letters."""

from __future__ import annotations

import unicodedata
from unicodedata import category, combining

from django.utils.translation import gettext as _

from apps.contracts import Refused

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u180b\u180c\u180d\u180f") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
"""Letters and signs to Unicode, and nothing to the eye; also what selects a variant of a sign."""
_EMOJI, _APART, _TOGETHER = "\ufe0f", "\u200c", "\u200d"


def checked_name(name: str, most: int = 100) -> str:
    """A name as it is kept: composed (NFC), with single spaces and none around it.

    Raises `Refused` with a sentence. Refused are control characters, line breaks, spaces other
    than the plain one, and what has no width or turns the direction of writing; an emoji that is
    joined from several is too.
    """
    name = " ".join(filter(None, unicodedata.normalize("NFC", name).split(" ")))
    for before, char, after in zip(f" {name}", name, f"{name[1:]} ", strict=False):
        if (char in _BLANK or not char.isprintable()) and not _shown(before, char, after):
            raise Refused(
                _("The name holds a character that cannot be seen (U+%(code)s): type it anew.")
                % {"code": f"{ord(char):04X}"}
            )
    if not any(category(char)[0] in "LNPS" for char in name):
        raise Refused(_("A name needs a letter, a digit or a sign."))
    if len(name) > most:
        raise Refused(_("A name has at most %(most)d characters.") % {"most": most})
    return name


def _shown(before: str, char: str, after: str) -> bool:
    """Whether an unseen character is seen by what it does to its neighbours, as RFC 5892 (appendix
    A) has it: Indian scripts join and part letters so behind a virama, Persian parts them."""
    if char == _EMOJI:
        return category(before) == "So"
    if char not in (_APART, _TOGETHER) or category(after) != "Lo":
        return False
    if combining(before) == 9:  # a virama
        return _script(before) == _script(after)
    return char == _APART and _has_form(before, "INITIAL") and _has_form(after, "FINAL")


def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]


def _has_form(letter: str, form: str) -> bool:
    """Whether a letter of the Arabic script joins the next ("INITIAL"), the one before ("FINAL")."""
    try:
        return bool(unicodedata.lookup(f"{unicodedata.name(letter, '')} {form} FORM"))
    except KeyError:
        return False
