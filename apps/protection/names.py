"""Names that people give: none is empty to the eye, and none looks like another by what is unseen."""

from __future__ import annotations

from unicodedata import category

from django.utils.translation import gettext as _

from apps.contracts import Refused

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs to Unicode, and nothing to the eye."""


def checked_name(name: str, most: int = 100) -> str:
    """A name without the spaces around it. Raises `Refused` with a sentence.

    Refused are control characters, line breaks, spaces other than the plain one, and what has no
    width or turns the direction of writing; an emoji that is joined from several is too.
    """
    name = name.strip(" ")
    for char in name:
        if char in _BLANK or not char.isprintable():
            raise Refused(
                _("The name holds a character that cannot be seen (U+%(code)s): type it anew.")
                % {"code": f"{ord(char):04X}"}
            )
    if not any(category(char)[0] in "LNPS" for char in name):
        raise Refused(_("A name needs a letter, a digit or a sign."))
    if len(name) > most:
        raise Refused(_("A name has at most %(most)d characters.") % {"most": most})
    return name
