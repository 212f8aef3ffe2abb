"""How the phrases of a language are told."""

from __future__ import annotations

import re
from typing import NamedTuple


class Tongue(NamedTuple):
    """Phrases of one language; {n} is the name of an intruder or a firm, {a|b} is a or b."""

    claims: tuple[str, ...]  # an intruder's: this site is mine now
    taunts: tuple[str, ...]  # an intruder's: to the administrator, what was done and how
    causes: tuple[str, ...]  # anyone's: politics and creeds, which are no sign of an intruder
    reports: tuple[str, ...]  # a harmless page's: intruders and security, seen from outside
    ordinary: tuple[str, ...]  # any page's


def tongue(claims: str, taunts: str, causes: str, reports: str, ordinary: str) -> Tongue:
    """Phrases written one after another: a line break or a stroke between two."""
    parts = (claims, taunts, causes, reports, ordinary)
    return Tongue(*(tuple(p for p in re.split(r"\s*\n\s*| / ", part) if p) for part in parts))
